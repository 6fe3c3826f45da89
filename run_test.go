package main

import (
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// TestRun goes from the environment to retained messages, with real sockets. Then the broker forgets everything, and the
// program starts anew.
func TestRun(t *testing.T) {
	meters := household(2)
	sim := enedistest.New(enedistest.Options{
		Now: time.Now, ClientID: "id", ClientSecret: "secret", Meters: enedistest.Household(2), PublishedAtOnce: true,
		Limits: patientLimits,
	})
	server := httptest.NewServer(sim)
	defer server.Close()
	broker := mqtttest.New(t)
	days := meter.Days{From: meter.DayOf(time.Now()) - 10, To: meter.DayOf(time.Now())}
	environ(t, map[string]string{
		"METERS":               string(meters[0].PRM) + "," + string(meters[1].PRM),
		"ENEDIS_BASE_URL":      server.URL,
		"ENEDIS_CLIENT_ID":     "id",
		"ENEDIS_CLIENT_SECRET": "secret",
		"MQTT_URL":             broker.URL().String(),
		"HTTP_ADDR":            "",
		"DATA_DIR":             t.TempDir(),
		"HISTORY_START":        days.From.String(),
		"FETCH_WINDOW":         "00:00-00:01", // so that it does not matter when the test runs
	})
	program := start(t, "run")
	for _, m := range meters {
		awaitComplete(t, broker, m, days)
	}

	for _, m := range meters {
		m.requireTrue(t, broker.Received())
		for _, d := range m.Directions() {
			requireTotals(t, broker.Retained(), m, d, days)
		}
	}
	requireEvents(t, broker.Received(), meters, days)
	first := broker.Retained()
	calls := len(sim.Calls())

	broker.RestartEmpty()
	awaitAll(broker, first)
	require.Equal(t, lasting(first), lasting(broker.Retained()), "after the broker lost everything")

	code, _, log := call(t, "healthcheck")
	require.Zero(t, code, log)
	require.Zero(t, program.stop())
	require.Equal(t, contract.Offline, broker.Retained()[topics.BridgeState()])

	broker.Forget()
	program = start(t, "run")
	awaitAll(broker, first)
	require.Equal(t, lasting(first), lasting(broker.Retained()), "after a restart")
	require.Zero(t, program.stop())
	require.Len(t, sim.Calls(), calls, "neither the broker nor a restart is a reason to ask")
	require.False(t, slices.ContainsFunc(broker.Received(), isEvent), "an event that the broker has acknowledged")
}

// awaitComplete waits until the light is green, all of the history is there, and the light says so.
func awaitComplete(t *testing.T, broker *mqtttest.Broker, m truth, days meter.Days) {
	t.Helper()
	awaitLight(broker, m.PRM, contract.Green)
	for _, d := range m.Directions() {
		broker.AwaitThat(func() bool {
			events := 0
			for _, message := range broker.Received() {
				if message.Topic == topics.Readings(m.PRM, d) {
					events++
				}
			}
			return events >= days.Len()
		})
	}
	broker.AwaitRetained(topics.FreshnessDetail(m.PRM), func(body string) bool {
		missing := 0
		for name, series := range decode[contract.Light](t, body).Series {
			if !strings.HasSuffix(name, "monthly") && !strings.HasSuffix(name, "yearly") { // they begin before the history
				missing += series.MissingDays
			}
		}
		return missing == 0
	})
}

// stateBody is a body of state, as far as its values go.
type stateBody struct {
	Consumption, Production *struct {
		Daily     struct{ contract.DayEnergy }
		Monthly   struct{ contract.MonthSoFar }
		Yearly    struct{ contract.YearSoFar }
		LoadCurve struct{ W int64 } `json:"load_curve"`
	}
}

// requireTotals compares the sums of a direction with the truth.
func requireTotals(t *testing.T, retained map[string]string, m truth, d meter.Direction, days meter.Days) {
	t.Helper()
	yesterday := days.To - 1
	month, year := m.sum(t, d, days.Intersect(yesterday.Month())), m.sum(t, d, days.Intersect(yesterday.Year()))

	state := decode[stateBody](t, retained[topics.State(m.PRM)])
	newest := state.Consumption
	if d == meter.Production {
		newest = state.Production
	}
	require.Equal(t, yesterday, newest.Daily.Date)
	require.Equal(t, m.value(t, d, meter.Daily, yesterday).Value, newest.Daily.Wh)
	require.Equal(t, yesterday, newest.Monthly.Through)
	require.Equal(t, month, newest.Monthly.Wh)
	require.Equal(t, year, newest.Yearly.Wh)
	slots := m.value(t, d, meter.LoadCurve, yesterday).Readings
	require.Equal(t, slots[len(slots)-1].Watts, newest.LoadCurve.W)

	months := decode[contract.MonthlyList](t, retained[topics.Monthly(m.PRM, d)]).Months
	require.Equal(t, month, months[len(months)-1].Wh)
	years := decode[contract.YearlyList](t, retained[topics.Yearly(m.PRM, d)]).Years
	require.Equal(t, year, years[len(years)-1].Wh)
}

// requireEvents wants each day of each curve, in the order of revisions.
func requireEvents(t *testing.T, messages []mqtttest.Message, meters []truth, days meter.Days) {
	t.Helper()
	seen := make(map[string]bool)
	last := int64(0)
	for _, message := range messages {
		if !isEvent(message) {
			continue
		}
		event := decode[struct {
			Revision int64
			Date     string
		}](t, message.Body)
		require.False(t, message.Retained)
		require.Greater(t, event.Revision, last)
		last = event.Revision
		seen[message.Topic+" "+event.Date] = true
	}
	for _, m := range meters {
		for _, d := range m.Directions() {
			for day := range days.All() {
				require.Contains(t, seen, topics.Readings(m.PRM, d)+" "+day.String())
			}
		}
	}
}

func isEvent(m mqtttest.Message) bool { return strings.HasSuffix(m.Topic, "/readings") }

// awaitAll waits until each of the topics is published, with the bridge online.
func awaitAll(broker *mqtttest.Broker, wanted map[string]string) {
	broker.AwaitThat(func() bool {
		there := broker.Retained()
		for topic := range wanted {
			if _, ok := there[topic]; !ok {
				return false
			}
		}
		return there[topics.BridgeState()] == contract.Online
	})
}

// lasting leaves out what a restart changes: when the bridge started, and how it fares.
func lasting(retained map[string]string) map[string]string {
	kept := maps.Clone(retained)
	delete(kept, topics.BridgeInfo())
	delete(kept, topics.BridgeHealth())
	return kept
}
