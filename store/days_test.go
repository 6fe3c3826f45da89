package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestADayIsReadBackAsItWasMerged(t *testing.T) {
	spring, autumn := meter.NewDay(2026, time.March, 29), meter.NewDay(2026, time.October, 25)
	mixed := halfHours(yesterday, 300)
	mixed.Readings[7].Quality, mixed.Readings[9].Source = meter.Corrected, "sge"
	peak := value(yesterday, 6120)
	peak.At = time.Date(2026, time.November, 21, 19, 12, 40, 0, meter.Paris())
	tests := map[string]struct {
		series meter.Series
		day    meter.DayValues
	}{
		"a daily value":                            {daily, value(yesterday, 12345)},
		"a daily value of nothing, computed":       {daily, meter.DayValues{Day: yesterday, Source: "myelectricaldata"}},
		"a peak":                                   {maxPower, peak},
		"a complete curve":                         {curve, halfHours(yesterday, 412)},
		"a curve with holes":                       {curve, without(halfHours(yesterday, 412), 0, 1, 20, 47)},
		"a curve of 23 hours":                      {curve, halfHours(spring, 1)},
		"a curve of 25 hours":                      {curve, halfHours(autumn, 1)},
		"a curve of several qualities and sources": {curve, mixed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			merged := merge(t, s, tt.series, tt.day)
			require.Equal(t, []Stored{{DayValues: tt.day, Series: tt.series, Revision: 1, StoredAt: noon}}, merged.Changed)

			stored, ok, err := s.Stored(t.Context(), tt.series, tt.day.Day)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, Stored{DayValues: utc(tt.day), Series: tt.series, Revision: 1, StoredAt: noon}, stored)

			again := merge(t, s, tt.series, tt.day)
			require.Zero(t, again, "the same answer changes nothing")
		})
	}
}

func TestADayThatIsNotStored(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, daily, value(yesterday, 1))
	for _, series := range []meter.Series{daily, otherCurve} {
		_, ok, err := s.Stored(t.Context(), series, yesterday-1)
		require.NoError(t, err)
		require.False(t, ok)
	}
}

func TestRevisions(t *testing.T) {
	s := open(t, t.TempDir())
	first := merge(t, s, daily, value(yesterday, 3), value(yesterday-2, 1), value(yesterday-1, 2))
	require.Equal(t, []int64{1, 2, 3}, revisions(first), "the oldest day gets the lowest")
	require.Equal(t, yesterday-2, first.Changed[0].Day)

	second := merge(t, s, daily, value(yesterday-2, 1), value(yesterday-1, 20), value(yesterday, 3))
	require.Equal(t, []int64{4}, revisions(second), "an unchanged day gets none")

	other := merge(t, s, otherCurve, halfHours(yesterday, 1))
	require.Equal(t, []int64{5}, revisions(other), "all series share one row of revisions")

	require.Equal(t, []string{"2026112000000002"}, query(t, s, `SELECT day * 100000000 + revision FROM former`))
}

func revisions(m Merged) []int64 {
	var all []int64
	for _, d := range m.Changed {
		all = append(all, d.Revision)
	}
	return all
}

func TestARevisionIsNeverGivenAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	merge(t, s, daily, value(yesterday, 1), value(yesterday+1, 2))
	_, err = s.writer.ExecContext(t.Context(), `DELETE FROM series`)
	require.NoError(t, err)
	require.Equal(t, []string{"0"}, query(t, s, `SELECT count(*) FROM days`), "the days go with their series")
	require.NoError(t, s.Close())

	s = open(t, dir)
	require.Equal(t, []int64{3}, revisions(merge(t, s, daily, value(yesterday, 1))))
}

