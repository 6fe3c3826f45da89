package enedistest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const minute = time.Minute

// anyMeter draws a meter of both directions with any step.
func anyMeter(t *rapid.T) enedistest.Meter {
	m := enedistest.Meter{
		PRM:  meter.PRM(rapid.StringMatching(`[0-9]{14}`).Draw(t, "prm")),
		Kind: enedistest.SelfConsumer,
		Step: minute * time.Duration(rapid.SampledFrom([]int{0, 5, 10, 15, 30, 60}).Draw(t, "minutes")),
	}
	if rapid.Bool().Draw(t, "changing") {
		m.StepChange = &enedistest.StepChange{At: meter.NewDay(2026, 9, 13).Start().Add(10 * time.Hour), Step: 10 * minute}
	}
	return m
}

// anyDay draws a day, one in three of them with a clock change or a change of step.
func anyDay(t *rapid.T) meter.Day {
	special := []meter.Day{
		meter.NewDay(2026, 3, 29), meter.NewDay(2025, 10, 26), meter.NewDay(2026, 10, 25), meter.NewDay(2024, 2, 29),
		meter.NewDay(2026, 9, 13),
	}
	if rapid.IntRange(0, 2).Draw(t, "special") == 0 {
		return rapid.SampledFrom(special).Draw(t, "day")
	}
	return meter.NewDay(2020, 1, 1) + meter.Day(rapid.IntRange(0, 3000).Draw(t, "offset"))
}

func TestDataInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, d := anyMeter(t), anyDay(t)
		for _, direction := range meter.Directions() {
			curve, ok := m.Day(direction, meter.LoadCurve, d)
			require.True(t, ok)
			require.True(t, curve.Complete(meter.LoadCurve))
			next := d.Start()
			for _, r := range curve.Readings {
				require.Equal(t, next, r.Start, "without gap")
				require.Zero(t, r.Watts%2)
				require.GreaterOrEqual(t, r.Watts, int64(0))
				require.Zero(t, r.Energy()%3600, "whole Wh in each slot")
				next = r.End
			}
			require.Equal(t, d.End(), next)

			daily, ok := m.Day(direction, meter.Daily, d)
			require.True(t, ok)
			require.Equal(t, curve.Energy(), meter.WattHours(daily.Value).Joules())

			again, _ := m.Day(direction, meter.LoadCurve, d)
			require.Equal(t, curve, again)
		}
	})
}

func TestPeakIsInTheHighestSlot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, d := anyMeter(t), anyDay(t)
		curve, _ := m.Day(meter.Consumption, meter.LoadCurve, d)
		peak, ok := m.Day(meter.Consumption, meter.MaxPower, d)
		require.True(t, ok)
		require.Zero(t, peak.At.Nanosecond())
		highest := int64(0)
		for _, r := range curve.Readings {
			highest = max(highest, r.Watts)
		}
		for _, r := range curve.Readings {
			if !peak.At.Before(r.Start) && peak.At.Before(r.End) {
				require.Equal(t, highest, r.Watts)
			}
		}
		require.GreaterOrEqual(t, peak.Value, highest)
		require.Less(t, peak.Value, int64(9000), "below the subscribed power")

		wall, err := time.Parse(time.DateTime, peak.At.Format(time.DateTime))
		require.NoError(t, err)
		resolved, ok := meter.EarliestInstant(wall)
		require.True(t, ok)
		require.Equal(t, peak.At, resolved, "its stamp means one instant")
	})
}

func TestSlotsOfADay(t *testing.T) {
	cases := map[string]struct {
		day   meter.Day
		step  time.Duration
		slots int
	}{
		"an ordinary day in half hours":     {meter.NewDay(2026, 11, 20), 0, 48},
		"an ordinary day in ten minutes":    {meter.NewDay(2026, 11, 20), 10 * minute, 144},
		"an ordinary day in hours":          {meter.NewDay(2026, 11, 20), 60 * minute, 24},
		"the short day in half hours":       {meter.NewDay(2026, 3, 29), 0, 46},
		"the short day in hours":            {meter.NewDay(2026, 3, 29), 60 * minute, 23},
		"the long day in half hours":        {meter.NewDay(2026, 10, 25), 0, 50},
		"the long day in hours":             {meter.NewDay(2026, 10, 25), 60 * minute, 25},
		"the long day in quarters of hours": {meter.NewDay(2026, 10, 25), 15 * minute, 100},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			v, ok := enedistest.Meter{PRM: consumer, Step: tc.step}.Day(meter.Consumption, meter.LoadCurve, tc.day)
			require.True(t, ok)
			require.Len(t, v.Readings, tc.slots)
		})
	}
}

