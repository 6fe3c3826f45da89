package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// historyView is the form with which a meter's history is asked for, and whether some is under way.
type historyView struct {
	Key      string // of the meter in addresses
	Measures []choice
	UnderWay bool
	Stored   bool // what was just asked for is all there
}

// choice is a box of a form.
type choice struct{ Value, Label string }

// showHistory is the form for a meter.
func (s *Server) showHistory(m contract.Meter, key string) historyView {
	v, say := historyView{Key: key}, historyWordsOf(s.Locale)
	for _, measure := range meter.Measures(meter.Consumption) {
		has := func(d meter.Direction) bool {
			_, ok := m.Series[contract.Measured{Direction: d, Measure: measure}]
			return ok
		}
		if len(m.Series) == 0 || slices.ContainsFunc(meter.Directions(), has) {
			v.Measures = append(v.Measures, choice{Value: string(measure), Label: say.measures[measure]})
		}
	}
	return v
}

// askHistory takes the form. What is under way then shows on the page, to which the browser is sent back.
func (s *Server) askHistory(w http.ResponseWriter, r *http.Request) {
	p, ok := s.keyed(w, r)
	if !ok {
		return
	}
	say := historyWordsOf(s.Locale)
	r.Body = http.MaxBytesReader(w, r.Body, maxCommand)
	if err := r.ParseForm(); err != nil {
		s.note(w, http.StatusBadRequest, noteView{Text: say.Refused, Back: backOf(r)})
		return
	}
	form := r.PostForm
	if form.Get("from") == "" { // as far as history reaches
		form.Set("from", contract.HistoryFirst(meter.Daily, meter.DayOf(s.Now())).String())
	}
	if !form.Has("measures") {
		s.note(w, http.StatusBadRequest, noteView{Text: say.NoMeasure, Back: backOf(r)})
		return
	}
	data, ok := s.commandOfPage(w, r, contract.History, form, p.PRM)
	if !ok {
		return
	}
	query := ""
	if progress, ok := data.(contract.HistoryProgress); ok && progress.Calls == progress.Done {
		query = "?stored=" + url.QueryEscape(r.PathValue("key"))
	}
	s.back(w, r, query)
}

// endHistory takes the button that leaves the rest of what is under way.
func (s *Server) endHistory(w http.ResponseWriter, r *http.Request) {
	p, ok := s.keyed(w, r)
	if !ok {
		return
	}
	if _, ok := s.commandOfPage(w, r, contract.HistoryStop, nil, p.PRM); ok {
		s.back(w, r, "")
	}
}

// commandOfPage has a command carried out, or says on a page what is wrong with it.
func (s *Server) commandOfPage(
	w http.ResponseWriter, r *http.Request, name string, form url.Values, p meter.PRM,
) (data any, ok bool) {
	payload, err := formPayload(form, p)
	status := http.StatusBadRequest
	if err == nil {
		data, status, err = s.carryOut(r.Context(), name, payload)
	}
	if err != nil {
		s.note(w, status, noteView{Text: historyWordsOf(s.Locale).Refused, Detail: err.Error(), Back: backOf(r)})
		return nil, false
	}
	return data, true
}

// back sends the browser to the meter on the page, by a relative address: the page may stand below any path.
func (s *Server) back(w http.ResponseWriter, r *http.Request, query string) {
	w.Header().Set("Location", backOf(r)+query+"#meter-"+r.PathValue("key"))
	w.WriteHeader(http.StatusSeeOther)
}

// backOf leads from a page below the first one to that.
func backOf(r *http.Request) string {
	return strings.Repeat("../", strings.Count(r.URL.Path, "/")-1)
}

// progressView is the small page in the page that tells how a meter's history fares, and asks for itself again.
type progressView struct {
	Locale contract.Locale
	Words  historyWords
	Every  int // seconds between two looks
	Orders []orderView
}

// orderView is how one order fares, or what the settings want.
type orderView struct {
	Days, Done    int
	Text, Cut     string
	Message, Left string
}

// refreshEvery is how often a page looks how the history fares, in seconds.
const refreshEvery = 10

// progress shows how the history of a meter fares.
func (s *Server) progress(w http.ResponseWriter, r *http.Request) {
	p, ok := s.keyed(w, r)
	if !ok {
		return
	}
	v := progressView{Locale: s.Locale, Words: historyWordsOf(s.Locale), Every: refreshEvery}
	for _, h := range underWay(s.bridge.Status())[p.PRM] {
		v.Orders = append(v.Orders, v.Words.order(h))
	}
	s.render(w, http.StatusOK, "progress.html", v)
}

// order puts in words how an order fares.
func (w historyWords) order(h contract.HistoryProgress) orderView {
	v := orderView{Days: h.Days, Done: h.DaysDone, Message: h.Message}
	v.Text = fmt.Sprintf(w.days, h.DaysDone, h.Days)
	if h.Holes > 0 {
		v.Text += fmt.Sprintf(w.holes, h.Holes)
	}
	v.Left = fmt.Sprintf(w.calls, h.Calls-h.Done)
	switch {
	case h.Calls == h.Done:
	case h.EndsAt.IsZero():
		v.Left += w.endless
	default:
		v.Left += fmt.Sprintf(w.ends, moment(h.EndsAt.Time))
	}
	if h.CutTo != nil {
		v.Cut = fmt.Sprintf(w.cut, *h.CutTo)
	}
	return v
}

// noteView is a page that says why something was not done.
type noteView struct {
	Locale  contract.Locale
	Version string
	Words   historyWords
	Text    string
	Detail  string // for people who look closer
	Back    string // the address of the page
}

func (s *Server) note(w http.ResponseWriter, status int, v noteView) {
	v.Locale, v.Version, v.Words = s.Locale, s.Version, historyWordsOf(s.Locale)
	s.render(w, status, "note.html", v)
}
