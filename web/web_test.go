package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/web"
)

func TestHealthz(t *testing.T) {
	tests := map[string]struct {
		change func(*fake)
		status int
		want   []string
	}{
		"while all is well":             {change: func(*fake) {}, status: 200, want: []string{`"status":"ok"`, `"version":"1.2.3"`, `"ready":true`, `"left":988`}},
		"while the broker is away":      {change: func(f *fake) { f.ready = false }, status: 200, want: []string{`"status":"ok"`, `"ready":false`}},
		"while the schedule stands":     {change: func(f *fake) { f.sick = errors.New("stood still") }, status: 503, want: []string{`"status":"failing"`, "stood still"}},
		"while the store is unreadable": {change: func(f *fake) { f.fail, f.sick = errors.New("disk"), errors.New("disk") }, status: 503, want: []string{`"bridge":null`}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := home()
			tc.change(f)
			status, body := get(t, server(t, f), "/healthz")
			require.Equal(t, tc.status, status)
			for _, want := range tc.want {
				require.Contains(t, body, want)
			}
			requireNoPRM(t, body)
		})
	}
}

func TestReadyz(t *testing.T) {
	f := home()
	s := server(t, f)
	status, _ := get(t, s, "/readyz")
	require.Equal(t, http.StatusOK, status)
	f.ready = false
	status, _ = get(t, s, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
}

func TestMetrics(t *testing.T) {
	_, body := get(t, server(t, home()), "/metrics")
	golden(t, "metrics.golden.txt", body)
	requireNoPRM(t, body)
	w := httptest.NewRecorder()
	server(t, home()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, "text/plain; version=0.0.4; charset=utf-8", w.Header().Get("Content-Type"))
}

func TestMetricsNameEachMeterOnce(t *testing.T) {
	f := home()
	f.meters = append(f.meters, f.meters[0], f.meters[0])
	f.meters[0].Name, f.meters[1].Name, f.meters[2].Name, f.meters[3].Name = "A", "A#2", "A", "A"
	status, body := get(t, server(t, f), "/metrics")
	require.Equal(t, http.StatusOK, status)
	var labels []string
	for _, m := range regexp.MustCompile(`enedis2mqtt_light{meter="(.*)"}`).FindAllStringSubmatch(body, -1) {
		labels = append(labels, m[1])
	}
	require.ElementsMatch(t, []string{"A", "A#2", "A#3", "A#4"}, labels)
}

func TestMetricsWhileTheStoreFails(t *testing.T) {
	f := home()
	f.fail, f.sick = errors.New("disk I/O error"), errors.New("disk I/O error")
	status, body := get(t, server(t, f), "/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "\nenedis2mqtt_up 0\n")
}

func TestPasswordGuardsAllButHealth(t *testing.T) {
	s := server(t, home(), func(o *web.Options) { o.Username, o.Password = "linky", "secret" })
	state := "/api/v1/meters/" + string(house) + "/state"
	tests := map[string]struct {
		path, user, password string
		want                 int
	}{
		"the page without a password":  {path: "/", want: 401},
		"the API without a password":   {path: state, want: 401},
		"metrics without a password":   {path: "/metrics", want: 401},
		"an unknown path":              {path: "/elsewhere", want: 401},
		"a wrong password":             {path: "/", user: "linky", password: "Secret", want: 401},
		"a wrong user":                 {path: "/", user: "Linky", password: "secret", want: 401},
		"an empty password":            {path: "/", user: "linky", want: 401},
		"user and password":            {path: state, user: "linky", password: "secret", want: 200},
		"health without a password":    {path: "/healthz", want: 200},
		"readiness without a password": {path: "/readyz", want: 200},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tc.path, nil)
			if tc.user != "" {
				r.SetBasicAuth(tc.user, tc.password)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			require.Equal(t, tc.want, w.Code)
			if tc.want == http.StatusUnauthorized {
				require.Contains(t, w.Header().Get("WWW-Authenticate"), "Basic")
			}
		})
	}
}

func TestPostFromAnotherSiteIsRefused(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(""))
	r.Header.Set("Origin", "https://elsewhere.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	server(t, home()).ServeHTTP(w, r)
	require.Equal(t, http.StatusForbidden, w.Code)
}

func TestEveryAnswerKeepsToItself(t *testing.T) {
	s := server(t, home(), func(o *web.Options) { o.Username, o.Password = "linky", "secret" })
	for _, path := range []string{"/", "/healthz", "/elsewhere"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
}

func TestRunAnswersUntilItsContextEnds(t *testing.T) {
	found := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	f := home()
	s := server(t, f, func(o *web.Options) { o.Log = slog.New(slog.NewTextHandler(tap{found}, nil)) })
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()

	url := "http://" + <-found
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/readyz", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)

	cancel()
	require.NoError(t, <-done)
	_, err = new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	require.Error(t, err)
	http.DefaultClient.CloseIdleConnections()
}

func TestRunSaysThatItsAddressIsTaken(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	err = server(t, home(), func(o *web.Options) { o.Addr = l.Addr().String() }).Run(t.Context())
	require.ErrorContains(t, err, "HTTP_ADDR")
}

// tap finds the address in the log line that tells it.
type tap struct{ found chan<- string }

func (t tap) Write(p []byte) (int, error) {
	if _, after, ok := bytes.Cut(p, []byte("addr=")); ok {
		t.found <- strings.TrimSpace(string(after))
	}
	return len(p), nil
}
