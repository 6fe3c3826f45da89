package bridge_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

const (
	home   meter.PRM = "09876543210987"
	shared meter.PRM = "33000000000033"
)

// world is a whole bridge in fake time: the simulator, a store on disk, and a broker that remembers.
type world struct {
	t         *testing.T
	sim       *enedistest.Enedis
	broker    *fakeBroker
	dir       string
	meters    []bridge.Meter
	schedule  bridge.Schedule
	history   bridge.History
	sources   func(ledger *bridge.Ledger) []bridge.Source // nil: Data Connect alone
	options   func(o *bridge.Options)                     // nil: as they are
	log       *slog.Logger
	announce  *discovery.Options         // nil: no discovery
	offline   bool                       // the broker is away
	latency   time.Duration              // of each answer
	broken    func(r *http.Request) bool // nil: none; else requests that Enedis fails at
	onCall    atomic.Pointer[func()]     // called when a measure is asked for
	beforeRun func()                     // called when the bridge is made and does not run yet
	unlock    func()
	bridge    *bridge.Bridge
	stop      func()
}

// inWorld runs a test in a bubble of fake time whose clock shows now; a sleep in it takes no time.
func inWorld(t *testing.T, now time.Time, o enedistest.Options, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now)) // of the bubble's time
		o.Now, o.ClientID, o.ClientSecret = time.Now, "id", "secret"
		w := &world{
			t: t, sim: enedistest.New(o), broker: newFakeBroker(), dir: t.TempDir(), log: slog.New(slog.DiscardHandler),
			schedule: bridge.Schedule{
				WindowStart: 7 * 60, WindowEnd: 9 * 60, RetryInterval: 30 * time.Minute, RetryUntil: 19 * 60,
			},
		}
		for _, m := range o.Meters {
			w.meters = append(w.meters, bridge.Meter{PRM: m.PRM, Name: "Linky " + m.PRM.Tail(), Hourly: true})
		}
		defer func() {
			if w.stop != nil {
				w.stop()
			}
		}()
		test(w)
	})
}

// start opens the store and runs a bridge, as a start of the program does.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	kept, err := store.Open(ctx, w.dir, store.Options{Now: time.Now, Log: w.log})
	require.NoError(w.t, err)
	ledger, err := bridge.NewLedger(ctx, kept, time.Time{}, time.Now)
	require.NoError(w.t, err)
	sources := []bridge.Source{}
	if w.sources != nil {
		sources = w.sources(ledger)
	} else {
		sources = append(sources, w.dataConnect(ledger))
	}
	o := bridge.Options{
		Store: kept, Ledger: ledger, Sources: sources, Broker: w.broker, Meters: w.meters,
		Schedule: w.schedule, History: w.history, Topics: contract.Topics{Base: "e"}, Locale: contract.French,
		Discovery: w.announce, StatusTopic: "homeassistant/status", Version: "test", Now: time.Now, Log: w.log,
	}
	if w.options != nil {
		w.options(&o)
	}
	w.bridge, err = bridge.New(ctx, o)
	require.NoError(w.t, err)
	if w.beforeRun != nil {
		w.beforeRun()
	}
	ended := make(chan error, 1)
	go func() { ended <- w.bridge.Run(ctx) }()
	if !w.offline {
		w.broker.connect()
	}
	w.stop = func() {
		cancel()
		require.NoError(w.t, <-ended)
		require.NoError(w.t, kept.Close())
		w.stop = nil
	}
	synctest.Wait()
}

// dataConnect is the way to the simulator of Enedis.
func (w *world) dataConnect(ledger *bridge.Ledger) *dataconnect.Client {
	w.t.Helper()
	source, err := dataconnect.New(dataconnect.Options{
		BaseURL: "https://enedis.test", Version: dataconnect.V2026, ClientID: "id", ClientSecret: "secret", UserAgent: "test",
		HTTP: &http.Client{Transport: w}, Gate: ledger.Gate("dataconnect"), Now: time.Now, Log: w.log,
	})
	require.NoError(w.t, err)
	return source
}

