package bridge

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// backfill gives the newest window of a meter that nobody was asked for: history; before it the first window of a series
// that was never asked, which holds yesterday once the day's window has begun; and the daily value of a direction that
// is to be found out.
func (p planner) backfill(u *unit, ways []way, now time.Time) (task, bool) {
	var newest task
	consider := func(s meter.Series, cut func(w way) meter.Days) {
		w, days := p.chooseFill(u, s, ways, now, cut)
		if !days.Empty() && days.To > newest.Days.To {
			newest = task{enedis.Request{PRM: u.PRM, Direction: s.Direction, Measure: s.Measure, Days: days}, w.name}
		}
	}
	for _, s := range u.all(ways) {
		if !u.busy[s] && !p.resting(u, s, now) {
			consider(s, func(w way) meter.Days { return p.window(u, s, w, now) })
		}
	}
	for _, d := range meter.Directions() {
		s := u.id(d, meter.Daily)
		if !u.busy[s] && u.unknown(d, now) && (d == u.first(now) || len(u.exists()) > 0) && !u.word(s).NotBefore.After(now) {
			consider(s, func(w way) meter.Days { return p.asOfNow(p.latest(u, s, w, now), w, now) })
		}
	}
	return newest, !newest.Days.Empty()
}

// chooseFill gives the most preferred way that may be asked for a range of a series, and the range.
func (p planner) chooseFill(
	u *unit, s meter.Series, ways []way, now time.Time, cut func(w way) meter.Days,
) (way, meter.Days) {
	for _, w := range ways {
		if !w.traits.Offers(s.Direction, s.Measure) {
			continue
		}
		days := cut(w)
		if days.Empty() || p.fillClosed(u, s, w, days, now) {
			continue
		}
		if w.probing {
			break // its word comes soon
		}
		return w, days
	}
	return way{}, meter.Days{}
}

// fillClosed tells whether a way may not be asked for a range now: what holds no yesterday leaves the last of a budget alone.
func (p planner) fillClosed(u *unit, s meter.Series, w way, days meter.Days, now time.Time) bool {
	from := w.from
	if !days.Contains(yesterday(now)) {
		from = later(from, w.history)
	}
	last := u.via(s, w.name).last()
	if past := last.Outcome == store.SourceDown && !isYesterdays(last); bindsSource(last.Outcome) && !past { // that holds its days alone
		from = later(from, p.again(last))
	}
	daily := last.Outcome == store.BadSettings && !last.NotBefore.IsZero() // and not released since
	daily = daily && u.known(s) == nil && meter.DayOf(last.At) == meter.DayOf(now)
	return daily || later(from, u.refusedUntil(w.name)).After(now)
}

// resting tells whether what Enedis said of a series holds its backfill. A series that has never had a day is asked once a
// day at the most.
func (p planner) resting(u *unit, s meter.Series, now time.Time) bool {
	if u.wrongUntil(s.Direction).After(now) {
		return true
	}
	for _, t := range u.tries[s] {
		if a := t.history; !bindsSource(a.Outcome) && !a.Outcome.Settled() && a.NotBefore.After(now) {
			return true
		}
	}
	last := u.word(s)
	today := last.Outcome.Settled() && meter.DayOf(last.At) == meter.DayOf(now)
	return u.known(s) == nil && (today || last.NotBefore.After(now))
}

// asOfNow leaves yesterday out of a range before the day's window has begun, and before its source may be asked for it.
func (p planner) asOfNow(days meter.Days, w way, now time.Time) meter.Days {
	if today := meter.DayOf(now); now.Before(later(at(today, p.WindowStart), w.opens(p.Schedule, today))) {
		days.To = min(days.To, today-1)
	}
	return days
}

// window is the newest range of a series that is to be asked for. Of a series that has been asked before it leaves yesterday to
// the rounds, and the days of the ride that no series of the meter has to the next request for yesterday.
func (p planner) window(u *unit, s meter.Series, w way, now time.Time) meter.Days {
	g := p.gap(u, s, w, now)
	for before := p.before(u, g, w, now); ; {
		days := g.window(before)
		failed, ok := u.failing(s, w.name, days, now)
		if days.Empty() || !ok {
			return days
		}
		if failed.To < days.To { // what is newer may be well
			days.From, _ = g.oldest(meter.Days{From: failed.To, To: days.To})
			return days
		}
		before = failed.From
	}
}

// before is the day before which the backfill asks for the days of a gap.
func (p planner) before(u *unit, g gap, w way, now time.Time) meter.Day {
	today := meter.DayOf(now)
	if g.coverage == nil {
		return p.asOfNow(meter.Days{To: today}, w, now).To
	}
	for before := today - 1; ; {
		newest, ok := g.newest(before)
		if !ok || newest < today-ride || u.hasAny(newest) || slices.Contains(g.holes, newest) {
			return before
		}
		before = newest // it rides
	}
}
