package bridge

import (
	"context"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// completeDays lists, per meter, the days of the ride that lack nothing.
func (b *Bridge) completeDays(due []*unit, now time.Time) map[meter.PRM]map[meter.Day]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	days := make(map[meter.PRM]map[meter.Day]bool)
	for _, u := range due {
		days[u.PRM] = make(map[meter.Day]bool)
		ways := b.ways(u, now)
		for d := range rideDays(now).All() {
			days[u.PRM][d] = u.has(d, ways)
		}
	}
	return days
}

func rideDays(now time.Time) meter.Days {
	today := meter.DayOf(now)
	return meter.Days{From: today - ride, To: today}
}

// noteArrivals keeps when days became complete: those that ended since the meter is known, for the others were not waited
// for.
func (b *Bridge) noteArrivals(ctx context.Context, due []*unit, before map[meter.PRM]map[meter.Day]bool, ended time.Time) {
	for p, days := range b.completeDays(due, ended) {
		b.mu.Lock()
		u := b.units[p]
		seen := u.kept.FirstSeen
		b.mu.Unlock()
		for d := range rideDays(ended).All() {
			if !days[d] || before[p][d] || !d.End().After(seen) {
				continue
			}
			a := store.Arrival{Day: d, Minutes: int(ended.Sub(d.End()) / time.Minute)}
			if err := b.Store.AddArrival(ctx, p, a); err != nil {
				b.storageFailed(err)
				return
			}
			b.mu.Lock()
			u.arrivals = append(u.arrivals, a)
			b.mu.Unlock()
		}
	}
}
