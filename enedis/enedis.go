// Package enedis says what a way to Enedis's data is: a Request, the Batch that answers it, the Profile of a meter, the
// Traits of a source, and the Error of a refusal with the one table of what to do about it. It knows no API; each way
// in has a package below this one.
package enedis

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Request asks one source for one measure of one meter: the unit of planning, of quota and of retry.
type Request struct {
	PRM       meter.PRM
	Direction meter.Direction
	Measure   meter.Measure
	Days      meter.Days // local days, the last one excluded
}

// Series is what the request is about, without its days.
func (r Request) Series() meter.Series {
	return meter.Series{PRM: r.PRM, Direction: r.Direction, Measure: r.Measure}
}

// String names the request with a short PRM, as in "…0987 consumption/daily 2026-11-15..2026-11-22".
func (r Request) String() string {
	return fmt.Sprintf("%s %s %s", r.PRM.Short(), r.Series().Name(), r.Days)
}

// LogValue keeps the PRM short.
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Batch is what a source had of a Request: maybe less than was asked, never more. A day that it lacks is absent, a slot
// that a day lacks is marked missing.
type Batch struct {
	Request Request
	Days    []meter.DayValues // in order
	Source  string
}

// Profile is what a contract says of a meter. What is not known is zero or nil.
type Profile struct {
	Directions    []meter.Direction // those under contract, consumption first; nil when the contract does not say
	Open          bool              // there may be another direction beside those
	Activation    map[meter.Direction]meter.Day
	SubscribedKVA *float64 // consumption's
	Tariff        string   // consumption's distribution tariff as the source gives it: 2026 a sentence, v5 a code
	OffPeak       string   // consumption's off-peak hours, the source's text
}

// Gate is asked before every HTTP request, token and retries included. It writes the call into the ledger, waits for the
// rate, and refuses with an error for which errors.Is(err, ErrBudget) holds when the budget of the API is spent.
type Gate func(ctx context.Context, api string) error

// Traits is what a source can do and may do: data, for the planner and the gate.
type Traits struct {
	Measures  map[meter.Direction][]meter.Measure // what it offers; a measure that is absent is not offered
	Span      map[meter.Measure]int               // the most days of one request
	History   map[meter.Measure]History           // how far back it reaches
	DailyLags bool                                // daily values end the day before yesterday
	Rate      float64                             // requests a second, over all APIs; burst 1
	InFlight  int                                 // requests at the same time, at most one a meter
	Limits    []Limit
}

// History is how far back from today a source reaches.
type History struct {
	Months, Days int
}

// First is the first day that the source still has on the given day.
func (h History) First(today meter.Day) meter.Day {
	return today.MonthsBack(h.Months) - meter.Day(h.Days)
}

// Offers tells whether the source has a measure of a direction.
func (t Traits) Offers(d meter.Direction, m meter.Measure) bool {
	return slices.Contains(t.Measures[d], m)
}

// Limit is a budget: at most Calls in any Window, counted for each value of Scope.
type Limit struct {
	Window time.Duration
	Scope  string // ScopeAPI or ScopeSource
	Calls  int
}

// The scopes of a limit.
const (
	ScopeAPI    = "api"    // each API of the source for itself
	ScopeSource = "source" // all calls to the source together
)
