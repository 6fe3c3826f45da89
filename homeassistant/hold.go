package homeassistant

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	// olderEvery is how often older days are brought while a backfill lasts: once a day.
	olderEvery = 24 * time.Hour
	// freshDays before the newest day of a statistic are brought at once all the same: a request for yesterday covers a
	// week, so that is where corrections and late curves come.
	freshDays = 7
)

// hold tells from which day on a pass brings what has changed since the mark, of which first is the oldest day. While a
// backfill lasts these are the newest days; until is then when the older ones are brought at the latest, else zero.
func (i *Importer) hold(prm meter.PRM, mark Mark, first meter.Day) (from meter.Day, until time.Time) {
	fresh, until := meter.DayOf(mark.Last)-freshDays, mark.WholeAt.Add(olderEvery)
	if first >= fresh || !i.o.Now().Before(until) || !i.o.Filling(prm) {
		return first, time.Time{}
	}
	return fresh, until
}

// hold is a series of which older days wait.
type hold struct {
	prm   meter.PRM
	until time.Time
}

// holds lists what a pass has left waiting.
func holds(done []SeriesOutcome) (list []hold) {
	for _, o := range done {
		if !o.HeldUntil.IsZero() {
			list = append(list, hold{o.PRM, o.HeldUntil})
		}
	}
	return list
}

// look signals when to look again whether a backfill has ended; never when nothing is held.
func (i *Importer) look() <-chan time.Time {
	if len(i.held) == 0 {
		return nil
	}
	return time.After(lookAgain)
}

// released tells whether anything that is held need not be held any longer.
func (i *Importer) released() bool {
	return slices.ContainsFunc(i.held, func(h hold) bool {
		return !i.o.Now().Before(h.until) || !i.o.Filling(h.prm)
	})
}
