package enedistest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// faulty is a gateway with faults of its own.
type faulty interface {
	http.Handler
	Transport() http.RoundTripper
	Calls() []enedistest.Call
	ForgetCalls()
	Inject(f enedistest.Fault)
	Heal(names ...string)
}

// door is a gateway and a good request for it, for the consumer.
type door struct {
	faulty
	path, token string
}

// doors are the gateways in front of an Enedis each.
func doors(change ...func(*enedistest.Options)) map[string]door {
	conso := enedistest.NewConsoAPI(fixture(change...))
	v2 := enedistest.NewMyElectricalDataV2(fixture(change...), enedistest.MyElectricalDataV2Options{ClientID: "id", ClientSecret: account})
	const range1 = "/start/2026-11-15/end/2026-11-22"
	return map[string]door{
		"consoapi": {
			conso, conso2026("consommation_quotidienne", consumer, "2026-11-15", "2026-11-22"), "Bearer " + conso.Token(consumer, selfConsumer),
		},
		"v1": {formerGateway(change...), "/daily_consumption/" + string(consumer) + range1, "one"},
		"v2": {v2, "/api" + measures("power", "2026-11-15", "2026-11-22"), "Bearer " + account},
	}
}

// get asks in memory. The error is a connection that broke, before the body or within.
func (d door) get(t *testing.T, path string) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway.test"+path, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", d.token)
	req.Header.Set("User-Agent", "enedis2mqtt/test")
	resp, err := (&http.Client{Transport: d.Transport(), Timeout: time.Hour}).Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(body)}, err
}

func TestGatewaysMisbehaveThemselves(t *testing.T) {
	tests := map[string]map[string]struct {
		status int
		body   string
	}{
		"500": {
			"consoapi": {500, "Erreur inconnue"}, "v1": {500, `{"detail":"Internal Server Error"}`},
			"v2": {500, `{"detail":"Internal Server Error"}`},
		},
		"429":          {"consoapi": {429, "Too many"}, "v1": {409, "Quota"}, "v2": {200, "RATE_LIMIT_EXCEEDED"}},
		"unauthorized": {"consoapi": {401, "Votre token"}, "v1": {401, "Consentement"}, "v2": {401, "Invalid authentication"}},
		"503":          {"consoapi": {503, "<html>"}, "v1": {503, "<html>"}, "v2": {503, "<html>"}},
		"html":         {"consoapi": {200, "<html>"}, "v1": {200, "<html>"}, "v2": {200, "<html>"}},
		"html404":      {"consoapi": {404, "<html>"}, "v1": {404, "<html>"}, "v2": {404, "<html>"}},
		"empty":        {"consoapi": {200, "{}"}, "v1": {200, "{}"}, "v2": {200, "{}"}},
	}
	for fault, wants := range tests {
		for name, d := range doors() {
			t.Run(fault+"/"+name, func(t *testing.T) {
				d.Inject(enedistest.Fault{Name: fault, Count: 1})
				r, err := d.get(t, d.path)
				require.NoError(t, err)
				require.Equal(t, wants[name].status, r.status, r.body)
				require.Contains(t, r.body, wants[name].body)
				r, err = d.get(t, d.path)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, r.status, "once was enough")
				calls := d.Calls()
				require.Len(t, calls, 2)
				require.Equal(t, wants[name].status, calls[0].Status)
				require.Equal(t, fault, calls[0].Fault)
				require.Empty(t, calls[1].Fault)
			})
		}
	}
}

func TestGatewaysBreakConnections(t *testing.T) {
	for name, d := range doors() {
		t.Run(name, func(t *testing.T) {
			good, err := d.get(t, d.path)
			require.NoError(t, err)

			d.Inject(enedistest.Fault{Name: "reset"})
			_, err = d.get(t, d.path)
			require.ErrorIs(t, err, syscall.ECONNRESET)
			d.Inject(enedistest.Fault{Name: "truncated"})
			r, err := d.get(t, d.path)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the newest fault strikes")
			require.True(t, strings.HasPrefix(good.body, r.body))
			d.Heal("truncated")
			_, err = d.get(t, d.path)
			require.ErrorIs(t, err, syscall.ECONNRESET)
			require.Zero(t, d.Calls()[3].Status)
			d.Heal()

			d.Inject(enedistest.Fault{Name: "huge"})
			r, err = d.get(t, d.path)
			require.NoError(t, err)
			require.Greater(t, len(r.body), 8<<20)
			d.Heal()
			d.Inject(enedistest.Fault{Name: "clock"})
			r, err = d.get(t, d.path)
			require.NoError(t, err)
			require.Equal(t, "Sun, 22 Nov 2026 12:00:00 GMT", r.header.Get("Date"), "an hour ahead")
		})
	}
}

