package homeassistant_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// whileFilling runs a test beside a backfill whose first days are there.
func whileFilling(t *testing.T, test func(t *testing.T, h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{}, history())
		h.filling.Store(true)
		h.start(t)
		require.Equal(t, []int{30*24 + 1}, rowsSent(h.ha), "what was never brought is not held")
		test(t, h)
	})
}

func TestOlderDaysWaitWhileABackfillLasts(t *testing.T) {
	last := first + 29
	t.Run("for its end", func(t *testing.T) {
		whileFilling(t, func(t *testing.T, h *home) {
			t.Helper()
			for n := range meter.Day(20) {
				h.store.put(meter.LoadCurve, hourly(first-1-n, 1)...)
				h.follow()
			}
			require.Empty(t, rowsSent(h.ha))
			require.False(t, h.importer.Outcome().Series[0].HeldUntil.IsZero())
			require.Equal(t, homeassistant.OK, h.importer.Outcome().State)
			h.filling.Store(false)
			time.Sleep(30 * time.Second) // of the bubble: nobody says that it ended
			synctest.Wait()
			require.Equal(t, []int{50*24 + 1}, rowsSent(h.ha))
			requireFollows(t, h.ha, h.store)
			require.Zero(t, h.importer.Outcome().Series[0].HeldUntil)
		})
	})
	t.Run("a day at the most", func(t *testing.T) {
		whileFilling(t, func(t *testing.T, h *home) {
			t.Helper()
			h.store.put(meter.LoadCurve, hourly(first-1, 1)...)
			h.follow()
			time.Sleep(23 * time.Hour)
			synctest.Wait()
			require.Empty(t, rowsSent(h.ha))
			time.Sleep(time.Hour)
			synctest.Wait()
			require.Equal(t, []int{31*24 + 1}, rowsSent(h.ha))
			requireFollows(t, h.ha, h.store)
			h.store.put(meter.LoadCurve, hourly(first-2, 1)...)
			h.follow()
			require.Empty(t, rowsSent(h.ha), "the next day begins")
		})
	})
	t.Run("and new ones do not", func(t *testing.T) {
		whileFilling(t, func(t *testing.T, h *home) {
			t.Helper()
			h.store.put(meter.LoadCurve, hourly(first-1, 1)...)
			h.store.put(meter.Daily, daily(last+1, 9000))
			h.follow()
			require.Equal(t, []int{1}, rowsSent(h.ha))
			h.store.put(meter.LoadCurve, hourly(last+1, 1)...)
			h.follow()
			require.Equal(t, []int{24}, rowsSent(h.ha), "the curve takes the place of the daily value")
			corrected := hourly(first, 30)[25]
			corrected.Readings[0].Watts++
			h.store.put(meter.LoadCurve, corrected)
			h.follow()
			require.Equal(t, []int{6 * 24}, rowsSent(h.ha), "a correction of the last week")
			requireNoJump(t, 0, rows(t, h.ha))
			h.filling.Store(false)
			h.follow()
			requireFollows(t, h.ha, h.store)
		})
	})
	t.Run("across a restart", func(t *testing.T) {
		whileFilling(t, func(t *testing.T, h *home) {
			t.Helper()
			h.store.put(meter.LoadCurve, hourly(first-1, 1)...)
			h.follow()
			h.importer = homeassistant.New(importerOptions(h, inMemory(t, h.ha)))
			h.start(t)
			require.Empty(t, rowsSent(h.ha))
			h.filling.Store(false)
			h.follow()
			requireFollows(t, h.ha, h.store)
		})
	})
	t.Run("unless the statistic is not as it was left", func(t *testing.T) {
		whileFilling(t, func(t *testing.T, h *home) {
			t.Helper()
			h.store.put(meter.LoadCurve, hourly(first-1, 1)...)
			h.ha.Clear(string(consumption.ID()))
			h.follow()
			requireFollows(t, h.ha, h.store)
		})
	})
}
