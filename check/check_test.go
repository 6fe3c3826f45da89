package check

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	for _, locale := range []contract.Locale{contract.French, contract.English} {
		w := newWorld(t, home())
		w.Locale = locale
		r := w.run()
		require.True(t, r.OK)
		require.Equal(t, []string{
			"settings ok", "data ok", "source ok", "consent ok", "hourly ok", "duration ok", "clock ok", "broker ok", "topics ok",
			"discovery ok", "home_assistant skipped", "page ok",
		}, statuses(r))

		require.Len(t, w.sim.Calls(), 3, "a token, a daily value, a curve")
		kept := w.store()
		calls, err := kept.Calls(t.Context(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
		require.Len(t, calls, 3, "in the ledger")
		attempts, err := kept.Attempts(t.Context())
		require.NoError(t, err)
		require.Empty(t, attempts)
		require.NoError(t, kept.Close())
		require.Empty(t, w.broker.Retained(), "nothing is left behind")
	}
}

// TestTrouble spoils one thing at a time.
func TestTrouble(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		meter   func(m *enedistest.Meter)
		spoil   func(w *world)
		name    string // of the result that must tell, and its status
		status  Status
		message string // parts of its sentence and of its remedy
		remedy  string
	}{
		"a warning about the settings": {
			spoil: func(w *world) { w.Warnings = []string{"MQTT_HOST is no setting."} },
			name:  "settings", status: Warning, message: "MQTT_HOST", remedy: "README",
		},
		"a folder that cannot be made": {
			spoil: func(w *world) {
				file := filepath.Join(w.DataDir, "file")
				require.NoError(w.t, os.WriteFile(file, nil, 0o600))
				w.DataDir = filepath.Join(file, "data")
			},
			name: "data", status: Failed, message: "cannot be used", remedy: "DATA_DIR",
		},
		"a wrong secret": {
			spoil: func(w *world) { w.sources[0] = w.dataConnect("another") },
			name:  "source", status: Failed, message: "401", remedy: "ENEDIS_CLIENT_SECRET",
		},
		"a source that is not there": {
			spoil: func(w *world) { w.server.Close() },
			name:  "source", status: Failed, message: "connection refused", remedy: "DNS",
		},
		"too many calls": {
			spoil: func(w *world) { w.sim.Inject(enedistest.Fault{Name: "429"}) },
			name:  "source", status: Failed, message: "429", remedy: "wait",
		},
		"a clock that is wrong": {
			spoil: func(w *world) { w.sim.Inject(enedistest.Fault{Name: "clock"}) },
			name:  "clock", status: Failed, message: "differs by", remedy: "NTP",
		},
		"a clock before the program": {
			spoil: func(w *world) { w.Built = time.Now().AddDate(0, 0, 2) },
			name:  "clock", status: Failed, message: "no call is made", remedy: "NTP",
		},
		"a budget that is spent": {
			spoil: spend,
			name:  "source", status: Warning, message: "budget of calls is spent", remedy: "wait",
		},
		"a source that asked for rest": {
			spoil: func(w *world) {
				kept := w.store()
				require.NoError(w.t, kept.SaveBackoff(w.t.Context(), store.Backoff{
					Source: "dataconnect", Failures: 1, NotBefore: time.Now().Add(time.Hour), Outcome: store.OverQuota, Detail: "come later",
				}))
				require.NoError(w.t, kept.Close())
			},
			name: "source", status: Warning, message: "(come later)", remedy: "wait",
		},
		"no consent": {
			meter: func(m *enedistest.Meter) { m.NoConsent = true },
			spoil: func(w *world) { w.PublicURL = "https://home.example.org" },
			name:  "consent", status: Failed, message: "refuses this meter", remedy: "https://home.example.org/consent/start",
		},
		"an API that is not subscribed": {
			spoil: func(w *world) { w.sim.Inject(enedistest.Fault{Name: "not_subscribed"}) },
			name:  "consent", status: Failed, message: "has not subscribed", remedy: "datahub-enedis.fr",
		},
		"an Enedis in trouble": {
			spoil: func(w *world) { w.sim.Inject(enedistest.Fault{Name: "503"}) },
			name:  "consent", status: Failed, message: "503", remedy: "try this again later",
		},
		"no curve": {
			meter: func(m *enedistest.Meter) { m.Kind = enedistest.NoCurve },
			name:  "hourly", status: Warning, message: "not collected", remedy: "https://mon-compte-particulier.enedis.fr/donnees",
		},
		"a broker that is not there": {
			spoil: func(w *world) {
				away := httptest.NewServer(nil)
				away.Close()
				w.Broker.URL.Host = away.Listener.Addr().String()
			},
			name: "broker", status: Failed, message: "connection refused", remedy: "Check that the broker runs, and the host",
		},
		"a broker that hangs up at once": {
			spoil: func(w *world) { w.broker.Stop() },
			name:  "broker", status: Failed, message: "No connection to the broker", remedy: "speaks the protocol of MQTT_URL",
		},
		"a wrong password of the broker": {
			spoil: func(w *world) { w.Broker.Password = "another" },
			name:  "broker", status: Failed, message: "not Authorized", remedy: "MQTT_PASSWORD",
		},
		"a broker without TLS": {
			spoil: func(w *world) { w.Broker.URL.Scheme, w.Broker.URL.Host = "mqtts", w.server.Listener.Addr().String() },
			name:  "broker", status: Failed, message: "tls:", remedy: "does not speak TLS",
		},
		"no right to write": {
			spoil: func(w *world) { forbid(w, "enedis2mqtt/") },
			name:  "topics", status: Failed, message: "hangs up", remedy: "ACL",
		},
		"no right to write for the discovery": {
			spoil: func(w *world) { forbid(w, "homeassistant/") },
			name:  "discovery", status: Failed, message: "hangs up", remedy: "homeassistant/device",
		},
		"no right to read": {
			spoil: func(w *world) {
				w.broker = mqtttest.New(w.t, mqtttest.WithSubscriptions(func(string) bool { return false }))
				w.Broker.URL = w.broker.URL()
			},
			name: "topics", status: Failed, message: "does not come back", remedy: "ACL",
		},
		"a page where somebody listens": {
			spoil: func(w *world) { w.HTTPAddr = taken(w.t) },
			name:  "page", status: Failed, message: "address already in use", remedy: "HTTP_ADDR",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := home()
			if test.meter != nil {
				test.meter(&m)
			}
			w := newWorld(t, m)
			if test.spoil != nil {
				test.spoil(w)
			}
			r := w.run()
			one := find(t, r, test.name, "")
			require.Equal(t, test.status, one.Status, one.Message)
			require.Contains(t, one.Message, test.message)
			require.Contains(t, one.Remedy, test.remedy)
			require.Equal(t, test.status != Failed, r.OK)
		})
	}
}

