package enedistest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
)

func TestAdminFaults(t *testing.T) {
	e := fixture()
	c := dial(t, e)
	active := func(r reply) string {
		require.Equal(t, http.StatusOK, r.status, r.body)
		var body struct {
			Active json.RawMessage
			Known  []string
		}
		require.NoError(t, json.Unmarshal([]byte(r.body), &body))
		require.Equal(t, enedistest.Faults(), body.Known)
		return string(body.Active)
	}
	form := func(body string) reply {
		return c.post(t, "/simulator/faults", "application/x-www-form-urlencoded", body)
	}
	heal := func(query string) reply {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://enedis.test/simulator/faults"+query, nil)
		require.NoError(t, err)
		return c.do(t, req)
	}

	require.JSONEq(t, `[]`, active(c.get(t, "/simulator/faults")))
	require.JSONEq(t, `[{"name":"500","until":"2026-11-22T12:01:00+01:00","left":null}]`,
		active(c.post(t, "/simulator/faults?name=500", "", "")))
	require.Equal(t, http.StatusInternalServerError, c.get(t, daily2026).status)
	require.JSONEq(t, `[
		{"name":"500","until":"2026-11-22T12:01:00+01:00","left":null},
		{"name":"503","until":"2026-11-22T12:00:30+01:00","left":2,"prm":"09876543210987","resource":"mesure_synchrone_auto"}]`,
		active(form("name=503&duration=30s&count=2&prm=09876543210987&resource=mesure_synchrone_auto")))
	require.Equal(t, http.StatusServiceUnavailable, c.get(t, daily2026).status)
	require.JSONEq(t, `[{"name":"500","until":"2026-11-22T12:01:00+01:00","left":null}]`, active(heal("?name=503")))
	require.JSONEq(t, `[]`, active(heal("")))
	require.Equal(t, http.StatusOK, c.get(t, daily2026).status)

	for name, body := range map[string]string{
		"an unknown fault":   "name=fire",
		"no name":            "",
		"a broken duration":  "name=500&duration=long",
		"a broken count":     "name=500&count=many",
		"a count below zero": "name=500&count=-1",
		"a broken PRM":       "name=500&prm=1",
	} {
		t.Run(name, func(t *testing.T) {
			r := form(body)
			require.Equal(t, http.StatusBadRequest, r.status)
			require.Contains(t, r.body, `"error"`)
		})
	}
}

func TestAdminMetersAndCalls(t *testing.T) {
	c := dial(t, fixture())
	c.get(t, daily2026)
	c.get(t, daily2026)
	c.get(t, "/nowhere/at/all")
	require.JSONEq(t, `{"total":4,"calls":[
		{"api":"","resource":"unknown","status":404,"count":1},
		{"api":"mesure_synchrone_auto","resource":"consommation_quotidienne","status":200,"count":2},
		{"api":"oauth2","resource":"token","status":200,"count":1}]}`, c.get(t, "/simulator/calls").body)

	var meters []struct {
		PRM        string
		Kind       string
		Directions []string
		Activation map[string]string
		ID         int64 `json:"autorisation_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(c.get(t, "/simulator/meters").body), &meters))
	require.Len(t, meters, 4)
	require.Equal(t, string(selfConsumer), meters[1].PRM)
	require.Equal(t, "self-consumption", meters[1].Kind)
	require.Equal(t, map[string]string{"consumption": "2019-06-21", "production": "2021-04-15"}, meters[1].Activation)
	require.Positive(t, meters[1].ID)
}
