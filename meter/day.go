package meter

import (
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

//go:embed paris.tzif
var parisTZ []byte

var paris = mustZone("Europe/Paris", parisTZ)

// Paris is the zone of every Enedis meter on the mainland. It comes with the program, so that the zone files of the host,
// which time.LoadLocation prefers to all others, have no say (docs/decisions/0001).
func Paris() *time.Location { return paris }

func mustZone(name string, tz []byte) *time.Location {
	zone, err := time.LoadLocationFromTZData(name, tz)
	if err != nil {
		panic(err) // the embedded file is broken: a programmer's mistake
	}
	return zone
}

// Day is a calendar day without a zone, counted from 1970-01-01. Its hours are those of Paris.
type Day int32

const daySeconds = 24 * 60 * 60

// NewDay is the day of a date; values out of range carry over as in time.Date.
func NewDay(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / daySeconds)
}

// DayOf is the Paris day that holds the instant t.
func DayOf(t time.Time) Day {
	y, m, d := t.In(paris).Date()
	return NewDay(y, m, d)
}

// ParseDay takes YYYY-MM-DD.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if wrong, ok := errors.AsType[*time.ParseError](err); ok && strings.HasSuffix(wrong.Message, "out of range") {
		return 0, fmt.Errorf("day %q: there is no such day", s)
	}
	if err != nil {
		return 0, fmt.Errorf("day %q: want YYYY-MM-DD", s)
	}
	return NewDay(t.Date()), nil
}

func (d Day) utc() time.Time { return time.Unix(int64(d)*daySeconds, 0).UTC() }

// Date splits the day into year, month and day of the month.
func (d Day) Date() (int, time.Month, int) { return d.utc().Date() }

// String is YYYY-MM-DD.
func (d Day) String() string { return d.utc().Format(time.DateOnly) }

// MarshalText gives YYYY-MM-DD.
func (d Day) MarshalText() ([]byte, error) {
	return d.utc().AppendFormat(make([]byte, 0, len(time.DateOnly)), time.DateOnly), nil
}

// UnmarshalText takes YYYY-MM-DD.
func (d *Day) UnmarshalText(text []byte) error {
	parsed, err := ParseDay(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}

// Start is midnight in Paris, the day's first instant.
func (d Day) Start() time.Time {
	y, m, day := d.Date()
	return time.Date(y, m, day, 0, 0, 0, 0, paris)
}

// End is the next midnight in Paris, which belongs to the next day.
func (d Day) End() time.Time { return (d + 1).Start() }

// Length is 23, 24 or 25 h.
func (d Day) Length() time.Duration { return d.End().Sub(d.Start()) }

// Month is the calendar month that holds the day.
func (d Day) Month() Days {
	y, m, _ := d.Date()
	return Days{From: NewDay(y, m, 1), To: NewDay(y, m+1, 1)}
}

// Year is the calendar year that holds the day.
func (d Day) Year() Days {
	y, _, _ := d.Date()
	return Days{From: NewDay(y, time.January, 1), To: NewDay(y+1, time.January, 1)}
}

// MonthName is YYYY-MM, YearName is YYYY.
func (d Day) MonthName() string { return d.utc().Format("2006-01") }

// YearName is YYYY.
func (d Day) YearName() string { return d.utc().Format("2006") }

// MonthsBack is the same day of the month n months earlier, or that month's last day when it is shorter.
func (d Day) MonthsBack(n int) Day {
	y, m, day := d.Date()
	last := NewDay(y, m-time.Month(n)+1, 1) - 1
	return min(NewDay(y, m-time.Month(n), 1)+Day(day)-1, last)
}

// Days is a run of days; To is excluded. It is empty when To is not after From.
type Days struct {
	From Day `json:"from"`
	To   Day `json:"to"`
}

// Len is the number of days, 0 for an empty run.
func (r Days) Len() int { return max(0, int(r.To-r.From)) }

// Empty tells whether no day is in the run.
func (r Days) Empty() bool { return r.To <= r.From }

// Contains tells whether d is in the run.
func (r Days) Contains(d Day) bool { return r.From <= d && d < r.To }

// All walks the days, oldest first.
func (r Days) All() iter.Seq[Day] {
	return func(yield func(Day) bool) {
		for d := r.From; d < r.To; d++ {
			if !yield(d) {
				return
			}
		}
	}
}

// Backwards walks the days, newest first.
func (r Days) Backwards() iter.Seq[Day] {
	return func(yield func(Day) bool) {
		for d := r.To - 1; d >= r.From; d-- {
			if !yield(d) {
				return
			}
		}
	}
}

// Intersect is what both runs hold.
func (r Days) Intersect(o Days) Days {
	return Days{From: max(r.From, o.From), To: min(r.To, o.To)}
}

// String is "2026-11-15..2026-11-22", the last day excluded.
func (r Days) String() string { return r.From.String() + ".." + r.To.String() }
