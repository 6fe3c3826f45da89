package enedistest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// consoClient talks to a gateway in memory, with a token for all of the household but nobody and the meter without a curve.
type consoClient struct {
	*http.Client
	token string
	name  string
}

func dialConso(g *enedistest.ConsoAPI) *consoClient {
	return &consoClient{
		Client: &http.Client{Transport: g.Transport()},
		token:  g.Token(consumer, selfConsumer, producer), name: "enedis2mqtt/test",
	}
}

// ask makes a request with the client's token and name; empty ones are left out.
func (c *consoClient) ask(t *testing.T, method, path string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://conso.test"+path, nil)
	require.NoError(t, err)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("User-Agent", c.name)
	resp, err := c.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
}

func (c *consoClient) get(t *testing.T, path string) reply {
	t.Helper()
	return c.ask(t, http.MethodGet, path)
}

// conso2026 is a request for a type of 2026; extra are further parameters.
func conso2026(kind string, prm meter.PRM, from, to string, extra ...string) string {
	q := url.Values{"pointId": {string(prm)}, "dateDebut": {from}, "dateFin": {to}}
	for i := 0; i < len(extra); i += 2 {
		q.Add(extra[i], extra[i+1])
	}
	return "/api/" + kind + "?" + q.Encode()
}

// consoFormer is a request for a former type.
func consoFormer(kind string, prm meter.PRM, from, to string) string {
	return "/api/" + kind + "?" + url.Values{"prm": {string(prm)}, "start": {from}, "end": {to}}.Encode()
}

func TestConsoHandsOnWhatEnedisAnswers(t *testing.T) {
	e := fixture()
	c, direct := dialConso(enedistest.NewConsoAPI(e)), dial(t, e)
	const from, to = "2026-10-22", "2026-10-29"
	for _, kind := range []string{
		"consommation_quotidienne", "production_quotidienne", "courbe_de_charge_consommation", "courbe_de_charge_production",
		"puissance_conso_max_quotidienne", "index_consommation", "index_production",
	} {
		var peak []string
		if kind == "puissance_conso_max_quotidienne" {
			peak = []string{"mesuresPas", "P1D", "grandeurPhysique", "PMA"}
		}
		want := direct.get(t, path2026(kind, selfConsumer, from, to, peak...))
		require.Equal(t, http.StatusOK, want.status, want.body)
		got := c.get(t, conso2026(kind, selfConsumer, from, to))
		require.Equal(t, http.StatusOK, got.status, got.body)
		require.JSONEq(t, want.body, got.body)
		require.Equal(t, "application/json", got.header.Get("Content-Type"))
		alias := c.get(t, consoFormer(kind, selfConsumer, from, to))
		require.Equal(t, got.body, alias.body, "the former names of parameters are good")
	}
	for kind, path := range map[string]string{
		"daily_consumption":      "/metering_data_dc/v5/daily_consumption",
		"consumption_load_curve": "/metering_data_clc/v5/consumption_load_curve",
		"consumption_max_power":  "/metering_data_dcmp/v5/daily_consumption_max_power",
		"daily_production":       "/metering_data_dp/v5/daily_production",
		"production_load_curve":  "/metering_data_plc/v5/production_load_curve",
	} {
		want := direct.get(t, pathV5(path, selfConsumer, from, to))
		require.Equal(t, http.StatusOK, want.status, want.body)
		got := c.get(t, consoFormer(kind, selfConsumer, from, to))
		require.Equal(t, http.StatusOK, got.status, got.body)
		require.JSONEq(t, want.body, `{"meter_reading":`+got.body+`}`)
	}
}

func TestConsoShapesAreThoseOfTheSamples(t *testing.T) {
	c := dialConso(enedistest.NewConsoAPI(fixture()))
	for kind, name := range map[string]string{
		"daily_consumption": "200_legacy_daily_consumption", "consumption_load_curve": "200_legacy_consumption_load_curve",
	} {
		var want, got map[string]any
		require.NoError(t, json.Unmarshal([]byte(sample(t, "conso-api/"+name)), &want))
		r := c.get(t, consoFormer(kind, consumer, "2026-09-13", "2026-09-14"))
		require.NoError(t, json.Unmarshal([]byte(r.body), &got))
		want["start"], want["interval_reading"] = "2026-09-13", nil
		require.NotEmpty(t, got["interval_reading"])
		got["interval_reading"] = nil
		require.Equal(t, want, got)
	}
}

