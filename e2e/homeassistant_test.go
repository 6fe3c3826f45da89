//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
)

// The versions of Home Assistant that setup.sh installs: the newest one, and the last one that knows the former metadata of
// statistics alone.
const (
	currentVersion = "2026.11.0"
	formerVersion  = "2025.10.4"
)

// homeAssistant is a real Home Assistant, run by the scripts below homeassistant.
type homeAssistant struct {
	version string
	dir     string // of the instance
	port    string
	broker  *mosquitto
	token   string
}

// startHomeAssistant starts a fresh instance of a version that is connected to the broker.
func startHomeAssistant(t *testing.T, version string, broker *mosquitto) *homeAssistant {
	t.Helper()
	h := &homeAssistant{version: version, dir: t.TempDir(), port: freePort(t), broker: broker}
	t.Cleanup(func() {
		out, err := exec.Command("homeassistant/stop.sh", "--kill", h.dir).CombinedOutput()
		if err != nil {
			t.Errorf("stop Home Assistant: %v\n%s", err, out)
		}
	})
	h.start(t)
	return h
}

// start starts the instance; the second time it is a restart.
func (h *homeAssistant) start(t *testing.T) {
	t.Helper()
	h.script(t, "start.sh", h.dir, h.port, h.broker.port)
	token, err := os.ReadFile(filepath.Join(h.dir, "token"))
	require.NoError(t, err)
	h.token = strings.TrimSpace(string(token))
}

func (h *homeAssistant) stop(t *testing.T) {
	t.Helper()
	h.script(t, "stop.sh", h.dir)
}

func (h *homeAssistant) script(t *testing.T, name string, args ...string) {
	t.Helper()
	// A file, not a pipe: Home Assistant lives on after the script, and would keep a pipe open.
	said, err := os.CreateTemp(t.TempDir(), name)
	require.NoError(t, err)
	defer said.Close()
	cmd := exec.CommandContext(t.Context(), "homeassistant/"+name, args...)
	cmd.Env = append(os.Environ(), "HA_VERSION="+h.version)
	cmd.Stdout, cmd.Stderr = said, said
	began := time.Now()
	err = cmd.Run()
	text, readErr := os.ReadFile(said.Name())
	require.NoError(t, readErr)
	require.NoError(t, err, "%s says:\n%s", name, text)
	t.Logf("%s took %v\n%s", name, time.Since(began).Round(time.Millisecond), text)
}

// request calls the REST API and reads its answer into v.
func (h *homeAssistant) request(t *testing.T, method, path string, body, v any) {
	t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:"+h.port+path, bytes.NewReader(encoded))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+h.token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s %s: %s", method, path, text)
	require.NoError(t, json.Unmarshal(text, v))
}

// entityState is what Home Assistant shows of an entity.
type entityState struct {
	ID         string `json:"entity_id"`
	State      string `json:"state"`
	Attributes struct {
		Name        string `json:"friendly_name"`
		Unit        string `json:"unit_of_measurement"`
		DeviceClass string `json:"device_class"`
		StateClass  string `json:"state_class"`
		Reason      string `json:"reason"` // of the freshness
	} `json:"attributes"`
}

// states gives what stands on the entities of MQTT devices of ours.
func (h *homeAssistant) states(t *testing.T) map[string]entityState {
	t.Helper()
	var all []entityState
	h.request(t, http.MethodGet, "/api/states", nil, &all)
	ours := make(map[string]entityState)
	for _, e := range all {
		if strings.Contains(e.ID, ".linky_") || strings.Contains(e.ID, ".enedis2mqtt_") {
			ours[e.ID] = e
		}
	}
	return ours
}

// registered is an entity as the registry has it.
type registered struct {
	ID       string  `json:"entity_id"`
	UniqueID string  `json:"unique_id"`
	Platform string  `json:"platform"`
	Category *string `json:"entity_category"`
}

// registry lists the entities that came over MQTT, by their entity id.
func (h *homeAssistant) registry(t *testing.T) map[string]registered {
	t.Helper()
	c, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://127.0.0.1:"+h.port+"/api/websocket", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	defer c.Close()
	var answer struct {
		Type    string       `json:"type"`
		Success bool         `json:"success"`
		Result  []registered `json:"result"`
	}
	require.NoError(t, c.ReadJSON(&answer))
	require.NoError(t, c.WriteJSON(map[string]string{"type": "auth", "access_token": h.token}))
	require.NoError(t, c.ReadJSON(&answer))
	require.Equal(t, "auth_ok", answer.Type)
	require.NoError(t, c.WriteJSON(map[string]any{"id": 1, "type": "config/entity_registry/list"}))
	require.NoError(t, c.ReadJSON(&answer))
	require.True(t, answer.Success)
	entities := make(map[string]registered)
	for _, e := range answer.Result {
		if e.Platform == "mqtt" {
			entities[e.ID] = e
		}
	}
	return entities
}

// press presses a button.
func (h *homeAssistant) press(t *testing.T, entity string) {
	t.Helper()
	var changed []any
	h.request(t, http.MethodPost, "/api/services/button/press", map[string]string{"entity_id": entity}, &changed)
}

