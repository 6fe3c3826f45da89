package contract

import (
	"slices"
	"sort"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// total is what a calendar month or year of daily values comes to.
type total struct {
	period  meter.Days // the whole month or year
	wh      int64
	days    int // with a value
	missing int // without one, through the newest day of the series, and not before the activation
}

// newest is the newest day with any value; ok is false when there is none.
func (s Series) newest() (d meter.Day, ok bool) { return s.Coverage.Newest() }

// wantedFrom is the first day wanted, never before the activation; where neither is known, the oldest day with any value.
func (s Series) wantedFrom() meter.Day {
	if from := max(s.First, s.Activation); from != 0 {
		return from
	}
	oldest, _ := s.Coverage.Oldest()
	return oldest
}

// Since is the series without the days before the activation of the contract, which are a former holder's or a former meter's;
// before is the sum of the values of those of them that share its month. An activation of 0 leaves it as it is.
func (s Series) Since(activation meter.Day, before int64) Series {
	if oldest, ok := s.Coverage.Oldest(); !ok || oldest >= activation {
		return s
	}
	s.Coverage = s.Coverage.Since(activation, before)
	first := sort.Search(len(s.Recent), func(i int) bool { return s.Recent[i].Day >= activation })
	s.Recent = s.Recent[first:]
	return s
}

// months gives the newest n months with any day, oldest first.
func (s Series) months(n int) []total {
	newest, ok := s.newest()
	if !ok {
		return nil
	}
	var totals []total
	for i := len(s.Coverage) - 1; i >= 0 && len(totals) < n; i-- {
		if s.Coverage[i].Present != 0 {
			totals = append(totals, s.total(s.Coverage[i].First.Month(), newest))
		}
	}
	slices.Reverse(totals)
	return totals
}

// years gives all years with any day, oldest first.
func (s Series) years() []total {
	newest, ok := s.newest()
	if !ok {
		return nil
	}
	var totals []total
	var year meter.Days
	for _, m := range s.Coverage {
		if m.Present != 0 && !year.Contains(m.First) {
			year = m.First.Year()
			totals = append(totals, s.total(year, newest))
		}
	}
	return totals
}

// total sums up one period; newest is the newest day of the series.
func (s Series) total(period meter.Days, newest meter.Day) total {
	months := s.within(period)
	t := total{period: period, days: months.CountPresent(period)}
	for _, m := range months {
		t.wh += m.Sum
	}
	due := meter.Days{From: max(period.From, s.Activation), To: min(period.To, newest+1)}
	t.missing = due.Len() - months.CountPresent(due)
	return t
}

// within gives the months of the period: the coverage of few months is counted faster than that of all.
func (s Series) within(period meter.Days) meter.Coverage {
	after := func(d meter.Day) int {
		return sort.Search(len(s.Coverage), func(i int) bool { return s.Coverage[i].First >= d })
	}
	return s.Coverage[after(period.From):after(period.To)]
}