func TestConsoOptionsOfAPeak(t *testing.T) {
	c := dialConso(enedistest.NewConsoAPI(fixture(func(o *enedistest.Options) {
		o.Meters = []enedistest.Meter{{PRM: consumer, ThreePhase: true}}
	})))
	r := c.get(t, conso2026("puissance_conso_max_quotidienne", consumer, "2026-09-01", "2026-11-01",
		"mesuresPas", "P1M", "grandeurPhysique", "TOUT"))
	d := read(t, r)
	require.Len(t, d.Grandeur, 4)
	require.Len(t, d.Grandeur[0].Points, 2)
}

func TestConsoRefusals(t *testing.T) {
	const daily = "consommation_quotidienne"
	good := conso2026(daily, consumer, "2026-11-20", "2026-11-22")
	cases := map[string]struct {
		method, path string
		change       func(*enedistest.Enedis, *consoClient)
		status       int
		body         string // a sample; empty: not minded
	}{
		"another method":                 {method: "POST", path: good, status: 405, body: "405_method"},
		"another method without a token": {"HEAD", good, forgetToken, 405, ""},
		"no token":                       {path: good, change: forgetToken, status: 400, body: "400_missing_authorization"},
		"another scheme": {path: good, change: func(_ *enedistest.Enedis, c *consoClient) {
			c.Transport = withHeader{c.Transport, "Authorization", "Basic " + c.token}
		}, status: 400, body: "400_missing_authorization"},
		"a token of somebody else's making": {path: good, change: func(_ *enedistest.Enedis, c *consoClient) {
			c.token = c.token[:len(c.token)-4] + "AAAA"
		}, status: 401, body: "401_token_or_prm"},
		"a token that is none": {path: good, change: func(_ *enedistest.Enedis, c *consoClient) {
			c.token = "token"
		}, status: 401, body: "401_token_or_prm"},
		"a PRM that the token does not name": {
			path: conso2026(daily, noCurve, "2026-11-20", "2026-11-22"), status: 401, body: "401_token_or_prm",
		},
		"no such type": {
			path: conso2026("daily_consumption_max_power", consumer, "2026-11-20", "2026-11-22"), status: 400,
		},
		"a contract":             {path: conso2026("situation_contrat_auto", consumer, "2026-11-20", "2026-11-22"), status: 400},
		"a PRM of 13 digits":     {path: conso2026(daily, "0987654321098", "2026-11-20", "2026-11-22"), status: 400},
		"a date that is none":    {path: conso2026(daily, consumer, "2026-02-30", "2026-11-22"), status: 400},
		"no end":                 {path: conso2026(daily, consumer, "2026-11-20", ""), status: 400},
		"an unknown parameter":   {path: good + "&usage_point_id=1", status: 400},
		"a parameter twice":      {path: good + "&pointId=" + string(consumer), status: 400},
		"a step of another kind": {path: good + "&mesuresPas=P1Y", status: 400},
		"a query that is none":   {path: good + "&%zz", status: 400},
		"parameters come first":  {path: good + "&x=1", change: forgetToken, status: 400},
		"the end not after the start": {
			path: consoFormer("daily_consumption", consumer, "2026-11-20", "2026-11-20"), status: 400, body: "400_enedis_date_order",
		},
		"a holder who moved": {path: good, change: func(e *enedistest.Enedis, _ *consoClient) {
			e.SetMeter(enedistest.Meter{PRM: consumer, Moved: true})
		}, status: 400, body: "400_enedis_not_holder"},
		"a consent revoked": {path: good, change: fault("revoked"), status: 403, body: "403_enedis_no_consent"},
		"no data": {
			path:   consoFormer("daily_consumption", consumer, "2026-11-20", "2026-11-22"),
			change: fault("nodata"), status: 404, body: "404_enedis_no_data",
		},
		"trouble at Enedis": {
			path:   consoFormer("daily_consumption", consumer, "2026-11-20", "2026-11-22"),
			change: fault("500"), status: 500, body: "500_enedis_technical_error",
		},
		"no token for the gateway":   {path: good, change: fault("token401"), status: 500, body: "500_token_refresh"},
		"a page from Enedis":         {path: good, change: fault("html"), status: 500, body: "500_unknown"},
		"a connection that breaks":   {path: good, change: fault("reset"), status: 500, body: "500_unknown"},
		"half an answer from Enedis": {path: good, change: fault("truncated"), status: 500, body: "500_unknown"},
		"a former answer without a reading": {
			path:   consoFormer("daily_consumption", consumer, "2026-11-20", "2026-11-22"),
			change: fault("empty"), status: 500, body: "500_unknown",
		},
		"a path that is nowhere":             {path: "/" + daily, status: 404},
		"a path below a type":                {path: "/api/" + daily + "/x", status: 404},
		"a 200 without content goes through": {path: good, change: fault("empty"), status: 200},
		"a preflight":                        {method: "OPTIONS", path: "/api/whatever", change: forgetToken, status: 200},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := fixture()
			g := enedistest.NewConsoAPI(e)
			c := dialConso(g)
			if tc.change != nil {
				tc.change(e, c)
			}
			if tc.method == "" {
				tc.method = http.MethodGet
			}
			r := c.ask(t, tc.method, tc.path)
			require.Equal(t, tc.status, r.status, r.body)
			if tc.body != "" {
				require.JSONEq(t, sample(t, "conso-api/"+tc.body), r.body)
			}
			require.Equal(t, 1, g.Requests())
		})
	}
}

