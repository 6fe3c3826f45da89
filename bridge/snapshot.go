package bridge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// snapshot puts together what the documents of a meter are made from.
func (b *Bridge) snapshot(ctx context.Context, p meter.PRM, now time.Time) (contract.Meter, error) {
	recent, err := b.Store.Recent(ctx, p)
	if err != nil {
		return contract.Meter{}, err
	}
	former, err := b.former(ctx, p)
	if err != nil {
		return contract.Meter{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u, ok := b.units[p]
	if !ok {
		return contract.Meter{}, errors.New("no such meter")
	}
	m := contract.Meter{
		PRM: u.PRM, Name: u.Name, Directions: u.exists(), Series: make(map[contract.Measured]contract.Series),
		UpdatedAt: u.kept.UpdatedAt, WasLevel: contract.Level(u.light.Level), WasSince: u.light.Since,
	}
	ways := b.ways(u, now)
	for _, d := range m.Directions {
		for _, measure := range meter.Measures(d) {
			if measure == meter.LoadCurve && !u.Hourly {
				continue
			}
			s := u.id(d, measure)
			begins := u.begins(s)
			series := contract.Series{
				First: max(u.kept.Wanted[measure].First, begins), Activation: begins,
				Coverage: u.coverage[s], Recent: recent[s], Trouble: b.trouble(u, s, ways),
			}
			m.Series[contract.Measured{Direction: d, Measure: measure}] = series.Since(u.kept.Directions[d].Activation, former[s])
		}
	}
	for _, list := range u.tries {
		for _, t := range list {
			for _, a := range [...]store.Attempt{t.yesterday, t.history} {
				m.LastAttemptAt = later(m.LastAttemptAt, a.At)
				if a.Outcome.Settled() {
					m.LastSuccessAt = later(m.LastSuccessAt, a.EndedAt)
				}
			}
		}
	}
	m.LastAttemptAt = later(m.LastAttemptAt, u.contractAt)
	m.NextAttemptAt = b.plan.due(u, ways, now)
	for _, a := range u.arrivals {
		m.Arrivals = append(m.Arrivals, contract.Arrival{Day: a.Day, Minutes: a.Minutes})
	}
	m.Contract = terms(u.kept)
	m.Trouble = b.meterTrouble(u, ways)
	m.ConsentEnd, m.Statistics = b.consentEnd(u), b.fare
	return m, nil
}

// former sums up, for each series of a meter, the values of the days before the activation of the contract that share its month:
// those of a former holder, or of a former meter.
func (b *Bridge) former(ctx context.Context, p meter.PRM) (map[meter.Series]int64, error) {
	b.mu.Lock()
	runs := make(map[meter.Series]meter.Days)
	if u, ok := b.units[p]; ok {
		for s, c := range u.coverage {
			first := u.kept.Directions[s.Direction].Activation
			if run := (meter.Days{From: first.Month().From, To: first}); first != 0 && c.CountPresent(run) > 0 {
				runs[s] = run
			}
		}
	}
	b.mu.Unlock()
	sums := make(map[meter.Series]int64, len(runs))
	for s, run := range runs {
		for day, err := range b.Store.Days(ctx, s, run) {
			if err != nil {
				return nil, err
			}
			sums[s] += day.Value
		}
	}
	return sums, nil
}

// terms is the customer's contract for consumption; a production contract is not used.
func terms(k store.Meter) contract.Contract {
	c := k.Contract
	if k.Directions[meter.Consumption].Standing == store.Absent {
		return contract.Contract{}
	}
	var t contract.Contract
	t.SubscribedKVA = c.SubscribedKVA
	if c.Tariff != "" {
		t.Tariff = &c.Tariff
	}
	if c.OffPeak != "" {
		t.OffPeak = &c.OffPeak
	}
	return t
}

// trouble is what the last attempt of a series says; without one, what its sources do. A consent that every source refuses
// holds all series of the meter, and so is what is the matter with each of them.
func (b *Bridge) trouble(u *unit, s meter.Series, ways []way) contract.Reason {
	if !offers(ways, s) {
		return contract.NotOffered
	}
	if !u.collected(s) {
		return contract.CurveNotCollected
	}
	last := u.last(s)
	if a, ok := refusedEverywhere(u, ways); ok {
		last = a
	}
	if last.At.IsZero() {
		return b.roadTrouble(u, ways)
	}
	return b.attemptTrouble(u, last)
}

// attemptTrouble is what an attempt says. That a consent of today is not let through yet is to be waited for.
func (b *Bridge) attemptTrouble(u *unit, a store.Attempt) contract.Reason {
	if u.early(a, b.Now()) {
		return contract.Waiting
	}
	return reason(a.Outcome, u.everDelivered())
}

// refusedEverywhere tells whether the last word of every source was that it has no consent for the meter, and gives that of the
// most preferred one.
func refusedEverywhere(u *unit, ways []way) (first store.Attempt, ok bool) {
	for i, w := range ways {
		a, refused := u.refused(w.name)
		if !refused {
			return store.Attempt{}, false
		}
		if i == 0 {
			first = a
		}
	}
	return first, len(ways) > 0
}

// roadTrouble is why nothing was asked of a series yet.
func (b *Bridge) roadTrouble(u *unit, ways []way) contract.Reason {
	for _, w := range ways {
		if r := b.road(w.name); r.Failures > 0 {
			return reason(r.Outcome, u.delivered())
		}
	}
	return contract.Starting
}

// meterTrouble is the word for a meter of which no series is known, and Storage while the store fails.
func (b *Bridge) meterTrouble(u *unit, ways []way) contract.Reason {
	if b.storage != nil {
		return contract.Storage
	}
	if len(u.exists()) > 0 {
		return ""
	}
	var last store.Attempt
	for s := range u.tries {
		if a := u.last(s); a.At.After(last.At) {
			last = a
		}
	}
	if !last.At.IsZero() {
		return b.attemptTrouble(u, last)
	}
	return b.roadTrouble(u, ways)
}

// describe is what is said of the bridge itself.
func (b *Bridge) describe() contract.Bridge {
	now := b.Now()
	d := contract.Bridge{Version: b.Version, Commit: b.Commit, StartedAt: b.started}
	for _, r := range b.roads {
		budgets, spent := b.Ledger.Budgets(r.Name()), b.Ledger.spentUntil(r.Name(), now)
		b.mu.Lock()
		d.Sources = append(d.Sources, r.describe(budgets, spent, now))
		b.mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d.NextRoundAt, d.ConsentsAwaited, d.ConsentsLost = b.nextRound, b.awaited, b.lost
	d.Statistics, d.History = b.fare, b.histories(now)
	if b.lastRound != nil {
		last := *b.lastRound
		d.LastRound = &last
	}
	return d
}

// served lists the meters in their order.
func (b *Bridge) served() []meter.PRM {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.prms)
}

// Overview gives what the page and the API show: the bridge and its meters, in their order.
func (b *Bridge) Overview(ctx context.Context) (contract.Bridge, []contract.Meter, error) {
	prms := b.served()
	meters := make([]contract.Meter, 0, len(prms))
	for _, p := range prms {
		m, err := b.snapshot(ctx, p, b.Now())
		if err != nil {
			return contract.Bridge{}, nil, err
		}
		meters = append(meters, m)
	}
	return b.describe(), meters, nil
}

// Days streams the stored days of a series, oldest first.
func (b *Bridge) Days(ctx context.Context, s meter.Series, days meter.Days) iter.Seq2[meter.DayValues, error] {
	return b.Store.Days(ctx, s, days)
}

// Health tells why the bridge cannot do its work; nil when it can.
func (b *Bridge) Health() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if age := b.Now().Sub(b.beatAt); b.storage == nil && !b.beatAt.IsZero() && age > 2*heartbeat {
		return fmt.Errorf("the schedule has stood still for %s", age.Round(time.Second))
	}
	return b.storage
}

// Ready tells whether everything was published since the last connection.
func (b *Bridge) Ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready
}
