package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

const importedPRM = "99900000000014"

// place puts a file into a folder of the test.
func place(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// dataFolder gives the program a data folder, and no other setting.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	environ(t, map[string]string{"DATA_DIR": dir})
	return dir
}

// dump is all that the store keeps of values, by our own export, without what a new store gives anew.
func dump(t *testing.T) string {
	t.Helper()
	code, out, log := call(t, "export", "--format", "jsonl")
	require.Zero(t, code, log)
	var kept strings.Builder
	for line := range strings.Lines(out) {
		var day map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &day))
		delete(day, "revision")
		delete(day, "stored_at")
		text, err := json.Marshal(day)
		require.NoError(t, err)
		kept.Write(append(text, '\n'))
	}
	return kept.String()
}

func sample(name string) string { return filepath.Join("files", "testdata", name) }

func TestImportsDownloadsOfTheAccountAndOwnExport(t *testing.T) {
	dataFolder(t)
	downloads := []string{
		sample(importedPRM + "_Export_courbe_de_charge_Consommation_28032026-30032026.xlsx"),
		sample(importedPRM + "_Export_energie_Consommation-Production_28032026-31032026.xlsx"),
		sample("Enedis_Conso_Jour_20260328-20260331_" + importedPRM + ".csv"),
		sample("historique_conso_" + importedPRM + "_20260331.csv"),
	}
	code, out, log := call(t, append([]string{"import"}, downloads...)...)
	require.Zero(t, code, log)
	require.Contains(t, out, "…0014_Export_courbe_de_charge_Consommation_28032026-30032026.xlsx: a download of Enedis's account (XLSX)\n")
	require.Regexp(t, `…0014 +consumption/load_curve +6 +3 +0 +3 +0 +0 +2026-03-28 +2026-03-30\n`, out)
	require.Regexp(t, `…0014 +consumption/max_power +3 +3 +0 +0 +0 +0 +2026-03-28 +2026-03-30\n`, out)
	require.NotContains(t, out+log, importedPRM)
	require.Contains(t, log, "bytes read: ")

	code, out, log = call(t, append([]string{"import"}, downloads...)...)
	require.Zero(t, code, log)
	require.Regexp(t, `consumption/load_curve +6 +0 +0 +6 +0 +0 `, out)
	want := dump(t)
	for _, format := range []string{"csv", "jsonl"} {
		exported := filepath.Join(t.TempDir(), "export."+format)
		code, _, log = call(t, "export", "--format", format, "--output", exported)
		require.Zero(t, code, log)
		first := os.Getenv("DATA_DIR")
		dataFolder(t)
		code, out, log = call(t, "import", exported)
		require.Zero(t, code, log)
		require.Contains(t, out, "our own export")
		require.Equal(t, want, dump(t), "what was exported comes back")
		t.Setenv("DATA_DIR", first)
	}
}

func TestImportDryRun(t *testing.T) {
	dir := dataFolder(t)
	file := sample("historique_conso_" + importedPRM + "_20260331.csv")
	code, out, log := call(t, "import", "--dry-run", file)
	require.Zero(t, code, log)
	require.Regexp(t, `consumption/load_curve +3 +3 +0 +0 +0 +0 `, out)
	require.Contains(t, out, "This was a dry run: nothing was changed.\n")
	require.NoDirExists(t, dir)

	code, _, log = call(t, "import", sample("Enedis_Conso_Jour_20260328-20260331_"+importedPRM+".csv"))
	require.Zero(t, code, log)
	before := dump(t)
	code, _, log = call(t, "import", "--dry-run", file)
	require.Zero(t, code, log)
	require.Equal(t, before, dump(t))
}