// catchUp returns once Home Assistant has dealt with everything that was published before: messages come to it in their
// order, so a sensor of our own that comes last shows its state last.
func (h *homeAssistant) catchUp(t *testing.T) {
	t.Helper()
	c := connect(t, h.broker)
	const state, config = "e2e/marker", "homeassistant/sensor/e2e_marker/config"
	c.publish(t, config, `{"unique_id":"e2e_marker","default_entity_id":"sensor.e2e_marker","state_topic":"`+state+`"}`, true)
	c.publish(t, state, "here", true)
	defer c.publish(t, state, "", true)
	defer c.publish(t, config, "", true)
	await(t, "Home Assistant catches up", 20*time.Second, func() error {
		var all []entityState
		h.request(t, http.MethodGet, "/api/states", nil, &all)
		if !slices.ContainsFunc(all, func(e entityState) bool { return e.ID == "sensor.e2e_marker" && e.State == "here" }) {
			return fmt.Errorf("the marker is not among %d entities", len(all))
		}
		return nil
	})
}

// complaints gives the lines of the log that are warnings or errors and ours: of the integrations that we feed, or with our
// name. A broker that goes away is none of it.
func (h *homeAssistant) complaints(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "ha.log"))
	require.NoError(t, err)
	grave := regexp.MustCompile(` (WARNING|ERROR|CRITICAL) `)
	about := regexp.MustCompile(`components\.(mqtt|recorder|sensor|binary_sensor|button)|helpers\.template|enedis2mqtt|linky|import_statistics`)
	broker := regexp.MustCompile(`Disconnected from MQTT server|Failed to connect to MQTT server|Error returned from MQTT server`)
	var lines []string
	for line := range strings.Lines(string(text)) {
		if grave.MatchString(line) && about.MatchString(line) && !broker.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestHomeAssistant(t *testing.T) {
	meters := household(4, lastDays(7))
	noCurve := meters[3]
	require.Equal(t, enedistest.NoCurve, noCurve.Kind)
	s := startSimulator(t, len(meters))
	broker := startMosquitto(t)
	h := startHomeAssistant(t, currentVersion, broker)
	env := settings(t, s, broker, meters, map[string]string{"RETRY_INTERVAL": "30m"})
	bridge := startBridge(t, env)
	awaitComplete(t, broker, meters)

	t.Run("every entity has its state, unit and French name", func(t *testing.T) {
		requireEntities(t, h, meters)
		for _, m := range meters {
			requireRegistry(t, h, m)
		}
	})

	t.Run("the freshness tells its reason", func(t *testing.T) {
		require.Equal(t, "complete", h.states(t)["sensor.linky_0987_freshness"].Attributes.Reason)
	})

	t.Run("the button asks for what is missing", func(t *testing.T) {
		before := len(s.calls())
		h.press(t, "button.linky_"+noCurve.PRM.Tail()+"_refresh")
		await(t, "the curve that is not collected is asked for", 15*time.Second, func() error {
			calls := s.calls()[before:]
			for _, c := range calls {
				if strings.HasPrefix(c, "courbe_de_charge_consommation?") && strings.Contains(c, string(noCurve.PRM)) {
					return nil
				}
			}
			return fmt.Errorf("calls: %v", calls)
		})
	})

	// A pressed button shows when.
	pressed := func() []truth {
		return slices.DeleteFunc(slices.Clone(meters), func(m truth) bool { return m.PRM == noCurve.PRM })
	}

	t.Run("a restart of Home Assistant brings everything back", func(t *testing.T) {
		h.stop(t)
		h.start(t)
		requireStates(t, h, pressed())
	})

	whole := t // what is started again outlives its subtest
	t.Run("a restart of the broker brings everything back", func(t *testing.T) {
		broker.stop(t)
		await(t, "entities become unavailable", 20*time.Second, func() error {
			if got := h.states(t)["sensor.linky_0987_consumption_daily"].State; got != "unavailable" {
				return fmt.Errorf("shows %q", got)
			}
			return nil
		})
		broker.start(whole)
		requireStates(t, h, pressed())
	})

	t.Run("a meter that leaves takes its entities and topics along", func(t *testing.T) {
		require.Zero(t, bridge.stop(t))
		said := record(t, broker, "#")
		stay := pressed()
		less := settings(t, s, broker, stay, map[string]string{"DATA_DIR": env["DATA_DIR"], "HTTP_ADDR": env["HTTP_ADDR"]})
		startBridge(whole, less)
		requireEntities(t, h, stay)
		await(t, "no topic of the meter is left", 15*time.Second, func() error {
			for topic := range retained(t, broker) {
				if strings.Contains(topic, string(noCurve.PRM)) {
					return errors.New(topic)
				}
			}
			return nil
		})
		goes := slices.IndexFunc(said.all(), func(m message) bool { return m.body == "" && strings.Contains(m.topic, string(noCurve.PRM)) })
		require.Equal(t, "homeassistant/device/enedis2mqtt_"+string(noCurve.PRM)+"/config", said.all()[goes].topic,
			"the entities go before the topics that they read")
	})

	t.Run("Home Assistant has nothing to complain of", func(t *testing.T) {
		h.catchUp(t)
		require.Empty(t, h.complaints(t))
	})
}
