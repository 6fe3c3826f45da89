package store

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const weakest = "file"

// from gives the day another source and quality.
func from(v meter.DayValues, source string, q meter.Quality) meter.DayValues {
	v = renamed(v, func(string) string { return source })
	v.Quality = q
	for i := range v.Readings {
		if !v.Readings[i].Missing {
			v.Readings[i].Quality = q
		}
	}
	return v
}

// feed hands on days of one series.
func feed(s meter.Series, days ...meter.DayValues) Feed {
	return func(merge func(meter.Series, []meter.DayValues) error) error { return merge(s, days) }
}

// imported imports days of one series, and gives what became of them.
func imported(tb testing.TB, s *Store, series meter.Series, days ...meter.DayValues) Imported {
	tb.Helper()
	results, errs, err := s.Import(tb.Context(), weakest, false, feed(series, days...))
	require.NoError(tb, err)
	require.Equal(tb, []error{nil}, errs)
	return results[0][series]
}

func TestImport(t *testing.T) {
	one := meter.Days{From: yesterday, To: yesterday + 1}
	tests := map[string]struct {
		series  meter.Series
		stored  []meter.DayValues
		given   meter.DayValues
		want    Imported
		holding meter.DayValues
	}{
		"into nothing": {
			daily, nil, from(value(yesterday, 5), weakest, meter.Raw),
			Imported{New: 1},
			from(value(yesterday, 5), weakest, meter.Raw),
		},
		"a source's own name stays": {
			daily, nil, from(value(yesterday, 5), "consoapi", meter.Corrected),
			Imported{New: 1},
			from(value(yesterday, 5), "consoapi", meter.Corrected),
		},
		"the same": {
			daily,
			[]meter.DayValues{value(yesterday, 5)},
			from(value(yesterday, 5), weakest, meter.Raw),
			Imported{Same: 1},
			value(yesterday, 5),
		},
		"another value than a source's": {
			daily,
			[]meter.DayValues{value(yesterday, 5)},
			from(value(yesterday, 6), weakest, meter.Raw),
			Imported{Kept: 1},
			value(yesterday, 5),
		},
		"an older value of the same source": {
			daily,
			[]meter.DayValues{value(yesterday, 5)},
			value(yesterday, 6),
			Imported{Kept: 1},
			value(yesterday, 5),
		},
		"a corrected value over a file's raw one": {
			daily,
			[]meter.DayValues{from(value(yesterday, 5), weakest, meter.Raw)},
			from(value(yesterday, 6), "consoapi", meter.Corrected),
			Imported{Changed: 1},
			from(value(yesterday, 6), "consoapi", meter.Corrected),
		},
		"a value over a computed one": {
			daily,
			[]meter.DayValues{from(value(yesterday, 5), dataconnect, meter.Computed)},
			from(value(yesterday, 6), weakest, meter.Raw),
			Imported{Changed: 1},
			from(value(yesterday, 6), weakest, meter.Raw),
		},
		"a later file over an earlier one": {
			daily,
			[]meter.DayValues{from(value(yesterday, 5), weakest, meter.Raw)},
			from(value(yesterday, 6), weakest, meter.Raw),
			Imported{Changed: 1},
			from(value(yesterday, 6), weakest, meter.Raw),
		},
		"a curve that fills holes": {
			curve,
			[]meter.DayValues{without(halfHours(yesterday, 500), 3, 4)},
			halfHours(yesterday, 500),
			Imported{Changed: 1},
			halfHours(yesterday, 500),
		},
		"a curve that says other things": {
			curve,
			[]meter.DayValues{halfHours(yesterday, 500)},
			from(halfHours(yesterday, 600), weakest, meter.Raw),
			Imported{Kept: 1},
			halfHours(yesterday, 500),
		},
		"a part of a curve that is there": {
			curve,
			[]meter.DayValues{halfHours(yesterday, 500)},
			without(halfHours(yesterday, 500), 7),
			Imported{Same: 1},
			halfHours(yesterday, 500),
		},
		"a curve in hours": {
			curve,
			[]meter.DayValues{halfHours(yesterday, 500)},
			hours(yesterday, 500),
			Imported{Refused: 1},
			halfHours(yesterday, 500),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			merge(t, s, test.series, test.stored...)
			test.want.Read, test.want.Days = 1, one
			require.Equal(t, test.want, imported(t, s, test.series, test.given))
			held, ok, err := s.Stored(t.Context(), test.series, yesterday)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, utc(test.holding), utc(held.DayValues))

			again := imported(t, s, test.series, test.given)
			require.Zero(t, again.New+again.Changed, "a second time changes nothing")
			twice, _, err := s.Stored(t.Context(), test.series, yesterday)
			require.NoError(t, err)
			require.Equal(t, held, twice)
		})
	}
}

