package enedistest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Fault is a way in which Enedis misbehaves.
//
// It strikes the resources of data and contracts; the token endpoint and the consent page only when Resource names them or
// the fault is one of theirs; and the clock the token endpoint as well. Of several faults that would strike a request, the
// one injected last does. A call over the quota is refused before a fault can strike. Those that bend values leave
// registers and contracts as they are.
type Fault struct {
	Name     string        // one of those that Faults lists
	Duration time.Duration // by Options.Now; 0: until Heal
	Count    int           // how many requests it strikes; 0: as many as come
	PRM      meter.PRM     // strikes requests for this PRM alone; empty: any
	Resource string        // strikes this resource or API alone; empty: any
}

// defaultDuration is that of a fault whose text names none.
const defaultDuration = time.Minute

// ParseFault takes NAME or NAME:DURATION, as in "hang:30s"; without a duration it is a minute. The error says what is
// allowed.
func ParseFault(s string) (Fault, error) {
	name, text, given := strings.Cut(s, ":")
	if _, known := kindOf(name); !known {
		return Fault{}, fmt.Errorf("fault %q: want one of %s", name, strings.Join(faultNames(), ", "))
	}
	f := Fault{Name: name, Duration: defaultDuration}
	if !given {
		return f, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return Fault{}, fmt.Errorf("fault %s: duration %q: want one above 0, as in %s:30s", name, text, name)
	}
	f.Duration = d
	return f, nil
}

// Faults lists the faults, each as "name: what it does".
func Faults() []string {
	var lines []string
	for _, k := range kinds() {
		lines = append(lines, k.name+": "+k.about)
	}
	return lines
}

func faultNames() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func kindOf(name string) (kind, bool) {
	for _, k := range kinds() {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

// active is a fault that was injected.
type active struct {
	Fault
	kind   kind
	until  time.Time // zero: until healed
	left   int       // requests it may still strike, when Count is set
	serial int       // of the newest token when it was injected
}

// Inject makes Enedis misbehave from now on. A fault of the same name, PRM and resource is replaced. It panics on a name
// that Faults does not list.
func (e *Enedis) Inject(f Fault) {
	k, known := kindOf(f.Name)
	if !known {
		panic("enedistest: no fault named " + f.Name)
	}
	a := &active{Fault: f, kind: k, left: f.Count}
	if f.Duration > 0 {
		a.until = e.options.Now().Add(f.Duration)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	a.serial = e.tokens.last
	e.faults = slices.DeleteFunc(e.faults, func(old *active) bool {
		return old.Name == f.Name && old.PRM == f.PRM && old.Resource == f.Resource
	})
	e.faults = append(e.faults, a)
}

// Heal ends the faults of these names; without a name, all of them.
func (e *Enedis) Heal(names ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = slices.DeleteFunc(e.faults, func(a *active) bool {
		return len(names) == 0 || slices.Contains(names, a.Name)
	})
}

// over tells whether the fault has had its time.
func (a *active) over(now time.Time) bool {
	return !a.until.IsZero() && !now.Before(a.until) || a.Count > 0 && a.left == 0
}

// hits tells whether the fault strikes a request.
func (a *active) hits(q *query) bool {
	named := a.Resource != "" && (a.Resource == q.name || a.Resource == q.api)
	switch {
	case a.Resource != "" && !named, a.PRM != "" && a.PRM != q.prm:
		return false
	case a.kind.only != "":
		return q.name == a.kind.only
	case q.name == ResourceAuthorize:
		return named
	case a.kind.spares != nil && a.kind.spares(a, q):
		return false
	case q.name == ResourceToken:
		return named || a.kind.everywhere
	}
	return q.name != unknownResource
}

// strike is a fault upon one request. A nil strike is no fault: Enedis works.
type strike struct {
	kind kind
}

// strikes finds the fault that strikes a request, and counts it. Faults that have had their time are forgotten.
func (e *Enedis) strikes(q *query) *strike {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = slices.DeleteFunc(e.faults, func(a *active) bool { return a.over(q.now) })
	for _, a := range slices.Backward(e.faults) {
		if a.hits(q) {
			a.left--
			return &strike{a.kind}
		}
	}
	return nil
}

func (s *strike) name() string {
	if s == nil {
		return ""
	}
	return s.kind.name
}

// silent tells whether the request gets no answer.
func (s *strike) silent() bool { return s != nil && s.kind.silent }

// instead is the answer in place of Enedis's own, if the fault has one.
func (s *strike) instead(q *query) (a answer, ok bool) {
	if s == nil || s.kind.instead == nil {
		return answer{}, false
	}
	return s.kind.instead(q), true
}

// consent is the consent page's answer to a request in order, if the fault has one.
func (s *strike) consent(c consentRequest) (a answer, ok bool) {
	if s == nil || s.kind.consent == nil {
		return answer{}, false
	}
	return s.kind.consent(c), true
}

// bend changes the values of a measure.
func (s *strike) bend(vs *values) {
	if s != nil && s.kind.bend != nil {
		s.kind.bend(vs)
	}
}

// edit changes the finished answer.
func (s *strike) edit(q *query, a answer) answer {
	if s == nil || s.kind.edit == nil {
		return a
	}
	return s.kind.edit(q, a)
}

// date is the Date header.
func (s *strike) date(now time.Time) string {
	if s != nil {
		now = now.Add(s.kind.skew)
	}
	return now.UTC().Format(http.TimeFormat)
}

// send writes the answer, well or badly.
func (s *strike) send(w http.ResponseWriter, r *http.Request, a answer) {
	if s == nil || s.kind.send == nil {
		a.write(w)
		return
	}
	s.kind.send(w, r, a)
}
