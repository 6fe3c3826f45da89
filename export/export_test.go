package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/export"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const prm = meter.PRM("09876543210987")

var (
	october = meter.NewDay(2026, time.October, 25) // of 25 hours
	stored  = time.Date(2026, time.October, 26, 7, 31, 7, 250_000_000, time.UTC)
)

func day(direction meter.Direction, measure meter.Measure, v meter.DayValues) export.Day {
	return export.Day{
		DayValues: v, Series: meter.Series{PRM: prm, Direction: direction, Measure: measure}, Revision: 7, StoredAt: stored,
	}
}

// curve is a day of half hours with a gap, and with a corrected hour from another source.
func curve(d meter.Day) meter.DayValues {
	var readings []meter.Reading
	watts := int64(100)
	for start := d.Start(); start.Before(d.End()); start = start.Add(30 * time.Minute) {
		r := meter.Reading{
			Interval: meter.Interval{Start: start, End: start.Add(30 * time.Minute)},
			Watts:    watts, Quality: meter.Raw, Source: "dataconnect",
		}
		switch watts {
		case 103:
			r = meter.Reading{Interval: r.Interval, Missing: true}
		case 105:
			r.Quality, r.Source = meter.Corrected, "file"
		}
		readings = append(readings, r)
		watts++
	}
	return meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Readings: readings}
}

func days() []export.Day {
	former := day(meter.Consumption, meter.Daily,
		meter.DayValues{Day: meter.NewDay(2026, time.March, 29), Value: 9001, Quality: meter.Corrected, Source: "conso,\"api\""})
	former.BeforeActivation = true
	return []export.Day{
		former,
		day(meter.Consumption, meter.Daily, meter.DayValues{Day: october, Value: 12345, Quality: meter.Raw, Source: "dataconnect"}),
		day(meter.Consumption, meter.LoadCurve, curve(october)),
		day(meter.Consumption, meter.MaxPower, meter.DayValues{
			Day: october, Value: 6042, Quality: meter.Raw, Source: "dataconnect", At: october.Start().Add(150 * time.Minute),
		}),
		day(meter.Consumption, meter.MaxPower, meter.DayValues{Day: october + 1, Value: 5000, Quality: meter.Raw, Source: "file"}),
		day(meter.Production, meter.Daily, meter.DayValues{Day: october, Value: 0, Quality: meter.Computed, Source: "myelectricaldata"}),
	}
}

func coverage() []export.Coverage {
	series := meter.Series{PRM: prm, Direction: meter.Consumption, Measure: meter.LoadCurve}
	return []export.Coverage{
		{Series: series, Day: october, Status: meter.StatusUnasked},
		{Series: series, Day: october + 1, Status: meter.StatusAbsent, Asked: 3, LastAsked: stored, Again: stored.AddDate(0, 0, 4)},
		{Series: series, Day: october + 2, Status: meter.StatusPartial, Asked: 9, LastAsked: stored},
		{Series: series, Day: october + 3, Status: meter.StatusComplete, Asked: 1},
	}
}

// written is what a writer makes of records.
func written[T any](t *testing.T, records []T, open func(*bytes.Buffer) (export.Writer[T], error)) string {
	t.Helper()
	var b bytes.Buffer
	w, err := open(&b)
	require.NoError(t, err)
	for _, r := range records {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Flush())
	return b.String()
}

func daysAs(t *testing.T, f export.Format, days ...export.Day) string {
	t.Helper()
	return written(t, days, func(b *bytes.Buffer) (export.Writer[export.Day], error) { return export.NewDays(f, b) })
}

func coverageAs(t *testing.T, f export.Format, records ...export.Coverage) string {
	t.Helper()
	return written(t, records, func(b *bytes.Buffer) (export.Writer[export.Coverage], error) { return export.NewCoverage(f, b) })
}

func TestFormats(t *testing.T) {
	golden(t, "days.golden.csv", daysAs(t, export.CSV, days()...))
	golden(t, "days.golden.jsonl", daysAs(t, export.JSONLines, days()...))
	golden(t, "coverage.golden.csv", coverageAs(t, export.CSV, coverage()...))
	golden(t, "coverage.golden.jsonl", coverageAs(t, export.JSONLines, coverage()...))
}

func TestNothingIsAHeaderInCSVAndNoLineInJSON(t *testing.T) {
	require.Equal(t, 1, strings.Count(daysAs(t, export.CSV), "\r\n"))
	require.Equal(t, 1, strings.Count(coverageAs(t, export.CSV), "\r\n"))
	require.Empty(t, daysAs(t, export.JSONLines))
	require.Empty(t, coverageAs(t, export.JSONLines))
}

func TestUnknownFormat(t *testing.T) {
	_, err := export.NewDays("xml", new(bytes.Buffer))
	require.EqualError(t, err, `format "xml": want csv or jsonl`)
	_, err = export.NewCoverage("xml", new(bytes.Buffer))
	require.Error(t, err)
}

func TestADiskThatIsFullIsToldAtTheLatestAtTheEnd(t *testing.T) {
	for _, format := range []export.Format{export.CSV, export.JSONLines} {
		w, err := export.NewDays(format, full{})
		require.NoError(t, err)
		err = w.Write(days()[0])
		if err == nil {
			err = w.Flush()
		}
		require.ErrorIs(t, err, errFull)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// FuzzSource has any line of text as a source: both formats give it back.
func FuzzSource(f *testing.F) {
	for _, text := range []string{"dataconnect", `a,"b"`, `"`, " ", "=1+1", "é\u2028"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, source string) {
		d := days()[1]
		d.Source = strings.NewReplacer("\n", "", "\r", "").Replace(strings.ToValidUTF8(source, ""))
		var line struct {
			Source string `json:"source"`
		}
		require.NoError(t, json.Unmarshal([]byte(daysAs(t, export.JSONLines, d)), &line))
		require.Equal(t, d.Source, line.Source)
		rows, err := csv.NewReader(strings.NewReader(daysAs(t, export.CSV, d))).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 2)
		require.Equal(t, d.Source, rows[1][10])
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
