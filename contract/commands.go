package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The commands.
const (
	Refresh        = "refresh"      // ask now for what is missing
	History        = "history"      // add history on demand
	HistoryStop    = "history/stop" // leave the rest of it
	Republish      = "republish"    // publish everything again
	CoverageReport = "coverage"     // which days there are
)

// Command is what is asked of the bridge, by MQTT or the page alike.
type Command struct {
	Name        string
	PRM         meter.PRM       // empty for all meters; History and CoverageReport need one
	From        meter.Day       // of History, which needs it
	To          meter.Day       // of History, included; 0 for yesterday
	Direction   meter.Direction // of History; empty for all that the meter has
	Measures    []meter.Measure // of History: Daily, LoadCurve, MaxPower; empty for all that the meter has
	Transaction json.RawMessage // any JSON value, echoed in the response; nil for none
}

// How far back History goes from today: a fortnight more than what Enedis keeps, less a day.
const (
	historyMonths = 36
	curveMonths   = 24
	historyDays   = 14
)

// HistoryFirst is the first day of a measure that History reaches on the given day: 36 months and 14 days back, the curve
// 24 months and 14 days.
func HistoryFirst(m meter.Measure, today meter.Day) meter.Day {
	if m == meter.LoadCurve {
		return today.MonthsBack(curveMonths) - historyDays
	}
	return today.MonthsBack(historyMonths) - historyDays
}

// Validate tells in one sentence what is wrong with the command, whoever made it.
func (c Command) Validate(now time.Time) error {
	if !slices.Contains(commandNames(), c.Name) {
		return unknownCommand(c.Name)
	}
	if c.PRM == "" && slices.Contains(required(c.Name), "prm") {
		return fmt.Errorf("%s needs prm, the 14 digits of the meter", c.Name)
	}
	if c.Name != History {
		return nil
	}
	return c.validateHistory(meter.DayOf(now))
}

func (c Command) validateHistory(today meter.Day) error {
	if c.From == 0 {
		return errors.New("history needs from, the first day as YYYY-MM-DD")
	}
	if first := HistoryFirst(meter.Daily, today); c.From < first {
		return fmt.Errorf("from %s is too early: history reaches back to %s, 36 months and 14 days", c.From, first)
	}
	if c.To != 0 && c.To < c.From {
		return fmt.Errorf("from %s is after to %s", c.From, c.To)
	}
	if c.From >= today {
		return fmt.Errorf("from %s is too late: yesterday, %s, is the last day that can be there", c.From, today-1)
	}
	for _, m := range c.Measures {
		if !slices.Contains(historyMeasures(), m) {
			return fmt.Errorf("measure %q has no history: want daily, load_curve or max_power", visible(string(m)))
		}
	}
	if c.Direction == meter.Production && slices.Contains(c.Measures, meter.MaxPower) {
		return errors.New("production has no max_power: want daily or load_curve")
	}
	return nil
}

// Days is the run of days that History asks for: from From through To or yesterday, whichever is earlier.
func (c Command) Days(now time.Time) meter.Days {
	today := meter.DayOf(now)
	if c.To == 0 {
		return meter.Days{From: c.From, To: today}
	}
	return meter.Days{From: c.From, To: min(c.To+1, today)}
}

func historyMeasures() []meter.Measure {
	return []meter.Measure{meter.Daily, meter.LoadCurve, meter.MaxPower}
}

// Response is <base>/bridge/response/<command>.
type Response struct {
	Status      string          `json:"status"` // ok or error
	Error       *string         `json:"error"`
	Data        any             `json:"data"`
	Transaction json.RawMessage `json:"transaction"`
}

// The values of Response.Status.
const (
	StatusOK    = "ok"
	StatusError = "error"
)

// OK answers the command with data, which is nil where there is nothing to say.
func (c Command) OK(data any) Response {
	return Response{Status: StatusOK, Data: data, Transaction: c.Transaction}
}

// Failed answers the command with what is wrong.
func (c Command) Failed(err error) Response {
	text := err.Error()
	return Response{Status: StatusError, Error: &text, Transaction: c.Transaction}
}

// Document puts the response to the command of that name on its topic; it is not retained.
func (r Response) Document(t Topics, name string) Document {
	return Document{Topic: t.Response(name), Body: encode(r)}
}

