package bridge

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// distance is how long after one request the same one is made again, when it brought nothing: the retry interval. Where the
// daily budget of a source would not last until no more rounds are made, the distance doubles from one to the next, up to
// the one with which it lasts.
func (b *Bridge) distance(u *unit, a store.Attempt) time.Duration {
	retry := b.Schedule.RetryInterval
	b.mu.Lock()
	defer b.mu.Unlock()
	lasting, limited := b.lasting(u, a.Source, a.EndedAt)
	former := u.via(a.Series, a.Source).same(a.Days)
	if !limited || former.At.IsZero() { // the first of its days
		return retry
	}
	return min(max(retry, 2*a.At.Sub(former.At)), lasting)
}

// putOff is how long a range of history that failed is left: the retry interval, which doubles up to a day.
func (b *Bridge) putOff(u *unit, a store.Attempt) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return min(max(b.Schedule.RetryInterval, 2*u.failedBefore(a)), 24*time.Hour)
}

// lasting is the distance between rounds with which the daily budget of a source lasts until no more rounds are made, the retry
// interval at least; limited is false for a source without such a budget. b.mu is held.
func (b *Bridge) lasting(u *unit, source string, now time.Time) (d time.Duration, limited bool) {
	left, window, limited := b.Ledger.left(source, u.PRM, now)
	if !limited {
		return b.Schedule.RetryInterval, false
	}
	day := meter.DayOf(now)
	ends := at(day, b.Schedule.RetryUntil)
	if !u.delivered() || !ends.After(now) {
		ends = day.End()
	}
	return max(b.Schedule.RetryInterval, lastingDistance(left, b.sharing(source), min(window, ends.Sub(now)))), true
}

// need is how many calls a meter takes when its yesterday comes: one for each series of both directions.
const need = 5

// lastingDistance is the distance between rounds with which so many calls last for a time, each meter costing one call a
// round, and its series when they come.
func lastingDistance(left, meters int, until time.Duration) time.Duration {
	rounds := max(1, (left-need*meters)/max(1, meters))
	return until / time.Duration(rounds)
}

// isEarly tells whether an attempt was refused under a consent that Enedis may not let through yet.
func (b *Bridge) isEarly(u *unit, a store.Attempt) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return u.early(a, a.EndedAt)
}

// hesitation is how long after one request a fresh consent is tried again: the retry interval, which doubles up to an hour.
func (b *Bridge) hesitation(u *unit, a store.Attempt) time.Duration {
	retry := b.Schedule.RetryInterval
	b.mu.Lock()
	defer b.mu.Unlock()
	former := u.via(a.Series, a.Source).same(a.Days)
	if former.At.IsZero() || former.Outcome != store.NoConsent {
		return retry
	}
	return min(max(retry, 2*a.At.Sub(former.At)), max(time.Hour, retry))
}
