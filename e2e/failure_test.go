//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBrokerRestarts(t *testing.T) {
	kinds := map[string][]string{
		"a broker with persistence":                       persistent(t),
		"a broker without persistence, which forgets all": nil,
	}
	for name, config := range kinds {
		t.Run(name, func(t *testing.T) {
			meters := household(2, lastDays(7))
			s := startSimulator(t, 2)
			broker := startMosquitto(t, config...)
			startBridge(t, settings(t, s, broker, meters, nil))
			before := awaitComplete(t, broker, meters)
			calls := len(s.calls())

			broker.stop(t)
			broker.start(t)
			after := make(map[string]string)
			await(t, "everything is published again", 30*time.Second, func() error {
				after = retained(t, broker)
				for topic := range before {
					if _, ok := after[topic]; !ok {
						return fmt.Errorf("%s is not there", topic)
					}
				}
				return want(after, "enedis2mqtt/bridge/state", "online")
			})
			for _, m := range meters {
				requireDocuments(t, after, m)
			}
			require.Len(t, after, len(before))
			require.Len(t, s.calls(), calls, "a broker that restarts costs no call to Enedis")
		})
	}
}

// TestStartWithoutBroker starts the bridge first: the data is fetched and kept all the same.
func TestStartWithoutBroker(t *testing.T) {
	meters := household(1, lastDays(7))
	s := startSimulator(t, 1)
	broker := startMosquitto(t)
	broker.stop(t)
	startBridge(t, settings(t, s, broker, meters, nil))
	await(t, "the bridge asks Enedis", 20*time.Second, func() error {
		if n := len(s.calls()); n < 3 {
			return fmt.Errorf("%d calls", n)
		}
		return nil
	})
	broker.start(t)
	requireDocuments(t, awaitComplete(t, broker, meters), meters[0])
}

func TestRefusedPasswordIsTriedAgain(t *testing.T) {
	meters := household(1, lastDays(7))
	s := startSimulator(t, 1)
	const password = "right and secret"
	broker := startMosquitto(t, "password_file "+passwordFile(t, "bridge", "another"))
	env := settings(t, s, broker, meters, map[string]string{"MQTT_USERNAME": "bridge", "MQTT_PASSWORD": password})
	bridge := startBridge(t, env)
	await(t, "the broker refuses twice", 30*time.Second, func() error {
		if n := strings.Count(broker.said(t), "not authorised"); n < 2 {
			return fmt.Errorf("%d refusals", n)
		}
		return nil
	})
	broker.stop(t)
	broker.configure(t, "password_file "+passwordFile(t, "bridge", password))
	broker.start(t)
	await(t, "the bridge gets in", 20*time.Second, func() error {
		if !strings.Contains(broker.said(t), "u'bridge'") {
			return fmt.Errorf("the broker says:\n%s", broker.said(t))
		}
		return nil
	})
	require.NotContains(t, bridge.said(t), password)
}

// TestKilledInTheFirstFetch kills the bridge at random moments of its first fetch. In the end it says what is true, and no
// stored day was asked again: at most the request that was under way, once for each kill and meter.
func TestKilledInTheFirstFetch(t *testing.T) {
	meters := household(2, lastDays(60))
	const kills = 3
	s := startSimulator(t, 2)
	broker := startMosquitto(t)
	env := settings(t, s, broker, meters, nil)
	for range kills {
		bridge := startBridge(t, env)
		enough := len(s.calls()) + 1 + rand.IntN(5)
		await(t, "some calls", 30*time.Second, func() error {
			if n := len(s.calls()); n < enough {
				return fmt.Errorf("%d calls", n)
			}
			return nil
		})
		<-time.After(time.Duration(rand.Int64N(int64(300 * time.Millisecond)))) // between two calls or within one
		bridge.kill()
		t.Logf("killed after %d calls", len(s.calls()))
	}
	require.Less(t, len(s.calls()), 30, "the fetch is not over yet")
	startBridge(t, env)
	topics := awaitComplete(t, broker, meters)
	for _, m := range meters {
		requireDocuments(t, topics, m)
	}
	twice := repeated(s.calls())
	t.Logf("%d calls, repeated: %v", len(s.calls()), twice)
	require.LessOrEqual(t, len(twice), kills*len(meters))
}

func TestSettingsThatCannotBe(t *testing.T) {
	tests := map[string]struct {
		name, value string
	}{
		"a PRM of 13 digits":      {"METERS", "0987654321098"},
		"a window without an end": {"FETCH_WINDOW", "07:00"},
		"a broker behind http":    {"MQTT_URL", "http://localhost"},
		"an unknown level":        {"LOG_LEVEL", "loud"},
	}
	s := startSimulator(t, 1)
	broker := startMosquitto(t)
	good := settings(t, s, broker, household(1, lastDays(7)), nil)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			env := maps.Clone(good)
			env[test.name] = test.value
			said, code := output(t, env, "run")
			require.Equal(t, 2, code, said)
			require.Contains(t, said, test.name)
		})
	}
	require.Empty(t, s.calls())
}

func TestVersion(t *testing.T) {
	said, code := output(t, nil, "version")
	require.Zero(t, code, said)
	require.Contains(t, said, "go1.")
}

func TestCommandsOverMQTT(t *testing.T) {
	meters := household(1, lastDays(7))
	s := startSimulator(t, 1)
	broker := startMosquitto(t)
	startBridge(t, settings(t, s, broker, meters, nil))
	awaitComplete(t, broker, meters)
	responses := record(t, broker, "enedis2mqtt/bridge/response/+")
	user := connect(t, broker)

	ask := func(command, payload string) (answer struct {
		Status      string `json:"status"`
		Error       string `json:"error"`
		Data        json.RawMessage
		Transaction string `json:"transaction"`
	},
	) {
		transaction := fmt.Sprintf("%s-%d", command, len(responses.all()))
		body := strings.Replace(payload, "{", `{"transaction":"`+transaction+`",`, 1)
		user.publish(t, "enedis2mqtt/bridge/request/"+command, strings.Replace(body, ",}", "}", 1), false)
		await(t, "an answer to "+command, 15*time.Second, func() error {
			for _, m := range responses.all() {
				if m.topic == "enedis2mqtt/bridge/response/"+command && strings.Contains(m.body, transaction) {
					return json.Unmarshal([]byte(m.body), &answer)
				}
			}
			return fmt.Errorf("none among %d messages", len(responses.all()))
		})
		return answer
	}

	prm := string(meters[0].PRM)
	require.Equal(t, "ok", ask("republish", "{}").Status)
	require.Equal(t, "ok", ask("refresh", `{"prm":"`+prm+`"}`).Status)
	coverage := ask("coverage", `{"prm":"`+prm+`"}`)
	require.Equal(t, "ok", coverage.Status)
	var data struct {
		Series map[string][]struct {
			From, To, Status string
			Days             int
		}
	}
	require.NoError(t, json.Unmarshal(coverage.Data, &data))
	for name, runs := range data.Series {
		require.Len(t, runs, 1, name)
		require.Equal(t, "complete", runs[0].Status, name)
		require.Equal(t, meters[0].days.From.String(), runs[0].From, name)
		require.Equal(t, (meters[0].days.To - 1).String(), runs[0].To, name)
	}
	require.Equal(t, "error", ask("coverage", `{"prm":"1"}`).Status)
}
