//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// kept is what the importer needs of a store, in memory.
type kept struct {
	mu       sync.Mutex
	days     map[meter.Measure]map[meter.Day]meter.DayValues
	changed  map[meter.Day]int64 // revisions
	revision int64
	marks    map[homeassistant.ID]homeassistant.Mark
}

func newKept() *kept {
	return &kept{
		days: map[meter.Measure]map[meter.Day]meter.DayValues{
			meter.Daily: make(map[meter.Day]meter.DayValues), meter.LoadCurve: make(map[meter.Day]meter.DayValues),
		},
		changed: make(map[meter.Day]int64),
		marks:   make(map[homeassistant.ID]homeassistant.Mark),
	}
}

func (k *kept) put(m meter.Measure, days ...meter.DayValues) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range days {
		k.revision++
		k.days[m][v.Day], k.changed[v.Day] = v, k.revision
	}
}

// all gives the days of a measure within a run, oldest first.
func (k *kept) all(m meter.Measure, run meter.Days) []meter.DayValues {
	k.mu.Lock()
	defer k.mu.Unlock()
	days := slices.SortedFunc(maps.Values(k.days[m]), func(a, b meter.DayValues) int { return cmp.Compare(a.Day, b.Day) })
	return slices.DeleteFunc(days, func(v meter.DayValues) bool { return !run.Contains(v.Day) })
}

