package bridge

import (
	"context"
	"errors"
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

// fetched is what came of a request.
type fetched struct {
	store.Attempt
	resting bool // the source is given rest
}

// errStorage stops a lane: the store fails, so nothing may be asked.
var errStorage = errors.New("the store fails")

// fetch makes one request: it is remembered before the call, and stored with its outcome after. since is when the lane began,
// from which the retry interval counts. It gives the attempt back as it ended, and whether its source is given rest. The error says why the lane must stop; a
// refusal is no such error, nor is a source that is given rest: the planner knows of it.
func (b *Bridge) fetch(ctx context.Context, u *unit, r task, since time.Time, inRound bool) (fetched, error) {
	src := b.road(r.source)
	leave, err := src.enter(ctx)
	if err != nil {
		return fetched{}, err
	}
	defer leave()
	b.mu.Lock()
	admitted := src.admit(b.Now(), u.forced)
	b.mu.Unlock()
	if !admitted { // since the plan was made
		return fetched{}, nil
	}
	defer b.probed(src)
	a, err := b.Store.Begin(ctx, store.Attempt{Source: r.source, Series: r.Series(), Days: r.Days, At: b.Now()})
	if err != nil {
		return fetched{}, b.storageStops(ctx, err)
	}
	b.Log.Debug("request", "request", r.Request, "source", r.source)
	batch, err := src.Fetch(ctx, r.Request)
	if _, ok := errors.AsType[*ledgerError](err); ok {
		return fetched{}, b.storageStops(ctx, err)
	}
	if ctx.Err() != nil && err != nil {
		return fetched{}, ctx.Err() // we leave; the attempt stays without an outcome and is repeated once
	}
	ctx = context.WithoutCancel(ctx) // what was fetched is stored even when we leave

	resting := b.judge(ctx, u, a, err)
	a = b.ended(u, a, outcome(batch, err), err, since, resting)
	if b.learn(ctx, u, r, a, enedis.ActionOf(err)); a.Outcome == store.NoData && !b.collected(u, r.Series()) {
		a.NotBefore = b.tomorrow(a.EndedAt)
	}
	if b.troubled(u, a) && !resting {
		b.Log.Warn("request met trouble", "request", r.Request, "source", r.source, "outcome", string(a.Outcome), "err", err)
	}
	return fetched{a, resting}, b.finish(ctx, ending{a, batch.Days}, inRound)
}

// probed ends the trial of a source, however its request ended.
func (b *Bridge) probed(r *road) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.probing = false
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
	h := &b.road(a.Source).health
	was := h.Failures
	lasting, _ := b.lasting(u, a.Source, b.Now())
	changed := h.judge(b.Schedule.rest(h.Failures+1, lasting), u.PRM, b.sharing(a.Source) <= 1, a.At, b.Now(), err)
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
func (b *Bridge) ended(
	u *unit, a store.Attempt, o store.Outcome, err error, since time.Time, resting bool,
) store.Attempt {
	now := b.Now()
	a.Outcome, a.EndedAt = o, now
	switch o {
	case store.Answered, store.NoData:
		a.NotBefore = since.Add(b.distance(u, a))
	case store.Refused:
		a.NotBefore = time.Time{} // at once, with another range
	case store.WrongDirection:
		a.NotBefore = now.AddDate(0, 0, month)
	case store.NotCollected, store.NoConsent:
		a.NotBefore = b.tomorrow(now)
	case store.SourceDown:
		switch {
		case resting && (isYesterdays(a) || enedis.WholeSource(err)):
			a.NotBefore = time.Time{} // the source's rest decides
		case isYesterdays(a):
			a.NotBefore = since.Add(b.distance(u, a))
		default:
			a.NotBefore = now.Add(b.putOff(u, a))
		}
	default:
		a.NotBefore = since.Add(b.distance(u, a))
		if resting {
			a.NotBefore = time.Time{} // the source's rest decides
		}
	}
	if err != nil {
		a.Detail = err.Error()
	}
	if spent, ok := errors.AsType[*enedis.BudgetError](err); ok {
		a.NotBefore = later(a.NotBefore, spent.Until)
	}
	if refusal, ok := errors.AsType[*enedis.Error](err); ok {
		a.Code, a.Detail = refusal.Code, refusal.Detail
		a.NotBefore = b.refusedUntil(u, refusal, a, since)
	}
	return a
}

// refusedUntil is when a refused request may be repeated. What one token or one meter cannot have is asked for once a day: a
// new token, which changes that, releases it. A consent of today is tried again soon.
func (b *Bridge) refusedUntil(u *unit, e *enedis.Error, a store.Attempt, since time.Time) time.Time {
	switch {
	case e.Code == enedis.CodeNotSubscribed:
		return a.EndedAt.Add(24 * time.Hour)
	case b.isEarly(u, a):
		return since.Add(b.hesitation(u, a))
	case e.Apart && a.Outcome == store.BadSettings:
		return b.tomorrow(a.EndedAt)
	case e.Apart:
		return later(a.NotBefore, e.After)
	}
	return a.NotBefore
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
	lags := b.road(e.attempt.Source).traits.Lags(e.attempt.Series.Direction)
	merged, err := b.Store.End(ctx, e.attempt, store.Answer{
		Days: e.days, Rank: b.rank, DailyLags: lags,
		Missed: func(was store.Hole) (store.Hole, bool) { return missed(was, e.attempt.EndedAt) },
	})
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
	b.differing(e.attempt, merged.Differing)
	b.apart(merged.Apart)
	computed, err := b.Store.Computed(ctx, e.attempt.Series.PRM)
	if err != nil {
		return b.storageStops(ctx, err)
	}
	coverage := make(map[meter.Series]meter.Coverage, 2)
	for _, s := range changedSeries(e.attempt.Series, merged.Changed) {
		if coverage[s], err = b.Store.CoverageOf(ctx, s); err != nil {
			return b.storageStops(ctx, err)
		}
	}
	holes, err := b.Store.Holes(ctx, e.attempt.Series.PRM)
	if err != nil {
		return b.storageStops(ctx, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u, ok := b.units[e.attempt.Series.PRM]
	if !ok {
		return nil
	}
	for s, c := range coverage {
		u.coverage[s], u.holes[s] = c, holesIn(c, holes[s])
	}
	u.computed = computed
	u.note(e.attempt)
	if len(merged.Changed) > 0 {
		u.kept.UpdatedAt = merged.Changed[len(merged.Changed)-1].StoredAt
	}
	if e.attempt.Series.Measure == meter.LoadCurve {
		b.holdBack(merged.Changed, inRound)
		signal(b.pump)
	}
	b.touch(u.PRM)
	b.statisticsDiffer(merged.Changed)
	return nil
}

// changedSeries lists the series that an answer touched: the one that was asked for, and the daily values that its curve gave.
func changedSeries(asked meter.Series, changed []store.Stored) []meter.Series {
	list := []meter.Series{asked}
	for _, d := range changed {
		if !slices.Contains(list, d.Series) {
			list = append(list, d.Series)
		}
	}
	return list
}

// differing logs and counts the days of which two sources say different things. The preferred one stands.
func (b *Bridge) differing(a store.Attempt, days []meter.Day) {
	if len(days) == 0 {
		return
	}
	b.mu.Lock()
	b.road(a.Source).differs += len(days)
	b.mu.Unlock()
	b.Log.Warn("two sources differ, the preferred one stands",
		"series", a.Series, "source", a.Source, "days", len(days), "first", days[0].String())
}

// apart logs the days of which Enedis's daily value and its curve say different things. Both are kept and published as they are.
func (b *Bridge) apart(days []store.Difference) {
	for _, d := range days {
		b.Log.Warn("the daily value and the sum of the curve differ", "prm", d.PRM, "direction", d.Direction,
			"day", d.Day.String(), "daily_wh", int64(d.Daily), "curve_wh", int64(d.Curve))
	}
}