func TestImportSaysWhatIsWrong(t *testing.T) {
	dir := dataFolder(t)
	good := sample("historique_conso_" + importedPRM + "_20260331.csv")
	damaged := place(t, "conso_"+importedPRM+".csv", "debut;fin;kW\n2026-03-28T00:00;2026-03-28T00:30;1\n2026-03-28T00:30;much\n")
	unnamed := place(t, "download.csv", "Date;Valeur (en kWh)\n28/03/2026;1\n")
	tomorrow := time.Now().AddDate(0, 0, 1).Format("02/01/2006")
	future := place(t, "conso_"+importedPRM+".csv", "Date;Valeur (en kWh)\n"+tomorrow+";1\n")
	tests := map[string]struct {
		args []string
		code int
		says string
	}{
		"no file":             {nil, exitSettings, "<file>"},
		"a file that is not":  {[]string{"nowhere.csv"}, exitFailure, "nowhere.csv: no such file"},
		"a wrong PRM":         {[]string{"--prm", "7", good}, exitSettings, "--prm: a PRM has exactly 14 digits"},
		"no meter":            {[]string{unnamed}, exitFailure, "download.csv: the file does not say of which meter it is: say it with --prm"},
		"no direction":        {[]string{"--prm", importedPRM, unnamed}, exitFailure, "say it with --direction"},
		"another meter":       {[]string{"--prm", "09876543210987", sample("Enedis_Conso_Jour_20260328-20260331_" + importedPRM + ".csv")}, exitFailure, "what you ask for is not in it, but …0014 consumption/daily"},
		"another in its name": {[]string{"--prm", "09 876 543 210 987", good}, exitFailure, "by its name it is of the meter …0014, not of …0987"},
		"a damaged line":      {[]string{damaged}, exitFailure, "line 3: "},
		"days that are ahead": {[]string{future}, exitFailure, "there are only days in it that are not over"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			code, out, log := call(t, append([]string{"import"}, test.args...)...)
			require.Equal(t, test.code, code, log)
			require.Contains(t, log, test.says)
			require.Empty(t, out)
			require.NotContains(t, log, importedPRM)
		})
	}
	t.Run("one bad file does not keep the good ones out", func(t *testing.T) {
		code, out, log := call(t, "import", damaged, good)
		require.Equal(t, exitFailure, code)
		require.Contains(t, log, "nothing of this file was stored")
		require.Regexp(t, `consumption/load_curve +3 +3 `, out)
	})
	t.Run("an interruption", func(t *testing.T) {
		before := dump(t)
		file := sample("Enedis_Conso_Jour_20260328-20260331_" + importedPRM + ".csv")
		for looks := range 4 { // at the clock, before it comes: as the store opens, before and within the import
			ctx, cancel := context.WithCancel(t.Context())
			seen := 0
			now := func() time.Time {
				if seen++; seen > looks {
					cancel()
				}
				return time.Now()
			}
			err := importCommand{Direction: "auto", Files: []string{file}}.Run(ctx, &program{out: newOutput(), log: newOutput(), now: now})
			cancel()
			require.EqualError(t, err, "interrupted: nothing was stored")
		}
		require.Equal(t, before, dump(t))
	})
	t.Run("a bridge that runs", func(t *testing.T) {
		running, err := store.Open(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		defer func() { require.NoError(t, running.Close()) }()
		code, _, log := call(t, "import", good)
		require.Equal(t, exitFailure, code)
		require.Contains(t, log, "stop the bridge first, nothing was imported\n")
	})
}

