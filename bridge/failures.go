package bridge

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// failure is a range of history that a source could not answer for, though the source as a whole may be well: what is older
// does not wait for it.
type failure struct {
	source string
	days   meter.Days
	at     time.Time // of the attempt
	again  time.Time // when it may be repeated
}

// noteFailure files how an attempt for history ended. An answer ends the failures of the days that it is for.
func (u *unit) noteFailure(a store.Attempt) {
	list := u.failures[a.Series]
	switch {
	case a.Outcome == store.SourceDown:
		list = slices.DeleteFunc(list, func(f failure) bool { return f.source == a.Source && f.days == a.Days })
		list = append(list, failure{a.Source, a.Days, a.At, a.NotBefore})
	case a.Outcome.Settled():
		list = slices.DeleteFunc(list, func(f failure) bool { return !f.days.Intersect(a.Days).Empty() })
	}
	u.failures[a.Series] = list
}

// failing gives the newest range that a source could not answer for and that is not to be repeated yet, of those that share days
// with a range.
func (u *unit) failing(s meter.Series, source string, days meter.Days, now time.Time) (newest meter.Days, ok bool) {
	for _, f := range u.failures[s] {
		if f.source == source && f.again.After(now) && !f.days.Intersect(days).Empty() && f.days.To > newest.To {
			newest, ok = f.days, true
		}
	}
	return newest, ok
}

// failedBefore is how long an attempt came after the last one for the same days, if that failed.
func (u *unit) failedBefore(a store.Attempt) time.Duration {
	for _, f := range u.failures[a.Series] {
		if f.source == a.Source && f.days == a.Days {
			return a.At.Sub(f.at)
		}
	}
	return 0
}
