package main

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// ofConsents are the faults that strike on the way to a consent, and no request for data.
var ofConsents = []string{"consent_error", "consent_terms", "not_ready"}

// TestFaults has each fault of the simulator strike twice: at the first start of a bridge that knows nothing yet, and when
// it waits for yesterday with an access token that is worn out. No wrong value is ever published, the light says what is
// wrong, and all of it heals.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		first, later contract.Reason // at the first start, and later
		refresh      bool            // a person has mended it, and says so with the button; else the bridge asks the next day
		silent       bool            // no answer comes: the connection breaks before the time for an answer is over
	}{
		"500":            {first: contract.SourceDown, later: contract.SourceDown},
		"503":            {first: contract.SourceDown, later: contract.SourceDown},
		"html":           {first: contract.SourceDown, later: contract.SourceDown},
		"html404":        {first: contract.SourceDown, later: contract.SourceDown},
		"hang":           {first: contract.SourceDown, later: contract.SourceDown, silent: true},
		"reset":          {first: contract.SourceDown, later: contract.SourceDown},
		"truncated":      {first: contract.SourceDown, later: contract.SourceDown},
		"huge":           {first: contract.SourceDown, later: contract.SourceDown},
		"slow":           {first: contract.SourceDown, later: contract.SourceDown, silent: true},
		"429":            {first: contract.Quota, later: contract.Quota},
		"revoked":        {first: contract.ConsentMissing, later: contract.ConsentExpired, refresh: true},
		"bad_request":    {first: contract.ConsentMissing, later: contract.ConsentExpired, refresh: true},
		"not_subscribed": {first: contract.Settings, later: contract.Settings, refresh: true},
		"unauthorized":   {first: contract.Settings, later: contract.Settings},
		"expired":        {later: contract.Waiting}, // no token is out at the first start; later a new one is good
		"token400":       {first: contract.Settings, later: contract.Settings},
		"token401":       {first: contract.Settings, later: contract.Settings},
		"token500":       {first: contract.SourceDown, later: contract.SourceDown},
		"clock":          {first: contract.Settings, later: contract.Settings},
		"empty":          {first: contract.Waiting, later: contract.Waiting},
		"null":           {first: contract.Waiting, later: contract.Waiting},
		"nodata":         {first: contract.Waiting, later: contract.Waiting},
		"partial":        {first: contract.Waiting, later: contract.Waiting},
		"mistyped":       {first: contract.SourceDown, later: contract.SourceDown},
		"negative":       {first: contract.SourceDown, later: contract.SourceDown},
		"swapped_units":  {first: contract.SourceDown, later: contract.SourceDown},
		"wrongprm":       {first: contract.SourceDown, later: contract.SourceDown},
	}
	var known []string
	for _, line := range enedistest.Faults() {
		if name, _, _ := strings.Cut(line, ":"); !slices.Contains(ofConsents, name) {
			known = append(known, name)
		}
	}
	for name, test := range tests {
		require.Contains(t, known, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.first != "" {
				w.inject(name)
				w.start()
				w.awaitReason(name, test.first, test.silent)
				w.heal(test.silent, test.refresh)
			} else {
				w.start()
			}
			w.awaitDays(w.days.Len() - 1)
			awaitReason(w.broker, w.home.PRM, contract.Waiting)

			w.sim.ForgetCalls()
			w.inject(name)
			w.sim.ExpireTokens()
			w.awaitReason(name, test.later, test.silent)
			require.Equal(t, string(contract.Red), w.broker.Retained()[topics.Freshness(w.home.PRM)])
			w.heal(test.silent, test.refresh)
			w.published.Store(true)
			awaitLight(w.broker, w.home.PRM, contract.Green)
			w.awaitDays(w.days.Len())
			w.home.requireTrue(t, w.broker.Received())
		})
	}
	require.Len(t, tests, len(known), "each of %v", known)
}

// world is one meter of a household with an Enedis, a bridge and a broker of its own. Its clock starts at noon of a fixed
// day, and its yesterday is published when the test says so.
type world struct {
	t         *testing.T
	home      truth
	days      meter.Days // those wanted: a week, with yesterday
	published atomic.Bool
	sim       *enedistest.Enedis
	server    *httptest.Server
	broker    *mqtttest.Broker
	now       func() time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, broker: mqtttest.New(t)}
	begun, noon := time.Now(), time.Date(2030, time.November, 21, 12, 0, 0, 0, meter.Paris())
	w.now = func() time.Time { return noon.Add(time.Since(begun)) }
	w.days = meter.Days{From: meter.DayOf(noon) - 7, To: meter.DayOf(noon)}

	home := enedistest.Household(1)[0]
	home.Published = func(d meter.Day) time.Time {
		if d < w.days.To-1 || w.published.Load() {
			return d.End()
		}
		return noon.AddDate(1, 0, 0)
	}
	w.home = truth{home}
	w.sim = enedistest.New(enedistest.Options{
		Now: w.now, ClientID: demoCredential, ClientSecret: demoCredential, Meters: []enedistest.Meter{home}, Limits: patientLimits,
	})
	w.server = httptest.NewServer(w.sim)
	t.Cleanup(w.server.Close)
	return w
}

// start runs the bridge of the demo until the end of the test, with quicker retries.
func (w *world) start() {
	w.t.Helper()
	s := demoCommand{Meters: 1, Locale: "fr", LogLevel: "debug"}.settings(w.t.TempDir(), w.server.URL, w.broker.URL().Host)
	s.schedule.RetryInterval = time.Second
	s.history = bridge.History{From: w.days.From}
	said := newOutput()
	log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, s, log, w.now) }()
	w.t.Cleanup(func() {
		cancel()
		require.NoError(w.t, <-ended)
		if w.t.Failed() {
			w.t.Log(said)
		}
	})
}

func (w *world) inject(fault string) { w.sim.Inject(enedistest.Fault{Name: fault}) }

// awaitReason waits until a fault has struck and the light says why. It breaks the connection of a request that gets no
// answer, as often as need be.
func (w *world) awaitReason(fault string, reason contract.Reason, silent bool) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		struck := w.sim.Count(enedistest.Call{Fault: fault}) > 0
		if struck && silent {
			w.server.CloseClientConnections()
		}
		return struck && hasReason(w.broker.Retained()[topics.FreshnessDetail(w.home.PRM)], reason)
	}, patience, 20*time.Millisecond)
}

// heal ends the fault. A person who had to do something about it presses the button.
func (w *world) heal(silent, refresh bool) {
	w.sim.Heal()
	if silent {
		w.server.CloseClientConnections()
	}
	if refresh {
		w.broker.Publish(topics.RefreshSet(w.home.PRM), "PRESS", false)
	}
}

// awaitDays waits until the daily values of so many days are published.
func (w *world) awaitDays(n int) {
	w.broker.AwaitRetained(topics.Daily(w.home.PRM, meter.Consumption), func(body string) bool {
		return strings.Count(body, `"date"`) == n
	})
}
