package enedistest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
)

func TestTokenEndpoint(t *testing.T) {
	const form, grant = "application/x-www-form-urlencoded", "grant_type=client_credentials"
	cases := map[string]struct {
		path, contentType, body string
		id, secret              string // by Basic
		status                  int
		want                    string // a sample; empty: not minded
	}{
		"credentials in the body":   {body: grant + "&client_id=id&client_secret=secret", status: 200},
		"credentials in the header": {body: grant, id: "id", secret: "secret", status: 200},
		"credentials in the query string": {
			path: "?client_id=id&client_secret=secret", body: grant, status: 400, want: "token/400_invalid_request",
		},
		"credentials twice":     {body: grant + "&client_id=id&client_secret=secret", id: "id", secret: "secret", status: 400},
		"no credentials":        {body: grant, status: 400, want: "token/400_invalid_request"},
		"a wrong secret":        {body: grant, id: "id", secret: "guess", status: 401, want: "token/401_invalid_client"},
		"a wrong identity":      {body: grant, id: "me", secret: "secret", status: 401, want: "token/401_invalid_client"},
		"no grant":              {body: "client_id=id", status: 400, want: "token/400_invalid_request"},
		"another grant":         {body: "grant_type=authorization_code", status: 400, want: "token/400_unsupported_grant_type"},
		"a scope":               {body: grant + "&scope=all&client_id=id&client_secret=secret", status: 400},
		"JSON":                  {contentType: "application/json", body: "{}", status: 415},
		"a form that is broken": {body: "%zz", status: 400, want: "token/400_invalid_request"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := &client{Client: &http.Client{Transport: fixture().Transport()}}
			req, err := http.NewRequestWithContext(
				t.Context(), http.MethodPost, "http://enedis.test/oauth2/v3/token"+tc.path, strings.NewReader(tc.body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", form)
			if tc.contentType != "" {
				req.Header.Set("Content-Type", tc.contentType)
			}
			if tc.id != "" {
				req.SetBasicAuth(tc.id, tc.secret)
			}
			r := c.do(t, req)
			require.Equal(t, tc.status, r.status, r.body)
			if tc.want != "" {
				require.JSONEq(t, sample(t, tc.want), r.body)
			}
		})
	}
}

func TestOAuth2TakesTheToken(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{
		"in the header": oauth2.AuthStyleInHeader, "in the body": oauth2.AuthStyleInParams,
	} {
		t.Run(name, func(t *testing.T) {
			e := fixture(func(o *enedistest.Options) { o.ClientSecret = "s:cr%t+ é" })
			config := clientcredentials.Config{
				ClientID: "id", ClientSecret: "s:cr%t+ é", TokenURL: "http://enedis.test/oauth2/v3/token", AuthStyle: style,
			}
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: e.Transport()})
			token, err := config.Token(ctx)
			require.NoError(t, err)
			require.Equal(t, "Bearer", token.TokenType)
			require.True(t, token.Valid())
		})
	}
}

func TestAnyCredentialsWillDoWhenNoneAreSet(t *testing.T) {
	e := fixture(func(o *enedistest.Options) { o.ClientID, o.ClientSecret = "", "" })
	require.NotEmpty(t, dial(t, e).token)
}

func TestAuthorization(t *testing.T) {
	now := noon()
	e := fixture(func(o *enedistest.Options) { o.Now, o.TokenLife = func() time.Time { return now }, time.Hour })
	c := dial(t, e)
	first := c.token
	path := pathV5("/metering_data_dc/v5/daily_consumption", consumer, "2026-11-15", "2026-11-22")
	require.Equal(t, http.StatusOK, c.get(t, path).status)

	c.token = ""
	r := c.get(t, path)
	require.Equal(t, http.StatusUnauthorized, r.status)
	require.Contains(t, r.body, "900902")

	c.token = "made up"
	r = c.get(t, path)
	require.Equal(t, http.StatusUnauthorized, r.status)
	require.JSONEq(t, sample(t, "errors/401_fault_900901_invalid_credentials"), r.body)

	c.renew(t)
	require.NotEqual(t, first, c.token, "two tokens of one second differ")
	second := c.token
	c.token = first
	require.Equal(t, http.StatusOK, c.get(t, path).status, "the older one is good as well")

	now = now.Add(time.Hour)
	require.Equal(t, http.StatusUnauthorized, c.get(t, path).status, "it has expired")
	c.renew(t)
	require.Equal(t, http.StatusOK, c.get(t, path).status)
	e.ExpireTokens()
	require.Equal(t, http.StatusUnauthorized, c.get(t, path).status)
	c.token = second
	require.Equal(t, http.StatusUnauthorized, c.get(t, path).status)
}
