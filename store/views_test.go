package store

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sqlPage is the documentation of what people with a SQL tool find.
func sqlPage(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile("../docs/sql.md")
	require.NoError(t, err)
	return string(body)
}

// TestTheQueriesOfTheDocumentationWork runs each on data of which it tells something.
func TestTheQueriesOfTheDocumentationWork(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	merge(t, s, daily, value(yesterday-1, 1), value(yesterday, 2))
	merge(t, s, daily, value(yesterday, 12345))
	merge(t, s, curve, without(halfHours(yesterday, 160), 3))
	peak := value(yesterday, 8800)
	peak.At = yesterday.Start().Add(19 * time.Hour)
	merge(t, s, maxPower, peak)
	for _, statement := range []string{
		`UPDATE meters SET subscribed_kva = 9`,
		`INSERT INTO holes SELECT id, 20261101, 3, 1, 2, 1795345200000 FROM series WHERE measure = 'daily'`,
		`DELETE FROM differences`,
		`INSERT INTO differences VALUES ('09876543210987', 'consumption', 20261120, 5, 9)`,
	} {
		_, err := s.writer.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	queries := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(sqlPage(t), -1)
	require.Len(t, queries, 9)
	db := connectReadOnly(dir + "/" + databaseFile)
	defer func() { require.NoError(t, db.Close()) }()
	for _, q := range queries {
		rows, err := db.QueryContext(t.Context(), q[1])
		require.NoError(t, err, q[1])
		n := 0
		for rows.Next() {
			n++
		}
		require.NoError(t, rows.Err(), q[1])
		require.NoError(t, rows.Close())
		require.Positive(t, n, q[1])
	}
}

// TestTheDocumentationNamesEachColumn compares its tables with the database.
func TestTheDocumentationNamesEachColumn(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	sections := strings.Split(sqlPage(t), "\n## ")[1:]
	require.Len(t, sections, 6)
	for _, section := range sections {
		name, text, _ := strings.Cut(section, "\n")
		var columns []string
		for _, cell := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(text, -1) {
			columns = append(columns, cell[1])
		}
		require.Equal(t, rowsOf(t, dir, `SELECT name FROM pragma_table_info('`+name+`')`), columns, name)
	}
}