func TestStepChangesWithinADay(t *testing.T) {
	d := meter.NewDay(2026, 9, 13)
	m := enedistest.Meter{
		PRM: consumer, StepChange: &enedistest.StepChange{At: d.Start().Add(10 * time.Hour), Step: 10 * minute},
	}
	v, _ := m.Day(meter.Consumption, meter.LoadCurve, d)
	require.Len(t, v.Readings, 20+84)
	require.Equal(t, int64(1800), v.Readings[19].Seconds())
	require.Equal(t, int64(600), v.Readings[20].Seconds())
}

func TestHouseholdsLookLikeHouseholds(t *testing.T) {
	m := enedistest.Meter{PRM: selfConsumer, Kind: enedistest.SelfConsumer}
	sum := func(d meter.Direction, month time.Month) (wh int64) {
		for day := range meter.NewDay(2026, month, 1).Month().All() {
			v, ok := m.Day(d, meter.Daily, day)
			require.True(t, ok)
			wh += v.Value
		}
		return wh
	}
	require.Greater(t, sum(meter.Consumption, time.January), sum(meter.Consumption, time.July)*3/2)
	require.Greater(t, sum(meter.Production, time.July), sum(meter.Production, time.January)*3)
	for day := range meter.NewDay(2026, 6, 1).Year().All() {
		v, _ := m.Day(meter.Production, meter.LoadCurve, day)
		lit := 0
		for _, r := range v.Readings {
			if h := r.Start.Hour(); h >= 22 || h < 5 {
				require.Zero(t, r.Watts, "at night")
			}
			if r.Watts > 0 {
				lit++
			}
		}
		require.Positive(t, lit, day)
		used, _ := m.Day(meter.Consumption, meter.LoadCurve, day)
		for _, r := range used.Readings {
			require.Positive(t, r.Watts)
		}
	}
}

func TestMetersDiffer(t *testing.T) {
	seen := map[int64]meter.PRM{}
	for _, m := range enedistest.Household(50) {
		_, err := meter.ParsePRM(string(m.PRM))
		require.NoError(t, err)
		v, ok := m.Day(m.Directions()[0], meter.Daily, meter.NewDay(2026, 11, 20))
		require.True(t, ok)
		require.NotContains(t, seen, v.Value)
		seen[v.Value] = m.PRM
	}
	require.Len(t, enedistest.Household(2), 2)
	require.Empty(t, enedistest.Household(0))
	require.Equal(t, enedistest.Household(20), enedistest.Household(30)[:20], "a household grows at its end")
}

// The data of a version must be those of every other: users compare what they see with what they saw.
func TestDataStayTheSame(t *testing.T) {
	d := meter.NewDay(2026, 11, 20)
	m := enedistest.Household(2)
	got := map[string]int64{}
	for _, m := range m {
		for _, direction := range m.Directions() {
			v, _ := m.Day(direction, meter.Daily, d)
			got[m.PRM.Tail()+" "+string(direction)] = v.Value
		}
	}
	require.Equal(t, map[string]int64{
		"0987 consumption": 20738, "0033 consumption": 14692, "0033 production": 5144,
	}, got)
}

func TestRegistersAddUp(t *testing.T) {
	d := meter.NewDay(2026, 11, 20)
	m := enedistest.Meter{PRM: consumer}
	before, _ := m.Day(meter.Consumption, meter.Register, d)
	after, _ := m.Day(meter.Consumption, meter.Register, d+1)
	used, _ := m.Day(meter.Consumption, meter.Daily, d)
	require.Equal(t, used.Value, after.Value-before.Value)

	old, _ := m.Day(meter.Consumption, meter.Register, meter.NewDay(2025, 12, 31))
	origin, _ := m.Day(meter.Consumption, meter.Register, meter.NewDay(2026, 1, 1))
	used, _ = m.Day(meter.Consumption, meter.Daily, meter.NewDay(2025, 12, 31))
	require.Equal(t, used.Value, origin.Value-old.Value, "on both sides of the day that is known")
}
