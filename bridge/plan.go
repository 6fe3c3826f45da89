package bridge

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// planner decides what is asked, whom, and when. It is pure: it sees units, ways and a time, and changes nothing.
type planner struct {
	Schedule
	minute  int       // of the day, in the window: random per installation, and stable
	started time.Time // when the bridge started
}

// task is a request with the source that is to be asked.
type task struct {
	enedis.Request
	source string
}

// ride is how many days every request for a missing yesterday covers: corrections and fresh holes cost no extra call.
const ride = 7

// probing are the spans tried after a start was refused as too early while no contract tells the activation.
var probing = [...]int{31, 15, 7, 3, 1}

func yesterday(now time.Time) meter.Day { return meter.DayOf(now) - 1 }

// round gives the next request of a round for a meter. While nothing of yesterday has come it is the daily value of the
// first direction alone; then every series that lacks yesterday. skip tells what this round does not ask again.
func (p planner) round(u *unit, ways []way, now time.Time, skip func(meter.Series, string) bool) (task, bool) {
	for _, s := range p.open(u, ways, now) {
		if p.heldUntil(u, s, now).After(now) {
			continue
		}
		if w, ok := p.choose(u, s, ways, now, skip); ok {
			return task{enedis.Request{
				PRM: u.PRM, Direction: s.Direction, Measure: s.Measure, Days: p.latest(u, s, w, now),
			}, w.name}, true
		}
	}
	return task{}, false
}

// choose gives the most preferred way that may be asked for the yesterday of a series. It waits for the word on one that is
// being tried again.
func (p planner) choose(
	u *unit, s meter.Series, ways []way, now time.Time, skip func(meter.Series, string) bool,
) (way, bool) {
	for _, w := range ways {
		if !p.serves(u, s, w, now) || skip(s, w.name) || p.closedUntil(u, s, w, now).After(now) {
			continue
		}
		return w, !w.probing
	}
	return way{}, false
}

// serves tells whether a way has the yesterday of a series.
func (p planner) serves(u *unit, s meter.Series, w way, now time.Time) bool {
	return w.traits.Offers(s.Direction, s.Measure) && p.first(u, s, w, now) <= yesterday(now)
}

// open lists the series that lack yesterday and may be asked for it, schedule and holds aside.
func (p planner) open(u *unit, ways []way, now time.Time) []meter.Series {
	list := u.all(ways)
	if !u.hasAny(yesterday(now)) {
		list = []meter.Series{p.scout(u, ways, now)}
	}
	return slices.DeleteFunc(list, func(s meter.Series) bool { return !p.lacks(u, s, ways, now) })
}

// scout is the series that is asked for while nothing of yesterday has come: the daily value of the first direction; its curve
// where those who may be asked give daily values a day late.
func (p planner) scout(u *unit, ways []way, now time.Time) meter.Series {
	d := u.first(now)
	daily, curve := u.id(d, meter.Daily), u.id(d, meter.LoadCurve)
	if !u.Hourly || !u.collected(curve) {
		return daily
	}
	scout := daily
	for _, w := range ways {
		switch {
		case !p.serves(u, daily, w, now):
		case !w.traits.Lags(d) && !p.closedUntil(u, daily, w, now).After(now):
			return daily
		case w.traits.Lags(d) && p.serves(u, curve, w, now):
			scout = curve
		}
	}
	return scout
}

// lacks tells whether a series lacks yesterday and somebody has it. Where daily values come a day late, those of before are asked
// for once a day, though yesterday's curve is there: its sum stood in for them.
func (p planner) lacks(u *unit, s meter.Series, ways []way, now time.Time) bool {
	missing := !u.coverage[s].Complete(yesterday(now))
	for _, w := range ways {
		if !p.serves(u, s, w, now) {
			continue
		}
		if missing {
			return true
		}
		days := u.computed[s]
		return p.lags(s, w) && len(days) > 0 && days[0] < yesterday(now) && !u.answered(s, w.name, now)
	}
	return false
}

// lags tells whether a way has the yesterday of a series a day late.
func (p planner) lags(s meter.Series, w way) bool {
	return s.Measure == meter.Daily && w.traits.Lags(s.Direction)
}

// heldUntil is when a series may be asked for yesterday again, whoever is asked: as what Enedis said of it leaves it.
func (p planner) heldUntil(u *unit, s meter.Series, now time.Time) time.Time {
	if u.forced {
		return time.Time{}
	}
	until := u.wrongUntil(s.Direction)
	var newest store.Attempt
	for _, t := range u.tries[s] {
		if a := t.yesterday; !bindsSource(a.Outcome) && a.Days.Contains(yesterday(now)) && a.At.After(newest.At) {
			newest = a
		}
	}
	return later(until, newest.NotBefore)
}