func TestImportsTheDatabaseAndTheConfigOfMyElectricalData(t *testing.T) {
	dataFolder(t)
	path := filepath.Join(t.TempDir(), "cache.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `CREATE TABLE consumption_daily (id, usage_point_id TEXT, date DATETIME, value INTEGER);
		INSERT INTO consumption_daily VALUES ('a', ?1, '2026-03-28 00:00:00.000000', 15496),
			('b', '09876543210987', '2026-03-28 00:00:00.000000', 7)`, importedPRM)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	code, out, log := call(t, "import", "--prm", importedPRM, path)
	require.Zero(t, code, log)
	require.Contains(t, out, "cache.db: MyElectricalData's database\n")
	require.Contains(t, dump(t), `"wh":15496`)
	require.NotContains(t, dump(t), "09876543210987")

	config := place(t, "config.yaml", "mqtt: {enable: true, hostname: broker, port: 1883, username: me, password: it's secret}\n"+
		"myelectricaldata:\n  '09876543210987': {name: Maison, token: invented.token}\n")
	code, out, log = call(t, "import", config)
	require.Zero(t, code, log)
	require.Contains(t, out, `METERS='[{"prm":"09876543210987","name":"Maison","directions":["consumption"]}]'`+"\n")
	require.Contains(t, out, "MYELECTRICALDATA_API=v1\nMQTT_URL=mqtt://broker:1883\nMQTT_USERNAME=me\nMQTT_PASSWORD=[redacted]\n")
	require.NotContains(t, out+log, "secret\n")
	require.NotContains(t, out+log, "invented.token")
	code, out, _ = call(t, "import", "--secrets", config)
	require.Zero(t, code)
	require.Contains(t, out, "MYELECTRICALDATA_TOKEN=invented.token\n")
	require.Contains(t, out, `MQTT_PASSWORD='it'\''s secret'`+"\n")
}

func TestCleanup(t *testing.T) {
	broker := mqtttest.New(t)
	theirs := map[string]string{
		"myelectricaldata/09876543210987/status/call_number":                                 "3",
		"myelectricaldata/09876543210987/consumption/annual/current/thisYear/base/kWh":       "1.5",
		"myelectricaldata/09876543210987/production/linear/year-1/thisMonth/dateBegin":       "2026-01-01",
		"myelectricaldata/09876543210987/power_max/Monday/value":                             "5",
		"myelectricaldata/tempo/color/today":                                                 "BLUE",
		"myelectricaldata/ecowatt/j0/detail/08":                                              "1",
		"homeassistant/sensor/myelectricaldata_consumption/09876543210987/config":            "{}",
		"homeassistant/sensor/myelectricaldata_consumption_last_5_day/09876543210987/state":  "5",
		"homeassistant/sensor/myelectricaldata_production_history/09876543210987/attributes": "{}",
		"homeassistant/sensor/myelectricaldata_rte/ecowatt_J0/config":                        "{}",
		"homeassistant/sensor/myelectricaldata_edf/tempo_price_blue_hc/state":                "0.1",
	}
	others := map[string]string{
		"enedis2mqtt/09876543210987/state":                             "{}",
		"myelectricaldata/09876543210987/state":                        "ours, below their prefix",
		"myelectricaldata/09876543210987/consumption/daily":            "ours, below their prefix",
		"myelectricaldata/notes":                                       "somebody's",
		"homeassistant/device/enedis2mqtt_09876543210987/config":       "{}",
		"homeassistant/sensor/enedis2mqtt_09876543210987_daily/config": "{}",
		"homeassistant/sensor/myelectricaldata_mine/a/config":          "{}",
		"homeassistant/sensor/linky/config":                            "{}",
		"zigbee2mqtt/bridge/state":                                     "online",
	}
	for topic, body := range theirs {
		broker.Publish(topic, body, true)
	}
	for topic, body := range others {
		broker.Publish(topic, body, true)
	}
	environ(t, map[string]string{"MQTT_URL": broker.URL().String()})
	code, out, log := call(t, "cleanup")
	require.Zero(t, code, log)
	require.Equal(t, len(theirs)+1, strings.Count(out, "\n"))
	for topic := range theirs {
		require.Contains(t, out, topic+"\n")
	}
	require.Contains(t, out, "11 retained topics of MyElectricalData. Nothing was cleared: --yes clears them.\n")
	both := maps.Clone(theirs)
	maps.Copy(both, others)
	require.Equal(t, both, broker.Retained())

	code, out, log = call(t, "cleanup", "--yes")
	require.Zero(t, code, log)
	require.Contains(t, out, "11 retained topics of MyElectricalData were cleared.\n")
	require.Equal(t, others, broker.Retained())

	code, out, log = call(t, "cleanup", "--yes")
	require.Zero(t, code, log)
	require.Equal(t, "The broker holds no retained topic of MyElectricalData.\n", out)

	broker.Stop()
	code, _, log = call(t, "cleanup", "--wait", "10ms")
	require.Equal(t, exitFailure, code)
	require.Contains(t, log, "cannot be reached")
	environ(t, map[string]string{"MQTT_URL": "http://nowhere"})
	code, _, log = call(t, "cleanup")
	require.Equal(t, exitSettings, code)
	require.Contains(t, log, "MQTT_URL")
}

// Thousands of topics are found as well.
func TestCleanupOfManyTopics(t *testing.T) {
	broker := mqtttest.New(t)
	for year := range 2000 {
		broker.Publish("myelectricaldata/09876543210987/consumption/annual/"+time.Unix(int64(year), 0).UTC().Format("150405")+"/base/Wh", "1", true)
	}
	environ(t, map[string]string{"MQTT_URL": broker.URL().String()})
	code, out, log := call(t, "cleanup", "--yes")
	require.Zero(t, code, log)
	require.Contains(t, out, "2000 retained topics of MyElectricalData were cleared.\n")
	require.Empty(t, broker.Retained())
}
