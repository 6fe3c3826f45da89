package store

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const forgotten, neighbour = meter.PRM("09876543210987"), meter.PRM("12345678901234")

// ofAMeter writes a row of a meter into each table that may name one.
const ofAMeter = `
INSERT INTO series (id, prm, direction, measure) VALUES (:id, :prm, 'consumption', 'daily');
INSERT INTO days VALUES (:id, 20261121, 1000 + :id, 1, 'dataconnect', 'raw', 1, 5, NULL, NULL);
INSERT INTO former VALUES (:id, 20261121, 2000 + :id, 1, 2, 'dataconnect', 'raw', 1, 4, NULL, NULL);
INSERT INTO months VALUES (:id, 202611, 1 << 21, 1 << 21, 0, 5);
INSERT INTO holes VALUES (:id, 20261119, 3, 1, 2, NULL);
INSERT INTO attempts VALUES (:id, 'dataconnect', 20261115, 20261122, 1, 2, 'no_consent', 0, NULL, '', :prm || ' refused');
INSERT INTO meters (prm, first_seen) VALUES (:prm, 1);
INSERT INTO directions VALUES (:prm, 'consumption', 'exists', 'contract', 1, NULL, 20200101);
INSERT INTO wanted (prm, measure, first_day) VALUES (:prm, 'daily', 20250101);
INSERT INTO arrivals VALUES (:prm, 20261121, 461);
INSERT INTO consents (prm, source, first_granted_at, granted_at) VALUES (:prm, 'dataconnect', 1, 1);
INSERT INTO authorisations VALUES ('dataconnect', 'usage_point_id=' || :prm || '&state=x', 1, 0, NULL);
INSERT INTO orders (prm, direction, measures, from_day, to_day, reply, ordered_at, done)
	VALUES (:prm, '', '', 20250101, 20260101, '"' || :prm || '"', 1, 0);
INSERT INTO differences VALUES (:prm, 'consumption', 20261120, 5, 6);
INSERT INTO lights VALUES (:prm, 'green', 1);
INSERT INTO calls (source, api, at, prm) VALUES ('dataconnect', 'mesure', 1795345200000, :prm);
INSERT INTO backoffs VALUES ('source of ' || :id, 1, NULL, NULL, 'source_down', 'no answer for ' || :prm);
INSERT INTO cursors VALUES ('statistics/' || :prm, 4);
INSERT INTO topics VALUES ('enedis2mqtt/' || :prm || '/state', 'x'), ('enedis2mqtt/bridge/health/' || :id, 'of ' || :prm);
INSERT INTO installation VALUES ('mark/' || :prm, '1'), ('about ' || :id, 'it is ' || :prm);
`

// shared names both meters: what it says of the other one stays.
const shared = `INSERT INTO installation VALUES ('client_id', 'enedis2mqtt-abcdefgh'),
	('meters/consoapi', '{"prms":["09876543210987","12345678901234"],"asked_at":"2026-11-22T11:00:00Z",
		"marks":{"09876543210987":1,"12345678901234":2},"n":12345678901234567890}')`

func fill(t *testing.T, s *Store) {
	t.Helper()
	require.NoError(t, s.write(t.Context(), "fill", func(ctx context.Context, x *tx) error {
		for id, prm := range map[string]meter.PRM{"1": forgotten, "2": neighbour} {
			statements := strings.NewReplacer(":id", id, ":prm", "'"+string(prm)+"'").Replace(ofAMeter)
			for statement := range strings.SplitSeq(statements, ";\n") {
				if strings.TrimSpace(statement) != "" {
					require.NoError(t, x.exec(ctx, statement), statement)
				}
			}
		}
		return x.exec(ctx, shared)
	}))
}

// naming gives the files below a folder that hold the meter's number.
func naming(t *testing.T, dir string, prm meter.PRM) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if strings.Contains(string(body), string(prm)) {
			files = append(files, entry.Name())
		}
		return err
	}))
	return files
}

