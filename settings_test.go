package main

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// today is the day on which the settings are read.
var today = time.Date(2026, time.November, 22, 12, 0, 0, 0, meter.Paris())

// with gives a complete environment with some variables changed.
func with(t *testing.T, changes map[string]string) map[string]string {
	t.Helper()
	env := map[string]string{"METERS": "09876543210987", "ENEDIS_CLIENT_ID": "id", "ENEDIS_CLIENT_SECRET": "secret"}
	maps.Copy(env, changes)
	return env
}

// english gives the warnings as logs say them.
func english(notices []notice) []string {
	var texts []string
	for _, n := range notices {
		texts = append(texts, n.en)
	}
	return texts
}

// file gives the name of a file with some text.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

func TestGoodSettings(t *testing.T) {
	tests := map[string]struct {
		env   map[string]string
		check func(t *testing.T, s settings)
	}{
		"defaults": {nil, func(t *testing.T, s settings) {
			t.Helper()
			require.Equal(t, []bridge.Meter{{PRM: "09876543210987", Name: "Linky 0987", Hourly: true}}, s.meters)
			require.Equal(t, enedisSettings{
				clientID: "id", clientSecret: "secret", baseURL: "https://gw.ext.prod.api.enedis.fr", api: dataconnect.V2026,
				consentDuration: dataconnect.DefaultDuration,
			}, s.enedis)
			require.Equal(t, []string{dataconnect.Name}, s.sources)
			require.Equal(t, consoapi.DefaultURL, s.conso.url)
			require.Equal(t, myelectricaldata.V2, s.med.api)
			require.Empty(t, s.publicURL)
			require.Equal(t, "mqtt://localhost:1883", s.mqtt.url.String())
			require.Equal(t, "enedis2mqtt", s.mqtt.base)
			require.Empty(t, s.mqtt.username+string(s.mqtt.password)+s.mqtt.clientID)
			require.True(t, s.discovery)
			require.Equal(t, "homeassistant", s.prefix)
			require.Equal(t, discovery.Device, s.mode)
			require.Equal(t, "homeassistant/status", s.statusTopic)
			require.Equal(t, "127.0.0.1:8099", s.httpAddr)
			require.Equal(t, "data", s.dataDir)
			require.Equal(t, bridge.Schedule{
				WindowStart: 7 * 60, WindowEnd: 9 * 60, RetryInterval: 30 * time.Minute, RetryUntil: 19 * 60,
			}, s.schedule)
			require.Zero(t, s.history)
			require.Zero(t, s.statistics)
			require.Equal(t, contract.French, s.locale)
			require.Equal(t, slog.LevelInfo, s.logLevel)
			require.False(t, s.logJSON)
			require.Empty(t, s.warnings)
		}},
		"set and empty is the default": {
			map[string]string{
				"MQTT_URL": "", "LOG_LEVEL": "", "LOCALE": "", "FETCH_WINDOW": "", "HISTORY_START": "", "SOURCES": "",
				"ENEDIS_BASE_URL": "", "HOMEASSISTANT_DISCOVERY": "",
			},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, "mqtt://localhost:1883", s.mqtt.url.String())
				require.Equal(t, contract.French, s.locale)
				require.Equal(t, 7*60, s.schedule.WindowStart)
				require.True(t, s.discovery)
			},
		},
		"set and empty is off": {
			map[string]string{"HTTP_ADDR": "", "HOMEASSISTANT_DISCOVERY_PREFIX": ""},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Empty(t, s.httpAddr)
				require.False(t, s.discovery)
			},
		},
		"secrets in files, with the newline of an editor": {
			map[string]string{
				"ENEDIS_CLIENT_SECRET": "", "ENEDIS_CLIENT_SECRET_FILE": file(t, "from a file\n"),
				"MQTT_PASSWORD_FILE": file(t, "two\r\n"), "HTTP_USERNAME": "admin", "HTTP_PASSWORD_FILE": file(t, "three"),
			},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, secret("from a file"), s.enedis.clientSecret)
				require.Equal(t, secret("two"), s.mqtt.password)
				require.Equal(t, secret("three"), s.httpPassword)
			},
		},
		"beyond loopback with a password": {
			map[string]string{"HTTP_ADDR": ":8099", "HTTP_USERNAME": "admin", "HTTP_PASSWORD": "password"},
			func(t *testing.T, s settings) { t.Helper(); require.Equal(t, ":8099", s.httpAddr) },
		},
		"loopback by another name": {
			map[string]string{"HTTP_ADDR": "[::1]:80", "ENEDIS_BASE_URL": "http://localhost:8098/enedis/"},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, "http://localhost:8098/enedis", s.enedis.baseURL)
			},
		},
		"the former API": {
			map[string]string{"ENEDIS_API": "v5", "SOURCES": "dataconnect"},
			func(t *testing.T, s settings) { t.Helper(); require.Equal(t, dataconnect.V5, s.enedis.api) },
		},
		"a window of all day": {
			map[string]string{"FETCH_WINDOW": "00:00-24:00", "RETRY_INTERVAL": "1s", "RETRY_UNTIL": "24:00"},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, bridge.Schedule{WindowEnd: 1440, RetryInterval: time.Second, RetryUntil: 1440}, s.schedule)
			},
		},
		"a window that ends at midnight": {
			map[string]string{"FETCH_WINDOW": "6:30 - 00:00"},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, 6*60+30, s.schedule.WindowStart)
				require.Equal(t, 1440, s.schedule.WindowEnd)
			},
		},
		"history from a date": {
			map[string]string{"HISTORY_START": "2024-01-31"},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, bridge.History{From: meter.NewDay(2024, time.January, 31)}, s.history)
			},
		},
		"all of the history": {
			map[string]string{"HISTORY_START": "max"},
			func(t *testing.T, s settings) { t.Helper(); require.Equal(t, bridge.History{Max: true}, s.history) },
		},
		"words": {
			map[string]string{
				"LOCALE": "en", "LOG_LEVEL": "debug", "LOG_FORMAT": "json", "HOMEASSISTANT_DISCOVERY": "false",
				"HOMEASSISTANT_DISCOVERY_MODE": "single", "MQTT_CLIENT_ID": "mine", "MQTT_USERNAME": "bridge",
			},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, contract.English, s.locale)
				require.Equal(t, slog.LevelDebug, s.logLevel)
				require.True(t, s.logJSON)
				require.False(t, s.discovery)
				require.Equal(t, discovery.Single, s.mode)
				require.Equal(t, "mine", s.mqtt.clientID)
				require.Equal(t, "bridge", s.mqtt.username)
			},
		},
		"meters of consents alone": {
			map[string]string{"METERS": "[]"},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Empty(t, s.meters)
				require.Empty(t, s.warnings)
			},
		},
		"meters of consents, and no page to consent on, is a warning": {
			map[string]string{"METERS": "", "HTTP_ADDR": ""},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, []string{"METERS is empty and there is no page (HTTP_ADDR): nobody can consent on it"},
					english(s.warnings))
			},
		},
		"meters in a file": {
			map[string]string{"METERS": "", "METERS_FILE": file(t, "33 000 000 000 033\n")},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, []bridge.Meter{{PRM: "33000000000033", Name: "Linky 0033", Hourly: true}}, s.meters)
			},
		},
		"consents on a page behind a proxy": {
			map[string]string{
				"PUBLIC_URL": "https://home.example.org:8443/linky/", "ENEDIS_CONSENT_DURATION": "P6M",
				"ENEDIS_AUTHORIZE_URL": "http://localhost:8098/consent?lang=fr",
			},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, "https://home.example.org:8443/linky", s.publicURL)
				require.Equal(t, "P6M", s.enedis.consentDuration)
				require.Equal(t, "http://localhost:8098/consent?lang=fr", s.enedis.authorizeURL)
			},
		},
		"a page in the home": {
			map[string]string{"PUBLIC_URL": "http://192.168.1.2:8099"},
			func(t *testing.T, s settings) { t.Helper(); require.Equal(t, "http://192.168.1.2:8099", s.publicURL) },
		},
		"a base topic that Jeedom does not read is a warning": {
			map[string]string{"MQTT_BASE_TOPIC": "energy/enedis"},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, "energy/enedis", s.mqtt.base)
				require.Len(t, s.warnings, 1)
				require.Contains(t, s.warnings[0].en, "Jeedom")
			},
		},
		"statistics": {
			map[string]string{"HOMEASSISTANT_URL": "http://192.168.1.5:8123/", "HOMEASSISTANT_TOKEN_FILE": file(t, "a-token\n")},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, "ws://192.168.1.5:8123/api/websocket", s.statistics.endpoint.String())
				require.Equal(t, secret("a-token"), s.statistics.token)
				require.Empty(t, s.warnings)
			},
		},
		"statistics of an add-on": {
			map[string]string{"SUPERVISOR_TOKEN": "supervisors"},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, "ws://supervisor/core/websocket", s.statistics.endpoint.String())
				require.Equal(t, secret("supervisors"), s.statistics.token)
			},
		},
		"statistics elsewhere than the add-on's": {
			map[string]string{
				"SUPERVISOR_TOKEN": "supervisors", "HOMEASSISTANT_URL": "https://ha.example.org", "HOMEASSISTANT_TOKEN": "a-token",
			},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, "wss://ha.example.org/api/websocket", s.statistics.endpoint.String())
				require.Equal(t, secret("a-token"), s.statistics.token)
			},
		},
		"unknown variables are warnings": {
			map[string]string{
				"MQTT_HOST": "localhost", "ENEDIS_CLIENT_SECRETS": "secret", "HOMEASSISTANT_TOKENS": "secret",
				"DATABASE_URL": "postgres://", "MQTT_PASWORD_FILE": "/secret", "MQTT_USER": "linky",
			},
			func(t *testing.T, s settings) {
				t.Helper()
				require.Equal(t, []string{
					"DATABASE_URL is not used by this version",
					"ENEDIS_CLIENT_SECRETS is no setting; did you mean ENEDIS_CLIENT_SECRET?",
					"HOMEASSISTANT_TOKENS is no setting; did you mean HOMEASSISTANT_TOKEN?",
					"MQTT_HOST is no setting; did you mean MQTT_URL?",
					"MQTT_PASWORD_FILE is no setting; did you mean MQTT_PASSWORD_FILE?",
					"MQTT_USER is no setting; did you mean MQTT_USERNAME?",
				}, english(s.warnings))
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			environ(t, with(t, test.env))
			s, err := readEnvironment(today)
			require.NoError(t, err)
			test.check(t, s)
		})
	}
}

