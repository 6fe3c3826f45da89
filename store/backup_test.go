package store

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// restored puts a backup into a folder of its own, as the database there.
func restored(t *testing.T, backup string) (dir string) {
	t.Helper()
	body, err := os.ReadFile(backup)
	require.NoError(t, err)
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, databaseFile), body, 0o600))
	return dir
}

func TestABackupIsRestoredByCopyingIt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	merge(t, s, curve, halfHours(yesterday, 160))
	merge(t, s, daily, value(yesterday, 12345))
	merge(t, s, daily, value(yesterday, 12346))
	before := dump(t, dir, columnsOf(t, dir))

	name, err := Backup(t.Context(), dir, "", noon)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "backup", "enedis2mqtt-20261122T110000.000Z-v3.db"), name)
	folder := restored(t, name)
	require.Equal(t, before, dump(t, folder, columnsOf(t, folder)))
	again := open(t, folder)
	require.Equal(t, daysOf(t.Context(), t, s, curve, always), daysOf(t.Context(), t, again, curve, always))
	require.Equal(t, []int64{4}, revisions(merge(t, again, daily, value(yesterday+1, 1))), "revisions go on")
}

// The writer never waits and no commit is torn: whatever the moment, the copy holds all days up to its last revision.
func TestABackupBesideAWriterIsOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	merge(t, s, curve, halfHours(0, 1))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		var err error
		for d := meter.Day(1); err == nil && ctx.Err() == nil; d++ {
			_, err = s.Merge(context.WithoutCancel(ctx), curve, []meter.DayValues{halfHours(2*d, int64(d)), halfHours(2*d+1, int64(d))}, byLength)
		}
		ended <- err
	}()
	var last int64
	for i := range 8 {
		name, err := Backup(t.Context(), dir, filepath.Join(t.TempDir(), "copy.db"), noon)
		require.NoError(t, err)
		copied := open(t, restored(t, name))
		require.Equal(t, []string{"ok"}, query(t, copied, `PRAGMA integrity_check`))
		days := exported(t, copied, curve, always)
		revision, err := copied.lastRevisionForTest(t)
		require.NoError(t, err)
		require.Equal(t, days[len(days)-1].Revision, revision)
		require.Equal(t, 1, len(days)%2, "two days are written at once")
		require.GreaterOrEqual(t, revision, last, "backup %d", i)
		last = revision
	}
	stop()
	require.NoError(t, <-ended)
}

func (s *Store) lastRevisionForTest(t *testing.T) (last int64, err error) {
	t.Helper()
	_, err = s.reader.one(t.Context(), "test", `SELECT last FROM revisions`, nil, &last)
	return last, err
}

// Whoever goes back to the database of before a migration loses nothing of that time, and may come forward again.
func TestTheBackupBeforeAMigrationIsRestoredByCopyingIt(t *testing.T) {
	dir := t.TempDir()
	before := atVersion1(t, dir)
	columns := columnsOf(t, dir)
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	migrated := dump(t, dir, columnsOf(t, dir))

	folder := restored(t, filepath.Join(dir, "backup", names(t, filepath.Join(dir, "backup"))[0]))
	require.Equal(t, before, dump(t, folder, columns))
	s, err = Open(t.Context(), folder, options())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Equal(t, migrated, dump(t, folder, columnsOf(t, folder)))
}

func TestBackupTakesNoFilesPlace(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	to := filepath.Join(t.TempDir(), "mine.db")
	require.NoError(t, os.WriteFile(to, []byte("dear"), 0o600))
	_, err := Backup(t.Context(), dir, to, noon)
	require.ErrorContains(t, err, "mine.db is there already")
	body, err := os.ReadFile(to)
	require.NoError(t, err)
	require.Equal(t, "dear", string(body))

	_, err = Backup(t.Context(), dir, "", noon)
	require.NoError(t, err)
	_, err = Backup(t.Context(), dir, "", noon)
	require.ErrorContains(t, err, "is there already", "twice at the same moment")
	_, err = Backup(t.Context(), dir, "", noon.Add(time.Millisecond))
	require.NoError(t, err)
	require.Equal(t, []string{"enedis2mqtt-20261122T110000.000Z-v3.db", "enedis2mqtt-20261122T110000.001Z-v3.db"},
		names(t, filepath.Join(dir, "backup")))
}

func TestBackupKeepsTheNewestAndClearsUp(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	folder := filepath.Join(dir, "backup")
	require.NoError(t, os.MkdirAll(folder, 0o700))
	for name, age := range map[string]time.Duration{"unfinished-1": 25 * time.Hour, "unfinished-2": time.Hour, "mine.db": 1000 * time.Hour} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Chtimes(path, noon.Add(-age), noon.Add(-age)))
	}
	for i := range 5 {
		_, err := Backup(t.Context(), dir, "", noon.Add(time.Duration(i)*time.Second))
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		"enedis2mqtt-20261122T110002.000Z-v3.db", "enedis2mqtt-20261122T110003.000Z-v3.db", "enedis2mqtt-20261122T110004.000Z-v3.db",
		"mine.db", "unfinished-2",
	}, names(t, folder))
}

func TestBackupSaysWhatIsInItsWay(t *testing.T) {
	_, err := Backup(t.Context(), t.TempDir(), "", noon)
	require.ErrorContains(t, err, "there is no data of enedis2mqtt in")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, databaseFile), []byte("something else, long enough to be no header at all"), 0o600))
	_, err = Backup(t.Context(), dir, "", noon)
	require.ErrorIs(t, err, ErrDamaged)

	dir = t.TempDir()
	open(t, dir)
	_, err = Backup(t.Context(), dir, filepath.Join(dir, "nowhere", "x.db"), noon)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.EqualError(t, err, filepath.Join(dir, "nowhere", "x.db")+" cannot be written: no such file or directory")
	require.NoDirExists(t, filepath.Join(dir, "backup"))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	_, err = Backup(ctx, dir, filepath.Join(folder, "x.db"), noon)
	require.Error(t, err)
	require.Empty(t, names(t, folder))
}

// names are those of the files in a folder.
func names(t *testing.T, folder string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		all = append(all, f.Name())
	}
	slices.Sort(all)
	return all
}
