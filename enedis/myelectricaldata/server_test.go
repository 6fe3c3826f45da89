package myelectricaldata_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	consumer = meter.PRM("09876543210987")
	producer = meter.PRM("33000000000033")

	secret    = "s3cr&t/+"
	userAgent = "enedis2mqtt/test"
)

// fakeGateway checks what every request must have and leaves the rest to its handler.
type fakeGateway struct {
	t      *testing.T
	base   string
	handle http.HandlerFunc

	mu     sync.Mutex
	now    time.Time
	gates  []enedis.Call // what the gate was asked for
	calls  []string      // the requests that came, method, path and query below the base
	logged bytes.Buffer
}

// noon is 22 November 2026, noon in Paris.
func noon() time.Time { return time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC) }

// newGateway gives the fake at noon and a client for it. Without credentials the client has the secret for its token.
func newGateway(
	t *testing.T, o myelectricaldata.Options, handle http.HandlerFunc,
) (*fakeGateway, *myelectricaldata.Client) {
	t.Helper()
	g := &fakeGateway{t: t, handle: handle, now: noon()}
	if o.Version == myelectricaldata.V2 {
		g.base = "/api"
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	if o.Token == "" && o.Tokens == nil && o.ClientSecret == "" {
		o.Token = secret
	}
	o.BaseURL, o.UserAgent, o.HTTP, o.Gate, o.Now = server.URL+g.base, userAgent, server.Client(), g.gate, g.clock
	o.Log = slog.New(slog.NewTextHandler(g, nil))
	client, err := myelectricaldata.New(o)
	require.NoError(t, err)
	return g, client
}

func (g *fakeGateway) clock() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *fakeGateway) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func (g *fakeGateway) gate(_ context.Context, c enedis.Call) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	assert.Equal(g.t, "myelectricaldata", c.API)
	g.gates = append(g.gates, c)
	return nil
}

// Write takes the client's log.
func (g *fakeGateway) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logged.Write(line)
}

func (g *fakeGateway) log() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logged.String()
}

// requests lists the calls, and checks that the gate was asked once before each.
func (g *fakeGateway) requests() []string {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	require.Len(g.t, g.calls, len(g.gates))
	return g.calls
}

func (g *fakeGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	assert.Equal(g.t, userAgent, r.Header.Get("User-Agent"))
	assert.Equal(g.t, "application/json", r.Header.Get("Accept"))
	assert.NotContains(g.t, r.URL.String(), "cr&t")
	g.mu.Lock()
	g.calls = append(g.calls, r.Method+" "+r.URL.RequestURI()[len(g.base):])
	assert.LessOrEqual(g.t, len(g.calls), len(g.gates), "no request before the gate was asked")
	w.Header().Set("Date", g.now.Format(http.TimeFormat))
	g.mu.Unlock()
	g.handle(w, r)
}

// answer gives a handler that sends the same to everyone.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func sample(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(body)
}

func day(s string) meter.Day {
	d, err := meter.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

func request(d meter.Direction, m meter.Measure, from, to string) enedis.Request {
	return enedis.Request{PRM: consumer, Direction: d, Measure: m, Days: meter.Days{From: day(from), To: day(to)}}
}

// daily asks for the consumption of 14 to 20 November.
func daily() enedis.Request {
	return request(meter.Consumption, meter.Daily, "2026-11-14", "2026-11-21")
}

func curve(from, to string) enedis.Request {
	return request(meter.Consumption, meter.LoadCurve, from, to)
}