func TestOtherBoundsAreRefusedAlone(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, curve, halfHours(yesterday-1, 100), halfHours(yesterday, 100))
	hours := meter.DayValues{Day: yesterday, Readings: []meter.Reading{{
		Interval: meter.Interval{Start: yesterday.Start(), End: yesterday.Start().Add(time.Hour)},
		Watts:    7, Quality: meter.Corrected, Source: dataconnect,
	}}}
	merged := merge(t, s, curve, hours, halfHours(yesterday-1, 200))
	require.Equal(t, []meter.Day{yesterday}, merged.Refused)
	require.Equal(t, []int64{3}, revisions(merged))
	stored, _, err := s.Stored(t.Context(), curve, yesterday)
	require.NoError(t, err)
	require.Equal(t, utc(halfHours(yesterday, 100)), stored.DayValues)
}

func TestAnAnswerThatCannotBeKeptChangesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	odd := halfHours(yesterday, 1)
	odd.Readings[3].Start = odd.Readings[3].Start.Add(time.Millisecond)
	_, err := s.Merge(t.Context(), curve, []meter.DayValues{halfHours(yesterday-1, 1), odd}, byLength)
	require.ErrorContains(t, err, "whole seconds")
	require.Empty(t, daysOf(t.Context(), t, s, curve, meter.Days{From: 0, To: yesterday + 1}))
	require.Equal(t, []int64{1}, revisions(merge(t, s, daily, value(yesterday, 1))))
}

func TestMergeSetsTheMetersUpdate(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, daily)
	all, err := s.Meters(t.Context())
	require.NoError(t, err)
	require.Empty(t, all, "an answer without days changes nothing")

	require.NoError(t, s.SaveMeter(t.Context(), Meter{PRM: daily.PRM, FirstSeen: noon.Add(-time.Hour)}))
	merge(t, s, daily, value(yesterday, 1))
	s.now = func() time.Time { return noon.Add(time.Minute) }
	merge(t, s, daily, value(yesterday, 1))
	all, err = s.Meters(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, noon, all[0].UpdatedAt, "an unchanged answer is no update")
	require.Equal(t, noon.Add(-time.Hour), all[0].FirstSeen)
}

func TestDaysStreams(t *testing.T) {
	s := open(t, t.TempDir())
	var all []meter.DayValues
	for i := range meter.Day(100) {
		if i%7 != 3 { // with holes
			all = append(all, value(yesterday-100+i, int64(i)))
		}
	}
	merge(t, s, daily, all...)
	merge(t, s, maxPower, value(yesterday, 1))

	require.Equal(t, all, daysOf(t.Context(), t, s, daily, meter.Days{From: yesterday - 200, To: yesterday}))
	require.Equal(t, all[1:3], daysOf(t.Context(), t, s, daily, meter.Days{From: all[1].Day, To: all[2].Day + 1}))
	require.Empty(t, daysOf(t.Context(), t, s, daily, meter.Days{From: yesterday, To: yesterday - 50}))
	require.Empty(t, daysOf(t.Context(), t, s, otherCurve, meter.Days{From: 0, To: yesterday}))

	var seen int
	for d, err := range s.Days(t.Context(), daily, meter.Days{From: 0, To: yesterday}) {
		require.NoError(t, err)
		_, ok, err := s.Stored(t.Context(), daily, d.Day) // the store can be used in a walk
		require.NoError(t, err)
		require.True(t, ok)
		merge(t, s, daily, value(d.Day, 1000))
		if seen++; seen == 40 {
			break
		}
	}
}

func TestDaysEndWithTheirContext(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, daily, value(yesterday, 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errs []error
	for _, err := range s.Days(ctx, daily, meter.Days{From: 0, To: yesterday + 1}) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], ctx.Err())
	require.Len(t, daysOf(t.Context(), t, s, daily, meter.Days{From: 0, To: yesterday + 1}), 1)
}

