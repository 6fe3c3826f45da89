package meter_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestEnergiesRoundHalfUp(t *testing.T) {
	tests := map[string]struct {
		joules meter.Joules
		want   meter.WattHours
	}{
		"nothing":              {joules: 0, want: 0},
		"less than half":       {joules: 1799, want: 0},
		"half":                 {joules: 1800, want: 1},
		"whole":                {joules: 3600, want: 1},
		"one and less":         {joules: 5399, want: 1},
		"one and a half":       {joules: 5400, want: 2},
		"a thousand years' kW": {joules: 1000 * 366 * 24 * 3600 * 1000, want: 1000 * 366 * 24 * 1000},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, tc.joules.WattHours()) })
	}
	rapid.Check(t, func(t *rapid.T) {
		wh := meter.WattHours(rapid.Int64Range(0, 1e12).Draw(t, "Wh"))
		require.Equal(t, wh, wh.Joules().WattHours())
	})
}

func TestQualitiesHaveTheNamesOfTheContract(t *testing.T) {
	require.Equal(t, "computed", meter.Computed.String())
	require.Equal(t, "raw", meter.Raw.String())
	require.Equal(t, "corrected", meter.Corrected.String())
	require.Less(t, meter.Computed, meter.Raw)
	require.Less(t, meter.Raw, meter.Corrected)
}

func TestCompleteDays(t *testing.T) {
	full := func(d meter.Day, step time.Duration) meter.DayValues {
		v := meter.DayValues{Day: d}
		for at := d.Start(); at.Before(d.End()); at = at.Add(step) {
			v.Readings = append(v.Readings, meter.Reading{Interval: meter.Interval{Start: at, End: at.Add(step)}, Watts: 1000})
		}
		return v
	}
	for date, hours := range map[string]int64{"2026-11-21": 24, "2026-03-29": 23, "2026-10-25": 25} {
		for _, step := range []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour} {
			v := full(day(t, date), step)
			require.True(t, v.Complete(meter.LoadCurve), "%s in %s", date, step)
			require.Equal(t, hours*3600, v.Covered())
			require.Equal(t, meter.WattHours(hours*1000), v.Energy().WattHours(), "1 kW for the hours of the day")

			v.Readings[3].Missing = true
			require.False(t, v.Complete(meter.LoadCurve))
			require.Equal(t, hours*3600-v.Readings[3].Seconds(), v.Covered())
			v.Readings = v.Readings[:3]
			require.False(t, v.Complete(meter.LoadCurve))
		}
	}
	require.False(t, meter.DayValues{Day: day(t, "2026-11-21")}.Complete(meter.LoadCurve))
	require.True(t, meter.DayValues{Day: day(t, "2026-11-21"), Value: 0}.Complete(meter.Daily), "a zero is a value")
	require.True(t, meter.DayValues{Day: day(t, "2026-11-21"), Value: 6120}.Complete(meter.MaxPower))
	require.Equal(t, meter.WattHours(12345), meter.DayValues{Value: 12345}.Energy().WattHours())
}
