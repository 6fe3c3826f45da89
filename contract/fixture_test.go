package contract_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var topics = contract.Topics{Base: "enedis2mqtt"}

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

// run is from one day through another.
func run(tb testing.TB, from, through string) meter.Days {
	tb.Helper()
	return meter.Days{From: day(tb, from), To: day(tb, through) + 1}
}

// kept is what the store gives of a series: coverage of all days, and the newest of them.
func kept(measure meter.Measure, first meter.Day, days []meter.DayValues) contract.Series {
	s := contract.Series{First: first, Trouble: contract.Waiting}
	for _, v := range days {
		_, _, dom := v.Day.Date()
		month, bit := s.Coverage.Edit(v.Day), uint32(1)<<dom
		month.Present |= bit
		month.Asked |= bit
		if v.Complete(measure) {
			month.Complete |= bit
		}
		if measure == meter.Daily {
			month.Sum += v.Value
		}
		if measure == meter.LoadCurve && v.Complete(measure) {
			s.Recent = []meter.DayValues{v}
		}
	}
	if measure != meter.LoadCurve {
		s.Recent = days[max(0, len(days)-31):]
	}
	return s
}

// dailies has a value for each day of the run but for the holes: somewhat more in winter.
func dailies(run meter.Days, holes ...meter.Day) []meter.DayValues {
	var days []meter.DayValues
	for d := range run.All() {
		if !slices.Contains(holes, d) {
			_, month, dom := d.Date()
			v := 8000 + 700*max(0, int64(month)-7) + 100*int64(dom) + 5
			days = append(days, meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Value: v})
		}
	}
	return days
}

// peaks has a maximum power for each day of the run, in the evening.
func peaks(run meter.Days) []meter.DayValues {
	var days []meter.DayValues
	for d := range run.All() {
		at := d.End().Add(-(4*time.Hour + 47*time.Minute + 20*time.Second))
		days = append(days, meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Value: 6120 + int64(d%7)*100, At: at})
	}
	return days
}

// curves has half hours for each day of the run but for the holes.
func curves(run meter.Days, holes ...meter.Day) []meter.DayValues {
	var days []meter.DayValues
	for d := range run.All() {
		if !slices.Contains(holes, d) {
			days = append(days, curve(d))
		}
	}
	return days
}

// curve is a day in half hours; those of the given numbers are missing.
func curve(d meter.Day, missing ...int) meter.DayValues {
	v := meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw}
	const step = 30 * time.Minute
	for at := d.Start(); at.Before(d.End()); at = at.Add(step) {
		n := len(v.Readings)
		r := meter.Reading{Interval: meter.Interval{Start: at, End: at.Add(step)}, Source: v.Source, Quality: v.Quality}
		r.Watts = 300 + int64(n%16)*37
		if slices.Contains(missing, n) {
			r.Watts, r.Missing = 0, true
		}
		v.Readings = append(v.Readings, r)
	}
	return v
}

// meterOf is a meter that has all of the days for the directions.
func meterOf(tb testing.TB, days meter.Days, directions ...meter.Direction) contract.Meter {
	tb.Helper()
	m := contract.Meter{
		PRM:        "09876543210987",
		Name:       "Maison",
		Directions: directions,
		Series:     map[contract.Measured]contract.Series{},
		UpdatedAt:  days.To.Start().Add(8*time.Hour + 31*time.Minute + 7*time.Second + 250*time.Millisecond),
	}
	m.LastSuccessAt, m.LastAttemptAt = m.UpdatedAt, m.UpdatedAt
	m.NextAttemptAt = days.To.End().Add(7*time.Hour + 42*time.Minute)
	week := meter.Days{From: days.To - 7, To: days.To}
	for _, d := range directions {
		m.Series[contract.Measured{Direction: d, Measure: meter.Daily}] = kept(meter.Daily, days.From, dailies(days))
		m.Series[contract.Measured{Direction: d, Measure: meter.LoadCurve}] = kept(meter.LoadCurve, week.From, curves(week))
		if d == meter.Consumption {
			m.Series[contract.Measured{Direction: d, Measure: meter.MaxPower}] = kept(meter.MaxPower, days.From, peaks(days))
		}
	}
	return m
}

// change edits one series of the meter.
func change(m contract.Meter, d meter.Direction, measure meter.Measure, edit func(*contract.Series)) {
	s := m.Series[contract.Measured{Direction: d, Measure: measure}]
	edit(&s)
	m.Series[contract.Measured{Direction: d, Measure: measure}] = s
}

// arrivals are the minutes after the days' ends, oldest first; the newest day is the last one.
func arrivals(newest meter.Day, minutes ...int) []contract.Arrival {
	var list []contract.Arrival
	for i, m := range minutes {
		list = append(list, contract.Arrival{Day: newest - meter.Day(len(minutes)-1-i), Minutes: m})
	}
	return list
}
