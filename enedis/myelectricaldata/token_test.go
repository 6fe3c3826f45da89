package myelectricaldata_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
)

func credentials() myelectricaldata.Options {
	return myelectricaldata.Options{Version: v2, ClientID: "id", ClientSecret: secret}
}

// withTokens answers the token endpoint with granted, and the rest for the tokens that good accepts.
func withTokens(t *testing.T, granted func(n int) (status int, body string), good func(token string) bool) http.HandlerFunc {
	t.Helper()
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/accounts/token" {
			if !good(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, `{"detail":"Invalid authentication credentials"}`)
				return
			}
			_, _ = io.WriteString(w, nothing)
			return
		}
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
		assert.Equal(t, "client_credentials", r.PostFormValue("grant_type"))
		assert.Equal(t, "id", r.PostFormValue("client_id"))
		assert.Equal(t, secret, r.PostFormValue("client_secret"))
		n++
		status, body := granted(n)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func numbered(n int) (int, string) {
	return http.StatusOK, fmt.Sprintf(`{"access_token":"token-%d","token_type":"bearer"}`, n)
}

func anyToken(string) bool { return true }

func tokensFetched(g *fakeGateway) int {
	n := 0
	for _, r := range g.requests() {
		if r == "POST /accounts/token" {
			n++
		}
	}
	return n
}

func TestATokenLivesThirtyDays(t *testing.T) {
	g, client := newGateway(t, credentials(), withTokens(t, numbered, anyToken))
	for _, step := range []struct {
		pass  time.Duration
		after int
	}{{0, 1}, {time.Minute, 1}, {30*24*time.Hour - 2*time.Hour, 1}, {2 * time.Hour, 2}} {
		g.pass(step.pass)
		_, err := client.Fetch(t.Context(), daily())
		require.NoError(t, err)
		require.Equal(t, step.after, tokensFetched(g), "after %s more", step.pass)
	}
}

func TestATokenThatSaysHowLongItLivesIsBelieved(t *testing.T) {
	g, client := newGateway(t, credentials(), withTokens(t, func(int) (int, string) {
		return http.StatusOK, `{"access_token":"x","token_type":"bearer","expires_in":7200}`
	}, anyToken))
	for range 2 {
		_, err := client.Fetch(t.Context(), daily())
		require.NoError(t, err)
		g.pass(time.Hour)
	}
	require.Equal(t, 2, tokensFetched(g))
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	g, client := newGateway(t, credentials(), withTokens(t, numbered, func(token string) bool { return token == "token-2" }))
	_, err := client.Fetch(t.Context(), daily())
	require.NoError(t, err)
	require.Len(t, g.requests(), 4)

	g, client = newGateway(t, credentials(), withTokens(t, numbered, func(string) bool { return false }))
	_, err = client.Fetch(t.Context(), daily())
	require.Equal(t, http.StatusUnauthorized, requireRefusal(t, err).Status)
	require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
	require.Len(t, g.requests(), 4, "not for ever")

	g, client = newGateway(t, myelectricaldata.Options{Version: v2, Token: secret}, withTokens(t, numbered, func(string) bool { return false }))
	_, err = client.Fetch(t.Context(), daily())
	require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
	require.Len(t, g.requests(), 1, "a secret is not renewed")
}

func TestNoToken(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		action enedis.Action
	}{
		"the secret is wrong":     {401, `{"detail":"Invalid client credentials"}`, enedis.FixSettings},
		"the account is inactive": {403, `{"detail":"User account is inactive"}`, enedis.FixSettings},
		"something is missing":    {422, `{"detail":"client_id and client_secret are required"}`, enedis.FixSettings},
		"trouble":                 {500, `{"detail":"Internal Server Error"}`, enedis.Retry},
		"a page":                  {200, `<html>`, enedis.Retry},
		"an empty answer":         {200, `{}`, enedis.Retry},
	} {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, credentials(), withTokens(t, func(int) (int, string) { return test.status, test.body }, anyToken))
			_, err := client.Fetch(t.Context(), daily())
			_, ofTheToken := errors.AsType[*enedis.TokenError](err)
			require.True(t, ofTheToken)
			require.Equal(t, test.action, enedis.ActionOf(err))
			require.NotContains(t, err.Error(), secret)
			require.Len(t, g.requests(), 1)
		})
	}
}

func TestOneTokenForAll(t *testing.T) {
	g, client := newGateway(t, credentials(), withTokens(t, numbered, anyToken))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := client.Fetch(t.Context(), daily())
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, 1, tokensFetched(g))
}

func TestWaitingForATokenEndsWithItsContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	_, client := newGateway(t, credentials(), withTokens(t, func(n int) (int, string) {
		close(asked)
		<-release
		return numbered(n)
	}, anyToken))
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := client.Fetch(t.Context(), daily())
		assert.NoError(t, err)
	})
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Fetch(ctx, daily())
	require.ErrorIs(t, err, context.Canceled)
	close(release)
	wg.Wait()
}
