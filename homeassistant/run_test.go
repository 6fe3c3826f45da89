package homeassistant_test

import (
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		options homeassistanttest.Options
		begin   func(ha *homeassistanttest.HomeAssistant)
		heal    func(ha *homeassistanttest.HomeAssistant)
		state   homeassistant.State
		says    string
	}{
		"the recorder migrates": {
			begin: func(ha *homeassistanttest.HomeAssistant) { ha.SetMigrating(true) },
			heal:  func(ha *homeassistanttest.HomeAssistant) { ha.SetMigrating(false) },
			state: homeassistant.Waiting, says: "migrates",
		},
		"Home Assistant starts": {
			begin: func(ha *homeassistanttest.HomeAssistant) { ha.SetStarting(true) },
			heal:  func(ha *homeassistanttest.HomeAssistant) { ha.SetStarting(false) },
			state: homeassistant.Waiting, says: "unknown_command",
		},
		"the Supervisor's proxy has nobody behind it": {
			options: homeassistanttest.Options{Proxied: true},
			begin:   func(ha *homeassistanttest.HomeAssistant) { ha.SetStarting(true) },
			heal:    func(ha *homeassistanttest.HomeAssistant) { ha.SetStarting(false) },
			state:   homeassistant.Waiting, says: "not ready",
		},
		"the token is refused": {
			begin: func(ha *homeassistanttest.HomeAssistant) { ha.SetToken("another") },
			heal:  func(ha *homeassistanttest.HomeAssistant) { ha.SetToken(homeassistanttest.Token) },
			state: homeassistant.Auth, says: "token is refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t, c.options, history())
				if c.options.Proxied {
					o := importerOptions(h, inMemory(t, h.ha))
					o.Endpoint.Path = "/core/websocket"
					h.importer = homeassistant.New(o)
				}
				c.begin(h.ha)
				h.start(t)
				o := h.importer.Outcome()
				require.Equal(t, c.state, o.State)
				require.Contains(t, o.Error, c.says)
				require.NotContains(t, o.Error+h.log.String(), homeassistanttest.Token)
				require.True(t, o.NextTryAt.After(time.Now()))
				require.Empty(t, rows(t, h.ha))

				c.heal(h.ha)
				time.Sleep(time.Until(o.NextTryAt) - time.Millisecond)
				synctest.Wait()
				require.Empty(t, rows(t, h.ha), "not before its time")
				h.settle()
				requireFollows(t, h.ha, h.store)
				require.Equal(t, homeassistant.OK, h.importer.Outcome().State)
				require.Empty(t, h.importer.Outcome().Error)
				require.Zero(t, h.importer.Outcome().NextTryAt)
			})
		})
	}
}

func TestNoAdministrator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{NotAdmin: true}, history())
		h.start(t)
		o := h.importer.Outcome()
		require.Equal(t, homeassistant.Auth, o.State)
		require.Equal(t, time.Hour, o.NextTryAt.Sub(o.FailingSince), "each try is an error in Home Assistant's log")
	})
}

func TestTheLastImportIsKnownWithoutAConnection(t *testing.T) {
	imported := time.Date(2026, time.November, 1, 7, 0, 0, 0, time.UTC)
	for name, spoil := range map[string]func(h *home, o *homeassistant.Options){
		"the token is refused": func(h *home, _ *homeassistant.Options) { h.ha.SetToken("another") },
		"nobody is there":      func(_ *home, o *homeassistant.Options) { o.HTTP = refusing() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome(t, homeassistanttest.Options{}, history())
				require.NoError(t, h.store.SetMark(t.Context(), consumption.ID(), homeassistant.Mark{ImportedAt: imported}))
				o := importerOptions(h, inMemory(t, h.ha))
				spoil(h, &o)
				h.importer = homeassistant.New(o)
				h.start(t)
				require.NotEqual(t, homeassistant.OK, h.importer.Outcome().State)
				require.Equal(t, imported, h.importer.Outcome().LastImportAt)
			})
		})
	}
}

func TestAConnectionThatIsThereAgainIsToldBeforeItsPassEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{Lag: time.Minute}, history())
		o := importerOptions(h, inMemory(t, h.ha))
		there, away := o.HTTP.Transport, refusing().Transport
		var back atomic.Bool
		o.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if back.Load() {
				return there.RoundTrip(r)
			}
			return away.RoundTrip(r)
		})}
		h.importer = homeassistant.New(o)
		h.start(t)
		down := h.importer.Outcome()
		require.Equal(t, homeassistant.Down, down.State)
		<-h.importer.Updated()
		back.Store(true)
		time.Sleep(time.Until(down.NextTryAt))
		h.settle()
		again := h.importer.Outcome()
		require.Equal(t, homeassistant.Waiting, again.State)
		require.NotContains(t, again.Error, "refused")
		require.Equal(t, down.FailingSince, again.FailingSince)
		<-h.importer.Updated()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, homeassistant.OK, h.importer.Outcome().State)
	})
}

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// refusing gives a client that finds nobody.
func refusing() *http.Client {
	return &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED })}
}

