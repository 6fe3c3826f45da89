package bridge

import (
	"context"
	"errors"
	"sync"
	"time"
)

// The backfill makes one request at a time, as long as its source answers within the time that lies between two requests. While
// one that is slower is under way, the next is made for another series; never more than abreast for one meter.
const abreast = 2

// startFill begins the request of the backfill that has the newest days to ask for. It wakes the lane when that has ended; false
// when there is nothing to ask for now.
func (b *Bridge) startFill(ctx context.Context, fills *sync.WaitGroup) bool {
	now := b.Now()
	u, r, ok := b.takeFill(now)
	if !ok {
		return false
	}
	fills.Go(func() {
		err := b.fill(ctx, u, r, now)
		b.mu.Lock()
		b.filling--
		delete(u.busy, r.Series())
		b.mu.Unlock()
		if err != nil && ctx.Err() == nil {
			b.Log.Debug("backfill stops", "request", r.Request, "err", err)
		}
		signal(b.wake)
	})
	return true
}

// takeFill chooses the next request of the backfill, and notes that it is under way.
func (b *Bridge) takeFill(now time.Time) (best *unit, request task, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filling >= b.inFlight() {
		return nil, task{}, false
	}
	for _, p := range b.prms {
		u := b.units[p]
		if len(u.busy) >= abreast || len(u.busy) > 0 && b.contractDue(u, now) != nil {
			continue
		}
		if r, due := b.plan.backfill(u, b.ways(u, now), now); due && r.Days.To > request.Days.To {
			best, request, ok = u, r, true
		}
	}
	if ok {
		b.filling++
		best.busy[request.Series()] = true
	}
	return best, request, ok
}

// fill makes one request of the backfill, as far as the contract, which is read first, leaves it as it was planned.
func (b *Bridge) fill(ctx context.Context, u *unit, r task, now time.Time) error {
	if err := b.profile(ctx, u); err != nil && !errors.Is(err, errTrouble) {
		return err
	}
	b.mu.Lock()
	delete(u.busy, r.Series())
	again, ok := b.plan.backfill(u, b.ways(u, b.Now()), b.Now()) // the contract may have told where the meter begins
	u.busy[r.Series()] = true
	b.mu.Unlock()
	if !ok || again.Series() != r.Series() {
		return nil
	}
	before := b.completeDays([]*unit{u}, now)
	a, err := b.fetch(ctx, u, again, now, false)
	if !a.At.IsZero() {
		b.countCall(ctx, u, again)
	}
	b.noteArrivals(ctx, []*unit{u}, before, b.Now())
	return err
}

func (b *Bridge) isFilling() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.filling > 0
}

// pace is the time that lies between two requests at the rate of the fastest source.
func (b *Bridge) pace() time.Duration {
	rate := 0.0
	for _, r := range b.roads {
		rate = max(rate, r.traits.Rate)
	}
	if rate <= 0 {
		return pause
	}
	return time.Duration(float64(time.Second) / rate)
}
