package bridge_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// consents is a consent page whose answers a test decides.
type consents struct {
	mu     sync.Mutex
	grants []enedis.Grant
	err    error
	times  int
}

func (c *consents) Name() string { return "dataconnect" }
func (c *consents) ConsentURL(state string) string {
	return "https://enedis.test/authorize?state=" + state
}

func (c *consents) Grants(context.Context, url.Values) ([]enedis.Grant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times++
	return c.grants, c.err
}

// answer has the page answer otherwise from now on.
func (c *consents) answer(grants []enedis.Grant, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grants, c.err = grants, err
}

// asked is how often the services were asked for.
func (c *consents) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times
}

func (c *consents) into(o *bridge.Options) { o.Consent = c }

var back = url.Values{"autorisation_id": {"42"}}

func TestConsentAddsTheMeterToTheRunningBridge(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}, {PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.meters = w.meters[:1]
		page := &consents{grants: []enedis.Grant{{PRM: shared, Until: meter.DayOf(paris(2029, 11, 20, 0, 0))}}}
		w.options = page.into
		w.start()
		w.at("2026-11-22", "12:10")
		require.Empty(t, w.broker.topics(shared))

		result := w.bridge.Consented(w.t.Context(), back)
		require.Equal(t, contract.Consented{Status: contract.ConsentGranted, Meters: []meter.PRM{shared}}, result)
		w.at("2026-11-22", "12:15")
		require.Equal(t, contract.Green, w.light(shared).Level)
		require.Contains(t, w.broker.topic("e/bridge/info"), string(shared))
		require.Contains(t, w.broker.topic("e/"+string(shared)+"/state"), `"consent":{"until":"2029-11-20","days_left":1094}`)

		w.stop()
		w.calls()
		w.start()
		w.at("2026-11-22", "12:30")
		require.Equal(t, contract.Green, w.light(shared).Level, "it stays after a restart")
		require.Empty(t, w.calls())
		require.Less(t, strings.Index(w.broker.topic("e/bridge/info"), string(home)),
			strings.Index(w.broker.topic("e/bridge/info"), string(shared)), "first those of the settings")
	})
}

func TestServicesThatAreNotReadyAreAskedForTenTimes(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}, func(w *world) {
		w.meters = nil
		page := &consents{err: enedis.ErrNotReady}
		w.options = page.into
		w.start()
		require.Equal(t, contract.ConsentPending, w.bridge.Consented(w.t.Context(), back).Status)
		w.at("2026-11-22", "12:40")
		require.Equal(t, 2, page.asked(), "again after the retry interval")
		for range 3 { // a start is no reason to ask
			w.stop()
			w.start()
			w.at("2026-11-22", time.Now().In(meter.Paris()).Add(time.Minute).Format("15:04"))
		}
		require.Equal(t, 2, page.asked())
		w.at("2026-11-22", "16:20")
		require.Equal(t, 9, page.asked())
		page.answer([]enedis.Grant{{PRM: home}}, nil)
		w.at("2026-11-22", "16:40")
		require.Equal(t, 10, page.asked())
		require.Equal(t, contract.Green, w.light(home).Level)
	})
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}, func(w *world) {
		w.meters = nil
		page := &consents{err: errors.New("connection refused")}
		w.options = page.into
		w.start()
		require.Equal(t, contract.ConsentPending, w.bridge.Consented(w.t.Context(), back).Status)
		b, _, err := w.bridge.Overview(w.t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, b.ConsentsAwaited)
		w.at("2026-11-24", "12:00")
		require.Equal(t, 10, page.asked(), "then it is given up")
		b, _, err = w.bridge.Overview(w.t.Context())
		require.NoError(t, err)
		require.Zero(t, b.ConsentsAwaited)
	})
}

func TestNoConsentChangesNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want contract.ConsentStatus
	}{
		"refused by the customer": {&enedis.ConsentError{Refused: true, Code: "access_denied"}, contract.ConsentRefused},
		"the page failed":         {&enedis.ConsentError{Code: "server_error"}, contract.ConsentFailed},
	}
	for name, test := range tests {
		inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}, func(w *world) {
			w.meters = nil
			page := &consents{err: test.err}
			w.options = page.into
			w.start()
			require.Equal(t, test.want, w.bridge.Consented(w.t.Context(), back).Status, name)
			w.at("2026-11-24", "12:00")
			require.Equal(t, 1, page.asked(), name)
			require.Contains(t, w.broker.topic("e/bridge/info"), `"meters":[]`, name)
		})
	}
}

func TestNewConsentEndsARefusal(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		page := &consents{grants: []enedis.Grant{{PRM: home}}}
		w.options = page.into
		w.start()
		w.at("2026-11-20", "12:10")
		w.sim.Inject(enedistest.Fault{Name: "revoked"})
		w.at("2026-11-21", "09:10")
		require.Equal(t, contract.ConsentExpired, w.light(home).Reason)
		w.calls()
		w.at("2026-11-23", "06:00")
		require.Len(t, w.calls(), 1, "one probe a day")
		w.sim.Heal()
		w.at("2026-11-23", "06:30")
		require.Equal(t, contract.ConsentGranted, w.bridge.Consented(w.t.Context(), back).Status)
		w.at("2026-11-23", "09:00")
		require.Equal(t, contract.Green, w.light(home).Level)
	})
}

func TestRefusedConsentIsWhatIsTheMatterWithEverySeries(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-20", "12:10")
		w.sim.Inject(enedistest.Fault{Name: "nodata"})
		w.at("2026-11-21", "09:10")
		require.Equal(t, contract.Waiting, w.light(home).Reason)
		w.sim.Heal()
		w.sim.Inject(enedistest.Fault{Name: "bad_request"})
		w.at("2026-11-21", "09:40")
		light := w.light(home)
		for name, s := range light.Series {
			require.Equal(t, contract.ConsentExpired, *s.Reason, name)
		}
	})
}

func TestFreshConsentThatEnedisDoesNotLetThroughYetIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 20, 9, 0), o, func(w *world) {
		w.meters = nil
		page := &consents{grants: []enedis.Grant{{PRM: home, Until: meter.DayOf(paris(2029, 11, 19, 0, 0))}}}
		w.options = page.into
		w.start()
		w.sim.Inject(enedistest.Fault{Name: "bad_request"})
		require.Equal(t, contract.ConsentGranted, w.bridge.Consented(w.t.Context(), back).Status)
		w.at("2026-11-20", "09:10")
		require.Equal(t, contract.Waiting, w.light(home).Reason)
		require.Contains(t, w.broker.topic("e/"+string(home)+"/state"), `"until":"2029-11-19"`)
		w.calls()
		w.at("2026-11-20", "18:00")
		require.InDelta(t, 9, len(w.calls()), 3, "after the retry interval, then each hour")
		w.sim.Heal()
		w.at("2026-11-20", "19:10")
		require.Equal(t, contract.Green, w.light(home).Level)

		w.sim.Inject(enedistest.Fault{Name: "bad_request"})
		w.at("2026-11-21", "09:10")
		require.Equal(t, contract.ConsentExpired, w.light(home).Reason, "it had delivered")
		require.Contains(t, w.broker.topic("e/"+string(home)+"/state"), `"consent":{"until":null,"days_left":null}`)
		require.Equal(t, contract.ConsentGranted, w.bridge.Consented(w.t.Context(), back).Status)
		w.at("2026-11-22", "12:00")
		require.Equal(t, contract.ConsentMissing, w.light(home).Reason, "nothing came under the new one, and a day is over")
	})
}

func TestRoundThatCouldAskNothingIsNotOK(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"reset", "token401"} {
		inWorld(t, paris(2026, 11, 20, 12, 0), enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}, func(w *world) {
			w.sim.Inject(enedistest.Fault{Name: fault})
			w.start()
			w.at("2026-11-20", "12:01")
			b, _, err := w.bridge.Overview(w.t.Context())
			require.NoError(t, err)
			require.False(t, b.LastRound.OK, fault)
		})
	}
}
