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

func TestACompleteCurveSumsUpToADailyValue(t *testing.T) {
	curve := func(date string, step time.Duration, watts ...int64) meter.DayValues {
		v := meter.DayValues{Day: day(t, date), Source: "myelectricaldata", Quality: meter.Raw}
		for i, at := 0, v.Day.Start(); at.Before(v.Day.End()); i, at = i+1, at.Add(step) {
			v.Readings = append(v.Readings, meter.Reading{
				Interval: meter.Interval{Start: at, End: at.Add(step)}, Watts: watts[min(i, len(watts)-1)],
				Quality: meter.Raw, Source: "myelectricaldata",
			})
		}
		return v
	}
	tests := map[string]struct {
		curve meter.DayValues
		want  int64
	}{
		"48 half hours":                 {curve("2026-11-21", 30*time.Minute, 1000), 24000},
		"46 half hours":                 {curve("2026-03-29", 30*time.Minute, 1000), 23000},
		"50 half hours":                 {curve("2026-10-25", 30*time.Minute, 1000), 25000},
		"144 slots of ten minutes":      {curve("2026-11-21", 10*time.Minute, 100), 2400},
		"half a watt-hour goes up":      {curve("2026-11-21", 30*time.Minute, 1, 0), 1},
		"less than half goes down":      {curve("2026-11-21", 10*time.Minute, 2, 0), 0},
		"rounded once, not at the slot": {curve("2026-11-21", 30*time.Minute, 1), 24},
		"a production of nothing":       {curve("2026-11-21", 30*time.Minute, 0), 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := tt.curve.Summed()
			require.True(t, ok)
			require.Equal(t, meter.DayValues{
				Day: tt.curve.Day, Source: "myelectricaldata", Quality: meter.Computed, Value: tt.want,
			}, got)

			tt.curve.Readings[1] = slotMissing(tt.curve.Readings[1].Start, tt.curve.Readings[1].End)
			_, ok = tt.curve.Summed()
			require.False(t, ok, "a slot is missing")
		})
	}
	_, ok := meter.DayValues{Day: day(t, "2026-11-21")}.Summed()
	require.False(t, ok, "a day without readings")
}
