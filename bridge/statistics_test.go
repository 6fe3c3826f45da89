package bridge_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// fakeStatistics counts what it is told, and fares as a test says.
type fakeStatistics struct {
	updated chan struct{}

	mu              sync.Mutex
	changes, births int
	fare            *contract.Statistics
}

func (f *fakeStatistics) Changed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes++
}

func (f *fakeStatistics) Online() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.births++
}

func (f *fakeStatistics) Updated() <-chan struct{} { return f.updated }

func (f *fakeStatistics) Fare() *contract.Statistics {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fare
}

// set has it fare otherwise.
func (f *fakeStatistics) set(fare *contract.Statistics) {
	f.mu.Lock()
	f.fare = fare
	f.mu.Unlock()
	f.updated <- struct{}{}
}

// told gives how often it was told of a change since the last look.
func (f *fakeStatistics) told() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.changes
	f.changes = 0
	return n
}

// withStatistics gives the world's bridges statistics to tell.
func withStatistics(w *world) *fakeStatistics {
	f := &fakeStatistics{updated: make(chan struct{}, 1)}
	w.options = func(o *bridge.Options) { o.Statistics = f }
	return f
}

// statisticsHealth reads how the statistics fare from the broker.
func statisticsHealth(w *world) (h *struct {
	State        string    `json:"state"`
	LastImportAt time.Time `json:"last_import_at"`
	Error        *string   `json:"error"`
},
) {
	w.t.Helper()
	var body struct{ Statistics *json.RawMessage }
	require.NoError(w.t, json.Unmarshal([]byte(w.broker.topic("e/bridge/health")), &body))
	if body.Statistics != nil {
		require.NoError(w.t, json.Unmarshal(*body.Statistics, &h))
	}
	return h
}

func TestStatisticsAreToldOfWhatChanges(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: enedistest.Household(1)}, func(w *world) {
		f := withStatistics(w)
		w.start()
		w.pass(time.Hour)
		require.Positive(t, f.told())
		w.pass(10 * time.Hour)
		f.told()
		w.at("2026-11-23", "12:00")
		require.Positive(t, f.told(), "a new day")
		w.pass(6 * time.Hour)
		require.Zero(t, f.told(), "nothing is new")
		require.False(t, w.bridge.Filling(home))
		require.False(t, w.bridge.Filling("00000000000000"), "of a meter that is not served")
		require.Equal(t, []contract.Profile{{
			PRM: home, Name: "Linky 0987", Directions: []meter.Direction{meter.Consumption},
		}}, w.bridge.Profiles())

		w.bridge.Receive(w.t.Context(), "homeassistant/status", []byte("online"), false)
		require.Equal(t, 1, f.births)
		w.bridge.Receive(w.t.Context(), "homeassistant/status", []byte("offline"), false)
		require.Equal(t, 1, f.births)
	})
}

func TestFillingWhileOlderDaysAreToBeAsked(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: enedistest.Household(1)}, func(w *world) {
		withStatistics(w)
		w.history = bridge.History{From: meter.NewDay(2026, time.March, 1)}
		w.start()
		w.pass(5 * time.Second)
		require.True(t, w.bridge.Filling(home))
		fault, err := enedistest.ParseFault("503:10m")
		require.NoError(t, err)
		w.sim.Inject(fault)
		for range 9 {
			w.pass(time.Minute)
			require.True(t, w.bridge.Filling(home), "the source at rest interrupts it")
		}
		w.pass(3 * time.Hour)
		require.False(t, w.bridge.Filling(home))
		w.at("2026-11-23", "06:00")
		require.False(t, w.bridge.Filling(home), "yesterday is the rounds' own")
	})
	t.Run("a curve that is not collected holds nothing", func(t *testing.T) {
		o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Kind: enedistest.NoCurve}}}
		inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
			withStatistics(w)
			w.start()
			w.pass(time.Hour)
			require.False(t, w.bridge.Filling(home))
			w.at("2026-11-23", "06:00")
			require.False(t, w.bridge.Filling(home))
		})
	})
}

func TestHowTheStatisticsFareIsPublished(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: enedistest.Household(1)}, func(w *world) {
		f := withStatistics(w)
		w.start()
		w.pass(time.Hour)
		require.Nil(t, statisticsHealth(w), "nothing was tried")
		plain := w.light(home)

		imported := time.Now().Truncate(time.Second)
		f.set(&contract.Statistics{State: contract.StatisticsOK, LastImportAt: imported})
		w.pass(10 * time.Second)
		h := statisticsHealth(w)
		require.Equal(t, "ok", h.State)
		require.True(t, imported.Equal(h.LastImportAt))
		require.Nil(t, h.Error)

		f.set(&contract.Statistics{
			State: contract.StatisticsAuth, LastImportAt: imported, FailingSince: time.Now(), Error: "the token is refused",
		})
		w.pass(10 * time.Second)
		h = statisticsHealth(w)
		require.Equal(t, "auth", h.State)
		require.Equal(t, "the token is refused", *h.Error)
		w.pass(58 * time.Minute)
		require.Equal(t, plain.Message, w.light(home).Message)
		w.pass(2 * time.Minute)
		failing := w.light(home)
		require.Contains(t, failing.Message, "HOMEASSISTANT_TOKEN")
		require.Equal(t, plain.Level, failing.Level)
		require.Equal(t, plain.Reason, failing.Reason)
		b, meters, err := w.bridge.Overview(w.t.Context())
		require.NoError(t, err)
		require.Equal(t, contract.StatisticsAuth, b.Statistics.State)
		require.Same(t, b.Statistics, meters[0].Statistics)

		f.set(&contract.Statistics{State: contract.StatisticsOK, LastImportAt: time.Now()})
		w.pass(10 * time.Second)
		require.Equal(t, plain.Message, w.light(home).Message)
	})
}