func (k *kept) Days(_ context.Context, s meter.Series, run meter.Days) iter.Seq2[meter.DayValues, error] {
	return func(yield func(meter.DayValues, error) bool) {
		for _, v := range k.all(s.Measure, run) {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (k *kept) Changed(_ context.Context, _ meter.PRM, _ meter.Direction, after int64) (meter.Day, int64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	first := meter.NewDay(2200, time.January, 1)
	for d, revision := range k.changed {
		if revision > after {
			first = min(first, d)
		}
	}
	return first, max(after, k.revision), nil
}

func (k *kept) Mark(_ context.Context, id homeassistant.ID) (homeassistant.Mark, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.marks[id], nil
}

func (k *kept) SetMark(_ context.Context, id homeassistant.ID, m homeassistant.Mark) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.marks[id] = m
	return nil
}

// statistic is the consumption of one meter in a real Home Assistant, kept by an importer of ours.
type statistic struct {
	h        *homeAssistant
	series   homeassistant.Series
	store    *kept
	importer *homeassistant.Importer
	stop     func() // ends the importer; more than once does no harm
}

func followStatistic(t *testing.T, h *homeAssistant, s homeassistant.Series, store *kept) *statistic {
	t.Helper()
	endpoint, err := homeassistant.Endpoint("http://127.0.0.1:" + h.port)
	require.NoError(t, err)
	log, err := os.CreateTemp(t.TempDir(), "importer")
	require.NoError(t, err)
	i := homeassistant.New(homeassistant.Options{
		Endpoint: endpoint, Token: h.token, Store: store, Now: time.Now,
		Series: func() []homeassistant.Series { return []homeassistant.Series{s} },
		Log:    slog.New(slog.NewTextHandler(log, nil)),
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = i.Run(ctx) }) // it gives no error
	stop := func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(func() {
		stop()
		if text, err := os.ReadFile(log.Name()); err == nil {
			t.Logf("the importer says:\n%s", text)
		}
		log.Close()
	})
	return &statistic{h: h, series: s, store: store, importer: i, stop: stop}
}

// follows waits until the importer is done with the store's last revision.
func (s *statistic) follows(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	s.importer.Changed()
	await(t, "the statistics follow", 2*time.Minute, func() error {
		s.store.mu.Lock()
		newest := s.store.revision
		s.store.mu.Unlock()
		o := s.importer.Outcome()
		if o.State != homeassistant.OK || len(o.Series) != 1 || o.Series[0].Revision != newest {
			return fmt.Errorf("%s %s", o.State, o.Error)
		}
		return nil
	})
	return time.Since(began)
}

// hourOf is a row as Home Assistant gives it.
type hourOf struct {
	Start  int64   `json:"start"`
	State  float64 `json:"state"`
	Sum    float64 `json:"sum"`
	Change float64 `json:"change"`
}

// requireHours wants Home Assistant to hold exactly the hours and sums of the store, to the joule: less than a thousandth of
// a watt-hour.
func (s *statistic) requireHours(t *testing.T) {
	t.Helper()
	all := meter.Days{From: 0, To: meter.NewDay(2200, time.January, 1)}
	days := homeassistant.Lay(slices.Values(s.store.all(meter.Daily, all)), slices.Values(s.store.all(meter.LoadCurve, all)))
	require.NoError(t, sameRows(t, s.h, s.series.ID(), days))
}

// joules tells whether a number of kWh is that of joules.
func joules(kWh float64, j meter.Joules) bool {
	off := kWh*3.6e6 - float64(j)
	return -0.5 < off && off < 0.5
}

// everSince is before all that is imported.
var everSince = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// statistic reads a statistic from a point on, by the hour, or by the day of Home Assistant's own zone.
func (h *homeAssistant) statistic(t *testing.T, id homeassistant.ID, period string, from time.Time) []hourOf {
	t.Helper()
	var found map[homeassistant.ID][]hourOf
	h.command(t, map[string]any{
		"type": "recorder/statistics_during_period", "start_time": from.UTC().Format(time.RFC3339), "period": period,
		"statistic_ids": []homeassistant.ID{id}, "types": []string{"state", "sum", "change"},
	}, &found)
	return found[id]
}

// command sends one command over a connection of its own and reads its result into v.
func (h *homeAssistant) command(t *testing.T, fields map[string]any, v any) {
	t.Helper()
	c, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://127.0.0.1:"+h.port+"/api/websocket", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	defer c.Close()
	var answer struct {
		Success bool            `json:"success"`
		Result  json.RawMessage `json:"result"`
		Error   json.RawMessage `json:"error"`
	}
	require.NoError(t, c.ReadJSON(&answer))
	require.NoError(t, c.WriteJSON(map[string]string{"type": "auth", "access_token": h.token}))
	require.NoError(t, c.ReadJSON(&answer))
	fields["id"] = 1
	require.NoError(t, c.WriteJSON(fields))
	require.NoError(t, c.ReadJSON(&answer))
	require.True(t, answer.Success, "%v: %s", fields["type"], answer.Error)
	if v != nil {
		require.NoError(t, json.Unmarshal(answer.Result, v))
	}
}

// useInEnergy has the Energy dashboard use statistics of ours, as its users do. An empty id stands for none.
func (h *homeAssistant) useInEnergy(t *testing.T, consumption, production string) {
	t.Helper()
	grid := map[string]any{"type": "grid", "cost_adjustment_day": 0}
	if h.version == formerVersion { // until 2026.3
		grid["flow_from"] = []map[string]any{{
			"stat_energy_from": consumption, "stat_cost": nil, "entity_energy_price": nil, "number_energy_price": nil,
		}}
		grid["flow_to"] = []map[string]any{}
		if production != "" {
			grid["flow_to"] = []map[string]any{{
				"stat_energy_to": production, "stat_compensation": nil, "entity_energy_price": nil, "number_energy_price": nil,
			}}
		}
	} else {
		for _, key := range []string{
			"stat_energy_to", "stat_cost", "entity_energy_price", "number_energy_price",
			"stat_compensation", "entity_energy_price_export", "number_energy_price_export",
		} {
			grid[key] = nil
		}
		grid["stat_energy_from"] = consumption
		if production != "" {
			grid["stat_energy_to"] = production
		}
	}
	h.command(t, map[string]any{"type": "energy/save_prefs", "energy_sources": []any{grid}}, nil)
}

// energyIssues is what the Energy dashboard complains of.
func (h *homeAssistant) energyIssues(t *testing.T) []any {
	t.Helper()
	var issues struct {
		Sources [][]any `json:"energy_sources"`
	}
	h.command(t, map[string]any{"type": "energy/validate"}, &issues)
	require.Len(t, issues.Sources, 1)
	return issues.Sources[0]
}

// curveDay is a complete day of half hours that differ.
func curveDay(d meter.Day) meter.DayValues {
	v := meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw}
	for from := d.Start(); from.Before(d.End()); from = from.Add(30 * time.Minute) {
		v.Readings = append(v.Readings, meter.Reading{
			Interval: meter.Interval{Start: from, End: from.Add(30 * time.Minute)},
			Watts:    200 + from.Unix()/1800%997, Source: "dataconnect", Quality: meter.Raw,
		})
	}
	return v
}

func TestStatistics(t *testing.T) {
	for version, c := range map[string]struct {
		limit     time.Duration // of three years, until read back
		corrected meter.Day     // how many days before the newest one the correction is
	}{
		currentVersion: {limit: 20 * time.Second, corrected: 400},
		// It looks up and inserts each row by itself, which takes it 0.5 to 1 ms of processor time, whatever we do.
		formerVersion: {limit: 90 * time.Second, corrected: 40},
	} {
		t.Run(version, func(t *testing.T) { testStatistics(t, version, c.limit, c.corrected) })
	}
}

func testStatistics(t *testing.T, version string, limit time.Duration, correctedBack meter.Day) {
	t.Helper()
	h := startHomeAssistant(t, version, startMosquitto(t))
	kept := newKept()
	last := meter.DayOf(time.Now()) - 1
	from := last.MonthsBack(36) + 1
	lump := last - 30 // no curve of it yet
	for d := from; d <= last; d++ {
		kept.put(meter.Daily, meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Value: 11000 + int64(d%13)})
		if d != lump {
			kept.put(meter.LoadCurve, curveDay(d))
		}
	}
	series := homeassistant.Series{PRM: "09876543210987", Direction: meter.Consumption, Name: "Linky 0987 consommation"}
	whole := t // what follows a statistic outlives its subtest
	s := followStatistic(t, h, series, kept)

	t.Run("three years are imported and read back", func(t *testing.T) {
		ours, theirs, bytes := processorTime(t), h.processorTime(t), allocated()
		took := s.follows(t)
		t.Logf("%d days took %v; processor: %v here, %v there; %d MB allocated, peak of this process %d MB",
			last-from+1, took, processorTime(t)-ours, h.processorTime(t)-theirs, (allocated()-bytes)>>20, peakMemory(t)>>20)
		require.Less(t, took, limit)
		s.requireHours(t)
	})

	t.Parallel() // what follows is not timed

	t.Run("a new day comes after a restart of ours", func(t *testing.T) {
		s.stop()
		kept.put(meter.LoadCurve, curveDay(last+1))
		s = followStatistic(whole, h, series, kept)
		s.follows(t)
		s.requireHours(t)
	})

	t.Run("a late curve takes the place of a daily value", func(t *testing.T) {
		kept.put(meter.LoadCurve, curveDay(lump))
		s.follows(t)
		s.requireHours(t)
	})

	t.Run("a restart of Home Assistant changes nothing", func(t *testing.T) {
		h.stop(t)
		kept.put(meter.Daily, meter.DayValues{Day: last + 2, Source: "dataconnect", Quality: meter.Raw, Value: 4321})
		s.importer.Changed()
		await(t, "the importer notices", 20*time.Second, func() error {
			if o := s.importer.Outcome(); o.State != homeassistant.Down {
				return fmt.Errorf("says %q", o.State)
			}
			return nil
		})
		h.start(t)
		s.importer.Online()
		s.follows(t)
		s.requireHours(t)
	})

	t.Run("a correction is followed to the end", func(t *testing.T) {
		corrected := curveDay(last - correctedBack)
		corrected.Readings[13].Watts += 1000
		kept.put(meter.LoadCurve, corrected)
		s.follows(t)
		s.requireHours(t)
	})

	t.Run("after a lost store the sums go on", func(t *testing.T) {
		s.stop()
		before := h.statistic(t, series.ID(), "hour", everSince)
		fresh := newKept()
		for d := last - 300; d <= last+3; d++ {
			fresh.put(meter.Daily, meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Value: 5000})
			if d > last-5 {
				fresh.put(meter.LoadCurve, curveDay(d))
			}
		}
		s = followStatistic(whole, h, series, fresh)
		s.follows(t)
		after := h.statistic(t, series.ID(), "hour", everSince)
		changed := slices.DeleteFunc(slices.Clone(after), func(r hourOf) bool { return slices.Contains(before, r) })
		require.Len(t, changed, 2*24, "two days: the one that stood as a daily value, and the one after it")
		for i, r := range after[1:] {
			require.InDelta(t, after[i].Sum+r.State, r.Sum, 1e-6, "no sum jumps")
		}
	})

	t.Run("the Energy dashboard takes the statistic, and the importer sees that", func(t *testing.T) {
		h.useInEnergy(t, string(series.ID()), "")
		require.Empty(t, h.energyIssues(t))
		endpoint, err := homeassistant.Endpoint("http://127.0.0.1:" + h.port)
		require.NoError(t, err)
		c, err := homeassistant.Dial(t.Context(), endpoint, h.token, nil)
		require.NoError(t, err)
		defer c.Close()
		inUse, err := c.InEnergy(t.Context())
		require.NoError(t, err)
		require.Equal(t, []homeassistant.ID{series.ID()}, inUse)
	})

	t.Run("what another tool has put there is copied", func(t *testing.T) { requireCopy(t, h) })

	t.Run("a wrong token is told from other trouble", func(t *testing.T) {
		endpoint, err := homeassistant.Endpoint("http://127.0.0.1:" + h.port)
		require.NoError(t, err)
		_, err = homeassistant.Dial(t.Context(), endpoint, h.token+"x", nil)
		require.ErrorIs(t, err, homeassistant.ErrToken)
	})

	t.Run("Home Assistant has nothing to complain of", func(t *testing.T) {
		require.Empty(t, h.complaints(t))
	})
}

