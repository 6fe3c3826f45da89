//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// simulator is the simulator of Enedis, as the program itself offers it, behind a proxy that writes down each request.
type simulator struct {
	proxy *httptest.Server

	mu       sync.Mutex
	measures []string
}

// startSimulator starts it with n meters, whose yesterday is published at once.
func startSimulator(t *testing.T, n int) *simulator {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + freePort(t)}
	launch(t, nil, binary, "simulator", "--addr", target.Host, "--meters", strconv.Itoa(n), "--publish-at-once")
	await(t, "the simulator answers", 10*time.Second, func() error {
		_, _, err := get(t, target.String()+"/simulator/calls")
		return err
	})
	s := &simulator{}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	s.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.note(r)
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(s.proxy.Close)
	return s
}

func (s *simulator) url() string { return s.proxy.URL }

// note keeps a request for measures, with its meter and its days; tokens and contracts cost nothing that is counted here.
func (s *simulator) note(r *http.Request) {
	resource, ok := strings.CutPrefix(r.URL.Path, "/mesure_synchrone_auto/v2/")
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measures = append(s.measures, resource+"?"+r.URL.Query().Encode())
}

// calls lists the requests for measures in the order of their arrival, each as resource and sorted parameters.
func (s *simulator) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.measures)
}

// repeated gives the requests that came more than once.
func repeated(calls []string) []string {
	seen := make(map[string]bool)
	var twice []string
	for _, c := range calls {
		if seen[c] {
			twice = append(twice, c)
		}
		seen[c] = true
	}
	return twice
}
