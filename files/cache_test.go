package files_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// schema is that of myelectricaldata_import, as far as it counts.
const schema = `
CREATE TABLE config (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE consumption_daily (id VARCHAR PRIMARY KEY, usage_point_id TEXT NOT NULL, date DATETIME NOT NULL,
	value INTEGER NOT NULL, blacklist INTEGER NOT NULL, fail_count INTEGER NOT NULL);
CREATE TABLE production_daily (id VARCHAR PRIMARY KEY, usage_point_id TEXT NOT NULL, date DATETIME NOT NULL,
	value INTEGER NOT NULL, blacklist INTEGER NOT NULL, fail_count INTEGER NOT NULL);
CREATE TABLE consumption_detail (id VARCHAR PRIMARY KEY, usage_point_id TEXT NOT NULL, date DATETIME NOT NULL,
	value INTEGER NOT NULL, interval INTEGER NOT NULL, measure_type TEXT NOT NULL, blacklist INTEGER NOT NULL,
	fail_count INTEGER NOT NULL);
CREATE TABLE consumption_daily_max_power (id VARCHAR PRIMARY KEY, usage_point_id TEXT NOT NULL, date DATETIME NOT NULL,
	event_date DATETIME, value INTEGER NOT NULL, blacklist INTEGER NOT NULL, fail_count INTEGER NOT NULL);`

const cacheLayout = "2006-01-02 15:04:05.000000"

// cacheFile makes a database of MyElectricalData and gives its path.
func cacheFile(tb testing.TB, fill func(exec func(query string, args ...any))) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "cache.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(tb, err)
	exec := func(query string, args ...any) {
		tb.Helper()
		_, err := db.ExecContext(tb.Context(), query, args...)
		require.NoError(tb, err)
	}
	exec(schema)
	fill(exec)
	require.NoError(tb, db.Close())
	return path
}

func TestDatabaseOfMyElectricalData(t *testing.T) {
	path := cacheFile(t, func(exec func(string, ...any)) {
		exec(`INSERT INTO config VALUES ('version', '0.13.2')`)
		exec(`INSERT INTO consumption_daily VALUES ('a', ?, '2026-03-28 00:00:00.000000', 15496, 0, 0)`, prm)
		exec(`INSERT INTO consumption_daily VALUES ('b', ?, '2026-03-29 00:00:00.000000', 0, 0, 3)`, prm)
		exec(`INSERT INTO consumption_daily VALUES ('c', 'MON_POINT_DE_LIVRAISON', '2026-03-29 00:00:00.000000', 7, 0, 0)`)
		exec(`INSERT INTO production_daily VALUES ('a', '01234567890123', '2026-03-28 00:00:00', 700, 0, 0)`)
		exec(`INSERT INTO consumption_daily_max_power VALUES ('a', ?, '2026-03-28 00:00:00.000000',
			'2026-03-28 19:42:17.000000', 6120, 0, 0)`, prm)
		exec(`INSERT INTO consumption_daily_max_power VALUES ('b', ?, '2026-03-29 00:00:00.000000', NULL, 0, 1, 0)`, prm)
		exec(`INSERT INTO consumption_detail VALUES ('a', ?, '2026-03-28 00:00:00.000000', 2260, 30, 'consumption', 0, 0)`, prm)
		exec(`INSERT INTO consumption_detail VALUES ('b', ?, '2026-03-28 00:30:00.000000', 0, 0, 'HP', 0, 1)`, prm)
		exec(`INSERT INTO consumption_detail VALUES ('c', ?, '2026-03-28 01:00:00.000000', 168, 30, 'consumption', 0, 0)`, prm)
	})
	before := folder(t, filepath.Dir(path))
	days, file := read(t, path, options)
	require.Equal(t, files.MEDCache, file.Format)
	require.Equal(t, before, folder(t, filepath.Dir(path)), "nothing is written, nor beside it")

	require.Equal(t, []meter.DayValues{{Day: day(t, "2026-03-28"), Source: files.Source, Quality: meter.Raw, Value: 15496}},
		days[series(meter.Consumption, meter.Daily)])
	require.Equal(t, []meter.DayValues{{
		Day: day(t, "2026-03-28"), Source: files.Source, Quality: meter.Raw, Value: 6120,
		At: time.Date(2026, time.March, 28, 18, 42, 17, 0, time.UTC),
	}}, days[series(meter.Consumption, meter.MaxPower)])
	require.Len(t, days[meter.Series{PRM: "01234567890123", Direction: meter.Production, Measure: meter.Daily}], 1)
	curve := days[series(meter.Consumption, meter.LoadCurve)]
	require.Len(t, curve, 1)
	require.EqualValues(t, 3600, curve[0].Covered())
	require.Equal(t, time.Date(2026, time.March, 27, 23, 0, 0, 0, time.UTC), curve[0].Readings[0].Start)
	require.True(t, curve[0].Readings[1].Missing)
	require.Equal(t, []files.Left{
		{Count: 3, Why: "values of 0, which MyElectricalData writes for days and slots that it has not got"},
		{Count: 1, Why: "values of something that is no meter"},
	}, file.LeftOut())
}

