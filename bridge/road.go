package bridge

import (
	"context"
	"maps"
	"strconv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// road is a source with what is known of it.
type road struct {
	Source
	health
	traits enedis.Traits // with the spans that it has taught us
	slots  chan struct{} // as many as requests may be under way
}

// newRoad reads what the store keeps of a source.
func (b *Bridge) newRoad(ctx context.Context, s Source, kept store.Backoff, attempts []store.Attempt) (*road, error) {
	r := &road{Source: s, health: health{Backoff: kept, lastError: kept.Detail}, traits: s.Traits()}
	r.Backoff.Source = s.Name()
	r.neverEnded(b.Schedule, attempts)
	r.slots = make(chan struct{}, max(1, r.traits.InFlight))
	r.traits.Span = maps.Clone(r.traits.Span)
	for m := range r.traits.Span {
		text, ok, err := b.Store.Value(ctx, r.spanKey(m))
		if err != nil {
			return nil, err
		}
		if n, err := strconv.Atoi(text); ok && err == nil {
			r.traits.Span[m] = min(r.traits.Span[m], n)
		}
	}
	return r, nil
}

func (r *road) spanKey(m meter.Measure) string { return keySpan + r.Name() + "/" + string(m) }

// enter waits for a slot, and gives it back when the returned function is called.
func (r *road) enter(ctx context.Context) (leave func(), err error) {
	select {
	case r.slots <- struct{}{}:
		return func() { <-r.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// admit tells whether a request may be made now. Of a source that was given rest, one request at a time finds out whether it
// is well again; b.mu is held.
func (r *road) admit(now time.Time, forced bool) bool {
	until := r.Until
	if forced {
		until = r.NotBefore
	}
	if until.After(now) || r.probing {
		return false
	}
	r.probing = r.Failures > 0
	return true
}

// road finds a source by its name.
func (b *Bridge) road(name string) *road {
	for _, r := range b.roads {
		if r.Name() == name {
			return r
		}
	}
	return nil
}

// ways lists the sources for a meter in the order of preference; b.mu is held.
func (b *Bridge) ways(u *unit, now time.Time) []way {
	list := make([]way, 0, len(b.roads))
	for _, r := range b.roads {
		if u.Source != "" && u.Source != r.Name() {
			continue
		}
		w := way{name: r.Name(), traits: &r.traits, from: r.Until, probing: r.probing}
		if u.forced {
			w.from = r.NotBefore
		}
		w.history = later(w.from, b.Ledger.historyFrom(w.name, u.PRM, now))
		list = append(list, w)
	}
	return list
}

// sharing counts the meters that share a source; b.mu is held.
func (b *Bridge) sharing(name string) int {
	n := 0
	for _, u := range b.units {
		if u.Source == "" || u.Source == name {
			n++
		}
	}
	return n
}

// spanLearned keeps a span that a source has taught us.
func (b *Bridge) spanLearned(ctx context.Context, r *road, m meter.Measure, days int) {
	b.Log.Info("source takes shorter ranges", "source", r.Name(), "measure", string(m), "days", days)
	if err := b.Store.SetValue(ctx, r.spanKey(m), strconv.Itoa(days)); err != nil {
		b.storageFailed(err)
	}
}