// closedUntil is when one way may be asked for the yesterday of a series, as the trouble that it met leaves it.
func (p planner) closedUntil(u *unit, s meter.Series, w way, now time.Time) time.Time {
	until := later(w.from, w.opens(p.Schedule, meter.DayOf(now)))
	if u.forced {
		return until
	}
	until = later(until, u.refusedUntil(w.name))
	if p.lags(s, w) && u.answered(s, w.name, now) {
		until = later(until, meter.DayOf(now).End())
	}
	if a := u.via(s, w.name).yesterday; bindsSource(a.Outcome) && a.Days.Contains(yesterday(now)) {
		until = later(until, p.again(a))
	}
	return until
}

// again is when an attempt may be repeated. One that was never ended is repeated once, then counts as answered without data.
func (p planner) again(a store.Attempt) time.Time {
	if a.Outcome == store.Unfinished && !a.At.IsZero() {
		if a.Lost < 2 {
			return time.Time{}
		}
		return a.At.Add(p.RetryInterval)
	}
	return a.NotBefore
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// due is when the next round is due for a meter.
func (p planner) due(u *unit, ways []way, now time.Time) time.Time {
	today := meter.DayOf(now)
	var next time.Time
	anybody := false
	for _, s := range p.open(u, ways, now) {
		for _, w := range ways {
			if !p.serves(u, s, w, now) {
				continue
			}
			when := later(p.heldUntil(u, s, now), p.closedUntil(u, s, w, now))
			if w.probing {
				when = later(when, now.Add(pause))
			}
			if !anybody || when.Before(next) {
				next, anybody = when, true
			}
		}
	}
	if u.forced {
		return later(now, next)
	}
	if !anybody {
		return at(today+1, p.minute)
	}
	if !u.attempted(today - 1) {
		next = later(next, p.firstRound(today))
	} else if next.After(at(today, p.RetryUntil)) && u.delivered() {
		return at(today+1, p.minute)
	}
	if !next.Before(today.End()) { // tomorrow asks for another day
		return at(today+1, p.minute)
	}
	return next
}

// firstRound is when a day's first round is due: at the installation's minute, or at once for a bridge that starts in the
// window before it.
func (p planner) firstRound(today meter.Day) time.Time {
	first, open := at(today, p.minute), at(today, p.WindowStart)
	if !p.started.Before(open) && p.started.Before(first) {
		return p.started
	}
	return first
}

// first is the first day of a series that is asked for without an order.
func (p planner) first(u *unit, s meter.Series, w way, now time.Time) meter.Day {
	return max(u.kept.Wanted[s.Measure].Base(), p.bound(u, s, w, now))
}

// bound is the first day of a series that a way may be asked for: not before the activation or a start that was refused, and
// within the source's reach.
func (p planner) bound(u *unit, s meter.Series, w way, now time.Time) meter.Day {
	first := max(u.kept.Directions[s.Direction].Activation, w.traits.History[s.Measure].First(meter.DayOf(now)))
	if refused := u.kept.Series[s].RefusedStart; refused != 0 {
		first = max(first, refused+1)
	}
	return first
}

// latest is the range of a request for yesterday: the days of the ride, and what fits before them back to the oldest day
// that is to be asked for, or whose value is computed.
func (p planner) latest(u *unit, s meter.Series, w way, now time.Time) meter.Days {
	g, today := p.gap(u, s, w, now), meter.DayOf(now)
	from := max(p.first(u, s, w, now), today-meter.Day(min(ride, g.span)))
	reach := meter.Days{From: max(g.first, today-meter.Day(g.span)), To: from}
	if d, ok := g.oldest(reach); ok {
		from = d
	}
	for _, d := range u.computed[s] {
		if reach.Contains(d) {
			from = min(from, d)
		}
	}
	return meter.Days{From: from, To: today}
}

// span is how many days one request may cover.
func (p planner) span(u *unit, s meter.Series, w way, now time.Time) int {
	span := w.traits.Span[s.Measure]
	refused := u.kept.Series[s].RefusedStart
	if refused == 0 {
		return span
	}
	for _, n := range probing { // the widest that begins after the start that was refused
		if today := meter.DayOf(now); today-meter.Day(n) > refused || n == 1 {
			return min(span, n)
		}
	}
	return 1
}
