package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/export"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

const house, barn = meter.PRM("09876543210987"), meter.PRM("12345678901234")

// put merges days into a store, whatever source they are of.
func put(tb testing.TB, kept *store.Store, series meter.Series, days ...meter.DayValues) {
	tb.Helper()
	_, err := kept.Merge(tb.Context(), series, days, func(string) int { return 0 })
	require.NoError(tb, err)
}

// energies are daily values of a run of days.
func energies(days meter.Days) (all []meter.DayValues) {
	for d := range days.All() {
		all = append(all, meter.DayValues{Day: d, Value: int64(d), Quality: meter.Raw, Source: "dataconnect"})
	}
	return all
}

// curves are complete days of half hours.
func curves(days meter.Days) []meter.DayValues {
	var readings []meter.Reading
	for start := days.From.Start(); start.Before(days.To.Start()); start = start.Add(30 * time.Minute) {
		readings = append(readings, meter.Reading{
			Interval: meter.Interval{Start: start, End: start.Add(30 * time.Minute)},
			Watts:    start.Unix() % 6000, Quality: meter.Raw, Source: "dataconnect",
		})
	}
	all, _ := meter.Curve(days, readings)
	return all
}

// exportable is a data folder with two meters, which a bridge keeps open. No other setting is given.
func exportable(t *testing.T) (dir string, october meter.Day) {
	t.Helper()
	dir, october = t.TempDir(), meter.NewDay(2026, time.October, 25)
	environ(t, map[string]string{"DATA_DIR": dir})
	kept := openStore(t, dir)
	put(t, kept, meter.Series{PRM: house, Direction: meter.Consumption, Measure: meter.Daily},
		energies(meter.Days{From: october - 3, To: october + 1})...)
	put(t, kept, meter.Series{PRM: house, Direction: meter.Consumption, Measure: meter.LoadCurve},
		curves(meter.Days{From: october, To: october + 1})...)
	put(t, kept, meter.Series{PRM: barn, Direction: meter.Production, Measure: meter.Daily},
		energies(meter.Days{From: october, To: october + 2})...)
	require.NoError(t, kept.SaveMeter(t.Context(), store.Meter{
		PRM: house, Directions: map[meter.Direction]store.DirectionState{
			meter.Consumption: {Standing: store.Exists, How: "contract", Activation: october - 1},
		},
	}))
	return dir, october
}

func TestExportBesideARunningBridge(t *testing.T) {
	exportable(t)
	tests := map[string]struct {
		args []string
		rows int // without the header
	}{
		"everything":            {rows: 4 + 50 + 2},
		"a day":                 {args: []string{"--from", "2026-10-25", "--to", "2026-10-25"}, rows: 1 + 50 + 1},
		"through a day":         {args: []string{"--to", "2026-10-23"}, rows: 2},
		"from a day on":         {args: []string{"--from", "2026-10-26"}, rows: 1},
		"a meter":               {args: []string{"--prm", string(barn)}, rows: 2},
		"a meter, as on a bill": {args: []string{"--prm", "12 345 678 901 234"}, rows: 2},
		"two meters":            {args: []string{"--prm", string(barn), "--prm", string(house), "--measure", "daily"}, rows: 6},
		"a direction":           {args: []string{"--direction", "production"}, rows: 2},
		"two measures":          {args: []string{"--measure", "load_curve", "--measure", "max_power"}, rows: 50},
		"a run without data":    {args: []string{"--from", "2020-01-01", "--to", "2020-12-31"}},
		"a measure without any": {args: []string{"--measure", "max_power"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			code, out, log := call(t, append([]string{"export"}, tc.args...)...)
			require.Zero(t, code, log)
			require.Empty(t, log, "a progress is for files")
			rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
			require.NoError(t, err)
			require.Equal(t, "before_activation", rows[0][len(rows[0])-1])
			require.Len(t, rows[1:], tc.rows)
		})
	}
}

