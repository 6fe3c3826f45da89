package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	b.finish(ctx, ending{a, batch.Days}, inRound)
	if resting {
		return errSource
	}
	return nil
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

// learn keeps what an answer says of the meter itself: directions, the curve's collection, starts and spans refused.
func (b *Bridge) learn(ctx context.Context, u *unit, r enedis.Request, a store.Attempt, action enedis.Action) {
	if a.Outcome == store.Refused && action == enedis.NarrowSpan {
		b.narrowSpan(ctx, r)
		return
	}
	b.mu.Lock()
	changed := b.learnLocked(u, r, a)
	kept := u.kept.Clone()
	b.mu.Unlock()
	if !changed {
		return
	}
	if err := b.Store.SaveMeter(ctx, kept); err != nil {
		b.storageFailed(err)
	}
}

func (b *Bridge) learnLocked(u *unit, r enedis.Request, a store.Attempt) bool {
	s := r.Series()
	series, direction := u.kept.Series[s], u.kept.Directions[s.Direction]
	was, wasDirection := series, direction
	switch a.Outcome {
	case store.Answered:
		if direction.Standing != store.Exists {
			direction.Standing, direction.How, direction.At = store.Exists, "data", a.EndedAt
		}
		if s.Measure == meter.LoadCurve {
			series.NotCollected = time.Time{}
		}
	case store.NoData, store.WrongDirection:
		if direction.Standing != store.Exists && s.Measure == meter.Daily {
			direction.Standing, direction.How, direction.At = store.Absent, string(a.Outcome), a.EndedAt
			direction.AskAgain = a.EndedAt.AddDate(0, 0, month)
			if a.Outcome == store.NoData && r.Days.Len() < ride {
				direction.AskAgain = b.tomorrow(a.EndedAt) // too short a window to conclude from
			}
		}
		if a.Outcome == store.NoData && b.neverCollected(u, r, a.At) && series.NotCollected.IsZero() {
			series.NotCollected = a.EndedAt
		}
	case store.NotCollected:
		if series.NotCollected.IsZero() {
			series.NotCollected = a.EndedAt
		}
	case store.Refused:
		series.RefusedStart = b.bound(u, r)
	}
	if direction != wasDirection {
		b.Log.Info("direction", "prm", u.PRM, "direction", s.Direction, "standing", string(direction.Standing), "how", direction.How)
		u.kept.Directions[s.Direction] = direction
	}
	if series != was {
		b.Log.Info("series", "series", s, "not_collected", !series.NotCollected.IsZero(), "refused_start", series.RefusedStart.String())
		u.kept.Series[s] = series
	}
	return series != was || direction != wasDirection
}

// neverCollected tells whether the curve's whole first window is empty, though yesterday's daily value is there and no day
// of the curve ever came.
func (b *Bridge) neverCollected(u *unit, r enedis.Request, now time.Time) bool {
	s := r.Series()
	if s.Measure != meter.LoadCurve || !u.coverage[u.id(s.Direction, meter.Daily)].Complete(yesterday(now)) {
		return false
	}
	_, ever := u.coverage[s].Newest()
	whole := meter.DayOf(now) - max(b.plan.first(u, s, now), meter.DayOf(now)-ride)
	return !ever && r.Days.Len() >= min(int(whole), b.plan.span(u, s, now))
}

// narrowSpan remembers for the source that a range was too long.
func (b *Bridge) narrowSpan(ctx context.Context, r enedis.Request) {
	b.mu.Lock()
	n := r.Days.Len() - 1
	narrower := n > 0 && n < b.plan.traits.Span[r.Measure]
	if narrower {
		b.plan.traits.Span[r.Measure] = n
	}
	b.mu.Unlock()
	if narrower {
		b.spanLearned(ctx, r.Measure, n)
	}
}

// bound is the start that is remembered as refused after a range that begins too early: where an accepted range lies
// above it, the day before that one.
func (b *Bridge) bound(u *unit, r enedis.Request) meter.Day {
	if c, above := u.coverage[r.Series()], r.Days.To; c.Asked(above) || c.Complete(above) {
		return above - 1
	}
	return r.Days.From
}

