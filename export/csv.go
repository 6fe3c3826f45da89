package export

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var (
	dayColumns = []string{
		"prm", "direction", "measure", "date", "start_utc", "start_paris", "minutes", "value", "unit", "quality", "source",
		"revision", "before_activation",
	}
	coverageColumns = []string{"prm", "direction", "measure", "date", "status", "asked", "last_asked_at", "again_at"}
)

// table writes records as rows of CSV.
type table[T any] struct {
	w       *csv.Writer
	columns []string
	begun   bool
	rows    func(record T, row func(cells ...string) error) error
}

func newTable[T any](w io.Writer, columns []string, rows func(T, func(...string) error) error) *table[T] {
	t := &table[T]{w: csv.NewWriter(w), columns: columns, rows: rows}
	t.w.UseCRLF = true // as RFC 4180 has it
	return t
}

// Write writes the rows of a record.
func (t *table[T]) Write(record T) error {
	if err := t.begin(); err != nil {
		return err
	}
	return t.rows(record, func(cells ...string) error { return t.w.Write(cells) })
}

// Flush writes what is held back, the header at least.
func (t *table[T]) Flush() error {
	if err := t.begin(); err != nil {
		return err
	}
	t.w.Flush()
	return t.w.Error()
}

func (t *table[T]) begin() error {
	if t.begun {
		return nil
	}
	t.begun = true
	return t.w.Write(t.columns)
}

// dayRows gives a row for each slot of a curve, and one for any other day.
func dayRows(d Day, row func(cells ...string) error) error {
	prm, direction, measure := string(d.Series.PRM), string(d.Series.Direction), string(d.Series.Measure)
	date, revision, before := d.Day.String(), strconv.FormatInt(d.Revision, 10), strconv.FormatBool(d.BeforeActivation)
	value, quality := strconv.FormatInt(d.Value, 10), d.Quality.String()
	switch d.Series.Measure {
	case meter.MaxPower:
		return row(prm, direction, measure, date, inUTC(d.At), inParis(d.At), "0", value, "VA", quality, d.Source, revision, before)
	case meter.LoadCurve:
	default:
		start, length := d.Day.Start(), decimal(d.Day.Length().Minutes())
		return row(prm, direction, measure, date, inUTC(start), inParis(start), length, value, "Wh", quality, d.Source, revision, before)
	}
	for _, r := range d.Readings {
		value, quality = strconv.FormatInt(r.Watts, 10), r.Quality.String()
		if r.Missing {
			value, quality = "", ""
		}
		err := row(prm, direction, measure, date, inUTC(r.Start), inParis(r.Start), decimal(minutes(r.Seconds())),
			value, "W", quality, r.Source, revision, before)
		if err != nil {
			return err
		}
	}
	return nil
}

func coverageRows(c Coverage, row func(cells ...string) error) error {
	return row(string(c.Series.PRM), string(c.Series.Direction), string(c.Series.Measure), c.Day.String(), string(c.Status),
		strconv.Itoa(c.Asked), inParis(c.LastAsked), inParis(c.Again))
}

func decimal(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
