package dataconnect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestDurations(t *testing.T) {
	for text, last := range map[string]string{ // of a consent of 22 November 2026
		"P3Y":        "2029-11-21",
		"P36M":       "2029-11-21",
		"P1095D":     "2029-11-20", // 2028 has a day more
		"P156W":      "2029-11-17",
		"P1Y4M":      "2028-03-21",
		"P2Y365D":    "2029-11-21",
		"P6M":        "2027-05-21",
		"P1M2W3D":    "2027-01-07",
		"P1D":        "2026-11-22",
		"P0Y1D":      "2026-11-22",
		"P0001Y0M0D": "2027-11-21",
	} {
		t.Run(text, func(t *testing.T) {
			d, err := dataconnect.ParseDuration(text)
			require.NoError(t, err)
			require.Equal(t, last, d.LastDay(day("2026-11-22")).String())
			require.Equal(t, text, d.String())
		})
	}
}

func TestDurationsThatEnedisRefuses(t *testing.T) {
	for _, text := range []string{
		"", "P", "3Y", "p3y", "P3", "P3Y ", "P0D", "P0Y0M", "P-1Y", "-P1Y", "P1.5Y", "P1,5Y", "P1D1Y", "P1Y1Y",
		"PT1H", "P1YT1H", "P1YT", "P1H", "P4Y", "P37M", "P1096D", "P157W", "P3Y1D", "P2Y12M1D", "P2Y366D", "P35M31D",
		"P99999Y", "P9999Y9999M", "P1Y\n", "une année",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := dataconnect.ParseDuration(text)
			require.ErrorContains(t, err, "want years, months, weeks or days, at most three years in all")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"P3Y", "P36M", "P1095D", "P156W", "P1Y4M", "P35M30D", "PT1H", "P0D", "P"} {
		f.Add(text, int32(day("2028-02-29")))
	}
	f.Fuzz(func(t *testing.T, text string, on int32) {
		d, err := dataconnect.ParseDuration(text)
		if err != nil {
			return
		}
		granted := meter.Day(on % 40_000)
		last := d.LastDay(granted)
		require.GreaterOrEqual(t, last, granted, "it holds on its first day")
		require.Less(t, last, granted.MonthsBack(-36), "three years at most")
		require.True(t, strings.HasPrefix(d.String(), "P"))
	})
}
