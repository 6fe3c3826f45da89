package dataconnect_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	tokenCall = "oauth2/v3/token"
	dataCall  = "mesure_synchrone_auto/v2/consommation_quotidienne"
)

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	tests := map[string]struct {
		refused int // how many calls for data
		calls   []string
		ok      bool
	}{
		"refused once":   {1, []string{tokenCall, dataCall, tokenCall, dataCall}, true},
		"refused always": {9, []string{tokenCall, dataCall, tokenCall, dataCall}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refused := 0
			fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, r *http.Request) {
				if refused++; refused <= test.refused {
					refuse(w)
					return
				}
				assert.Equal(t, "Bearer token-2", r.Header.Get("Authorization"))
				_, _ = io.WriteString(w, sample(t, "2026/consommation_quotidienne.json"))
			})
			batch, err := client.Fetch(t.Context(), daily())
			require.Equal(t, test.calls, fake.requests())
			if test.ok {
				require.NoError(t, err)
				require.Len(t, batch.Days, 7)
				return
			}
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok)
			require.Equal(t, http.StatusUnauthorized, refusal.Status)
			require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
		})
	}
}

func TestATokenIsRenewedBeforeItExpires(t *testing.T) {
	for name, expiresIn := range map[string]any{"a number": 12600, "a string": "12600"} {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, answer(http.StatusOK, sample(t, "2026/consommation_quotidienne.json")))
			fake.token = func(w http.ResponseWriter, _ *http.Request) { grant(w, fake.nextToken(), expiresIn) }
			fetch := func(want ...string) {
				before := len(fake.requests())
				_, err := client.Fetch(t.Context(), daily())
				require.NoError(t, err)
				require.Equal(t, want, fake.requests()[before:])
			}
			fetch(tokenCall, dataCall)
			fake.pass(12600*time.Second - 2*time.Minute)
			fetch(dataCall)
			fake.pass(time.Minute)
			fetch(tokenCall, dataCall)
		})
	}
}

func TestTokenSamplesAreAccepted(t *testing.T) {
	for _, name := range []string{"token/200_ok.json", "token/200_ok_string_expiry.json"} {
		fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "Bearer HEADER.PAYLOAD.SIGNATURE", r.Header.Get("Authorization"))
			_, _ = io.WriteString(w, `{"idPrm":"09876543210987","grandeur":[]}`)
		})
		fake.token = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain") // the library would read a form
			answer(http.StatusOK, sample(t, name))(w, r)
		}
		for range 2 {
			_, err := client.Fetch(t.Context(), daily())
			require.NoError(t, err)
		}
		require.Equal(t, []string{tokenCall, dataCall, dataCall}, fake.requests(), name)
	}
}

func TestTokenRefusals(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		code   string
		action enedis.Action
	}{
		"wrong credentials": {401, sample(t, "token/401_invalid_client.json"), "invalid_client", enedis.FixSettings},
		"a bad request":     {400, sample(t, "token/400_invalid_request.json"), "invalid_request", enedis.FixSettings},
		"the gateway's fault": {
			401, `{"fault":{"code":900901,"message":"Invalid Credentials"}}`, "900901", enedis.FixSettings,
		},
		"the gateway's fault, flat": {403, `{"code":"900908","message":"x"}`, "900908", enedis.FixSettings},
		"401 in HTML":               {401, `<html>`, "", enedis.FixSettings},
		"403 without a code":        {403, `{"code":"403","message":"no"}`, "", enedis.FixSettings},
		"500 in HTML":               {500, `<html>`, enedis.CodeUnreadable, enedis.Retry},
		"503 without a body":        {503, ``, enedis.CodeUnreadable, enedis.Retry},
		"quota":                     {429, `{"error":"Quota Q3 reached"}`, "Quota Q3 reached", enedis.Quota},
		"200 in HTML":               {200, `<html>`, enedis.CodeUnreadable, enedis.Retry},
		"200 without a token":       {200, `{}`, enedis.CodeUnreadable, enedis.Retry},
		"200 with a token of sorts": {200, `{"access_token":{}}`, enedis.CodeUnreadable, enedis.Retry},
		"200 with an error":         {200, `{"error":"invalid_client"}`, "invalid_client", enedis.FixSettings},
		"a redirect":                {302, ``, enedis.CodeUnreadable, enedis.Retry},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, nil)
			fake.token = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				answer(test.status, test.body)(w, r)
			}
			_, err := client.Fetch(t.Context(), daily())
			_, ok := errors.AsType[*enedis.TokenError](err)
			require.True(t, ok)
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok)
			require.Equal(t, "token", refusal.Op)
			require.Equal(t, test.status, refusal.Status)
			require.Equal(t, test.code, refusal.Code)
			require.Equal(t, test.action, enedis.ActionOf(err))
			require.Equal(t, []string{tokenCall}, fake.requests(), "asked once, in one way")
			require.NotContains(t, err.Error(), clientSecret)
		})
	}
}

