package bridge

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// refusals bounds how often one round narrows the range of one series.
const refusals = 8

// work runs the two lanes until ctx ends: a round whenever a meter is due, else one request of the backfill, else it waits.
func (b *Bridge) work(ctx context.Context) error {
	for ctx.Err() == nil {
		next := b.step(ctx)
		wait := time.NewTimer(max(0, next.Sub(b.Now())))
		select {
		case <-ctx.Done():
		case <-b.wake:
		case <-wait.C:
		}
		wait.Stop()
	}
	return nil
}

// step does what is due, and tells when it wants to be called again.
func (b *Bridge) step(ctx context.Context) time.Time {
	now := b.Now()
	if until := b.mend(ctx, now); until.After(now) {
		return until
	}
	due, _ := b.agenda(now)
	if len(due) > 0 {
		b.round(ctx, due, now)
	}
	if u, ok := b.newestGap(b.Now()); ok && ctx.Err() == nil { // after a round too: rounds that follow each other starve nobody
		if err := b.fill(ctx, u, b.Now()); err == nil {
			return b.Now()
		}
	}
	_, next := b.agenda(b.Now())
	return later(next, now.Add(pause))
}

// pause is the least time between two steps of which the last one asked nothing, so that no rule can make them spin.
const pause = time.Second

// agenda lists the meters for which a round is due, in the order of the settings, and tells when the next one will be.
func (b *Bridge) agenda(now time.Time) (due []*unit, next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next = at(meter.DayOf(now)+1, 0)
	soonest := time.Time{}
	rest := b.sources[b.source().Name()].Until
	for _, p := range b.order {
		u := b.units[p]
		when := b.plan.due(u, now, rest)
		if u.forced {
			when = later(now, b.sources[b.source().Name()].NotBefore)
		}
		if !when.After(now) {
			due = append(due, u)
			continue
		}
		if soonest.IsZero() || when.Before(soonest) {
			soonest = when
		}
	}
	b.nextRound = soonest
	if !soonest.IsZero() && soonest.Before(next) {
		next = soonest
	}
	if rest.After(now) && rest.Before(next) {
		next = rest
	}
	if hold := b.nextFill(now); !hold.IsZero() && hold.Before(next) {
		next = hold
	}
	return due, next
}

// nextFill is when a held request of the backfill may be repeated; zero when none is held.
func (b *Bridge) nextFill(now time.Time) time.Time {
	var soonest time.Time
	for _, u := range b.units {
		for _, t := range u.tries {
			for _, a := range [...]store.Attempt{t.history, t.yesterday} {
				if when := b.plan.again(a); when.After(now) && (soonest.IsZero() || when.Before(soonest)) {
					soonest = when
				}
			}
		}
	}
	return soonest
}

// usable tells whether the source may be asked for a meter now; b.mu is held.
func (b *Bridge) usable(u *unit) bool {
	h := b.sources[b.source().Name()]
	until := h.Until
	if u.forced {
		until = h.NotBefore
	}
	return !until.After(b.Now())
}

// round asks for the yesterday of the meters that are due, several at a time, and ends. One meter's trouble is not another's.
func (b *Bridge) round(ctx context.Context, due []*unit, now time.Time) {
	b.Log.Info("round begins", "meters", len(due))
	before := b.completeDays(due, now)
	group := errgroup.Group{}
	group.SetLimit(max(1, b.source().Traits().InFlight))
	for _, u := range due {
		group.Go(func() error { return b.roundOf(ctx, u, now) })
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return
	}
	ended := b.Now()
	b.noteArrivals(ctx, due, before, ended)
	b.mu.Lock()
	for _, u := range due {
		u.forced = false
		b.touch(u.PRM)
	}
	b.lastRound = &contract.Round{StartedAt: now, EndedAt: ended, OK: err == nil}
	b.holdFrom = 0
	last := *b.lastRound
	b.mu.Unlock()
	b.keepRound(ctx, last)
	signal(b.pump)
	signal(b.dirty)
	b.Log.Info("round ends", "ok", err == nil, "took", ended.Sub(now).Round(time.Millisecond).String())
}

// roundOf asks for one meter's yesterday, series by series.
func (b *Bridge) roundOf(ctx context.Context, u *unit, since time.Time) error {
	if err := b.profile(ctx, u); err != nil {
		return err
	}
	asked := make(map[meter.Series]int)
	var trouble error
	for {
		b.mu.Lock()
		r, ok := b.plan.round(u, b.Now(), func(s meter.Series) bool { return asked[s] >= refusals })
		b.mu.Unlock()
		if !ok {
			return trouble
		}
		if err := b.fetch(ctx, u, r, since, true); err != nil {
			return err
		}
		switch last := b.lastAttempt(u, r.Series()); {
		case last.Outcome == store.Refused:
			asked[r.Series()]++
			continue
		case b.troubled(u, last):
			trouble = errTrouble
		}
		asked[r.Series()] = refusals
	}
}

// errTrouble tells that a request of a round was refused or failed, though the source as a whole is well.
var errTrouble = errors.New("a request met trouble")

func (b *Bridge) lastAttempt(u *unit, s meter.Series) store.Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return u.tries[s].last()
}

// newestGap finds the meter whose backfill has the newest days to ask for.
func (b *Bridge) newestGap(now time.Time) (*unit, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var best *unit
	var newest meter.Day
	for _, p := range b.order {
		u := b.units[p]
		if !b.usable(u) {
			continue
		}
		if r, ok := b.plan.backfill(u, now); ok && r.Days.To > newest {
			best, newest = u, r.Days.To
		}
	}
	return best, best != nil
}

// fill makes one request of the backfill.
func (b *Bridge) fill(ctx context.Context, u *unit, now time.Time) error {
	if err := b.profile(ctx, u); err != nil {
		return err
	}
	b.mu.Lock()
	r, ok := b.plan.backfill(u, b.Now()) // again: the contract may have told where the meter begins
	b.mu.Unlock()
	if !ok {
		return nil
	}
	before := b.completeDays([]*unit{u}, now)
	err := b.fetch(ctx, u, r, now, false)
	b.noteArrivals(ctx, []*unit{u}, before, b.Now())
	return err
}
