package bridge

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
	h := b.sources[b.source().Name()]
	for _, d := range m.Directions {
		for _, measure := range meter.Measures(d) {
			if measure == meter.LoadCurve && !u.Hourly {
				continue
			}
			s := u.id(d, measure)
			begins := u.begins(s)
			m.Series[contract.Measured{Direction: d, Measure: measure}] = contract.Series{
				First: max(u.kept.FirstWanted[measure], begins), Activation: begins,
				Coverage: u.coverage[s], Recent: recent[s], Trouble: b.trouble(u, s, h),
			}
		}
	}
	for _, t := range u.tries {
		for _, a := range [...]store.Attempt{t.yesterday, t.history} {
			m.LastAttemptAt = later(m.LastAttemptAt, a.At)
			if a.Outcome.Settled() {
				m.LastSuccessAt = later(m.LastSuccessAt, a.EndedAt)
			}
		}
	}
	m.LastAttemptAt = later(m.LastAttemptAt, u.contractAt)
	m.NextAttemptAt = b.plan.due(u, now, h.Until)
	for _, a := range u.arrivals {
		m.Arrivals = append(m.Arrivals, contract.Arrival{Day: a.Day, Minutes: a.Minutes})
	}
	m.Contract = terms(u.kept)
	m.Trouble = b.meterTrouble(u, h)
	return m, nil
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

// trouble is what the last attempt of a series says; without one, what its source does.
func (b *Bridge) trouble(u *unit, s meter.Series, h *health) contract.Reason {
	if !b.plan.traits.Offers(s.Direction, s.Measure) {
		return contract.NotOffered
	}
	if !u.collected(s) {
		return contract.CurveNotCollected
	}
	if last := u.tries[s].last(); !last.At.IsZero() {
		return reason(last.Outcome, u.delivered())
	}
	if h.Failures > 0 {
		return reason(h.Outcome, u.delivered())
	}
	return contract.Starting
}

// meterTrouble is the word for a meter of which no series is known, and Storage while the store fails.
func (b *Bridge) meterTrouble(u *unit, h *health) contract.Reason {
	if b.storage != nil {
		return contract.Storage
	}
	if len(u.exists()) > 0 {
		return ""
	}
	var last store.Attempt
	for _, t := range u.tries {
		if a := t.last(); a.At.After(last.At) {
			last = a
		}
	}
	switch {
	case !last.At.IsZero():
		return reason(last.Outcome, false)
	case h.Failures > 0:
		return reason(h.Outcome, false)
	}
	return contract.Starting
}

// describe is what is said of the bridge itself.
func (b *Bridge) describe() contract.Bridge {
	now := b.Now()
	d := contract.Bridge{Version: b.Version, Commit: b.Commit, StartedAt: b.started}
	for _, s := range b.Sources {
		budgets := b.Ledger.budgets(s.Name())
		b.mu.Lock()
		h := b.sources[s.Name()]
		source := contract.Source{Name: s.Name(), State: h.state(), Budgets: budgets, LastError: h.lastError}
		if h.Until.After(now) {
			source.NextAllowedAt = h.Until
		}
		b.mu.Unlock()
		d.Sources = append(d.Sources, source)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d.NextRoundAt = b.nextRound
	if b.lastRound != nil {
		last := *b.lastRound
		d.LastRound = &last
	}
	return d
}

// Overview gives what the page and the API show: the bridge and its meters, in their order.
func (b *Bridge) Overview(ctx context.Context) (contract.Bridge, []contract.Meter, error) {
	meters := make([]contract.Meter, 0, len(b.order))
	for _, p := range b.order {
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
