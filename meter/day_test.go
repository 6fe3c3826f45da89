package meter_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func day(tb testing.TB, s string) meter.Day {
	tb.Helper()
	d, err := meter.ParseDay(s)
	require.NoError(tb, err)
	return d
}

func instant(tb testing.TB, s string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, s)
	require.NoError(tb, err)
	return at
}

func TestDaysHaveTheHoursOfParis(t *testing.T) {
	tests := map[string]struct {
		day        string
		start, end string
		length     time.Duration
	}{
		"an ordinary day in winter": {
			day: "2026-11-21", start: "2026-11-21T00:00:00+01:00", end: "2026-11-22T00:00:00+01:00", length: 24 * time.Hour,
		},
		"an ordinary day in summer": {
			day: "2026-07-14", start: "2026-07-14T00:00:00+02:00", end: "2026-07-15T00:00:00+02:00", length: 24 * time.Hour,
		},
		"the last Sunday of March": {
			day: "2026-03-29", start: "2026-03-29T00:00:00+01:00", end: "2026-03-30T00:00:00+02:00", length: 23 * time.Hour,
		},
		"the last Sunday of October": {
			day: "2026-10-25", start: "2026-10-25T00:00:00+02:00", end: "2026-10-26T00:00:00+01:00", length: 25 * time.Hour,
		},
		"the last day of a year": {
			day: "2026-12-31", start: "2026-12-31T00:00:00+01:00", end: "2027-01-01T00:00:00+01:00", length: 24 * time.Hour,
		},
		"a change beyond the transitions that the zone file lists": {
			day: "2040-03-25", start: "2040-03-25T00:00:00+01:00", end: "2040-03-26T00:00:00+02:00", length: 23 * time.Hour,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := day(t, tc.day)
			require.Equal(t, tc.start, d.Start().Format(time.RFC3339))
			require.Equal(t, tc.end, d.End().Format(time.RFC3339))
			require.Equal(t, tc.length, d.Length())
			require.Equal(t, d, meter.DayOf(d.Start()))
			require.Equal(t, d-1, meter.DayOf(d.Start().Add(-time.Nanosecond)))
			require.Equal(t, d, meter.DayOf(d.End().Add(-time.Nanosecond)))
		})
	}
}

func TestDayOfIsTheDayInParis(t *testing.T) {
	tests := map[string]struct{ at, want string }{
		"late in the evening by UTC in winter": {at: "2026-11-21T23:00:00Z", want: "2026-11-22"},
		"a second before":                      {at: "2026-11-21T22:59:59Z", want: "2026-11-21"},
		"late in the evening by UTC in summer": {at: "2026-07-14T22:00:00Z", want: "2026-07-15"},
		"across the ocean":                     {at: "2026-12-31T18:00:00-05:00", want: "2027-01-01"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, meter.DayOf(instant(t, tc.at)).String())
		})
	}
}

func TestParseDay(t *testing.T) {
	for _, s := range []string{"", "2026-11", "2026-1-1", "21/11/2026", "2026-11-21T00:00:00Z", " 2026-11-21"} {
		_, err := meter.ParseDay(s)
		require.ErrorContains(t, err, "want YYYY-MM-DD", "%q", s)
	}
	for _, s := range []string{"2026-02-29", "2026-11-31", "2026-13-01"} {
		_, err := meter.ParseDay(s)
		require.EqualError(t, err, `day "`+s+`": there is no such day`)
	}
	for _, s := range []string{"1969-12-31", "1970-01-01", "2024-02-29", "2026-11-21"} {
		require.Equal(t, s, day(t, s).String())
	}
}

func TestDayIsTextInJSON(t *testing.T) {
	body, err := json.Marshal(map[meter.Day]meter.Day{day(t, "2026-11-21"): day(t, "2026-11-22")})
	require.NoError(t, err)
	require.JSONEq(t, `{"2026-11-21":"2026-11-22"}`, string(body))
	d := day(t, "2020-01-01")
	require.NoError(t, json.Unmarshal([]byte(`"2026-11-21"`), &d))
	require.Equal(t, "2026-11-21", d.String())
	require.Error(t, json.Unmarshal([]byte(`"yesterday"`), &d))
	require.Equal(t, "2026-11-21", d.String(), "a bad text changes nothing")
}

