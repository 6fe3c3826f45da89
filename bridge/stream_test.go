package bridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// aMeterWithAPast has months of history, and a day that Enedis corrects while the broker is away.
func aMeterWithAPast(w *world) enedistest.Meter {
	w.history.From = meter.NewDay(2026, 7, 1)
	return enedistest.Meter{PRM: home, Corrections: []enedistest.Correction{{
		Day: meter.NewDay(2026, 11, 20), At: paris(2026, 11, 23, 1, 0), Slots: enedistest.Slots{From: 10, To: 12},
	}}}
}

func TestEventStreamOfMonthsWaitsForABrokerThatIsAwayForDays(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{PublishedAtOnce: true}, func(w *world) {
		w.serve(aMeterWithAPast(w))
		w.offline = true
		w.start()
		w.at("2026-11-25", "13:00")
		require.Empty(t, w.readings())
		w.broker.connect()
		w.pass(time.Minute)
		got := w.readings()
		w.stop()
		require.Equal(t, w.kept(), revisions(got), "each revision once, in order")
		days := make(map[string]bool)
		for _, e := range got {
			days[e.Date] = true
		}
		require.Len(t, days, (meter.Days{From: w.history.From, To: meter.NewDay(2026, 11, 25)}).Len())
	})
}

func TestEventStreamThatIsKilledInTheMiddleGoesOnWhereItsCursorStands(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{PublishedAtOnce: true}, func(w *world) {
		w.serve(aMeterWithAPast(w))
		w.offline = true
		w.start()
		w.at("2026-11-24", "13:00")
		w.broker.connect()
		w.pass(time.Second)
		w.stop()
		first := revisions(w.readings())
		all := w.kept()
		require.Equal(t, all[:len(first)], first)
		require.NotEmpty(t, first)
		require.Less(t, len(first), len(all), "it goes out at a pace")

		const unnoted = 20 // as when a kill comes before the cursor is written
		w.setCursor(first[len(first)-1-unnoted])
		w.broker = newFakeBroker()
		w.offline = false
		w.start()
		w.pass(time.Minute)
		require.Equal(t, all[len(first)-unnoted:], revisions(w.readings()), "what was not noted comes again, then the rest, in order")
	})
}

func TestEventStreamTriesAgainByItself(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{PublishedAtOnce: true, Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.broker.disconnect() // and nobody is told: a broker that stays connected and does not acknowledge
		w.at("2026-11-22", "12:10")
		came := len(w.readings())
		require.Less(t, came, 7)
		w.broker.mu.Lock()
		w.broker.up = true
		w.broker.mu.Unlock()
		w.pass(10 * time.Minute)
		require.Len(t, w.readings(), 7-came)
	})
}

// serve puts a meter into the world.
func (w *world) serve(m enedistest.Meter) {
	w.sim.SetMeter(m)
	w.meters = append(w.meters, bridge.Meter{PRM: m.PRM, Name: "Linky " + m.PRM.Tail(), Hourly: true})
}

// kept gives the revisions of all curve days in the store, which no bridge uses.
func (w *world) kept() (all []int64) {
	w.t.Helper()
	s, err := store.OpenReader(w.t.Context(), w.dir, store.Options{Now: time.Now, Log: w.log})
	require.NoError(w.t, err)
	events, err := s.Events(w.t.Context(), 0, 1<<20)
	require.NoError(w.t, err)
	require.NoError(w.t, s.Close())
	for _, e := range events {
		all = append(all, e.Revision)
	}
	require.True(w.t, slices.IsSorted(all))
	return all
}

func (w *world) setCursor(revision int64) {
	w.t.Helper()
	s, err := store.Open(w.t.Context(), w.dir, store.Options{Now: time.Now, Log: w.log})
	require.NoError(w.t, err)
	require.NoError(w.t, s.SetCursor(w.t.Context(), "readings", revision))
	require.NoError(w.t, s.Close())
}

func revisions(events []event) (all []int64) {
	for _, e := range events {
		all = append(all, e.Revision)
	}
	return all
}
