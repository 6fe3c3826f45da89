package homeassistant_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// another names a statistic of another tool.
const another = "linky:" + string(prm)

// foreign are metadata of another tool.
func foreign(unit string) homeassistanttest.Metadata {
	return homeassistanttest.Metadata{Name: new("Linky"), Unit: &unit, HasSum: true}
}

// imported gives rows as tools import them: the energy of each hour, and its sum so far.
func imported(start time.Time, energies ...float64) []homeassistanttest.Row {
	return onward(nil, start, energies...)
}

// onward goes on from the last row.
func onward(rows []homeassistanttest.Row, start time.Time, energies ...float64) []homeassistanttest.Row {
	var sum float64
	if len(rows) > 0 {
		sum = *rows[len(rows)-1].Sum
	}
	for i, e := range energies {
		sum += e
		rows = append(rows, homeassistanttest.Row{Start: start.Add(time.Duration(i) * time.Hour), State: new(e), Sum: new(sum)})
	}
	return rows
}

func repeat(n int, e float64) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = e
	}
	return all
}

// copied is what is to be said of a day: its form, its Wh by the hour, and its daily value.
type copied struct {
	day   string
	form  homeassistant.Form
	hours []int64
	wh    int64
}

func requireCopied(t require.TestingT, want []copied, got []homeassistant.CopiedDay) {
	require.Len(t, got, len(want))
	for i, w := range want {
		g := got[i]
		require.Equal(t, w.day, g.Day.String())
		require.Equal(t, w.form, g.Form, w.day)
		require.Equal(t, w.form == homeassistant.Lump, g.Curve.Readings == nil, w.day)
		var hours []int64
		for _, r := range g.Curve.Readings {
			if r.Missing {
				continue
			}
			require.EqualValues(t, 3600, r.Seconds())
			require.Equal(t, meter.Raw, r.Quality)
			require.Equal(t, "file", r.Source)
			hours = append(hours, r.Watts)
		}
		require.Equal(t, w.hours, hours, w.day)
		switch w.form {
		case homeassistant.ByHour:
			require.Equal(t, meter.DayValues{Day: g.Day, Source: "file", Quality: meter.Computed, Value: w.wh}, g.Daily)
			require.True(t, g.Curve.Complete(meter.LoadCurve))
		case homeassistant.Lump:
			require.Equal(t, meter.DayValues{Day: g.Day, Source: "file", Quality: meter.Raw, Value: w.wh}, g.Daily)
		case homeassistant.Part:
			require.Zero(t, g.Daily)
		}
	}
}

