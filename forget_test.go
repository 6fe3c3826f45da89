package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// forgettable is a data folder with two meters and a backup, and a broker with their topics.
func forgettable(t *testing.T) (dir string, broker *mqtttest.Broker) {
	t.Helper()
	dir, broker = t.TempDir(), mqtttest.New(t)
	environ(t, map[string]string{"DATA_DIR": dir, "MQTT_URL": broker.URL().String(), "METERS": string(barn)})
	kept := openStore(t, dir)
	day := meter.Days{From: 20000, To: 20001}
	retained := make(map[string]string)
	for _, prm := range []meter.PRM{house, barn} {
		put(t, kept, meter.Series{PRM: prm, Direction: meter.Consumption, Measure: meter.Daily}, energies(day)...)
		retained[topics.State(prm)] = "{}"
		retained["homeassistant/device/enedis2mqtt_"+string(prm)+"/config"] = "{}"
	}
	retained[topics.BridgeInfo()] = `{"meters":[{"prm":"09876543210987"},{"prm":"12345678901234"}]}`
	retained[topics.BridgeHealth()] = `{"history":[{"prm":"09876543210987"}]}`
	notes := make(map[string]string)
	for topic, body := range retained {
		notes[topic] = "light,state"
		broker.Publish(topic, body, true)
	}
	require.NoError(t, kept.SaveTopics(t.Context(), notes))
	broker.Publish("zigbee2mqtt/"+string(house), "another's", true)
	_, err := store.Backup(t.Context(), dir, "", time.Now())
	require.NoError(t, err)
	require.NoError(t, kept.Close())
	return dir, broker
}

// whereNamed gives the files below a folder that hold the number of a meter.
func whereNamed(t *testing.T, dir string, prm meter.PRM) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.Contains(text(t, path), string(prm)) {
			files = append(files, path)
		}
		return err
	}))
	return files
}

func TestForgetListsAndErasesNothing(t *testing.T) {
	dir, broker := forgettable(t)
	before := broker.Retained()
	code, out, log := call(t, "forget", string(house))
	require.Zero(t, code, log)
	require.Contains(t, out, "Kept of the meter …0987:\n  days: 1\n")
	require.Contains(t, out, "  retained topics: 2\n")
	require.Contains(t, out, "which --backups deletes")
	require.Contains(t, out, "Nothing was erased: --yes erases it.\n")
	require.NotContains(t, out, string(house))
	require.Equal(t, before, broker.Retained())
	require.Len(t, whereNamed(t, dir, house), 2)

	code, out, log = call(t, "forget", "11111111111111")
	require.Zero(t, code, log)
	require.Contains(t, out, "Nothing is kept of the meter …1111.\n")
}

func TestForgetErases(t *testing.T) {
	dir, broker := forgettable(t)
	code, out, log := call(t, "forget", string(house), "--yes", "--backups")
	require.Zero(t, code, log)
	require.Empty(t, whereNamed(t, dir, house))
	require.Len(t, whereNamed(t, dir, barn), 1, "the database; the backup is gone with all that it held")
	require.Equal(t, map[string]string{
		topics.State(barn): "{}",
		"homeassistant/device/enedis2mqtt_" + string(barn) + "/config": "{}",
		"zigbee2mqtt/" + string(house):                                 "another's",
	}, broker.Retained(), "not even the bridge is said to be there")
	var emptied []string
	for _, m := range broker.Received() {
		if m.Body == "" && m.Retained && m.Client != "" {
			emptied = append(emptied, m.Topic)
		}
	}
	require.Equal(t, []string{
		"homeassistant/device/enedis2mqtt_" + string(house) + "/config",
		topics.State(house), topics.BridgeHealth(), topics.BridgeInfo(),
	}, emptied, "the entities before what they show")
	require.Contains(t, out, "The meter …0987 is forgotten.")
	require.Contains(t, out, "statistics whose ids begin with enedis2mqtt:")
	require.Contains(t, out, "It comes back if METERS, a gateway's token")

	kept := openStore(t, dir)
	known, err := kept.Topics(t.Context())
	require.NoError(t, err)
	require.Len(t, known, 4)
	_, there, err := kept.Stored(t.Context(), meter.Series{PRM: barn, Direction: meter.Consumption, Measure: meter.Daily}, 20000)
	require.NoError(t, err)
	require.True(t, there)
}

func TestForgetSaysWhatStillHoldsTheMeter(t *testing.T) {
	dir, _ := forgettable(t)
	code, out, log := call(t, "forget", string(barn), "--yes")
	require.Zero(t, code, log)
	require.Contains(t, out, "1 backups in the data folder still hold it")
	require.Contains(t, out, "METERS still names it: it comes back at the next start")
	require.Len(t, whereNamed(t, dir, barn), 1)

	code, _, log = call(t, "forget", string(barn), "--yes", "--backups")
	require.Zero(t, code, log)
	require.Empty(t, whereNamed(t, dir, barn))
}

func TestForgetWithoutTheBroker(t *testing.T) {
	dir, broker := forgettable(t)
	broker.Stop()
	code, _, log := call(t, "forget", string(house), "--yes", "--backups", "--wait", "100ms")
	require.Equal(t, exitFailure, code)
	require.Contains(t, log, "nothing was erased; --keep-topics goes on without it")
	require.NotContains(t, log, string(house))
	require.Len(t, whereNamed(t, dir, house), 2)

	code, out, log := call(t, "forget", string(house), "--yes", "--backups", "--keep-topics")
	require.Zero(t, code, log)
	require.Contains(t, out, "4 retained topics stay on the broker")
	require.Empty(t, whereNamed(t, dir, house))
}

func TestForgetSaysWhatIsInItsWay(t *testing.T) {
	dir, broker := forgettable(t)
	code, _, log := call(t, "forget", "123")
	require.Equal(t, exitSettings, code)
	require.Contains(t, log, "a PRM has exactly 14 digits")

	t.Setenv("MQTT_URL", "http://broker")
	code, _, log = call(t, "forget", string(house), "--yes")
	require.Equal(t, exitSettings, code)
	require.Contains(t, log, "MQTT_URL")
	t.Setenv("MQTT_URL", broker.URL().String())

	openStore(t, dir)
	before := broker.Retained()
	code, _, log = call(t, "forget", string(house), "--yes")
	require.Equal(t, exitFailure, code)
	require.Equal(t, "enedis2mqtt: the bridge uses the data in "+dir+": stop the bridge first, nothing was erased\n", log)
	require.Equal(t, before, broker.Retained())
	require.Len(t, whereNamed(t, dir, house), 2, "the log of the open store is not yet written")

	environ(t, map[string]string{"DATA_DIR": filepath.Join(t.TempDir(), "nowhere")})
	code, _, log = call(t, "forget", string(house), "--yes")
	require.Equal(t, exitFailure, code)
	require.Contains(t, log, "there is no data of enedis2mqtt")
}
