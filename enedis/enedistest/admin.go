package enedistest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// admin adds the simulator's own paths. They ask for no token and count as no call.
//
//	GET    /simulator/faults                    the faults that are on, and all that there are
//	POST   /simulator/faults?name=&duration=    injects one; &count=, &prm=, &resource= narrow it
//	DELETE /simulator/faults                    heals all; ?name= heals one
//	GET    /simulator/meters                    the meters
//	GET    /simulator/calls                     counts by API, resource and status
func (e *Enedis) admin() {
	e.mux.HandleFunc("GET /simulator/faults", e.listFaults)
	e.mux.HandleFunc("POST /simulator/faults", e.injectFault)
	e.mux.HandleFunc("DELETE /simulator/faults", e.healFaults)
	e.mux.HandleFunc("GET /simulator/meters", e.listMeters)
	e.mux.HandleFunc("GET /simulator/calls", e.countCalls)
	e.adminMeters()
}

type (
	adminFaults struct {
		Active []adminFault `json:"active"`
		Known  []string     `json:"known"`
	}
	adminFault struct {
		Name     string     `json:"name"`
		Until    *time.Time `json:"until"` // null: until healed
		Left     *int       `json:"left"`  // requests it may still strike; null: any number
		PRM      meter.PRM  `json:"prm,omitempty"`
		Resource string     `json:"resource,omitempty"`
	}
	adminMeter struct {
		PRM             meter.PRM                     `json:"prm"`
		Kind            string                        `json:"kind"`
		Directions      []meter.Direction             `json:"directions"`
		Activation      map[meter.Direction]meter.Day `json:"activation"`
		AuthorisationID int64                         `json:"autorisation_id"`
		Consented       bool                          `json:"consented"`
	}
	adminCalls struct {
		Total int          `json:"total"`
		Calls []adminCount `json:"calls"`
	}
	adminCount struct {
		API      string `json:"api"`
		Resource string `json:"resource"`
		Status   int    `json:"status"` // 0: the connection was held or broken
		Count    int    `json:"count"`
	}
	adminError struct {
		Error string `json:"error"`
	}
)

func (e *Enedis) listFaults(w http.ResponseWriter, _ *http.Request) {
	now := e.options.Now()
	body := adminFaults{Active: []adminFault{}, Known: Faults()}
	e.mu.Lock()
	for _, a := range e.faults {
		if a.over(now) {
			continue
		}
		f := adminFault{Name: a.Name, PRM: a.PRM, Resource: a.Resource}
		if until := a.until; !until.IsZero() {
			f.Until = &until
		}
		if left := a.left; a.Count > 0 {
			f.Left = &left
		}
		body.Active = append(body.Active, f)
	}
	e.mu.Unlock()
	success(body).write(w)
}

func (e *Enedis) injectFault(w http.ResponseWriter, r *http.Request) {
	f, err := faultOf(r)
	if err != nil {
		jsonAnswer(http.StatusBadRequest, typeJSON, adminError{err.Error()}).write(w)
		return
	}
	e.Inject(f)
	e.listFaults(w, r)
}

// faultOf reads a fault from the form or the query string; name may hold the duration, as in "hang:30s".
func faultOf(r *http.Request) (Fault, error) {
	text := r.FormValue("name")
	if d := r.FormValue("duration"); d != "" && !strings.Contains(text, ":") {
		text += ":" + d
	}
	f, err := ParseFault(text)
	if err != nil {
		return Fault{}, err
	}
	if count := r.FormValue("count"); count != "" {
		if f.Count, err = strconv.Atoi(count); err != nil || f.Count < 1 {
			return Fault{}, fmt.Errorf("count %q: want a number above 0", count)
		}
	}
	if prm := r.FormValue("prm"); prm != "" {
		if f.PRM, err = meter.ParsePRM(prm); err != nil {
			return Fault{}, err
		}
	}
	f.Resource = r.FormValue("resource")
	return f, nil
}

func (e *Enedis) healFaults(w http.ResponseWriter, r *http.Request) {
	if name := r.URL.Query().Get("name"); name != "" {
		e.Heal(name)
	} else {
		e.Heal()
	}
	e.listFaults(w, r)
}

func (e *Enedis) listMeters(w http.ResponseWriter, _ *http.Request) {
	list := []adminMeter{}
	for _, m := range e.Meters() {
		a := adminMeter{
			PRM: m.PRM, Kind: m.Kind.String(), Directions: m.Directions(),
			Activation: map[meter.Direction]meter.Day{}, AuthorisationID: m.AuthorisationID(),
			Consented: m.consented(e.options.Now()),
		}
		for _, d := range m.Directions() {
			a.Activation[d] = m.ActivationOf(d)
		}
		list = append(list, a)
	}
	success(list).write(w)
}

func (e *Enedis) countCalls(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	tallies := maps.Clone(e.tallies)
	e.mu.Unlock()
	body := adminCalls{Calls: []adminCount{}}
	for _, t := range slices.SortedFunc(maps.Keys(tallies), tally.compare) {
		body.Total += tallies[t]
		body.Calls = append(body.Calls, adminCount{API: t.api, Resource: t.resource, Status: t.status, Count: tallies[t]})
	}
	success(body).write(w)
}

// compare orders tallies by API, resource and status.
func (t tally) compare(o tally) int {
	return cmp.Or(cmp.Compare(t.api, o.api), cmp.Compare(t.resource, o.resource), cmp.Compare(t.status, o.status))
}
