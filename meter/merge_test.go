package meter

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// byLength prefers "a" to "bb" to "ccc".
func byLength(source string) int { return len(source) }

func TestMergeValue(t *testing.T) {
	peak := time.Date(2026, time.November, 21, 18, 12, 40, 0, time.UTC)
	day := func(value int64, q Quality, source string) DayValues {
		return DayValues{Day: 20778, Value: value, Quality: q, Source: source}
	}
	tests := map[string]struct {
		stored, answer     DayValues
		changed, differing bool
	}{
		"a first value":                         {DayValues{}, day(12, Raw, "a"), true, false},
		"a first value of nothing":              {DayValues{}, day(0, Raw, "a"), true, false},
		"a first value of nothing, computed":    {DayValues{}, day(0, Computed, "a"), true, false},
		"nothing computed twice":                {day(0, Computed, "a"), day(0, Computed, "a"), false, false},
		"the same again":                        {day(12, Raw, "a"), day(12, Raw, "a"), false, false},
		"the same from another source":          {day(12, Raw, "bb"), day(12, Raw, "a"), false, false},
		"a newer answer":                        {day(12, Raw, "a"), day(13, Raw, "a"), true, false},
		"a preferred source":                    {day(12, Raw, "bb"), day(13, Raw, "a"), true, true},
		"a less preferred source":               {day(12, Raw, "a"), day(13, Raw, "bb"), false, true},
		"a less preferred source of corrected":  {day(12, Corrected, "a"), day(13, Corrected, "bb"), false, true},
		"a less preferred source, corrected":    {day(12, Raw, "a"), day(13, Corrected, "bb"), false, false},
		"a correction":                          {day(12, Raw, "a"), day(12, Corrected, "a"), true, false},
		"a correction by a preferred source":    {day(12, Raw, "bb"), day(13, Corrected, "a"), true, false},
		"raw after a correction":                {day(12, Corrected, "a"), day(13, Raw, "a"), false, false},
		"raw after a less preferred correction": {day(12, Corrected, "bb"), day(13, Raw, "a"), false, false},
		"Enedis's value after a computed one":   {day(12, Computed, "a"), day(13, Raw, "bb"), true, false},
		"a computed value after Enedis's":       {day(12, Raw, "bb"), day(13, Computed, "a"), false, false},
		"a computed value after another":        {day(12, Computed, "a"), day(13, Computed, "bb"), true, false},
		"the same peak at another time": {
			withPeak(day(12, Raw, "a"), peak), withPeak(day(12, Raw, "a"), peak.Add(time.Second)), true, false,
		},
		"the same peak at the same time in Paris": {
			withPeak(day(12, Raw, "a"), peak), withPeak(day(12, Raw, "a"), peak.In(Paris())), false, false,
		},
		"the same peak within the second from a preferred source": {
			withPeak(day(12, Raw, "bb"), peak), withPeak(day(12, Raw, "a"), peak.Add(999*time.Millisecond)), false, false,
		},
		"the same peak within the second from a less preferred source": {
			withPeak(day(12, Raw, "a"), peak), withPeak(day(12, Raw, "bb"), peak.Add(-999*time.Millisecond)), false, false,
		},
		"the same peak at another second from a less preferred source": {
			withPeak(day(12, Raw, "a"), peak), withPeak(day(12, Raw, "bb"), peak.Add(-time.Second)), false, true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Merge(Daily, tt.stored, tt.answer, byLength)
			require.NoError(t, err)
			want := Merged{DayValues: tt.stored, Changed: tt.changed, Differing: tt.differing}
			if tt.changed {
				want.DayValues = tt.answer
			}
			require.Equal(t, want, got)
		})
	}
}

func withPeak(d DayValues, at time.Time) DayValues {
	d.At = at
	return d
}

// slots gives readings that follow each other from hour on, each of so many minutes.
func slots(hour, minutes int, q Quality, source string, watts ...int64) []Reading {
	start := Day(20778).Start().Add(time.Duration(hour) * time.Hour)
	var rs []Reading
	for _, w := range watts {
		end := start.Add(time.Duration(minutes) * time.Minute)
		rs = append(rs, Reading{Interval: Interval{start, end}, Watts: w, Quality: q, Source: source})
		start = end
	}
	return rs
}

