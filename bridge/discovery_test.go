package bridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
)

const homeConfig = "homeassistant/device/enedis2mqtt_09876543210987/config"

func announcing(mode discovery.Mode) *discovery.Options {
	return &discovery.Options{Prefix: "homeassistant", Mode: mode, Topics: contract.Topics{Base: "e"}, Locale: contract.French}
}

// versions gives the bodies that a topic had, and the least time between two of them.
func (f *fakeBroker) versions(topic string) (bodies []string, distance time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var last time.Time
	distance = time.Hour
	for i, m := range f.history {
		if m.topic != topic {
			continue
		}
		if len(bodies) > 0 {
			distance = min(distance, f.at[i].Sub(last))
		}
		bodies, last = append(bodies, m.body), f.at[i]
	}
	return bodies, distance
}

func TestDeviceGrowsWithoutHaste(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.announce = announcing(discovery.Device)
		w.start()
		w.at("2026-11-22", "12:05")
		bodies, distance := w.broker.versions(homeConfig)
		require.Contains(t, bodies[len(bodies)-1], "consumption_max_power")
		require.GreaterOrEqual(t, distance, discovery.Settle, "Home Assistant loses parts of versions that come too close")
		require.LessOrEqual(t, len(bodies), 4)
	})
}

func TestEntityThatIsGoneIsTakenAway(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.announce = announcing(discovery.Device)
		w.start()
		w.at("2026-11-22", "12:05")
		w.stop()
		w.meters[0].Hourly = false
		w.broker.history, w.broker.at = nil, nil
		w.start()
		w.at("2026-11-22", "12:06")
		bodies, distance := w.broker.versions(homeConfig)
		require.Len(t, bodies, 2)
		require.Contains(t, bodies[0], `"consumption_load_curve":{"platform":"sensor"}`)
		require.NotContains(t, bodies[1], "consumption_load_curve")
		require.GreaterOrEqual(t, distance, discovery.Settle)
		require.NotContains(t, w.broker.topics(home), "consumption/load_curve")
		w.broker.history, w.broker.at = nil, nil
		w.bridge.Republish()
		w.at("2026-11-22", "12:07")
		bodies, _ = w.broker.versions(homeConfig)
		require.Len(t, bodies, 1, "it is taken away once")
	})
}

func TestChangeOfModeEmptiesTheOtherFormFirst(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.announce = announcing(discovery.Device)
		w.start()
		w.at("2026-11-22", "12:05")
		w.stop()
		w.announce = announcing(discovery.Single)
		w.start()
		w.at("2026-11-22", "12:06")
		var device, single int
		for topic := range w.broker.retained {
			switch {
			case strings.HasPrefix(topic, "homeassistant/device/"):
				device++
			case strings.HasPrefix(topic, "homeassistant/"):
				single++
			}
		}
		require.Zero(t, device)
		require.Greater(t, single, 8)
		w.stop()
		w.announce = nil
		w.start()
		w.at("2026-11-22", "12:07")
		for topic := range w.broker.retained {
			require.False(t, strings.HasPrefix(topic, "homeassistant/"), topic)
		}
	})
}

func TestBirthHasEverythingPublishedAgainOnce(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.announce = announcing(discovery.Device)
		w.start()
		w.at("2026-11-22", "12:05")
		w.broker.history, w.broker.at = nil, nil
		for range 3 {
			w.bridge.Receive(w.t.Context(), "homeassistant/status", []byte("online"), false)
			time.Sleep(time.Second) // of the world
		}
		w.at("2026-11-22", "12:06")
		bodies, _ := w.broker.versions(homeConfig)
		require.Len(t, bodies, 1, "several births count as one")
		bodies, _ = w.broker.versions("e/09876543210987/state")
		require.Len(t, bodies, 1)
	})
}

func TestDeviceGoesBeforeTheTopicsThatItReads(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}, {PRM: shared}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.announce = announcing(discovery.Device)
		w.start()
		w.at("2026-11-22", "12:05")
		w.stop()
		w.meters = w.meters[1:]
		w.broker.history, w.broker.at = nil, nil
		w.start()
		w.at("2026-11-22", "12:06")
		require.Empty(t, w.broker.topics(home))
		require.NotEmpty(t, w.broker.topics(shared))
		var device, topics time.Time
		for i, m := range w.broker.history {
			switch {
			case m.body != "":
			case m.topic == homeConfig:
				device = w.broker.at[i]
			case topics.IsZero():
				topics = w.broker.at[i]
			}
		}
		require.GreaterOrEqual(t, topics.Sub(device), discovery.Settle)
	})
}
