package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

//go:embed *.html
var pages embed.FS

var templates = template.Must(template.ParseFS(pages, "*.html"))

// view is what the page shows.
type view struct {
	Locale  contract.Locale
	Version string
	Words   map[string]string
	Meters  []meterView
	Sources []contract.SourceHealth

	Consents bool   // customers may consent here
	Awaited  string // how many consents are; empty when none is

	History    historyWords
	Earliest   meter.Day // to which history reaches
	Yesterday  meter.Day
	Statistics statisticsView
}

type meterView struct {
	Name, Tail string
	History    historyView
	Light      contract.Light
	Consent    string // when it ends; empty when nobody knows
	Next       string
	Values     []valueView
}

type valueView struct {
	Label, When, Text string
}

// page shows each meter's state.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	b, meters, err := s.bridge.Overview(r.Context())
	if err != nil {
		s.Log.Warn("the page cannot read the store", "err", err)
		http.Error(w, words(s.Locale)["broken"], http.StatusServiceUnavailable)
		return
	}
	v := view{
		Locale: s.Locale, Version: s.Version, Words: words(s.Locale), Sources: b.Health().Sources,
		Consents: s.consents(), Awaited: consentWordsOf(s.Locale).awaited(b),
		History: historyWordsOf(s.Locale), Statistics: s.showStatistics(b, meters),
	}
	today := meter.DayOf(s.Now())
	v.Earliest, v.Yesterday = contract.HistoryFirst(meter.Daily, today), today-1
	prms := make([]meter.PRM, len(meters))
	for i, m := range meters {
		prms[i] = m.PRM
	}
	busy := underWay(b)
	for i, key := range keysOf(prms) {
		one := s.show(meters[i])
		one.History = s.showHistory(meters[i], key)
		one.History.UnderWay = len(busy[prms[i]]) > 0
		one.History.Stored = r.URL.Query().Get("stored") == key
		v.Meters = append(v.Meters, one)
	}
	s.render(w, http.StatusOK, "page.html", v)
}

// render answers with a page.
func (s *Server) render(w http.ResponseWriter, status int, name string, v any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, v); err != nil {
		s.Log.Error("page", "name", name, "err", err)
		http.Error(w, words(s.Locale)["broken"], http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // the reader is gone: there is nobody to tell
}

func (s *Server) show(m contract.Meter) meterView {
	now, say := s.Now(), words(s.Locale)
	v := meterView{Name: nameOf(m), Tail: m.PRM.Tail(), Light: m.Light(s.Locale, now), Next: clock(m.NextAttemptAt)}
	state := m.State(now)
	v.Consent = consentWordsOf(s.Locale).until(state.Consent, meter.DayOf(now))
	if c := state.Consumption; c != nil {
		v.add(say, meter.Consumption, c.DirectionState)
		if p := c.MaxPower; p != nil {
			v.Values = append(v.Values, valueView{say["max_power"], clock(p.At.Time), kva(p.VA)})
		}
	}
	if p := state.Production; p != nil {
		v.add(say, meter.Production, *p)
	}
	return v
}

// add shows what a direction came to.
func (v *meterView) add(say map[string]string, d meter.Direction, s contract.DirectionState) {
	if x := s.Daily; x != nil {
		v.Values = append(v.Values, valueView{say[string(d)], x.Date.String(), kwh(x.Wh)})
	}
	if x := s.Monthly; x != nil {
		v.Values = append(v.Values, valueView{say[string(d)+"_month"], x.Month, kwh(x.Wh)})
	}
	if x := s.Yearly; x != nil {
		v.Values = append(v.Values, valueView{say[string(d)+"_year"], x.Year, kwh(x.Wh)})
	}
}

// nameOf is the meter's name. Whoever named a meter by its PRM gets the last four digits.
func nameOf(m contract.Meter) string {
	return strings.ReplaceAll(m.Name, string(m.PRM), m.PRM.Short())
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(meter.Paris()).Format("02/01 15:04")
}
