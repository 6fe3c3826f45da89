package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// TestADiskThatIsFull makes SQLite meet its limit of pages, which ends a write as a full disk does.
func TestADiskThatIsFull(t *testing.T) {
	s := open(t, t.TempDir())
	merge(t, s, curve, halfHours(yesterday, 1))
	limit := func(pages string) {
		_, err := s.writer.ExecContext(t.Context(), `PRAGMA max_page_count = `+pages)
		require.NoError(t, err)
	}
	limit("1") // which SQLite takes for the pages that there are

	var year []meter.DayValues
	for d := range (meter.Days{From: yesterday - 365, To: yesterday + 1}).All() {
		year = append(year, halfHours(d, 2))
	}
	a := begun(t, s)
	a.Outcome = Answered
	for range 3 {
		_, err := s.End(t.Context(), a, Answer{Days: year, Rank: byLength})
		require.True(t, isResult(err, sqlite3.SQLITE_FULL), "%v", err)
	}
	require.Equal(t, []meter.DayValues{utc(halfHours(yesterday, 1))},
		daysOf(t.Context(), t, s, curve, meter.Days{From: 0, To: yesterday + 1}), "nothing is half written")
	attempts, err := s.Attempts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Attempt{begunAs(1)}, attempts)
	coverage, err := s.CoverageOf(t.Context(), curve)
	require.NoError(t, err)
	require.Equal(t, 1, coverage.CountPresent(meter.Days{From: 0, To: yesterday + 1}))

	limit("1073741823")
	merged, err := s.End(t.Context(), a, Answer{Days: year, Rank: byLength})
	require.NoError(t, err)
	require.Len(t, merged.Changed, 366)
	require.Equal(t, int64(2), merged.Changed[0].Revision)
	require.Equal(t, []string{"ok"}, query(t, s, `PRAGMA integrity_check`))
}
