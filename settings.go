package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
)

// secret is a text that prints nowhere.
type secret string

// String hides the secret from %v and %s.
func (secret) String() string { return "[redacted]" }

// GoString hides it from %#v.
func (secret) GoString() string { return "[redacted]" }

// LogValue hides it from logs.
func (secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText hides it from JSON.
func (secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// environment is the settings as they stand in the environment. Each secret also reads from the file that NAME_FILE names.
// Set and empty means off where the tag says so, else the default.
type environment struct {
	Meters  secret `envconfig:"METERS"`  // PRMs, comma-separated, or a JSON array of objects, which may hold tokens
	Sources string `envconfig:"SOURCES"` // names in order of preference; default: those with credentials

	EnedisClientID        string `envconfig:"ENEDIS_CLIENT_ID"`     // of the DataHub application
	EnedisClientSecret    secret `envconfig:"ENEDIS_CLIENT_SECRET"` // of the DataHub application
	EnedisBaseURL         string `envconfig:"ENEDIS_BASE_URL" default:"https://gw.ext.prod.api.enedis.fr"`
	EnedisAPI             string `envconfig:"ENEDIS_API" default:"2026"`             // 2026 or v5
	EnedisAuthorizeURL    string `envconfig:"ENEDIS_AUTHORIZE_URL"`                  // default: Enedis's consent page of that API
	EnedisConsentDuration string `envconfig:"ENEDIS_CONSENT_DURATION" default:"P3Y"` // ISO 8601, up to three years

	ConsoToken secret `envconfig:"CONSO_API_TOKEN"` // one, or several with commas or blanks between
	ConsoURL   string `envconfig:"CONSO_API_URL" default:"https://conso.boris.sh/api"`

	MEDToken        secret `envconfig:"MYELECTRICALDATA_TOKEN"`            // v1: of one meter; v2: the account's secret
	MEDClientID     string `envconfig:"MYELECTRICALDATA_CLIENT_ID"`        // v2
	MEDClientSecret secret `envconfig:"MYELECTRICALDATA_CLIENT_SECRET"`    // v2
	MEDAPI          string `envconfig:"MYELECTRICALDATA_API" default:"v2"` // v1 or v2, the one that lives
	MEDURL          string `envconfig:"MYELECTRICALDATA_URL"`              // default: the version's public address

	MQTTURL       string `envconfig:"MQTT_URL" default:"mqtt://localhost:1883"` // mqtt, tcp, mqtts, ssl, ws or wss
	MQTTUsername  string `envconfig:"MQTT_USERNAME"`
	MQTTPassword  secret `envconfig:"MQTT_PASSWORD"`
	MQTTClientID  string `envconfig:"MQTT_CLIENT_ID"` // default: enedis2mqtt- and 8 characters kept in the store
	MQTTCAFile    string `envconfig:"MQTT_CA_FILE"`   // PEM
	MQTTCertFile  string `envconfig:"MQTT_CERT_FILE"` // PEM
	MQTTKeyFile   string `envconfig:"MQTT_KEY_FILE"`  // PEM
	MQTTBaseTopic string `envconfig:"MQTT_BASE_TOPIC" default:"enedis2mqtt"`

	Discovery       string `envconfig:"HOMEASSISTANT_DISCOVERY" default:"true"`
	DiscoveryPrefix string `envconfig:"HOMEASSISTANT_DISCOVERY_PREFIX" default:"homeassistant" empty:"off"`
	DiscoveryMode   string `envconfig:"HOMEASSISTANT_DISCOVERY_MODE" default:"device"` // device or single
	StatusTopic     string `envconfig:"HOMEASSISTANT_STATUS_TOPIC" default:"homeassistant/status"`

	HomeAssistantURL   string `envconfig:"HOMEASSISTANT_URL"`   // for long-term statistics; default in the add-on: its Supervisor
	HomeAssistantToken secret `envconfig:"HOMEASSISTANT_TOKEN"` // of an administrator; default in the add-on: the Supervisor's

	HTTPAddr     string `envconfig:"HTTP_ADDR" default:"127.0.0.1:8099" empty:"off"` // host:port of the page
	HTTPUsername string `envconfig:"HTTP_USERNAME"`
	HTTPPassword secret `envconfig:"HTTP_PASSWORD"`
	PublicURL    string `envconfig:"PUBLIC_URL"` // where a browser reaches the page

	DataDir       string `envconfig:"DATA_DIR" default:"data"`            // folder of the SQLite file
	FetchWindow   string `envconfig:"FETCH_WINDOW" default:"07:00-09:00"` // Paris time of the day's first round
	RetryInterval string `envconfig:"RETRY_INTERVAL" default:"30m"`       // duration, from 1s up
	RetryUntil    string `envconfig:"RETRY_UNTIL" default:"19:00"`        // Paris time
	HistoryStart  string `envconfig:"HISTORY_START"`                      // a date, or max; default: 1 January, curve 7 days
	Locale        string `envconfig:"LOCALE" default:"fr"`                // fr or en
	LogLevel      string `envconfig:"LOG_LEVEL" default:"info"`           // debug, info, warn or error
	LogFormat     string `envconfig:"LOG_FORMAT" default:"text"`          // text or json
}

// later lists the settings of the contract that this version does not use yet.
var later = []string{"DATABASE_URL"}

// supervisorURL is where an add-on reaches Home Assistant, with the token that the Supervisor gives it in the variable
// SUPERVISOR_TOKEN (https://developers.home-assistant.io/docs/add-ons/communication).
const supervisorURL = "http://supervisor/core"

// settings is what the program runs by: the environment, checked.
type settings struct {
	meters       []bridge.Meter // empty: those of consents and of gateway tokens
	sources      []string       // names, in order of preference
	enedis       enedisSettings
	conso        consoSettings
	med          medSettings
	mqtt         mqttSettings
	discovery    bool
	prefix       string
	mode         discovery.Mode
	statusTopic  string
	statistics   statisticsSettings
	httpAddr     string // empty: no page
	httpUsername string
	httpPassword secret
	publicURL    string // without a slash at its end; empty when nobody said it
	dataDir      string
	schedule     bridge.Schedule
	history      bridge.History
	locale       contract.Locale
	logLevel     slog.Level
	logJSON      bool
	warnings     []notice
}

// notice is a warning about the settings, for people, in both languages. Logs are in English.
type notice struct{ fr, en string }

func (n notice) in(loc contract.Locale) string {
	if loc == contract.English {
		return n.en
	}
	return n.fr
}

type mqttSettings struct {
	url      *url.URL
	username string
	password secret
	clientID string // empty: one that the store keeps
	tls      *tls.Config
	base     string
}

// problems gathers what is wrong, so that all of it is named at once.
type problems []error

func (p *problems) add(name, format string, args ...any) {
	*p = append(*p, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// readEnvironment reads and checks the settings. The error names each wrong one, with its value unless it is secret, and what
// is allowed.
func readEnvironment(now time.Time) (settings, error) {
	_, s, p := readSettings(now)
	return s, errors.Join(p...)
}

// rawEnvironment gives the environment as it stands, without defaults.
func rawEnvironment() (env environment) {
	if err := envconfig.Process("", &env); err != nil {
		panic(err) // a field is no text: a programmer's mistake
	}
	return env
}

// readSettings gives the settings as they stand, as far as they can be read, and all that is wrong with them.
func readSettings(now time.Time) (env environment, s settings, p problems) {
	env = rawEnvironment()
	readFiles(&env, &p)
	setDefaults(&env)
	env.askSupervisor()
	s = env.check(now, &p)
	s.warnings = append(s.warnings, unknownVariables(os.Environ())...)
	return env, s, p
}

// fields walks the variables with their tags.
func fields(env *environment, each func(field reflect.StructField, value reflect.Value)) {
	v := reflect.ValueOf(env).Elem()
	for i := range v.NumField() {
		each(v.Type().Field(i), v.Field(i))
	}
}

// readFiles fills the secrets that a file gives.
func readFiles(env *environment, p *problems) {
	fields(env, func(f reflect.StructField, v reflect.Value) {
		name := f.Tag.Get("envconfig")
		file := os.Getenv(name + "_FILE")
		if f.Type != reflect.TypeFor[secret]() || file == "" {
			return
		}
		if v.String() != "" && os.Getenv(name) != "" {
			p.add(name, "is given twice, by itself and by %s_FILE: give one of them", name)
			return
		}
		text, err := os.ReadFile(file)
		if err != nil {
			p.add(name+"_FILE", "%v", err)
			return
		}
		v.SetString(strings.TrimRight(string(text), "\r\n"))
	})
}

// setDefaults gives a variable that is set and empty its default, unless empty means off.
func setDefaults(env *environment) {
	fields(env, func(f reflect.StructField, v reflect.Value) {
		if v.String() == "" && f.Tag.Get("empty") != "off" {
			v.SetString(f.Tag.Get("default"))
		}
	})
}

// check turns the texts into settings.
func (env environment) check(now time.Time, p *problems) settings {
	s := settings{
		prefix: env.DiscoveryPrefix, statusTopic: env.StatusTopic,
		httpAddr: env.HTTPAddr, httpUsername: env.HTTPUsername, httpPassword: env.HTTPPassword, dataDir: env.DataDir,
	}
	var own []ownToken
	s.meters, own = parseMeters(string(env.Meters), p)
	env.checkSources(&s, own, now, p)
	env.checkMQTT(&s, p)
	env.checkHomeAssistant(&s, p)
	env.checkStatistics(&s, p)
	env.checkHTTP(&s, p)
	s.schedule = env.checkSchedule(p)
	s.history = parseHistory(env.HistoryStart, now, p)
	s.locale = contract.Locale(oneOf("LOCALE", env.Locale, p, "fr", "en"))
	if err := s.logLevel.UnmarshalText([]byte(oneOf("LOG_LEVEL", env.LogLevel, p, "debug", "info", "warn", "error"))); err != nil {
		s.logLevel = slog.LevelInfo // oneOf has said it
	}
	s.logJSON = oneOf("LOG_FORMAT", env.LogFormat, p, "text", "json") == "json"
	return s
}

func oneOf(name, value string, p *problems, allowed ...string) string {
	if !slices.Contains(allowed, value) {
		p.add(name, "%q: allowed are %s", value, strings.Join(allowed, ", "))
		return allowed[0]
	}
	return value
}

// checkURL wants https, or http to loopback. What may hold a password is not shown.
func checkURL(name, text string, p *problems) {
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		p.add(name, "must not hold a user name or password")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "":
		p.add(name, "%q: want https://host, maybe with a path", text)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		p.add(name, "%q: plain http is allowed to loopback only", text)
	}
}

// checkPublicURL wants what a browser may open: within the home that is http as well.
func checkPublicURL(text string, p *problems) {
	const name = "PUBLIC_URL"
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		p.add(name, "must not hold a user name or password")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "":
		p.add(name, "%q: want http://host or https://host, maybe with a port and a path", text)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (env environment) checkMQTT(s *settings, p *problems) {
	s.mqtt = mqttSettings{
		username: env.MQTTUsername, password: env.MQTTPassword, clientID: env.MQTTClientID, base: env.MQTTBaseTopic,
	}
	u, err := url.Parse(env.MQTTURL)
	schemes := []string{"mqtt", "tcp", "mqtts", "ssl", "ws", "wss"}
	switch {
	case strings.Contains(env.MQTTURL, "@"):
		p.add("MQTT_URL", "must not hold a user name or password: use MQTT_USERNAME and MQTT_PASSWORD")
	case err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme):
		p.add("MQTT_URL", "%q: want scheme://host:port, the scheme one of %s", env.MQTTURL, strings.Join(schemes, ", "))
	default:
		s.mqtt.url = u
	}
	if s.mqtt.tls, err = mqtt.TLSConfig(env.MQTTCAFile, env.MQTTCertFile, env.MQTTKeyFile); err != nil {
		p.add("MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE", "%v", err)
	}
	checkTopic("MQTT_BASE_TOPIC", env.MQTTBaseTopic, p)
	if strings.Contains(env.MQTTBaseTopic, "/") {
		s.warnings = append(s.warnings, notice{
			fr: "MQTT_BASE_TOPIC a plus d'un niveau : le plugin MQTT Manager de Jeedom ne le lit pas",
			en: "MQTT_BASE_TOPIC has more than one level: Jeedom's MQTT Manager does not read it",
		})
	}
	if env.MQTTBaseTopic == env.DiscoveryPrefix {
		p.add("MQTT_BASE_TOPIC", "%q is the discovery prefix too: they must differ", env.MQTTBaseTopic)
	}
}

func checkTopic(name, topic string, p *problems) {
	if topic == "" || strings.ContainsAny(topic, "+# \t\x00") || strings.HasPrefix(topic, "$") ||
		strings.HasPrefix(topic, "/") || strings.HasSuffix(topic, "/") || strings.Contains(topic, "//") {
		p.add(name, "%q: want a topic without wildcards, spaces, a leading $ and empty levels", topic)
	}
}

func (env environment) checkHTTP(s *settings, p *problems) {
	s.publicURL = strings.TrimRight(env.PublicURL, "/")
	if env.PublicURL != "" {
		checkPublicURL(env.PublicURL, p)
	}
	if env.HTTPAddr == "" {
		return
	}
	host, port, err := net.SplitHostPort(env.HTTPAddr)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 0 || n > 65535 {
		p.add("HTTP_ADDR", "%q: want host:port, or nothing for no page", env.HTTPAddr)
		return
	}
	if !loopback(host) && (env.HTTPUsername == "" || env.HTTPPassword == "") {
		p.add("HTTP_ADDR", "%q listens beyond loopback: give HTTP_USERNAME and HTTP_PASSWORD", env.HTTPAddr)
	}
	if (env.HTTPUsername == "") != (env.HTTPPassword == "") {
		p.add("HTTP_USERNAME", "goes with HTTP_PASSWORD: give both or none")
	}
}
