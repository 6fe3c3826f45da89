package meter_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestOpenDaysAreThoseNeitherCompleteNorAsked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := meter.NewDay(2024, 1, 1)
		day := rapid.Custom(func(t *rapid.T) meter.Day { return start + meter.Day(rapid.IntRange(0, 800).Draw(t, "day")) })
		var c meter.Coverage
		for range rapid.IntRange(0, 6).Draw(t, "runs") {
			from := day.Draw(t, "from")
			c.MarkAsked(meter.Days{From: from, To: from + meter.Day(rapid.IntRange(0, 90).Draw(t, "length"))})
		}
		run := meter.Days{From: day.Draw(t, "from"), To: day.Draw(t, "to")}
		first, last, found := meter.Day(0), meter.Day(0), false
		for d := range run.All() {
			if c.Complete(d) || c.Asked(d) {
				continue
			}
			if !found {
				first, found = d, true
			}
			last = d
		}
		gotFirst, ok := c.FirstOpen(run)
		require.Equal(t, found, ok)
		require.Equal(t, first, gotFirst)
		gotLast, ok := c.LastOpen(run)
		require.Equal(t, found, ok)
		require.Equal(t, last, gotLast)
	})
}