func TestCopy(t *testing.T) {
	hours := func(n int, wh int64) (all []int64) {
		for range n {
			all = append(all, wh)
		}
		return all
	}
	monday, tuesday := day("2026-11-16").Start(), day("2026-11-17").Start()
	spring, autumn := day("2026-03-29").Start(), day("2026-10-25").Start()
	indices := imported(monday, repeat(48, 300)...)
	for i := range indices {
		*indices[i].State = 1_000_000 + *indices[i].Sum
	}
	newestFirst := imported(monday, repeat(24, 0.4)...)
	for i := range newestFirst {
		*newestFirst[i].Sum = 0.4 * float64(24-i)
	}
	sumsAlone := imported(monday, repeat(24, 250)...)
	for i := range sumsAlone {
		sumsAlone[i].State = nil
	}
	gap := append(imported(monday, repeat(48, 100)...)[:5:5], imported(monday, repeat(48, 100)...)[7:]...)
	for i := range gap {
		gap[i].State = nil
	}

	for name, c := range map[string]struct {
		unit     string
		rows     []homeassistanttest.Row
		want     []copied
		unusable int
	}{
		"a day by the hour": {
			unit: "Wh", rows: imported(monday, repeat(24, 412)...),
			want: []copied{{"2026-11-16", homeassistant.ByHour, hours(24, 412), 24 * 412}},
		},
		"in kilowatt-hours": {
			unit: "kWh", rows: imported(monday, repeat(24, 0.412)...),
			want: []copied{{"2026-11-16", homeassistant.ByHour, hours(24, 412), 24 * 412}},
		},
		"in megajoules": {
			unit: "MJ", rows: imported(monday, repeat(24, 3.6)...),
			want: []copied{{"2026-11-16", homeassistant.ByHour, hours(24, 1000), 24000}},
		},
		"a day of 23 hours": {
			unit: "Wh", rows: imported(spring, repeat(23, 100)...),
			want: []copied{{"2026-03-29", homeassistant.ByHour, hours(23, 100), 2300}},
		},
		"a day of 25 hours": {
			unit: "Wh", rows: imported(autumn, repeat(25, 100)...),
			want: []copied{{"2026-10-25", homeassistant.ByHour, hours(25, 100), 2500}},
		},
		"a day of 25 hours of which a tool knew 24": {
			unit: "Wh", rows: imported(autumn, repeat(24, 100)...),
			want: []copied{{"2026-10-25", homeassistant.Part, hours(24, 100), 0}},
		},
		"halves of a watt-hour keep the day's sum": {
			unit: "Wh", rows: imported(monday, repeat(24, 412.5)...),
			want: []copied{{"2026-11-16", homeassistant.ByHour, append(hours(12, 413), hours(12, 412)...), 9900}},
		},
		"daily sums at midnight": {
			unit: "Wh", rows: append(imported(monday, 12345), onward(imported(monday, 12345), tuesday, 6789)[1:]...),
			want: []copied{
				{"2026-11-16", homeassistant.Lump, nil, 12345},
				{"2026-11-17", homeassistant.Lump, nil, 6789},
			},
		},
		"a daily sum before zeros": {
			unit: "Wh", rows: imported(monday, append([]float64{12345.4}, repeat(23, 0)...)...),
			want: []copied{{"2026-11-16", homeassistant.Lump, nil, 12345}},
		},
		"a day of nothing but zeros": {
			unit: "Wh", rows: imported(monday, repeat(24, 0)...),
			want: []copied{{"2026-11-16", homeassistant.ByHour, hours(24, 0), 0}},
		},
		"a daily sum of nothing": {
			unit: "Wh", rows: imported(monday, 0),
			want: []copied{{"2026-11-16", homeassistant.Lump, nil, 0}},
		},
		"states that are an index": {
			unit: "Wh", rows: indices,
			want: []copied{
				{"2026-11-16", homeassistant.ByHour, hours(24, 300), 7200},
				{"2026-11-17", homeassistant.ByHour, hours(24, 300), 7200},
			},
		},
		"sums that run backwards": {
			unit: "kWh", rows: newestFirst,
			want: []copied{{"2026-11-16", homeassistant.ByHour, hours(24, 400), 9600}},
		},
		"sums alone": {
			unit: "Wh", rows: sumsAlone,
			want: []copied{{"2026-11-16", homeassistant.ByHour, hours(24, 250), 6000}},
		},
		"sums alone, with a gap whose energy belongs to no hour": {
			unit: "Wh", rows: gap, unusable: 1,
			want: []copied{
				{"2026-11-16", homeassistant.Part, hours(21, 100), 0},
				{"2026-11-17", homeassistant.ByHour, hours(24, 100), 2400},
			},
		},
		"an energy below zero": {
			unit: "Wh", rows: imported(monday, append([]float64{-300}, repeat(23, 100)...)...), unusable: 1,
			want: []copied{{"2026-11-16", homeassistant.Part, hours(23, 100), 0}},
		},
		"a statistic without rows": {unit: "Wh"},
	} {
		t.Run(name, func(t *testing.T) {
			ha := homeassistanttest.New(homeassistanttest.Options{})
			ha.Put(another, foreign(c.unit), c.rows...)
			got, err := dial(t, ha).Copy(t.Context(), "file", another)
			require.NoError(t, err)
			requireCopied(t, c.want, got.Days)
			require.Equal(t, c.unusable, got.Unusable)
			for _, command := range ha.Commands() {
				require.NotEqual(t, "recorder/import_statistics", command.Type)
			}
		})
	}
}

