package enedis_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

const prm = "09876543210987"

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func open(context.Context, enedis.Call) error { return nil }

// roundTripper is a transport that needs no socket.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// serve gives a caller for a handler whose answers bear the caller's time, and the handler's URL.
func serve(t *testing.T, gate enedis.Gate, h http.HandlerFunc) (*enedis.Caller, string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", noon.Format(http.TimeFormat))
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return enedis.NewCaller(server.Client(), gate, "enedis2mqtt/test", atNoon), server.URL
}

func get(ctx context.Context, t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	return req
}

func TestCallerAsksTheGateBeforeEachRequest(t *testing.T) {
	var log []string
	gate := func(_ context.Context, c enedis.Call) error {
		log = append(log, "gate "+c.API)
		return nil
	}
	caller, url := serve(t, gate, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "enedis2mqtt/test", r.Header.Get("User-Agent"))
		log = append(log, "request "+r.URL.Path)
		w.Header().Set("X-Kept", "yes")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "body")
	})

	for range 2 {
		answer, err := caller.Do(get(t.Context(), t, url+"/a"), enedis.Call{API: "api"}, "op")
		require.NoError(t, err)
		require.Equal(t, http.StatusTeapot, answer.Status)
		require.Equal(t, "yes", answer.Header.Get("X-Kept"))
		require.Equal(t, "body", string(answer.Body))
		require.Equal(t, "op", answer.Op)
		require.Equal(t, noon, answer.At)
	}
	require.Equal(t, []string{"gate api", "request /a", "gate api", "request /a"}, log)
}

func TestCallerRepeatsNothingByItself(t *testing.T) {
	var requests atomic.Int64
	caller, url := serve(t, open, func(http.ResponseWriter, *http.Request) {
		if requests.Add(1) == 2 {
			panic(http.ErrAbortHandler) // the connection breaks before an answer
		}
	})
	_, err := caller.Do(get(t.Context(), t, url), enedis.Call{API: "api"}, "op")
	require.NoError(t, err)
	_, err = caller.Do(get(t.Context(), t, url), enedis.Call{API: "api"}, "op")
	require.Error(t, err)
	require.Equal(t, int64(2), requests.Load())
}

func TestCallerSendsNothingPastAClosedGate(t *testing.T) {
	closed := &enedis.BudgetError{API: "api", Until: noon.Add(time.Hour)}
	caller, url := serve(t, func(context.Context, enedis.Call) error { return closed },
		func(http.ResponseWriter, *http.Request) { t.Error("a request passed the closed gate") })

	_, err := caller.Do(get(t.Context(), t, url), enedis.Call{API: "api"}, "op")

	require.ErrorIs(t, err, enedis.ErrBudget)
	require.Equal(t, enedis.Quota, enedis.ActionOf(err))
}

func TestCallerFollowsNoRedirect(t *testing.T) {
	calls := 0
	caller, url := serve(t, open, func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})

	answer, err := caller.Do(get(t.Context(), t, url), enedis.Call{API: "api"}, "op")

	require.NoError(t, err)
	require.Equal(t, 1, calls)
	require.Equal(t, http.StatusFound, answer.Status)
	require.Equal(t, enedis.Retry, answer.Refusal().Action())
}

func TestCallerRefusesAnAnswerAboveEightMebibytes(t *testing.T) {
	for size, tooLarge := range map[int]bool{8 << 20: false, 8<<20 + 1: true} {
		caller, url := serve(t, open, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), size))
		})
		answer, err := caller.Do(get(t.Context(), t, url), enedis.Call{API: "api"}, "op")
		if !tooLarge {
			require.NoError(t, err)
			require.Len(t, answer.Body, size)
			continue
		}
		refusal, ok := errors.AsType[*enedis.Error](err)
		require.True(t, ok)
		require.Equal(t, enedis.CodeUnreadable, refusal.Code)
		require.Equal(t, enedis.Retry, enedis.ActionOf(err))
	}
}

