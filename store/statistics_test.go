package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestChanged(t *testing.T) {
	s := open(t, t.TempDir())
	requireChanged := func(d meter.Direction, after int64, first meter.Day, newest int64) {
		t.Helper()
		day, revision, err := s.Changed(t.Context(), daily.PRM, d, after)
		require.NoError(t, err)
		require.Equal(t, first, day)
		require.Equal(t, newest, revision)
	}
	put := func(of meter.Series, days ...meter.DayValues) int64 {
		t.Helper()
		changed := merge(t, s, of, days...).Changed
		require.Len(t, changed, len(days))
		return changed[len(changed)-1].Revision
	}
	requireChanged(meter.Consumption, 7, 0, 7)

	put(daily, value(yesterday, 1000))
	older := put(daily, value(yesterday-40, 2000))
	production, stranger := daily, daily
	production.Direction, stranger.PRM = meter.Production, otherCurve.PRM
	produced := put(production, value(yesterday-100, 500))
	put(maxPower, value(yesterday-200, 6000))
	put(stranger, value(yesterday-300, 1))
	requireChanged(meter.Consumption, 0, yesterday-40, older) // neither other meters, directions nor measures
	requireChanged(meter.Production, 0, yesterday-100, produced)
	requireChanged(meter.Consumption, older, 0, older)

	curves := put(curve, halfHours(yesterday-3, 100), halfHours(yesterday-2, 100))
	requireChanged(meter.Consumption, older, yesterday-3, curves)
	corrected := put(daily, value(yesterday, 1001))
	requireChanged(meter.Consumption, curves, yesterday, corrected)
	requireChanged(meter.Consumption, older, yesterday-3, corrected)
}
