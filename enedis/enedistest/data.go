package enedistest

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// endOfTime is later than whatever happens to a meter.
var endOfTime = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// Day is the truth: one day of one series as it stands in the end, once every late day is out, every hole that is ever
// filled is filled, and every correction is made. ok is false when there is never a value. The units are those of
// meter.Measure; a register is the index at the day's first instant. What a day lacks is marked missing, as
// meter.Curve does it.
func (m Meter) Day(d meter.Direction, measure meter.Measure, day meter.Day) (v meter.DayValues, ok bool) {
	return m.DayAt(d, measure, day, endOfTime)
}

// DayAt is what Enedis has of a day at an instant.
func (m Meter) DayAt(d meter.Direction, measure meter.Measure, day meter.Day, at time.Time) (v meter.DayValues, ok bool) {
	if !m.published(d, measure, day, at) {
		return meter.DayValues{}, false
	}
	v = meter.DayValues{Day: day, Source: SourceName, Quality: meter.Raw}
	if m.corrected(d, day, at) {
		v.Quality = meter.Corrected
	}
	curve := m.curve(d, day, at, v.Quality)
	switch measure {
	case meter.LoadCurve:
		return m.curveDay(d, day, at, curve)
	case meter.Daily:
		v.Value = energy(curve)
	case meter.MaxPower:
		if d != meter.Consumption {
			return meter.DayValues{}, false
		}
		v.Value, v.At = m.peak(day, curve)
	case meter.Register:
		v.Quality = meter.Raw
		v.Value, _ = m.register(d, day)
	}
	return v, true
}

// published tells whether a day is out and not in a hole.
func (m Meter) published(d meter.Direction, measure meter.Measure, day meter.Day, at time.Time) bool {
	return m.has(d) && day >= m.ActivationOf(d) && !m.PublishedAt(day).After(at) && !m.lacks(d, measure, day, at)
}

// curveDay takes the holes out of a curve; ok is false when nothing is left.
func (m Meter) curveDay(d meter.Direction, day meter.Day, at time.Time, curve []meter.Reading) (meter.DayValues, bool) {
	if day < m.curveFrom(d) {
		return meter.DayValues{}, false
	}
	var present []meter.Reading
	for i, r := range curve {
		if !m.lacksSlot(d, day, i, at) {
			present = append(present, r)
		}
	}
	days, _ := meter.Curve(meter.Days{From: day, To: day + 1}, present)
	if len(days) == 0 {
		return meter.DayValues{}, false
	}
	return days[0], true
}

// lacks tells whether a hole takes the whole day.
func (m Meter) lacks(d meter.Direction, measure meter.Measure, day meter.Day, at time.Time) bool {
	for _, h := range m.Holes {
		if h.Slots.all() && h.open(d, measure, day, at) {
			return true
		}
	}
	return false
}

// lacksSlot tells whether a hole takes the slot of the curve.
func (m Meter) lacksSlot(d meter.Direction, day meter.Day, slot int, at time.Time) bool {
	for _, h := range m.Holes {
		if h.Slots.contains(slot) && h.open(d, meter.LoadCurve, day, at) {
			return true
		}
	}
	return false
}

// open tells whether the hole is there at an instant.
func (h Hole) open(d meter.Direction, measure meter.Measure, day meter.Day, at time.Time) bool {
	return h.Days.Contains(day) &&
		(h.Direction == "" || h.Direction == d) &&
		(h.Measure == "" || h.Measure == measure) &&
		(h.Until.IsZero() || at.Before(h.Until))
}

// made tells whether the correction is made at an instant, and is one of that day.
func (c Correction) made(d meter.Direction, day meter.Day, at time.Time) bool {
	return c.Day == day && (c.Direction == "" || c.Direction == d) && !at.Before(c.At)
}

func (m Meter) corrected(d meter.Direction, day meter.Day, at time.Time) bool {
	for _, c := range m.Corrections {
		if c.made(d, day, at) {
			return true
		}
	}
	return false
}

