package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressWithoutATerminal(t *testing.T) {
	tests := map[string]struct {
		total int64
		steps []time.Duration // between additions of 10
		want  string
	}{
		"short":              {total: 20, steps: []time.Duration{0, 9 * time.Second}, want: "days: 20 of 20 (100 %)\n"},
		"a line every 10 s":  {total: 40, steps: []time.Duration{0, 10 * time.Second, 9 * time.Second, time.Second}, want: "days: 20 of 40 (50 %)\ndays: 40 of 40 (100 %)\ndays: 40 of 40 (100 %)\n"},
		"given up":           {total: 1000, steps: []time.Duration{0}, want: "days: 10 of 1000 (1 %)\n"},
		"an unknown total":   {steps: []time.Duration{time.Minute}, want: "days: 10\ndays: 10\n"},
		"nothing to be done": {want: "days: 0\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, time.November, 22, 8, 0, 0, 0, time.UTC)
			var log strings.Builder
			p := &program{log: &log, now: func() time.Time { return now }}
			g := p.progress("days", tc.total)
			for _, passed := range tc.steps {
				now = now.Add(passed)
				g.Add(10)
			}
			g.Done()
			require.Equal(t, tc.want, log.String())
		})
	}
}

func TestProgressOnATerminal(t *testing.T) {
	for name, total := range map[string]int64{"of a known total": 100, "of an unknown one": 0, "of one that is too low": 40} {
		t.Run(name, func(t *testing.T) {
			var terminal bytes.Buffer
			g := &progress{bar: newBar(&terminal, "days", total), out: &terminal}
			for range 10 {
				g.Add(10)
			}
			g.Done()
			require.Contains(t, terminal.String(), "days")
			require.Equal(t, 1, strings.Count(terminal.String(), "\n"), "%q", terminal.String())
			require.True(t, strings.HasSuffix(terminal.String(), "\n"))
		})
	}
}

func TestProgressForNobody(*testing.T) {
	var g *progress
	g.Add(1)
	g.Done()
}
