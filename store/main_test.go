package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The roles that the test binary plays when a test starts it as another process: the variable's value is the data folder.
const (
	writeUntilKilled = "STORE_TEST_WRITE_UNTIL_KILLED"
	tryToOpen        = "STORE_TEST_TRY_TO_OPEN"
	readUntilTheEnd  = "STORE_TEST_READ_UNTIL_THE_END"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writeUntilKilled); dir != "" {
		os.Exit(writeForEver(dir))
	}
	if dir := os.Getenv(tryToOpen); dir != "" {
		os.Exit(openOnce(dir))
	}
	if dir := os.Getenv(readUntilTheEnd); dir != "" {
		os.Exit(readOnRequest(dir))
	}
	goleak.VerifyTestMain(m)
}

// openOnce says what Open says.
func openOnce(dir string) int {
	s, err := Open(context.Background(), dir, options())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	_ = s.Close()
	return 0
}

var (
	noon        = time.Date(2026, time.November, 22, 11, 0, 0, 0, time.UTC)
	yesterday   = meter.NewDay(2026, time.November, 21)
	curve       = meter.Series{PRM: "09876543210987", Direction: meter.Consumption, Measure: meter.LoadCurve}
	daily       = meter.Series{PRM: "09876543210987", Direction: meter.Consumption, Measure: meter.Daily}
	maxPower    = meter.Series{PRM: "09876543210987", Direction: meter.Consumption, Measure: meter.MaxPower}
	otherCurve  = meter.Series{PRM: "12345678901234", Direction: meter.Production, Measure: meter.LoadCurve}
	dataconnect = "dataconnect"
)

// byLength prefers "a" to "bb" to "dataconnect".
func byLength(source string) int { return len(source) }

func options() Options {
	return Options{Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler)}
}

// open opens a store in dir that is closed with the test.
func open(tb testing.TB, dir string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), dir, options())
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// value is a daily value of so many Wh.
func value(d meter.Day, wh int64) meter.DayValues {
	return meter.DayValues{Day: d, Source: dataconnect, Quality: meter.Raw, Value: wh}
}

// halfHours is a complete curve day of half hours of so many watts.
func halfHours(d meter.Day, watts int64) meter.DayValues {
	var readings []meter.Reading
	for start := d.Start(); start.Before(d.End()); start = start.Add(30 * time.Minute) {
		readings = append(readings, meter.Reading{
			Interval: meter.Interval{Start: start, End: start.Add(30 * time.Minute)},
			Watts:    watts, Quality: meter.Raw, Source: dataconnect,
		})
	}
	days, _ := meter.Curve(meter.Days{From: d, To: d + 1}, readings)
	return days[0]
}

// without marks the slots of a curve day as missing.
func without(v meter.DayValues, slots ...int) meter.DayValues {
	for _, i := range slots {
		v.Readings[i] = meter.Reading{Interval: v.Readings[i].Interval, Missing: true}
	}
	return v
}

// utc puts the instants of a day into UTC, as the store gives them.
func utc(v meter.DayValues) meter.DayValues {
	readings := v.Readings
	v.Readings = nil
	for _, r := range readings {
		r.Start, r.End = r.Start.UTC(), r.End.UTC()
		v.Readings = append(v.Readings, r)
	}
	if !v.At.IsZero() {
		v.At = v.At.UTC()
	}
	return v
}

func merge(tb testing.TB, s *Store, series meter.Series, days ...meter.DayValues) Merged {
	tb.Helper()
	merged, err := s.Merge(tb.Context(), series, days, byLength)
	require.NoError(tb, err)
	return merged
}

// daysOf collects what the store streams of a run.
func daysOf(ctx context.Context, tb testing.TB, s *Store, series meter.Series, run meter.Days) []meter.DayValues {
	tb.Helper()
	var days []meter.DayValues
	for d, err := range s.Days(ctx, series, run) {
		require.NoError(tb, err)
		days = append(days, d)
	}
	return days
}

// query gives the one column of a query as text, row by row.
func query(tb testing.TB, s *Store, query string, args ...any) []string {
	tb.Helper()
	var rows []string
	require.NoError(tb, s.reader.each(tb.Context(), "test", query, args, func(scan scan) error {
		var text string
		err := scan(&text)
		rows = append(rows, text)
		return err
	}))
	return rows
}
