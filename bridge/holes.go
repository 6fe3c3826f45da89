package bridge

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

const (
	// farthest is the most days that lie between two requests for the same hole.
	farthest = 30
	// restsAfter is how many days after the first answer a hole that is still there rests.
	restsAfter = 60
)

// missed says what is remembered of a day that was asked for at now and is not complete: when it is asked for again, at growing
// distances. Days that ride with the next request for yesterday need no such memory.
func missed(was store.Hole, now time.Time) (is store.Hole, remember bool) {
	if was.Day >= meter.DayOf(now)-ride {
		return store.Hole{}, false
	}
	if was.Asked == 0 {
		was.First = now
	}
	days := farthest
	if was.Asked < 5 { // 2⁵ is more than the farthest
		days = min(farthest, 1<<was.Asked)
	}
	was.Asked++
	was.Last, was.Again = now, now.AddDate(0, 0, days)
	if now.Sub(was.First) >= restsAfter*24*time.Hour {
		was.Again = time.Time{}
	}
	return was, true
}

// holesIn lists the days of a series that were asked for and are not complete, oldest first: those that are remembered, and those
// that have only ridden so far, which are asked for by themselves as soon as they no longer ride.
func holesIn(c meter.Coverage, remembered []store.Hole) []store.Hole {
	var holes []store.Hole
	for _, m := range c {
		if m.Asked&^m.Complete == 0 {
			continue
		}
		for day := range m.First.Month().All() {
			if !c.Asked(day) || c.Complete(day) {
				continue
			}
			i, found := slices.BinarySearchFunc(remembered, day, func(h store.Hole, d meter.Day) int { return cmp.Compare(h.Day, d) })
			if found {
				holes = append(holes, remembered[i])
			} else {
				holes = append(holes, store.Hole{Day: day, Again: (day + ride).End()})
			}
		}
	}
	return holes
}

// dueHoles lists the holes of a series that are to be asked for now. Before the oldest day that ever came there is most likely
// nothing: of that no more than one request reaches, unless the user asked for it.
func (p planner) dueHoles(u *unit, s meter.Series, g gap, now time.Time) []meter.Day {
	oldest, _ := g.coverage.Oldest()
	var due []meter.Day
	for _, h := range u.holes[s] {
		rides := h.Day >= meter.DayOf(now)-ride && h.First.IsZero() // nobody asked for it beside
		if h.Day < g.first || h.Again.IsZero() || h.Again.After(now) || rides {
			continue
		}
		ordered := slices.ContainsFunc(g.orders, func(days meter.Days) bool { return days.Contains(h.Day) })
		if ordered || h.Day >= oldest-meter.Day(g.span) {
			due = append(due, h.Day)
		}
	}
	return due
}

// reopen has the days of a meter that were asked for and are not complete asked for again at once: those that days gives of a
// series.
func (b *Bridge) reopen(ctx context.Context, u *unit, days func(s meter.Series) meter.Days) error {
	b.mu.Lock()
	holes := make(map[meter.Series][]meter.Day)
	for s, list := range u.holes {
		for _, h := range list {
			if days(s).Contains(h.Day) {
				holes[s] = append(holes[s], h.Day)
			}
		}
	}
	b.mu.Unlock()
	for s, list := range holes {
		if err := b.Store.Reopen(ctx, s, list); err != nil {
			return err
		}
	}
	remembered, err := b.Store.Holes(ctx, u.PRM)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for s, c := range u.coverage {
		u.holes[s] = holesIn(c, remembered[s])
	}
	return nil
}
