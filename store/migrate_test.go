package store

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// filledV1 fills each table of the first version, with what that version writes and with what it only provides for.
const filledV1 = `
INSERT INTO series (id, prm, direction, measure, refused_start, not_collected_at) VALUES
	(1, '09876543210987', 'consumption', 'load_curve', 20240101, 1795345200000),
	(2, '09876543210987', 'consumption', 'daily', NULL, NULL);
INSERT INTO days (series, day, revision, stored_at, source, quality, complete, value, at, curve) VALUES
	(1, 20261121, 3, 1795345200000, 'dataconnect', 'raw', 0, 0, 1795215600000,
		'[{"o":0,"s":1800,"q":"raw","src":"dataconnect","w":[160,null,142]}]'),
	(2, 20261121, 2, 1795345200000, 'dataconnect', 'corrected', 1, 12345, NULL, NULL);
INSERT INTO former VALUES (2, 20261121, 1, 1795340000000, 1795345200000, 'dataconnect', 'raw', 1, 12344, NULL, NULL);
UPDATE revisions SET last = 3;
INSERT INTO months VALUES (1, 202611, 1 << 21, 0, 1 << 20, 0), (2, 202611, 1 << 21, 1 << 21, 0, 12345);
INSERT INTO attempts VALUES
	(1, 'dataconnect', 20261115, 20261122, 1795345200000, 1795345201000, 'no_consent', 0, 1795345300000, 'ADAM-DC-0008', 'non');
INSERT INTO meters VALUES ('09876543210987', 1795000000000, 1795345200000, 1795000000000, NULL, 'consumption', 9.0, 'T', 'HC');
INSERT INTO directions VALUES ('09876543210987', 'consumption', 'exists', 'contract', 1795000000000, NULL, 20200101);
INSERT INTO wanted VALUES ('09876543210987', 'daily', 20250101);
INSERT INTO arrivals VALUES ('09876543210987', 20261121, 461);
INSERT INTO consents VALUES
	('09876543210987', 'dataconnect', 1795000000000, 20291120, NULL), ('12345678901234', 'dataconnect', 1794000000000, NULL, 1);
INSERT INTO calls VALUES (7, 'dataconnect', 'mesure_synchrone_auto', 1795345200000);
INSERT INTO backoffs VALUES ('dataconnect', 2, 1795345200000, NULL, 'source_down', 'no route');
INSERT INTO lights VALUES ('09876543210987', 'orange', 1795345200000);
INSERT INTO cursors VALUES ('readings', 3);
INSERT INTO topics VALUES ('enedis2mqtt/bridge/info', 'x');
INSERT INTO installation VALUES ('client_id', 'enedis2mqtt-abcdefgh');
`

// atVersion1 makes a database of the first version in dir, and gives what its tables hold.
func atVersion1(t *testing.T, dir string) (before map[string][]string) {
	t.Helper()
	db, err := connect(filepath.Join(dir, databaseFile))
	require.NoError(t, err)
	provider, _, err := newProvider(db, migrations())
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), 1)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `PRAGMA journal_mode = wal`)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), filledV1)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return dump(t, dir, columnsOf(t, dir))
}

// columnsOf gives the columns of each table of the database in dir.
func columnsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	columns := make(map[string]string)
	for _, row := range rowsOf(t, dir, `SELECT s.name || ' ' || group_concat(c.name, ', ')
			FROM sqlite_schema s JOIN pragma_table_info(s.name) c
			WHERE s.type = 'table' AND s.name NOT LIKE 'goose%' AND s.name NOT LIKE 'sqlite%' GROUP BY s.name`) {
		table, names, _ := strings.Cut(row, " ")
		columns[table] = names
	}
	return columns
}

// dump gives the rows of each table in those columns, as SQL literals.
func dump(t *testing.T, dir string, columns map[string]string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for table, names := range columns {
		literals := "quote(" + strings.ReplaceAll(names, ", ", ") || ' ' || quote(") + ")"
		all[table] = rowsOf(t, dir, fmt.Sprintf(`SELECT %s AS row FROM %s ORDER BY row`, literals, table))
	}
	return all
}

func rowsOf(t *testing.T, dir, query string) (all []string) {
	t.Helper()
	db := connectReadOnly(filepath.Join(dir, databaseFile))
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var row string
		require.NoError(t, rows.Scan(&row))
		all = append(all, row)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestADatabaseOfTheFirstVersionIsKept(t *testing.T) {
	dir := t.TempDir()
	before := atVersion1(t, dir)
	columns := columnsOf(t, dir)
	for table, rows := range before {
		require.NotEmpty(t, rows, "this test fills every table, but not %s", table)
	}

	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	require.Equal(t, []string{"3"}, query(t, s, `SELECT max(version_id) FROM goose_db_version`))
	calls, err := s.Calls(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, []Call{{Source: dataconnect, API: "mesure_synchrone_auto", At: noon}}, calls)
	consents, err := s.Consents(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Consent{
		{PRM: "12345678901234", Source: dataconnect, GrantedAt: time.UnixMilli(1794000000000).UTC()},
		{
			PRM: "09876543210987", Source: dataconnect, GrantedAt: time.UnixMilli(1795000000000).UTC(),
			Until: meter.NewDay(2029, time.November, 20),
		},
	}, consents)
	authorisations, err := s.Authorisations(t.Context())
	require.NoError(t, err)
	require.Empty(t, authorisations)
	require.Equal(t, []int64{4}, revisions(merge(t, s, daily, value(yesterday+1, 1))), "revisions go on")
	_, err = s.writer.ExecContext(t.Context(), `DELETE FROM days WHERE revision = 4`)
	require.NoError(t, err)
	require.NoError(t, s.Close())

	backups, err := filepath.Glob(filepath.Join(dir, "backup", "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "backup", "enedis2mqtt-20261122T110000.000Z-v1.db")}, backups)
	restored := t.TempDir()
	require.NoError(t, os.Rename(backups[0], filepath.Join(restored, databaseFile)))
	require.Equal(t, before, dump(t, restored, columns), "the backup is the database of before")
}

func TestNoTableOfTheFirstVersionLosesARow(t *testing.T) {
	dir := t.TempDir()
	before := atVersion1(t, dir)
	columns := columnsOf(t, dir)
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	require.NoError(t, s.Close())

	columns["consents"] = strings.TrimSuffix(columns["consents"], ", refused_at") // which nothing ever wrote or read
	after := dump(t, dir, columns)
	for i, row := range before["consents"] {
		before["consents"][i] = row[:strings.LastIndexByte(row, ' ')]
	}
	require.Equal(t, before, after)
	require.Equal(t, []string{"authorisations", "differences", "holes", "orders"}, slices.DeleteFunc(
		slices.Sorted(maps.Keys(columnsOf(t, dir))),
		func(table string) bool { return before[table] != nil },
	), "the tables that are added")
}