func TestForgetLeavesNoByteOfTheMeter(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	fill(t, s)
	for range 50 { // pages that were freed before hold it too
		merge(t, s, meter.Series{PRM: forgotten, Direction: meter.Production, Measure: meter.Daily}, value(yesterday, 1))
		require.NoError(t, s.write(t.Context(), "free", func(ctx context.Context, x *tx) error {
			return x.exec(ctx, `DELETE FROM series WHERE direction = 'production'`)
		}))
	}
	require.NotEmpty(t, naming(t, dir, forgotten))

	require.NoError(t, s.Forget(t.Context(), forgotten))
	require.Empty(t, naming(t, dir, forgotten), "while the store is open, the log counts as well")
	require.NotEmpty(t, naming(t, dir, neighbour))
	traces, err := s.Traces(t.Context(), forgotten)
	require.NoError(t, err)
	require.Empty(t, traces)
	require.Equal(t, []string{"ok"}, query(t, s, `PRAGMA integrity_check`))
	require.Empty(t, query(t, s, `SELECT "table" FROM pragma_foreign_key_check`))
	require.NotEmpty(t, merge(t, s, daily, value(yesterday, 7)).Changed, "it may come back, and is new then")
	require.NoError(t, s.Close())
	require.Equal(t, []string{databaseFile, lockFile}, names(t, dir), "nothing lies around")
}

func TestForgetLeavesTheOtherMeterAlone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s)
	before, err := s.Traces(t.Context(), neighbour)
	require.NoError(t, err)
	require.NoError(t, s.Forget(t.Context(), forgotten))
	after, err := s.Traces(t.Context(), neighbour)
	require.NoError(t, err)
	require.Equal(t, before, after)
	value, _, err := s.Value(t.Context(), "meters/consoapi")
	require.NoError(t, err)
	require.JSONEq(t, `{"prms":["12345678901234"],"asked_at":"2026-11-22T11:00:00Z","marks":{"12345678901234":2},
		"n":12345678901234567890}`, value)
	require.Contains(t, value, "12345678901234567890", "a number keeps its digits")
	value, _, err = s.Value(t.Context(), "client_id")
	require.NoError(t, err)
	require.Equal(t, "enedis2mqtt-abcdefgh", value)
	require.Equal(t, []string{"", string(neighbour)}, query(t, s, `SELECT prm FROM calls ORDER BY prm`), "a call counts on")
	require.NoError(t, s.Forget(t.Context(), forgotten), "once more does no harm")
}

// A table that a migration adds may hold a meter: the test that fills every table says so, and Traces must know it.
func TestTracesKnowEveryTable(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s)
	known := make(map[string]bool)
	for _, trace := range traces() {
		known[trace.table] = true
	}
	for table := range columnsOf(t, dir) {
		if table != "revisions" {
			require.True(t, known[table], "%s may name a meter", table)
		}
	}
	found, err := s.Traces(t.Context(), forgotten)
	require.NoError(t, err)
	require.Len(t, found, len(traces()), "this test fills every table")
}

func TestForgetSaysThatAReaderKeepsThePast(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s)
	db, err := connect(filepath.Join(dir, databaseFile), "mode=ro")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	reading, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var n int
	require.NoError(t, reading.QueryRowContext(t.Context(), `SELECT count(*) FROM days`).Scan(&n))
	_, err = s.writer.ExecContext(t.Context(), `PRAGMA busy_timeout = 0`)
	require.NoError(t, err)

	err = s.Forget(t.Context(), forgotten)
	require.ErrorContains(t, err, "erase it once more")
	require.ErrorContains(t, err, "another program reads")
	require.NoError(t, reading.Rollback())
	require.NoError(t, s.Forget(t.Context(), forgotten))
	require.Empty(t, naming(t, dir, forgotten))
}

func TestBackupsNaming(t *testing.T) {
	dir := t.TempDir()
	none, err := BackupsNaming(dir, forgotten)
	require.NoError(t, err)
	require.Empty(t, none)

	s := open(t, dir)
	first, err := Backup(t.Context(), dir, "", noon)
	require.NoError(t, err)
	fill(t, s)
	second, err := Backup(t.Context(), dir, "", noon.AddDate(0, 0, 1))
	require.NoError(t, err)
	// A number across the border of what is read at a time.
	third := filepath.Join(filepath.Dir(first), "unfinished-1")
	require.NoError(t, os.WriteFile(third, []byte(strings.Repeat("0", 1<<16-7)+string(forgotten)), 0o600))
	found, err := BackupsNaming(dir, forgotten)
	require.NoError(t, err)
	require.Equal(t, []string{second, third}, found)
}
