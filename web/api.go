package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// meters lists the meters as bridge/info has them.
func (s *Server) meters(w http.ResponseWriter, r *http.Request) {
	b, meters, err := s.bridge.Overview(r.Context())
	if err != nil {
		s.failed(w, err)
		return
	}
	profiles := make([]contract.Profile, 0, len(meters))
	for _, m := range meters {
		profiles = append(profiles, m.Profile())
	}
	writeJSON(w, http.StatusOK, map[string]any{"meters": b.Info(profiles).Meters})
}

// state is the meter's state document, the same bytes as on MQTT.
func (s *Server) state(w http.ResponseWriter, r *http.Request) { s.document(w, r, s.Topics.State) }

// freshness is the meter's freshness/detail document, the same bytes as on MQTT.
func (s *Server) freshness(w http.ResponseWriter, r *http.Request) {
	s.document(w, r, s.Topics.FreshnessDetail)
}

func (s *Server) document(w http.ResponseWriter, r *http.Request, topic func(meter.PRM) string) {
	m, ok := s.meter(w, r)
	if !ok {
		return
	}
	for _, d := range m.Documents(s.Topics, s.Locale, s.Now()) {
		if d.Topic == topic(m.PRM) {
			w.Header().Set("Content-Type", contentJSON)
			_, _ = w.Write(d.Body) // the reader is gone: there is nobody to tell
			return
		}
	}
}

// noMeter answers for a meter that is not served.
const noMeter = "there is no such meter here"

// meter finds the meter of the path, or answers that it is not there.
func (s *Server) meter(w http.ResponseWriter, r *http.Request) (contract.Meter, bool) {
	p, ok := s.serves(w, r)
	if !ok {
		return contract.Meter{}, false
	}
	m, ok, err := s.bridge.Meter(r.Context(), p)
	switch {
	case err != nil:
		s.failed(w, err)
		return m, false
	case !ok: // it left a moment ago
		refuse(w, http.StatusNotFound, noMeter)
	}
	return m, ok
}

// readings streams stored days of one series: by default the load curve of the consumption, of the last seven days.
func (s *Server) readings(w http.ResponseWriter, r *http.Request) {
	m, ok := s.meter(w, r)
	if !ok {
		return
	}
	series, days, err := s.query(m.PRM, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	a := answer{w: w, series: series}
	for day, err := range s.bridge.Days(r.Context(), series, days) {
		switch {
		case err != nil && !a.begun:
			s.failed(w, err)
			return
		case err != nil:
			s.Log.Error("readings cut short", "series", series, "err", err)
			panic(http.ErrAbortHandler) // only a broken answer says that it is not whole
		}
		if a.add(day) != nil {
			return // the reader is gone
		}
	}
	a.end()
}

// query reads direction, measure, from and to; both days are included.
func (s *Server) query(p meter.PRM, r *http.Request) (meter.Series, meter.Days, error) {
	today := meter.DayOf(s.Now())
	series := meter.Series{PRM: p, Direction: meter.Consumption, Measure: meter.LoadCurve}
	days := meter.Days{From: today - 7, To: today}
	q := r.URL.Query()
	for name := range q {
		var err error
		switch name {
		case "direction":
			series.Direction, err = meter.ParseDirection(q.Get(name))
		case "measure":
			series.Measure, err = meter.ParseMeasure(q.Get(name))
		case "from":
			days.From, err = meter.ParseDay(q.Get(name))
		case "to":
			days.To, err = meter.ParseDay(q.Get(name))
			days.To++
		default:
			err = errors.New("there are direction, measure, from and to")
		}
		if err != nil {
			return series, days, fmt.Errorf("parameter %q: %w", name, err)
		}
	}
	if days.Empty() {
		return series, days, fmt.Errorf("from %s is after to %s", days.From, days.To-1)
	}
	return series, days, nil
}

func refuse(w http.ResponseWriter, status int, why string) {
	writeJSON(w, status, map[string]string{"error": why})
}

func (s *Server) failed(w http.ResponseWriter, err error) {
	s.Log.Warn("the page cannot read the store", "err", err)
	refuse(w, http.StatusServiceUnavailable, "the store cannot be read")
}
