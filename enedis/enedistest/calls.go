package enedistest

import (
	"cmp"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Call is one request that Enedis received.
type Call struct {
	At       time.Time
	API      string     // as in "mesure_synchrone_auto"; "oauth2" for the token
	Resource string     // as in "consommation_quotidienne"; "token"; "unknown" for a path that is nowhere
	PRM      meter.PRM  // empty when there is none, or none with 14 digits
	Days     meter.Days // zero when there are none
	Status   int        // 0 while it is not answered, and when the connection was held or broken
	Fault    string     // that struck; empty for none
}

// maxCalls is how many calls are remembered.
const maxCalls = 100_000

// tally counts alike calls, for good.
type tally struct {
	api, resource string
	status        int
}

// Calls lists the calls in the order of their arrival, the newest 100 000 of them.
func (e *Enedis) Calls() []Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]Call, len(e.calls))
	for i, c := range e.calls {
		list[i] = *c
	}
	return list
}

// Count counts the calls that are like c: each field of c that is not zero must be the same. At is not minded, and
// Count(Call{}) counts all.
func (e *Enedis) Count(c Call) int {
	n := 0
	for _, call := range e.Calls() {
		if call.like(c) {
			n++
		}
	}
	return n
}

func (c Call) like(o Call) bool {
	return same(c.API, o.API) && same(c.Resource, o.Resource) && same(c.PRM, o.PRM) &&
		same(c.Days, o.Days) && same(c.Status, o.Status) && same(c.Fault, o.Fault)
}

func same[T comparable](v, want T) bool { return v == cmp.Or(want, v) }

// ForgetCalls empties the record of calls. The quota is not touched.
func (e *Enedis) ForgetCalls() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = nil
	clear(e.tallies)
}

// begin records a call as it arrives.
func (e *Enedis) begin(q *query) *Call {
	c := &Call{At: q.now, API: cmp.Or(q.api, firstSegment(q.request.URL.Path)), Resource: q.name, PRM: q.prm, Days: q.days}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.calls) >= maxCalls {
		e.calls = slices.Delete(e.calls, 0, maxCalls/10)
	}
	e.calls = append(e.calls, c)
	return c
}

// end records how a call was answered.
func (e *Enedis) end(c *Call, status int, fault string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.Status, c.Fault = status, fault
	key := tally{c.API, c.Resource, status}
	if c.Resource == unknownResource {
		key.api = "" // there is no end to the paths that are nowhere
	}
	e.tallies[key]++
}