// spend makes all the calls that an hour has.
func spend(w *world) {
	kept := w.store()
	for range 1000 {
		call := store.Call{Source: "dataconnect", API: "mesure_synchrone_auto", At: time.Now().Add(-30 * time.Minute)}
		require.NoError(w.t, kept.AddCall(w.t.Context(), call))
	}
	require.NoError(w.t, kept.Close())
}

// forbid has a broker hang up on whatever is published below a topic.
func forbid(w *world, topic string) {
	w.broker = mqtttest.New(w.t, mqtttest.WithReply(func(m mqtttest.Message) mqtttest.Reply {
		if len(m.Topic) > len(topic) && m.Topic[:len(topic)] == topic {
			return mqtttest.Disconnect
		}
		return mqtttest.Acknowledge
	}))
	w.Broker.URL = w.broker.URL()
}

func TestASourceInTroubleIsNotAskedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enedistest.Household(4)...)
	w.sim.Inject(enedistest.Fault{Name: "token400"})
	r := w.run()
	require.Equal(t, Failed, find(t, r, "source", "").Status)
	require.Len(t, w.sim.Calls(), 1)
	require.NotContains(t, statuses(r), "consent ok")
}

func TestAFleetIsTriedByAHandful(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enedistest.Household(8)...)
	for i := range w.Meters {
		w.Meters[i].Hourly = false
	}
	r := w.run()
	require.True(t, r.OK)
	require.Contains(t, find(t, r, "consent", "dataconnect").Message, "only 5 meters are tried; 3 more are not")
	require.LessOrEqual(t, len(w.sim.Calls()), 1+5)
	require.Contains(t, find(t, r, "duration", "").Message, "A day of 8 meter(s) costs 16 calls")
}

func TestMetersOfBothDirections(t *testing.T) {
	t.Parallel()
	meters := enedistest.Household(3)[1:] // one with both, one of production alone
	w := newWorld(t, meters...)
	w.Meters[0].Directions = meters[0].Directions()
	r := w.run()
	require.True(t, r.OK)
	for _, subject := range []string{"…0033 consumption", "…0033 production", "…0022 production"} {
		require.Equal(t, OK, find(t, r, "hourly", subject).Status, subject)
	}
}

