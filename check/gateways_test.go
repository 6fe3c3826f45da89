package check

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// serve gives a gateway an address until the end of the test.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// conso puts Conso API in the place of Data Connect, with a token for some meters that was given some time ago.
func (w *world) conso(age time.Duration, prms ...meter.PRM) {
	w.t.Helper()
	now := func() time.Time { return time.Now().Add(-age) }
	token := enedistest.NewConsoAPI(enedistest.New(enedistest.Options{Now: now})).Token(prms...)
	gateway := enedistest.NewConsoAPI(w.sim)
	url := serve(w.t, gateway) + "/api"
	w.sources = []func(enedis.Gate, *http.Client) (bridge.Source, error){
		func(gate enedis.Gate, client *http.Client) (bridge.Source, error) {
			return consoapi.New(consoapi.Options{
				BaseURL: url, Tokens: []string{token}, UserAgent: "enedis2mqtt", HTTP: client, Gate: gate, Now: w.Now, Log: w.Log,
			})
		},
	}
}

// med puts MyElectricalData in the place of Data Connect.
func (w *world) med(o myelectricaldata.Options) {
	w.t.Helper()
	w.sources = []func(enedis.Gate, *http.Client) (bridge.Source, error){
		func(gate enedis.Gate, client *http.Client) (bridge.Source, error) {
			o.UserAgent, o.HTTP, o.Gate, o.Now, o.Log = "enedis2mqtt", client, gate, w.Now, w.Log
			return myelectricaldata.New(o)
		},
	}
}

const day = 24 * time.Hour

func TestConsoAPI(t *testing.T) {
	t.Parallel()
	t.Run("a token that holds", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		w.conso(day, home().PRM)
		r := w.run()
		require.True(t, r.OK)
		source := find(t, r, "source", "consoapi")
		require.Contains(t, source.Message, "they open 1 meter(s): …0987")
		require.Contains(t, source.Message, "58 calls of 60 in 12 h are left")
		require.Contains(t, find(t, r, "consent", "…0987 consoapi").Message, "it holds until 20")
	})

	t.Run("meters of the token", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, enedistest.Household(2)...)
		w.conso(day, w.Meters[1].PRM, w.Meters[0].PRM)
		w.Meters = nil
		r := w.run()
		require.True(t, r.OK)
		require.Equal(t, OK, find(t, r, "consent", "…0987 consoapi").Status)
		require.Equal(t, OK, find(t, r, "consent", "…0033 consoapi").Status)
	})

	t.Run("a token that ends soon", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		w.conso(1094*day-20*day, home().PRM)
		one := find(t, w.run(), "consent", "")
		require.Equal(t, Warning, one.Status)
		require.Contains(t, one.Remedy, "Renew")
	})

	t.Run("a token that has expired costs no call", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		w.conso(1100*day, home().PRM)
		r := w.run()
		require.False(t, r.OK)
		one := find(t, r, "consent", "")
		require.Equal(t, Failed, one.Status)
		require.Contains(t, one.Message, "expired after 20")
		require.Contains(t, one.Remedy, "https://conso.boris.sh")
		require.Empty(t, w.sim.Calls())
	})

	t.Run("a meter that the token does not name costs no call", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		w.conso(day, "33000000000033")
		one := find(t, w.run(), "consent", "")
		require.Equal(t, Failed, one.Status)
		require.Contains(t, one.Message, "No token of this source opens this meter")
		require.Empty(t, w.sim.Calls())
	})

	t.Run("it is a warning where another source knows the meter", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		enedisItself := w.sources[0]
		w.conso(day, "33000000000033")
		w.sources = append(w.sources, enedisItself)
		r := w.run()
		require.True(t, r.OK)
		require.Equal(t, Warning, find(t, r, "consent", "…0987 consoapi").Status)
		require.Equal(t, OK, find(t, r, "consent", "…0987 dataconnect").Status)
	})

	t.Run("a ban is remembered for the bridge", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		w.conso(day, home().PRM)
		guard := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) }))
		of := w.sources[0]
		w.sources[0] = func(gate enedis.Gate, client *http.Client) (bridge.Source, error) {
			return of(gate, &http.Client{Transport: redirected{client.Transport, guard}})
		}
		require.Equal(t, Failed, find(t, w.run(), "source", "").Status)
		kept := w.store()
		backoffs, err := kept.Backoffs(t.Context())
		require.NoError(t, err)
		require.NoError(t, kept.Close())
		require.Equal(t, store.OverQuota, backoffs["consoapi"].Outcome)
		require.True(t, backoffs["consoapi"].NotBefore.After(time.Now()))
		require.Equal(t, Warning, find(t, w.run(), "source", "").Status, "it is not asked again")
	})
}

// redirected sends all requests to one address.
type redirected struct {
	next http.RoundTripper
	to   string
}

// RoundTrip implements http.RoundTripper.
func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	other, err := http.NewRequestWithContext(req.Context(), req.Method, r.to, nil)
	if err != nil {
		return nil, err
	}
	return r.next.RoundTrip(other)
}

func TestMyElectricalData(t *testing.T) {
	t.Parallel()
	account := enedistest.MyElectricalDataV2Options{ClientID: "id", ClientSecret: clientSecret, Since2: true}

	t.Run("v2", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		url := serve(t, enedistest.NewMyElectricalDataV2(w.sim, account)) + "/api"
		w.med(myelectricaldata.Options{BaseURL: url, Version: myelectricaldata.V2, ClientID: "id", ClientSecret: clientSecret})
		r := w.run()
		require.True(t, r.OK)
		require.Contains(t, find(t, r, "source", "myelectricaldata").Message, "they open 1 meter(s): …0987")
		require.Equal(t, OK, find(t, r, "consent", "").Status)
		require.Equal(t, OK, find(t, r, "hourly", "").Status)

		w.Meters[0].PRM = "33000000000033"
		one := find(t, w.run(), "consent", "")
		require.Equal(t, Failed, one.Status, "a meter of somebody else")
	})

	t.Run("v2 with a wrong secret", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, home())
		url := serve(t, enedistest.NewMyElectricalDataV2(w.sim, account)) + "/api"
		w.med(myelectricaldata.Options{BaseURL: url, Version: myelectricaldata.V2, Token: "another"})
		one := find(t, w.run(), "source", "")
		require.Equal(t, Failed, one.Status)
		require.Contains(t, one.Remedy, "MYELECTRICALDATA_API")
	})

	t.Run("v1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, enedistest.Household(2)...)
		tokens := map[meter.PRM]string{w.Meters[0].PRM: "one", w.Meters[1].PRM: "two"}
		url := serve(t, enedistest.NewMyElectricalDataV1(w.sim, tokens))
		w.med(myelectricaldata.Options{BaseURL: url, Version: myelectricaldata.V1, Token: "one"})
		r := w.run()
		require.Equal(t, OK, find(t, r, "source", "").Status)
		require.Equal(t, OK, find(t, r, "consent", "…0987 myelectricaldata").Status)
		other := find(t, r, "consent", "…0033 myelectricaldata")
		require.Equal(t, Failed, other.Status, "a token is of one meter")
	})
}