// finish stores an ended attempt with its days, in one transaction, and has the outcome published. When the store cannot
// take it, it is kept in memory and no further call is made until it can.
func (b *Bridge) finish(ctx context.Context, e ending, inRound bool) {
	merged, err := b.Store.End(ctx, e.attempt, e.days, b.rank)
	if err != nil {
		b.mu.Lock()
		b.pending = append(b.pending, e)
		b.mu.Unlock()
		b.storageFailed(err)
		return
	}
	b.storageWorks()
	for _, d := range merged.Refused {
		b.Log.Warn("answer with other intervals refused, the stored day stands", "series", e.attempt.Series, "day", d.String())
	}
	coverage, err := b.Store.CoverageOf(ctx, e.attempt.Series)
	if err != nil {
		b.storageFailed(err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u, ok := b.units[e.attempt.Series.PRM]
	if !ok {
		return
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
}

// profile reads a meter's contract when it is due: at the first start, after a new consent, monthly. It is put off before
// the call, so that a crash does not repeat it.
func (b *Bridge) profile(ctx context.Context, u *unit) error {
	now := b.Now()
	b.mu.Lock()
	usable, kept := b.usable(u), u.kept.Clone()
	b.mu.Unlock()
	if kept.Contract.NotBefore.After(now) {
		return nil
	}
	if !usable {
		return errSource
	}
	kept.Contract.NotBefore = now.Add(b.Schedule.RetryInterval)
	if err := b.Store.SaveMeter(ctx, kept); err != nil {
		return b.storageStops(ctx, err)
	}
	src := b.source()
	p, err := src.Profile(ctx, u.PRM)
	if _, ok := errors.AsType[*ledgerError](err); ok {
		return b.storageStops(ctx, err)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	ctx = context.WithoutCancel(ctx)
	resting := false
	switch o := outcome(enedis.Batch{}, err); {
	case err == nil:
		b.Log.Info("contract read", "prm", u.PRM)
		kept.Contract.NotBefore = now.AddDate(0, 0, month)
	case wholeSource(err):
		resting = b.judge(ctx, u, store.Attempt{Source: src.Name(), At: now}, err)
		kept.Contract.NotBefore = time.Time{}
	case o == store.SourceDown:
		b.Log.Info("contract not read", "prm", u.PRM, "err", err)
		kept.Contract.NotBefore = now.Add(max(time.Hour, b.Schedule.RetryInterval))
	default:
		b.Log.Info("contract not read", "prm", u.PRM, "err", err)
		kept.Contract.NotBefore = b.tomorrow(now)
	}
	b.mu.Lock()
	if err == nil {
		b.contractRead(u, &kept, p, now)
	}
	u.kept = kept
	b.touch(u.PRM)
	kept = kept.Clone()
	b.mu.Unlock()
	if err := b.Store.SaveMeter(ctx, kept); err != nil {
		return b.storageStops(ctx, err)
	}
	if resting {
		return errSource
	}
	return nil
}

// contractRead takes a contract over: it decides the directions, unless the settings do.
func (b *Bridge) contractRead(u *unit, kept *store.Meter, p enedis.Profile, now time.Time) {
	was := kept.Contract
	kept.Contract = store.Contract{
		ReadAt: now, NotBefore: was.NotBefore, Directions: p.Directions,
		SubscribedKVA: p.SubscribedKVA, Tariff: p.Tariff, OffPeak: p.OffPeak,
	}
	if !was.ReadAt.IsZero() && !sameTerms(was, kept.Contract) {
		b.Log.Info("contract changed", "prm", u.PRM, "was", termsText(was), "is", termsText(kept.Contract))
	}
	for _, d := range meter.Directions() {
		state := kept.Directions[d]
		if day, ok := p.Activation[d]; ok {
			state.Activation = day
		}
		if u.Directions == nil && len(p.Directions) > 0 {
			standing := store.Absent
			if slices.Contains(p.Directions, d) {
				standing = store.Exists
			}
			if state.Standing != standing {
				state.Standing, state.How, state.At, state.AskAgain = standing, "contract", now, time.Time{}
			}
			if standing == store.Absent {
				state.AskAgain = now.AddDate(0, 0, month+1) // the contract is read again before
			}
		}
		kept.Directions[d] = state
	}
}

func sameTerms(a, b store.Contract) bool {
	return slices.Equal(a.Directions, b.Directions) && termsText(a) == termsText(b)
}

func termsText(c store.Contract) string {
	kva := 0.0
	if c.SubscribedKVA != nil {
		kva = *c.SubscribedKVA
	}
	return fmt.Sprintf("%v %g kVA %s %s", c.Directions, kva, c.Tariff, c.OffPeak)
}