func forgetToken(_ *enedistest.Enedis, c *consoClient) { c.token = "" }

func fault(name string) func(*enedistest.Enedis, *consoClient) {
	return func(e *enedistest.Enedis, _ *consoClient) { e.Inject(enedistest.Fault{Name: name}) }
}

// withHeader sets a header on the way.
type withHeader struct {
	http.RoundTripper
	name, value string
}

func (h withHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(h.name, h.value)
	return h.RoundTripper.RoundTrip(r)
}

func TestConsoValidatorSaysWhatIsWrong(t *testing.T) {
	type complaint struct {
		Status  int
		Message string
		Error   struct {
			Name   string
			Issues []struct {
				Code, Message string
				Path          []string
			}
		}
	}
	r := dialConso(enedistest.NewConsoAPI(fixture())).get(t, "/api/consumption?prm=0987&start=2026-11-20&end=tomorrow")
	var want, got complaint
	require.NoError(t, json.Unmarshal([]byte(sample(t, "conso-api/400_invalid_parameters")), &want))
	require.NoError(t, json.Unmarshal([]byte(r.body), &got))
	require.Equal(t, want.Status, got.Status)
	require.Equal(t, want.Message, got.Message)
	require.Equal(t, want.Error.Name, got.Error.Name)
	var paths []string
	for _, issue := range got.Error.Issues {
		paths = append(paths, strings.Join(issue.Path, "."))
	}
	require.Equal(t, []string{"type", "pointId", "dateFin"}, paths)
	require.Equal(t, want.Error.Issues[0].Code, got.Error.Issues[1].Code)
	require.Equal(t, want.Error.Issues[0].Message, got.Error.Issues[1].Message)
}

func TestConsoHandsAPageOnAsAString(t *testing.T) {
	e := fixture()
	e.Inject(enedistest.Fault{Name: "503"})
	c := dialConso(enedistest.NewConsoAPI(e))
	r := c.get(t, conso2026("consommation_quotidienne", consumer, "2026-11-20", "2026-11-22"))
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	var got struct{ Error string }
	require.NoError(t, json.Unmarshal([]byte(r.body), &got))
	require.Contains(t, got.Error, "<html>")
}

func TestConsoBansForEver(t *testing.T) {
	now := noon()
	e := fixture(func(o *enedistest.Options) { o.Now = func() time.Time { return now } })
	g := enedistest.NewConsoAPI(e)
	c := dialConso(g)
	good := conso2026("consommation_quotidienne", consumer, "2026-11-20", "2026-11-22")
	for i := range enedistest.ConsoBanCalls - 1 {
		want, path := http.StatusOK, good
		if i%2 == 1 {
			want, path = http.StatusBadRequest, "/api/nothing" // what is refused counts as well
		}
		require.Equal(t, want, c.get(t, path).status)
		now = now.Add(time.Minute)
	}
	require.False(t, g.Banned())
	r := c.get(t, good)
	require.Equal(t, http.StatusForbidden, r.status, "the hundredth")
	require.Equal(t, "text/html", r.header.Get("Content-Type"))
	require.True(t, g.Banned())
	now = now.AddDate(1, 0, 0)
	require.Equal(t, http.StatusForbidden, c.get(t, good).status)
	require.Equal(t, enedistest.ConsoBanCalls+1, g.Requests())
}

