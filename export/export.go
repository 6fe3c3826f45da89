// Package export writes days and the coverage ledger for other programs, as CSV and as JSON lines. It knows the two formats,
// which docs/export.md describes; it does not know where days come from or where the text goes. It holds one day at a time.
package export

import (
	"fmt"
	"io"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Format is how an export is written.
type Format string

// The formats.
const (
	CSV       Format = "csv"   // RFC 4180: a header, then a row a value
	JSONLines Format = "jsonl" // an object a day, each on a line of its own
)

// Day is one day of a series with what tells how it came about.
type Day struct {
	meter.DayValues
	Series           meter.Series
	Revision         int64
	StoredAt         time.Time
	BeforeActivation bool // the day belongs to a former contract of the meter
}

// Coverage is what the ledger says of one day of a series.
type Coverage struct {
	Series    meter.Series
	Day       meter.Day
	Status    meter.Status
	Asked     int       // how often a source has answered for the day, as far as that is counted
	LastAsked time.Time // zero when nobody knows
	Again     time.Time // when it is asked for again; zero when it is not
}

// Writer writes records of one kind.
type Writer[T any] interface {
	Write(record T) error
	// Flush writes what is held back. It is called once, at the end.
	Flush() error
}

// NewDays gives a writer of days: daily values, load curves and maximum powers.
func NewDays(format Format, w io.Writer) (Writer[Day], error) {
	switch format {
	case CSV:
		return newTable(w, dayColumns, dayRows), nil
	case JSONLines:
		return newLines(w, dayDocument), nil
	}
	return nil, unknown(format)
}

// NewCoverage gives a writer of the coverage ledger.
func NewCoverage(format Format, w io.Writer) (Writer[Coverage], error) {
	switch format {
	case CSV:
		return newTable(w, coverageColumns, coverageRows), nil
	case JSONLines:
		return newLines(w, coverageDocument), nil
	}
	return nil, unknown(format)
}

func unknown(format Format) error {
	return fmt.Errorf("format %q: want %s or %s", format, CSV, JSONLines)
}

// inParis is an instant with the Paris offset, and inUTC the same in UTC; both are empty for no instant.
func inParis(t time.Time) string { return stamp(t.In(meter.Paris())) }

func inUTC(t time.Time) string { return stamp(t.UTC()) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano) // a whole second has no fraction
}

// minutes of an interval; those of Enedis are whole.
func minutes(seconds int64) float64 { return float64(seconds) / 60 }
