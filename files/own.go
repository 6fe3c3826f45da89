package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// ownDay is a line of our own export as JSON lines: one day of one series. What it has beside this is ours to know, and is
// derived anew.
type ownDay struct {
	PRM       string     `json:"prm"`
	Direction string     `json:"direction"`
	Measure   string     `json:"measure"`
	Date      string     `json:"date"`
	Source    string     `json:"source"`
	Quality   string     `json:"quality"`
	WattHours *int64     `json:"wh"`
	VA        *int64     `json:"va"`
	At        string     `json:"at"`
	Points    []ownPoint `json:"points"`
}

type ownPoint struct {
	Start    string  `json:"start"`
	StartUTC string  `json:"start_utc"`
	Minutes  float64 `json:"minutes"`
	Watts    *int64  `json:"w"`
	Quality  string  `json:"quality"`
	Source   string  `json:"source"`
}

// readOwnLines reads our own export as JSON lines.
func (f *File) readOwnLines(l *lines, emit func(Batch) error) error {
	out := batcher{f: f, emit: emit}
	for text, err := range l.all() {
		if err != nil {
			return err
		}
		var day ownDay
		if err := json.Unmarshal([]byte(text), &day); err != nil {
			return faulty(l.n, "want an object of JSON with prm, direction, measure and date: %w", unwrapped(err))
		}
		series, values, err := f.ownValues(day)
		if err != nil {
			return faulty(l.n, "%w", err)
		}
		if series.Measure == meter.LoadCurve && values.Readings == nil {
			continue // a day that has no value
		}
		if err := out.add(series, values); err != nil {
			return err
		}
	}
	return out.flush()
}

// unwrapped keeps the values of a line out of the error.
func unwrapped(err error) error {
	if failure, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s is a %s", failure.Field, failure.Value)
	}
	return err
}

func (f *File) ownValues(d ownDay) (s meter.Series, v meter.DayValues, err error) {
	if s, v.Day, err = ownSeries(d.PRM, d.Direction, d.Measure, d.Date); err != nil {
		return s, v, err
	}
	if s.Measure == meter.LoadCurve {
		v, err = f.ownCurve(v.Day, d)
		return s, v, err
	}
	if v.Quality, v.Source, err = f.origin(d.Quality, d.Source); err != nil {
		return s, v, err
	}
	value, field := d.WattHours, "wh"
	if s.Measure == meter.MaxPower {
		value, field = d.VA, "va"
	}
	if value == nil {
		return s, v, fmt.Errorf("%s is missing", field)
	}
	if v.Value, err = bounded(*value); err != nil {
		return s, v, err
	}
	if s.Measure == meter.MaxPower && d.At != "" {
		if v.At, err = instant(d.At); err == nil && meter.DayOf(v.At) != v.Day {
			err = fmt.Errorf("at is not of %s", v.Day)
		}
	}
	return s, v, err
}

func ownSeries(prm, direction, measure, day string) (s meter.Series, d meter.Day, err error) {
	if s.PRM, err = meter.ParsePRM(prm); err != nil {
		return s, 0, err
	}
	if s.Direction, err = meter.ParseDirection(direction); err != nil {
		return s, 0, err
	}
	if s.Measure, err = meter.ParseMeasure(measure); err != nil {
		return s, 0, err
	}
	if !slices.Contains(meter.Measures(s.Direction), s.Measure) {
		return s, 0, fmt.Errorf("measure %q is not one of %s", s.Measure, s.Direction)
	}
	if d, err = meter.ParseDay(day); err == nil && !everything().Contains(d) {
		err = fmt.Errorf("%s is not a day of a Linky", d)
	}
	return s, d, err
}

// origin reads quality and source of a value.
func (f *File) origin(quality, source string) (meter.Quality, string, error) {
	if source != Source && !slices.Contains(f.o.Sources, source) {
		return 0, "", fmt.Errorf("source %q is not known", excerpt(source))
	}
	for _, q := range []meter.Quality{meter.Computed, meter.Raw, meter.Corrected} {
		if q.String() == quality {
			return q, source, nil
		}
	}
	return 0, "", fmt.Errorf("quality %q: want computed, raw or corrected", excerpt(quality))
}

func bounded(value int64) (int64, error) {
	if value < 0 || value > most {
		return 0, fmt.Errorf("%d is no value of a meter", value)
	}
	return value, nil
}

// ownCurve makes a curve day out of its points.
func (f *File) ownCurve(day meter.Day, d ownDay) (meter.DayValues, error) {
	var readings []meter.Reading
	for i, p := range d.Points {
		r, err := f.ownReading(p)
		if err != nil {
			return meter.DayValues{}, fmt.Errorf("point %d: %w", i+1, err)
		}
		if !r.Missing {
			readings = append(readings, r)
		}
	}
	return curveDay(day, readings)
}

