package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestADailyValueAndACurveThatDifferAreReportedOnce(t *testing.T) {
	s := open(t, t.TempDir())
	day := halfHours(yesterday, 100)
	sum := int64(day.Energy().WattHours())
	require.Empty(t, merge(t, s, curve, day).Apart, "there is no daily value yet")
	require.Empty(t, merge(t, s, daily, value(yesterday, sum+20)).Apart, "rounding explains it")

	want := Difference{PRM: daily.PRM, Direction: daily.Direction, Day: yesterday, Daily: meter.WattHours(sum + 500), Curve: meter.WattHours(sum)}
	require.Equal(t, []Difference{want}, merge(t, s, daily, value(yesterday, sum+500)).Apart)
	require.Empty(t, merge(t, s, daily, value(yesterday, sum+500)).Apart, "it was said")
	kept, err := s.Differences(t.Context(), daily.PRM)
	require.NoError(t, err)
	require.Equal(t, []Difference{want}, kept)

	corrected := halfHours(yesterday, 200)
	want.Curve = corrected.Energy().WattHours()
	require.Equal(t, []Difference{want}, merge(t, s, curve, corrected).Apart, "another difference")
	require.Empty(t, merge(t, s, daily, value(yesterday, int64(want.Curve))).Apart)
	kept, err = s.Differences(t.Context(), daily.PRM)
	require.NoError(t, err)
	require.Empty(t, kept, "they agree now")
}

func TestACurveThatLacksASlotIsNotCompared(t *testing.T) {
	s := open(t, t.TempDir())
	day := halfHours(yesterday, 100)
	day.Readings = day.Readings[1:]
	merge(t, s, daily, value(yesterday, 1))
	require.Empty(t, merge(t, s, curve, day).Apart)
}
