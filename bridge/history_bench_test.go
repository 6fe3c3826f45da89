package bridge_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// BenchmarkHistory carries all that Enedis keeps of a meter with both directions, 71 000 half hours among it, from Enedis's
// answers to the broker: decoding, storing, documents after each batch, and the event stream. The answers come from memory, and
// the broker only counts. The clock goes on with each call, so that documents are published as often as with Enedis's rate.
func BenchmarkHistory(b *testing.B) {
	answers := &recorded{
		sim: enedistest.New(enedistest.Options{
			Now: func() time.Time { return paris(2026, 11, 22, 12, 0) }, PublishedAtOnce: true,
			Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}},
			Limits: enedistest.Limits{CallsPerSecond: enedistest.Unlimited},
		}).Transport(),
		answers: make(map[string]*answer),
	}
	carryHistory(b, answers) // once, to have the answers
	var slots int64
	before := cpu(b)
	for b.Loop() {
		slots += carryHistory(b, answers)
	}
	used := cpu(b) - before
	b.ReportMetric(used.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(slots)/float64(b.N), "slots/op")
}

// carryHistory runs a bridge with an empty store until each curve day has gone out, and gives how many slots there were.
func carryHistory(b *testing.B, answers *recorded) (slots int64) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	start := paris(2026, 11, 22, 12, 0)
	var calls atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(calls.Load()) * time.Second * 2 / 9) }
	log := slog.New(slog.DiscardHandler)
	kept, err := store.Open(ctx, b.TempDir(), store.Options{Now: now, Log: log})
	require.NoError(b, err)
	ledger, err := bridge.NewLedger(ctx, kept, time.Time{}, now)
	require.NoError(b, err)
	source, err := dataconnect.New(dataconnect.Options{
		BaseURL: "https://enedis.test", Version: dataconnect.V2026, ClientID: "id", ClientSecret: "secret", UserAgent: "test",
		HTTP: &http.Client{Transport: answers}, Now: now, Log: log,
		Gate: func(ctx context.Context, c enedis.Call) error { // the ledger's own would wait in real time
			calls.Add(1)
			return kept.AddCall(ctx, store.Call{Source: dataconnect.Name, API: c.API, PRM: c.PRM, At: now()})
		},
	})
	require.NoError(b, err)
	// 24 months and 15 days of each direction, as long as Enedis keeps curves.
	const curveDays = 2 * 743
	broker := &countingBroker{connected: make(chan struct{}, 1), wanted: curveDays, complete: make(chan struct{})}
	broker.connected <- struct{}{}
	carrier, err := bridge.New(ctx, bridge.Options{
		Store: kept, Ledger: ledger, Sources: []bridge.Source{source}, Broker: broker,
		Meters:   []bridge.Meter{{PRM: shared, Name: "Linky", Hourly: true}},
		Schedule: bridge.Schedule{WindowStart: 7 * 60, WindowEnd: 9 * 60, RetryInterval: 30 * time.Minute, RetryUntil: 19 * 60},
		History:  bridge.History{Max: true}, Topics: contract.Topics{Base: "e"}, Locale: contract.French, Version: "test", Now: now, Log: log,
	})
	require.NoError(b, err)
	ended := make(chan error, 1)
	go func() { ended <- carrier.Run(ctx) }()
	<-broker.complete
	cancel()
	require.NoError(b, <-ended)
	require.NoError(b, kept.Close())
	return broker.slots.Load()
}

// cpu is what the process has used of all processors, in user and kernel mode.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	runtime.GC() // what others left behind
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// countingBroker takes everything, and tells when all curve days have come.
type countingBroker struct {
	connected chan struct{}
	wanted    int64
	complete  chan struct{} // closed
	days      atomic.Int64
	slots     atomic.Int64
}

func (c *countingBroker) Connected() <-chan struct{} { return c.connected }

func (c *countingBroker) Publish(_ context.Context, _ string, body []byte, retain bool) error {
	if retain {
		return nil
	}
	c.slots.Add(int64(bytes.Count(body, []byte(`"start_ms"`))))
	if c.days.Add(1) == c.wanted {
		close(c.complete)
	}
	return nil
}

// recorded answers as Enedis did when it was first asked the same.
type recorded struct {
	sim http.RoundTripper

	mu      sync.Mutex
	answers map[string]*answer
}

type answer struct {
	response http.Response
	body     []byte
}

// RoundTrip answers.
func (r *recorded) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := request.Method + " " + request.URL.String()
	if r.answers[key] == nil {
		response, err := r.sim.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		r.answers[key] = &answer{*response, body}
	}
	a := r.answers[key]
	copied := a.response
	copied.Body, copied.Request = io.NopCloser(bytes.NewReader(a.body)), request
	return &copied, nil
}