// curve is the true power of each slot of a day, holes not minded: W in the mean, a whole number of Wh a slot.
func (m Meter) curve(d meter.Direction, day meter.Day, at time.Time, q meter.Quality) []meter.Reading {
	var readings []meter.Reading
	end := day.End()
	for start := day.Start(); start.Before(end); {
		step := m.stepAt(start)
		r := meter.Reading{
			Interval: meter.Interval{Start: start, End: start.Add(step)},
			Watts:    m.watts(d, day, start, step),
			Quality:  q,
			Source:   SourceName,
		}
		for _, c := range m.Corrections {
			if c.made(d, day, at) && c.Slots.contains(len(readings)) {
				r.Watts = whole(r.Watts*c.percent()/100, step)
			}
		}
		readings = append(readings, r)
		start = r.End
	}
	return readings
}

func (c Correction) percent() int64 {
	if c.Percent == 0 {
		return 110
	}
	return c.Percent
}

// stepAt is the step of the slot that starts at an instant.
func (m Meter) stepAt(start time.Time) time.Duration {
	if m.StepChange != nil && !start.Before(m.StepChange.At) {
		return m.StepChange.Step
	}
	if m.Step == 0 {
		return 30 * time.Minute
	}
	return m.Step
}

// watts is the mean power of the slot that starts at an instant.
func (m Meter) watts(d meter.Direction, day meter.Day, start time.Time, step time.Duration) int64 {
	slot := int64(start.Sub(day.Start()) / time.Minute)
	if d == meter.Production {
		if slices.Contains(m.Zeros, day) {
			return 0
		}
		return whole(sun(m.PRM, day, slot, start.Add(step/2)), step)
	}
	return whole(household(m.PRM, day, slot, start), step)
}

// whole rounds a power down to an even number of W of which a slot makes whole Wh.
func whole(watts int64, step time.Duration) int64 {
	quantum := int64(2)
	if minutes := int64(step / time.Minute); minutes > 0 && minutes < 30 {
		quantum = 60 / minutes
	}
	return watts - watts%quantum
}

// energy is the sum of a whole day, in Wh. It is exact, since each slot has whole Wh.
func energy(curve []meter.Reading) int64 {
	return int64(meter.DayValues{Readings: curve}.Energy() / meter.WattHours(1).Joules())
}

// peak is the maximum apparent power of a day in VA, and its instant: a second within the day's highest slot.
func (m Meter) peak(day meter.Day, curve []meter.Reading) (va int64, at time.Time) {
	highest := curve[0]
	for _, r := range curve {
		if r.Watts > highest.Watts {
			highest = r
		}
	}
	c := chance(m.PRM, "peak", day, 0)
	va = highest.Watts*(103+int64(c%20))/100 + 7
	return va, highest.Start.Add(time.Duration(c>>8%uint64(highest.Seconds())) * time.Second)
}

// register is the index of the meter at the first instant of a day in Wh, and the part of it that was used off peak.
// Corrections do not move a register. A new contract does not set it back, so it counts from a day that all meters share:
// the sum over years before it would take longer than it is worth.
func (m Meter) register(d meter.Direction, day meter.Day) (total, offPeak int64) {
	const known = 200_000_000 // Wh: more than twenty years of a household before the day that is known
	total = known + int64(chance(m.PRM, "register", 0, 0)%10_000_000)
	offPeak = total * 2 / 5
	knownOn := meter.NewDay(2026, time.January, 1)
	for passed := range (meter.Days{From: knownOn, To: day}).All() {
		t, o := m.consumed(d, passed)
		total, offPeak = total+t, offPeak+o
	}
	for ahead := range (meter.Days{From: day, To: knownOn}).All() {
		t, o := m.consumed(d, ahead)
		total, offPeak = total-t, offPeak-o
	}
	return total, offPeak
}

// consumed is the energy of a day in Wh, and the part of it that was used off peak, between 22:00 and 06:00.
func (m Meter) consumed(d meter.Direction, day meter.Day) (total, offPeak int64) {
	curve := m.curve(d, day, time.Time{}, meter.Raw)
	var night []meter.Reading
	for _, r := range curve {
		if h := r.Start.Hour(); h >= 22 || h < 6 {
			night = append(night, r)
		}
	}
	return energy(curve), energy(night)
}
