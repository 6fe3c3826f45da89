package consoapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	consumer     = meter.PRM("09876543210987")
	selfConsumer = meter.PRM("33000000000033")
	stranger     = meter.PRM("11111111111111")

	basePath  = "/gateway/api"
	userAgent = "enedis2mqtt/test (+https://example.org)"
)

// noon is the instant at which the tests take place: 22 November 2026 in Paris.
func noon() time.Time { return time.Date(2026, time.November, 22, 12, 0, 0, 0, meter.Paris()) }

// tokenOf has the three parts of a token with the payload; nobody verifies its signature here.
func tokenOf(payload string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"HS256"}`)) + "." + part([]byte(payload)) + ".c2lnbmF0dXJl"
}

func sample(tb testing.TB, name string) string {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	require.NoError(tb, err)
	return string(body)
}

// gateway answers as its handler does, and checks what every request must have.
type gateway struct {
	t      *testing.T
	token  string
	answer http.HandlerFunc

	mu     sync.Mutex
	gates  []enedis.Call // what the gate was asked for
	calls  []string      // the types that were called, each behind its gate
	logged bytes.Buffer
}

// newGateway gives the gateway at noon, and a client for it that holds the token of the samples.
func newGateway(t *testing.T, answer http.HandlerFunc, change ...func(*consoapi.Options)) (*gateway, *consoapi.Client) {
	t.Helper()
	g := &gateway{t: t, token: tokenOf(sample(t, "decoded_user_token_payload.json")), answer: answer}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	o := consoapi.Options{
		BaseURL: server.URL + basePath, Tokens: []string{g.token}, UserAgent: userAgent, HTTP: server.Client(),
		Gate: g.gate, Now: noon, Log: slog.New(slog.NewTextHandler(g, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	client, err := consoapi.New(o)
	require.NoError(t, err)
	return g, client
}

// inFormat is a change of newGateway's options.
func inFormat(f consoapi.Format) func(*consoapi.Options) {
	return func(o *consoapi.Options) { o.Format = f }
}

func (g *gateway) gate(_ context.Context, c enedis.Call) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gates = append(g.gates, c)
	return nil
}

// Write takes the client's log.
func (g *gateway) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logged.Write(line)
}

func (g *gateway) log() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logged.String()
}

// requests lists the types that were called, and checks that the gate was asked before each, by its name.
func (g *gateway) requests() []string {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	var apis []string
	for _, c := range g.gates {
		apis = append(apis, c.API)
	}
	require.Equal(g.t, g.calls, apis, "the gate is asked once before each request")
	return g.calls
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, ok := strings.CutPrefix(r.URL.Path, basePath+"/")
	assert.True(g.t, ok, "the base URL's path is kept")
	assert.NotContains(g.t, kind, "/")
	assert.Equal(g.t, http.MethodGet, r.Method)
	assert.Equal(g.t, []string{"Bearer " + g.token}, r.Header["Authorization"])
	assert.Equal(g.t, []string{"application/json"}, r.Header["Accept"])
	assert.Equal(g.t, []string{userAgent}, r.Header["User-Agent"])
	assert.NotContains(g.t, r.URL.RawQuery, g.token)
	g.mu.Lock()
	assert.Len(g.t, g.gates, len(g.calls)+1, "no request before the gate was asked")
	g.calls = append(g.calls, kind)
	g.mu.Unlock()
	w.Header().Set("Date", noon().UTC().Format(http.TimeFormat))
	g.answer(w, r)
}

// answer gives a handler that sends the same to everyone.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func day(s string) meter.Day {
	d, err := meter.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

// daily asks for the consumption of 14 to 20 November.
func daily() enedis.Request {
	return enedis.Request{
		PRM: consumer, Direction: meter.Consumption, Measure: meter.Daily,
		Days: meter.Days{From: day("2026-11-14"), To: day("2026-11-21")},
	}
}

// curve asks for the consumption's curve from one day to another, the last one excluded.
func curve(from, to string) enedis.Request {
	return enedis.Request{
		PRM: consumer, Direction: meter.Consumption, Measure: meter.LoadCurve,
		Days: meter.Days{From: day(from), To: day(to)},
	}
}
