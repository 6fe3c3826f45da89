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

// Call is one HTTP request that is about to be made, in the terms of the budgets.
type Call struct {
	API        string    // of the source, as in "mesure_synchrone_auto"
	Credential string    // a label of the token that is sent, never the token: empty where the source has one for all
	PRM        meter.PRM // the meter that it is about; empty when it is about none
}

// Gate is asked before every HTTP request, token and retries included. It writes the call into the ledger, waits for the
// rate, and refuses with an error for which errors.Is(err, ErrBudget) holds when a budget that counts the call is spent.
type Gate func(ctx context.Context, c Call) error

// Traits is what a source can do and may do: data, for the planner and the gate.
type Traits struct {
	Measures  map[meter.Direction][]meter.Measure // what it offers; a measure that is absent is not offered
	Span      map[meter.Measure]int               // the most days of one request
	History   map[meter.Measure]History           // how far back it reaches
	DailyLags []meter.Direction                   // whose daily values end the day before yesterday
	// Yesterday is the time of day in Paris from which yesterday may be asked for; zero for any time.
	Yesterday  time.Duration
	NoContract bool    // there is no contract API: Profile is not to be called
	Rate       float64 // requests a second, over all APIs; burst 1
	InFlight   int     // requests at the same time, at most one a meter
	Limits     []Limit
}

// History is how far back from today a source reaches.
type History struct {
	Months, Days int
}

// First is the first day that the source still has on the given day.
func (h History) First(today meter.Day) meter.Day {
	return today.MonthsBack(h.Months) - meter.Day(h.Days)
}

// Lags tells whether the daily values of a direction end the day before yesterday.
func (t Traits) Lags(d meter.Direction) bool { return slices.Contains(t.DailyLags, d) }

// Offers tells whether the source has a measure of a direction.
func (t Traits) Offers(d meter.Direction, m meter.Measure) bool {
	return slices.Contains(t.Measures[d], m)
}

// Limit is a budget: at most Calls in any Window, counted for each value of Scope.
type Limit struct {
	Window time.Duration
	Scope  Scope
	Calls  int
}

// Scope is what a limit counts together.
type Scope string

// The scopes.
const (
	ScopeAddress    Scope = "address"    // all calls to the source, whatever they ask for: it sees one address of ours
	ScopeCredential Scope = "credential" // the calls made with one token
	ScopeMeter      Scope = "meter"      // the calls about one meter
	ScopeAPI        Scope = "api"        // the calls to one API of the source
)

// Of is the value of the scope that a call counts for.
func (s Scope) Of(c Call) string {
	switch s {
	case ScopeCredential:
		return c.Credential
	case ScopeMeter:
		return string(c.PRM)
	case ScopeAPI:
		return c.API
	}
	return ""
}

// Grant is what a customer's consent opens: one meter.
type Grant struct {
	PRM        meter.PRM
	Directions []meter.Direction // those that a service names, consumption first; nil when nothing is said
	Until      meter.Day         // the last day of the consent; 0 when unknown
}
