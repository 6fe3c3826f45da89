package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

func testPlanner() planner {
	return planner{
		Schedule: Schedule{WindowStart: 7 * 60, WindowEnd: 9 * 60, RetryInterval: 30 * time.Minute, RetryUntil: 19 * 60},
		minute:   8 * 60,
	}
}

// testWay is a source that has all there is.
func testWay(name string) way {
	days := enedis.History{Months: 36, Days: 14}
	return way{name: name, traits: &enedis.Traits{
		Measures: map[meter.Direction][]meter.Measure{
			meter.Consumption: {meter.Daily, meter.LoadCurve, meter.MaxPower},
			meter.Production:  {meter.Daily, meter.LoadCurve},
		},
		Span: map[meter.Measure]int{meter.Daily: 365, meter.MaxPower: 365, meter.LoadCurve: 7},
		History: map[meter.Measure]enedis.History{
			meter.Daily: days, meter.MaxPower: days, meter.LoadCurve: {Months: 24, Days: 14},
		},
	}}
}

// testUnit is a meter with both directions that wants everything from the given day on.
func testUnit(prm meter.PRM, first meter.Day) *unit {
	return &unit{
		Meter: Meter{PRM: prm, Hourly: true},
		kept: store.Meter{
			PRM: prm,
			Directions: map[meter.Direction]store.DirectionState{
				meter.Consumption: {Standing: store.Exists}, meter.Production: {Standing: store.Exists},
			},
			Wanted: map[meter.Measure]store.Wanted{meter.Daily: {First: first}, meter.LoadCurve: {First: first}, meter.MaxPower: {First: first}},
			Series: map[meter.Series]store.SeriesState{},
		},
		coverage: map[meter.Series]meter.Coverage{},
		tries:    map[meter.Series][]tries{},
		consents: map[string]store.Consent{},
	}
}

// fill marks days as complete.
func (u *unit) fill(s meter.Series, days meter.Days) {
	c := u.coverage[s]
	for d := range days.All() {
		_, _, dom := d.Date()
		m := c.Edit(d)
		m.Present |= 1 << dom
		m.Complete |= 1 << dom
	}
	c.MarkAsked(days)
	u.coverage[s] = c
}

func TestBackfillCutsTheFewestWindows(t *testing.T) {
	t.Parallel()
	p, w, now := testPlanner(), testWay("s"), time.Date(2026, 11, 22, 12, 0, 0, 0, meter.Paris())
	today := meter.DayOf(now)
	tests := map[string]struct {
		measure meter.Measure
		first   meter.Day
		want    int // windows
	}{
		"three years of daily values":       {meter.Daily, today - 1096, 4},
		"a year and a day":                  {meter.Daily, today - 366, 2},
		"two years of curve":                {meter.LoadCurve, today - 728, 104},
		"a week of curve":                   {meter.LoadCurve, today - 7, 1},
		"beyond the reach of the source":    {meter.LoadCurve, today - 5000, 107},
		"a day":                             {meter.Daily, today - 1, 1},
		"nothing, wanted from today":        {meter.Daily, today, 0},
		"nothing, wanted from the day next": {meter.Daily, today + 1, 0},
	}
	for name, test := range tests {
		u := testUnit("09876543210987", test.first)
		s := u.id(meter.Consumption, test.measure)
		n, last := 0, today
		for days := p.window(u, s, w, now); !days.Empty(); days = p.window(u, s, w, now) {
			require.Equal(t, last, days.To, "%s: windows follow each other backwards", name)
			require.LessOrEqual(t, days.Len(), w.traits.Span[test.measure], name)
			u.fill(s, days)
			n, last = n+1, days.From
		}
		require.Equal(t, test.want, n, name)
	}
}

func TestBackfillLeavesFreshHolesToTheRide(t *testing.T) {
	t.Parallel()
	p, w, now := testPlanner(), testWay("s"), time.Date(2026, 11, 22, 12, 0, 0, 0, meter.Paris())
	today := meter.DayOf(now)
	u := testUnit("09876543210987", today-30)
	s := u.id(meter.Consumption, meter.Daily)
	u.fill(s, meter.Days{From: today - 30, To: today - 9})
	require.Equal(t, meter.Days{From: today - 9, To: today - 7}, p.window(u, s, w, now))
	u.fill(s, meter.Days{From: today - 9, To: today - 7})
	require.True(t, p.window(u, s, w, now).Empty())
	require.Equal(t, meter.Days{From: today - 7, To: today}, p.latest(u, s, w, now))
	u.fill(u.id(meter.Consumption, meter.MaxPower), meter.Days{From: today - 3, To: today - 2})
	require.Equal(t, today-2, p.window(u, s, w, now).To, "another series shows that the day is out")
}

