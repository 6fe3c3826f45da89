package bridge

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// distance is how long after one round the next one asks for a yesterday that did not come: the retry interval. Where the daily
// budget of a source would not last until no more rounds are made, the distance doubles from one round to the next, up to
// the one with which it lasts.
func (b *Bridge) distance(u *unit, a store.Attempt) time.Duration {
	retry := b.Schedule.RetryInterval
	left, window, limited := b.Ledger.left(a.Source, u.PRM, a.EndedAt)
	if !limited || !a.Days.Contains(yesterday(a.EndedAt)) {
		return retry
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	day := meter.DayOf(a.EndedAt)
	ends := at(day, b.Schedule.RetryUntil)
	if !u.delivered() || !ends.After(a.EndedAt) {
		ends = day.End()
	}
	lasting := max(retry, lastingDistance(left, b.sharing(a.Source), min(window, ends.Sub(a.EndedAt))))
	former := u.via(a.Series, a.Source).yesterday
	if bindsSource(former.Outcome) || former.Days != a.Days {
		return retry // the day's first
	}
	return min(max(retry, 2*a.At.Sub(former.At)), lasting)
}

// need is how many calls a meter takes when its yesterday comes: one for each series of both directions.
const need = 5

// lastingDistance is the distance between rounds with which so many calls last for a time, each meter costing one call a
// round, and its series when they come.
func lastingDistance(left, meters int, until time.Duration) time.Duration {
	rounds := max(1, (left-need*meters)/max(1, meters))
	return until / time.Duration(rounds)
}
