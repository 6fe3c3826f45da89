package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// writeForEver is the victim: it writes a day at a time, as the bridge does, and says each one that was acknowledged.
func writeForEver(dir string) int {
	ctx := context.Background()
	s, err := Open(ctx, dir, options())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	coverage, err := s.CoverageOf(ctx, curve)
	first, _ := coverage.Newest()
	for d := first + 1; err == nil; d++ {
		a := Attempt{Source: dataconnect, Series: curve, Days: meter.Days{From: d, To: d + 1}}
		if a, err = s.Begin(ctx, a); err != nil {
			break
		}
		a.Outcome = Answered
		if _, err = s.End(ctx, a, Answer{
			Days: []meter.DayValues{halfHours(d, int64(d))}, Rank: byLength, DailyLags: true,
		}); err == nil {
			fmt.Println(int(d))
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestNothingAcknowledgedIsLostByAKill kills a writing process again and again, at no particular moment.
func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	dir := t.TempDir()
	var acknowledged int
	for round := range 5 {
		last := killAfter(t, dir, 20+7*round)
		require.Greater(t, last, acknowledged)
		acknowledged = last

		s, err := Open(t.Context(), dir, options())
		require.NoError(t, err)
		require.Equal(t, []string{"ok"}, query(t, s, `PRAGMA integrity_check`))
		days := daysOf(t.Context(), t, s, curve, meter.Days{From: 1, To: 100000})
		require.GreaterOrEqual(t, len(days), acknowledged)
		for i, d := range days {
			require.Equal(t, utc(halfHours(meter.Day(i+1), int64(i+1))), d)
		}
		coverage, err := s.CoverageOf(t.Context(), curve)
		require.NoError(t, err)
		require.Equal(t, len(days), coverage.CountComplete(meter.Days{From: 1, To: 100000}))
		computed := daysOf(t.Context(), t, s, daily, meter.Days{From: 1, To: 100000})
		require.Len(t, computed, len(days), "a curve day and what it adds up to are one transaction")
		revisions := query(t, s, `SELECT count(*) || ' ' || max(revision) || ' ' || (SELECT last FROM revisions) FROM days`)
		require.Equal(t, []string{fmt.Sprintf("%[1]d %[1]d %[1]d", 2*len(days))}, revisions)
		require.NoError(t, s.Close())
	}
}

// killAfter kills a writing process once it has acknowledged so many days, and gives the last day that it acknowledged.
func killAfter(t *testing.T, dir string, days int) (last int) {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0])
	victim.Env = append(os.Environ(), writeUntilKilled+"="+dir)
	victim.Stderr = t.Output()
	out, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		_, err := fmt.Sscan(lines.Text(), &last)
		require.NoError(t, err)
		if n == days {
			require.NoError(t, victim.Process.Kill())
		}
	}
	require.Error(t, victim.Wait(), "it was killed")
	return last
}
