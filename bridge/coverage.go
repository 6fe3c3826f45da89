package bridge

import (
	"context"
	"maps"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// Coverage tells which days of a meter there are, when those that are not are asked for again, and of which days Enedis says two
// things.
func (b *Bridge) Coverage(ctx context.Context, p meter.PRM) (contract.MeterCoverage, error) {
	now := b.Now()
	m, err := b.snapshot(ctx, p, now)
	if err != nil {
		return contract.MeterCoverage{}, err
	}
	c := m.Coverage(now)
	b.mu.Lock()
	holes := make(map[meter.Series][]store.Hole)
	if u, ok := b.units[p]; ok {
		maps.Copy(holes, u.holes) // the lists are replaced, never changed
	}
	b.mu.Unlock()
	c.Holes = make(map[string][]contract.CoverageHole)
	riding := b.nextRide(now)
	for s, list := range holes {
		runs := c.Series[s.Name()]
		if len(runs) == 0 {
			continue
		}
		for _, h := range list {
			if h.Day < runs[0].From {
				continue
			}
			if h.First.IsZero() && h.Day >= meter.DayOf(now)-ride {
				h.Again = riding
			}
			hole, err := b.hole(ctx, s, h)
			if err != nil {
				return c, err
			}
			c.Holes[s.Name()] = append(c.Holes[s.Name()], hole)
		}
	}
	differences, err := b.Store.Differences(ctx, p)
	for _, d := range differences {
		c.Differences = append(c.Differences, contract.Difference{
			Date: d.Day, Direction: d.Direction, DailyWh: int64(d.Daily), CurveWh: int64(d.Curve),
		})
	}
	return c, err
}

// nextRide is when the next request for a yesterday is made at the latest, with which the holes of a week ride.
func (b *Bridge) nextRide(now time.Time) time.Time {
	if round := at(meter.DayOf(now), b.plan.minute); round.After(now) {
		return round
	}
	return at(meter.DayOf(now)+1, b.plan.minute)
}

// hole describes a hole; of a curve day that has something, what it lacks.
func (b *Bridge) hole(ctx context.Context, s meter.Series, h store.Hole) (contract.CoverageHole, error) {
	hole := contract.CoverageHole{
		Date: h.Day, Asked: h.Asked, LastAt: contract.Time{Time: h.Last}, NextAt: contract.Time{Time: h.Again},
	}
	if s.Measure != meter.LoadCurve {
		return hole, nil
	}
	day, ok, err := b.Store.Stored(ctx, s, h.Day)
	if ok {
		hole.Missing = contract.MissingIn(day.DayValues)
	}
	return hole, err
}
