package wire

import (
	"fmt"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// curve reads mean powers in W, each stamped at the end of its interval, with the step of each point for itself. A point
// without a value takes part in telling October's doubled hours apart, and is then missing.
func curve(source string, req enedis.Request, points []point) (Decoded, error) {
	timed, stamps := make([]point, 0, len(points)), make([]meter.Stamp, 0, len(points))
	for _, p := range points {
		stamp, err := p.interval()
		switch {
		case err == nil:
			timed, stamps = append(timed, p), append(stamps, stamp)
		case p.value.present:
			return Decoded{}, err
		}
	}

	readings := make([]meter.Reading, 0, len(timed))
	dropped := 0
	uncertain := uncertainHours(stamps)
	for i, end := range meter.ResolveEnds(stamps) {
		switch p := timed[i]; {
		case !p.value.present:
		case end.IsZero(), uncertain[hourOf(stamps[i])]:
			dropped++
		default:
			readings = append(readings, meter.Reading{
				Interval: meter.Interval{Start: end.Add(-stamps[i].Step), End: end},
				Watts:    p.value.n,
				Quality:  p.quality,
				Source:   source,
			})
		}
	}
	days, anomalies := meter.Curve(req.Days, readings)
	return Decoded{Days: days, Dropped: dropped + len(anomalies)}, nil
}

// uncertainHours are October's doubled hours of which the stamps do not tell whether they mean the hour of summer or that of
// winter. Enedis sends them in order, so they tell as soon as one of them is not later than the one before it: that is
// where winter begins. Without such a place, part of the two hours is missing, and nothing tells which part.
func uncertainHours(stamps []meter.Stamp) map[meter.Wall]bool {
	uncertain := map[meter.Wall]bool{}
	last := map[meter.Wall]meter.Wall{}
	for _, s := range stamps {
		if s.At.Month() != time.October || len(meter.Instants(s.At)) < 2 { // the month spares a week of other stamps the look-up
			continue
		}
		hour := hourOf(s)
		former, followed := last[hour]
		if !followed {
			uncertain[hour] = true
		} else if !s.At.After(former) {
			uncertain[hour] = false
		}
		last[hour] = s.At
	}
	return uncertain
}

// hourOf is the hour of the wall clock in which an interval ends.
func hourOf(s meter.Stamp) meter.Wall { return s.At.Truncate(time.Hour) }

// interval reads the stamp and the step of a point of a curve.
func (p point) interval() (meter.Stamp, error) {
	at, err := parseStamp(p.stamp)
	if err != nil {
		return meter.Stamp{}, err
	}
	step, ok := steps[p.step]
	if !ok {
		return meter.Stamp{}, fmt.Errorf("step %q: want PT5M to PT60M", p.step)
	}
	return meter.Stamp{At: at, Step: step}, nil
}

// steps are the intervals that Enedis records; one answer may hold several.
var steps = map[string]time.Duration{
	"PT5M":  5 * time.Minute,
	"PT10M": 10 * time.Minute,
	"PT15M": 15 * time.Minute,
	"PT30M": 30 * time.Minute,
	"PT60M": time.Hour,
	"PT1H":  time.Hour,
}
