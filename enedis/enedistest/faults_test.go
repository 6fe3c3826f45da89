package enedistest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The requests that faults strike in these tests.
var (
	curve2026 = path2026("courbe_de_charge_consommation", consumer, "2026-11-20", "2026-11-22")
	daily2026 = path2026("consommation_quotidienne", consumer, "2026-11-20", "2026-11-22")
	dailyV5   = pathV5("/metering_data_dc/v5/daily_consumption", consumer, "2026-11-20", "2026-11-22")
)

func TestFaultsThatAnswer(t *testing.T) {
	cases := map[string]struct {
		path   string
		status int
		body   string // a sample, or the text itself
	}{
		"500":            {curve2026, 500, "errors/2026_500_swagger_shape"},
		"503":            {curve2026, 503, "<h1>Service Unavailable</h1>"},
		"html":           {curve2026, 200, "<html>"},
		"html404":        {curve2026, 404, "<html>"},
		"429":            {curve2026, 429, "errors/2026_429_swagger_shape_sla"},
		"revoked":        {curve2026, 403, "errors/403_ADAM-DC-0008_no_consent"},
		"bad_request":    {curve2026, 400, "errors/2026_400_no_subscribed_service"},
		"not_subscribed": {curve2026, 403, "errors/403_fault_900908_not_subscribed"},
		"unauthorized":   {dailyV5, 401, "errors/401_fault_900901_invalid_credentials"},
		"expired":        {dailyV5, 401, "errors/401_fault_900901_invalid_credentials"},
		"empty":          {curve2026, 200, "{}"},
		"null":           {curve2026, 200, "null"},
		"nodata":         {curve2026, 404, "errors/2026_404_swagger_shape_no_measure"},
		"wrongprm":       {curve2026, 200, `"idPrm":"99999999999999"`},
		"negative":       {daily2026, 200, `"v":"-`},
		"swapped_units":  {daily2026, 200, `"unite":"kWh","points":[{"v":"20.738","d":"2026-11-20"}`},
		"mistyped":       {daily2026, 200, `"points":[{"v":"abc","d":"2026-11-20"},{"v":{},"d":"2026-11-21"}]`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := fixture()
			c := dial(t, e)
			e.Inject(enedistest.Fault{Name: name})
			struck := c.get(t, tc.path)
			require.Equal(t, tc.status, struck.status)
			if strings.HasPrefix(tc.body, "errors/") {
				require.JSONEq(t, sample(t, tc.body), struck.body)
			} else {
				require.Contains(t, struck.body, tc.body)
			}
			require.Equal(t, 1, e.Count(enedistest.Call{Fault: name, Status: tc.status}))
			e.Heal()
			require.Equal(t, http.StatusOK, c.get(t, tc.path).status)
		})
	}
}

