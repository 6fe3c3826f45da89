package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// TestRunThroughEachGateway goes from the environment to retained messages through each gateway, both directions, without
// METERS where the credentials tell them. What is said is true, and the same whatever the source.
func TestRunThroughEachGateway(t *testing.T) {
	home := truth{enedistest.Household(2)[1]}
	require.Len(t, home.Directions(), 2)
	days := meter.Days{From: meter.DayOf(time.Now()) - 6, To: meter.DayOf(time.Now())}
	tests := []struct {
		name    string
		gateway func(sim *enedistest.Enedis) (handler http.Handler, env map[string]string)
	}{
		{"dataconnect", func(sim *enedistest.Enedis) (http.Handler, map[string]string) {
			return sim, map[string]string{
				"ENEDIS_BASE_URL": "/", "ENEDIS_CLIENT_ID": "id", "ENEDIS_CLIENT_SECRET": "secret", "METERS": string(home.PRM),
			}
		}},
		{"consoapi", func(sim *enedistest.Enedis) (http.Handler, map[string]string) {
			g := enedistest.NewConsoAPI(sim)
			return g, map[string]string{"CONSO_API_URL": "/api", "CONSO_API_TOKEN": g.Token(home.PRM)}
		}},
		{"myelectricaldata v1", func(sim *enedistest.Enedis) (http.Handler, map[string]string) {
			return enedistest.NewMyElectricalDataV1(sim, map[meter.PRM]string{home.PRM: "token"}), map[string]string{
				"MYELECTRICALDATA_URL": "/", "MYELECTRICALDATA_API": "v1",
				"METERS": `[{"prm":"` + string(home.PRM) + `","source":"myelectricaldata","token":"token"}]`,
			}
		}},
		{"myelectricaldata v2", func(sim *enedistest.Enedis) (http.Handler, map[string]string) {
			o := enedistest.MyElectricalDataV2Options{ClientID: "id", ClientSecret: "secret"}
			return enedistest.NewMyElectricalDataV2(sim, o), map[string]string{
				"MYELECTRICALDATA_URL": "/api", "MYELECTRICALDATA_CLIENT_ID": "id", "MYELECTRICALDATA_CLIENT_SECRET": "secret",
			}
		}},
	}
	said := make(map[string]map[string]string)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sim := enedistest.New(enedistest.Options{
				Now: time.Now, ClientID: "id", ClientSecret: "secret", Meters: []enedistest.Meter{home.Meter}, PublishedAtOnce: true,
				Limits: patientLimits,
			})
			handler, env := test.gateway(sim)
			server := httptest.NewServer(handler)
			defer server.Close()
			for name, value := range env {
				if strings.HasSuffix(name, "_URL") {
					env[name] = server.URL + value
				}
			}
			broker := mqtttest.New(t)
			env["MQTT_URL"], env["HTTP_ADDR"], env["DATA_DIR"] = broker.URL().String(), "", t.TempDir()
			env["HISTORY_START"], env["FETCH_WINDOW"] = days.From.String(), "00:00-24:00"
			environ(t, env)
			program := start(t, "run")
			broker.AwaitRetained(topics.FreshnessDetail(home.PRM), func(body string) bool {
				return strings.Contains(body, `"directions":{"consumption":"green","production":"green"}`)
			})
			awaitComplete(t, broker, home, days)
			broker.AwaitThat(func() bool { return wholeWeek(broker.Retained(), home.PRM, days) }) // a wave takes its time
			require.Zero(t, program.stop())
			home.requireTrue(t, broker.Received())
			said[test.name] = sameWhateverTheSource(t, broker.Retained(), home.PRM)
		})
	}
	for _, test := range tests {
		require.Equal(t, said["dataconnect"], said[test.name], test.name)
	}
}

// wholeWeek tells whether all that is said of a meter has the last of some days, and its lists have all of them.
func wholeWeek(retained map[string]string, p meter.PRM, days meter.Days) bool {
	last, month := `"`+(days.To-1).String()+`"`, fmt.Sprintf(`"days":%d,`, days.Len())
	if days.From.Month() != (days.To - 1).Month() {
		month = `"days":` // some of them are of the month before
	}
	has := func(topic, part string) bool { return strings.Contains(retained[topic], part) }
	for _, d := range meter.Directions() {
		if !has(topics.Daily(p, d), last) || !has(topics.LoadCurve(p, d), last) ||
			!has(topics.Monthly(p, d), month) || !has(topics.Yearly(p, d), `"days":`) {
			return false
		}
	}
	state := retained[topics.State(p)]
	return has(topics.MaxPower(p), last) && retained[topics.Freshness(p)] == string(contract.Green) &&
		strings.Count(state, `"date":`+last) == 2 && !strings.Contains(state, `_curve":null`) && !strings.Contains(state, `_power":null`)
}

var ofTheSource = regexp.MustCompile(`"(source|quality)":"[^"]*"`)

// sameWhateverTheSource gives the lists and the values of a meter, but for what tells their source.
func sameWhateverTheSource(t *testing.T, retained map[string]string, p meter.PRM) map[string]string {
	t.Helper()
	said := make(map[string]string)
	for topic, body := range retained {
		rest, ok := strings.CutPrefix(topic, "enedis2mqtt/"+string(p)+"/")
		switch {
		case !ok, rest == "freshness/detail", rest == "late": // which may be of the moment before
			continue
		case rest == "state":
			var state map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(body), &state))
			body = string(state[string(meter.Consumption)]) + string(state[string(meter.Production)])
		}
		said[rest] = ofTheSource.ReplaceAllString(body, "")
	}
	require.Equal(t, string(contract.Green), said["freshness"])
	return said
}
