package dataconnect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	consumer = meter.PRM("09876543210987")
	producer = meter.PRM("33000000000033")

	clientID     = "application"
	clientSecret = "s3cr&t/+"
	basePath     = "/enedis"
	userAgent    = "enedis2mqtt/test"
)

// fakeEnedis answers as strictly as the tests need: it checks what every request must have, and leaves the rest to its
// handlers.
type fakeEnedis struct {
	t     *testing.T
	token http.HandlerFunc // nil grants a token that lives as Enedis's
	data  http.HandlerFunc

	mu     sync.Mutex
	now    time.Time
	gates  []enedis.Call // what the gate was asked for
	calls  []string      // the requests that came, each behind its gate
	tokens int
	logged bytes.Buffer
}

// newEnedis gives the fake at 22 November 2026, noon in Paris, and a client for it.
func newEnedis(t *testing.T, version dataconnect.Version, data http.HandlerFunc) (*fakeEnedis, *dataconnect.Client) {
	t.Helper()
	e := &fakeEnedis{t: t, data: data, now: time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	client, err := dataconnect.New(dataconnect.Options{
		BaseURL:      server.URL + basePath,
		Version:      version,
		ClientID:     clientID,
		ClientSecret: clientSecret,
		UserAgent:    userAgent,
		HTTP:         server.Client(),
		Gate:         e.gate,
		Now:          e.clock,
		Log:          slog.New(slog.NewTextHandler(e, nil)),
	})
	require.NoError(t, err)
	return e, client
}

func (e *fakeEnedis) clock() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *fakeEnedis) pass(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = e.now.Add(d)
}

func (e *fakeEnedis) gate(_ context.Context, c enedis.Call) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gates = append(e.gates, c)
	return nil
}

// Write takes the client's log.
func (e *fakeEnedis) Write(line []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.logged.Write(line)
}

func (e *fakeEnedis) log() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.logged.String()
}

// requests lists the paths that were called, below the base, and checks that the gate was asked before each.
func (e *fakeEnedis) requests() []string {
	e.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var apis, gates []string
	for _, path := range e.calls {
		api, _, _ := strings.Cut(path, "/")
		apis = append(apis, api)
	}
	for _, c := range e.gates {
		gates = append(gates, c.API)
	}
	require.ElementsMatch(e.t, apis, gates, "the gate is asked once before each request")
	return e.calls
}

func (e *fakeEnedis) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, basePath+"/")
	assert.True(e.t, ok, "the base URL's path is kept")
	assert.Equal(e.t, userAgent, r.Header.Get("User-Agent"))
	e.mu.Lock()
	assert.Greater(e.t, len(e.gates), len(e.calls), "no request before the gate was asked")
	e.calls = append(e.calls, path)
	w.Header().Set("Date", e.now.Format(http.TimeFormat))
	e.mu.Unlock()

	if path == "oauth2/v3/token" {
		e.serveToken(w, r)
		return
	}
	method, contentType := http.MethodGet, ""
	if path == servicesCall {
		method, contentType = http.MethodPost, "application/json"
	}
	assert.Equal(e.t, method, r.Method)
	assert.Equal(e.t, contentType, r.Header.Get("Content-Type"))
	assert.Equal(e.t, "application/json", r.Header.Get("Accept"))
	assert.NotContains(e.t, r.URL.RawQuery, "secret")
	w.Header().Set("Content-Type", "application/octet-stream") // as met in reality: nobody may rely on it
	r.URL.Path = path
	e.data(w, r)
}

func (e *fakeEnedis) serveToken(w http.ResponseWriter, r *http.Request) {
	assert.Equal(e.t, http.MethodPost, r.Method)
	assert.Equal(e.t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	assert.Empty(e.t, r.URL.RawQuery)
	id, secret, ok := r.BasicAuth()
	assert.True(e.t, ok)
	assert.Equal(e.t, url.QueryEscape(clientID), id)
	assert.Equal(e.t, url.QueryEscape(clientSecret), secret)
	body, err := io.ReadAll(r.Body)
	assert.NoError(e.t, err)
	assert.Equal(e.t, "grant_type=client_credentials", string(body))
	if e.token != nil {
		e.token(w, r)
		return
	}
	grant(w, e.nextToken(), 12600)
}

// nextToken is token-1, token-2 and so on.
func (e *fakeEnedis) nextToken() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens++
	return "token-" + string(rune('0'+e.tokens))
}

func grant(w http.ResponseWriter, token string, expiresIn any) {
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": token, "token_type": "Bearer", "scope": "am_application_scope default", "expires_in": expiresIn,
	})
}

// refuse answers as Enedis's gateway does to a token that is worn out.
func refuse(w http.ResponseWriter) {
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{"fault":{"code":900901,"message":"Invalid Credentials","description":"expired"}}`)
}

// answer gives a handler that sends the same to everyone.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func sample(t testing.TB, name string) string {
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

// daily asks for the consumption of 14 to 20 November.
func daily() enedis.Request {
	return enedis.Request{
		PRM: consumer, Direction: meter.Consumption, Measure: meter.Daily,
		Days: meter.Days{From: day("2026-11-14"), To: day("2026-11-21")},
	}
}
