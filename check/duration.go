package check

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// longDay is from when on the calls of a day take so long that the last meters get theirs in the evening.
const longDay = 10 * time.Hour

// durations tells for each source how long one day of its meters takes within its budgets: a call for each series.
func (c *checker) durations(k knowledge, sources []bridge.Source) {
	for i, s := range sources {
		traits, meters, calls := s.Traits(), 0, 0
		for _, m := range k.targets(c.Options, s.Name(), k.listed[s.Name()]) {
			if m.Source == "" && !m.named && i > 0 {
				continue // a source that is preferred has it
			}
			meters++
			calls += callsADay(m, k.directions(m.Meter), traits)
		}
		if calls == 0 {
			continue
		}
		one := Result{Name: nameDuration, Subject: s.Name(), Status: OK}
		takes := dayWithin(traits, calls)
		one.Message = c.say(durationTakes, meters, calls, shortly(takes))
		if takes > longDay {
			one.Status, one.Remedy = Warning, c.say(durationRemedy)
		}
		c.add(one)
	}
}

// callsADay counts the series of a meter that a source offers, for a normal day has one call for each.
func callsADay(m target, directions []meter.Direction, traits enedis.Traits) (n int) {
	if len(directions) == 0 {
		directions = []meter.Direction{meter.Consumption} // until it is found out
	}
	for _, d := range directions {
		for _, measure := range meter.Measures(d) {
			if traits.Offers(d, measure) && (measure != meter.LoadCurve || m.Hourly) {
				n++
			}
		}
	}
	return n
}

// dayWithin is how long so many calls take by the rate and the budgets that they share.
func dayWithin(traits enedis.Traits, calls int) time.Duration {
	var longest time.Duration
	if traits.Rate > 0 {
		longest = time.Duration(float64(calls) / traits.Rate * float64(time.Second))
	}
	for _, limit := range traits.Limits {
		if limit.Scope == enedis.ScopeAPI || limit.Scope == enedis.ScopeAddress {
			longest = max(longest, time.Duration(calls)*limit.Window/time.Duration(limit.Calls))
		}
	}
	return max(longest.Round(time.Second), time.Second)
}