func TestMetersOfConsents(t *testing.T) {
	t.Parallel()
	m := home()
	w := newWorld(t, m)
	w.Meters = nil
	require.Equal(t, OK, find(t, w.run(), "source", "").Status, "nobody has consented yet, and the credentials are good")
	require.Len(t, w.sim.Calls(), 1, "the token")
	require.Equal(t, Warning, find(t, w.run(), "meters", "").Status)

	kept := w.store()
	consent := store.Consent{PRM: m.PRM, Source: "dataconnect", GrantedAt: time.Now(), Until: yesterday() + 10}
	require.NoError(t, kept.SaveConsent(t.Context(), consent))
	require.NoError(t, kept.Close())
	one := find(t, w.run(), "consent", "…0987 dataconnect")
	require.Equal(t, Warning, one.Status)
	require.Contains(t, one.Message, "it holds until "+consent.Until.String())
	require.Contains(t, one.Remedy, "Renew")
}

func TestNothingIsAskedOfTheStoreTwice(t *testing.T) {
	t.Parallel()
	m := home()
	w := newWorld(t, m)
	kept := w.store()
	remember(t, kept, m, yesterday())
	require.NoError(t, kept.Close())
	require.Equal(t, OK, find(t, w.run(), "hourly", "").Status)
	require.Zero(t, w.sim.Count(enedistest.Call{Resource: "courbe_de_charge_consommation"}), "the store knows it")
}

// TestBesideABridge wants no call while a bridge holds the store, and what that one has met.
func TestBesideABridge(t *testing.T) {
	t.Parallel()
	meters := enedistest.Household(4)
	w := newWorld(t, meters...)
	page := httptest.NewServer(nil)
	page.Close()
	w.HealthURL = page.URL
	kept := w.store()
	defer func() { require.NoError(t, kept.Close()) }()
	remember(t, kept, meters[0], yesterday())
	failed(t, kept, meters[1], store.NoConsent, "ADAM-DC-0008")
	require.NoError(t, kept.AddCall(t.Context(), store.Call{Source: "dataconnect", API: "mesure_synchrone_auto", At: time.Now()}))
	require.NoError(t, kept.SaveMeter(t.Context(), uncollected(meters[3])))

	r := w.run()
	require.Empty(t, w.sim.Calls())
	require.Contains(t, find(t, r, "data", "").Message, "A bridge runs")
	source := find(t, r, "source", "")
	require.Contains(t, source.Message, "Last answer on ")
	require.Contains(t, source.Message, "999 calls of 1000 in 1 h are left")
	require.Equal(t, OK, find(t, r, "consent", "…0987 dataconnect").Status)
	refused := find(t, r, "consent", "…0033 dataconnect")
	require.Equal(t, Failed, refused.Status)
	require.Contains(t, refused.Message, "ADAM-DC-0008")
	require.Contains(t, refused.Remedy, "/consent/start")
	require.Equal(t, Skipped, find(t, r, "consent", "…0022 dataconnect").Status)
	require.Equal(t, Warning, find(t, r, "hourly", "…0044 consumption").Status)
	require.Equal(t, OK, find(t, r, "broker", "").Status)
	require.Equal(t, Failed, find(t, r, "page", "").Status, "the bridge that holds the store has none there")

	require.NoError(t, kept.SaveBackoff(t.Context(), store.Backoff{
		Source: "dataconnect", Failures: 4, Until: time.Now().Add(time.Hour), Outcome: store.BadSettings, Detail: "token: HTTP 401",
	}))
	source = find(t, w.run(), "source", "")
	require.Equal(t, Failed, source.Status)
	require.Contains(t, source.Message, "token: HTTP 401")
	require.Contains(t, source.Remedy, "ENEDIS_CLIENT_ID")
}

func TestBrokerRemedies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, home())
	w.Broker.URL.Host = "host.invalid:1883"
	require.Contains(t, find(t, w.run(), "broker", "").Remedy, "host")
	c := &checker{Options: Options{Locale: contract.English}}
	for _, test := range []struct {
		visit  visit
		status Status
		says   string
	}{
		{visit{echoed: true}, OK, "read back"},
		{visit{}, Failed, "does not come back"},
		{visit{lost: mqtt.ErrOffline}, Failed, "hangs up"},
		{visit{lost: errors.New("late")}, Failed, "does not acknowledge the message (late)"},
		{visit{refused: errSilent}, Failed, "no answer within 15s"},
	} {
		one := c.written("topics", "enedis2mqtt", "enedis2mqtt/bridge/check", test.visit)
		require.Equal(t, test.status, one.Status)
		require.Contains(t, one.Message, test.says)
	}
}

func TestWhatDoesNotExistIsNotTried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, home())
	w.DiscoveryPrefix, w.HTTPAddr, w.HealthURL = "", "", ""
	w.Meters = []bridge.Meter{{PRM: home().PRM}}
	r := w.run()
	require.True(t, r.OK)
	for _, name := range []string{"discovery", "page", "hourly", "home_assistant"} {
		require.Equal(t, Skipped, find(t, r, name, "").Status)
	}
}