func TestDue(t *testing.T) {
	t.Parallel()
	p := testPlanner()
	on := func(hour, minute int) time.Time { return time.Date(2026, 11, 22, hour, minute, 0, 0, meter.Paris()) }
	today := meter.DayOf(on(0, 0))
	yesterday := meter.Days{From: today - 7, To: today}
	tests := map[string]struct {
		started, now, rest time.Time
		attempt            *store.Attempt
		complete, new      bool
		want               time.Time
	}{
		"at the installation's minute":            {started: on(0, 0), now: on(0, 1), want: on(8, 0)},
		"a start before the window waits for it":  {started: on(6, 0), now: on(6, 0), want: on(8, 0)},
		"a start in the window asks at once":      {started: on(7, 10), now: on(7, 10), want: on(7, 10)},
		"a start after the window asks at once":   {started: on(10, 0), now: on(10, 0), want: on(8, 0)},
		"complete until the next day":             {started: on(0, 0), now: on(9, 0), complete: true, want: on(32, 0)},
		"answered without data":                   {started: on(0, 0), now: on(9, 0), attempt: &store.Attempt{At: on(8, 55), Outcome: store.NoData, NotBefore: on(9, 25)}, want: on(9, 25)},
		"not after the last retry":                {started: on(0, 0), now: on(18, 50), attempt: &store.Attempt{At: on(18, 45), Outcome: store.NoData, NotBefore: on(19, 15)}, want: on(32, 0)},
		"a meter that never delivered goes on":    {started: on(0, 0), now: on(18, 50), new: true, attempt: &store.Attempt{At: on(18, 45), Outcome: store.NoData, NotBefore: on(19, 15)}, want: on(19, 15)},
		"never ended once, repeated at once":      {started: on(9, 0), now: on(9, 0), attempt: &store.Attempt{At: on(8, 55), Lost: 1}, want: time.Time{}},
		"never ended twice, counts as answered":   {started: on(9, 0), now: on(9, 0), attempt: &store.Attempt{At: on(8, 55), Lost: 2}, want: on(9, 25)},
		"a source at rest":                        {started: on(0, 0), now: on(9, 0), rest: on(9, 4), attempt: &store.Attempt{At: on(9, 0), Outcome: store.SourceDown}, want: on(9, 4)},
		"a refused consent waits for another day": {started: on(0, 0), now: on(9, 0), attempt: &store.Attempt{At: on(8, 0), EndedAt: on(8, 0), Outcome: store.NoConsent, NotBefore: on(31, 0)}, want: on(32, 0)},
	}
	for name, test := range tests {
		p.started = test.started
		ways := []way{testWay("s")}
		ways[0].from = test.rest
		u := testUnit("09876543210987", today-30)
		for _, s := range u.all(ways) {
			switch {
			case test.complete:
				u.fill(s, meter.Days{From: today - 30, To: today})
			case !test.new:
				u.fill(s, meter.Days{From: today - 30, To: today - 1})
			}
		}
		if a := test.attempt; a != nil {
			a.Days = yesterday
			a.Series, a.Source = u.id(meter.Consumption, meter.Daily), "s"
			u.note(*a)
		}
		require.WithinDuration(t, test.want, p.due(u, ways, test.now), 0, name)
	}
}

// BenchmarkPlanRound plans a round for 1000 meters of five series each that all lack yesterday.
func BenchmarkPlanRound(b *testing.B) {
	p, now := testPlanner(), time.Date(2026, 11, 22, 12, 0, 0, 0, meter.Paris())
	ways, today := []way{testWay("s")}, meter.DayOf(now)
	units := make([]*unit, 1000)
	for i := range units {
		u := testUnit(meter.PRM(fmt.Sprintf("%014d", i)), today-325)
		for _, s := range u.all(ways) {
			u.fill(s, meter.Days{From: today - 325, To: today - 1})
		}
		u.fill(u.id(meter.Consumption, meter.Daily), meter.Days{From: today - 1, To: today})
		units[i] = u
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, u := range units {
			if p.due(u, ways, now).After(now) {
				b.Fatal("not due")
			}
			asked := asked{}
			for {
				r, ok := p.round(u, ways, now, asked.skip)
				if !ok {
					break
				}
				asked.note(r, fetched{Attempt: store.Attempt{Outcome: store.Answered}})
				n++
			}
		}
		if n != 4000 {
			b.Fatal(n)
		}
	}
}
