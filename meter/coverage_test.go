package meter

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCoverageKnowsNothing(t *testing.T) {
	var c Coverage
	_, ok := c.Newest()
	require.False(t, ok)
	_, ok = c.Oldest()
	require.False(t, ok)
	day := NewDay(2026, time.November, 21)
	require.Equal(t, StatusUnasked, c.Status(day))
	require.Equal(t, MonthCoverage{First: NewDay(2026, time.November, 1)}, c.Month(day))
	for range c.Runs(Days{}) {
		t.Fatal("an empty run has no stretch")
	}
}

// known is a plain model of what a coverage knows of a day.
type known struct {
	present, complete, asked bool
	value                    int64
}

func (k known) status() Status {
	switch {
	case k.complete:
		return StatusComplete
	case k.present:
		return StatusPartial
	case k.asked:
		return StatusAbsent
	}
	return StatusUnasked
}

// space is all the days of the test: two leap-year Februaries with what is between them.
func space() Days {
	return Days{From: NewDay(2024, time.January, 30), To: NewDay(2028, time.March, 3)}
}

func drawDay(t *rapid.T, label string) Day {
	s := space()
	edges := []Day{s.From, NewDay(2024, time.February, 29), NewDay(2026, time.October, 31), NewDay(2026, time.December, 1)}
	return rapid.OneOf(
		rapid.SampledFrom(edges),
		rapid.Custom(func(t *rapid.T) Day { return Day(rapid.IntRange(int(s.From), int(s.To)-1).Draw(t, "n")) }),
	).Draw(t, label)
}

func drawRun(t *rapid.T, label string) Days {
	from := drawDay(t, label+" from")
	return Days{From: from, To: from + Day(rapid.IntRange(-2, 70).Draw(t, label+" length"))}
}

// drawCoverage makes a coverage and its model from the same random days.
func drawCoverage(t *rapid.T) (Coverage, map[Day]known) {
	var c Coverage
	model := make(map[Day]known)
	for range rapid.IntRange(0, 12).Draw(t, "days") {
		d := drawDay(t, "day")
		k := known{present: true, complete: rapid.Bool().Draw(t, "complete"), asked: model[d].asked}
		k.value = rapid.Int64Range(0, 9).Draw(t, "value")
		_, _, dom := d.Date()
		m := c.Edit(d)
		m.Present |= 1 << dom
		m.Complete &^= 1 << dom
		if k.complete {
			m.Complete |= 1 << dom
		}
		m.Sum += k.value - model[d].value
		model[d] = k
	}
	for range rapid.IntRange(0, 3).Draw(t, "questions") {
		run := drawRun(t, "asked")
		c.MarkAsked(run)
		for d := range run.All() {
			k := model[d]
			k.asked = true
			model[d] = k
		}
	}
	return c, model
}

func TestCoverageAgreesWithItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, model := drawCoverage(t)

		require.True(t, slices.IsSortedFunc(c, func(a, b MonthCoverage) int { return int(a.First - b.First) }))
		var present []Day
		for d := range space().All() {
			k := model[d]
			require.Equal(t, k.present, c.Present(d), d)
			require.Equal(t, k.complete, c.Complete(d), d)
			require.Equal(t, k.asked, c.Asked(d), d)
			require.Equal(t, k.status(), c.Status(d), d)
			if k.present {
				present = append(present, d)
			}
		}
		newest, ok := c.Newest()
		require.Equal(t, len(present) > 0, ok)
		oldest, ok := c.Oldest()
		require.Equal(t, len(present) > 0, ok)
		if ok {
			require.Equal(t, slices.Max(present), newest)
			require.Equal(t, slices.Min(present), oldest)
		}
	})
}

func TestCoverageCountsRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, model := drawCoverage(t)
		run := drawRun(t, "run")
		complete, present := 0, 0
		for d := range run.All() {
			if model[d].present {
				present++
			}
			if model[d].complete {
				complete++
			}
		}
		require.Equal(t, complete, c.CountComplete(run))
		require.Equal(t, present, c.CountPresent(run))
	})
}

func TestCoverageRunsTileTheirDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, model := drawCoverage(t)
		run := drawRun(t, "run")
		next, before := run.From, Status("")
		for days, status := range c.Runs(run) {
			require.Equal(t, next, days.From)
			require.False(t, days.Empty())
			require.NotEqual(t, before, status, "a stretch is as long as it can be")
			for d := range days.All() {
				require.Equal(t, model[d].status(), status, d)
			}
			next, before = days.To, status
		}
		require.Equal(t, max(run.From, run.To), next)
	})
}

func TestCoverageMonths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, model := drawCoverage(t)
		d := drawDay(t, "any day")
		m := c.Month(d)
		require.Equal(t, d.Month().From, m.First)
		var sum int64
		for of := range d.Month().All() {
			sum += model[of].value
		}
		require.Equal(t, sum, m.Sum)
	})
}
