package homeassistant_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestLay(t *testing.T) {
	ordinary, spring, autumn := day("2026-11-21"), day("2026-03-29"), day("2026-10-25")
	mixed := curve(ordinary, 30*time.Minute, constant(100))
	noon := ordinary.Start().Add(12 * time.Hour)
	mixed.Readings = slices.Concat(mixed.Readings[:24], []meter.Reading{ // 12:00, 12:10, 12:50, 14:20
		reading(noon, noon.Add(10*time.Minute), 600),
		reading(noon.Add(10*time.Minute), noon.Add(50*time.Minute), 90),
		reading(noon.Add(50*time.Minute), noon.Add(140*time.Minute), 7),
		reading(noon.Add(140*time.Minute), noon.Add(150*time.Minute), 1),
	}, mixed.Readings[29:])

	hours := func(n int, j meter.Joules) []meter.Joules { return slices.Repeat([]meter.Joules{j}, n) }
	for name, c := range map[string]struct {
		daily, curve []meter.DayValues
		day          meter.Day
		want         []meter.Joules // of its hours; nil for none
	}{
		"a daily value stands in the midnight hour": {
			daily: []meter.DayValues{daily(ordinary, 12345)}, day: ordinary, want: []meter.Joules{12345 * 3600},
		},
		"half hours": {
			curve: []meter.DayValues{curve(ordinary, 30*time.Minute, constant(401))}, day: ordinary, want: hours(24, 401*3600),
		},
		"quarters of an hour": {
			curve: []meter.DayValues{curve(ordinary, 15*time.Minute, func(n int) int64 { return int64(n % 4) })},
			day:   ordinary, want: hours(24, (0+1+2+3)*900),
		},
		"whole hours": {
			curve: []meter.DayValues{curve(ordinary, time.Hour, constant(1))}, day: ordinary, want: hours(24, 3600),
		},
		"ten minutes of one watt are no whole Wh, and not lost": {
			curve: []meter.DayValues{curve(ordinary, 10*time.Minute, func(n int) int64 { return int64((n + 1) % 6 / 5) })},
			day:   ordinary, want: hours(24, 600),
		},
		"mixed steps, one of them over two hours' ends": {
			curve: []meter.DayValues{mixed}, day: ordinary, want: slices.Concat(hours(12, 360000),
				[]meter.Joules{600*600 + 90*2400 + 7*600, 7 * 3600, 7*1200 + 1*600 + 100*1800}, hours(9, 360000)),
		},
		"the spring day has 23 hours": {
			curve: []meter.DayValues{curve(spring, 30*time.Minute, constant(100))}, day: spring, want: hours(23, 360000),
		},
		"the autumn day has 25 hours": {
			curve: []meter.DayValues{curve(autumn, 30*time.Minute, constant(100))}, day: autumn, want: hours(25, 360000),
		},
		"the curve stands where the daily value differs": {
			daily: []meter.DayValues{daily(ordinary, 999)},
			curve: []meter.DayValues{curve(ordinary, time.Hour, constant(50))}, day: ordinary, want: hours(24, 50*3600),
		},
		"a curve that lacks a slot does not count": {
			daily: []meter.DayValues{daily(ordinary, 1200)},
			curve: []meter.DayValues{lacking(curve(ordinary, 30*time.Minute, constant(100)), 7)},
			day:   ordinary, want: []meter.Joules{1200 * 3600},
		},
		"neither a daily value nor a complete curve": {
			curve: []meter.DayValues{lacking(curve(ordinary, 30*time.Minute, constant(100)), 0)}, day: ordinary,
		},
	} {
		t.Run(name, func(t *testing.T) {
			days := homeassistant.Lay(slices.Values(c.daily), slices.Values(c.curve))
			if c.want == nil {
				require.Empty(t, days)
				return
			}
			require.Len(t, days, 1)
			require.Equal(t, c.day, days[0].Day)
			var got []meter.Joules
			for i, h := range days[0].Hours {
				require.True(t, c.day.Start().Add(time.Duration(i)*time.Hour).Equal(h.Start), "hour %d begins at %v", i, h.Start)
				got = append(got, h.Energy)
			}
			require.Equal(t, c.want, got)
		})
	}
}

// lacking says that the nth slot is missing.
func lacking(v meter.DayValues, n int) meter.DayValues {
	v.Readings = slices.Clone(v.Readings)
	v.Readings[n].Missing, v.Readings[n].Watts = true, 0
	return v
}

func TestHoursAddUpToTheDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyCurve(t, rapid.SampledFrom([]meter.Day{day("2026-11-21"), day("2026-03-29"), day("2026-10-25")}).Draw(t, "day"))
		days := homeassistant.Lay(slices.Values([]meter.DayValues(nil)), slices.Values([]meter.DayValues{v}))
		require.Len(t, days, 1)
		var sum meter.Joules
		for _, h := range days[0].Hours {
			sum += h.Energy
			require.Zero(t, h.Start.UTC().Minute()+h.Start.UTC().Second())
		}
		require.Equal(t, v.Energy(), sum)
		require.Len(t, days[0].Hours, int(v.Day.Length()/time.Hour))
	})
}

// anyCurve draws a complete curve day of any steps.
func anyCurve(t *rapid.T, d meter.Day) meter.DayValues {
	v := meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw}
	step := rapid.SampledFrom([]int{10 * 60, 15 * 60, 30 * 60, 3600, 17*60 + 3})
	changing := rapid.Bool().Draw(t, "changing steps")
	length := step.Draw(t, "step")
	for from := d.Start(); from.Before(d.End()); {
		if changing {
			length = step.Draw(t, "step")
		}
		to := from.Add(time.Duration(length) * time.Second)
		if to.After(d.End()) {
			to = d.End()
		}
		v.Readings = append(v.Readings, reading(from, to, int64(rapid.IntRange(0, 9000).Draw(t, "watts"))))
		from = to
	}
	return v
}
