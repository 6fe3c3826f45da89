package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// The secrets of these tests.
const (
	clientSecret = "client-secret-4711"
	mqttPassword = "mqtt-password-4711"
	httpPassword = "http-password-4711"
)

// gossip is an Enedis that may quote the whole request in its refusals. It remembers the credentials that it was shown.
type gossip struct {
	*enedistest.Enedis
	quotes atomic.Bool
	quoted atomic.Int32

	mu    sync.Mutex
	shown map[string]bool // values of Authorization, without the scheme
}

func (g *gossip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, credential, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
		g.mu.Lock()
		g.shown[credential] = true
		g.mu.Unlock()
	}
	if !g.quotes.Load() || !strings.HasPrefix(r.URL.Path, "/mesure_synchrone_auto/") {
		g.Enedis.ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error":"ADAM-ERR9999 %[1]s","error_description":"usage_point_id=%[1]s, %[1]s1: %[2]s"}`,
		r.URL.Query().Get("usage_point_id"), r.URL)
	g.quoted.Add(1)
}

// TestSecretsStayInside has a bridge that logs everything go through faults, and looks for what must not be seen.
func TestSecretsStayInside(t *testing.T) {
	home := enedistest.Household(1)[0]
	yesterday := meter.DayOf(time.Now()) - 1
	home.Published = func(d meter.Day) time.Time {
		if d < yesterday {
			return d.End()
		}
		return d.End().AddDate(1, 0, 0) // so that the bridge never stops asking
	}
	sim := &gossip{
		Enedis: enedistest.New(enedistest.Options{
			Now: time.Now, ClientID: "id", ClientSecret: clientSecret, Meters: []enedistest.Meter{home},
			Limits: patientLimits,
		}),
		shown: make(map[string]bool),
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	broker := mqtttest.New(t, mqtttest.WithPassword("bridge", mqttPassword))
	page := freeAddress(t)
	environ(t, map[string]string{
		"METERS":               string(home.PRM),
		"ENEDIS_BASE_URL":      server.URL,
		"ENEDIS_CLIENT_ID":     "id",
		"ENEDIS_CLIENT_SECRET": clientSecret,
		"MQTT_URL":             broker.URL().String(),
		"MQTT_USERNAME":        "bridge",
		"MQTT_PASSWORD":        mqttPassword,
		"HTTP_ADDR":            page,
		"HTTP_USERNAME":        "admin",
		"HTTP_PASSWORD":        httpPassword,
		"DATA_DIR":             t.TempDir(),
		"FETCH_WINDOW":         "00:00-00:01",
		"RETRY_INTERVAL":       "1s",
		"RETRY_UNTIL":          "24:00",
		"LOG_LEVEL":            "debug",
	})
	faults := []string{"token401", "500", "html", "wrongprm", "429"}
	for _, name := range faults {
		sim.Inject(enedistest.Fault{Name: name, Count: 1})
	}
	program := start(t, "run")
	eventually := func(condition func() bool) {
		t.Helper()
		require.Eventually(t, condition, patience, 5*time.Millisecond)
	}
	for _, name := range faults {
		eventually(func() bool { return sim.Count(enedistest.Call{Fault: name}) > 0 })
	}
	awaitReason(broker, home.PRM, contract.Waiting)

	sim.quotes.Store(true)
	eventually(func() bool { return sim.quoted.Load() > 0 })
	awaitReason(broker, home.PRM, contract.Settings)
	sim.quotes.Store(false)

	code, _, log := call(t, "healthcheck")
	require.Zero(t, code, log)
	for _, command := range []string{"check", "support"} {
		_, out, log := call(t, command)
		requireDiscreet(t, out+log)
	}
	require.Equal(t, http.StatusUnauthorized, request(t, http.MethodGet, "http://"+page+"/", asAdmin("wrong-password")))
	require.Equal(t, http.StatusOK, request(t, http.MethodGet, "http://"+page+"/", asAdmin(httpPassword)))

	broker.SetPassword("bridge", "another")
	broker.Drop()
	broker.AwaitThat(func() bool { return broker.Refusals() > 0 })

	sim.Inject(enedistest.Fault{Name: "hang"})
	eventually(func() bool { return sim.Count(enedistest.Call{Fault: "hang"}) > 0 })
	require.Zero(t, program.stop())

	said := program.out.String() + program.log.String()
	require.Contains(t, said, "level=DEBUG")
	require.Contains(t, said, "status=400")
	require.Contains(t, said, home.PRM.Short())
	for _, message := range broker.Received() {
		if message.Topic == topics.BridgeHealth() {
			require.NotContains(t, message.Body, string(home.PRM))
		}
		said += message.Body
	}
	for _, secret := range []string{
		clientSecret, mqttPassword, httpPassword, base64.StdEncoding.EncodeToString([]byte("id:" + clientSecret)),
	} {
		require.NotContains(t, said, secret)
	}
	require.Greater(t, len(sim.shown), 1, "the client's and at least one access token")
	for credential := range sim.shown {
		require.NotContains(t, said, credential)
	}
	require.NotContains(t, program.log.String(), string(home.PRM))
}

// freeAddress is one of the loopback interface on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// asAdmin logs in to the page.
func asAdmin(password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth("admin", password) }
}

// TestSecretsStayInsideWhenSettingsAreWrong puts them where people put them by mistake.
func TestSecretsStayInsideWhenSettingsAreWrong(t *testing.T) {
	environ(t, map[string]string{
		"METERS":               "09876543210987 33000000000033,098765432109871," + clientSecret + strings.Repeat("x", 40),
		"ENEDIS_CLIENT_SECRET": clientSecret,
		"ENEDIS_BASE_URL":      "ftp://id:" + clientSecret + "@example.org",
		"MQTT_URL":             "http://bridge:" + mqttPassword + "@localhost",
		"MQTT_PASSWORD":        mqttPassword,
		"HTTP_PASSWORD":        httpPassword,
		"LOG_LEVEL":            "loud",
	})
	code, out, log := call(t, "run")
	require.Equal(t, exitSettings, code)
	for _, name := range []string{"METERS", "ENEDIS_CLIENT_ID", "ENEDIS_BASE_URL", "MQTT_URL", "HTTP_USERNAME", "LOG_LEVEL"} {
		require.Contains(t, log, "\n"+name+": ", "all of them are named at once")
	}
	for _, command := range []string{"check", "support"} {
		_, more, errors := call(t, command)
		out += more + errors
	}
	for _, hidden := range []string{clientSecret, mqttPassword, httpPassword, "09876543210987", "33000000000033"} {
		require.NotContains(t, out+log, hidden)
	}
}

func TestSecretPrintsNowhere(t *testing.T) {
	env := environment{
		EnedisClientSecret: clientSecret, MQTTPassword: mqttPassword, HTTPPassword: httpPassword,
		Meters: `[{"token":"token-4711"}]`, ConsoToken: "token-4711", MEDToken: "token-4711", MEDClientSecret: "secret-4711",
		HomeAssistantToken: "token-4711",
	}
	var said bytes.Buffer
	slog.New(slog.NewJSONHandler(&said, nil)).Info("settings", "environment", env, "password", env.HTTPPassword)
	slog.New(slog.NewTextHandler(&said, nil)).Info("settings", "environment", env, "password", env.HTTPPassword)
	fmt.Fprintf(&said, "%v %+v %#v %s %q", env, env, env, env.HTTPPassword, env.HTTPPassword)
	require.NoError(t, json.NewEncoder(&said).Encode(env))
	require.NotContains(t, said.String(), "-4711")
	require.Contains(t, said.String(), "[redacted]")
}
