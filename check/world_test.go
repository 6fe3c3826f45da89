package check

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The secrets of these tests.
const (
	clientSecret = "client-secret-4711"
	mqttPassword = "mqtt-password-4711"
)

// world is an installation with an Enedis and a broker of its own. A test spoils what it is about before it calls run.
type world struct {
	t       *testing.T
	sim     *enedistest.Enedis
	server  *httptest.Server
	broker  *mqtttest.Broker
	sources []func(gate enedis.Gate, client *http.Client) (bridge.Source, error)
	Options
}

// newWorld makes one in which all is well, with some meters that METERS names.
func newWorld(t *testing.T, meters ...enedistest.Meter) *world {
	t.Helper()
	w := &world{
		t: t,
		sim: enedistest.New(enedistest.Options{
			Now: time.Now, ClientID: "id", ClientSecret: clientSecret, Meters: meters, PublishedAtOnce: true,
		}),
		broker: mqtttest.New(t, mqtttest.WithPassword("bridge", mqttPassword)),
	}
	w.server = httptest.NewServer(w.sim)
	t.Cleanup(w.server.Close)
	w.sources = append(w.sources, w.dataConnect(clientSecret))
	w.Options = Options{
		Locale: contract.English, DataDir: t.TempDir(),
		Broker:    mqtt.Options{URL: w.broker.URL(), Username: "bridge", Password: mqttPassword},
		BaseTopic: "enedis2mqtt", DiscoveryPrefix: "homeassistant", HTTPAddr: "127.0.0.1:0",
		HealthURL: "http://127.0.0.1:0/healthz", Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	for _, m := range meters {
		w.Meters = append(w.Meters, bridge.Meter{PRM: m.PRM, Name: "Maison", Hourly: true})
	}
	w.Sources = func(gate func(string) enedis.Gate, client *http.Client) (list []bridge.Source, err error) {
		for _, source := range w.sources {
			var name string
			s, err := source(func(ctx context.Context, c enedis.Call) error { return gate(name)(ctx, c) }, client)
			if err != nil {
				return nil, err
			}
			name = s.Name()
			list = append(list, s)
		}
		return list, nil
	}
	return w
}

func (w *world) dataConnect(secret string) func(enedis.Gate, *http.Client) (bridge.Source, error) {
	return func(gate enedis.Gate, client *http.Client) (bridge.Source, error) {
		return dataconnect.New(dataconnect.Options{
			BaseURL: w.server.URL, Version: dataconnect.V2026, ClientID: "id", ClientSecret: secret,
			UserAgent: "enedis2mqtt", HTTP: client, Gate: gate, Now: w.Now, Log: w.Log,
		})
	}
}

// run tries it all, and looks for what must not be seen.
func (w *world) run() Report {
	w.t.Helper()
	r := Run(w.t.Context(), w.Options)
	var text strings.Builder
	require.NoError(w.t, r.Print(&text, w.Locale))
	for _, hidden := range []string{clientSecret, mqttPassword, homeassistanttest.Token, "%!", "Maison"} {
		require.NotContains(w.t, text.String(), hidden)
	}
	require.NotRegexp(w.t, `\d{14}`, text.String())
	for _, one := range r.Checks {
		require.NotEmpty(w.t, one.Message, one.Name)
		require.True(w.t, strings.HasSuffix(one.Message, "."), one.Message)
		if one.Status == Failed || one.Status == Warning {
			require.NotEmpty(w.t, one.Remedy, one.Message)
		}
	}
	w.t.Log(text.String())
	return r
}

// store opens the store as a bridge does.
func (w *world) store() *store.Store {
	w.t.Helper()
	kept, err := store.Open(w.t.Context(), w.DataDir, store.Options{Now: w.Now, Log: w.Log})
	require.NoError(w.t, err)
	return kept
}

// find gives the one result of a name, and of a subject unless that is empty.
func find(t *testing.T, r Report, name, subject string) Result {
	t.Helper()
	var found []Result
	for _, one := range r.Checks {
		if one.Name == name && (subject == "" || one.Subject == subject) {
			found = append(found, one)
		}
	}
	require.Len(t, found, 1, "%s %s in %v", name, subject, r.Checks)
	return found[0]
}

// statuses lists the results as in "broker ok".
func statuses(r Report) (list []string) {
	for _, one := range r.Checks {
		list = append(list, one.Name+" "+string(one.Status))
	}
	return list
}

// taken is an address on which somebody listens.
func taken(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l.Addr().String()
}

func home() enedistest.Meter { return enedistest.Household(1)[0] }

func yesterday() meter.Day { return meter.DayOf(time.Now()) - 1 }
