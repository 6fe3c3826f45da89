package enedistest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// request asks a handler and gives what it wrote.
func request(t *testing.T, h http.Handler, method, target string, header map[string]string, body string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	resp := w.Result()
	defer func() { require.NoError(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(text)}
}

// formerGateway is v1 with a token for two of the household's meters.
func formerGateway(change ...func(*enedistest.Options)) *enedistest.MyElectricalDataV1 {
	return enedistest.NewMyElectricalDataV1(fixture(change...), map[meter.PRM]string{consumer: "one", producer: "two"})
}

func askV1(t *testing.T, g http.Handler, path, token string) reply {
	t.Helper()
	return request(t, g, http.MethodGet, path, map[string]string{"Authorization": token}, "")
}

func TestV1HandsEnedissAnswersOn(t *testing.T) {
	g := formerGateway()
	const week = "/start/2026-11-15/end/2026-11-22"
	c := dial(t, fixture())
	for name, path := range map[string]string{
		"daily_consumption":           "/metering_data_dc/v5/daily_consumption",
		"consumption_load_curve":      "/metering_data_clc/v5/consumption_load_curve",
		"daily_consumption_max_power": "/metering_data_dcmp/v5/daily_consumption_max_power",
	} {
		r := askV1(t, g, "/"+name+"/"+string(consumer)+week, "one")
		require.Equal(t, http.StatusOK, r.status, r.body)
		require.Equal(t, c.get(t, pathV5(path, consumer, "2026-11-15", "2026-11-22")).body, r.body)
		require.Equal(t, r.body, askV1(t, g, "/"+name+"/"+string(consumer)+week+"/cache", "one").body)
	}
	require.Equal(t, http.StatusOK, askV1(t, g, "/production_load_curve/"+string(producer)+week, "two").status)
	require.Equal(t, http.StatusOK, askV1(t, g, "/daily_production/"+string(producer)+week, "two").status)
	r := askV1(t, g, "/contracts/"+string(consumer), "one")
	require.Equal(t, shape(t, sample(t, "v5/contracts_hphc")), shape(t, r.body))
	require.Equal(t, "Sun, 22 Nov 2026 11:00:00 GMT", r.header.Get("Date"))

	calls := g.Calls()
	require.Len(t, calls, 9)
	last := calls[len(calls)-1]
	require.Equal(t, enedistest.Call{At: noon(), API: "myelectricaldata", Resource: "contracts", PRM: consumer, Status: 200}, last)
}

func TestV1Refuses(t *testing.T) {
	const good = "/daily_consumption/" + string(consumer) + "/start/2026-11-15/end/2026-11-22"
	mismatch, quota := "403_token_pdl_mismatch", "409_quota"
	tests := map[string]struct {
		path, token string
		status      int
		sample      string
	}{
		"no token":                       {good, "", 403, mismatch},
		"another meter's token":          {good, "two", 403, mismatch},
		"a token with a scheme":          {good, "Bearer one", 403, mismatch},
		"a meter of nobody":              {strings.Replace(good, string(consumer), string(nobody), 1), "one", 403, mismatch},
		"no meter":                       {"/daily_consumption/1/start/2026-11-15/end/2026-11-22", "one", 403, mismatch},
		"a date that is none":            {strings.Replace(good, "2026-11-15", "yesterday", 1), "one", 422, ""},
		"parameters":                     {good + "?use_cache=true", "one", 422, ""},
		"a path that is nowhere":         {"/daily/" + string(consumer), "one", 404, ""},
		"a status without its token":     {"/valid_access/" + string(consumer), "two", 403, mismatch},
		"a range that Enedis would mind": {strings.Replace(good, "2026-11-22", "2026-11-15", 1), "one", 400, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := askV1(t, formerGateway(), test.path, test.token)
			require.Equal(t, test.status, r.status, r.body)
			require.Contains(t, r.body, `{"detail":`)
			if test.sample != "" {
				require.JSONEq(t, sample(t, "med-legacy/"+test.sample), r.body)
			}
		})
	}
	g := formerGateway()
	g.Spend("one", 49)
	require.Equal(t, 200, askV1(t, g, good, "one").status)
	r := askV1(t, g, good, "one")
	require.Equal(t, 409, r.status)
	require.JSONEq(t, sample(t, "med-legacy/"+quota), r.body)
	other := "/daily_production/" + string(producer) + "/start/2026-11-15/end/2026-11-22"
	require.Equal(t, 200, askV1(t, g, other, "two").status, "another token has calls of its own")
}

func TestV1WrapsEnedissRefusalsInText(t *testing.T) {
	g := formerGateway()
	r := askV1(t, g, "/daily_production/"+string(consumer)+"/start/2026-11-15/end/2026-11-22", "one")
	require.Equal(t, http.StatusBadRequest, r.status)
	require.JSONEq(t, `{"detail":"{\"error\":\"ADAM-ERR0069\",`+
		`\"error_description\":\"Le sens de la mesure ne correspond pas pour le PRM demandé.\"}\n"}`, r.body)
}

func TestV1TellsItsAccountStatus(t *testing.T) {
	g := formerGateway()
	g.Spend("one", 7)
	r := askV1(t, g, "/valid_access/"+string(consumer), "one")
	require.Equal(t, shape(t, sample(t, "med-legacy/200_valid_access")), shape(t, r.body))
	require.Contains(t, r.body, `"call_number":7`)
	require.Contains(t, r.body, `"quota_reset_at":"2026-11-22T23:59:59.999999"`)
}