// curveDay checks that the readings are those of the day, none twice.
func curveDay(day meter.Day, readings []meter.Reading) (meter.DayValues, error) {
	days, anomalies := meter.Curve(everything(), readings)
	switch {
	case len(anomalies) > 0:
		return meter.DayValues{}, fmt.Errorf("slots of %s overlap, or reach beyond their day", day)
	case len(days) == 0:
		return meter.DayValues{Day: day}, nil
	case len(days) > 1 || days[0].Day != day:
		return meter.DayValues{}, fmt.Errorf("there are slots that are not of %s", day)
	}
	return days[0], nil
}

func (f *File) ownReading(p ownPoint) (r meter.Reading, err error) {
	if p.StartUTC == "" {
		p.StartUTC = p.Start
	}
	if r.Start, err = instant(p.StartUTC); err != nil {
		return r, err
	}
	seconds := p.Minutes * 60
	if seconds < 1 || seconds > 86400 || seconds != math.Trunc(seconds) {
		return r, fmt.Errorf("a slot of %v minutes", p.Minutes)
	}
	r.End = r.Start.Add(time.Duration(seconds) * time.Second)
	if p.Watts == nil {
		r.Missing = true
		return r, nil
	}
	if r.Watts, err = bounded(*p.Watts); err != nil {
		return r, err
	}
	r.Quality, r.Source, err = f.origin(p.Quality, p.Source)
	return r, err
}

// ownColumns are those of our own export as CSV that are read.
var ownColumns = [...]string{"prm", "direction", "measure", "date", "start_utc", "minutes", "value", "quality", "source"}

// isOwnHeader tells whether a header has all of them, in whatever order.
func isOwnHeader(cells []string) bool {
	column := columns(cells)
	for _, name := range ownColumns {
		if column(name) < 0 {
			return false
		}
	}
	return true
}

// ownTable reads our own export as CSV: a row a value, the slots of a day one after the other.
type ownTable struct {
	f      *File
	column [len(ownColumns)]int
	out    batcher

	series   meter.Series // of the curve day under way
	day      meter.Day
	readings []meter.Reading
	line     int // of its first slot
}

// readOwnTable reads our own export as CSV.
func (f *File) readOwnTable(l *lines, emit func(Batch) error) error {
	var t *ownTable
	for r, err := range l.rows(0) {
		switch {
		case err != nil:
			return err
		case t == nil && !isOwnHeader(r.cells):
			return faulty(r.line, "%w", errNoHeader)
		case t == nil:
			t = &ownTable{f: f, out: batcher{f: f, emit: emit}}
			for i, name := range ownColumns {
				t.column[i] = columns(r.cells)(name)
			}
			continue
		}
		if err := t.take(r); err != nil {
			return faulty(r.line, "%w", err)
		}
	}
	if t == nil {
		return errNoHeader
	}
	if err := t.closeDay(); err != nil {
		return faulty(t.line, "%w", err)
	}
	return t.out.flush()
}

func (t *ownTable) take(r row) error {
	var texts [len(ownColumns)]string
	for i, column := range t.column {
		texts[i] = r.cell(column)
	}
	prm, direction, measure, date := texts[0], texts[1], texts[2], texts[3]
	start, minutes, value, quality, source := texts[4], texts[5], texts[6], texts[7], texts[8]
	s, day, err := ownSeries(prm, direction, measure, date)
	if err != nil {
		return err
	}
	if s != t.series || day != t.day {
		if err := t.closeDay(); err != nil {
			return err
		}
	}
	var number *int64
	if value != "" {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("value %q is no whole number", excerpt(value))
		}
		number = &n
	}
	if s.Measure != meter.LoadCurve {
		_, values, err := t.f.ownValues(ownDay{
			PRM: prm, Direction: direction, Measure: measure, Date: date, Source: source, Quality: quality,
			WattHours: number, VA: number, At: start,
		})
		if err != nil {
			return err
		}
		return t.out.add(s, values)
	}
	length, err := strconv.ParseFloat(minutes, 64)
	if err != nil {
		return fmt.Errorf("minutes %q is no number", excerpt(minutes))
	}
	reading, err := t.f.ownReading(ownPoint{StartUTC: start, Minutes: length, Watts: number, Quality: quality, Source: source})
	if err != nil {
		return err
	}
	if len(t.readings) == 0 {
		t.series, t.day, t.line = s, day, r.line
	}
	if !reading.Missing {
		t.readings = append(t.readings, reading)
	}
	return nil
}

// closeDay hands on the curve day under way.
func (t *ownTable) closeDay() error {
	if len(t.readings) == 0 {
		return nil
	}
	values, err := curveDay(t.day, t.readings)
	if err != nil {
		return err
	}
	series := t.series
	t.series, t.readings = meter.Series{}, t.readings[:0]
	return t.out.add(series, values)
}