func TestBackOff(t *testing.T) {
	t.Run("doubles up to five minutes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHome(t, homeassistanttest.Options{}, history())
			h.ha.SetMigrating(true)
			h.start(t)
			var waits []time.Duration
			for range 9 {
				next := h.importer.Outcome().NextTryAt
				time.Sleep(time.Until(next))
				synctest.Wait()
				waits = append(waits, h.importer.Outcome().NextTryAt.Sub(next))
			}
			require.Equal(t, []time.Duration{10, 20, 40, 80, 160, 300, 300, 300, 300}, inSeconds(waits))
		})
	})
	t.Run("changes do not cut it, Home Assistant's start does", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHome(t, homeassistanttest.Options{}, history())
			h.ha.SetMigrating(true)
			h.start(t)
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			signIns := h.ha.SignIns()
			h.importer.Changed()
			h.settle()
			require.Equal(t, signIns, h.ha.SignIns())
			h.ha.SetMigrating(false)
			h.importer.Online()
			h.settle()
			requireFollows(t, h.ha, h.store)
		})
	})
	t.Run("a refused token is tried once an hour, whatever happens", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHome(t, homeassistanttest.Options{}, history())
			h.ha.SetToken("another")
			h.start(t)
			for range 24 * 60 {
				h.importer.Changed()
				h.importer.Online()
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			require.Equal(t, 25, h.ha.SignIns())
		})
	})
}

func inSeconds(ds []time.Duration) []time.Duration {
	for i := range ds {
		ds[i] = ds[i].Round(time.Second) / time.Second
	}
	return ds
}

func TestPassesLeaveHomeAssistantItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{Lag: 2 * time.Second}, history())
		h.start(t)
		for n := range 120 { // history comes in, a day a second
			h.store.put(meter.LoadCurve, hourly(first-meter.Day(n), 1)...)
			h.importer.Changed()
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		requireFollows(t, h.ha, h.store)
		require.Less(t, h.ha.SignIns(), 20)
	})
}

func TestNoSeriesNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{}, history())
		var known atomic.Bool
		o := importerOptions(h, inMemory(t, h.ha))
		o.Series = func() []homeassistant.Series {
			if known.Load() {
				return []homeassistant.Series{consumption}
			}
			return nil
		}
		h.importer = homeassistant.New(o)
		h.start(t)
		require.Zero(t, h.ha.SignIns())
		require.Empty(t, h.importer.Outcome().State)
		known.Store(true)
		h.follow()
		requireFollows(t, h.ha, h.store)
		select {
		case <-h.importer.Updated():
		default:
			t.Fatal("nobody is told of the outcome")
		}
	})
}

func TestRowsThatAreNeverWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, homeassistanttest.Options{Lag: time.Hour}, history())
		h.start(t)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		o := h.importer.Outcome()
		require.Equal(t, homeassistant.Waiting, o.State)
		require.Contains(t, o.Error, "not there after 2m0s")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		require.Equal(t, homeassistant.OK, h.importer.Outcome().State)
		requireFollows(t, h.ha, h.store)
	})
}

func TestRowsThatAreLostOnTheWay(t *testing.T) {
	var losing atomic.Bool
	losing.Store(true)
	options := homeassistanttest.Options{Loses: func(r homeassistanttest.Row) bool {
		return losing.Load() && r.Start.Equal((first + 3).Start())
	}}
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, options, history())
		h.start(t)
		o := h.importer.Outcome()
		require.Equal(t, homeassistant.Waiting, o.State)
		require.Contains(t, o.Error, "720 of 721")
		losing.Store(false)
		h.follow()
		requireFollows(t, h.ha, h.store)
	})
}

func TestConnectionsThatBreak(t *testing.T) {
	replies := []homeassistanttest.Reply{
		homeassistanttest.Disconnect, homeassistanttest.DisconnectNow, homeassistanttest.Swallow,
	}
	store := newMemory()
	store.put(meter.LoadCurve, hourly(first-210, 210)...) // more than one message
	var count, breakAt atomic.Int64
	options := homeassistanttest.Options{Reply: func(homeassistanttest.Command) homeassistanttest.Reply {
		n := count.Add(1)
		if n == breakAt.Load() {
			return replies[n%3]
		}
		return homeassistanttest.Answer
	}}
	synctest.Test(t, func(t *testing.T) {
		h := newHome(t, options, store)
		breakAt.Store(1)
		h.start(t)
		for n := range int64(14) {
			store.put(meter.LoadCurve, hourly(first-211-meter.Day(n), 1)...) // all sums move
			count.Store(0)
			breakAt.Store(n + 1)
			h.follow()
			h.follow()
			requireFollows(t, h.ha, store)
			require.Equal(t, homeassistant.OK, h.importer.Outcome().State)
		}
	})
}
