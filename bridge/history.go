package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// order is history that the user asked for, with what was said of it.
type order struct {
	store.Order
	open bool                     // its first answer is on its way: progress may follow
	said contract.HistoryProgress // what was said last
}

// wants tells whether an order is for a series.
func (o *order) wants(s meter.Series) bool {
	return (o.Direction == "" || o.Direction == s.Direction) && (o.Measures == nil || slices.Contains(o.Measures, s.Measure))
}

// days gives the days of a series that an order wants, none of them before first.
func (o *order) days(s meter.Series, first meter.Day) meter.Days {
	if !o.wants(s) {
		return meter.Days{}
	}
	return meter.Days{From: max(o.Days.From, first, o.cut(s.Measure)), To: o.Days.To}
}

// cut is the first day of a measure that history reached when the order was given.
func (o *order) cut(m meter.Measure) meter.Day { return contract.HistoryFirst(m, meter.DayOf(o.At)) }

// orderHistory takes an order, and answers it with what it takes.
func (b *Bridge) orderHistory(ctx context.Context, c contract.Command, respond func(data any)) error {
	u, err := b.orderable(c)
	if err != nil {
		return err
	}
	o := &order{Order: store.Order{
		PRM: c.PRM, Direction: c.Direction, Measures: c.Measures, Days: c.Days(b.Now()), Reply: c.Transaction, At: b.Now(),
	}}
	if err := b.wantBack(ctx, u, o); err != nil {
		return err
	}
	if o.Order, err = b.Store.AddOrder(ctx, o.Order); err != nil {
		b.storageFailed(err)
		return errStoreFails
	}
	b.Log.Info("history ordered", "prm", u.PRM, "days", o.Days.String(), "direction", string(o.Direction))
	b.mu.Lock()
	u.orders = append(u.orders, o)
	now := b.Now()
	o.said, _ = b.progress(u, o, now)
	said := o.said
	b.mu.Unlock()
	respond(said)
	b.mu.Lock()
	o.open = true
	b.mu.Unlock()
	signal(b.wake)
	signal(b.dirty)
	return nil
}

// errStoreFails answers a command while the store fails.
var errStoreFails = errors.New("the store fails: nothing was changed")

// orderable finds the meter of an order, and tells what of the order it cannot have.
func (b *Bridge) orderable(c contract.Command) (*unit, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.units[c.PRM]
	if c.Direction != "" && u.kept.Directions[c.Direction].Standing == store.Absent {
		return nil, fmt.Errorf("meter %s has no %s", u.PRM.Short(), c.Direction)
	}
	if !u.Hourly && slices.Equal(c.Measures, []meter.Measure{meter.LoadCurve}) {
		return nil, fmt.Errorf("meter %s has no load_curve: hourly is off in METERS", u.PRM.Short())
	}
	return u, nil
}

// wantBack moves the first days wanted of an order back, and has the holes among its days asked for again.
func (b *Bridge) wantBack(ctx context.Context, u *unit, o *order) error {
	b.mu.Lock()
	was := maps.Clone(u.kept.Wanted)
	for m, w := range was {
		if o.Measures != nil && !slices.Contains(o.Measures, m) {
			continue
		}
		if first := max(o.Days.From, o.cut(m)); first < w.First {
			u.kept.Wanted[m] = store.Wanted{First: first, Floor: w.Base(), Stopped: w.Stopped}
		}
	}
	b.mu.Unlock()
	err := b.saveMeter(ctx, u)
	if err == nil {
		err = b.reopen(ctx, u, func(s meter.Series) meter.Days { return o.days(s, 0) })
	}
	if err == nil {
		return nil
	}
	b.mu.Lock()
	u.kept.Wanted = was
	b.mu.Unlock()
	b.storageFailed(err)
	return errStoreFails
}

// stopHistory leaves the rest of the history of a meter, or of all. The first days wanted stay.
func (b *Bridge) stopHistory(ctx context.Context, p meter.PRM, respond func(data any)) error {
	for _, prm := range b.served() {
		if p != "" && p != prm {
			continue
		}
		if err := b.stopHistoryOf(ctx, prm); err != nil {
			return err
		}
	}
	respond(nil)
	signal(b.wake)
	signal(b.dirty)
	return nil
}

