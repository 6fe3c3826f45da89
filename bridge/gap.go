package bridge

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// gap is what is to be asked of a series through one way: wanted days that nobody was asked for, and holes whose time has come.
type gap struct {
	coverage meter.Coverage // nil before a day has come: no day then counts as asked for
	base     meter.Days     // wanted by the settings
	orders   []meter.Days   // wanted by the user beside
	holes    []meter.Day    // due, oldest first
	first    meter.Day      // that the way may be asked for
	span     int            // days of one request, at most
}

// gap gives what is to be asked of a series through a way.
func (p planner) gap(u *unit, s meter.Series, w way, now time.Time) gap {
	today := meter.DayOf(now)
	g := gap{coverage: u.known(s), first: p.bound(u, s, w, now), span: p.span(u, s, w, now)}
	g.base = meter.Days{From: max(g.first, u.kept.Wanted[s.Measure].Base()), To: today}
	for _, o := range u.orders {
		if days := o.days(s, g.first); !days.Empty() {
			g.orders = append(g.orders, days)
		}
	}
	if g.coverage != nil {
		g.holes = p.dueHoles(u, s, g, now)
	}
	return g
}

// of narrows the gap to what one order wants.
func (g gap) of(days meter.Days) gap {
	g.base, g.orders = days, nil
	var holes []meter.Day
	for _, d := range g.holes {
		if days.Contains(d) {
			holes = append(holes, d)
		}
	}
	g.holes = holes
	return g
}

// window is the newest range before a day that begins and ends with a day of the gap, as wide as the way allows.
func (g gap) window(before meter.Day) meter.Days {
	newest, ok := g.newest(before)
	if !ok {
		return meter.Days{}
	}
	reach := meter.Days{From: max(g.first, newest+1-meter.Day(g.span)), To: newest + 1}
	oldest, _ := g.oldest(reach)
	return meter.Days{From: oldest, To: reach.To}
}

// calls counts the windows before a day.
func (g gap) calls(before meter.Day) int {
	n := 0
	for days := g.window(before); !days.Empty(); days = g.window(days.From) {
		n++
	}
	return n
}

// newest is the newest day of the gap before a day.
func (g gap) newest(before meter.Day) (newest meter.Day, ok bool) {
	consider := func(d meter.Day, open bool) {
		if open && (!ok || d > newest) {
			newest, ok = d, true
		}
	}
	until := func(run meter.Days) meter.Days { return meter.Days{From: run.From, To: min(run.To, before)} }
	consider(g.coverage.LastOpen(until(g.base)))
	for _, run := range g.orders {
		consider(g.coverage.LastOpen(until(run)))
	}
	for _, d := range g.holes {
		consider(d, d < before)
	}
	return newest, ok
}

// oldest is the oldest day of the gap in a run.
func (g gap) oldest(run meter.Days) (oldest meter.Day, ok bool) {
	consider := func(d meter.Day, open bool) {
		if open && (!ok || d < oldest) {
			oldest, ok = d, true
		}
	}
	consider(g.coverage.FirstOpen(g.base.Intersect(run)))
	for _, wanted := range g.orders {
		consider(g.coverage.FirstOpen(wanted.Intersect(run)))
	}
	for _, d := range g.holes {
		consider(d, run.Contains(d))
	}
	return oldest, ok
}
