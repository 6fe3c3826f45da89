package bridge

import (
	"context"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// learn keeps what an answer says of the meter itself: directions, the curve's collection, starts and spans refused.
func (b *Bridge) learn(ctx context.Context, u *unit, r task, a store.Attempt, action enedis.Action) {
	if a.Outcome == store.Refused && action == enedis.NarrowSpan {
		b.narrowSpan(ctx, r)
		return
	}
	b.mu.Lock()
	changed := b.learnLocked(u, r, a)
	b.mu.Unlock()
	if !changed {
		return
	}
	if err := b.saveMeter(ctx, u); err != nil {
		b.storageFailed(err)
	}
}

func (b *Bridge) learnLocked(u *unit, r task, a store.Attempt) bool {
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
		if direction.Standing != store.Exists && (s.Measure == meter.Daily || a.Outcome == store.WrongDirection) {
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
		if known := direction.Activation; known != 0 && r.Days.From >= known && a.EndedAt.Sub(u.kept.Contract.ReadAt) > 12*time.Hour {
			u.kept.Contract.NotBefore = time.Time{} // the contract must have changed
		}
	}
	if direction != wasDirection {
		b.Log.Info("direction", "prm", u.PRM, "direction", s.Direction, "standing", string(direction.Standing), "how", direction.How)
		u.kept.Directions[s.Direction] = direction
	}
	if series != was {
		b.Log.Info("series", "series", s, "not_collected", !series.NotCollected.IsZero(), "begins_after", bounded(series.RefusedStart))
		u.kept.Series[s] = series
	}
	return series != was || direction != wasDirection
}

// bounded is the bound of a series for the log.
func bounded(d meter.Day) string {
	if d == 0 {
		return "nothing refused"
	}
	return d.String()
}

// neverCollected tells whether the curve's whole first window is empty, though yesterday's daily value is there, or the newest
// one that its source has, and no day of the curve ever came.
func (b *Bridge) neverCollected(u *unit, r task, now time.Time) bool {
	s := r.Series()
	newest := yesterday(now)
	if b.road(r.source).traits.Lags(s.Direction) {
		newest--
	}
	if s.Measure != meter.LoadCurve || !u.coverage[u.id(s.Direction, meter.Daily)].Complete(newest) {
		return false
	}
	_, ever := u.coverage[s].Newest()
	w := way{name: r.source, traits: &b.road(r.source).traits}
	whole := meter.DayOf(now) - max(b.plan.first(u, s, w, now), meter.DayOf(now)-ride)
	return !ever && r.Days.Len() >= min(int(whole), b.plan.span(u, s, w, now))
}

// narrowSpan remembers for the source that a range was too long.
func (b *Bridge) narrowSpan(ctx context.Context, r task) {
	b.mu.Lock()
	src, n := b.road(r.source), r.Days.Len()-1
	narrower := n > 0 && n < src.traits.Span[r.Measure]
	if narrower {
		src.traits.Span[r.Measure] = n
	}
	b.mu.Unlock()
	if narrower {
		b.spanLearned(ctx, src, r.Measure, n)
	}
}

// bound is the start that is remembered as refused after a range that begins too early. Where an accepted range lies above one
// of a month or less, it is the day before that: nobody looks for the day more closely.
func (b *Bridge) bound(u *unit, r task) meter.Day {
	c, above := u.coverage[r.Series()], r.Days.To
	if accepted := c.Asked(above) || c.Complete(above); accepted && r.Days.Len() <= probing[0] {
		return above - 1
	}
	return r.Days.From
}
