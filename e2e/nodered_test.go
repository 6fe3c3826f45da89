//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// slot names one slot of one load curve, as a row of a CSV file and a point of InfluxDB do.
type slot struct {
	prm       meter.PRM
	direction meter.Direction
	startMS   int64
}

// slots are load curves: W by slot.
type slots map[slot]int64

// TestNodeRED runs the example flow in a real Node-RED, between a real Mosquitto that keeps sessions and an InfluxDB that is
// not there at first, and compares what it has written with the bridge's store.
func TestNodeRED(t *testing.T) {
	meters := household(2, lastDays(40))
	s := startSimulator(t, 2)
	broker := startMosquitto(t, persistent(t)...)
	influx := startInfluxDB(t)
	red := startNodeRED(t, broker, influx)
	events := record(t, broker, "enedis2mqtt/+/+/readings")
	env := settings(t, s, broker, meters, nil)
	dir := env["DATA_DIR"]
	bridge := startBridge(t, env)
	whole := t // what is started again outlives its subtest

	t.Run("a history in the midst of which the broker restarts", func(t *testing.T) {
		await(t, "some days are written", 30*time.Second, func() error {
			if got, err := red.csv(); err != nil || len(got) < 48*10 {
				return fmt.Errorf("%d rows: %w", len(got), err)
			}
			return nil
		})
		broker.stop(t)
		await(t, "the history goes on without a broker", 30*time.Second, func() error {
			if got := storedCurves(t, dir, meters); len(got) < 48*100 {
				return fmt.Errorf("%d slots are stored", len(got))
			}
			return nil
		})
		broker.start(whole)
		events = record(whole, broker, "enedis2mqtt/+/+/readings")
		awaitComplete(t, broker, meters)
		want := storedCurves(t, dir, meters)
		require.Len(t, want, 3*slotsIn(meters[0].days))
		red.requireEqual(t, want)
		influx.requireEqual(t, want)
	})

	t.Run("what is delivered again changes nothing", func(t *testing.T) {
		before := red.files(t)
		seen := len(events.all())
		require.Zero(t, bridge.stop(t))
		changeStore(t, dir, func(s *store.Store) error { return s.SetCursor(t.Context(), "readings", 0) })
		bridge = startBridge(whole, env)
		days := 3 * meters[0].days.Len()
		await(t, "the whole stream comes again", 30*time.Second, func() error {
			if n := len(events.all()) - seen; n < days {
				return fmt.Errorf("%d days of %d", n, days)
			}
			return nil
		})
		influx.requireLines(t, 2*days)
		require.Equal(t, before, red.files(t), "no CSV file is written again")
		red.requireEqual(t, storedCurves(t, dir, meters))
	})

	t.Run("a correction that comes while Node-RED is away takes the place of its day", func(t *testing.T) {
		require.Zero(t, red.stop(t), "exit code of Node-RED")
		require.Zero(t, bridge.stop(t))
		before := storedCurves(t, dir, meters)
		corrected := meters[1].value(t, meter.Production, meter.LoadCurve, meters[1].days.From+5)
		for i := range corrected.Readings {
			r := &corrected.Readings[i]
			r.Quality, r.Source = meter.Corrected, "dataconnect"
			r.Watts += int64(100 * (i % 2))
		}
		changeStore(t, dir, func(s *store.Store) error {
			series := meter.Series{PRM: meters[1].PRM, Direction: meter.Production, Measure: meter.LoadCurve}
			_, err := s.Merge(t.Context(), series, []meter.DayValues{corrected}, func(string) int { return 0 })
			return err
		})
		seen := len(events.all())
		startBridge(whole, env)
		await(t, "the correction is published", 20*time.Second, func() error {
			if len(events.all()) == seen {
				return errors.New("no event")
			}
			return nil
		})
		want := storedCurves(t, dir, meters)
		require.False(t, maps.Equal(before, want), "the correction is stored")
		red.start(whole)
		red.requireEqual(t, want)
		influx.requireEqual(t, want)
	})
}

// slotsIn counts half hours.
func slotsIn(days meter.Days) int {
	return int(days.To.Start().Sub(days.From.Start()) / (30 * time.Minute))
}

// changeStore changes the store of a bridge that does not run.
func changeStore(t *testing.T, dir string, change func(*store.Store) error) {
	t.Helper()
	s, err := store.Open(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, change(s))
	require.NoError(t, s.Close())
}