func TestBadSettings(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	tests := map[string]struct {
		env  map[string]string
		says []string // one for each thing that is wrong
	}{
		"no credentials": {
			map[string]string{"ENEDIS_CLIENT_ID": "", "ENEDIS_CLIENT_SECRET": ""},
			[]string{"SOURCES: there is no way in: give ENEDIS_CLIENT_ID and ENEDIS_CLIENT_SECRET (Data Connect), or " +
				"CONSO_API_TOKEN (Conso API), or MYELECTRICALDATA_CLIENT_ID and MYELECTRICALDATA_CLIENT_SECRET, or " +
				"MYELECTRICALDATA_TOKEN (MyElectricalData)"},
		},
		"words that are not allowed": {
			map[string]string{
				"ENEDIS_API": "2027", "LOCALE": "de", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml", "SOURCES": "dataconnect,fax",
				"HOMEASSISTANT_DISCOVERY": "perhaps", "HOMEASSISTANT_DISCOVERY_MODE": "triple",
			},
			[]string{
				`ENEDIS_API: "2027": allowed are 2026, v5`, `LOCALE: "de": allowed are fr, en`,
				`LOG_LEVEL: "loud": allowed are debug, info, warn, error`, `LOG_FORMAT: "xml": allowed are text, json`,
				`SOURCES: "fax": allowed are dataconnect, consoapi, myelectricaldata`, `HOMEASSISTANT_DISCOVERY: "perhaps": allowed are true and false`,
				`HOMEASSISTANT_DISCOVERY_MODE: "triple": allowed are device, single`,
			},
		},
		"statistics without a token": {
			map[string]string{"HOMEASSISTANT_URL": "http://homeassistant.local:8123"},
			[]string{"HOMEASSISTANT_URL: goes with HOMEASSISTANT_TOKEN: give both or none"},
		},
		"a token without statistics": {
			map[string]string{"HOMEASSISTANT_TOKEN": "hidden", "SUPERVISOR_TOKEN": "hidden"},
			[]string{"HOMEASSISTANT_URL: goes with HOMEASSISTANT_TOKEN: give both or none"},
		},
		"statistics over the internet in the clear": {
			map[string]string{"HOMEASSISTANT_URL": "http://93.184.216.34:8123", "HOMEASSISTANT_TOKEN": "hidden"},
			[]string{"HOMEASSISTANT_URL: plain http is allowed to private and loopback addresses only: use https"},
		},
		"a Home Assistant with a password in its address": {
			map[string]string{"HOMEASSISTANT_URL": "http://me:hidden@homeassistant.local:8123", "HOMEASSISTANT_TOKEN": "hidden"},
			[]string{"HOMEASSISTANT_URL: must not hold a user name or password"},
		},
		"plain http to a public host": {
			map[string]string{"ENEDIS_BASE_URL": "http://gw.ext.prod.api.enedis.fr"},
			[]string{`ENEDIS_BASE_URL: "http://gw.ext.prod.api.enedis.fr": plain http is allowed to loopback only`},
		},
		"an address that is none": {
			map[string]string{"ENEDIS_BASE_URL": "gw.ext.prod.api.enedis.fr", "MQTT_URL": "localhost:1883"},
			[]string{
				`ENEDIS_BASE_URL: "gw.ext.prod.api.enedis.fr": want https://host`,
				`MQTT_URL: "localhost:1883": want scheme://host:port, the scheme one of mqtt, tcp, mqtts, ssl, ws, wss`,
			},
		},
		"an address without a host": {
			map[string]string{"ENEDIS_BASE_URL": "https://:443", "MQTT_URL": "mqtt://:1883"},
			[]string{`ENEDIS_BASE_URL: "https://:443": want`, `MQTT_URL: "mqtt://:1883": want`},
		},
		"an address with a query": {
			map[string]string{"ENEDIS_BASE_URL": "https://example.org/?a=b"},
			[]string{`ENEDIS_BASE_URL: "https://example.org/?a=b": want https://host, maybe with a path`},
		},
		"a password in an address": {
			map[string]string{"MQTT_URL": "mqtt://me:hidden@localhost", "ENEDIS_BASE_URL": "https://me:hidden@example.org"},
			[]string{"MQTT_URL: must not hold a user name or password: use MQTT_USERNAME", "ENEDIS_BASE_URL: must not hold"},
		},
		"public addresses that are none": {
			map[string]string{"PUBLIC_URL": "home.example.org", "ENEDIS_AUTHORIZE_URL": "http://example.org", "CONSO_API_URL": "conso"},
			[]string{
				`PUBLIC_URL: "home.example.org": want http://host or https://host`,
				`ENEDIS_AUTHORIZE_URL: "http://example.org": plain http is allowed to loopback only`,
				`CONSO_API_URL: "conso": want https://host`,
			},
		},
		"a public address with a query": {
			map[string]string{"PUBLIC_URL": "https://example.org/?page=1"},
			[]string{`PUBLIC_URL: "https://example.org/?page=1": want http://host`},
		},
		"a public address with a password": {
			map[string]string{"PUBLIC_URL": "https://me:hidden@example.org", "MYELECTRICALDATA_URL": "https://me:hidden@example.org"},
			[]string{"PUBLIC_URL: must not hold", "MYELECTRICALDATA_URL: must not hold"},
		},
		"a consent for longer than Enedis allows": {
			map[string]string{"ENEDIS_CONSENT_DURATION": "P4Y"},
			[]string{`ENEDIS_CONSENT_DURATION: duration "P4Y": want`},
		},
		"files that are not there": {
			map[string]string{
				"MQTT_PASSWORD_FILE": missing, "MQTT_CA_FILE": missing,
			},
			[]string{"MQTT_PASSWORD_FILE: open " + missing, "MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE: the broker's authority"},
		},
		"a certificate without its key": {
			map[string]string{"MQTT_CERT_FILE": missing},
			[]string{"MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE: a client certificate and its key come together"},
		},
		"a secret given twice": {
			map[string]string{"ENEDIS_CLIENT_SECRET_FILE": file(t, "another")},
			[]string{"ENEDIS_CLIENT_SECRET: is given twice, by itself and by ENEDIS_CLIENT_SECRET_FILE"},
		},
		"topics with wildcards": {
			map[string]string{
				"MQTT_BASE_TOPIC": "enedis/#", "HOMEASSISTANT_DISCOVERY_PREFIX": "+", "HOMEASSISTANT_STATUS_TOPIC": "/status",
			},
			[]string{
				`MQTT_BASE_TOPIC: "enedis/#": want a topic without`, `HOMEASSISTANT_DISCOVERY_PREFIX: "+": want a topic`,
				`HOMEASSISTANT_STATUS_TOPIC: "/status": want a topic`,
			},
		},
		"the discovery prefix as base topic": {
			map[string]string{"MQTT_BASE_TOPIC": "homeassistant"},
			[]string{`MQTT_BASE_TOPIC: "homeassistant" is the discovery prefix too`},
		},
		"a page beyond loopback without a password": {
			map[string]string{"HTTP_ADDR": "0.0.0.0:8099", "HTTP_USERNAME": "", "HTTP_PASSWORD": ""},
			[]string{`HTTP_ADDR: "0.0.0.0:8099" listens beyond loopback: give HTTP_USERNAME and HTTP_PASSWORD`},
		},
		"a page with half a login": {
			map[string]string{"HTTP_USERNAME": "admin"},
			[]string{"HTTP_USERNAME: goes with HTTP_PASSWORD"},
		},
		"a page without a port": {
			map[string]string{"HTTP_ADDR": "127.0.0.1"},
			[]string{`HTTP_ADDR: "127.0.0.1": want host:port`},
		},
		"a page on a port that cannot be": {
			map[string]string{"HTTP_ADDR": "127.0.0.1:70000"},
			[]string{`HTTP_ADDR: "127.0.0.1:70000": want host:port`},
		},
		"a window without an end": {
			map[string]string{"FETCH_WINDOW": "07:00"},
			[]string{`FETCH_WINDOW: "07:00": want HH:MM-HH:MM within one day`},
		},
		"a window over midnight": {
			map[string]string{"FETCH_WINDOW": "22:00-02:00"},
			[]string{`FETCH_WINDOW: "22:00-02:00": want`},
		},
		"times of day that never come": {
			map[string]string{"FETCH_WINDOW": "07:60-25:00", "RETRY_UNTIL": "24:01"},
			[]string{`FETCH_WINDOW: "07:60-25:00": want`, `RETRY_UNTIL: "24:01": want HH:MM`},
		},
		"a retry that would hammer Enedis": {
			map[string]string{"RETRY_INTERVAL": "500ms"},
			[]string{`RETRY_INTERVAL: "500ms": want a duration from 1s to 24h, as in 30m`},
		},
		"a retry without a unit": {
			map[string]string{"RETRY_INTERVAL": "30"},
			[]string{`RETRY_INTERVAL: "30": want a duration`},
		},
		"history that begins today": {
			map[string]string{"HISTORY_START": "2026-11-22"},
			[]string{`HISTORY_START: "2026-11-22": want a day before today as YYYY-MM-DD, or max`},
		},
		"history in another notation": {
			map[string]string{"HISTORY_START": "22/11/2025"},
			[]string{`HISTORY_START: "22/11/2025": want a day`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			environ(t, with(t, test.env))
			_, err := readEnvironment(today)
			require.Error(t, err)
			for _, says := range test.says {
				require.ErrorContains(t, err, says)
			}
			require.Len(t, strings.Split(err.Error(), "\n"), len(test.says), "%v", err)
			require.NotContains(t, err.Error(), "hidden")
		})
	}
}
