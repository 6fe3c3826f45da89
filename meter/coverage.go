package meter

import (
	"iter"
	"math/bits"
	"slices"
	"sort"
)

// MonthCoverage sums up one calendar month of one series. Bit n of a set stands for the n-th day of the month.
type MonthCoverage struct {
	First    Day    // the 1st of the month
	Present  uint32 // days with any value
	Complete uint32 // days that lack nothing
	Asked    uint32 // days that a source has answered for, with or without values
	Sum      int64  // of the values of the present days; Wh for Daily
}

// Coverage is what is known of the days of one series, by month, oldest first. The zero value knows nothing.
type Coverage []MonthCoverage

func (c Coverage) at(d Day) (MonthCoverage, uint32) {
	i := sort.Search(len(c), func(i int) bool { return c[i].First > d }) - 1
	if i < 0 {
		return MonthCoverage{}, 0
	}
	n := d - c[i].First
	if n >= 28 && !c[i].First.Month().Contains(d) { // every month has 28 days
		return MonthCoverage{}, 0
	}
	return c[i], 1 << (n + 1)
}

// Present tells whether the day has any value.
func (c Coverage) Present(d Day) bool { m, bit := c.at(d); return m.Present&bit != 0 }

// Complete tells whether the day lacks nothing.
func (c Coverage) Complete(d Day) bool { m, bit := c.at(d); return m.Complete&bit != 0 }

// Asked tells whether a source has answered for the day.
func (c Coverage) Asked(d Day) bool { m, bit := c.at(d); return m.Asked&bit != 0 }

// Month gives the coverage of the month that holds d, with its First set.
func (c Coverage) Month(d Day) MonthCoverage {
	first := d.Month().From
	if m, bit := c.at(first); bit != 0 {
		return m
	}
	return MonthCoverage{First: first}
}

// Since is the coverage without the days before d. before is the sum of the values of those of them that share its month.
func (c Coverage) Since(d Day, before int64) Coverage {
	month := d.Month().From
	i := sort.Search(len(c), func(i int) bool { return c[i].First >= month })
	c = slices.Clone(c[i:])
	if len(c) > 0 && c[0].First == month {
		here := mask(month, Days{From: d, To: d.Month().To})
		c[0].Present &= here
		c[0].Complete &= here
		c[0].Asked &= here
		c[0].Sum -= before
	}
	return c
}

// Edit gives the month that holds d for changing; a new one is put in its place in the order.
func (c *Coverage) Edit(d Day) *MonthCoverage {
	first := d.Month().From
	i := sort.Search(len(*c), func(i int) bool { return (*c)[i].First >= first })
	if i == len(*c) || (*c)[i].First != first {
		*c = slices.Insert(*c, i, MonthCoverage{First: first})
	}
	return &(*c)[i]
}

// MarkAsked notes that a source has answered for the days.
func (c *Coverage) MarkAsked(days Days) {
	for d := range days.All() {
		_, _, dom := d.Date()
		c.Edit(d).Asked |= 1 << dom
	}
}

// Newest is the newest day with any value; ok is false when there is none.
func (c Coverage) Newest() (d Day, ok bool) {
	for _, m := range slices.Backward(c) {
		if m.Present != 0 {
			return m.First + Day(bits.Len32(m.Present)-2), true
		}
	}
	return 0, false
}

// Oldest is the oldest day with any value; ok is false when there is none.
func (c Coverage) Oldest() (d Day, ok bool) {
	for _, m := range c {
		if m.Present != 0 {
			return m.First + Day(bits.TrailingZeros32(m.Present)-1), true
		}
	}
	return 0, false
}

// CountComplete counts the complete days of the run.
func (c Coverage) CountComplete(run Days) int {
	n := 0
	for _, m := range c {
		n += bits.OnesCount32(m.Complete & mask(m.First, run))
	}
	return n
}

// CountPresent counts the days of the run with any value.
func (c Coverage) CountPresent(run Days) int {
	n := 0
	for _, m := range c {
		n += bits.OnesCount32(m.Present & mask(m.First, run))
	}
	return n
}

// FirstOpen is the oldest day of the run that is neither complete nor asked for; ok is false when there is none.
func (c Coverage) FirstOpen(run Days) (d Day, ok bool) {
	for first := run.From.Month().From; first < run.To; first = first.Month().To {
		if open := c.open(first, run); open != 0 {
			return first + Day(bits.TrailingZeros32(open)-1), true
		}
	}
	return 0, false
}

// LastOpen is the newest day of the run that is neither complete nor asked for; ok is false when there is none.
func (c Coverage) LastOpen(run Days) (d Day, ok bool) {
	if run.Empty() {
		return 0, false
	}
	for first := (run.To - 1).Month().From; ; first = (first - 1).Month().From {
		if open := c.open(first, run); open != 0 {
			return first + Day(bits.Len32(open)-2), true
		}
		if first <= run.From {
			return 0, false
		}
	}
}

// open has the bits of the days that the month of first and the run share and that are neither complete nor asked for.
func (c Coverage) open(first Day, run Days) uint32 {
	m, _ := c.at(first)
	return mask(first, run) &^ (m.Complete | m.Asked)
}

// mask has the bits of the days that the month of first and the run share.
func mask(first Day, run Days) uint32 {
	shared := first.Month().Intersect(run)
	if shared.Empty() {
		return 0
	}
	lo, hi := uint(shared.From-first)+1, uint(shared.To-first)+1
	return (1<<hi - 1) &^ (1<<lo - 1)
}

// Status is what the coverage ledger says of a day.
type Status string

// The statuses.
const (
	StatusComplete Status = "complete" // the day lacks nothing
	StatusPartial  Status = "partial"  // a curve day that lacks slots
	StatusAbsent   Status = "absent"   // a source was asked and has nothing
	StatusUnasked  Status = "unasked"  // nobody was asked
)

// Status of one day.
func (c Coverage) Status(d Day) Status {
	m, bit := c.at(d)
	switch {
	case m.Complete&bit != 0:
		return StatusComplete
	case m.Present&bit != 0:
		return StatusPartial
	case m.Asked&bit != 0:
		return StatusAbsent
	}
	return StatusUnasked
}

// Runs cuts the run into stretches of days of equal status, oldest first.
func (c Coverage) Runs(run Days) iter.Seq2[Days, Status] {
	return func(yield func(Days, Status) bool) {
		for from := run.From; from < run.To; {
			status, to := c.Status(from), from+1
			for to < run.To && c.Status(to) == status {
				to++
			}
			if !yield(Days{From: from, To: to}, status) {
				return
			}
			from = to
		}
	}
}
