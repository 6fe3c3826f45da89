package check

import (
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
)

// inUse are preferences of an Energy dashboard that has our statistic.
const inUse = `{"energy_sources":[{"type":"grid","stat_energy_from":"enedis2mqtt:09876543210987_consumption"}]}`

// at puts a Home Assistant into the settings of a world.
func (w *world) at(address string) {
	w.t.Helper()
	endpoint, err := homeassistant.Endpoint(address)
	require.NoError(w.t, err)
	w.HomeAssistant = HomeAssistant{Endpoint: endpoint, Token: homeassistanttest.Token}
}

func TestHomeAssistant(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options         homeassistanttest.Options
		spoil           func(w *world, ha *homeassistanttest.HomeAssistant)
		status          Status
		message, remedy string // parts of its sentence and of its remedy
		energy          Status // empty: it is not asked
	}{
		"all is well": {
			spoil:  func(_ *world, ha *homeassistanttest.HomeAssistant) { ha.SetPreferences(inUse) },
			status: OK, message: "2026.11.0", energy: OK,
		},
		"a dashboard that does not use our statistics": {
			spoil:  func(*world, *homeassistanttest.HomeAssistant) {},
			status: OK, message: "2026.11.0", energy: Warning,
		},
		"a wrong token": {
			spoil:  func(_ *world, ha *homeassistanttest.HomeAssistant) { ha.SetToken("another") },
			status: Failed, message: "the token is refused", remedy: "HOMEASSISTANT_TOKEN",
		},
		"a user who is no administrator": {
			options: homeassistanttest.Options{NotAdmin: true},
			spoil:   func(*world, *homeassistanttest.HomeAssistant) {},
			status:  Failed, message: "not of an administrator", remedy: "administrator's account", energy: Warning,
		},
		"a database that is migrated": {
			spoil:  func(_ *world, ha *homeassistanttest.HomeAssistant) { ha.SetMigrating(true) },
			status: Warning, message: "migrates", remedy: "Nothing to do", energy: Warning,
		},
		"nobody is there": {
			spoil: func(w *world, _ *homeassistanttest.HomeAssistant) {
				away := httptest.NewServer(nil)
				away.Close()
				w.at(away.URL)
			},
			status: Failed, message: "connection refused", remedy: "8123",
		},
		"a host that is not known": {
			spoil:  func(w *world, _ *homeassistanttest.HomeAssistant) { w.at("http://host.invalid:8123") },
			status: Failed, message: "host.invalid", remedy: "IP address",
		},
		"something else is there": {
			spoil:  func(w *world, _ *homeassistanttest.HomeAssistant) { w.at(w.server.URL) },
			status: Failed, message: "answers /api/websocket with HTTP status 404", remedy: "in a browser",
		},
		"the address of a page": {
			spoil:  func(w *world, _ *homeassistanttest.HomeAssistant) { w.at(w.server.URL + "/lovelace/0") },
			status: Failed, message: "answers /lovelace/0/api/websocket with HTTP status 404", remedy: "Remove the path",
		},
		"a certificate that nobody vouches for": {
			spoil: func(w *world, ha *homeassistanttest.HomeAssistant) {
				untrusted := httptest.NewTLSServer(ha)
				untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
				w.t.Cleanup(untrusted.Close)
				w.at(untrusted.URL)
			},
			status: Failed, message: "certificate", remedy: "the certificate was made for",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ha := homeassistanttest.New(test.options)
			server := httptest.NewServer(ha)
			defer server.Close()
			for _, locale := range []contract.Locale{contract.French, contract.English} {
				w := newWorld(t, home())
				w.Locale = locale
				w.at(server.URL)
				test.spoil(w, ha)
				r := w.run()
				require.Equal(t, test.status != Failed, r.OK)
				one := find(t, r, "home_assistant", "")
				require.Equal(t, test.status, one.Status, one.Message)
				require.Equal(t, w.HomeAssistant.Endpoint.Host, one.Subject)
				if locale == contract.English {
					require.Contains(t, one.Message, test.message)
					require.Contains(t, one.Remedy, test.remedy)
				}
				if test.energy == "" {
					require.NotContains(t, strings.Join(statuses(r), " "), "energy")
					continue
				}
				energy := find(t, r, "energy", "")
				require.Equal(t, test.energy, energy.Status)
				if test.energy == OK {
					require.Contains(t, energy.Message, "enedis2mqtt:…0987_consumption")
				}
			}
			require.Empty(t, ha.Rows("enedis2mqtt:09876543210987_consumption"))
		})
	}
}

func TestAnAddOnIsNotSentToSettingsThatItDoesNotHave(t *testing.T) {
	t.Parallel()
	endpoint, err := homeassistant.Endpoint("http://supervisor/core")
	require.NoError(t, err)
	for name, err := range map[string]error{
		"a refused token":         homeassistant.ErrToken,
		"no administrator":        homeassistant.ErrAdmin,
		"a recorder that starts":  homeassistant.ErrNotReady,
		"a name nobody knows":     &net.DNSError{},
		"nobody at the address":   &net.OpError{Err: io.EOF},
		"an answer that is wrong": io.EOF,
	} {
		remedy := homeAssistantRemedy(endpoint, err)
		require.NotContains(t, remedy.fr+remedy.en, "HOMEASSISTANT_", name)
	}
}