func TestGatewaysHangAndTrickleInFakeTime(t *testing.T) {
	for _, name := range []string{"consoapi", "v1", "v2"} {
		synctest.Test(t, func(t *testing.T) {
			d := doors(func(o *enedistest.Options) { o.Now = time.Now })[name]
			d.Inject(enedistest.Fault{Name: "hang", Duration: time.Minute})
			begun := time.Now()
			_, err := d.get(t, d.path)
			var timeout interface{ Timeout() bool }
			require.True(t, errors.As(err, &timeout) && timeout.Timeout())
			require.Equal(t, time.Hour, time.Since(begun))
			require.Zero(t, d.Calls()[0].Status)
			require.True(t, d.Calls()[0].At.Equal(begun), "as it arrives")

			_, err = d.get(t, d.path)
			require.NoError(t, err, "the fault has had its time")
			d.Inject(enedistest.Fault{Name: "slow"})
			begun = time.Now()
			r, err := d.get(t, d.path)
			require.NoError(t, err)
			require.Equal(t, time.Duration(len(r.body))*time.Second, time.Since(begun))
		})
	}
}

func TestFaultsOfGatewaysAreNarrowed(t *testing.T) {
	for name, d := range doors() {
		t.Run(name, func(t *testing.T) {
			d.Inject(enedistest.Fault{Name: "503", PRM: producer})
			r, err := d.get(t, d.path)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, r.status)
			resource := d.Calls()[0].Resource
			require.Contains(t, d.path, resource)
			require.Equal(t, consumer, d.Calls()[0].PRM)
			require.Equal(t, meter.Days{From: day(t, "2026-11-15"), To: day(t, "2026-11-22")}, d.Calls()[0].Days)

			d.Inject(enedistest.Fault{Name: "503", Resource: resource, PRM: consumer})
			r, err = d.get(t, d.path)
			require.NoError(t, err)
			require.Equal(t, http.StatusServiceUnavailable, r.status)
			r, err = d.get(t, "/nowhere")
			require.NoError(t, err)
			require.Equal(t, http.StatusNotFound, r.status)
			require.Equal(t, "unknown", d.Calls()[2].Resource)
			d.ForgetCalls()
			require.Empty(t, d.Calls())
			require.PanicsWithValue(t, "enedistest: fault revoked of a gateway: want one of 500, 503, html, html404, hang, "+
				"reset, truncated, huge, slow, 429, unauthorized, clock, empty", func() { d.Inject(enedistest.Fault{Name: "revoked"}) })
		})
	}
}

func TestMostWithin(t *testing.T) {
	const span = 12 * time.Hour
	at := func(hours ...float64) (calls []enedistest.Call) {
		for _, h := range hours {
			calls = append(calls, enedistest.Call{At: noon().Add(time.Duration(h * float64(time.Hour)))})
		}
		return calls
	}
	for name, test := range map[string]struct {
		calls []enedistest.Call
		want  int
	}{
		"none":                        {nil, 0},
		"one":                         {at(0), 1},
		"at the same time":            {at(1, 1, 1), 3},
		"a span apart":                {at(0, 12, 24), 1},
		"a second less apart":         {at(0, 11.9, 23.8), 2},
		"the most stand in the midst": {at(0, 20, 21, 22, 40, 41), 3},
	} {
		require.Equal(t, test.want, enedistest.MostWithin(span, test.calls), name)
	}
}

func TestConsoTokenUntil(t *testing.T) {
	now := noon()
	d := doors(func(o *enedistest.Options) { o.Now = func() time.Time { return now } })["consoapi"]
	d.token = "Bearer " + d.faulty.(*enedistest.ConsoAPI).TokenUntil(noon().Add(time.Hour), selfConsumer, consumer)
	for _, step := range []struct {
		pass   time.Duration
		status int
	}{{0, 200}, {time.Hour - time.Second, 200}, {time.Second, 401}} {
		now = now.Add(step.pass)
		r, err := d.get(t, d.path)
		require.NoError(t, err)
		require.Equal(t, step.status, r.status)
	}
}