func TestExportMarksTheDaysBeforeActivation(t *testing.T) {
	exportable(t)
	code, out, log := call(t, "export", "--format", "jsonl", "--prm", string(house), "--measure", "daily")
	require.Zero(t, code, log)
	var before []bool
	for line := range strings.Lines(out) {
		var day struct {
			Before bool `json:"before_activation"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &day))
		before = append(before, day.Before)
	}
	require.Equal(t, []bool{true, true, false, false}, before)
}

func TestExportOfTheCoverage(t *testing.T) {
	_, october := exportable(t)
	code, out, log := call(t, "export", "--coverage", "--prm", string(barn), "--to", (october + 2).String())
	require.Zero(t, code, log)
	require.Equal(t, strings.ReplaceAll(`prm,direction,measure,date,status,asked,last_asked_at,again_at
12345678901234,production,daily,2026-10-25,complete,0,,
12345678901234,production,daily,2026-10-26,complete,0,,
12345678901234,production,daily,2026-10-27,unasked,0,,
`, "\n", "\r\n"), out)

	code, out, log = call(t, "export", "--coverage", "--format", "jsonl", "--prm", string(barn))
	require.Zero(t, code, log)
	require.Equal(t, int(meter.DayOf(time.Now())-october), strings.Count(out, "\n"), "through yesterday")
}

func TestExportIntoAFileThatIsWholeOrNotThere(t *testing.T) {
	exportable(t)
	folder := t.TempDir()
	name := filepath.Join(folder, "all.csv")
	require.NoError(t, os.WriteFile(name, []byte("of yesterday"), 0o600))
	code, out, log := call(t, "export", "--output", name)
	require.Zero(t, code, log)
	require.Empty(t, out)
	require.Equal(t, "days exported: 7 of 7 (100 %)\n", log)
	require.Equal(t, 1+56, strings.Count(text(t, name), "\r\n"))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NotZero(t, execute(ctx, []string{"export", "--output", name}, newOutput(), newOutput()))
	full := func(io.Writer) error { return &os.PathError{Op: "write", Path: ".enedis2mqtt-1", Err: syscall.ENOSPC} }
	require.EqualError(t, writeWhole(name, full), name+" cannot be written: no space left on device")
	require.Error(t, writeWhole(name, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		require.NoError(t, err)
		return io.ErrShortWrite
	}))
	require.Equal(t, 1+56, strings.Count(text(t, name), "\r\n"), "the former one stays")
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 1)
}

func TestExportSaysWhatIsWrong(t *testing.T) {
	dir, _ := exportable(t)
	tests := map[string]struct {
		args []string
		code int
		says string
	}{
		"no date":              {[]string{"--from", "25/10/2026"}, exitSettings, "want YYYY-MM-DD"},
		"no day of a calendar": {[]string{"--to", "2026-02-30"}, exitSettings, `day "2026-02-30": there is no such day`},
		"days the wrong way":   {[]string{"--from", "2026-10-25", "--to", "2026-10-24"}, exitSettings, "--to 2026-10-24 lies before --from 2026-10-25"},
		"no PRM":               {[]string{"--prm", "123"}, exitSettings, "--prm: a PRM has exactly 14 digits"},
		"a PRM without data":   {[]string{"--prm", "11111111111111"}, exitFailure, "nothing is kept of the meter …1111"},
		"an unknown format":    {[]string{"--format", "xml"}, exitSettings, "csv"},
		"an unknown measure":   {[]string{"--measure", "weekly"}, exitSettings, "load_curve"},
		"an unknown direction": {[]string{"--direction", "up"}, exitSettings, "consumption"},
		"a folder":             {[]string{"--output", dir}, exitFailure, "is not a file that can be replaced"},
		"no such folder":       {[]string{"--output", filepath.Join(dir, "x", "y")}, exitFailure, filepath.Join(dir, "x", "y") + " cannot be written: no such file or directory"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			code, out, log := call(t, append([]string{"export"}, tc.args...)...)
			require.Equal(t, tc.code, code)
			require.Contains(t, log, tc.says)
			require.Empty(t, out)
			require.Equal(t, 1, strings.Count(log, "\n"), log)
		})
	}
	environ(t, map[string]string{"DATA_DIR": t.TempDir()})
	code, _, log := call(t, "export")
	require.Equal(t, exitFailure, code)
	require.Contains(t, log, "there is no data of enedis2mqtt")
}

// TestExportHoldsNoMoreOfAFleet compares what is alive in the midst of a small export and of one that is six times as large.
func TestExportHoldsNoMoreOfAFleet(t *testing.T) {
	alive := func(meters int) uint64 {
		dir := t.TempDir()
		kept := openStore(t, dir)
		days := curves(meter.Days{From: 20000, To: 20000 + 200})
		for i := range meters {
			put(t, kept, meter.Series{
				PRM: meter.PRM(fmt.Sprintf("%014d", i)), Direction: meter.Consumption, Measure: meter.LoadCurve,
			}, days...)
		}
		environ(t, map[string]string{"DATA_DIR": dir})
		var most uint64
		watch := writerFunc(func(b []byte) (int, error) {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			return len(b), nil
		})
		log := newOutput()
		require.Zero(t, execute(t.Context(), []string{"export"}, watch, log), log)
		return most
	}
	one, six := alive(1), alive(6)
	require.Less(t, six, one+(1<<20))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// BenchmarkExportThreeYears writes three years of a meter, all that there is in both directions.
func BenchmarkExportThreeYears(b *testing.B) {
	dir := b.TempDir()
	kept, err := store.Open(b.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	years := meter.Days{From: meter.NewDay(2023, time.November, 22), To: meter.NewDay(2026, time.November, 22)}
	for _, d := range meter.Directions() {
		for _, m := range meter.Measures(d) {
			days := energies(years)
			if m == meter.LoadCurve {
				days = curves(years)
			}
			put(b, kept, meter.Series{PRM: house, Direction: d, Measure: m}, days...)
		}
	}
	require.NoError(b, kept.Close())
	b.Setenv("DATA_DIR", dir)
	for _, format := range []export.Format{export.CSV, export.JSONLines} {
		b.Run(string(format), func(b *testing.B) {
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				require.Zero(b, execute(b.Context(), []string{"export", "--format", string(format)}, &out, io.Discard))
			}
			b.SetBytes(int64(out.Len()))
			b.ReportMetric(float64(years.Len()*5), "days")
		})
	}
}
