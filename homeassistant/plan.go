package homeassistant

import (
	"slices"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Plan gives the rows that a statistic should hold from a midnight on. base is its sum before that; days are ours and have
// is what the statistic holds, both from there on and oldest first. Each hour's sum is the one before it and its own
// energy, so no sum ever jumps.
//
// Of each day stands the best that is known, first to last: our complete curve; the hours that the statistic has already,
// which were a curve of ours before our store lost it; our daily value. Days that the statistic alone knows stand as they
// are: they are the origin on which our own days build. No row can be removed, so one that should not be there holds
// nothing: energy 0.
func Plan(base meter.Joules, days []Day, have []Row) []Row {
	rows := make([]Row, 0, max(len(have), 24*len(days)))
	sum := base
	for len(days) > 0 || len(have) > 0 {
		var hours []Hour
		days, have, hours = nextDay(days, have)
		for _, h := range hours {
			sum += h.Energy
			rows = append(rows, Row{Start: h.Start, State: h.Energy, Sum: sum})
		}
	}
	return rows
}

// nextDay takes the oldest day off both lists and settles its hours.
func nextDay(days []Day, have []Row) (restDays []Day, restHave []Row, hours []Hour) {
	day := oldest(days, have)
	n, end := 0, day.End()
	for n < len(have) && have[n].Start.Before(end) {
		n++
	}
	theirs, have := have[:n], have[n:]
	if len(days) == 0 || days[0].Day != day {
		return days, have, asTheyAre(theirs)
	}
	return days[1:], have, settle(days[0], theirs)
}

func oldest(days []Day, have []Row) meter.Day {
	if len(have) == 0 {
		return days[0].Day
	}
	day := meter.DayOf(have[0].Start)
	if len(days) > 0 {
		day = min(day, days[0].Day)
	}
	return day
}

// settle decides between our hours of a day and theirs.
func settle(ours Day, theirs []Row) []Hour {
	if len(ours.Hours) == 1 && detailed(theirs, ours.Day) {
		return asTheyAre(theirs)
	}
	hours := ours.Hours
	for _, r := range theirs {
		if !slices.ContainsFunc(ours.Hours, func(h Hour) bool { return h.Start.Equal(r.Start) }) {
			hours = append(slices.Clip(hours), Hour{Start: r.Start})
		}
	}
	if len(hours) > len(ours.Hours) {
		slices.SortFunc(hours, func(a, b Hour) int { return a.Start.Compare(b.Start) })
	}
	return hours
}

// detailed tells whether the rows of a day are more than a daily value at its midnight.
func detailed(rows []Row, day meter.Day) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.State != 0 && !r.Start.Equal(day.Start()) })
}

// asTheyAre takes rows for what they say of their hours; their sums are reckoned anew.
func asTheyAre(rows []Row) []Hour {
	hours := make([]Hour, len(rows))
	for i, r := range rows {
		hours[i] = Hour{Start: r.Start, Energy: r.State}
	}
	return hours
}

// difference cuts the rows that should be there down to what must be sent: from the first that the statistic has not, or has
// otherwise, through the last.
func difference(want, have []Row) []Row {
	first, last := -1, -1
	for i, w := range want {
		for len(have) > 0 && have[0].Start.Before(w.Start) {
			have = have[1:]
		}
		if len(have) > 0 && have[0].same(w) {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	if first < 0 {
		return nil
	}
	return want[first : last+1]
}