// requireCopy imports a statistic as ha-linky does, daily sums before hours, and has the program copy it: over a clock change.
func requireCopy(t *testing.T, h *homeAssistant) {
	t.Helper()
	const id = "linky:09876543210987"
	first, autumn := meter.NewDay(2025, time.October, 20), meter.NewDay(2025, time.October, 26)
	var rows []map[string]any
	sum := 1000.
	add := func(start time.Time, wh float64) {
		sum += wh
		rows = append(rows, map[string]any{"start": start.Format(time.RFC3339), "state": wh, "sum": sum})
	}
	for d := first; d < autumn; d++ {
		add(d.Start(), float64(12_000+d-first))
	}
	for hour := autumn.Start(); hour.Before((autumn + 2).Start()); hour = hour.Add(time.Hour) {
		add(hour, 412.5)
	}
	metadata := map[string]any{"source": "linky", "statistic_id": id, "name": "Linky", "unit_of_measurement": "Wh", "has_sum": true}
	if h.version == formerVersion {
		metadata["has_mean"] = false
	} else {
		metadata["mean_type"], metadata["unit_class"] = 0, "energy"
	}
	h.command(t, map[string]any{"type": "recorder/import_statistics", "metadata": metadata, "stats": rows}, nil)
	await(t, "the statistic of another tool is there", 20*time.Second, func() error {
		if n := len(h.statistic(t, id, "hour", everSince)); n != len(rows) {
			return fmt.Errorf("%d rows", n)
		}
		return nil
	})

	dir := t.TempDir()
	env := map[string]string{"DATA_DIR": dir, "HOMEASSISTANT_URL": "http://127.0.0.1:" + h.port, "HOMEASSISTANT_TOKEN": h.token}
	said, code := output(t, env, "statistics", "copy", "--from", id, "--dry-run")
	require.Zero(t, code, said)
	require.Contains(t, said, "nothing was changed")
	said, code = output(t, env, "statistics", "copy", "--from", id)
	require.Zero(t, code, said)
	kept, err := store.OpenReader(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer kept.Close()
	series := meter.Series{PRM: "09876543210987", Direction: meter.Consumption, Measure: meter.Daily}
	var values []int64
	for v, err := range kept.Days(t.Context(), series, meter.Days{From: first, To: autumn + 3}) {
		require.NoError(t, err)
		values = append(values, v.Value)
	}
	require.Equal(t, []int64{12_000, 12_001, 12_002, 12_003, 12_004, 12_005, 10_313, 9_900}, values, "412.5 Wh in 25 and 24 hours")
	series.Measure = meter.LoadCurve
	day, ok, err := kept.Stored(t.Context(), series, autumn)
	require.NoError(t, err)
	require.True(t, ok)
	require.Len(t, day.Readings, 25)
	require.True(t, day.Complete(meter.LoadCurve))
	said, code = output(t, env, "statistics", "copy", "--from", "linky:11111111111111")
	require.Equal(t, 1, code)
	require.Contains(t, said, "of energy it has enedis2mqtt:…0987_consumption, linky:…0987")
}

// processorTime is what Home Assistant has used.
func (h *homeAssistant) processorTime(t *testing.T) time.Duration {
	t.Helper()
	pid, err := os.ReadFile(filepath.Join(h.dir, "ha.pid"))
	require.NoError(t, err)
	stat, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "stat"))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold blanks
	var user, system time.Duration
	_, err = fmt.Sscanf(strings.Join(strings.Fields(rest)[11:13], " "), "%d %d", &user, &system)
	require.NoError(t, err)
	return (user + system) * 10 * time.Millisecond // ticks of 1/100 s
}

// peakMemory is the most that this process has held, in bytes.
func peakMemory(t *testing.T) int64 {
	t.Helper()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Maxrss << 10
}

// processorTime is what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allocated is how many bytes this process has ever allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
