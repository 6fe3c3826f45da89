package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// good is a complete environment; the sources and the broker that it names are not there.
func good(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"METERS":               "09876543210987",
		"ENEDIS_CLIENT_ID":     "id",
		"ENEDIS_CLIENT_SECRET": "secret",
		"ENEDIS_BASE_URL":      "http://127.0.0.1:1",
		"HTTP_ADDR":            "",
		"DATA_DIR":             t.TempDir(),
	}
}

func TestExitCodes(t *testing.T) {
	tests := map[string]struct {
		args []string
		code int
		says string // on either output
	}{
		"version":                         {[]string{"version"}, 0, "enedis2mqtt dev, commit "},
		"help":                            {[]string{"--help"}, 0, "healthcheck"},
		"help of a command":               {[]string{"demo", "--help"}, 0, "--fault"},
		"faults of the simulator":         {[]string{"simulator", "--list-faults"}, 0, "wrongprm: "},
		"unknown command":                 {[]string{"dmeo"}, exitSettings, "dmeo"},
		"unknown flag":                    {[]string{"run", "--loud"}, exitSettings, "--loud"},
		"flag with a wrong value":         {[]string{"demo", "--locale", "de"}, exitSettings, "fr"},
		"demo without meters":             {[]string{"demo", "--meters", "0"}, exitSettings, "--meters"},
		"demo with an unknown fault":      {[]string{"demo", "--fault", "fire"}, exitSettings, "wrongprm"},
		"simulator without meters":        {[]string{"simulator", "--meters", "-1"}, exitSettings, "--meters"},
		"simulator with an unknown fault": {[]string{"simulator", "--fault", "fire"}, exitSettings, "wrongprm"},
		"run without settings":            {[]string{"run"}, exitSettings, "SOURCES: there is no way in: give ENEDIS_CLIENT_ID"},
		"no command is run":               {nil, exitSettings, "SOURCES: there is no way in: give ENEDIS_CLIENT_ID"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			environ(t, nil)
			code, out, log := call(t, test.args...)
			require.Equal(t, test.code, code, log)
			require.Contains(t, out+log, test.says)
		})
	}
}

func TestSecondProcessOnTheSameDataSaysSo(t *testing.T) {
	sim := enedistest.New(enedistest.Options{Now: time.Now, Meters: enedistest.Household(1), PublishedAtOnce: true})
	server := httptest.NewServer(sim)
	defer server.Close()
	env := good(t)
	env["ENEDIS_BASE_URL"] = server.URL
	environ(t, env)
	first, err := store.Open(t.Context(), env["DATA_DIR"], store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, first.Close()) }()

	code, out, log := call(t, "run")
	require.Equal(t, exitFailure, code)
	require.Empty(t, out)
	require.Equal(t, 1, strings.Count(log, "\n"), "one sentence: %s", log)
	require.Contains(t, log, "another enedis2mqtt uses the data in "+env["DATA_DIR"])
	require.Empty(t, sim.Calls())
}

func TestHealthcheck(t *testing.T) {
	t.Run("of the page", func(t *testing.T) {
		status := http.StatusOK
		page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" {
				w.WriteHeader(status)
			}
		}))
		defer page.Close()
		env := good(t)
		env["HTTP_ADDR"] = page.Listener.Addr().String()
		environ(t, env)
		code, _, log := call(t, "healthcheck")
		require.Zero(t, code, log)

		status = http.StatusServiceUnavailable
		code, _, log = call(t, "healthcheck")
		require.Equal(t, exitFailure, code)
		require.Contains(t, log, "503")

		page.Close()
		code, _, _ = call(t, "healthcheck")
		require.Equal(t, exitFailure, code)
	})

	t.Run("of the heartbeat, without a page", func(t *testing.T) {
		env := good(t)
		environ(t, env)
		code, _, _ := call(t, "healthcheck")
		require.Equal(t, exitFailure, code, "nothing has ever run there")

		beaten := time.Now()
		kept, err := store.Open(t.Context(), env["DATA_DIR"], store.Options{
			Now: func() time.Time { return beaten }, Log: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, kept.Close()) }()
		require.NoError(t, kept.Beat(t.Context()))
		code, _, log := call(t, "healthcheck")
		require.Zero(t, code, log)

		beaten = beaten.Add(-stale - time.Minute)
		require.NoError(t, kept.Beat(t.Context()))
		code, _, log = call(t, "healthcheck")
		require.Equal(t, exitFailure, code)
		require.Contains(t, log, "the last heartbeat is 6m3")
	})
}

func TestSimulatorPrintsTheSettingsForIt(t *testing.T) {
	t.Parallel()
	simulator := start(t, "simulator", "--addr", "127.0.0.1:0", "--meters", "2", "--fault", "500")
	address := simulator.out.await(t, `ENEDIS_BASE_URL=(http://127\.0\.0\.1:\d+)\n`)[1]
	simulator.out.await(t, `METERS=09876543210987,33000000000033\n`)
	require.Equal(t, http.StatusOK, request(t, http.MethodGet, address+"/simulator/faults"))
	require.Zero(t, simulator.stop())
}
