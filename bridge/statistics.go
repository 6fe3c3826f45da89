package bridge

import (
	"context"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// Statistics keeps the meters' energy in Home Assistant's long-term statistics. It takes days from the store by itself, in
// its own time, and never calls Enedis. No method blocks.
type Statistics interface {
	// Changed says that the store has, or may have, something else for them.
	Changed()
	// Online says that Home Assistant has started.
	Online()
	// Updated signals that Fare has something new to say.
	Updated() <-chan struct{}
	// Fare tells how the import fares; nil before anything was tried.
	Fare() *contract.Statistics
}

// Profiles lists the meters with the directions that are there, in their order.
func (b *Bridge) Profiles() []contract.Profile {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]contract.Profile, 0, len(b.prms))
	for _, p := range b.prms {
		u := b.units[p]
		list = append(list, contract.Profile{PRM: p, Name: u.Name, Directions: u.exists()})
	}
	return list
}

// Filling tells whether a backfill of what the statistics show is under way for a meter. Budgets and sources at rest only
// interrupt it; what Enedis itself has put off does not belong to it.
func (b *Bridge) Filling(p meter.PRM) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	u, ok := b.units[p]
	if !ok {
		return false
	}
	now := b.Now()
	ways := b.ways(u, now)
	return slices.ContainsFunc(u.all(ways), func(s meter.Series) bool {
		return inStatistics(s.Measure) && (u.busy[s] || b.plan.fills(u, s, ways, now))
	})
}

// fills tells whether older days of a series are to be asked for, now or once a source may be asked again.
func (p planner) fills(u *unit, s meter.Series, ways []way, now time.Time) bool {
	return !p.resting(u, s, now) && slices.ContainsFunc(ways, func(w way) bool {
		return w.traits.Offers(s.Direction, s.Measure) && !p.window(u, s, w, now).Empty()
	})
}

// inStatistics tells whether the statistics show a measure.
func inStatistics(m meter.Measure) bool { return m == meter.Daily || m == meter.LoadCurve }

// followStatistics has said how the import fares whenever that is another, until ctx ends.
func (b *Bridge) followStatistics(ctx context.Context) error {
	if b.Statistics == nil {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.Statistics.Updated():
		}
		fare := b.Statistics.Fare()
		b.mu.Lock()
		if told(b.fare) || told(fare) {
			b.touchAllLocked()
		}
		b.fare = fare
		b.mu.Unlock()
		signal(b.dirty)
	}
}

// told tells whether the messages of the lights may tell of it, at once or later.
func told(s *contract.Statistics) bool { return s != nil && !s.FailingSince.IsZero() }

// statisticsDiffer tells the statistics of days that changed; those of the maximum power are not in them.
func (b *Bridge) statisticsDiffer(changed []store.Stored) {
	if b.Statistics != nil && slices.ContainsFunc(changed, func(d store.Stored) bool { return inStatistics(d.Series.Measure) }) {
		b.Statistics.Changed()
	}
}

// statisticsGrow tells the statistics of a meter that is new.
func (b *Bridge) statisticsGrow() {
	if b.Statistics != nil {
		b.Statistics.Changed()
	}
}

// homeAssistantIsBack tells the statistics so.
func (b *Bridge) homeAssistantIsBack() {
	if b.Statistics != nil {
		b.Statistics.Online()
	}
}
