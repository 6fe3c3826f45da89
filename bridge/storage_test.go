package bridge_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// lockStore has every write to the store fail until unlock: another connection holds the write lock.
func (w *world) lockStore() (unlock func()) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "enedis2mqtt.db"))
	require.NoError(w.t, err)
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(w.t.Context(), "BEGIN IMMEDIATE")
	require.NoError(w.t, err)
	return func() {
		_, err := db.ExecContext(w.t.Context(), "ROLLBACK")
		require.NoError(w.t, err)
		require.NoError(w.t, db.Close())
	}
}

func TestStoreThatFailsStopsTheCallsAndHeals(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		w.at("2026-11-23", "06:00")
		unlock := w.lockStore()
		w.sim.ForgetCalls()
		w.at("2026-11-23", "12:00")
		require.Equal(t, contract.Red, w.light(home).Level, "people hear of it, though no light can be kept")
		require.Empty(t, w.sim.Calls(), "what cannot be remembered is not asked")
		require.Equal(t, contract.Storage, w.light(home).Reason)
		require.Error(t, w.bridge.Health())
		unlock()
		w.at("2026-11-23", "12:02")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.NoError(t, w.bridge.Health())
		require.Len(t, w.calls(), 3)
	})
}

func TestAnswerThatCouldNotBeStoredIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		w.at("2026-11-23", "06:00")
		unlocks := make(chan func(), 1)
		lock := func() {
			w.onCall.Store(nil)
			unlocks <- w.lockStore()
		}
		w.onCall.Store(&lock)
		w.at("2026-11-23", "12:00")
		require.Equal(t, contract.Storage, w.light(home).Reason)
		(<-unlocks)()
		w.at("2026-11-23", "12:02")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.Equal(t, 1, w.sim.Count(enedistest.Call{
			PRM: home, Resource: "consommation_quotidienne", Days: meter.Days{From: meter.NewDay(2026, 11, 16), To: meter.NewDay(2026, 11, 23)},
		}))
	})
}

func TestFirstStartWithAStoreThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 22, 6, 0), o, func(w *world) {
		w.start()
		w.stop()
		w.broker = newFakeBroker()
		w.beforeRun = func() { w.unlock = w.lockStore() }
		w.start()
		w.at("2026-11-22", "12:00")
		require.Equal(t, contract.Storage, w.light(home).Reason)
		require.Empty(t, w.calls())
		w.unlock()
		w.at("2026-11-22", "12:05")
		require.Equal(t, contract.Green, w.light(home).Level)
	})
}
