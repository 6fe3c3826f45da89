package meter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func wall(t *testing.T, s string) meter.Wall {
	t.Helper()
	w, err := time.Parse("2006-01-02 15:04", s)
	require.NoError(t, err)
	return w
}

func wallOf(at time.Time) meter.Wall {
	y, m, d := at.In(meter.Paris()).Date()
	h, minute, s := at.In(meter.Paris()).Clock()
	return time.Date(y, m, d, h, minute, s, 0, time.UTC)
}

func rfc3339(times []time.Time) []string {
	var out []string
	for _, at := range times {
		if at.IsZero() {
			out = append(out, "")
			continue
		}
		out = append(out, at.Format(time.RFC3339))
	}
	return out
}

func TestInstantsOfAWallClock(t *testing.T) {
	tests := map[string]struct {
		wall string
		want []string
	}{
		"winter":                     {wall: "2026-01-15 12:00", want: []string{"2026-01-15T12:00:00+01:00"}},
		"summer":                     {wall: "2026-07-15 12:00", want: []string{"2026-07-15T12:00:00+02:00"}},
		"before March's gap":         {wall: "2026-03-29 01:30", want: []string{"2026-03-29T01:30:00+01:00"}},
		"the first of March's gap":   {wall: "2026-03-29 02:00"},
		"in March's gap":             {wall: "2026-03-29 02:30"},
		"after March's gap":          {wall: "2026-03-29 03:00", want: []string{"2026-03-29T03:00:00+02:00"}},
		"before October's double":    {wall: "2026-10-25 01:30", want: []string{"2026-10-25T01:30:00+02:00"}},
		"October's first of double":  {wall: "2026-10-25 02:00", want: []string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"}},
		"October's second of double": {wall: "2026-10-25 02:30", want: []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"}},
		"after October's double":     {wall: "2026-10-25 03:00", want: []string{"2026-10-25T03:00:00+01:00"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, rfc3339(meter.Instants(wall(t, tc.wall))))
			first, ok := meter.EarliestInstant(wall(t, tc.wall))
			require.Equal(t, len(tc.want) > 0, ok)
			if ok {
				require.Equal(t, tc.want[0], first.Format(time.RFC3339))
			}
		})
	}
}

func TestResolveEnds(t *testing.T) {
	tests := map[string]struct {
		date  string
		step  time.Duration
		walls []string
		want  []string // clock and offset; empty for an anomaly
	}{
		"October in order, as Enedis sends it": {
			date: "2026-10-25", step: 30 * time.Minute,
			walls: []string{"01:30", "02:00", "02:30", "02:00", "02:30", "03:00"},
			want:  []string{"01:30+02:00", "02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00", "03:00+01:00"},
		},
		"October sorted by stamp, as a gateway's batch has it": {
			date: "2026-10-25", step: 30 * time.Minute,
			walls: []string{"01:30", "02:00", "02:00", "02:30", "02:30", "03:00"},
			want:  []string{"01:30+02:00", "02:00+02:00", "02:00+01:00", "02:30+02:00", "02:30+01:00", "03:00+01:00"},
		},
		"October by the hour": {
			date: "2026-10-25", step: time.Hour,
			walls: []string{"01:00", "02:00", "02:00", "03:00"},
			want:  []string{"01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"},
		},
		"October in 10 min": {
			date: "2026-10-25", step: 10 * time.Minute,
			walls: []string{
				"01:50", "02:00", "02:10", "02:20", "02:30", "02:40", "02:50",
				"02:00", "02:10", "02:20", "02:30", "02:40", "02:50", "03:00",
			},
			want: []string{
				"01:50+02:00", "02:00+02:00", "02:10+02:00", "02:20+02:00", "02:30+02:00", "02:40+02:00", "02:50+02:00",
				"02:00+01:00", "02:10+01:00", "02:20+01:00", "02:30+01:00", "02:40+01:00", "02:50+01:00", "03:00+01:00",
			},
		},
		"October that lost an hour keeps to the step": {
			date: "2026-10-25", step: 30 * time.Minute,
			walls: []string{"01:30", "02:00", "02:30", "03:00"},
			want:  []string{"01:30+02:00", "02:00+02:00", "02:30+02:00", "03:00+01:00"},
		},
		"October that lacks the first 02:30": {
			date: "2026-10-25", step: 30 * time.Minute,
			walls: []string{"01:30", "02:00", "02:00", "02:30", "03:00"},
			want:  []string{"01:30+02:00", "02:00+02:00", "02:00+01:00", "02:30+01:00", "03:00+01:00"},
		},
		"October that lacks the second 02:00": {
			date: "2026-10-25", step: 30 * time.Minute,
			walls: []string{"01:30", "02:00", "02:30", "02:30", "03:00"},
			want:  []string{"01:30+02:00", "02:00+02:00", "02:30+02:00", "02:30+01:00", "03:00+01:00"},
		},
		"March, where two stamps do not exist": {
			date: "2026-03-29", step: 30 * time.Minute,
			walls: []string{"01:00", "01:30", "03:00", "03:30"},
			want:  []string{"01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00"},
		},
		"a stamp in March's gap is an anomaly": {
			date: "2026-03-29", step: 30 * time.Minute,
			walls: []string{"01:30", "02:00", "02:30", "03:00"},
			want:  []string{"01:30+01:00", "", "", "03:00+02:00"},
		},
		"a stamp that comes twice in an ordinary hour is an anomaly": {
			date: "2026-11-21", step: 30 * time.Minute,
			walls: []string{"00:30", "00:30", "01:00"},
			want:  []string{"00:30+01:00", "", "01:00+01:00"},
		},
		"a stamp that comes three times in the doubled hour is an anomaly": {
			date: "2026-10-25", step: 30 * time.Minute,
			walls: []string{"02:00", "02:30", "02:00", "02:30", "02:00"},
			want:  []string{"02:00+02:00", "02:30+02:00", "02:00+01:00", "02:30+01:00", ""},
		},
		"out of order": {
			date: "2026-11-21", step: 30 * time.Minute,
			walls: []string{"01:00", "00:30", "01:30"},
			want:  []string{"01:00+01:00", "00:30+01:00", "01:30+01:00"},
		},
		"out of order in the doubled hour, once": {
			date: "2026-10-25", step: 30 * time.Minute,
			walls: []string{"03:30", "02:30"},
			want:  []string{"03:30+01:00", "02:30+02:00"},
		},
		"nothing": {date: "2026-11-21"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			stamps := make([]meter.Stamp, len(tc.walls))
			for i, w := range tc.walls {
				stamps[i] = meter.Stamp{At: wall(t, tc.date+" "+w), Step: tc.step}
			}
			var got []string
			for _, end := range meter.ResolveEnds(stamps) {
				if end.IsZero() {
					got = append(got, "")
					continue
				}
				got = append(got, end.Format("15:04-07:00"))
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// Whole days of each step come back, on the day of a change too, in order and sorted by stamp.
func TestResolveEndsRoundTrip(t *testing.T) {
	for _, date := range []string{"2025-10-26", "2026-03-29", "2026-10-25", "2026-11-21"} {
		for _, step := range []time.Duration{5, 10, 15, 30, 60} {
			d, step := day(t, date), step*time.Minute
			var want []time.Time
			for at := d.Start().Add(step); !at.After(d.End()); at = at.Add(step) {
				want = append(want, at)
			}
			require.Equal(t, want, meter.ResolveEnds(stampsOf(want, step)), "%s in %s", date, step)
			slices.SortStableFunc(want, func(a, b time.Time) int { return wallOf(a).Compare(wallOf(b)) })
			require.Equal(t, want, meter.ResolveEnds(stampsOf(want, step)), "%s in %s, sorted", date, step)
		}
	}
}

func stampsOf(ends []time.Time, step time.Duration) []meter.Stamp {
	stamps := make([]meter.Stamp, len(ends))
	for i, at := range ends {
		stamps[i] = meter.Stamp{At: wallOf(at), Step: step}
	}
	return stamps
}

// FuzzResolveEnds takes two bytes a stamp: half hours since the eve of the given day, and minutes of the step.
func FuzzResolveEnds(f *testing.F) {
	f.Add(int32(20386), []byte{51, 30, 52, 30, 53, 30, 52, 30, 53, 30, 54, 30}) // 2025-10-26
	f.Add(int32(20541), []byte{51, 30, 52, 30, 53, 30, 54, 30})                 // 2026-03-29
	f.Add(int32(20751), []byte{60, 60, 59, 10, 60, 30})                         // 2026-10-25
	f.Fuzz(func(t *testing.T, d int32, data []byte) {
		eve := time.Unix(int64(d%40000-1)*24*3600, 0).UTC()
		var stamps []meter.Stamp
		for pair := range slices.Chunk(data, 2) {
			if len(pair) == 2 {
				at := eve.Add(time.Duration(pair[0]) * 30 * time.Minute)
				stamps = append(stamps, meter.Stamp{At: at, Step: time.Duration(pair[1]) * time.Minute})
			}
		}
		ends := meter.ResolveEnds(stamps)
		require.Len(t, ends, len(stamps))
		given := map[int64]int{}
		for i, end := range ends {
			if !end.IsZero() {
				require.Equal(t, stamps[i].At, wallOf(end), "an end shows the stamp on a clock in Paris")
				given[end.Unix()]++
				require.Equal(t, 1, given[end.Unix()], "no instant is given twice")
			}
		}
		for i, end := range ends {
			if end.IsZero() {
				for _, meant := range meter.Instants(stamps[i].At) {
					require.Equal(t, 1, given[meant.Unix()], "a stamp is an anomaly when all that it may mean is taken")
				}
			}
		}
	})
}