// TestMergesAgreeWithAModel compares the store with meter.Merge on a map, and its summaries with its days.
func TestMergesAgreeWithAModel(t *testing.T) {
	s := open(t, t.TempDir())
	rapid.Check(t, func(rt *rapid.T) {
		_, err := s.writer.ExecContext(t.Context(), `DELETE FROM series`)
		require.NoError(rt, err)
		model := make(map[meter.Day]meter.DayValues)
		for range rapid.IntRange(1, 6).Draw(rt, "answers") {
			var answer []meter.DayValues
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(-40, 0), 1, 4, rapid.ID).Draw(rt, "days") {
				d := drawCurve(rt, yesterday+meter.Day(n))
				answer = append(answer, d)
				after, _ := meter.Merge(meter.LoadCurve, model[d.Day], d, byLength)
				model[d.Day] = after.DayValues
			}
			merge(t, s, curve, answer...)
		}
		var want []meter.DayValues
		for d := range (meter.Days{From: yesterday - 40, To: yesterday + 1}).All() {
			if v := model[d]; len(v.Readings) > 0 {
				want = append(want, utc(v))
			}
		}
		got := daysOf(t.Context(), t, s, curve, meter.Days{From: yesterday - 40, To: yesterday + 1})
		require.Equal(rt, want, got)
		requireSummed(t, rt, s, want)
	})
}

// requireSummed checks the coverage against the days.
func requireSummed(t *testing.T, rt *rapid.T, s *Store, days []meter.DayValues) {
	t.Helper()
	var want meter.Coverage
	for _, d := range days {
		_, _, dom := d.Day.Date()
		m := want.Edit(d.Day)
		m.Present |= 1 << dom
		if d.Complete(meter.LoadCurve) {
			m.Complete |= 1 << dom
		}
	}
	got, err := s.CoverageOf(t.Context(), curve)
	require.NoError(rt, err)
	require.Equal(rt, want, got)
	all, err := s.Coverage(t.Context())
	require.NoError(rt, err)
	require.Equal(rt, want, all[curve])
}

// drawCurve draws what a source may say of a curve day.
func drawCurve(t *rapid.T, d meter.Day) meter.DayValues {
	step := rapid.SampledFrom([]time.Duration{30, 30, 60}).Draw(t, "step") * time.Minute
	source := rapid.SampledFrom([]string{"a", "bb"}).Draw(t, "source")
	from := rapid.IntRange(0, 10).Draw(t, "hours missing")
	var readings []meter.Reading
	for start := d.Start().Add(time.Duration(from) * time.Hour); start.Before(d.End()); start = start.Add(step) {
		readings = append(readings, meter.Reading{
			Interval: meter.Interval{Start: start, End: start.Add(step)},
			Watts:    rapid.Int64Range(0, 3).Draw(t, "watts"),
			Quality:  rapid.SampledFrom([]meter.Quality{meter.Raw, meter.Corrected}).Draw(t, "quality"),
			Source:   source,
		})
	}
	days, _ := meter.Curve(meter.Days{From: d, To: d + 1}, readings)
	return days[0]
}