// HistoryProgress is the data of a response to History: at once with nothing done, then after each call, the last time
// with Done equal to Calls.
type HistoryProgress struct {
	PRM      meter.PRM  `json:"prm"`
	Calls    int        `json:"calls"` // may be revised
	Done     int        `json:"done"`  // of Calls
	Days     int        `json:"days"`  // asked for, over all series
	DaysDone int        `json:"days_done"`
	Holes    int        `json:"holes"`            // days done for which the source has nothing
	EndsAt   Time       `json:"ends_at"`          // when the last call is expected; zero when unknown
	CutTo    *meter.Day `json:"cut_to,omitempty"` // the first day of the curve, where From lies beyond its history
	Reason   Reason     `json:"reason,omitempty"` // what holds the calls that are left; absent when nothing does
	Message  string     `json:"message,omitempty"`
}

// Same tells whether two reports say the same, the time at which the last call is expected aside.
func (p HistoryProgress) Same(o HistoryProgress) bool {
	p.EndsAt, o.EndsAt = Time{}, Time{}
	if p.CutTo != nil && o.CutTo != nil && *p.CutTo == *o.CutTo {
		o.CutTo = p.CutTo
	}
	return p == o
}

// Explained says the reason to people, from when on Enedis has anything, 0 when that cuts no days, and that the curve is not
// collected.
func (p HistoryProgress) Explained(loc Locale, activation meter.Day, notCollected bool) HistoryProgress {
	var sentences []string
	if p.Reason != "" {
		sentences = append(sentences, said(loc)[p.Reason])
	}
	if activation != 0 {
		sentences = append(sentences, begins(loc, activation))
	}
	if notCollected {
		sentences = append(sentences, said(loc)[CurveNotCollected])
	}
	p.Message = strings.Join(sentences, " ")
	return p
}

// MeterCoverage is the data of a response to CoverageReport.
type MeterCoverage struct {
	PRM    meter.PRM                `json:"prm"`
	Series map[string][]CoverageRun `json:"series"` // by name, as in "consumption/daily"; oldest first
	// Holes are the days that were asked for and are not complete, oldest first, of the series that have any.
	Holes map[string][]CoverageHole `json:"holes,omitempty"`
	// Differences are the days of which Enedis's daily value and the sum of its curve differ by more than rounding, oldest first.
	Differences []Difference `json:"differences,omitempty"`
}

// CoverageHole is a day that was asked for and is not complete.
type CoverageHole struct {
	Date    meter.Day     `json:"date"`
	Asked   int           `json:"asked"`   // how often; 0 while it rides with each request for yesterday
	LastAt  Time          `json:"last_at"` // when last
	NextAt  Time          `json:"next_at"` // when again; null while it rests until somebody asks
	Missing []MissingSpan `json:"missing,omitempty"`
}

// MissingSpan is a part of a curve day of which there is nothing.
type MissingSpan struct {
	Start   Time `json:"start"`
	Minutes int  `json:"minutes"`
}

// Difference is a day of which Enedis's daily value and the sum of its curve differ.
type Difference struct {
	Date      meter.Day       `json:"date"`
	Direction meter.Direction `json:"direction"`
	DailyWh   int64           `json:"daily_wh"`
	CurveWh   int64           `json:"curve_wh"`
}

// MissingIn lists what a curve day lacks, in order; neighbouring slots are one span.
func MissingIn(day meter.DayValues) []MissingSpan {
	var spans []MissingSpan
	from := day.Day.Start()
	missing := func(until time.Time) {
		if until.After(from) {
			spans = append(spans, MissingSpan{Start: Time{from}, Minutes: int(until.Sub(from) / time.Minute)})
		}
	}
	for _, r := range day.Readings {
		if !r.Missing {
			missing(r.Start)
			from = r.End
		}
	}
	missing(day.Day.End())
	return spans
}

// CoverageRun is a stretch of days of equal status.
type CoverageRun struct {
	From   meter.Day    `json:"from"`
	To     meter.Day    `json:"to"` // included
	Status meter.Status `json:"status"`
	Days   int          `json:"days"`
}

// Coverage tells for each series which days there are, from the first one wanted through yesterday.
func (m Meter) Coverage(now time.Time) MeterCoverage {
	c := MeterCoverage{PRM: m.PRM, Series: make(map[string][]CoverageRun, len(m.Series))}
	for measured, s := range m.Series {
		runs := []CoverageRun{}
		if from := s.wantedFrom(); from != 0 {
			for run, status := range s.Coverage.Runs(meter.Days{From: from, To: meter.DayOf(now)}) {
				runs = append(runs, CoverageRun{From: run.From, To: run.To - 1, Status: status, Days: run.Len()})
			}
		}
		c.Series[measured.Name()] = runs
	}
	return c
}