// hours is a complete curve day of hours.
func hours(d meter.Day, watts int64) meter.DayValues {
	v := halfHours(d, watts)
	var readings []meter.Reading
	for start := d.Start(); start.Before(d.End()); start = start.Add(time.Hour) {
		r := v.Readings[0]
		r.Start, r.End = start, start.Add(time.Hour)
		readings = append(readings, r)
	}
	days, _ := meter.Curve(meter.Days{From: d, To: d + 1}, readings)
	return days[0]
}

func TestAnImportIsWholeOrNothing(t *testing.T) {
	s := open(t, t.TempDir())
	broken := errors.New("line 7")
	half := func(merge func(meter.Series, []meter.DayValues) error) error {
		return errors.Join(merge(daily, []meter.DayValues{value(yesterday, 1)}), broken)
	}
	results, errs, err := s.Import(t.Context(), weakest, false, half, feed(otherCurve, halfHours(yesterday, 5)), half)
	require.NoError(t, err)
	require.ErrorIs(t, errs[0], broken)
	require.NoError(t, errs[1])
	require.ErrorIs(t, errs[2], broken)
	require.Nil(t, results[0])
	require.Equal(t, 1, results[1][otherCurve].New)
	_, ok, err := s.Stored(t.Context(), daily, yesterday)
	require.NoError(t, err)
	require.False(t, ok, "nothing of the feed that failed is stored")

	meters, err := s.Meters(t.Context())
	require.NoError(t, err)
	require.Len(t, meters, 1, "the other feed makes its meter known")
	require.Equal(t, otherCurve.PRM, meters[0].PRM)
	require.Equal(t, noon, meters[0].UpdatedAt)
	require.Equal(t, Exists, meters[0].Directions[meter.Production].Standing, "one day says that a direction is there")
	require.Equal(t, "data", meters[0].Directions[meter.Production].How)
}

func TestARehearsalChangesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, daily, value(yesterday, 5))
	before := query(t, s, `SELECT last FROM revisions UNION ALL SELECT count(*) FROM series UNION ALL SELECT count(*) FROM meters`)
	feeds := []Feed{feed(daily, value(yesterday-1, 3)), feed(daily, value(yesterday-1, 3)), feed(otherCurve, halfHours(yesterday, 5))}
	rehearsed, _, err := s.Import(t.Context(), weakest, true, feeds...)
	require.NoError(t, err)
	require.Equal(t, before, query(t, s, `SELECT last FROM revisions UNION ALL SELECT count(*) FROM series UNION ALL SELECT count(*) FROM meters`))

	done, _, err := s.Import(t.Context(), weakest, false, feeds...)
	require.NoError(t, err)
	require.Equal(t, done, rehearsed, "and says what would become of it")
	require.Equal(t, 1, done[1][daily].Same, "the second file has what the first one had")
}

func TestImportLeavesTheWordOfTheSettingsAlone(t *testing.T) {
	s := open(t, t.TempDir())
	absent := DirectionState{Standing: Absent, How: "settings", At: noon}
	require.NoError(t, s.SaveMeter(t.Context(), Meter{
		PRM: daily.PRM, FirstSeen: noon, Directions: map[meter.Direction]DirectionState{meter.Consumption: absent},
	}))
	imported(t, s, daily, value(yesterday, 5))
	meters, err := s.Meters(t.Context())
	require.NoError(t, err)
	require.Equal(t, absent, meters[0].Directions[meter.Consumption])
}
