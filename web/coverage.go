package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// coverage is what the command "coverage" answers, for the meter of the path.
func (s *Server) coverage(w http.ResponseWriter, r *http.Request) {
	p, ok := s.serves(w, r)
	if !ok {
		return
	}
	c, err := s.bridge.Coverage(r.Context(), p)
	if err != nil {
		s.failed(w, err)
		return
	}
	writeJSON(w, http.StatusOK, c)
}

// coverageView is the page that tells which days of one meter there are. It is read when somebody asks for it, not with the
// page of all meters.
type coverageView struct {
	Locale      contract.Locale
	Version     string
	Words       historyWords
	Name, Tail  string
	Back        string
	Contracts   []string // where the contracts begin
	Series      []seriesView
	Differences []differenceView
}

// seriesView is one series: each day is in one of the runs.
type seriesView struct {
	Label   string
	Summary string // how many days of each status
	Runs    []runView
	Open    int // days in Holes
	Holes   []holeView
}

// runView is a stretch of days of equal status.
type runView struct {
	From, To meter.Day // To is included
	Status   meter.Status
	Text     string // the status in words
	Days     int
}

// holeView is a day, or a stretch of days of which the same is to be said, that was asked for and is not complete.
type holeView struct {
	When, Asked, Last, Next, Missing string
}

// differenceView is a day of which Enedis says two things.
type differenceView struct {
	Date                                meter.Day
	Direction, Daily, Curve, Difference string
}

// coveragePage shows which days of a meter there are.
func (s *Server) coveragePage(w http.ResponseWriter, r *http.Request) {
	p, ok := s.keyed(w, r)
	if !ok {
		return
	}
	m, ok, err := s.bridge.Meter(r.Context(), p.PRM)
	var c contract.MeterCoverage
	if err == nil && ok { // else it left a moment ago
		c, err = s.bridge.Coverage(r.Context(), p.PRM)
	}
	if err != nil {
		s.Log.Warn("the page cannot read the store", "err", err)
		s.note(w, http.StatusServiceUnavailable, noteView{Text: words(s.Locale)["broken"], Back: backOf(r)})
		return
	}
	v := s.showCoverage(m, c)
	v.Name, v.Tail, v.Back = nameOf(contract.Meter{PRM: p.PRM, Name: p.Name}), p.PRM.Tail(), backOf(r)
	s.render(w, http.StatusOK, "coverage.html", v)
}

func (s *Server) showCoverage(m contract.Meter, c contract.MeterCoverage) coverageView {
	say := historyWordsOf(s.Locale)
	v := coverageView{Locale: s.Locale, Version: s.Version, Words: say}
	for _, d := range meter.Directions() {
		if begins := activationOf(m, d); begins != 0 {
			v.Contracts = append(v.Contracts, fmt.Sprintf(say.begins, say.directions[d], begins))
		}
		for _, measure := range meter.Measures(d) {
			name := contract.Measured{Direction: d, Measure: measure}.Name()
			if runs, ok := c.Series[name]; ok {
				one := say.series(runs, c.Holes[name])
				one.Label = say.directions[d] + ", " + say.measures[measure]
				v.Series = append(v.Series, one)
			}
		}
	}
	for _, d := range c.Differences {
		v.Differences = append(v.Differences, differenceView{
			Date: d.Date, Direction: say.directions[d.Direction],
			Daily: kwh(d.DailyWh), Curve: kwh(d.CurveWh), Difference: kwh(d.CurveWh - d.DailyWh),
		})
	}
	return v
}

// activationOf is the first day of a direction's contract; 0 when the data does not know it.
func activationOf(m contract.Meter, d meter.Direction) (first meter.Day) {
	for _, measure := range meter.Measures(d) {
		day := m.Series[contract.Measured{Direction: d, Measure: measure}].Activation
		if first == 0 || day != 0 && day < first {
			first = day
		}
	}
	return first
}

// series puts in words what there is of one series.
func (w historyWords) series(runs []contract.CoverageRun, holes []contract.CoverageHole) seriesView {
	v := seriesView{Open: len(holes)}
	days := make(map[meter.Status]int)
	for _, r := range runs {
		days[r.Status] += r.Days
		v.Runs = append(v.Runs, runView{From: r.From, To: r.To, Status: r.Status, Text: w.statuses[r.Status], Days: r.Days})
	}
	var parts []string
	for _, status := range [...]meter.Status{
		meter.StatusComplete, meter.StatusPartial, meter.StatusAbsent, meter.StatusUnasked,
	} {
		if n := days[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s%s %d", w.statuses[status], w.Colon, n))
		}
	}
	v.Summary = w.nothing
	if len(runs) > 0 {
		v.Summary = fmt.Sprintf("%s – %s, %s", runs[0].From, runs[len(runs)-1].To, strings.Join(parts, ", "))
	}
	for len(holes) > 0 {
		n := alike(holes)
		v.Holes = append(v.Holes, w.hole(holes[:n]))
		holes = holes[n:]
	}
	return v
}

// alike counts the holes at the beginning of the list that follow on one another and of which the same is to be said.
func alike(holes []contract.CoverageHole) int {
	first := holes[0]
	n := 1
	for n < len(holes) && holes[n].Date == first.Date+meter.Day(n) && holes[n].Asked == first.Asked &&
		moment(holes[n].LastAt.Time) == moment(first.LastAt.Time) && moment(holes[n].NextAt.Time) == moment(first.NextAt.Time) &&
		len(holes[n].Missing) == 0 && len(first.Missing) == 0 {
		n++
	}
	return n
}

// hole puts in words what is to be said of each of some days that follow on one another.
func (w historyWords) hole(holes []contract.CoverageHole) holeView {
	first, last := holes[0], holes[len(holes)-1]
	v := holeView{When: first.Date.String(), Asked: strconv.Itoa(first.Asked), Last: moment(first.LastAt.Time)}
	if last.Date != first.Date {
		v.When += " – " + last.Date.String()
	}
	v.Next = w.rests
	switch {
	case first.Asked == 0:
		v.Asked, v.Next = "–", w.rides
	case !first.NextAt.IsZero():
		v.Next = moment(first.NextAt.Time)
	}
	var spans []string
	for _, span := range first.Missing {
		spans = append(spans, fmt.Sprintf("%s (%d min)", span.Start.In(meter.Paris()).Format("15:04"), span.Minutes))
	}
	v.Missing = strings.Join(spans, ", ")
	return v
}
