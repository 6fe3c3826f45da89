package bridge

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// Ledger is the one door for calls. Each is written into the store before it is made, so that no crash forgets one.
type Ledger struct {
	store *store.Store
	built time.Time
	now   func() time.Time

	mu      sync.Mutex
	sources map[string]*account
}

// account is the budget of one source.
type account struct {
	traits enedis.Traits
	rate   *rate.Limiter
	calls  []store.Call // within the longest window, oldest first
}

// NewLedger reads the calls that still count. No call is made before the clock is later than built.
func NewLedger(ctx context.Context, s *store.Store, built time.Time, now func() time.Time) (*Ledger, error) {
	l := &Ledger{store: s, built: built, now: now, sources: make(map[string]*account)}
	calls, err := s.Calls(ctx, now().Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	for _, c := range calls {
		a := l.account(c.Source)
		a.calls = append(a.calls, c)
	}
	return l, nil
}

func (l *Ledger) account(source string) *account {
	a, ok := l.sources[source]
	if !ok {
		a = &account{rate: rate.NewLimiter(rate.Inf, 1)}
		l.sources[source] = a
	}
	return a
}

// limit sets the budget of a source.
func (l *Ledger) limit(source string, traits enedis.Traits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(source)
	a.traits = traits
	if traits.Rate <= 0 {
		return
	}
	a.rate.SetLimit(rate.Limit(traits.Rate))
	for _, c := range a.calls { // a restart does not make the last calls undone
		a.rate.ReserveN(c.At, 1)
	}
}

// Gate is the gate of one source. It refuses with an enedis.BudgetError, and with an enedis.ClockError while the clock is
// earlier than the program.
func (l *Ledger) Gate(source string) enedis.Gate {
	return func(ctx context.Context, api string) error {
		if now := l.now(); now.Before(l.built) {
			return &enedis.ClockError{Ours: now, Theirs: l.built}
		}
		l.mu.Lock()
		limiter := l.account(source).rate
		l.mu.Unlock()
		call := store.Call{Source: source, API: api, At: l.now()}
		if err := l.spend(call); err != nil {
			return err
		}
		if err := l.store.AddCall(ctx, call); err != nil {
			return &ledgerError{err}
		}
		return limiter.Wait(ctx) // last: a slow disk must not bunch calls
	}
}

// ledgerError is a call that could not be written down, and so was not made: the store's trouble, not the source's.
type ledgerError struct{ err error }

func (e *ledgerError) Error() string { return "write the call down: " + e.err.Error() }
func (e *ledgerError) Unwrap() error { return e.err }

// spend takes a call out of the budget, or tells when there is room again.
func (l *Ledger) spend(call store.Call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(call.Source)
	for _, limit := range a.traits.Limits {
		used := a.used(limit, call.API, call.At)
		if len(used) >= limit.Calls {
			return &enedis.BudgetError{API: call.API, Until: used[len(used)-limit.Calls].At.Add(limit.Window)}
		}
	}
	a.forget(call.At)
	a.calls = append(a.calls, call)
	return nil
}

// used lists the calls that count against a limit, oldest first.
func (a *account) used(limit enedis.Limit, api string, now time.Time) []store.Call {
	var used []store.Call
	for _, c := range a.calls {
		if now.Sub(c.At) < limit.Window && (limit.Scope != enedis.ScopeAPI || c.API == api) {
			used = append(used, c)
		}
	}
	return used
}

// forget drops the calls that no window holds any more.
func (a *account) forget(now time.Time) {
	longest := time.Hour
	for _, limit := range a.traits.Limits {
		longest = max(longest, limit.Window)
	}
	for len(a.calls) > 0 && now.Sub(a.calls[0].At) >= longest {
		a.calls = a.calls[1:]
	}
}

// budgets tells what was used of each limit of a source in the window that ends now; of a limit per API, for each API that
// was called in it. The one with the least left comes first.
func (l *Ledger) budgets(source string) []contract.Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, a := l.now(), l.account(source)
	var list []contract.Budget
	for _, limit := range a.traits.Limits {
		calls := make(map[string]int)
		for _, c := range a.calls {
			if now.Sub(c.At) >= limit.Window {
				continue
			}
			if limit.Scope == enedis.ScopeAPI {
				calls[c.API]++
			} else {
				calls[limit.Scope]++
			}
		}
		if len(calls) == 0 {
			calls[limit.Scope] = 0
		}
		for _, scope := range slices.Sorted(maps.Keys(calls)) {
			list = append(list, contract.Budget{Window: limit.Window, Scope: scope, Calls: calls[scope], Limit: limit.Calls})
		}
	}
	slices.SortStableFunc(list, func(a, b contract.Budget) int { return cmp.Compare(a.Limit-a.Calls, b.Limit-b.Calls) })
	return list
}