// storedCurves reads all load curves beside the bridge.
func storedCurves(t *testing.T, dir string, meters []truth) slots {
	t.Helper()
	s, err := store.OpenReader(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer s.Close()
	all := make(slots)
	for _, m := range meters {
		for _, d := range m.Directions() {
			for day, err := range s.Days(t.Context(), meter.Series{PRM: m.PRM, Direction: d, Measure: meter.LoadCurve}, m.days) {
				require.NoError(t, err)
				for _, r := range day.Readings {
					require.False(t, r.Missing)
					all[slot{m.PRM, d, r.Start.UnixMilli()}] = r.Watts
				}
			}
		}
	}
	return all
}

// nodeRED is a real Node-RED with the example flow.
type nodeRED struct {
	dir    string // its own files
	folder string // what the flow writes
	*process
}

// startNodeRED starts it with the flow as it stands in examples, but for the settings that its user makes.
func startNodeRED(t *testing.T, broker *mosquitto, influx *influxDB) *nodeRED {
	t.Helper()
	r := &nodeRED{dir: t.TempDir(), folder: filepath.Join(t.TempDir(), "enedis2mqtt")}
	var nodes []map[string]any
	body, err := os.ReadFile("../examples/node-red/influxdb-and-csv.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &nodes))
	var tab string
	for _, n := range nodes {
		switch n["type"] {
		case "tab":
			tab = n["id"].(string)
			n["env"] = set(t, n["env"].([]any), map[string]string{"FOLDER": r.folder, "INFLUXDB_URL": influx.url()})
		case "mqtt-broker":
			n["broker"], n["port"] = "127.0.0.1", broker.port
		}
	}
	r.write(t, "flows.json", nodes)
	r.write(t, "flows_cred.json", map[string]any{tab: map[string]string{"INFLUXDB_TOKEN": influx.token}})
	r.write(t, "settings.js", map[string]any{
		"uiHost": "127.0.0.1", "uiPort": freePort(t), "flowFile": "flows.json", "credentialSecret": false,
		"mqttReconnectTime": 1000, "telemetry": map[string]bool{"enabled": false},
	})
	r.start(t)
	return r
}

// set gives the settings of a tab with other values.
func set(t *testing.T, env []any, values map[string]string) []any {
	t.Helper()
	left := maps.Clone(values)
	for _, one := range env {
		one := one.(map[string]any)
		if v, ok := left[one["name"].(string)]; ok {
			one["value"] = v
			delete(left, one["name"].(string))
		}
	}
	require.Empty(t, left, "settings that the tab has not")
	return env
}

func (r *nodeRED) write(t *testing.T, name string, v any) {
	t.Helper()
	body, err := json.Marshal(v)
	require.NoError(t, err)
	if filepath.Ext(name) == ".js" {
		body = append([]byte("module.exports = "), body...)
	}
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, name), body, 0o600))
}

// start starts it and waits until it has subscribed.
func (r *nodeRED) start(t *testing.T) {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	installed := cmp.Or(os.Getenv("E2E_NODE_RED_DIR"), filepath.Join(cache, "enedis2mqtt-e2e", "node-red"))
	program := filepath.Join(installed, "node_modules", "node-red", "red.js")
	require.FileExists(t, program, "setup.sh installs Node-RED")
	r.process = launch(t, nil, "node", program, "--userDir", r.dir)
	await(t, "Node-RED is connected to the broker", time.Minute, func() error {
		if !strings.Contains(r.said(t), "Connected to broker") {
			return errors.New("not connected")
		}
		return nil
	})
}

// files gives when each CSV file was last written.
func (r *nodeRED) files(t *testing.T) map[string]time.Time {
	t.Helper()
	written := make(map[string]time.Time)
	entries, err := os.ReadDir(r.folder)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		if filepath.Ext(e.Name()) == ".csv" {
			written[e.Name()] = info.ModTime()
		}
	}
	return written
}