func TestMergeCurve(t *testing.T) {
	join := slices.Concat[[]Reading, Reading]
	tests := map[string]struct {
		stored, answer, want []Reading // what is missing is left out
		changed, differing   bool
		err                  error
	}{
		"a first answer": {
			nil, slots(0, 30, Raw, "a", 1, 2), slots(0, 30, Raw, "a", 1, 2), true, false, nil,
		},
		"an answer of nothing": {
			nil, nil, nil, false, false, nil,
		},
		"what an answer lacks stays": {
			slots(0, 30, Raw, "a", 1, 2), slots(4, 30, Raw, "a", 3),
			join(slots(0, 30, Raw, "a", 1, 2), slots(4, 30, Raw, "a", 3)), true, false, nil,
		},
		"a hole is filled by a less preferred source": {
			slots(0, 60, Raw, "a", 1), slots(1, 60, Raw, "bb", 2),
			join(slots(0, 60, Raw, "a", 1), slots(1, 60, Raw, "bb", 2)), true, false, nil,
		},
		"a slot is corrected and another is not replaced": {
			join(slots(0, 60, Raw, "a", 1), slots(1, 60, Corrected, "a", 2)),
			join(slots(0, 60, Corrected, "a", 9), slots(1, 60, Raw, "a", 9)),
			join(slots(0, 60, Corrected, "a", 9), slots(1, 60, Corrected, "a", 2)), true, false, nil,
		},
		"other bounds that cover as much": {
			slots(0, 60, Raw, "a", 1), slots(0, 30, Raw, "a", 1, 2), slots(0, 30, Raw, "a", 1, 2), true, false, nil,
		},
		"other bounds that cover less": {
			slots(0, 60, Raw, "a", 1), slots(0, 30, Raw, "a", 1), slots(0, 60, Raw, "a", 1), false, false, ErrOtherBounds,
		},
		"other bounds replace slots that they do not touch": {
			slots(0, 60, Raw, "a", 1, 2), slots(1, 30, Raw, "a", 3, 4, 5, 6), slots(1, 30, Raw, "a", 3, 4, 5, 6), true, false, nil,
		},
		"other bounds over a corrected slot": {
			slots(0, 60, Corrected, "a", 1), slots(0, 30, Raw, "a", 1, 2), slots(0, 60, Corrected, "a", 1), false, false, ErrOtherBounds,
		},
		"other bounds beside a corrected slot that raw would replace": {
			join(slots(0, 30, Corrected, "a", 1, 2), slots(1, 60, Raw, "a", 3)),
			slots(0, 30, Raw, "a", 7, 8, 9, 10),
			join(slots(0, 30, Corrected, "a", 1, 2), slots(1, 60, Raw, "a", 3)), false, false, ErrOtherBounds,
		},
		"a less preferred source that differs": {
			slots(0, 60, Raw, "a", 1, 2), slots(0, 60, Raw, "bb", 1, 3, 4),
			join(slots(0, 60, Raw, "a", 1, 2), slots(2, 60, Raw, "bb", 4)), true, true, nil,
		},
		"a preferred source that differs": {
			slots(0, 60, Raw, "bb", 1, 2), slots(0, 60, Raw, "a", 3),
			join(slots(0, 60, Raw, "a", 3), slots(1, 60, Raw, "bb", 2)), true, true, nil,
		},
		"a less preferred source that only repeats": {
			slots(0, 60, Raw, "a", 1, 2), slots(0, 60, Raw, "bb", 1, 2), slots(0, 60, Raw, "a", 1, 2), false, false, nil,
		},
		"another source's correction of another's raw": {
			slots(0, 60, Raw, "bb", 1), slots(0, 60, Corrected, "a", 2), slots(0, 60, Corrected, "a", 2), true, false, nil,
		},
		"a slot that differs beside other bounds": {
			slots(0, 60, Raw, "a", 1, 2), join(slots(0, 60, Raw, "bb", 9), slots(1, 30, Raw, "bb", 2)),
			slots(0, 60, Raw, "a", 1, 2), false, true, ErrOtherBounds,
		},
		"other bounds of a less preferred source": {
			slots(0, 60, Raw, "a", 1), slots(0, 30, Raw, "bb", 1, 2, 3), slots(0, 60, Raw, "a", 1), false, false, ErrOtherBounds,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stored := DayValues{Day: 20778, Readings: tt.stored}
			stored.normalise()
			got, err := Merge(LoadCurve, stored, DayValues{Day: 20778, Readings: tt.answer}, byLength)
			require.ErrorIs(t, err, tt.err)
			want := DayValues{Day: 20778, Readings: tt.want}
			want.normalise()
			require.Equal(t, Merged{DayValues: want, Changed: tt.changed, Differing: tt.differing}, got)
		})
	}
}

