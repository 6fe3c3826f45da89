package homeassistant_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// home is an importer that runs beside a Home Assistant in fake time.
type home struct {
	ha       *homeassistanttest.HomeAssistant
	store    *memory
	importer *homeassistant.Importer
	filling  atomic.Bool // older days are still to come
	log      *bytes.Buffer
}

// tb is what testing.T and rapid.T share.
type tb interface {
	require.TestingT
	Helper()
	Cleanup(do func())
	Context() context.Context
}

// newHome wants to be called in a bubble: what it makes lives in fake time.
func newHome(t tb, o homeassistanttest.Options, store *memory) *home {
	t.Helper()
	h := &home{ha: homeassistanttest.New(o), store: store, log: new(bytes.Buffer)}
	h.importer = homeassistant.New(importerOptions(h, inMemory(t, h.ha)))
	return h
}

func importerOptions(h *home, client *http.Client) homeassistant.Options {
	return homeassistant.Options{
		Endpoint: &url.URL{Scheme: "ws", Host: "homeassistant", Path: "/api/websocket"},
		Token:    homeassistanttest.Token,
		HTTP:     client,
		Store:    h.store,
		Series:   func() []homeassistant.Series { return []homeassistant.Series{consumption} },
		Filling:  func(meter.PRM) bool { return h.filling.Load() },
		Log:      slog.New(slog.NewTextHandler(h.log, nil)),
		Now:      time.Now,
	}
}

// start runs the importer until the test ends, and waits for its first pass.
func (h *home) start(t tb) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		assert.NoError(t, h.importer.Run(ctx))
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	h.settle()
}

// settle lets everything happen that needs no more than a second.
func (h *home) settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// follow tells of a change and waits until the pass that it brings about is over.
func (h *home) follow() {
	h.importer.Changed()
	time.Sleep(time.Minute)
	synctest.Wait()
}

// inMemory gives a client that reaches the handler over pipes, so that fake time can pass.
func inMemory(t tb, handler http.Handler) *http.Client {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(l) }) // it ends with Close
	t.Cleanup(func() {
		_ = server.Close() // nothing is left to lose
		wg.Wait()
	})
	return &http.Client{Transport: &http.Transport{DialContext: l.dial}}
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "homeassistant", Net: "unix"} }

// rows are those that Home Assistant holds, in joules.
func rows(t require.TestingT, ha *homeassistanttest.HomeAssistant) []homeassistant.Row {
	var rows []homeassistant.Row
	for _, r := range ha.Rows(string(consumption.ID())) {
		if r.State == nil || r.Sum == nil {
			require.Fail(t, "a row without numbers", "%v", r)
		}
		rows = append(rows, homeassistant.Row{
			Start: r.Start, State: meter.Joules(*r.State*3.6e6 + 0.5), Sum: meter.Joules(*r.Sum*3.6e6 + 0.5),
		})
	}
	return rows
}

// requireFollows wants Home Assistant to hold what a fresh one would get of the store.
func requireFollows(t require.TestingT, ha *homeassistanttest.HomeAssistant, store *memory) {
	want := homeassistant.Plan(0, homeassistant.Lay(store.values(meter.Daily), store.values(meter.LoadCurve)), nil)
	got := rows(t, ha)
	for i := range want {
		want[i].Start = want[i].Start.UTC()
		if i >= len(got) || want[i] != got[i] {
			require.Equal(t, want[i:], got[min(i, len(got)):], "from row %d on", i)
		}
	}
	require.Len(t, got, len(want))
}

// rowsSent counts the rows of the imports since the last call, by message.
func rowsSent(ha *homeassistanttest.HomeAssistant) []int {
	var sent []int
	for _, c := range ha.Commands() {
		if c.Type == "recorder/import_statistics" {
			sent = append(sent, c.Rows)
		}
	}
	return sent
}