// csv reads all rows of all files; a slot that comes twice is an error.
func (r *nodeRED) csv() (slots, error) {
	files, err := filepath.Glob(filepath.Join(r.folder, "*.csv"))
	if err != nil {
		return nil, err
	}
	all := make(slots)
	for _, file := range files {
		if err := readCSV(file, all); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return all, nil
}

func readCSV(file string, all slots) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return err
	}
	if got := strings.Join(rows[0], ","); got != "date,start_ms,start,minutes,w,revision" {
		return fmt.Errorf("header %s", got)
	}
	prm, rest, _ := strings.Cut(filepath.Base(file), "-")
	direction, month, _ := strings.Cut(strings.TrimSuffix(rest, ".csv"), "-")
	for _, row := range rows[1:] {
		startMS, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			return err
		}
		watts, err := strconv.ParseInt(row[4], 10, 64)
		if err != nil {
			return err
		}
		start := time.UnixMilli(startMS)
		one := slot{meter.PRM(prm), meter.Direction(direction), startMS}
		_, twice := all[one]
		if twice || row[0] != meter.DayOf(start).String() || row[2] != stamp(start) || row[3] != "30" || !strings.HasPrefix(row[0], month) {
			return fmt.Errorf("row %v, which was there before: %t", row, twice)
		}
		all[one] = watts
	}
	return nil
}

// lines replays the file of line protocol.
func (r *nodeRED) lines() (slots, error) {
	text, err := os.ReadFile(filepath.Join(r.folder, "influxdb.lp"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all := make(slots)
	return all, replay(string(text), all)
}

// replay does what InfluxDB does with line protocol: a point of the same series and time takes the place of the former one.
func replay(text string, all slots) error {
	for line := range strings.Lines(text) {
		var p slot
		var watts int64
		var minutes float64
		line = strings.NewReplacer(",prm=", " ", ",direction=", " ", "i,minutes=", " ", "w=", "").Replace(strings.TrimSuffix(line, "\n"))
		var measurement string
		_, err := fmt.Sscanf(line, "%s %s %s %d %g %d", &measurement, &p.prm, &p.direction, &watts, &minutes, &p.startMS)
		if err != nil || measurement != "enedis_load_curve" || minutes != 30 || p.startMS%int64(time.Second) != 0 {
			return fmt.Errorf("line %q: %w", line, err)
		}
		p.startMS /= int64(time.Millisecond)
		all[p] = watts
	}
	return nil
}

// requireEqual waits until the files hold what they should.
func (r *nodeRED) requireEqual(t *testing.T, want slots) {
	t.Helper()
	await(t, "the CSV files equal the store", 20*time.Second, func() error { return differ(want, r.csv) })
	await(t, "the line protocol equals the store", 20*time.Second, func() error { return differ(want, r.lines) })
	require.NotContains(t, r.said(t), "[error]")
}

func differ(want slots, read func() (slots, error)) error {
	got, err := read()
	if err == nil && !maps.Equal(want, got) {
		err = fmt.Errorf("%d slots that differ from the %d stored", len(got), len(want))
	}
	return err
}

// influxDB takes line protocol as InfluxDB 2 does, once it is there: the first request meets a gateway without anything
// behind it.
type influxDB struct {
	server *httptest.Server
	token  string

	mu    sync.Mutex
	calls int
	lines int
	kept  slots
	err   error // the first request that is not as it should be
}

func startInfluxDB(t *testing.T) *influxDB {
	t.Helper()
	i := &influxDB{token: "secret", kept: make(slots)}
	i.server = httptest.NewServer(i)
	t.Cleanup(i.server.Close)
	return i
}

func (i *influxDB) url() string { return i.server.URL + "/api/v2/write?org=home&bucket=energy" }

// ServeHTTP takes points.
func (i *influxDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	if i.calls == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if got := r.Method + " " + r.RequestURI + " " + r.Header.Get("Authorization"); err == nil &&
		got != "POST /api/v2/write?org=home&bucket=energy Token "+i.token {
		err = errors.New(got)
	}
	if err == nil {
		err = replay(string(body), i.kept)
	}
	i.lines += bytes.Count(body, []byte("\n"))
	i.err = cmp.Or(i.err, err)
	w.WriteHeader(http.StatusNoContent)
}

func (i *influxDB) read() (slots, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.kept), i.err
}

// requireEqual waits until it holds what it should: what it did not take at first comes 30 s later.
func (i *influxDB) requireEqual(t *testing.T, want slots) {
	t.Helper()
	await(t, "InfluxDB equals the store", time.Minute, func() error { return differ(want, i.read) })
}

// requireLines waits until so many days have come, those that came again included.
func (i *influxDB) requireLines(t *testing.T, days int) {
	t.Helper()
	await(t, "each delivery reaches InfluxDB", time.Minute, func() error {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.lines < 46*days {
			return fmt.Errorf("%d lines of %d days", i.lines, days)
		}
		return i.err
	})
}