// drawAnswer draws what a source may say of a curve day: slots of one step, some of them missing.
func drawAnswer(t *rapid.T, label string) DayValues {
	v := DayValues{Day: rapid.SampledFrom([]Day{
		NewDay(2026, time.March, 29), NewDay(2026, time.October, 25), NewDay(2026, time.November, 21),
	}).Draw(t, "day")}
	return drawReadings(t, label, v)
}

func drawReadings(t *rapid.T, label string, v DayValues) DayValues {
	step := rapid.SampledFrom([]time.Duration{30, 60}).Draw(t, label+" step") * time.Minute
	source := rapid.SampledFrom([]string{"a", "bb", "ccc"}).Draw(t, label+" source")
	density := rapid.IntRange(1, 4).Draw(t, label+" density")
	for start := v.Day.Start(); start.Before(v.Day.End()); start = start.Add(step) {
		r := Reading{Interval: Interval{start, start.Add(step)}, Missing: true}
		if rapid.IntRange(1, 4).Draw(t, label+" there") <= density {
			r.Missing, r.Watts, r.Source = false, rapid.Int64Range(0, 2).Draw(t, label+" watts"), source
			r.Quality = rapid.SampledFrom([]Quality{Raw, Raw, Corrected}).Draw(t, label+" quality")
		}
		v.Readings = append(v.Readings, r)
	}
	v.normalise()
	return v
}

func overlaps(a, b Reading) bool { return a.Start.Before(b.End) && b.Start.Before(a.End) }

// drawStored draws a curve day that up to three answers have made.
func drawStored(t *rapid.T) DayValues {
	stored := drawAnswer(t, "stored")
	for range rapid.IntRange(0, 2).Draw(t, "earlier answers") {
		earlier := drawReadings(t, "earlier", DayValues{Day: stored.Day})
		merged, _ := Merge(LoadCurve, stored, earlier, byLength)
		stored = merged.DayValues
	}
	return stored
}

func TestMergeCurveProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stored := drawStored(t)
		answer := drawReadings(t, "answer", DayValues{Day: stored.Day})
		storedBefore, answerBefore := slices.Clone(stored.Readings), slices.Clone(answer.Readings)

		got, err := Merge(LoadCurve, stored, answer, byLength)

		require.Equal(t, storedBefore, stored.Readings, "the stored day is not touched")
		require.Equal(t, answerBefore, answer.Readings, "the answer is not touched")
		if !got.Changed {
			require.Equal(t, stored, got.DayValues)
		} else {
			require.NoError(t, err)
			require.NotEqual(t, present(stored.Readings), present(got.Readings))
			requireWhole(t, got.DayValues)
		}
		require.GreaterOrEqual(t, got.Covered(), stored.Covered(), "nothing is lost")
		require.Equal(t, contradicted(stored, answer), got.Differing)
		otherBounds := requireStanding(t, stored, answer, got.DayValues)
		requireAnswered(t, stored, answer, got.DayValues, err, otherBounds)

		again, _ := Merge(LoadCurve, got.DayValues, answer, byLength)
		require.False(t, again.Changed, "the same answer changes nothing")
		require.Equal(t, got.DayValues, again.DayValues)
	})
}

// contradicted tells whether two sources gave an interval other watts in the same quality.
func contradicted(stored, answer DayValues) bool {
	return slices.ContainsFunc(present(stored.Readings), func(o Reading) bool {
		return slices.ContainsFunc(present(answer.Readings), func(f Reading) bool {
			return o.Interval == f.Interval && o.Source != f.Source && o.Quality == f.Quality && o.Watts != f.Watts
		})
	})
}

func TestEqualValuesOfTwoSourcesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		measure := rapid.SampledFrom([]Measure{LoadCurve, Daily, MaxPower}).Draw(t, "measure")
		stored := drawStored(t)
		if measure != LoadCurve {
			stored.Readings = nil
			stored.Source = rapid.SampledFrom([]string{"a", "bb", "ccc"}).Draw(t, "source")
			stored.Quality = rapid.SampledFrom([]Quality{Computed, Raw, Corrected}).Draw(t, "quality")
			stored.Value = rapid.Int64Range(0, 2).Draw(t, "value")
		}
		if measure == MaxPower {
			stored.At = stored.Day.Start().Add(time.Duration(rapid.IntRange(0, 80000).Draw(t, "second")) * time.Second)
		}
		answer := stored
		answer.Source = rapid.SampledFrom([]string{"a", "bb", "ccc"}).Draw(t, "other source")
		answer.Readings = slices.Clone(stored.Readings)
		for i := range answer.Readings {
			if !answer.Readings[i].Missing {
				answer.Readings[i].Source = answer.Source
			}
		}

		got, err := Merge(measure, stored, answer, byLength)

		require.NoError(t, err)
		require.Equal(t, Merged{DayValues: stored}, got)
	})
}

// requireWhole checks that the readings of a day follow each other from midnight to midnight.
func requireWhole(t *rapid.T, v DayValues) {
	if len(v.Readings) == 0 {
		return
	}
	at := v.Day.Start()
	for _, r := range v.Readings {
		require.True(t, at.Equal(r.Start), "no gap and no overlap")
		require.Positive(t, r.Seconds())
		at = r.End
	}
	require.True(t, at.Equal(v.Day.End()))
}

// requireStanding checks that no stored reading gave way to one of lesser standing, nor was lost without one in its place,
// and tells whether the answer has other bounds.
func requireStanding(t *rapid.T, stored, answer, got DayValues) (otherBounds bool) {
	fresh, kept := present(answer.Readings), present(got.Readings)
	for _, o := range present(stored.Readings) {
		for _, f := range fresh {
			otherBounds = otherBounds || overlaps(o, f) && o.Interval != f.Interval
		}
	}
	for _, o := range present(stored.Readings) {
		touched := slices.IndexFunc(fresh, func(f Reading) bool { return overlaps(o, f) })
		outranks := slices.ContainsFunc(fresh, func(f Reading) bool {
			return overlaps(o, f) && Ranking(byLength).outranked(o, f)
		})
		if outranks || touched < 0 && !otherBounds {
			require.Contains(t, kept, o)
		}
	}
	return otherBounds
}

// requireAnswered checks that each reading of the answer is there unless a stored one stands above it or the day was
// refused, and that nothing else is refused.
func requireAnswered(t *rapid.T, stored, answer, got DayValues, err error, otherBounds bool) {
	if err != nil {
		require.ErrorIs(t, err, ErrOtherBounds)
		require.True(t, otherBounds)
		return
	}
	old := present(stored.Readings)
	for _, f := range present(answer.Readings) {
		i := slices.IndexFunc(old, func(o Reading) bool { return overlaps(o, f) })
		if i >= 0 && Ranking(byLength).outranked(old[i], f) {
			continue
		}
		j := slices.IndexFunc(got.Readings, func(r Reading) bool { return r.Interval == f.Interval })
		require.GreaterOrEqual(t, j, 0)
		require.Equal(t, f.Watts, got.Readings[j].Watts)
		require.Equal(t, f.Quality, got.Readings[j].Quality)
	}
}

func TestMergeValueProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Custom(func(t *rapid.T) DayValues {
			return DayValues{
				Day:     20778,
				Value:   rapid.Int64Range(0, 2).Draw(t, "value"),
				Quality: rapid.SampledFrom([]Quality{Computed, Raw, Corrected}).Draw(t, "quality"),
				Source:  rapid.SampledFrom([]string{"a", "bb"}).Draw(t, "source"),
			}
		})
		var stored DayValues
		for _, answer := range rapid.SliceOfN(draw, 1, 6).Draw(t, "answers") {
			got, err := Merge(Daily, stored, answer, byLength)
			require.NoError(t, err)
			require.Equal(t, got.Changed, !reflect.DeepEqual(stored, got.DayValues), "a change is told, and nothing else")
			require.GreaterOrEqual(t, got.Quality, stored.Quality)
			stored = got.DayValues
			again, err := Merge(Daily, stored, answer, byLength)
			require.NoError(t, err)
			require.False(t, again.Changed)
			require.Equal(t, stored, again.DayValues)
		}
	})
}
