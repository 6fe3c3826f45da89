package homeassistant

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Hour is the energy of one hour, exact.
type Hour struct {
	Start  time.Time
	Energy meter.Joules
}

// Day is a local day by its hours: all 23, 24 or 25 of them, or the first alone, in which then the whole day stands.
type Day struct {
	meter.Day
	Hours []Hour
}

// Lay turns the days of a series into hours, oldest day first, in whatever order they come. A complete curve gives the
// energy of each hour. A day without one stands in the hour that midnight begins, with its daily value. A day with neither
// is absent. Where both are there and differ, the curve stands.
func Lay(daily, curves iter.Seq[meter.DayValues]) []Day {
	laid := make(map[meter.Day]Day)
	for v := range daily {
		laid[v.Day] = Day{Day: v.Day, Hours: []Hour{{Start: v.Day.Start(), Energy: meter.WattHours(v.Value).Joules()}}}
	}
	for v := range curves {
		if v.Complete(meter.LoadCurve) {
			laid[v.Day] = Day{Day: v.Day, Hours: byHour(v)}
		}
	}
	return slices.SortedFunc(maps.Values(laid), func(a, b Day) int { return cmp.Compare(a.Day, b.Day) })
}

// byHour adds up a curve day by the hour. A reading that crosses the hour is cut there: mean power in whole watts over whole
// seconds leaves no remainder.
func byHour(v meter.DayValues) []Hour {
	midnight := v.Day.Start()
	hours := make([]Hour, v.Day.Length()/time.Hour)
	for i := range hours {
		hours[i].Start = midnight.Add(time.Duration(i) * time.Hour)
	}
	for _, r := range v.Readings {
		for from := r.Start; from.Before(r.End); {
			i := from.Sub(midnight) / time.Hour
			to := hours[i].Start.Add(time.Hour)
			if to.After(r.End) {
				to = r.End
			}
			part := r // 0 W when it is missing
			part.Interval = meter.Interval{Start: from, End: to}
			hours[i].Energy += part.Energy()
			from = to
		}
	}
	return hours
}
