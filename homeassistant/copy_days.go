package homeassistant

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Copied is what statistics hold, by the day.
type Copied struct {
	Days     []CopiedDay // oldest first
	Unusable int         // rows that tell no energy of their hour: negative, empty, or after a gap of the sums
}

// Form is how a day stands in a statistic.
type Form string

// The forms.
const (
	ByHour Form = "by the hour"    // each of its hours has a row
	Lump   Form = "as a daily sum" // all of it stands in the hour that midnight begins
	Part   Form = "in part"        // some of its hours have a row
)

// CopiedDay is a day as a statistic has it.
type CopiedDay struct {
	Day  meter.Day
	Form Form
	// Curve has the mean power of each hour, in whole watts; those without a row are missing. It is empty for a Lump. What is
	// no whole number of Wh is rounded so that the day's sum stays right.
	Curve meter.DayValues
	// Daily is the energy of the day: computed of one by the hour, raw of a lump, none of one in part.
	Daily meter.DayValues
}

// lift turns the energies of statistics that belong together into days.
func lift(source string, all ...amounts) Copied {
	var c Copied
	byDay := make(map[meter.Day]map[time.Time]float64)
	for _, a := range all {
		c.Unusable += a.unusable
		for start, wh := range a.byHour {
			day := meter.DayOf(start)
			if byDay[day] == nil {
				byDay[day] = make(map[time.Time]float64, 25)
			}
			byDay[day][start] += wh
		}
	}
	for day, hours := range byDay {
		c.Days = append(c.Days, liftDay(source, day, hours))
	}
	slices.SortFunc(c.Days, func(a, b CopiedDay) int { return cmp.Compare(a.Day, b.Day) })
	return c
}

func liftDay(source string, day meter.Day, hours map[time.Time]float64) CopiedDay {
	if isLump(day, hours) {
		wh := int64(math.Round(hours[day.Start().UTC()]))
		return CopiedDay{Day: day, Form: Lump, Daily: meter.DayValues{
			Day: day, Source: source, Quality: meter.Raw, Value: wh,
		}}
	}
	starts := slices.SortedFunc(maps.Keys(hours), time.Time.Compare)
	energies := make([]float64, len(starts))
	for i, start := range starts {
		energies[i] = hours[start]
	}
	readings := make([]meter.Reading, len(starts))
	for i, wh := range wholeWh(energies) { // which is the hour's mean power in watts
		readings[i] = meter.Reading{
			Interval: meter.Interval{Start: starts[i].In(meter.Paris()), End: starts[i].In(meter.Paris()).Add(time.Hour)},
			Watts:    wh, Quality: meter.Raw, Source: source,
		}
	}
	curves, _ := meter.Curve(meter.Days{From: day, To: day + 1}, readings) // hours of UTC are hours of Paris
	c := CopiedDay{Day: day, Form: Part, Curve: curves[0]}
	if sum, ok := c.Curve.Summed(); ok {
		c.Form, c.Daily = ByHour, sum
	}
	return c
}

// isLump tells whether a whole day stands in the hour that midnight begins: that is its only row, or the others are all 0. A
// day of nothing but zeros by the hour is none.
func isLump(day meter.Day, hours map[time.Time]float64) bool {
	first, ok := hours[day.Start().UTC()]
	if !ok || first == 0 && len(hours) > 1 {
		return false
	}
	for start, wh := range hours {
		if wh != 0 && !start.Equal(day.Start()) {
			return false
		}
	}
	return true
}

// wholeWh rounds energies so that their sum is the rounded sum: all are rounded down, and those with the largest remainders
// get one more, the first of equals.
func wholeWh(energies []float64) []int64 {
	const fine = 1000 // mWh: floating point's own errors are far below
	whole, order, sum, low := make([]int64, len(energies)), make([]int, len(energies)), int64(0), int64(0)
	remainder := make([]int64, len(energies))
	for i, wh := range energies {
		exact := int64(math.Round(wh * fine))
		whole[i], remainder[i], order[i] = exact/fine, exact%fine, i
		sum, low = sum+exact, low+exact/fine
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainder[b], remainder[a]) })
	for _, i := range order[:(sum+fine/2)/fine-low] {
		whole[i]++
	}
	return whole
}