func TestCallerChecksTheClock(t *testing.T) {
	tests := map[string]struct {
		date string
		used bool
	}{
		"the same time":             {noon.Format(http.TimeFormat), true},
		"ten minutes ahead":         {noon.Add(10 * time.Minute).Format(http.TimeFormat), true},
		"ten minutes behind":        {noon.Add(-10 * time.Minute).Format(http.TimeFormat), true},
		"over ten minutes ahead":    {noon.Add(601 * time.Second).Format(http.TimeFormat), false},
		"over ten minutes behind":   {noon.Add(-601 * time.Second).Format(http.TimeFormat), false},
		"no date":                   {"", true},
		"a date that is no date":    {"yesterday", true},
		"our clock at its very own": {time.Unix(0, 0).UTC().Format(http.TimeFormat), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			caller, url := serve(t, open, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", test.date)
				if test.date == "" {
					w.Header()["Date"] = nil
				}
				w.WriteHeader(http.StatusInternalServerError)
			})
			_, err := caller.Do(get(t.Context(), t, url), enedis.Call{API: "api"}, "op")
			if test.used {
				require.NoError(t, err)
				return
			}
			clock, ok := errors.AsType[*enedis.ClockError](err)
			require.True(t, ok)
			require.Equal(t, noon, clock.Ours)
			require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
		})
	}
}

func TestCallerGivesUpAfterThirtySeconds(t *testing.T) {
	tests := map[string]roundTripper{
		"without an answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"within the body": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(stalled{r.Context()})}, nil
		},
	}
	for name, transport := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := func(context.Context, enedis.Call) error {
					time.Sleep(time.Minute) // the wait for our own rate is none of the source's
					return nil
				}
				caller := enedis.NewCaller(&http.Client{Transport: transport}, gate, "", time.Now)
				start := time.Now()
				_, err := caller.Do(get(t.Context(), t, "https://enedis.example/?pointId="+prm), enedis.Call{API: "api"}, "op")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, time.Minute+30*time.Second, time.Since(start))
				require.Equal(t, enedis.Retry, enedis.ActionOf(err))
				require.NotContains(t, err.Error(), prm)
			})
		})
	}
}

// stalled is a body that never ends.
type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestCallerKeepsThePRMOutOfNetworkErrors(t *testing.T) {
	cause := errors.New("connection refused")
	tests := map[string]roundTripper{
		"a failure of the transport": func(*http.Request) (*http.Response, error) { return nil, cause },
		"a failure that quotes":      func(r *http.Request) (*http.Response, error) { return nil, errors.New(r.URL.String()) },
		"a location beyond parsing": func(*http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: http.StatusFound, Header: http.Header{"Location": {"::" + prm}}, Body: http.NoBody,
			}, nil
		},
	}
	for name, transport := range tests {
		t.Run(name, func(t *testing.T) {
			caller := enedis.NewCaller(&http.Client{Transport: transport}, open, "", atNoon)
			_, err := caller.Do(get(t.Context(), t, "https://enedis.example/x?pointId="+prm), enedis.Call{API: "api"}, "op")
			require.Error(t, err)
			require.NotContains(t, err.Error(), prm)
			require.True(t, strings.HasPrefix(err.Error(), "enedis.example: "), err.Error())
			_, refused := errors.AsType[*enedis.Error](err)
			require.False(t, refused, "a network failure is no refusal")
		})
	}
}

func TestCallerHonoursTheCallersContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		cancel()
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	caller := enedis.NewCaller(&http.Client{Transport: transport}, open, "", atNoon)
	_, err := caller.Do(get(ctx, t, "https://enedis.example/"), enedis.Call{API: "api"}, "op")
	require.ErrorIs(t, err, context.Canceled)
}

func TestCallerTakesSecretsOutOfRefusals(t *testing.T) {
	tests := map[string]struct {
		status int
		want   string
	}{
		"a refusal":     {http.StatusUnauthorized, `bad secret … for id, Bearer … of …`},
		"a good answer": {http.StatusOK, `bad secret s3cr3t&more for id, Bearer … of …`}, // a token's answer must keep what it gives
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			caller, url := serve(t, open, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, `{"error":"x","error_description":"bad secret s3cr3t&more for id, Bearer abcdefgh.ijkl of jean@example.org"}`)
			})
			caller.Hide("s3cr3t&more", "id")
			answer, err := caller.Do(get(t.Context(), t, url), enedis.Call{API: "api"}, "op")
			require.NoError(t, err)
			require.Equal(t, test.want, answer.Refusal().Detail)
		})
	}
}
