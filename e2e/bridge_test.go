//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// settings gives the environment of a bridge for some meters; more overrides it.
func settings(t *testing.T, s *simulator, m *mosquitto, meters []truth, more map[string]string) map[string]string {
	t.Helper()
	var prms []string
	for _, one := range meters {
		prms = append(prms, string(one.PRM))
	}
	env := map[string]string{
		"METERS":               strings.Join(prms, ","),
		"ENEDIS_BASE_URL":      s.url(),
		"ENEDIS_CLIENT_ID":     "demo",
		"ENEDIS_CLIENT_SECRET": "demo",
		"MQTT_URL":             m.url(),
		"HTTP_ADDR":            "127.0.0.1:" + freePort(t),
		"DATA_DIR":             t.TempDir(),
		"HISTORY_START":        meters[0].days.From.String(),
		"FETCH_WINDOW":         "00:00-00:01", // so that it does not matter when the test runs
		"RETRY_INTERVAL":       "2s",
		"LOG_LEVEL":            "debug",
	}
	maps.Copy(env, more)
	return env
}

func startBridge(t *testing.T, env map[string]string) *process {
	t.Helper()
	return launch(t, env, binary, "run")
}

// complete complains until all that is wanted of a meter is there and published.
func complete(t *testing.T, topics map[string]string, m truth) error {
	t.Helper()
	base := "enedis2mqtt/" + string(m.PRM)
	if err := want(topics, base+"/freshness", "green"); err != nil {
		return err
	}
	var light lightDocument
	if err := json.Unmarshal([]byte(topics[base+"/freshness/detail"]), &light); err != nil {
		return err
	}
	for name, s := range light.Series {
		// The history begins within a period, so that the totals of a year lack days that nobody asks for.
		if s.MissingDays != 0 && s.Reason == nil && !strings.HasSuffix(name, "monthly") && !strings.HasSuffix(name, "yearly") {
			return fmt.Errorf("%s of %s lacks %d days", name, m.PRM, s.MissingDays)
		}
	}
	return nil
}

// awaitComplete gives all retained topics once every meter is complete.
func awaitComplete(t *testing.T, m *mosquitto, meters []truth) (topics map[string]string) {
	t.Helper()
	await(t, "all meters are complete", 90*time.Second, func() error {
		topics = retained(t, m)
		for _, one := range meters {
			if err := complete(t, topics, one); err != nil {
				return err
			}
		}
		return nil
	})
	return topics
}

// requireDocuments compares everything that stands below a meter's topics with the truth.
func requireDocuments(t *testing.T, topics map[string]string, m truth) {
	t.Helper()
	base := "enedis2mqtt/" + string(m.PRM)
	expected := []string{base + "/freshness", base + "/freshness/detail", base + "/late", base + "/state"}
	require.Equal(t, "OFF", topics[base+"/late"])

	light := decode[lightDocument](t, topics[base+"/freshness/detail"])
	require.Equal(t, "green", light.Level)
	require.Equal(t, 2, light.Number)
	require.Equal(t, "complete", light.Reason)
	require.False(t, light.Late)
	require.NotEmpty(t, light.Message)
	require.Equal(t, m.series(), slices.Sorted(maps.Keys(light.Series)))
	yesterday := (m.days.To - 1).String()
	for name, s := range light.Series {
		if strings.HasSuffix(name, "load_curve") && !m.hasCurve() {
			require.Equal(t, "curve_not_collected", *s.Reason)
			continue
		}
		require.True(t, s.Current, name)
		require.Equal(t, yesterday, *s.Last, name)
	}

	state := decode[stateDocument](t, topics[base+"/state"])
	require.Equal(t, string(m.PRM), state.PRM)
	require.Equal(t, "Linky "+m.PRM.Tail(), state.Name)
	require.NotNil(t, state.UpdatedAt)
	for d, got := range map[meter.Direction]*directionState{meter.Consumption: state.Consumption, meter.Production: state.Production} {
		if !slices.Contains(m.Directions(), d) {
			require.Nil(t, got, d)
			continue
		}
		require.Equal(t, "green", light.Directions[string(d)])
		require.Equal(t, m.state(t, d), got, d)
		series := base + "/" + string(d)
		require.Equal(t, m.daily(t, d), decode[dailyDocument](t, topics[series+"/daily"]))
		require.Equal(t, m.monthly(t, d), decode[monthlyDocument](t, topics[series+"/monthly"]))
		require.Equal(t, m.yearly(t, d), decode[yearlyDocument](t, topics[series+"/yearly"]))
		expected = append(expected, series+"/daily", series+"/monthly", series+"/yearly")
		if m.hasCurve() {
			require.Equal(t, m.curve(t, d, m.days.To-1), decode[curveDocument](t, topics[series+"/load_curve"]))
			expected = append(expected, series+"/load_curve")
		}
		if d == meter.Consumption {
			require.Equal(t, m.maxPower(t), decode[maxPowerDocument](t, topics[series+"/max_power"]))
			expected = append(expected, series+"/max_power")
		}
	}

	var got []string
	for topic := range topics {
		if strings.HasPrefix(topic, base+"/") {
			got = append(got, topic)
		}
	}
	require.ElementsMatch(t, expected, got, "the retained topics of the meter")
}

