package bridge

import (
	"context"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// recollection is what the store keeps of meters.
type recollection struct {
	meters   map[meter.PRM]store.Meter
	series   map[meter.PRM][]meter.Series // that have days, or were asked for any
	coverage map[meter.Series]meter.Coverage
	holes    map[meter.Series][]store.Hole
	computed map[meter.Series][]meter.Day
	attempts map[meter.PRM][]store.Attempt // as they began
	orders   map[meter.PRM][]store.Order   // as they were given
	arrivals map[meter.PRM][]store.Arrival
	lights   map[meter.PRM]store.Light
}

// recollect reads what the store keeps of all meters.
func (b *Bridge) recollect(ctx context.Context) (r recollection, err error) {
	meters, err := b.Store.Meters(ctx)
	if err != nil {
		return r, err
	}
	r.meters = make(map[meter.PRM]store.Meter, len(meters))
	for _, m := range meters {
		r.meters[m.PRM] = m
	}
	if r.coverage, err = b.Store.Coverage(ctx); err != nil {
		return r, err
	}
	r.series = make(map[meter.PRM][]meter.Series, len(meters))
	for s := range r.coverage {
		r.series[s.PRM] = append(r.series[s.PRM], s)
	}
	if r.holes, err = b.Store.Holes(ctx, ""); err != nil {
		return r, err
	}
	if r.computed, err = b.Store.Computed(ctx, ""); err != nil {
		return r, err
	}
	attempts, err := b.Store.Attempts(ctx)
	if err != nil {
		return r, err
	}
	r.attempts = make(map[meter.PRM][]store.Attempt, len(meters))
	for _, a := range attempts {
		r.attempts[a.Series.PRM] = append(r.attempts[a.Series.PRM], a)
	}
	orders, err := b.Store.Orders(ctx)
	if err != nil {
		return r, err
	}
	r.orders = make(map[meter.PRM][]store.Order)
	for _, o := range orders {
		r.orders[o.PRM] = append(r.orders[o.PRM], o)
	}
	if r.arrivals, err = b.Store.Arrivals(ctx); err != nil {
		return r, err
	}
	r.lights, err = b.Store.Lights(ctx)
	return r, err
}

// unit is a meter with what is kept of it.
func (r recollection) unit(m Meter) *unit {
	u := newUnit(m, r.meters[m.PRM])
	u.arrivals, u.light = r.arrivals[m.PRM], r.lights[m.PRM]
	for _, s := range r.series[m.PRM] {
		u.coverage[s], u.holes[s] = r.coverage[s], holesIn(r.coverage[s], r.holes[s])
		if days := r.computed[s]; days != nil {
			u.computed[s] = days
		}
	}
	for _, a := range r.attempts[m.PRM] {
		u.note(a)
	}
	for _, o := range r.orders[m.PRM] {
		u.orders = append(u.orders, &order{Order: o, open: true})
	}
	return u
}