func (b *Bridge) stopHistoryOf(ctx context.Context, p meter.PRM) error {
	b.mu.Lock()
	u := b.units[p]
	now := b.Now()
	orders, was := slices.Clone(u.orders), maps.Clone(u.kept.Wanted)
	changed := b.raiseFloors(u, now)
	b.mu.Unlock()
	var err error
	if changed {
		err = b.saveMeter(ctx, u)
	}
	for _, o := range orders {
		err = errors.Join(err, b.Store.DeleteOrder(ctx, o.ID))
	}
	if err != nil {
		b.mu.Lock()
		u.kept.Wanted = was
		b.mu.Unlock()
		b.storageFailed(err)
		return errStoreFails
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range orders {
		last, _ := b.progress(u, o, now)
		last.Calls, last.EndsAt, last.Reason, last.Message = last.Done, contract.Time{Time: now}, "", ""
		b.tell(o, last)
	}
	u.orders = slices.DeleteFunc(u.orders, func(o *order) bool { return slices.Contains(orders, o) })
	if len(orders) > 0 || changed {
		b.Log.Info("history stopped", "prm", p, "orders", len(orders))
	}
	return nil
}

// raiseFloors has what the settings want of history, and what is not there yet, not asked for any more. It tells whether there
// was anything of that; b.mu is held.
func (b *Bridge) raiseFloors(u *unit, now time.Time) (changed bool) {
	ways := b.ways(u, now)
	floor := meter.DayOf(now) - ride
	for _, s := range u.all(ways) {
		w, ok := u.wayFor(s, ways, now)
		if !ok || !u.collected(s) {
			continue
		}
		base := meter.Days{From: b.plan.first(u, s, w, now), To: floor}
		if _, open := u.known(s).FirstOpen(base); open {
			is := u.kept.Wanted[s.Measure]
			is.Floor, is.Stopped = floor, min(is.First, b.History.first(s.Measure, now, ways))
			u.kept.Wanted[s.Measure] = is
			changed = true
		}
	}
	return changed
}

// wayFor is the most preferred way that offers a series and is not in trouble; if they all are, the most preferred one.
func (u *unit) wayFor(s meter.Series, ways []way, now time.Time) (first way, ok bool) {
	for _, w := range ways {
		if !w.traits.Offers(s.Direction, s.Measure) {
			continue
		}
		if !later(w.from, u.refusedUntil(w.name)).After(now) {
			return w, true
		}
		if !ok {
			first, ok = w, true
		}
	}
	return first, ok
}

// reportHistory says how the orders fare where that is news, and forgets those that are done.
func (b *Bridge) reportHistory(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // what is done is forgotten even when we leave
	var done []int64
	b.mu.Lock()
	now := b.Now()
	for _, p := range b.prms {
		u := b.units[p]
		u.orders = slices.DeleteFunc(u.orders, func(o *order) bool {
			if !o.open {
				return false
			}
			is, ended := b.progress(u, o, now)
			if !o.said.Same(is) {
				b.tell(o, is)
			}
			if ended {
				done = append(done, o.ID)
				b.Log.Info("history is there", "prm", u.PRM, "days", is.Days, "holes", is.Holes)
			}
			return ended
		})
	}
	b.mu.Unlock()
	for _, id := range done {
		if err := b.Store.DeleteOrder(ctx, id); err != nil {
			b.storageFailed(err) // it is found done once more at the next start
		}
	}
}

// tell has progress sent; b.mu is held.
func (b *Bridge) tell(o *order, p contract.HistoryProgress) {
	o.said = p
	reply := contract.Command{Name: contract.History, Transaction: o.Reply}
	b.answerLocked(o.ID, reply.OK(p).Document(b.Topics, contract.History))
	signal(b.dirty)
}

// countCall notes that a call was made for the orders of a meter that want some of its days.
func (b *Bridge) countCall(ctx context.Context, u *unit, r task) {
	var counted []store.Order
	b.mu.Lock()
	for _, o := range u.orders {
		if !o.days(r.Series(), 0).Intersect(r.Days).Empty() {
			o.Done++
			counted = append(counted, o.Order)
		}
	}
	if len(counted) == 0 {
		u.filled++
	}
	b.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	for _, o := range counted {
		if err := b.Store.SetOrderDone(ctx, o.ID, o.Done); err != nil {
			b.storageFailed(err)
		}
	}
}
