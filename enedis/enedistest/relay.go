package enedistest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// relay is what the fakes of the gateways share: an Enedis behind them, whose clock they have, a record of calls, and
// faults of their own.
type relay struct {
	enedis *Enedis
	name   string                                 // the API of its calls
	says   func(fault string) (a answer, ok bool) // its own words for a fault

	mu     sync.Mutex
	calls  []*Call
	faults []*active // the newest last
}

func (g *relay) now() time.Time { return g.enedis.options.Now() }

// Calls lists what was asked for, in order, whatever the answer was. Status is that of HTTP: MyElectricalData v2 refuses with
// 200 too.
func (g *relay) Calls() []Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Call, len(g.calls))
	for i, c := range g.calls {
		list[i] = *c
	}
	return list
}

// ForgetCalls empties the record of calls. No quota is touched.
func (g *relay) ForgetCalls() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = nil
}

// MostWithin is the most calls that came within any time of this length, its beginning excluded: what a quota counts. The
// calls are in the order of their arrival.
func MostWithin(span time.Duration, calls []Call) int {
	most, oldest := 0, 0
	for i, c := range calls {
		for !calls[oldest].At.After(c.At.Add(-span)) {
			oldest++
		}
		most = max(most, i+1-oldest)
	}
	return most
}

// gatewayFaults are the faults that a gateway can have itself. Those of 500, 429 and unauthorized are in its own words, with
// 429 for its own quota; the others are as Enedis's.
func gatewayFaults() []string {
	return []string{
		"500", "503", "html", "html404", "hang", "reset", "truncated", "huge", "slow", "429", "unauthorized", "clock", "empty",
	}
}

// Inject makes the gateway itself misbehave from now on: 500, 503, html, html404, hang, reset, truncated, huge, slow, 429,
// unauthorized, clock or empty. All of its requests are struck, unless PRM or Resource, as in Calls, narrow it. What Enedis
// does wrong is injected into the Enedis behind it; here it panics. A fault of the same name, PRM and resource is replaced.
func (g *relay) Inject(f Fault) {
	k, _ := kindOf(f.Name)
	if !slices.Contains(gatewayFaults(), f.Name) {
		panic("enedistest: fault " + f.Name + " of a gateway: want one of " + strings.Join(gatewayFaults(), ", "))
	}
	a := &active{Fault: f, kind: k, left: f.Count}
	if f.Duration > 0 {
		a.until = g.now().Add(f.Duration)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(slices.DeleteFunc(g.faults, func(old *active) bool {
		return old.Name == f.Name && old.PRM == f.PRM && old.Resource == f.Resource
	}), a)
}

// Heal ends the gateway's own faults of these names; without a name, all of them.
func (g *relay) Heal(names ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = slices.DeleteFunc(g.faults, func(a *active) bool {
		return len(names) == 0 || slices.Contains(names, a.Name)
	})
}

// serve records a call and sends its answer, or what a fault makes of it. Respond is not called for a request that a fault
// answers.
func (g *relay) serve(w http.ResponseWriter, r *http.Request, c Call, respond func() answer) {
	c.At, c.API = g.now(), g.name
	call, f := g.begin(c)
	a, struck := g.instead(f)
	if !struck {
		a = respond()
	}
	g.end(call, a.status, f)
	w.Header().Set("Date", f.date(c.At))
	f.send(w, r, a)
}

// begin records a call as it arrives, and finds the fault that strikes it; nil for none.
func (g *relay) begin(c Call) (*Call, *strike) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, &c)
	g.faults = slices.DeleteFunc(g.faults, func(a *active) bool { return a.over(c.At) })
	for _, a := range slices.Backward(g.faults) {
		if same(c.PRM, a.PRM) && same(c.Resource, a.Resource) {
			a.left--
			return &c, &strike{a.kind}
		}
	}
	return &c, nil
}

// end records how a call was answered.
func (g *relay) end(c *Call, status int, f *strike) {
	if f.silent() {
		status = 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.Status, c.Fault = status, f.name()
}

// instead is the answer in place of the gateway's own, if the fault has one.
func (g *relay) instead(f *strike) (answer, bool) {
	if a, ok := g.says(f.name()); ok {
		return a, true
	}
	return f.instead(&query{})
}
