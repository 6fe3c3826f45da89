package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// month is how long a direction that is not there, and a contract that was read, are left alone.
const month = 30

// ending is the end of an attempt with what it brought.
type ending struct {
	attempt store.Attempt
	days    []meter.DayValues
}

// errStorage stops a lane: the store fails, so nothing may be asked.
var errStorage = errors.New("the store fails")

// errSource stops a lane: the source is given rest.
var errSource = errors.New("the source is given rest")

// fetch makes one request: it is remembered before the call, and stored with its outcome after. since is when the lane began,
// from which the retry interval counts. The error says why the lane must stop; a refusal is no such error.
func (b *Bridge) fetch(ctx context.Context, u *unit, r enedis.Request, since time.Time, inRound bool) error {
	src := b.source()
	b.mu.Lock()
	usable := b.usable(u)
	b.mu.Unlock()
	if !usable {
		return errSource
	}
	a, err := b.Store.Begin(ctx, store.Attempt{Source: src.Name(), Series: r.Series(), Days: r.Days, At: b.Now()})
	if err != nil {
		return b.storageStops(ctx, err)
	}
	b.Log.Debug("request", "request", r, "source", src.Name())
	batch, err := src.Fetch(ctx, r)
	if _, ok := errors.AsType[*ledgerError](err); ok {
		return b.storageStops(ctx, err)
	}
	if ctx.Err() != nil && err != nil {
		return ctx.Err() // we leave; the attempt stays without an outcome and is repeated once
	}
	ctx = context.WithoutCancel(ctx) // what was fetched is stored even when we leave

	resting := b.judge(ctx, u, a, err)
	a = b.ended(a, outcome(batch, err), err, since, resting)
	if b.learn(ctx, u, r, a, enedis.ActionOf(err)); a.Outcome == store.NoData && !b.collected(u, r.Series()) {
		a.NotBefore = b.tomorrow(a.EndedAt)
	}
	if b.troubled(u, a) && !resting {
		b.Log.Warn("request met trouble", "request", r, "outcome", string(a.Outcome), "err", err)
	}
	if err := b.finish(ctx, ending{a, batch.Days}, inRound); err != nil {
		return err
	}
	if resting {
		return errSource
	}
	return nil
}

// troubled tells whether an attempt ended in a way that somebody has to mend. That a direction which nobody knew of is not
// there is no trouble.
func (b *Bridge) troubled(u *unit, a store.Attempt) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	there := u.kept.Directions[a.Series.Direction].Standing == store.Exists
	return a.Outcome.Troubled() && (there || a.Outcome != store.WrongDirection)
}

// judge tells the source's health of an answer, and whether the source is given rest by it.
func (b *Bridge) judge(ctx context.Context, u *unit, a store.Attempt, err error) (resting bool) {
	b.mu.Lock()
	h := b.sources[a.Source]
	was := h.Failures
	changed := h.judge(b.Schedule, u.PRM, len(b.units) == 1, a.At, b.Now(), err)
	backoff := h.Backoff
	b.mu.Unlock()
	if !changed {
		return false
	}
	if backoff.Failures > was {
		b.Log.Warn("source is given rest", "source", a.Source, "until", backoff.Until.In(meter.Paris()), "err", err)
	} else {
		b.Log.Info("source answers again", "source", a.Source)
	}
	if err := b.Store.SaveBackoff(ctx, backoff); err != nil {
		b.storageFailed(err)
	}
	return backoff.Failures > was
}

// ended fills in how an attempt ended, and when it may be repeated.
func (b *Bridge) ended(a store.Attempt, o store.Outcome, err error, since time.Time, resting bool) store.Attempt {
	now := b.Now()
	a.Outcome, a.EndedAt = o, now
	switch o {
	case store.Answered, store.NoData:
		a.NotBefore = since.Add(b.Schedule.RetryInterval)
	case store.Refused:
		a.NotBefore = time.Time{} // at once, with another range
	case store.WrongDirection:
		a.NotBefore = now.AddDate(0, 0, month)
	case store.NotCollected, store.NoConsent:
		a.NotBefore = b.tomorrow(now)
	default:
		a.NotBefore = since.Add(b.Schedule.RetryInterval)
		if resting {
			a.NotBefore = time.Time{} // the source's rest decides
		}
	}
	if refusal, ok := errors.AsType[*enedis.Error](err); ok {
		a.Code, a.Detail = refusal.Code, refusal.Detail
		if refusal.Code == enedis.CodeNotSubscribed {
			a.NotBefore = now.Add(24 * time.Hour)
		}
	} else if err != nil {
		a.Detail = err.Error()
	}
	return a
}

// tomorrow is when the window of the next day begins.
func (b *Bridge) tomorrow(now time.Time) time.Time {
	return at(meter.DayOf(now)+1, b.Schedule.WindowStart)
}

func (b *Bridge) collected(u *unit, s meter.Series) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return u.collected(s)
}

// finish stores an ended attempt with its days, in one transaction, and has the outcome published. When the store cannot
// take it, it is kept in memory and no further call is made until it can.
func (b *Bridge) finish(ctx context.Context, e ending, inRound bool) error {
	merged, err := b.Store.End(ctx, e.attempt, e.days, b.rank)
	if err != nil {
		b.mu.Lock()
		b.pending = append(b.pending, e)
		b.mu.Unlock()
		return b.storageStops(ctx, err)
	}
	b.storageWorks()
	for _, d := range merged.Refused {
		b.Log.Warn("answer with other intervals refused, the stored day stands", "series", e.attempt.Series, "day", d.String())
	}
	coverage, err := b.Store.CoverageOf(ctx, e.attempt.Series)
	if err != nil {
		return b.storageStops(ctx, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u, ok := b.units[e.attempt.Series.PRM]
	if !ok {
		return nil
	}
	u.coverage[e.attempt.Series] = coverage
	t := u.tries[e.attempt.Series]
	t.note(e.attempt)
	u.tries[e.attempt.Series] = t
	if len(merged.Changed) > 0 {
		u.kept.UpdatedAt = merged.Changed[len(merged.Changed)-1].StoredAt
	}
	if e.attempt.Series.Measure == meter.LoadCurve {
		b.holdBack(merged.Changed, inRound)
		signal(b.pump)
	}
	b.touch(u.PRM)
	return nil
}
