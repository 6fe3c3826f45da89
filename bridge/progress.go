package bridge

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// progress is how an order fares, and whether nothing of it is left to ask; b.mu is held.
func (b *Bridge) progress(u *unit, o *order, now time.Time) (p contract.HistoryProgress, ended bool) {
	ways := b.ways(u, now)
	t := tally{left: make(map[string]int)}
	var cut *meter.Day
	notCollected := false
	for _, s := range u.all(ways) {
		w, ok := u.wayFor(s, ways, now)
		if !ok || !o.wants(s) {
			continue
		}
		if !u.collected(s) {
			notCollected = true
			continue
		}
		g := b.plan.gap(u, s, w, now)
		t.add(u, s, w, g.of(o.days(s, g.first)), b.plan.before(u, g, w, now), u.vain(s, o.At))
		if reach := o.cut(s.Measure); s.Measure == meter.LoadCurve && o.Days.From < reach && g.first <= reach {
			cut = &reach
		}
	}
	for _, d := range meter.Directions() {
		if (o.Direction == "" || o.Direction == d) && u.Directions == nil &&
			u.kept.Directions[d].Standing == store.Unknown && len(ways) > 0 {
			t.left[ways[0].name]++ // the call that finds it out
		}
	}
	p = contract.HistoryProgress{
		PRM: u.PRM, Calls: o.Done + t.calls(), Done: o.Done, Days: t.days, DaysDone: t.done, Holes: t.holes,
	}
	p.CutTo = cut
	ended = t.calls() == 0
	b.forecast(u, &p, t, ways, now)
	return p.Explained(b.Locale, begins(u, o, u.all(ways)), notCollected), ended
}

// begins is the latest first day of a series that cuts an order: the activation, or what follows on a start that was refused; 0
// when none does.
func begins(u *unit, o *order, all []meter.Series) (day meter.Day) {
	for _, s := range all {
		first := u.kept.Directions[s.Direction].Activation
		if refused := u.kept.Series[s].RefusedStart; refused != 0 {
			first = max(first, refused+1)
		}
		if o.wants(s) && u.collected(s) && first > max(o.Days.From, o.cut(s.Measure)) {
			day = max(day, first)
		}
	}
	return day
}

// histories tells how the history fares that is under way, meter by meter: that of the orders, and what the settings want;
// b.mu is held.
func (b *Bridge) histories(now time.Time) []contract.HistoryProgress {
	var all []contract.HistoryProgress
	for _, p := range b.prms {
		u := b.units[p]
		for _, o := range u.orders {
			all = append(all, o.said)
		}
		if u.behind == nil {
			behind := b.backlog(u, now)
			u.behind = &behind
		}
		if u.behind.Calls > u.behind.Done && len(u.orders) == 0 {
			all = append(all, *u.behind)
		}
	}
	return all
}

// backlog is how far the history that the settings want has come, without calls where nothing of it is left to ask; b.mu is held.
func (b *Bridge) backlog(u *unit, now time.Time) contract.HistoryProgress {
	ways := b.ways(u, now)
	t := tally{left: make(map[string]int)}
	for _, s := range u.all(ways) {
		w, ok := u.wayFor(s, ways, now)
		if !ok || !u.collected(s) || u.known(s) == nil {
			continue
		}
		g := b.plan.gap(u, s, w, now)
		g.holes = nil
		before := min(b.plan.before(u, g, w, now), meter.DayOf(now)-ride)
		t.add(u, s, w, g.of(g.base), before, false)
	}
	if t.calls() == 0 {
		u.filled = 0
	}
	p := contract.HistoryProgress{
		PRM: u.PRM, Calls: u.filled + t.calls(), Done: u.filled, Days: t.days, DaysDone: t.done, Holes: t.holes,
	}
	b.forecast(u, &p, t, ways, now)
	return p.Explained(b.Locale, 0, false)
}

// tally adds up what is done and left of the history of some series.
type tally struct {
	days, done, holes int
	left              map[string]int // calls, by source
}

// add counts the days of a gap. What was asked for in vain, of a series that never had a day, is done.
func (t *tally) add(u *unit, s meter.Series, w way, g gap, before meter.Day, vain bool) {
	days := g.base
	t.days += days.Len()
	if vain {
		t.done += days.Len()
		t.holes += days.Len()
		return
	}
	due := make(map[meter.Day]bool, len(g.holes))
	for _, d := range g.holes {
		due[d] = true
	}
	for d := range days.All() {
		switch c := u.coverage[s]; {
		case c.Complete(d):
			t.done++
		case g.coverage != nil && c.Asked(d) && !due[d]:
			t.done++
			t.holes++
		}
	}
	t.left[w.name] += g.calls(before)
}

func (t *tally) calls() int {
	n := 0
	for _, calls := range t.left {
		n += calls
	}
	return n
}

// vain tells whether a series has never had a day, and was asked for since then.
func (u *unit) vain(s meter.Series, since time.Time) bool {
	last := u.word(s)
	return u.known(s) == nil && last.Outcome != store.Unfinished && !last.EndedAt.Before(since)
}

// forecast fills in when the calls that are left are expected to be made, and what holds them; b.mu is held.
func (b *Bridge) forecast(u *unit, p *contract.HistoryProgress, t tally, ways []way, now time.Time) {
	if t.calls() == 0 {
		p.EndsAt = contract.Time{Time: now}
		return
	}
	if a, ok := refusedEverywhere(u, ways); ok {
		p.Reason = b.attemptTrouble(u, a)
		return
	}
	if b.storage != nil {
		p.Reason = contract.Storage
		return
	}
	var ends time.Time
	for _, w := range ways {
		calls := t.left[w.name]
		if calls == 0 {
			continue
		}
		if r := b.road(w.name); r.Until.After(now) && r.Outcome != store.OverQuota {
			p.Reason = reason(r.Outcome, u.delivered())
			return
		}
		if w.history.After(now) {
			p.Reason = contract.Quota
		}
		calls += b.othersLeft(u)
		ends = later(ends, b.Ledger.forecast(w.name, u.PRM, calls, need*b.sharing(w.name), later(now, w.history)))
	}
	p.EndsAt = contract.Time{Time: ends}
}

// othersLeft counts the calls that the history of the other meters takes, which has its turn meanwhile; b.mu is held.
func (b *Bridge) othersLeft(u *unit) int {
	n := 0
	for _, other := range b.units {
		if other == u {
			continue
		}
		for _, o := range other.orders {
			n += o.said.Calls - o.said.Done
		}
		if other.behind != nil && len(other.orders) == 0 {
			n += other.behind.Calls - other.behind.Done
		}
	}
	return n
}
