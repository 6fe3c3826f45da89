package dataconnect_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// customer goes to the consent page of the simulated Enedis on the client's behalf.
type customer struct {
	enedis *enedistest.Enedis
	client *dataconnect.Client
}

func newCustomer(t *testing.T, version dataconnect.Version) customer {
	t.Helper()
	noon := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, meter.Paris()) }
	c := customer{enedis: enedistest.New(enedistest.Options{
		Now: noon, ClientID: clientID, ClientSecret: clientSecret, RedirectURI: "https://application.example/cb",
		Limits: enedistest.Limits{CallsPerSecond: enedistest.Unlimited},
		Meters: []enedistest.Meter{
			{PRM: consumer, NoConsent: true},
			{PRM: producer, Kind: enedistest.SelfConsumer, NoConsent: true},
		},
	})}
	path := map[dataconnect.Version]string{
		dataconnect.V2026: enedistest.AuthorizePath2026, dataconnect.V5: enedistest.AuthorizePathV5,
	}
	client, err := dataconnect.New(dataconnect.Options{
		BaseURL: "https://enedis.example", Version: version, ClientID: clientID, ClientSecret: clientSecret,
		AuthorizeURL: "https://enedis.example" + path[version], Duration: "P1Y",
		HTTP: &http.Client{Transport: c.enedis.Transport()},
		Gate: func(context.Context, enedis.Call) error { return nil }, Now: noon, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	c.client = client
	return c
}

// decide sends the page's form, and gives the parameters that come back to the application.
func (c customer) decide(t *testing.T, decision string, prms ...string) url.Values {
	t.Helper()
	browser := http.Client{
		Transport:     c.enedis.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := browser.PostForm(c.client.ConsentURL("9f2c"), url.Values{"decision": {decision}, "prm": prms})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	back, err := resp.Location()
	require.NoError(t, err)
	require.Equal(t, "9f2c", back.Query().Get("state"))
	return back.Query()
}

func TestACustomerOfTheSimulatorConsents(t *testing.T) {
	until := day("2027-11-21")
	tests := map[dataconnect.Version]struct {
		prms []string
		want []enedis.Grant
	}{
		dataconnect.V2026: {
			[]string{string(producer)},
			[]enedis.Grant{{PRM: producer, Directions: meter.Directions(), Until: until}},
		},
		dataconnect.V5: {
			[]string{string(producer), string(consumer)},
			[]enedis.Grant{{PRM: consumer, Until: until}, {PRM: producer, Until: until}},
		},
	}
	for version, test := range tests {
		t.Run(string(version), func(t *testing.T) {
			c := newCustomer(t, version)
			request := daily()
			request.PRM = producer
			_, err := c.client.Fetch(t.Context(), request)
			require.Equal(t, enedis.RenewConsent, enedis.ActionOf(err))

			grants, err := c.client.Grants(t.Context(), c.decide(t, "accept", test.prms...))
			require.NoError(t, err)
			require.Equal(t, test.want, grants)
			batch, err := c.client.Fetch(t.Context(), request)
			require.NoError(t, err)
			require.Len(t, batch.Days, 7)
		})
	}
}

func TestACustomerOfTheSimulatorDoesNotConsent(t *testing.T) {
	for _, version := range []dataconnect.Version{dataconnect.V2026, dataconnect.V5} {
		c := newCustomer(t, version)
		_, err := c.client.Grants(t.Context(), c.decide(t, "refuse"))
		var failure *enedis.ConsentError
		require.ErrorAs(t, err, &failure)
		require.True(t, failure.Refused)

		for fault, code := range map[string]string{
			"consent_error": "server_error: lincs-internal-server-error",
			"consent_terms": "invalid_request: demande_non_aboutie",
		} {
			c.enedis.Inject(enedistest.Fault{Name: fault})
			_, err = c.client.Grants(t.Context(), c.decide(t, "accept", string(consumer)))
			require.ErrorAs(t, err, &failure)
			require.Equal(t, &enedis.ConsentError{Code: code}, failure)
			c.enedis.Heal()
		}
		require.Zero(t, c.enedis.Count(enedistest.Call{}), "nothing is asked")
	}
}

func TestTheSimulatorsServicesAreReadyLater(t *testing.T) {
	c := newCustomer(t, dataconnect.V2026)
	back := c.decide(t, "accept", string(consumer))
	c.enedis.Inject(enedistest.Fault{Name: "not_ready", Count: 2})
	for range 2 {
		_, err := c.client.Grants(t.Context(), back)
		require.ErrorIs(t, err, enedis.ErrNotReady)
	}
	grants, err := c.client.Grants(t.Context(), back)
	require.NoError(t, err)
	require.Len(t, grants, 1)
}
