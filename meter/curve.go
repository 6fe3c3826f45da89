package meter

import (
	"cmp"
	"slices"
	"time"
)

// Curve sorts readings into the days in which they start, marks what a day lacks as missing, and leaves out the days
// outside of want. Readings that overlap an earlier one, reach beyond their day or are shorter than a second are returned
// as anomalies.
func Curve(want Days, readings []Reading) (days []DayValues, anomalies []Reading) {
	readings = present(readings)
	slices.SortStableFunc(readings, func(a, b Reading) int { return a.Start.Compare(b.Start) })
	var last time.Time // the end of the newest reading taken
	for _, r := range readings {
		day := DayOf(r.Start)
		if r.Start.Before(last) || r.End.After(day.End()) || r.Seconds() < 1 {
			anomalies = append(anomalies, r)
			continue
		}
		last = r.End
		if !want.Contains(day) {
			continue
		}
		if n := len(days); n == 0 || days[n-1].Day != day {
			days = append(days, DayValues{Day: day})
		}
		d := &days[len(days)-1]
		d.Readings = append(d.Readings, r)
	}
	for i := range days {
		days[i].normalise()
	}
	return days, anomalies
}

// normalise fills the gaps of a curve day with missing readings and takes source and quality from the readings: the
// lowest quality, and the source of the first reading.
func (v *DayValues) normalise() {
	present := slices.DeleteFunc(slices.Clone(v.Readings), func(r Reading) bool { return r.Missing })
	if len(present) == 0 {
		v.Readings = nil
		return
	}
	v.Source = present[0].Source
	v.Quality = slices.MinFunc(present, func(a, b Reading) int { return cmp.Compare(a.Quality, b.Quality) }).Quality
	v.Readings = make([]Reading, 0, len(present))
	from, end := v.Day.Start(), v.Day.End()
	for i, r := range present {
		before := present[max(0, i-1)] // a gap has the step of the reading before it; at the day's start, of the one after
		v.Readings = appendGap(v.Readings, from, r.Start, before.End.Sub(before.Start))
		v.Readings = append(v.Readings, r)
		from = r.End
	}
	last := present[len(present)-1]
	v.Readings = appendGap(v.Readings, from, end, last.End.Sub(last.Start))
}

// appendGap covers the time from from to to with missing readings of the given step; the last one may be shorter.
func appendGap(out []Reading, from, to time.Time, step time.Duration) []Reading {
	for from.Before(to) {
		end := from.Add(step)
		if end.After(to) {
			end = to
		}
		out = append(out, Reading{Interval: Interval{Start: from, End: end}, Missing: true})
		from = end
	}
	return out
}
