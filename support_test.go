package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// lastWeek are the days that a first start asks of a curve.
func lastWeek() meter.Days {
	today := meter.DayOf(time.Now())
	return meter.Days{From: today - 7, To: today}
}

// TestSupport has a bridge meet data and trouble, and asks for the bundle beside it and after it.
func TestSupport(t *testing.T) {
	meters := enedistest.Household(2)
	meters[1].NoConsent = true
	_, broker, env := tried(t, meters...)
	env["FETCH_WINDOW"] = "00:00-00:01"
	env["METERS"] = `[{"prm":"` + string(meters[0].PRM) + `","name":"Villa Sésame"},{"prm":"` + string(meters[1].PRM) + `"}]`
	env["ENEDIS_CLIENT_ID"] = "id"
	env["HTTP_USERNAME"], env["HTTP_PASSWORD"] = "jeanne", httpPassword
	env["PUBLIC_URL"] = "https://home.example.org/linky"
	env["CONSO_API_TOKEN"] = consoToken(t, time.Now().AddDate(1, 0, 0), meters[0].PRM)
	env["CONSO_API_URL"] = env["ENEDIS_BASE_URL"]
	env["SOURCES"] = "dataconnect"
	environ(t, env)
	bridge := start(t, "run")
	awaitLight(broker, meters[0].PRM, contract.Green)
	awaitReason(broker, meters[1].PRM, contract.ConsentMissing)

	code, beside, log := call(t, "support")
	require.Zero(t, code, log)
	require.Zero(t, bridge.stop())
	file := filepath.Join(t.TempDir(), "bundle.txt")
	code, out, log := call(t, "support", "--output", file)
	require.Zero(t, code, log)
	require.Contains(t, out, "read it once before you post it")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	for _, said := range []string{beside, text(t, file)} {
		for _, part := range []string{
			"== versions\nenedis2mqtt dev, commit ", "METERS: 2 meters\n  meter 1 (…0987): directions found out, hourly true, source any\n",
			"ENEDIS_CLIENT_SECRET: set\n", "ENEDIS_CLIENT_ID: set\n", "MYELECTRICALDATA_TOKEN: not set\n", "sources in use: dataconnect\n",
			"PUBLIC_URL: https://home.example.org/linky\n", "dataconnect mesure_synchrone_auto, credential –: ",
			"dataconnect, mesure_synchrone_auto: ", "meter 1 (…0987): light green since ", "load_curve, wanted from ", " complete",
			"meter 2 (…0033) consumption/daily at dataconnect, ", ": no_consent Bad request",
		} {
			require.Contains(t, said, part)
		}
		for _, hidden := range []string{"Sésame", "jeanne", env["CONSO_API_TOKEN"], "\"prm\""} {
			require.NotContains(t, said, hidden)
		}
		requireDiscreet(t, said)
	}
}

func TestSupportWithoutDataAndWithBadSettings(t *testing.T) {
	environ(t, map[string]string{
		"METERS":               "09876543210987 33000000000033," + clientSecret,
		"ENEDIS_CLIENT_SECRET": clientSecret,
		"ENEDIS_BASE_URL":      "ftp://id:" + clientSecret + "@example.org",
		"MQTT_URL":             "mqtt://bridge:" + mqttPassword + "@localhost?a=" + mqttPassword,
		"MQTT_PASSWORD":        mqttPassword,
		"DATA_DIR":             t.TempDir(),
	})
	code, out, log := call(t, "support")
	require.Zero(t, code, log)
	require.Contains(t, out, "wrong: ENEDIS_CLIENT_ID: is missing")
	require.Contains(t, out, "MQTT_URL: mqtt://localhost\n")
	require.Contains(t, out, "== data\nthere are none yet\n")
	requireDiscreet(t, out)
}

// TestSupportCleansWhatOthersSay looks at errors that quote what they should not.
func TestSupportCleansWhatOthersSay(t *testing.T) {
	env := good(t)
	environ(t, env)
	kept := openStore(t, env["DATA_DIR"])
	token := consoToken(t, time.Now(), homePRM)
	require.NoError(t, kept.SaveBackoff(t.Context(), store.Backoff{
		Source: "dataconnect", Failures: 2, Outcome: store.SourceDown,
		Detail: "ask jeanne.dupont@example.org about 09876543210987 (09 876 543 210 987) with " + token + " or 0123456789abcdef0123456789abcdef",
	}))
	code, out, log := call(t, "support")
	require.Zero(t, code, log)
	require.Contains(t, out, "dataconnect: 2 failures, source_down, until –, not before –: ask [e-mail] about … (…) with [token] or [token]\n")
}

func TestCleanedLeavesWords(t *testing.T) {
	const words = "dial tcp 10.0.0.1:443: connect: connection refused (courbe_de_charge_consommation, gw.ext.prod.api.enedis.fr)"
	require.Equal(t, words, cleaned(words))
}
