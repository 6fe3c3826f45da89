package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/check"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// tried is an installation for check: its simulator, its broker and its environment.
func tried(t *testing.T, meters ...enedistest.Meter) (*enedistest.Enedis, *mqtttest.Broker, map[string]string) {
	t.Helper()
	sim := enedistest.New(enedistest.Options{
		Now: time.Now, ClientID: "id", ClientSecret: clientSecret, Meters: meters, PublishedAtOnce: true,
	})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	broker := mqtttest.New(t, mqtttest.WithPassword("bridge", mqttPassword))
	prms := make([]string, len(meters))
	for i, m := range meters {
		prms[i] = string(m.PRM)
	}
	return sim, broker, map[string]string{
		"METERS":               strings.Join(prms, ","),
		"ENEDIS_BASE_URL":      server.URL,
		"ENEDIS_CLIENT_ID":     "id",
		"ENEDIS_CLIENT_SECRET": clientSecret,
		"MQTT_URL":             broker.URL().String(),
		"MQTT_USERNAME":        "bridge",
		"MQTT_PASSWORD":        mqttPassword,
		"HTTP_ADDR":            freeAddress(t),
		"DATA_DIR":             t.TempDir(),
	}
}

// requireDiscreet wants no secret and no whole number of a meter in what was said.
func requireDiscreet(t *testing.T, said string) {
	t.Helper()
	for _, hidden := range []string{clientSecret, mqttPassword, httpPassword} {
		require.NotContains(t, said, hidden)
	}
	require.NotRegexp(t, `\d{14}`, said)
}

func TestCheckWhenAllIsWell(t *testing.T) {
	sim, broker, env := tried(t, enedistest.Household(1)...)
	environ(t, env)
	code, out, log := call(t, "check")
	require.Zero(t, code, out)
	require.Empty(t, log)
	require.Contains(t, out, "✓ consentement …0987 dataconnect")
	require.Contains(t, out, "\nTout va bien.\n")
	require.Len(t, sim.Calls(), 3)
	requireDiscreet(t, out)

	t.Setenv("LOCALE", "en")
	code, out, log = call(t, "check", "--json")
	require.Zero(t, code, out)
	require.Empty(t, log)
	report := decode[check.Report](t, out)
	require.True(t, report.OK)
	require.Len(t, report.Checks, 12)
	require.Contains(t, out, `{"ok":true,"checks":[{"name":"settings","subject":"","status":"ok","message":`)
	require.Contains(t, out, `The broker answers`)
	requireDiscreet(t, out)
	require.Empty(t, broker.Retained())
}

func TestCheckWhenNothingIs(t *testing.T) {
	unconsented := enedistest.Household(1)[0]
	unconsented.NoConsent = true
	_, broker, env := tried(t, unconsented)
	environ(t, env)
	t.Setenv("MQTT_HOST", "localhost")
	broker.SetPassword("bridge", "another")
	code, out, log := call(t, "check")
	require.Equal(t, exitFailure, code)
	require.Contains(t, out, "! réglages")
	require.Contains(t, out, "MQTT_HOST n'est pas un réglage ; vouliez-vous dire MQTT_URL ?")
	require.Contains(t, out, "✗ consentement …0987 dataconnect")
	require.Contains(t, out, "/consent/start")
	require.Contains(t, out, "✗ courtier")
	require.Contains(t, out, "MQTT_PASSWORD")
	require.Contains(t, log, "2 essai(s) sur")
	requireDiscreet(t, out+log)

	t.Setenv("LOCALE", "en")
	code, out, log = call(t, "check", "--json")
	require.Equal(t, exitFailure, code)
	report := decode[check.Report](t, out)
	require.False(t, report.OK)
	require.Contains(t, log, "2 of 10 checks failed")
	requireDiscreet(t, out+log)
}

func TestCheckWithBadSettings(t *testing.T) {
	environ(t, map[string]string{"METERS": "09876543210987,1", "CONSO_API_TOKEN": clientSecret})
	for _, args := range [][]string{{"check"}, {"check", "--json"}} {
		code, out, log := call(t, args...)
		require.Equal(t, exitSettings, code)
		require.Empty(t, out)
		require.Contains(t, log, "\nCONSO_API_TOKEN: this is no token")
		requireDiscreet(t, log)
	}
}

// TestCheckBesideTheBridge has a bridge fetch all it wants, and asks beside it.
func TestCheckBesideTheBridge(t *testing.T) {
	sim, broker, env := tried(t, enedistest.Household(1)...)
	env["FETCH_WINDOW"] = "00:00-00:01"
	environ(t, env)
	bridge := start(t, "run")
	awaitComplete(t, broker, household(1)[0], lastWeek())
	code, out, log := call(t, "check")
	require.Zero(t, code, out+log)
	require.Contains(t, out, "Un pont tourne sur les données")
	require.Contains(t, out, "Dernière réponse le ")
	require.Contains(t, out, "La page du pont qui tourne y répond (version dev).")
	require.Equal(t, 1, sim.Count(enedistest.Call{API: enedistest.APIToken}), "beside a bridge nothing is asked")
	require.Equal(t, contract.Online, broker.Retained()[topics.BridgeState()], "and it goes on undisturbed")
	require.NotContains(t, broker.Retained(), "enedis2mqtt/bridge/check")
	requireDiscreet(t, out+log)
	require.Zero(t, bridge.stop())
	require.NotContains(t, bridge.log.String(), "connection to the broker lost")
}

// TestCheckIsJSONForPrograms decodes without knowing our types.
func TestCheckIsJSONForPrograms(t *testing.T) {
	environ(t, good(t))
	t.Setenv("HTTP_ADDR", "")
	code, out, _ := call(t, "check", "--json")
	require.Equal(t, exitFailure, code, "neither Enedis nor a broker is there")
	var body struct {
		OK     *bool
		Checks []map[string]string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &body))
	require.False(t, *body.OK)
	for _, one := range body.Checks {
		require.Len(t, one, 5)
		require.Contains(t, []string{"ok", "warning", "failed", "skipped"}, one["status"])
	}
}
