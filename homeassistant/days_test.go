package homeassistant_test

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const prm meter.PRM = "09876543210987"

var consumption = homeassistant.Series{PRM: prm, Direction: meter.Consumption, Name: "Linky 0987 consumption"}

func day(s string) meter.Day {
	d, err := meter.ParseDay(s)
	if err != nil {
		panic(err) // a test's own text
	}
	return d
}

// daily is a daily value.
func daily(d meter.Day, wh int64) meter.DayValues {
	return meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Value: wh}
}

// curve is a curve day of equal steps, with the power of the nth step.
func curve(d meter.Day, step time.Duration, watts func(n int) int64) meter.DayValues {
	v := meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw}
	n := 0
	for from := d.Start(); from.Before(d.End()); from = from.Add(step) {
		v.Readings = append(v.Readings, reading(from, from.Add(step), watts(n)))
		n++
	}
	return v
}

func reading(from, to time.Time, watts int64) meter.Reading {
	span := meter.Interval{Start: from, End: to}
	return meter.Reading{Interval: span, Watts: watts, Quality: meter.Raw, Source: "dataconnect"}
}

func constant(watts int64) func(int) int64 { return func(int) int64 { return watts } }

// memory is a store in memory.
type memory struct {
	mu       sync.Mutex
	days     map[meter.Series]map[meter.Day]revised
	revision int64
	marks    map[homeassistant.ID]homeassistant.Mark
	err      error // of all methods
}

type revised struct {
	meter.DayValues
	revision int64
}

func newMemory() *memory {
	return &memory{
		days:  make(map[meter.Series]map[meter.Day]revised),
		marks: make(map[homeassistant.ID]homeassistant.Mark),
	}
}

// put keeps days of one measure of the meter's consumption.
func (s *memory) put(m meter.Measure, days ...meter.DayValues) {
	s.mu.Lock()
	defer s.mu.Unlock()
	series := meter.Series{PRM: prm, Direction: meter.Consumption, Measure: m}
	if s.days[series] == nil {
		s.days[series] = make(map[meter.Day]revised)
	}
	for _, v := range days {
		s.revision++
		s.days[series][v.Day] = revised{v, s.revision}
	}
}

// values are the stored days of a measure of the meter's consumption, oldest first.
func (s *memory) values(m meter.Measure) iter.Seq[meter.DayValues] {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.days[meter.Series{PRM: prm, Direction: meter.Consumption, Measure: m}]
	days := make([]meter.DayValues, 0, len(stored))
	for _, v := range stored {
		days = append(days, v.DayValues)
	}
	slices.SortFunc(days, func(a, b meter.DayValues) int { return cmp.Compare(a.Day, b.Day) })
	return slices.Values(days)
}

func (s *memory) Days(_ context.Context, series meter.Series, run meter.Days) iter.Seq2[meter.DayValues, error] {
	return func(yield func(meter.DayValues, error) bool) {
		if s.err != nil {
			yield(meter.DayValues{}, s.err)
			return
		}
		if series.Direction != meter.Consumption {
			return
		}
		for v := range s.values(series.Measure) {
			if run.Contains(v.Day) && !yield(v, nil) {
				return
			}
		}
	}
}

func (s *memory) Changed(_ context.Context, prm meter.PRM, d meter.Direction, after int64) (meter.Day, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, newest := meter.Day(0), after
	for _, m := range []meter.Measure{meter.Daily, meter.LoadCurve} {
		for _, v := range s.days[meter.Series{PRM: prm, Direction: d, Measure: m}] {
			if v.revision <= after {
				continue
			}
			if newest == after || v.Day < first {
				first = v.Day
			}
			newest = max(newest, v.revision)
		}
	}
	return first, newest, s.err
}

func (s *memory) Mark(_ context.Context, id homeassistant.ID) (homeassistant.Mark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.marks[id], s.err
}

func (s *memory) SetMark(_ context.Context, id homeassistant.ID, m homeassistant.Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks[id] = m
	return s.err
}