// RoundTrip is the way to the simulator.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if call := w.onCall.Load(); call != nil && strings.Contains(r.URL.Path, "/mesure_synchrone_auto/") {
		(*call)()
	}
	time.Sleep(w.latency) // of the bubble's time
	if w.broken != nil && w.broken(r) {
		return &http.Response{
			StatusCode: http.StatusInternalServerError, Request: r, Header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}},
			Body: io.NopCloser(strings.NewReader(`{"code":"500","message":"Erreur technique"}`)),
		}, nil
	}
	return w.sim.Transport().RoundTrip(r)
}

// at sleeps until a Paris time of day.
func (w *world) at(day string, clock string) {
	w.t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", day+" "+clock, meter.Paris())
	require.NoError(w.t, err)
	require.False(w.t, when.Before(time.Now()), "time does not go back to %s", when)
	time.Sleep(time.Until(when)) // of the bubble's time
	synctest.Wait()
}

// pass lets the bubble's time go by, which takes none, until everything has come to rest.
func (w *world) pass(d time.Duration) {
	time.Sleep(d) // of the bubble's time
	synctest.Wait()
}

// calls lists the measures asked for since the last look, as "…0987 consommation_quotidienne 2026-01-01..2026-11-22".
func (w *world) calls() []string {
	var list []string
	for _, c := range w.sim.Calls() {
		if c.API == "mesure_synchrone_auto" {
			list = append(list, c.PRM.Short()+" "+c.Resource+" "+c.Days.String())
		}
	}
	w.sim.ForgetCalls()
	return list
}

// light reads the freshness of a meter from the broker.
func (w *world) light(p meter.PRM) contract.Light {
	w.t.Helper()
	var detail struct {
		contract.Light
		ExpectedAt, Since, LastSuccessAt, LastAttemptAt, NextAttemptAt any `json:"-"`
	}
	body := w.broker.topic("e/" + string(p) + "/freshness/detail")
	require.NotEmpty(w.t, body)
	require.NoError(w.t, json.Unmarshal([]byte(body), &detail))
	require.Equal(w.t, string(detail.Level), w.broker.topic("e/"+string(p)+"/freshness"))
	return detail.Light
}

// fakeBroker remembers what was published. It is down until connect.
type fakeBroker struct {
	connected chan struct{}

	mu       sync.Mutex
	up       bool
	refuse   func(topic, body string) bool
	retained map[string]string
	events   []published
	history  []published // retained ones too
	at       []time.Time // of history
}

type published struct {
	topic, body string
}

func newFakeBroker() *fakeBroker {
	return &fakeBroker{connected: make(chan struct{}, 1), retained: make(map[string]string)}
}

func (f *fakeBroker) Connected() <-chan struct{} { return f.connected }

func (f *fakeBroker) Publish(_ context.Context, topic string, body []byte, retain bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.up {
		return context.DeadlineExceeded
	}
	f.history, f.at = append(f.history, published{topic, string(body)}), append(f.at, time.Now())
	if f.refuse != nil && f.refuse(topic, string(body)) {
		return bridge.ErrRefused
	}
	switch {
	case !retain:
		f.events = append(f.events, published{topic, string(body)})
	case len(body) == 0:
		delete(f.retained, topic)
	default:
		f.retained[topic] = string(body)
	}
	return nil
}

func (f *fakeBroker) connect() {
	f.mu.Lock()
	f.up = true
	f.mu.Unlock()
	f.connected <- struct{}{}
}

func (f *fakeBroker) disconnect() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.up = false
}

func (f *fakeBroker) topic(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.retained[name]
}

// topics lists the retained topics below a meter.
func (f *fakeBroker) topics(p meter.PRM) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for topic := range f.retained {
		if rest, ok := strings.CutPrefix(topic, "e/"+string(p)+"/"); ok {
			list = append(list, rest)
		}
	}
	slices.Sort(list)
	return list
}

// take gives the messages that were not retained, and forgets them.
func (f *fakeBroker) take() []published {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := f.events
	f.events = nil
	return events
}