func TestCopyAddsUp(t *testing.T) {
	monday := day("2026-11-16").Start()
	ha := homeassistanttest.New(homeassistanttest.Options{})
	night, noon := imported(monday, repeat(8, 0.2)...), imported(monday.Add(7*time.Hour), repeat(17, 0.5)...)
	ha.Put("myelectricaldata:"+string(prm)+"_hc_consumption", foreign("kWh"), night...)
	ha.Put("myelectricaldata:"+string(prm)+"_hp_consumption", foreign("kWh"), noon...)
	got, err := dial(t, ha).Copy(t.Context(), "file",
		"myelectricaldata:"+string(prm)+"_hc_consumption", "myelectricaldata:"+string(prm)+"_hp_consumption")
	require.NoError(t, err)
	want := []int64{200, 200, 200, 200, 200, 200, 200, 700}
	for range 16 {
		want = append(want, 500)
	}
	requireCopied(t, []copied{{"2026-11-16", homeassistant.ByHour, want, 10_100}}, got.Days)
}

func TestCopyReadsAnyLength(t *testing.T) {
	const years = 4
	first := day("2022-11-16")
	ha := homeassistanttest.New(homeassistanttest.Options{})
	n := int(day("2026-11-16").Start().Sub(first.Start()) / time.Hour)
	ha.Put(another, foreign("Wh"), imported(first.Start(), repeat(n, 500)...)...)
	got, err := dial(t, ha).Copy(t.Context(), "file", another)
	require.NoError(t, err)
	require.Len(t, got.Days, years*365+1)
	reads := 0
	for _, command := range ha.Commands() {
		if command.Type == "recorder/statistics_during_period" {
			reads++
		}
	}
	require.LessOrEqual(t, reads, 1+years+1, "the extent, and a year at a time")
}

func TestCopyRefuses(t *testing.T) {
	ha := homeassistanttest.New(homeassistanttest.Options{})
	ha.Put(another, foreign("Wh"))
	ha.Put(another+"_cost", foreign("€"))
	c := dial(t, ha)

	_, err := c.Copy(t.Context(), "file", "linky:11111111111111")
	require.ErrorIs(t, err, homeassistant.ErrUnknownStatistic)
	require.Equal(t, "linky:…1111: there is no such statistic in Home Assistant; of energy it has linky:…0987", err.Error())
	_, err = c.Copy(t.Context(), "file", another+"_cost")
	require.ErrorIs(t, err, homeassistant.ErrNotEnergy)
	require.NotContains(t, err.Error(), string(prm))
}

// TestCopyKeepsSums holds for whatever energies the hours of a day have.
func TestCopyKeepsSums(t *testing.T) {
	ha := homeassistanttest.New(homeassistanttest.Options{})
	c := dial(t, ha)
	rapid.Check(t, func(t *rapid.T) {
		d := day("2026-01-01") + meter.Day(rapid.IntRange(0, 364).Draw(t, "day"))
		n := int(d.Length() / time.Hour)
		milli := rapid.SliceOfN(rapid.Int64Range(1, 40_000_000), n, n).Draw(t, "mWh")
		energies, sum := make([]float64, n), int64(0)
		for i, m := range milli {
			energies[i], sum = float64(m)/1e6, sum+m // kWh
		}
		ha.Put(another, foreign("kWh"), imported(d.Start(), energies...)...)
		got, err := c.Copy(t.Context(), "file", another)
		require.NoError(t, err)
		require.Len(t, got.Days, 1)
		require.Equal(t, (sum+500)/1000, got.Days[0].Daily.Value)
		for i, r := range got.Days[0].Curve.Readings {
			require.InDelta(t, energies[i]*1000, r.Watts, 1, "an hour is off by less than one")
		}
	})
}
