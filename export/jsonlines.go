package export

import (
	"encoding/json"
	"io"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// lines writes records as JSON, each on a line of its own.
type lines[T any] struct {
	encoder  *json.Encoder
	document func(record T) any
}

func newLines[T any](w io.Writer, document func(T) any) lines[T] {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return lines[T]{encoder, document}
}

// Write writes the line of a record.
func (l lines[T]) Write(record T) error { return l.encoder.Encode(l.document(record)) }

// Flush has nothing to do.
func (lines[T]) Flush() error { return nil }

// heading is what each line begins with.
type heading struct {
	PRM       meter.PRM       `json:"prm"`
	Direction meter.Direction `json:"direction"`
	Measure   meter.Measure   `json:"measure"`
	Date      meter.Day       `json:"date"`
}

type dayLine struct {
	heading
	Source           string `json:"source"`
	Quality          string `json:"quality"`
	Revision         int64  `json:"revision"`
	StoredAt         string `json:"stored_at"`
	BeforeActivation bool   `json:"before_activation"`

	Wh       *int64 `json:"wh,omitempty"`
	VA       *int64 `json:"va,omitempty"`
	At       string `json:"at,omitempty"`
	Complete *bool  `json:"complete,omitempty"`
	Points   []slot `json:"points,omitempty"`
}

// slot is one interval of a curve. A missing one has neither watts nor quality nor source.
type slot struct {
	Start    string  `json:"start"`
	StartUTC string  `json:"start_utc"`
	Minutes  float64 `json:"minutes"`
	Watts    *int64  `json:"w"`
	Quality  *string `json:"quality"`
	Source   *string `json:"source"`
}

func headingOf(s meter.Series, day meter.Day) heading {
	return heading{PRM: s.PRM, Direction: s.Direction, Measure: s.Measure, Date: day}
}

func dayDocument(d Day) any {
	line := dayLine{
		heading: headingOf(d.Series, d.Day), Source: d.Source, Quality: d.Quality.String(),
		Revision: d.Revision, StoredAt: inParis(d.StoredAt), BeforeActivation: d.BeforeActivation,
	}
	switch d.Series.Measure {
	case meter.LoadCurve:
		line.Complete = new(d.Complete(meter.LoadCurve))
		line.Points = make([]slot, len(d.Readings))
		for i, r := range d.Readings {
			line.Points[i] = slotOf(r)
		}
	case meter.MaxPower:
		line.VA, line.At = &d.Value, inParis(d.At)
	default:
		line.Wh = &d.Value
	}
	return line
}

func slotOf(r meter.Reading) slot {
	s := slot{Start: inParis(r.Start), StartUTC: inUTC(r.Start), Minutes: minutes(r.Seconds())}
	if !r.Missing {
		s.Watts, s.Quality, s.Source = &r.Watts, new(r.Quality.String()), &r.Source
	}
	return s
}

type coverageLine struct {
	heading
	Status      meter.Status `json:"status"`
	Asked       int          `json:"asked"`
	LastAskedAt *string      `json:"last_asked_at"`
	AgainAt     *string      `json:"again_at"`
}

func coverageDocument(c Coverage) any {
	line := coverageLine{heading: headingOf(c.Series, c.Day), Status: c.Status, Asked: c.Asked}
	if !c.LastAsked.IsZero() {
		line.LastAskedAt = new(inParis(c.LastAsked))
	}
	if !c.Again.IsZero() {
		line.AgainAt = new(inParis(c.Again))
	}
	return line
}
