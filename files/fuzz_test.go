package files_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/export"
	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// seeds gives the samples, and what the other tests make, to a fuzz target.
func seeds(f *testing.F) {
	f.Helper()
	names, err := filepath.Glob("testdata/*.*")
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		content, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(content)
	}
	days := map[meter.Series][]meter.DayValues{
		series(meter.Consumption, meter.LoadCurve): {whole(day(f, "2025-10-26"), 30*time.Minute)},
		series(meter.Production, meter.Daily):      {{Day: day(f, "2026-10-25"), Source: "file", Quality: meter.Raw, Value: 1}},
	}
	for format := range formats {
		f.Add(exported(f, format, days))
	}
	f.Add([]byte(config))
	f.Add([]byte(older + "2026-03-28T00:30:00+01:00;5\n2026-03-28T01:30:00+01:00;5\n"))
	f.Add([]byte("Date;Valeur (en Wh)\n28/03/2026;15496\n"))
}

// FuzzFiles reads anything as a file. Whatever is handed on is right in itself, and is the same at a second reading.
func FuzzFiles(f *testing.F) {
	seeds(f)
	o := options
	o.PRM, o.Direction = prm, meter.Production
	path := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, content []byte) {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		file, err := files.Open(path, o)
		if err != nil {
			return
		}
		if file.Format == files.MEDConfig {
			_, _ = file.Settings() // no panic is all that is asked
			return
		}
		first, err := walk(t, file)
		if err != nil {
			require.NotContains(t, err.Error(), prm)
		}
		for s, days := range first {
			for _, d := range days {
				rightInItself(t, s, d)
			}
		}
		second, again := walk(t, file)
		require.Equal(t, err == nil, again == nil)
		require.Equal(t, first, second)
	})
}

func rightInItself(t *testing.T, s meter.Series, d meter.DayValues) {
	t.Helper()
	_, err := meter.ParsePRM(string(s.PRM))
	require.NoError(t, err)
	require.Contains(t, meter.Measures(s.Direction), s.Measure)
	require.Contains(t, append(options.Sources, files.Source), d.Source)
	require.GreaterOrEqual(t, d.Value, int64(0))
	if s.Measure == meter.MaxPower && !d.At.IsZero() {
		require.Equal(t, d.Day, meter.DayOf(d.At))
	}
	if s.Measure != meter.LoadCurve {
		require.Nil(t, d.Readings)
		return
	}
	require.NotEmpty(t, present(d))
	at := d.Day.Start()
	for _, r := range d.Readings {
		require.True(t, at.Equal(r.Start), "the slots of a day follow each other")
		require.GreaterOrEqual(t, r.Seconds(), int64(1))
		require.GreaterOrEqual(t, r.Watts, int64(0))
		at = r.End
	}
	require.True(t, at.Equal(d.Day.End()), "the slots fill the day")
}

// FuzzOwnExport changes one byte of our own export: it is read as it was meant, or refused, or says something else that is
// right in itself.
func FuzzOwnExport(f *testing.F) {
	want := map[meter.Series][]meter.DayValues{series(meter.Consumption, meter.LoadCurve): {whole(day(f, "2026-10-25"), time.Hour)}}
	table, lines := exported(f, export.CSV, want), exported(f, export.JSONLines, want)
	f.Add(false, uint16(200), byte('9'))
	f.Add(true, uint16(300), byte('"'))
	path := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, json bool, place uint16, value byte) {
		content := append([]byte(nil), table...)
		if json {
			content = append([]byte(nil), lines...)
		}
		content[int(place)%len(content)] = value
		require.NoError(t, os.WriteFile(path, content, 0o600))
		file, err := files.Open(path, options)
		if err != nil {
			return
		}
		days, err := walk(t, file)
		if err != nil {
			return
		}
		for s, list := range days {
			for _, d := range list {
				rightInItself(t, s, d)
			}
		}
	})
}
