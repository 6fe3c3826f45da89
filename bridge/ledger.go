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
	"github.com/enedis2mqtt/enedis2mqtt/meter"
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
	limits []enedis.Limit
	rate   *rate.Limiter
	calls  []store.Call // within the longest window, oldest first
}

// longest is the longest window of a budget.
const longest = 24 * time.Hour

// NewLedger reads the calls that still count. No call is made before the clock is later than built.
func NewLedger(ctx context.Context, s *store.Store, built time.Time, now func() time.Time) (*Ledger, error) {
	l := &Ledger{store: s, built: built, now: now, sources: make(map[string]*account)}
	calls, err := s.Calls(ctx, now().Add(-longest))
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

// Limit sets the budget of a source.
func (l *Ledger) Limit(source string, traits enedis.Traits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(source)
	a.limits = traits.Limits
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
	return func(ctx context.Context, c enedis.Call) error {
		if now := l.now(); now.Before(l.built) {
			return &enedis.ClockError{Ours: now, Theirs: l.built}
		}
		l.mu.Lock()
		limiter := l.account(source).rate
		l.mu.Unlock()
		call := store.Call{Source: source, API: c.API, Credential: c.Credential, PRM: c.PRM, At: l.now()}
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

// spend takes a call out of the budgets, or tells when there is room again.
func (l *Ledger) spend(call store.Call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(call.Source)
	for _, limit := range a.limits {
		if until := a.room(limit, limit.Calls, valueOf(limit.Scope, call), call.At); until.After(call.At) {
			return &enedis.BudgetError{API: call.API, Scope: limit.Scope, Until: until}
		}
	}
	for len(a.calls) > 0 && call.At.Sub(a.calls[0].At) >= longest {
		a.calls = a.calls[1:]
	}
	a.calls = append(a.calls, call)
	return nil
}

// valueOf is what a limit counts a call for.
func valueOf(s enedis.Scope, c store.Call) string {
	return s.Of(enedis.Call{API: c.API, Credential: c.Credential, PRM: c.PRM})
}

// room tells when fewer than so many calls stand in a limit's window for a value of its scope; the zero time when that is now.
func (a *account) room(limit enedis.Limit, calls int, value string, now time.Time) time.Time {
	used := a.used(limit, value, now)
	if len(used) < calls {
		return time.Time{}
	}
	return used[len(used)-calls].Add(limit.Window)
}

// used lists the times of the calls that count against a limit, oldest first.
func (a *account) used(limit enedis.Limit, value string, now time.Time) []time.Time {
	var used []time.Time
	for _, c := range a.calls {
		if now.Sub(c.At) < limit.Window && valueOf(limit.Scope, c) == value {
			used = append(used, c.At)
		}
	}
	return used
}

// long tells whether a limit is a daily budget, of which a quarter is kept for yesterday. Half a day counts as such: what
// the night's history took would be missing in the morning.
func long(l enedis.Limit) bool { return l.Window >= 12*time.Hour }

// kept is how many calls of a daily budget history leaves to yesterday.
func kept(l enedis.Limit) int { return (l.Calls + 3) / 4 }

// historyFrom is when a meter's history may be asked for at a source, as its daily budgets leave it; zero for now.
func (l *Ledger) historyFrom(source string, p meter.PRM, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(source)
	var from time.Time
	for _, limit := range a.limits {
		if value, ok := a.valueFor(limit.Scope, p); ok && long(limit) {
			from = later(from, a.room(limit, limit.Calls-kept(limit), value, now))
		}
	}
	return from
}

// forecast is when the last of so many calls about a meter will be made at a source, the first of them at from, as its rate and
// its budgets leave it: of the daily ones, what history may take, less what each day takes besides.
func (l *Ledger) forecast(source string, p meter.PRM, calls, daily int, from time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(source)
	made := make([][]time.Time, len(a.limits)) // for each limit, what counts against it
	for i, limit := range a.limits {
		if value, ok := a.valueFor(limit.Scope, p); ok {
			made[i] = a.used(limit, value, from)
		} else {
			made[i] = a.busiest(limit, from)
		}
	}
	var step time.Duration
	if r := a.rate.Limit(); r > 0 && r != rate.Inf {
		step = time.Duration(float64(time.Second) / float64(r))
	}
	when := from
	for range calls {
		when = when.Add(step)
		for i, limit := range a.limits {
			most := limit.Calls
			if long(limit) {
				most = max(1, most-kept(limit)-daily*int(limit.Window/time.Hour)/24)
			}
			if n := len(made[i]); n >= most {
				when = later(when, made[i][n-most].Add(limit.Window))
			}
		}
		for i := range made {
			made[i] = append(made[i], when)
		}
	}
	return when
}

// busiest lists the calls that count against a limit, for the value of its scope that has most of them.
func (a *account) busiest(limit enedis.Limit, now time.Time) []time.Time {
	var most []time.Time
	seen := make(map[string]bool)
	for _, c := range a.calls {
		value := valueOf(limit.Scope, c)
		if seen[value] {
			continue
		}
		seen[value] = true
		if used := a.used(limit, value, now); len(used) > len(most) {
			most = used
		}
	}
	return most
}

// left tells what is left for a meter of the scarcest daily budget of a source, and the window of that; ok is false when it
// has none.
func (l *Ledger) left(source string, p meter.PRM, now time.Time) (calls int, window time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(source)
	for _, limit := range a.limits {
		value, counts := a.valueFor(limit.Scope, p)
		if !counts || !long(limit) {
			continue
		}
		if n := limit.Calls - len(a.used(limit, value, now)); !ok || n < calls {
			calls, window, ok = n, limit.Window, true
		}
	}
	return calls, window, ok
}

// valueFor is what a call about a meter will count for, as its last one did, or any other meter's where it had none. An API is
// not known before the call.
func (a *account) valueFor(s enedis.Scope, p meter.PRM) (value string, ok bool) {
	if s == enedis.ScopeAPI {
		return "", false
	}
	if s == enedis.ScopeMeter {
		return string(p), true
	}
	for _, c := range slices.Backward(a.calls) {
		if c.PRM == p {
			return valueOf(s, c), true
		}
	}
	if n := len(a.calls); n > 0 {
		return valueOf(s, a.calls[n-1]), true
	}
	return "", true
}

// spentUntil is until when a budget of a source has no room, whatever is asked of it: of a limit with several values, as those
// of several tokens, until the first of them has some. The zero time for now.
func (l *Ledger) spentUntil(source string, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.account(source)
	var until time.Time
	for _, limit := range a.limits {
		if limit.Scope == enedis.ScopeAPI || limit.Scope == enedis.ScopeMeter {
			continue // another API, another meter has a budget of its own
		}
		first, values := time.Time{}, make(map[string]bool)
		for _, c := range a.calls {
			value := valueOf(limit.Scope, c)
			if values[value] {
				continue
			}
			values[value] = true
			if room := a.room(limit, limit.Calls, value, now); len(values) == 1 || room.Before(first) {
				first = room
			}
		}
		until = later(until, first)
	}
	return until
}

// Budgets tells what was used of each limit of a source in the window that ends now, for each value of its scope that was
// counted in it. The one with the least left comes first.
func (l *Ledger) Budgets(source string) []contract.Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, a := l.now(), l.account(source)
	var list []contract.Budget
	for _, limit := range a.limits {
		calls := make(map[string]int)
		for _, c := range a.calls {
			if now.Sub(c.At) < limit.Window {
				calls[label(limit.Scope, c)]++
			}
		}
		if len(calls) == 0 {
			calls[string(limit.Scope)] = 0
		}
		for _, scope := range slices.Sorted(maps.Keys(calls)) {
			list = append(list, contract.Budget{Window: limit.Window, Scope: scope, Calls: calls[scope], Limit: limit.Calls})
		}
	}
	slices.SortStableFunc(list, func(a, b contract.Budget) int { return cmp.Compare(a.Limit-a.Calls, b.Limit-b.Calls) })
	return list
}

// label names for people what a limit counts a call for.
func label(s enedis.Scope, c store.Call) string {
	if s == enedis.ScopeMeter {
		return c.PRM.Short()
	}
	return cmp.Or(valueOf(s, c), string(s))
}