// A database that has come from version 0 to 1 has many a value twice.
func TestDatabaseThatHasValuesTwice(t *testing.T) {
	path := cacheFile(t, func(exec func(string, ...any)) {
		exec(`INSERT INTO consumption_daily VALUES ('a', ?, '2026-03-28 00:00:00.000000', 1, 0, 0)`, prm)
		exec(`INSERT INTO consumption_daily VALUES ('b', ?, '2026-03-28 00:00:00.000000', 2, 0, 0)`, prm)
		exec(`INSERT INTO consumption_detail VALUES ('a', ?, '2026-03-28 00:00:00.000000', 1, 30, '', 0, 0)`, prm)
		exec(`INSERT INTO consumption_detail VALUES ('b', ?, '2026-03-28 00:00:00.000000', 2, 30, '', 0, 0)`, prm)
		exec(`INSERT INTO consumption_detail VALUES ('c', ?, '2026-03-28 00:30:00.000000', 3, 30, '', 0, 0)`, prm)
		exec(`INSERT INTO consumption_detail VALUES ('d', ?, '2026-03-28 00:30:00.000000', 3, 30, '', 0, 0)`, prm)
	})
	days, file := read(t, path, options)
	require.Len(t, days[series(meter.Consumption, meter.Daily)], 1)
	require.EqualValues(t, 2, days[series(meter.Consumption, meter.Daily)][0].Value, "the newer one counts")
	curve := present(days[series(meter.Consumption, meter.LoadCurve)][0])
	require.Len(t, curve, 2)
	require.EqualValues(t, 2, curve[0].Watts)
	require.Equal(t, []files.Left{{Count: 2, Why: "values of a time that has one already"}}, file.LeftOut(), "those that differ")
}

func TestPeaksOfVersion1AreInUTC(t *testing.T) {
	path := cacheFile(t, func(exec func(string, ...any)) {
		exec(`INSERT INTO config VALUES ('version', '1.0.0-rc.9')`)
		exec(`INSERT INTO consumption_daily_max_power VALUES ('a', ?, '2026-03-28 00:00:00', '2026-03-28 23:30:00', 6120, 0, 0)`, prm)
	})
	days, _ := read(t, path, options)
	got := days[series(meter.Consumption, meter.MaxPower)]
	require.Len(t, got, 1)
	require.Equal(t, day(t, "2026-03-29"), got[0].Day)
	require.Equal(t, time.Date(2026, time.March, 28, 23, 30, 0, 0, time.UTC), got[0].At)
}

// MyElectricalData dates a slot by its end less its step, as a wall clock shows them, and keeps one row of each such time.
func TestDatabaseOfMyElectricalDataOnDaysOfAClockChange(t *testing.T) {
	for _, date := range changes {
		want := whole(day(t, date), 30*time.Minute)
		stored := make(map[string]meter.Reading)
		for _, r := range want.Readings {
			end, err := time.Parse(time.DateTime, r.End.In(meter.Paris()).Format(time.DateTime))
			require.NoError(t, err)
			stored[end.Add(-30*time.Minute).Format(cacheLayout)] = r // the second one of October takes the first one's place
		}
		path := cacheFile(t, func(exec func(string, ...any)) {
			for at, r := range stored {
				exec(`INSERT INTO consumption_detail VALUES (?, ?, ?, ?, 30, 'consumption', 0, 0)`, at, prm, at, r.Watts)
			}
		})
		days, file := read(t, path, options)
		got := days[series(meter.Consumption, meter.LoadCurve)]
		require.Len(t, got, 1, date)
		require.Empty(t, file.LeftOut())
		exact := make(map[time.Time]meter.Reading)
		for _, r := range stored {
			exact[r.Start] = r
		}
		covered := 0
		for _, r := range got[0].Readings {
			if !r.Missing {
				require.Equal(t, exact[r.Start], r, date)
				covered++
			}
		}
		require.Equal(t, len(stored), covered, date)
	}
}

func TestOtherDatabases(t *testing.T) {
	for name, test := range map[string]struct{ schema, want string }{
		"ours":   {"CREATE TABLE revisions (last); CREATE TABLE series (id)", "a database of enedis2mqtt itself"},
		"others": {"CREATE TABLE recipes (id)", "not that of MyElectricalData"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "some.db")
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), test.schema)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			require.ErrorContains(t, fault(t, path, options), test.want)
		})
	}
}

// folder lists the names in a folder.
func folder(tb testing.TB, dir string) (names []string) {
	tb.Helper()
	all, err := os.ReadDir(dir)
	require.NoError(tb, err)
	for _, one := range all {
		names = append(names, one.Name())
	}
	return names
}