func TestMonthsBack(t *testing.T) {
	tests := map[string]struct {
		from   string
		months int
		want   string
	}{
		"none":                                 {from: "2026-11-22", months: 0, want: "2026-11-22"},
		"within a year":                        {from: "2026-11-22", months: 3, want: "2026-08-22"},
		"over the year's turn":                 {from: "2026-01-15", months: 1, want: "2025-12-15"},
		"three years":                          {from: "2026-11-22", months: 36, want: "2023-11-22"},
		"to a month that is shorter":           {from: "2026-03-31", months: 1, want: "2026-02-28"},
		"to a February with 29 days":           {from: "2024-03-31", months: 1, want: "2024-02-29"},
		"to a month of 30 days":                {from: "2026-12-31", months: 1, want: "2026-11-30"},
		"from 29 February to a common year":    {from: "2024-02-29", months: 12, want: "2023-02-28"},
		"from 29 February to a leap year":      {from: "2024-02-29", months: 48, want: "2020-02-29"},
		"from the 28th, which is a last day":   {from: "2026-02-28", months: 1, want: "2026-01-28"},
		"to the same length over two years":    {from: "2026-12-31", months: 24, want: "2024-12-31"},
		"from a 31 January over a year's turn": {from: "2026-01-31", months: 2, want: "2025-11-30"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, day(t, tc.from).MonthsBack(tc.months).String())
		})
	}
}

func TestCalendarPeriods(t *testing.T) {
	d := day(t, "2024-02-29")
	require.Equal(t, "2024-02-01..2024-03-01", d.Month().String())
	require.Equal(t, "2024-01-01..2025-01-01", d.Year().String())
	require.Equal(t, "2024-02", d.MonthName())
	require.Equal(t, "2024", d.YearName())
	require.Equal(t, 29, d.Month().Len())
	require.Equal(t, 366, d.Year().Len())
	require.Equal(t, "2026-12-01..2027-01-01", day(t, "2026-12-31").Month().String())
}

func TestRunsOfDays(t *testing.T) {
	run := meter.Days{From: day(t, "2026-11-20"), To: day(t, "2026-11-23")}
	require.Equal(t, 3, run.Len())
	require.False(t, run.Empty())
	require.True(t, run.Contains(run.From))
	require.False(t, run.Contains(run.To))
	forward, backward := slices.Collect(run.All()), slices.Collect(run.Backwards())
	require.Equal(t, []meter.Day{run.From, run.From + 1, run.From + 2}, forward)
	slices.Reverse(backward)
	require.Equal(t, forward, backward)

	for name, empty := range map[string]meter.Days{
		"from is to":         {From: run.From, To: run.From},
		"from after to":      {From: run.To, To: run.From},
		"nothing in common":  run.Intersect(meter.Days{From: run.To, To: run.To + 5}),
		"far apart, earlier": run.Intersect(meter.Days{From: run.From - 9, To: run.From - 3}),
	} {
		require.True(t, empty.Empty(), name)
		require.Zero(t, empty.Len(), name)
		require.Empty(t, slices.Collect(empty.All()), name)
		require.Empty(t, slices.Collect(empty.Backwards()), name)
	}
	require.Equal(t, meter.Days{From: run.From + 1, To: run.To}, run.Intersect(meter.Days{From: run.From + 1, To: run.To + 9}))
}

func TestWalksStopWhenAsked(t *testing.T) {
	run := meter.Days{From: 100, To: 200}
	for d := range run.All() {
		require.Equal(t, meter.Day(100), d)
		break
	}
	for d := range run.Backwards() {
		require.Equal(t, meter.Day(199), d)
		break
	}
}

// Days and dates agree, from before the first meters to after the last.
func TestDaysAreDates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := meter.Day(rapid.Int32Range(-10000, 40000).Draw(t, "day"))
		y, m, dom := d.Date()
		require.Equal(t, d, meter.NewDay(y, m, dom))
		require.True(t, d.Month().Contains(d))
		require.True(t, d.Year().Contains(d))
		parsed, err := meter.ParseDay(d.String())
		require.NoError(t, err)
		require.Equal(t, d, parsed)
		n := rapid.IntRange(0, 60).Draw(t, "months")
		back := d.MonthsBack(n)
		wy, wm, _ := meter.NewDay(y, m-time.Month(n), 1).Date()
		by, bm, bdom := back.Date()
		require.Equal(t, wy, by)
		require.Equal(t, wm, bm)
		require.LessOrEqual(t, bdom, dom)
	})
}
