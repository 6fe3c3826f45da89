package dataconnect_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// FuzzGrants reads whatever a browser may bring, with whatever Enedis may say of it: what is granted is a PRM, once, and no
// error holds one.
func FuzzGrants(f *testing.F) {
	var redirects map[string]string
	require.NoError(f, json.Unmarshal([]byte(sample(f, "consent/authorize_redirects.json")), &redirects))
	for _, redirect := range redirects {
		_, query, _ := strings.Cut(redirect, "?")
		for _, services := range []string{"response", "response_not_ready", "response_selfconsumption", "response_terminated"} {
			f.Add(query, sample(f, "2026/subscribed_services_"+services+".json"), false)
		}
	}
	f.Add("usage_point_id=09876543210987%3B33000000000033,", "{}", true)
	f.Add("Error=x&error_description=09876543210987", "null", true)
	f.Add("error=\x00", "0", true)
	f.Add("autorisation_id=123456789", `{"error":"Bad request"}`, true)

	prm, digits := regexp.MustCompile(`^[0-9]{14}$`), regexp.MustCompile(`[0-9]{14}`)
	f.Fuzz(func(t *testing.T, query, services string, v5 bool) {
		back, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		grants, err := canned(t, services, v5).Grants(t.Context(), back)
		if err != nil {
			require.Empty(t, grants)
			require.NotRegexp(t, digits, err.Error())
			var failure *enedis.ConsentError
			require.True(t, !errors.As(err, &failure) || failure.Code != "", "a failure says what it is")
			return
		}
		require.NotEmpty(t, grants)
		seen := map[meter.PRM]bool{}
		for _, g := range grants {
			require.Regexp(t, prm, string(g.PRM))
			require.False(t, seen[g.PRM], "each meter once")
			require.NotZero(t, g.Until)
			seen[g.PRM] = true
		}
	})
}

// canned is a client to whom every API says the same.
func canned(t *testing.T, body string, v5 bool) *dataconnect.Client {
	t.Helper()
	version := dataconnect.V2026
	if v5 {
		version = dataconnect.V5
	}
	client, err := dataconnect.New(dataconnect.Options{
		BaseURL: "https://enedis.example", Version: version, ClientID: clientID, ClientSecret: clientSecret,
		HTTP: &http.Client{Transport: inMemory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, tokenCall) {
				grant(w, "token", 12600)
				return
			}
			_, _ = io.WriteString(w, body)
		})}},
		Gate: func(context.Context, enedis.Call) error { return nil },
		Now:  func() time.Time { return time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC) },
		Log:  slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return client
}