func TestWholeRun(t *testing.T) {
	meters := household(2, lastDays(40))
	s := startSimulator(t, 2)
	broker := startMosquitto(t)
	events := record(t, broker, "enedis2mqtt/+/+/readings")
	env := settings(t, s, broker, meters, nil)
	bridge := startBridge(t, env)
	first := bridge
	topics := awaitComplete(t, broker, meters)

	t.Run("every retained topic says what the simulator has", func(t *testing.T) {
		for _, m := range meters {
			requireDocuments(t, topics, m)
		}
	})

	t.Run("the bridge tells of itself", func(t *testing.T) {
		require.Equal(t, "online", topics["enedis2mqtt/bridge/state"])
		info := decode[infoDocument](t, topics["enedis2mqtt/bridge/info"])
		require.Equal(t, "enedis2mqtt", info.Name)
		require.Equal(t, 1, info.Contract)
		require.Equal(t, []string{"dataconnect"}, info.Sources)
		require.Equal(t, []infoMeter{
			{string(meters[0].PRM), "Linky 0987", []string{"consumption"}},
			{string(meters[1].PRM), "Linky 0033", []string{"consumption", "production"}},
		}, info.Meters)
		var health struct {
			Sources []struct {
				Name    string `json:"name"`
				State   string `json:"state"`
				Budgets []struct {
					Window string `json:"window"`
					Calls  int    `json:"calls"`
					Limit  int    `json:"limit"`
					Left   int    `json:"left"`
				} `json:"budgets"`
			} `json:"sources"`
		}
		await(t, "health after the round", 10*time.Second, func() error {
			return json.Unmarshal([]byte(retained(t, broker)["enedis2mqtt/bridge/health"]), &health)
		})
		require.Equal(t, "dataconnect", health.Sources[0].Name)
		require.Equal(t, "ok", health.Sources[0].State)
		require.Equal(t, "PT1H", health.Sources[0].Budgets[0].Window)
	})

	t.Run("the event stream tells each day of each curve once, in the order of revisions", func(t *testing.T) {
		requireEvents(t, events, meters)
	})

	t.Run("nothing is asked twice", func(t *testing.T) {
		require.Empty(t, repeated(s.calls()))
	})

	t.Run("the page is healthy, and the healthcheck says so", func(t *testing.T) {
		status, body, err := get(t, "http://"+env["HTTP_ADDR"]+"/healthz")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.True(t, json.Valid(body), string(body))
		status, body, err = get(t, "http://"+env["HTTP_ADDR"]+"/api/v1/meters/"+string(meters[0].PRM)+"/state")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, topics["enedis2mqtt/"+string(meters[0].PRM)+"/state"], string(body))
		said, code := output(t, env, "healthcheck")
		require.Zero(t, code, said)
	})

	t.Run("a second process on the same data says so and makes no call", func(t *testing.T) {
		before := len(s.calls())
		second := maps.Clone(env)
		second["HTTP_ADDR"] = ""
		said, code := output(t, second, "run")
		require.Equal(t, 1, code, said)
		require.Len(t, s.calls(), before)
	})

	whole := t // what is started again outlives its subtest
	t.Run("a restart asks nothing and says the same", func(t *testing.T) {
		require.Zero(t, bridge.stop(t), "exit code on SIGTERM")
		require.Equal(t, "offline", retained(t, broker)["enedis2mqtt/bridge/state"])
		_, code := output(t, env, "healthcheck")
		require.Equal(t, 1, code)
		before := len(s.calls())
		bridge = startBridge(whole, env)
		await(t, "the bridge is back", 20*time.Second, func() error {
			return want(retained(t, broker), "enedis2mqtt/bridge/state", "online")
		})
		again := awaitComplete(t, broker, meters)
		for _, m := range meters {
			requireDocuments(t, again, m)
			state := "enedis2mqtt/" + string(m.PRM) + "/state"
			require.JSONEq(t, topics[state], again[state])
		}
		require.Len(t, s.calls(), before)
	})

	t.Run("no whole PRM is in the log", func(t *testing.T) {
		said := first.said(t) + bridge.said(t)
		for _, m := range meters {
			require.NotContains(t, said, string(m.PRM))
		}
	})
}

// requireEvents checks the event stream of complete meters.
func requireEvents(t *testing.T, events *recorder, meters []truth) {
	t.Helper()
	wanted := 0
	for _, m := range meters {
		wanted += len(m.Directions()) * m.days.Len()
	}
	await(t, "an event for each day", 20*time.Second, func() error {
		if n := len(events.all()); n < wanted {
			return fmt.Errorf("%d events of %d", n, wanted)
		}
		return nil
	})
	days := make(map[string]int64) // revisions by topic and date
	var last int64
	for _, e := range events.all() {
		require.False(t, e.retained, e.topic)
		doc := decode[readingsDocument](t, e.body)
		require.GreaterOrEqual(t, doc.Revision, last, "revision order")
		last = doc.Revision
		days[e.topic+" "+doc.Date] = doc.Revision
	}
	for _, m := range meters {
		for _, d := range m.Directions() {
			for day := range m.days.All() {
				require.Contains(t, days, "enedis2mqtt/"+string(m.PRM)+"/"+string(d)+"/readings "+day.String())
			}
		}
	}
	require.Len(t, days, wanted, "no other days")
}