func TestCoverage(t *testing.T) {
	s := open(t, t.TempDir())
	empty, err := s.Coverage(t.Context())
	require.NoError(t, err)
	require.Empty(t, empty)

	first := meter.NewDay(2026, time.November, 1)
	merge(t, s, daily, value(first-1, 100), value(first, 20), value(first+1, 3))
	merge(t, s, daily, value(first, 40))
	merge(t, s, curve, without(halfHours(first, 9), 4))
	_, err = s.End(t.Context(), Attempt{
		Source: dataconnect, Series: otherCurve, Days: meter.Days{From: first - 2, To: first + 1}, At: noon, Outcome: NoData,
	}, Answer{})
	require.NoError(t, err)

	all, err := s.Coverage(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[meter.Series]meter.Coverage{
		daily: {
			{First: meter.NewDay(2026, time.October, 1), Present: 1 << 31, Complete: 1 << 31, Sum: 100},
			{First: first, Present: 1<<1 | 1<<2, Complete: 1<<1 | 1<<2, Sum: 43},
		},
		curve: {{First: first, Present: 1 << 1}},
		otherCurve: {
			{First: meter.NewDay(2026, time.October, 1), Asked: 1<<30 | 1<<31},
			{First: first, Asked: 1 << 1},
		},
	}, all)
	for series, want := range all {
		got, err := s.CoverageOf(t.Context(), series)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	none, err := s.CoverageOf(t.Context(), maxPower)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestRecent(t *testing.T) {
	s := open(t, t.TempDir())
	var values, curves []meter.DayValues
	for d := range (meter.Days{From: yesterday - 60, To: yesterday + 1}).All() {
		if d != yesterday-5 {
			values = append(values, value(d, int64(d)))
		}
		curves = append(curves, halfHours(d, 5))
	}
	last := len(curves) - 1
	without(curves[last], 47)
	merge(t, s, daily, values...)
	merge(t, s, maxPower, values[:3]...)
	merge(t, s, curve, curves...)
	merge(t, s, otherCurve, curves...)

	recent, err := s.Recent(t.Context(), curve.PRM)
	require.NoError(t, err)
	require.Equal(t, map[meter.Series][]meter.DayValues{
		daily:    values[len(values)-31:],
		maxPower: values[:3],
		curve:    {utc(curves[last-1])},
	}, recent)

	recent, err = s.Recent(t.Context(), "00000000000000")
	require.NoError(t, err)
	require.Empty(t, recent)
}

func TestRecentFindsAnOldCompleteCurve(t *testing.T) {
	s := open(t, t.TempDir())
	complete := halfHours(yesterday-300, 5)
	merge(t, s, curve, complete, without(halfHours(yesterday, 5), 1), without(halfHours(yesterday-299, 5), 1))
	recent, err := s.Recent(t.Context(), curve.PRM)
	require.NoError(t, err)
	require.Equal(t, map[meter.Series][]meter.DayValues{curve: {utc(complete)}}, recent)
}

// TestTheViewsSayWhatTheStoreSays compares the SQL that people read with the days that the program reads, on the changes of
// the clock of many years.
func TestTheViewsSayWhatTheStoreSays(t *testing.T) {
	s := open(t, t.TempDir())
	var days []meter.DayValues
	for d := range (meter.Days{From: meter.NewDay(2020, time.January, 1), To: meter.NewDay(2040, time.January, 1)}).All() {
		beside := d == meter.NewDay(2026, time.March, 28) || d == meter.NewDay(2026, time.October, 26)
		if d.Length() != 24*time.Hour || beside {
			days = append(days, without(halfHours(d, int64(d)), 3))
		}
	}
	merge(t, s, curve, days...)
	var want []string
	for _, d := range days {
		for _, r := range d.Readings {
			said := fmt.Sprintf("%d raw dataconnect", r.Watts)
			if r.Missing {
				said = "null null null"
			}
			want = append(want, fmt.Sprintf("%s %s %s %s %s %s", d.Day,
				r.Start.UTC().Format(time.RFC3339), r.End.UTC().Format(time.RFC3339),
				r.Start.In(meter.Paris()).Format(time.RFC3339), "1800", said))
		}
	}
	got := query(t, s, `SELECT printf('%04d-%02d-%02d %s %s %s %d %s %s %s', day/10000, day/100%100, day%100,
			start_utc, end_utc, start_paris, seconds,
			coalesce(watts, 'null'), coalesce(quality, 'null'), coalesce(source, 'null'))
		FROM readings WHERE prm = ? AND direction = 'consumption' ORDER BY start_utc`, curve.PRM)
	require.True(t, slices.Equal(want, got), "the first that differs: %s", firstDifference(want, got))

	peak := value(yesterday, 6120)
	peak.At = noon
	merge(t, s, daily, value(yesterday, 12345))
	merge(t, s, maxPower, peak)
	require.Equal(t, []string{"2026-11-21 12345 12.345 raw"}, query(t, s,
		`SELECT date || ' ' || wh || ' ' || kwh || ' ' || quality FROM daily`))
	require.Equal(t, []string{"2026-11-21 6120 2026-11-22T11:00:00Z"}, query(t, s,
		`SELECT date || ' ' || va || ' ' || at_utc FROM max_power`))
}

func firstDifference(want, got []string) string {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return fmt.Sprintf("want %q, got %q", want[i], got[i])
		}
	}
	return fmt.Sprintf("want %d rows, got %d", len(want), len(got))
}
