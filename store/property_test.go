package store

import (
	"cmp"
	"flag"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// standing is where a value comes from.
type standing struct {
	source  string
	quality meter.Quality
}

// standings are all there are here, lowest first. The truth has one value of each, and of two the higher one stands, so that the
// end is determined whatever comes when.
func standings() []standing {
	return []standing{{"bb", meter.Raw}, {"a", meter.Raw}, {"a", meter.Corrected}}
}

// batch is an answer cut from the truth.
type batch struct {
	Measure  meter.Measure
	Standing int
	Days     meter.Days
	Without  uint8      // days of the run that it lacks, by bit
	Lacks    meter.Days // slots that its curves lack, as a run
	Way      string
}

// The ways of a batch into the store.
const (
	byEnd      = "end"
	byMerge    = "merge"
	diedBefore = "died before its answer came"
)

// slotsOf are the intervals of a curve day: half hours, and hours on one day in three.
func slotsOf(d meter.Day) (slots []meter.Interval) {
	step := 30 * time.Minute
	if d%3 == 0 {
		step = time.Hour
	}
	for at := d.Start(); at.Before(d.End()); at = at.Add(step) {
		slots = append(slots, meter.Interval{Start: at, End: at.Add(step)})
	}
	return slots
}

// readingOf is the truth of a slot. The higher the standing, the less: no two sums of a day are equal that should not be.
func readingOf(d meter.Day, slot int, at meter.Interval, rank int) meter.Reading {
	s := standings()[rank]
	return meter.Reading{
		Interval: at, Watts: int64((int(d)*31+slot*17)%50)*12 + int64(2-rank)*4,
		Quality: s.quality, Source: s.source,
	}
}

// valueOf is the truth of a day that is one number.
func valueOf(m meter.Measure, d meter.Day, rank int) meter.DayValues {
	v := meter.DayValues{Day: d}
	for i, at := range slotsOf(d) {
		v.Readings = append(v.Readings, readingOf(d, i, at, rank))
	}
	s := standings()[rank]
	is := meter.DayValues{Day: d, Source: s.source, Quality: s.quality, Value: int64(v.Energy().WattHours())}
	if m == meter.MaxPower {
		is.At = d.Start().Add(time.Duration(rank+1) * time.Hour)
	}
	return is
}

// answer is what a batch brings.
func (b batch) answer() (days []meter.DayValues) {
	for d := range b.Days.All() {
		if b.Without&(1<<(d-b.Days.From)) != 0 {
			continue
		}
		if b.Measure != meter.LoadCurve {
			days = append(days, valueOf(b.Measure, d, b.Standing))
			continue
		}
		var readings []meter.Reading
		for i, at := range slotsOf(d) {
			if !b.Lacks.Contains(meter.Day(i)) {
				readings = append(readings, readingOf(d, i, at, b.Standing))
			}
		}
		curves, _ := meter.Curve(b.Days, readings)
		days = append(days, curves...)
	}
	return days
}

// drawBatches draws what comes in, in its order: batches that overlap, and that come again.
func drawBatches(t *rapid.T, first meter.Day, lags bool) []batch {
	one := rapid.Custom(func(t *rapid.T) batch {
		b := batch{
			Measure:  rapid.SampledFrom([]meter.Measure{meter.LoadCurve, meter.LoadCurve, meter.Daily, meter.MaxPower}).Draw(t, "measure"),
			Standing: rapid.IntRange(0, 2).Draw(t, "standing"),
			Without:  uint8(rapid.SampledFrom([]int{0, 0, 1, 2, 5}).Draw(t, "without")),
			Way:      rapid.SampledFrom([]string{byEnd, byEnd, byMerge, diedBefore}).Draw(t, "way"),
		}
		b.Days.From = first + meter.Day(rapid.IntRange(0, 4).Draw(t, "from"))
		b.Days.To = b.Days.From + meter.Day(rapid.IntRange(1, 4).Draw(t, "days"))
		if b.Measure == meter.LoadCurve {
			b.Lacks.From = meter.Day(rapid.IntRange(0, 50).Draw(t, "lacks from"))
			b.Lacks.To = b.Lacks.From + meter.Day(rapid.SampledFrom([]int{0, 0, 1, 4, 40}).Draw(t, "lacks"))
		}
		if lags && b.Measure == meter.LoadCurve && b.Way == byMerge {
			b.Way = byEnd // of an import nobody knows whether its source lags
		}
		return b
	})
	batches := rapid.SliceOfN(one, 1, 12).Draw(t, "batches")
	again := rapid.SliceOfN(rapid.IntRange(0, len(batches)-1), 0, 4).Draw(t, "again")
	for _, i := range again {
		batches = append(batches, batches[i])
	}
	return rapid.Permutation(batches).Draw(t, "order")
}

// model says what a store must hold.
type model struct {
	lags  bool
	best  map[meter.Series]map[meter.Day][]int // the highest standing of each slot that has come; -1 for none
	asked map[meter.Series]map[meter.Day]int   // how often a day was asked for while it was not complete
	all   map[meter.Series]meter.Coverage      // of which the days asked for alone are set
	lost  map[Attempt]int                      // of attempts by what makes them the same
}

func newModel(lags bool) *model {
	return &model{
		lags: lags, best: make(map[meter.Series]map[meter.Day][]int), asked: make(map[meter.Series]map[meter.Day]int),
		all: make(map[meter.Series]meter.Coverage), lost: make(map[Attempt]int),
	}
}

func seriesOf(m meter.Measure) meter.Series {
	return meter.Series{PRM: curve.PRM, Direction: curve.Direction, Measure: m}
}

// take notes what a batch brings.
func (m *model) take(b batch) {
	s := seriesOf(b.Measure)
	if m.best[s] == nil {
		m.best[s] = make(map[meter.Day][]int)
	}
	for _, v := range b.answer() {
		best := m.best[s][v.Day]
		if best == nil {
			best = slices.Repeat([]int{-1}, max(1, len(v.Readings)))
			m.best[s][v.Day] = best
		}
		for i := range best {
			if len(v.Readings) == 0 || !v.Readings[i].Missing {
				best[i] = max(best[i], b.Standing)
			}
		}
	}
}

// day is what a day must hold; false for nothing.
func (m *model) day(s meter.Series, d meter.Day) (v meter.DayValues, ok bool) {
	best, ok := m.best[s][d]
	switch {
	case !ok && s.Measure == meter.Daily && m.lags:
		curve, ok := m.day(seriesOf(meter.LoadCurve), d)
		if !ok {
			return v, false
		}
		return curve.Summed()
	case !ok:
		return v, false
	case s.Measure != meter.LoadCurve:
		return utc(valueOf(s.Measure, d, best[0])), true
	}
	var readings []meter.Reading
	for i, at := range slotsOf(d) {
		if best[i] >= 0 {
			readings = append(readings, readingOf(d, i, at, best[i]))
		}
	}
	days, _ := meter.Curve(meter.Days{From: d, To: d + 1}, readings)
	return utc(days[0]), true
}

// days are all that must be there of a run.
func (m *model) days(run meter.Days) map[meter.Series]map[meter.Day]meter.DayValues {
	all := make(map[meter.Series]map[meter.Day]meter.DayValues)
	for _, measure := range []meter.Measure{meter.LoadCurve, meter.Daily, meter.MaxPower} {
		s := seriesOf(measure)
		for d := range run.All() {
			v, ok := m.day(s, d)
			if !ok {
				continue
			}
			if all[s] == nil {
				all[s] = make(map[meter.Day]meter.DayValues)
			}
			all[s][d] = v
		}
	}
	return all
}

// answered notes that a source has answered for days.
func (m *model) answered(b batch) {
	s := seriesOf(b.Measure)
	c := m.all[s]
	c.MarkAsked(b.Days)
	m.all[s] = c
	if m.asked[s] == nil {
		m.asked[s] = make(map[meter.Day]int)
	}
	for d := range b.Days.All() {
		if v, ok := m.day(s, d); !ok || !v.Complete(b.Measure) {
			m.asked[s][d]++
		}
	}
}

// coverage is what must be known of the series.
func (m *model) coverage(run meter.Days) map[meter.Series]meter.Coverage {
	all := make(map[meter.Series]meter.Coverage)
	for s, c := range m.all {
		all[s] = slices.Clone(c)
	}
	for s, days := range m.days(run) {
		c := all[s]
		for d, v := range days {
			_, _, dom := d.Date()
			month := c.Edit(d)
			month.Present |= 1 << dom
			if v.Complete(s.Measure) {
				month.Complete |= 1 << dom
			}
			month.Sum += v.Value
		}
		all[s] = c
	}
	return all
}

// holes are those that must be remembered, with how often each was asked for.
func (m *model) holes(run meter.Days) map[meter.Series]map[meter.Day]int {
	all := make(map[meter.Series]map[meter.Day]int)
	for s, asked := range m.asked {
		for d := range run.All() {
			if v, ok := m.day(s, d); asked[d] == 0 || ok && v.Complete(s.Measure) {
				continue
			}
			if all[s] == nil {
				all[s] = make(map[meter.Day]int)
			}
			all[s][d] = asked[d]
		}
	}
	return all
}

// modelled is a store beside its model.
type modelled struct {
	*model
	dir      string
	store    *Store
	run      meter.Days // all days that there are
	revision int64      // the last one that was given
}

// apply gives a batch to the store, and checks what that changed.
func (k *modelled) apply(t *rapid.T, b batch) {
	before := k.days(k.run)
	if b.Way == diedBefore {
		k.begin(t, b)
		k.reopen(t)
		return
	}
	k.take(b)
	var merged Merged
	var err error
	if b.Way == byMerge {
		merged, err = k.store.Merge(t.Context(), seriesOf(b.Measure), b.answer(), byLength)
	} else {
		merged = k.end(t, b)
	}
	require.NoError(t, err)
	require.Empty(t, merged.Refused)
	after := k.days(k.run)
	for _, d := range merged.Changed {
		k.revision++
		require.Equal(t, k.revision, d.Revision, "revisions grow, and none is given twice")
		require.NotEqual(t, before[d.Series][d.Day], after[d.Series][d.Day], "a revision without a change: %s", d.Day)
		require.Equal(t, after[d.Series][d.Day], utc(d.DayValues))
		if before[d.Series] == nil {
			before[d.Series] = make(map[meter.Day]meter.DayValues)
		}
		before[d.Series][d.Day] = after[d.Series][d.Day]
	}
	require.Equal(t, after, before, "a change without a revision")
}

func (k *modelled) begin(t *rapid.T, b batch) Attempt {
	key := Attempt{Source: standings()[b.Standing].source, Series: seriesOf(b.Measure), Days: b.Days}
	k.lost[key]++
	a, err := k.store.Begin(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, k.lost[key], a.Lost, "how many in a row had no end")
	return a
}

// end makes an attempt of a batch.
func (k *modelled) end(t *rapid.T, b batch) Merged {
	a := k.begin(t, b)
	delete(k.lost, Attempt{Source: a.Source, Series: a.Series, Days: a.Days})
	answer := Answer{
		Days: b.answer(), Rank: byLength, DailyLags: k.lags,
		Missed: func(was Hole) (Hole, bool) {
			was.Asked++
			was.First, was.Last = noon, noon
			return was, true
		},
	}
	a.Outcome = Answered
	if len(answer.Days) == 0 {
		a.Outcome = NoData
	}
	merged, err := k.store.End(t.Context(), a, answer)
	require.NoError(t, err)
	k.answered(b)
	return merged
}

func (k *modelled) reopen(t *rapid.T) {
	if k.store != nil {
		require.NoError(t, k.store.Close())
	}
	var err error
	k.store, err = Open(t.Context(), k.dir, options())
	require.NoError(t, err)
}

// check wants the store to hold what its model says.
func (k *modelled) check(t *rapid.T) {
	ctx := t.Context()
	days, last := make(map[meter.Series]map[meter.Day]meter.DayValues), make(map[meter.Series]map[meter.Day]int64)
	for _, measure := range []meter.Measure{meter.LoadCurve, meter.Daily, meter.MaxPower} {
		s := seriesOf(measure)
		for d, err := range k.store.Export(ctx, s, k.run) {
			require.NoError(t, err)
			if days[s] == nil {
				days[s], last[s] = make(map[meter.Day]meter.DayValues), make(map[meter.Day]int64)
			}
			days[s][d.Day], last[s][d.Day] = d.DayValues, d.Revision
			require.LessOrEqual(t, d.Revision, k.revision)
		}
	}
	require.Equal(t, k.days(k.run), days)
	coverage, err := k.store.Coverage(ctx)
	require.NoError(t, err)
	require.Equal(t, k.coverage(k.run), coverage)
	k.checkEvents(t, days[seriesOf(meter.LoadCurve)], last[seriesOf(meter.LoadCurve)])
	k.checkHoles(t)
	k.checkDifferences(t, days)
}

// checkEvents wants the event stream to end in what is stored, each event on top of the one before of its day.
func (k *modelled) checkEvents(t *rapid.T, days map[meter.Day]meter.DayValues, last map[meter.Day]int64) {
	events, err := k.store.Events(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(events, func(a, b Event) int { return cmp.Compare(a.Revision, b.Revision) }))
	told := make(map[meter.Day]meter.DayValues)
	revisions := make(map[meter.Day]int64)
	for _, e := range events {
		if former, ok := told[e.Day]; ok {
			require.Equal(t, &former, e.Former)
			require.NotEqual(t, former, e.DayValues)
		} else {
			require.Nil(t, e.Former)
		}
		require.NotContains(t, slices.Collect(maps.Values(revisions)), e.Revision)
		told[e.Day], revisions[e.Day] = e.DayValues, e.Revision
	}
	if len(events) == 0 {
		require.Empty(t, days)
		return
	}
	require.Equal(t, days, told)
	require.Equal(t, last, revisions)
}

func (k *modelled) checkHoles(t *rapid.T) {
	holes, err := k.store.Holes(t.Context(), "")
	require.NoError(t, err)
	found := make(map[meter.Series]map[meter.Day]int)
	for s, list := range holes {
		found[s] = make(map[meter.Day]int)
		for _, h := range list {
			found[s][h.Day] = h.Asked
		}
	}
	require.Equal(t, k.holes(k.run), found)
}

func (k *modelled) checkDifferences(t *rapid.T, days map[meter.Series]map[meter.Day]meter.DayValues) {
	var want []Difference
	for d := range k.run.All() {
		own, sum := days[seriesOf(meter.Daily)][d], days[seriesOf(meter.LoadCurve)][d]
		if own.Day == d && sum.Day == d && meter.Apart(own, sum) {
			want = append(want, Difference{
				PRM: daily.PRM, Direction: daily.Direction, Day: d,
				Daily: meter.WattHours(own.Value), Curve: sum.Energy().WattHours(),
			})
		}
	}
	got, err := k.store.Differences(t.Context(), daily.PRM)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// checks has rapid make fewer checks than it would, unless somebody asks for a number of their own.
func checks(t *testing.T, n int) {
	t.Helper()
	const flagName, usual = "rapid.checks", "100"
	if flag.Lookup(flagName).Value.String() != usual {
		return
	}
	require.NoError(t, flag.Set(flagName, strconv.Itoa(n)))
	t.Cleanup(func() { require.NoError(t, flag.Set(flagName, usual)) })
}

func TestAnyOrderEndsInTheSameStore(t *testing.T) {
	checks(t, orders)
	rapid.Check(t, func(rt *rapid.T) {
		first := rapid.SampledFrom([]meter.Day{
			meter.NewDay(2026, time.March, 27), meter.NewDay(2026, time.October, 23), meter.NewDay(2026, time.December, 29),
		}).Draw(rt, "first day")
		k := &modelled{
			model: newModel(rapid.Bool().Draw(rt, "daily values lag")), dir: t.TempDir(),
			run: meter.Days{From: first, To: first + 8},
		}
		batches := drawBatches(rt, first, k.lags)
		k.reopen(rt)
		defer func() { require.NoError(t, k.store.Close()) }()
		for _, b := range batches {
			k.apply(rt, b)
		}
		k.check(rt)
		k.reopen(rt)
		k.check(rt)
	})
}
