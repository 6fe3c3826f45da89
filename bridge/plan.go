package bridge

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// planner decides what is asked and when. It is pure: it sees units, traits and a time, and changes nothing.
type planner struct {
	Schedule
	minute  int       // of the day, in the window: random per installation, and stable
	started time.Time // when the bridge started
	traits  enedis.Traits
}

// ride is how many days every request for a missing yesterday covers: corrections and fresh holes cost no extra call.
const ride = 7

// probing are the spans tried after a start was refused as too early while no contract tells the activation.
var probing = [...]int{31, 15, 7, 3, 1}

func yesterday(now time.Time) meter.Day { return meter.DayOf(now) - 1 }

// round gives the next request of a round for a meter. While nothing of yesterday has come it is the daily value of the
// first direction alone; then every series that lacks yesterday. skip tells what this round has asked already.
func (p planner) round(u *unit, now time.Time, skip func(meter.Series) bool) (enedis.Request, bool) {
	for _, s := range p.open(u, now) {
		if skip(s) || p.heldUntil(u, s, now).After(now) {
			continue
		}
		return enedis.Request{PRM: u.PRM, Direction: s.Direction, Measure: s.Measure, Days: p.latest(u, s, now)}, true
	}
	return enedis.Request{}, false
}

// open lists the series that lack yesterday and may be asked for it, schedule and holds aside.
func (p planner) open(u *unit, now time.Time) []meter.Series {
	day := yesterday(now)
	list := u.all(p.traits)
	if !u.hasAny(day) {
		list = []meter.Series{u.id(u.first(now), meter.Daily)}
	}
	var missing []meter.Series
	for _, s := range list {
		if !u.coverage[s].Complete(day) && p.first(u, s, now) <= day {
			missing = append(missing, s)
		}
	}
	return missing
}

// heldUntil is when a series may be asked for yesterday again, as its last attempt for the same day left it.
func (p planner) heldUntil(u *unit, s meter.Series, now time.Time) time.Time {
	if u.forced {
		return time.Time{}
	}
	until := later(u.refusedUntil(), u.wrongUntil(s.Direction))
	last := u.tries[s].yesterday
	if !last.Days.Contains(yesterday(now)) {
		return until
	}
	return later(until, p.again(last))
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

// due is when the next round is due for a meter; rest is until when its source is given rest.
func (p planner) due(u *unit, now, rest time.Time) time.Time {
	if u.forced {
		return now
	}
	today := meter.DayOf(now)
	open := p.open(u, now)
	if len(open) == 0 {
		return at(today+1, p.minute)
	}
	next := p.heldUntil(u, open[0], now)
	for _, s := range open[1:] {
		if held := p.heldUntil(u, s, now); held.Before(next) {
			next = held
		}
	}
	next = later(next, rest)
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

// backfill gives the newest window of a meter that nobody was asked for: history; before it the first window of a series
// that was never asked, which holds yesterday once the day's window has begun; and the daily value of a direction that
// is to be found out.
func (p planner) backfill(u *unit, now time.Time) (enedis.Request, bool) {
	if u.refusedUntil().After(now) {
		return enedis.Request{}, false
	}
	var newest enedis.Request
	consider := func(s meter.Series, days meter.Days) {
		if !days.Empty() && days.To > newest.Days.To {
			newest = enedis.Request{PRM: u.PRM, Direction: s.Direction, Measure: s.Measure, Days: days}
		}
	}
	for _, s := range u.all(p.traits) {
		if !p.resting(u, s, now) {
			consider(s, p.window(u, s, now))
		}
	}
	for _, d := range meter.Directions() {
		s := u.id(d, meter.Daily)
		if u.unknown(d, now) && (d == u.first(now) || len(u.exists()) > 0) && !p.again(u.tries[s].last()).After(now) {
			consider(s, p.asOfNow(p.latest(u, s, now), now))
		}
	}
	return newest, !newest.Days.Empty()
}

// resting tells whether the last attempt holds the backfill of a series. A series that has never had a day is asked once a
// day at the most.
func (p planner) resting(u *unit, s meter.Series, now time.Time) bool {
	t := u.tries[s]
	if u.wrongUntil(s.Direction).After(now) || !t.history.Outcome.Settled() && p.again(t.history).After(now) {
		return true
	}
	last := t.last()
	word := last.Outcome.Settled() || last.Outcome == store.BadSettings
	today := word && meter.DayOf(last.At) == meter.DayOf(now)
	return u.known(s) == nil && (today || p.again(last).After(now))
}

// first is the first day that may be asked for: wanted, not before the activation or a start that was refused, and within
// the source's reach.
func (p planner) first(u *unit, s meter.Series, now time.Time) meter.Day {
	first := max(u.kept.FirstWanted[s.Measure], u.kept.Directions[s.Direction].Activation,
		p.traits.History[s.Measure].First(meter.DayOf(now)))
	if refused := u.kept.Series[s].RefusedStart; refused != 0 {
		first = max(first, refused+1)
	}
	return first
}

// latest is the range of a request for yesterday: the days of the ride, and what fits before them back to the oldest day
// that nobody was asked for.
func (p planner) latest(u *unit, s meter.Series, now time.Time) meter.Days {
	today, first, span := meter.DayOf(now), p.first(u, s, now), p.span(u, s, now)
	from := max(first, today-meter.Day(min(ride, span)))
	if d, ok := u.known(s).FirstOpen(meter.Days{From: max(first, today-meter.Day(span)), To: from}); ok {
		from = d
	}
	return meter.Days{From: from, To: today}
}

// asOfNow leaves yesterday out of a range before the day's window has begun.
func (p planner) asOfNow(days meter.Days, now time.Time) meter.Days {
	if today := meter.DayOf(now); now.Before(at(today, p.WindowStart)) {
		days.To = min(days.To, today-1)
	}
	return days
}

// window is the newest range of a series that begins and ends with a day that nobody was asked for, as wide as the source
// allows. Of a series that has been asked before it leaves yesterday to the rounds, and the days of the ride that no
// series of the meter has to the next request for yesterday.
func (p planner) window(u *unit, s meter.Series, now time.Time) meter.Days {
	c := u.known(s)
	wanted := meter.Days{From: p.first(u, s, now), To: meter.DayOf(now)}
	if len(c) == 0 {
		wanted = p.asOfNow(wanted, now)
	} else {
		wanted.To--
	}
	for {
		newest, ok := c.LastOpen(wanted)
		if !ok {
			return meter.Days{}
		}
		if len(c) == 0 || newest < meter.DayOf(now)-ride || u.hasAny(newest) {
			wanted = meter.Days{From: max(wanted.From, newest+1-meter.Day(p.span(u, s, now))), To: newest + 1}
			oldest, _ := c.FirstOpen(wanted)
			return meter.Days{From: oldest, To: wanted.To}
		}
		wanted.To = newest // it rides
	}
}

// span is how many days one request may cover.
func (p planner) span(u *unit, s meter.Series, now time.Time) int {
	span := p.traits.Span[s.Measure]
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