func TestConsoBansNobodyWhoIsModest(t *testing.T) {
	now := noon()
	e := fixture(func(o *enedistest.Options) { o.Now = func() time.Time { return now } })
	g := enedistest.NewConsoAPI(e)
	c := dialConso(g)
	for range 1000 {
		c.get(t, "/api/nothing")
		now = now.Add(enedistest.ConsoBanSpan/(enedistest.ConsoBanCalls-1) + time.Nanosecond)
	}
	require.False(t, g.Banned())
}

func TestConsoCountsByAddress(t *testing.T) {
	g := enedistest.NewConsoAPI(fixture())
	from := func(address string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/api/x", nil)
		r.RemoteAddr = address
		r.Header.Set("User-Agent", "test")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w.Code
	}
	for _, banned := range []string{"192.0.2.1:1", "[2001:db8::1]:1"} {
		for range enedistest.ConsoBanCalls {
			from(banned)
		}
	}
	require.Equal(t, http.StatusForbidden, from("192.0.2.1:2"))
	require.Equal(t, http.StatusForbidden, from("[2001:db8:0:0:1::2]:1"), "the same /64")
	require.Equal(t, http.StatusOK, from("192.0.2.2:1"))
	require.Equal(t, http.StatusOK, from("[2001:db8:0:1::1]:1"))
}

func TestConsoBlocksWhoHasNoName(t *testing.T) {
	c := dialConso(enedistest.NewConsoAPI(fixture()))
	good := conso2026("consommation_quotidienne", consumer, "2026-11-20", "2026-11-22")
	for name, want := range map[string]int{"": 403, "Go-http-client/1.1": 403, "enedis2mqtt": 200} {
		c.name = name
		require.Equal(t, want, c.get(t, good).status, name)
	}
}

func TestConsoTokenHoldsForThreeYears(t *testing.T) {
	now := noon()
	e := fixture(func(o *enedistest.Options) { o.Now = func() time.Time { return now } })
	c := dialConso(enedistest.NewConsoAPI(e))
	e.SetMeter(enedistest.Meter{PRM: consumer, ConsentFrom: day(t, "2026-01-01"), ConsentEnd: day(t, "2036-01-01")})
	good := conso2026("consommation_quotidienne", consumer, "2026-11-20", "2026-11-22")
	now = noon().Add(1094*24*time.Hour - time.Second)
	require.Equal(t, http.StatusOK, c.get(t, good).status)
	now = now.Add(time.Second)
	require.Equal(t, http.StatusUnauthorized, c.get(t, good).status)
}

func TestConsoUsesItsTokenOfEnedisForThreeHours(t *testing.T) {
	now := noon()
	e := fixture(func(o *enedistest.Options) { o.Now = func() time.Time { return now } })
	c := dialConso(enedistest.NewConsoAPI(e))
	good := conso2026("consommation_quotidienne", consumer, "2026-11-20", "2026-11-22")
	for _, passed := range []time.Duration{0, time.Hour, 3*time.Hour - time.Second} {
		now = noon().Add(passed)
		require.Equal(t, http.StatusOK, c.get(t, good).status)
	}
	require.Equal(t, 1, e.Count(enedistest.Call{API: enedistest.APIToken}))
	now = noon().Add(3 * time.Hour)
	require.Equal(t, http.StatusOK, c.get(t, good).status)
	require.Equal(t, 2, e.Count(enedistest.Call{API: enedistest.APIToken}))
	e.ExpireTokens()
	require.Equal(t, http.StatusUnauthorized, c.get(t, good).status, "the gateway takes no other before its time")
}

func TestConsoHangsWithEnedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fixture(func(o *enedistest.Options) { o.Now = time.Now })
		c := dialConso(enedistest.NewConsoAPI(e))
		c.Timeout = 30 * time.Second
		e.Inject(enedistest.Fault{Name: "hang"})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			"http://conso.test"+conso2026("consommation_quotidienne", consumer, "1999-12-20", "1999-12-22"), nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+c.token)
		req.Header.Set("User-Agent", c.name)
		begun := time.Now()
		resp, err := c.Do(req)
		if err == nil {
			require.NoError(t, resp.Body.Close())
		}
		require.Error(t, err)
		var timeout interface{ Timeout() bool }
		require.True(t, errors.As(err, &timeout) && timeout.Timeout())
		require.Equal(t, 30*time.Second, time.Since(begun))
	})
}