func TestATokenEndpointOutOfReachIsNoRefusal(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client, err := dataconnect.New(dataconnect.Options{
		BaseURL: server.URL, Version: dataconnect.V5, ClientID: clientID, ClientSecret: clientSecret,
		Gate: func(context.Context, enedis.Call) error { return nil }, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	_, err = client.Fetch(t.Context(), daily())
	_, ok := errors.AsType[*enedis.TokenError](err)
	require.True(t, ok)
	_, refused := errors.AsType[*enedis.Error](err)
	require.False(t, refused)
	require.Equal(t, enedis.Retry, enedis.ActionOf(err))
}

func TestABlankAnswerIsBlamedOnAnOldToken(t *testing.T) {
	tests := map[string]struct {
		age   time.Duration
		body  string
		then  string
		calls []string
		days  int
	}{
		"a young token: no data": {time.Hour, `{}`, `{}`, []string{dataCall}, 0},
		"an old token, whose renewal helps": {
			time.Hour + time.Second, `{}`, sample(t, "2026/consommation_quotidienne.json"),
			[]string{dataCall, tokenCall, dataCall},
			7,
		},
		"an old token, whose renewal does not help: no data": {
			2 * time.Hour, `{"idPrm":null}`, `{}`, []string{dataCall, tokenCall, dataCall}, 0,
		},
		"an old token and an empty frame: no data": {
			2 * time.Hour, `{"idPrm":"09876543210987","grandeur":[]}`, `{}`, []string{dataCall}, 0,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bodies := []string{`{}`, test.body, test.then}
			fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, bodies[0])
				bodies = bodies[1:]
			})
			_, err := client.Fetch(t.Context(), daily())
			require.NoError(t, err)
			fake.pass(test.age)
			before := len(fake.requests())
			batch, err := client.Fetch(t.Context(), daily())
			require.NoError(t, err)
			require.Len(t, batch.Days, test.days)
			require.Equal(t, test.calls, fake.requests()[before:])
		})
	}
}

// inMemory answers requests by calling h, so that fake time can pass.
type inMemory struct{ h http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	m.h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// slowEnedis takes a second for each token, or as long as the caller waits where stuck says so, and counts them.
func slowEnedis(t *testing.T, stuck func(fetch int64) bool, status int) (*dataconnect.Client, *atomic.Int64) {
	t.Helper()
	var fetches atomic.Int64
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, tokenCall) {
			_, _ = io.WriteString(w, `{"idPrm":"09876543210987","grandeur":[]}`)
			return
		}
		if stuck(fetches.Add(1)) {
			<-r.Context().Done()
			return
		}
		time.Sleep(time.Second) // of the bubble that each caller runs in
		w.WriteHeader(status)
		grant(w, "token", 12600)
	})
	client, err := dataconnect.New(dataconnect.Options{
		BaseURL: "https://enedis.example", Version: dataconnect.V2026, ClientID: clientID, ClientSecret: clientSecret,
		HTTP: &http.Client{Transport: inMemory{h}}, Gate: func(context.Context, enedis.Call) error { return nil },
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return client, &fetches
}

func never(int64) bool { return false }

// lastCentury asks for days that are over when fake time begins, on 1 January 2000.
func lastCentury() enedis.Request {
	req := daily()
	req.Days = meter.Days{From: day("1999-12-20"), To: day("1999-12-27")}
	return req
}

func TestConcurrentRequestsShareATokenFetch(t *testing.T) {
	for name, status := range map[string]int{"granted": http.StatusOK, "refused": http.StatusInternalServerError} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, fetches := slowEnedis(t, never, status)
				var group errgroup.Group
				for range 4 {
					group.Go(func() error {
						_, err := client.Fetch(t.Context(), lastCentury())
						return err
					})
				}
				err := group.Wait()
				require.Equal(t, int64(1), fetches.Load())
				if status == http.StatusOK {
					require.NoError(t, err)
					return
				}
				_, ok := errors.AsType[*enedis.TokenError](err)
				require.True(t, ok)
			})
		})
	}
}

func TestWhoWaitsForATokenHonoursItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, fetches := slowEnedis(t, never, http.StatusOK)
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var group errgroup.Group
		group.Go(func() error {
			_, err := client.Fetch(t.Context(), lastCentury())
			return err
		})
		synctest.Wait()
		_, err := client.Fetch(impatient, lastCentury())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, group.Wait(), "the others are not disturbed")
		require.Equal(t, int64(1), fetches.Load())
	})
}

func TestAFetchThatIsAbandonedIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, fetches := slowEnedis(t, func(fetch int64) bool { return fetch == 1 }, http.StatusOK)
		first, abandon := context.WithCancel(t.Context())
		var gaveUp error
		var group errgroup.Group
		group.Go(func() error {
			_, gaveUp = client.Fetch(first, lastCentury())
			return nil
		})
		synctest.Wait()
		for range 3 {
			group.Go(func() error {
				_, err := client.Fetch(t.Context(), lastCentury())
				return err
			})
		}
		synctest.Wait()
		abandon()
		require.NoError(t, group.Wait())
		require.ErrorIs(t, gaveUp, context.Canceled)
		require.Equal(t, int64(2), fetches.Load())
	})
}

func TestATokenFetchEndsAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := slowEnedis(t, func(int64) bool { return true }, http.StatusOK)
		start := time.Now()
		_, err := client.Fetch(t.Context(), lastCentury())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(start))
		require.Equal(t, enedis.Retry, enedis.ActionOf(err))
	})
}

func TestRefusedTogetherRenewedOnce(t *testing.T) {
	var barrier atomic.Int64
	together := make(chan struct{})
	fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" {
			if barrier.Add(1) == 4 {
				close(together)
			}
			<-together // all of them hold the first token
			refuse(w)
			return
		}
		_, _ = io.WriteString(w, `{}`)
	})
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			_, err := client.Fetch(t.Context(), daily())
			return err
		})
	}
	require.NoError(t, group.Wait())
	tokens := 0
	for _, call := range fake.requests() {
		if call == tokenCall {
			tokens++
		}
	}
	require.Equal(t, 2, tokens)
}
