package bridge

import (
	"context"
	"errors"
	"sync"
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
	var fills sync.WaitGroup
	defer fills.Wait()
	for ctx.Err() == nil {
		next := b.step(ctx, &fills)
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
func (b *Bridge) step(ctx context.Context, fills *sync.WaitGroup) time.Time {
	now := b.Now()
	if until := b.mend(ctx, now); until.After(now) {
		return until
	}
	roster := b.roster(ctx, now)
	defer b.reportHistory(ctx)
	if due, _ := b.agenda(now); len(due) > 0 {
		if b.isFilling() {
			return now.Add(pause) // its end wakes us
		}
		b.round(ctx, due, now)
	}
	if ctx.Err() == nil && b.startFill(ctx, fills) { // after a round too: rounds that follow each other starve nobody
		return b.Now().Add(b.pace())
	}
	due, next := b.agenda(b.Now())
	if len(due) > 0 { // their source is being tried
		next = now
	}
	if !roster.IsZero() && roster.Before(next) {
		next = roster
	}
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
	for _, p := range b.prms {
		u := b.units[p]
		when := b.plan.due(u, b.ways(u, now), now)
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
	if hold := b.nextFill(now); !hold.IsZero() && hold.Before(next) {
		next = hold
	}
	return due, next
}

// nextFill is when a request of the backfill that is held, by its last attempt, its source or a budget, may be made; zero
// when none is held.
func (b *Bridge) nextFill(now time.Time) time.Time {
	var soonest time.Time
	consider := func(when time.Time) {
		if when.After(now) && (soonest.IsZero() || when.Before(soonest)) {
			soonest = when
		}
	}
	for _, u := range b.units {
		for _, w := range b.ways(u, now) {
			consider(w.from)
			consider(w.history)
			consider(w.opens(b.Schedule, meter.DayOf(now)))
		}
		for _, list := range u.tries {
			for _, t := range list {
				consider(b.plan.again(t.history))
				consider(b.plan.again(t.yesterday))
			}
		}
	}
	return soonest
}

// round asks for the yesterday of the meters that are due, several at a time, and ends. One meter's trouble is not another's.
func (b *Bridge) round(ctx context.Context, due []*unit, now time.Time) {
	b.Log.Info("round begins", "meters", len(due))
	before := b.completeDays(due, now)
	group := errgroup.Group{}
	group.SetLimit(b.inFlight())
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
	var trouble error
	asked := make(asked)
	for {
		if err := b.profile(ctx, u); errors.Is(err, errTrouble) { // a refusal may have told that it has changed
			trouble = err
		} else if err != nil {
			return err
		}
		b.mu.Lock()
		now := b.Now()
		r, ok := b.plan.round(u, b.ways(u, now), now, asked.skip)
		b.mu.Unlock()
		if !ok {
			return trouble
		}
		a, err := b.fetch(ctx, u, r, since, true)
		if err != nil {
			return err
		}
		if b.troubled(u, a.Attempt) {
			trouble = errTrouble
		}
		asked.note(r, a)
	}
}

// asked counts what a round has asked for: by series and source, by series alone what holds for all sources, and by source
// alone what holds for all series.
type asked map[question]int

type question struct {
	series meter.Series
	source string
}

// skip tells what is not to be asked again in this round.
func (a asked) skip(s meter.Series, source string) bool {
	return a[question{s, source}] >= refusals || a[question{s, ""}] >= refusals ||
		a[question{meter.Series{}, source}] >= refusals
}

// note files an answer: a range that was refused is tried again with another one, trouble leaves the other sources. A source
// that is given rest is not asked again in this round, however short the rest is: the others have what it cannot give.
func (a asked) note(r task, f fetched) {
	switch {
	case f.resting:
		a[question{meter.Series{}, r.source}] = refusals
	case f.Outcome == store.Refused:
		a[question{r.Series(), ""}]++
	case bindsSource(f.Outcome):
		a[question{r.Series(), r.source}] = refusals
	default:
		a[question{r.Series(), ""}] = refusals
	}
}

// errTrouble tells that a request of a round was refused or failed, though the source as a whole may be well.
var errTrouble = errors.New("a request met trouble")

// inFlight is how many meters may be asked for at the same time.
func (b *Bridge) inFlight() int {
	n := 1
	for _, r := range b.roads {
		n = max(n, r.traits.InFlight)
	}
	return n
}