func TestFaultsInV5(t *testing.T) {
	for name, want := range map[string]string{
		"500":    sample(t, "errors/500_technical_error"),
		"429":    sample(t, "errors/429_quota_Q3_per_second"),
		"nodata": sample(t, "errors/404_no_data_found"),
		"null":   `{"meter_reading":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			e := fixture()
			c := dial(t, e)
			e.Inject(enedistest.Fault{Name: name})
			require.JSONEq(t, want, c.get(t, dailyV5).body)
		})
	}
}

func TestPartialLacksTheLastSlotsOfTheNewestDay(t *testing.T) {
	e := fixture()
	c := dial(t, e)
	whole := stamps(t, c.get(t, curve2026).body)
	e.Inject(enedistest.Fault{Name: "partial"})
	require.Equal(t, whole[:len(whole)-4], stamps(t, c.get(t, curve2026).body))
	require.Len(t, read(t, c.get(t, daily2026)).dates(), 2)
}

func TestFaultsOfTheToken(t *testing.T) {
	for name, status := range map[string]int{"token400": 400, "token401": 401, "token500": 500} {
		t.Run(name, func(t *testing.T) {
			e := fixture()
			c := dial(t, e)
			e.Inject(enedistest.Fault{Name: name})
			require.Equal(t, http.StatusOK, c.get(t, daily2026).status, "the data are as they were")
			r := c.post(t, "/oauth2/v3/token", "application/x-www-form-urlencoded",
				"grant_type=client_credentials&client_id=id&client_secret=secret")
			require.Equal(t, status, r.status)
			e.Heal(name)
			c.renew(t)
		})
	}
}

func TestExpiredTokensAreGoodOnceRenewed(t *testing.T) {
	e := fixture()
	c := dial(t, e)
	e.Inject(enedistest.Fault{Name: "expired"})
	require.Equal(t, http.StatusUnauthorized, c.get(t, daily2026).status)
	require.Equal(t, http.StatusUnauthorized, c.get(t, daily2026).status)
	c.renew(t)
	require.Equal(t, http.StatusOK, c.get(t, daily2026).status)
}

func TestClockStrikesEveryAnswer(t *testing.T) {
	e := fixture()
	e.Inject(enedistest.Fault{Name: "clock"})
	c := dial(t, e)
	r := c.get(t, daily2026)
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, noon().Add(time.Hour).UTC().Format(http.TimeFormat), r.header.Get("Date"))
	require.Equal(t, 2, e.Count(enedistest.Call{Fault: "clock"}))
}

func TestWhomAFaultStrikes(t *testing.T) {
	other := path2026("consommation_quotidienne", selfConsumer, "2026-11-20", "2026-11-22")
	cases := map[string]struct {
		fault  enedistest.Fault
		struck []string
		spared []string
	}{
		"everything": {enedistest.Fault{}, []string{daily2026, curve2026, other, dailyV5}, nil},
		"one PRM":    {enedistest.Fault{PRM: consumer}, []string{daily2026, curve2026, dailyV5}, []string{other}},
		"one resource": {
			enedistest.Fault{Resource: "consommation_quotidienne"}, []string{daily2026, other}, []string{curve2026, dailyV5},
		},
		"one API":   {enedistest.Fault{Resource: "metering_data_dc"}, []string{dailyV5}, []string{daily2026}},
		"two calls": {enedistest.Fault{Count: 2}, []string{daily2026, daily2026}, []string{daily2026}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := fixture()
			tc.fault.Name = "503"
			e.Inject(tc.fault)
			c := dial(t, e) // the token endpoint is spared unless it is named
			for _, path := range tc.struck {
				require.Equal(t, http.StatusServiceUnavailable, c.get(t, path).status, path)
			}
			for _, path := range tc.spared {
				require.Equal(t, http.StatusOK, c.get(t, path).status, path)
			}
		})
	}
	t.Run("the token", func(t *testing.T) {
		e := fixture()
		c := dial(t, e)
		e.Inject(enedistest.Fault{Name: "503", Resource: enedistest.ResourceToken})
		require.Equal(t, http.StatusOK, c.get(t, daily2026).status)
		require.Equal(t, http.StatusServiceUnavailable, c.post(t, "/oauth2/v3/token", "", "").status)
	})
}

func TestTheNewestFaultStrikes(t *testing.T) {
	now := noon()
	e := limited(&now, enedistest.Limits{CallsPerSecond: enedistest.Unlimited})
	c := dial(t, e)
	e.Inject(enedistest.Fault{Name: "503", Duration: time.Minute})
	e.Inject(enedistest.Fault{Name: "429", Duration: time.Second})
	require.Equal(t, 429, c.get(t, daily2026).status)
	now = now.Add(time.Second)
	require.Equal(t, 503, c.get(t, daily2026).status)
	e.Inject(enedistest.Fault{Name: "503", Duration: time.Second})
	now = now.Add(time.Second)
	require.Equal(t, 200, c.get(t, daily2026).status, "the later one took the place of the earlier")
}

// call makes one request on a connection that may break, and reads the answer.
func call(ctx context.Context, t *testing.T, c *http.Client, base, token string) (n int64, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+daily2026, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(io.Discard, resp.Body)
	return n, errors.Join(err, resp.Body.Close())
}

func TestFaultsOfTheConnection(t *testing.T) {
	e := fixture()
	token := dial(t, e).token
	server := httptest.NewServer(e)
	defer server.Close()
	for kind, c := range map[string]struct {
		client *http.Client
		base   string
	}{
		"on a socket": {server.Client(), server.URL},
		"in memory":   {&http.Client{Transport: e.Transport()}, "http://enedis.test"},
	} {
		t.Run(kind, func(t *testing.T) {
			defer e.Heal()
			n, err := call(t.Context(), t, c.client, c.base, token)
			require.NoError(t, err)
			require.Positive(t, n)

			e.Inject(enedistest.Fault{Name: "reset"})
			_, err = call(t.Context(), t, c.client, c.base, token)
			require.ErrorIs(t, err, syscall.ECONNRESET)

			e.Inject(enedistest.Fault{Name: "truncated"})
			_, err = call(t.Context(), t, c.client, c.base, token)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)

			e.Inject(enedistest.Fault{Name: "huge"})
			n, err = call(t.Context(), t, c.client, c.base, token)
			require.NoError(t, err)
			require.Greater(t, n, int64(8<<20))

			for _, name := range []string{"hang", "slow"} {
				e.Inject(enedistest.Fault{Name: name})
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				_, err = call(ctx, t, c.client, c.base, token)
				cancel()
				require.ErrorIs(t, err, context.DeadlineExceeded, name)
			}
		})
	}
}

func TestFakeTimePassesInHangAndSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := fixture(func(o *enedistest.Options) { o.Now = time.Now })
		token := dial(t, e).token
		c := &http.Client{Transport: e.Transport(), Timeout: 30 * time.Second}
		for _, name := range []string{"hang", "slow"} {
			e.Inject(enedistest.Fault{Name: name})
			start := time.Now()
			_, err := call(t.Context(), t, c, "http://enedis.test", token)
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			require.Equal(t, 30*time.Second, time.Since(start))
		}
		e.Inject(enedistest.Fault{Name: "slow"})
		patient := &http.Client{Transport: e.Transport()}
		n, err := call(t.Context(), t, patient, "http://enedis.test", token)
		require.NoError(t, err)
		require.Positive(t, n, "a patient client gets it all")
	})
}

func TestResetOfARecorderPanics(t *testing.T) {
	e := fixture()
	c := dial(t, e)
	e.Inject(enedistest.Fault{Name: "reset"})
	r := httptest.NewRequest(http.MethodGet, daily2026, nil)
	r.Header.Set("Authorization", "Bearer "+c.token)
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { e.ServeHTTP(httptest.NewRecorder(), r) })
	require.Equal(t, 1, e.Count(enedistest.Call{Fault: "reset"}))
}

func TestParseFault(t *testing.T) {
	cases := map[string]struct {
		text string
		want enedistest.Fault
		err  string
	}{
		"a name alone":             {"hang", enedistest.Fault{Name: "hang", Duration: time.Minute}, ""},
		"with a duration":          {"500:30s", enedistest.Fault{Name: "500", Duration: 30 * time.Second}, ""},
		"an unknown name":          {"fire", enedistest.Fault{}, `fault "fire": want one of 500, 503, html,`},
		"nothing":                  {"", enedistest.Fault{}, `fault "": want one of`},
		"a duration without unit":  {"hang:30", enedistest.Fault{}, `fault hang: duration "30": want one above 0, as in hang:30s`},
		"an empty duration":        {"hang:", enedistest.Fault{}, `duration ""`},
		"a duration that has gone": {"hang:-1s", enedistest.Fault{}, `duration "-1s"`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := enedistest.ParseFault(tc.text)
			if tc.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.err)
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestFaultsAreListed(t *testing.T) {
	for _, line := range enedistest.Faults() {
		name, about, ok := strings.Cut(line, ": ")
		require.True(t, ok)
		require.NotEmpty(t, about)
		_, err := enedistest.ParseFault(name)
		require.NoError(t, err)
	}
	require.Panics(t, func() { fixture().Inject(enedistest.Fault{Name: "fire"}) })
}

func TestEveryFaultOnEveryResource(t *testing.T) {
	paths := []string{
		daily2026, curve2026, dailyV5, path2026("index_consommation", consumer, "2026-11-20", "2026-11-22"),
		"/situation_contrat_auto/v1/" + string(consumer), "/customers_i/v5/identity?usage_point_id=" + string(consumer),
	}
	for _, line := range enedistest.Faults() {
		name, _, _ := strings.Cut(line, ": ")
		if name == "hang" || name == "slow" || name == "reset" || name == "truncated" || name == "huge" {
			continue // TestFaultsOfTheConnection has them
		}
		t.Run(name, func(t *testing.T) {
			e := fixture()
			c := dial(t, e)
			e.Inject(enedistest.Fault{Name: name, Count: len(paths)})
			for _, path := range paths {
				r := c.get(t, path)
				if strings.Contains(r.header.Get("Content-Type"), "html") {
					continue
				}
				require.True(t, json.Valid([]byte(r.body)), path)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	e := fixture()
	c := dial(t, e)
	done := make(chan reply)
	for i := range 8 {
		go func() {
			if i%2 == 0 {
				e.Inject(enedistest.Fault{Name: "clock", Count: 1})
				e.SetMeter(enedistest.Meter{PRM: meter.PRM("5500000000000" + string(rune('0'+i)))})
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://enedis.test"+daily2026, nil)
			if err != nil {
				panic(err)
			}
			r.Header.Set("Authorization", "Bearer "+c.token)
			resp, err := c.Do(r)
			if err != nil {
				panic(err)
			}
			defer func() { _ = resp.Body.Close() }()
			done <- reply{status: resp.StatusCode}
		}()
	}
	for range 8 {
		require.Equal(t, http.StatusOK, (<-done).status)
	}
	require.Len(t, e.Meters(), 8)
	require.Equal(t, 9, e.Count(enedistest.Call{}))
}
