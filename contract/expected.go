package contract

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// How the expectation is learned from arrivals.
const (
	arrivalsThatCount = 14
	arrivalsNeeded    = 5
	oddlyLate         = 3 * 24 * 60 // minutes; an arrival later than that was an outage, and says nothing of the habit
	roundedUpTo       = 5           // minutes
	earliestHour      = 8           // Enedis publishes from 08:00 on
	hourUntilLearned  = 10          // what is absent at 10:00 comes a day later, says Conso API's documentation
)

// expectedAt is when the data of a day should be complete: the 80th percentile (nearest rank) of the meter's last arrivals
// in elapsed time after the day's end, rounded up to 5 min and never before 08:00; 10:00 while too few arrivals are known.
func (m Meter) expectedAt(day meter.Day) time.Time {
	var minutes []int
	for _, a := range slices.Backward(m.Arrivals) {
		if a.Minutes <= oddlyLate && len(minutes) < arrivalsThatCount {
			minutes = append(minutes, a.Minutes)
		}
	}
	if len(minutes) < arrivalsNeeded {
		return atHour(day+1, hourUntilLearned)
	}
	slices.Sort(minutes)
	habit := minutes[(4*len(minutes)+4)/5-1]
	habit = (habit + roundedUpTo - 1) / roundedUpTo * roundedUpTo
	at := day.End().Add(time.Duration(habit) * time.Minute)
	if earliest := atHour(day+1, earliestHour); at.Before(earliest) {
		return earliest
	}
	return at
}

// atHour is an hour by the clock of Paris; on the days on which the clock changes it has done so by then.
func atHour(d meter.Day, hour int) time.Time {
	y, m, day := d.Date()
	return time.Date(y, m, day, hour, 0, 0, 0, meter.Paris())
}
