package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestOpenMakesItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a?b#c%20d", "data") // characters that mean something in a URI
	s := open(t, dir)
	merge(t, s, daily, value(yesterday, 1))
	require.FileExists(t, filepath.Join(dir, databaseFile))
	require.FileExists(t, filepath.Join(dir, lockFile))
	require.NoDirExists(t, filepath.Join(dir, "backup"), "there was nothing to back up")
	require.Equal(t, []string{"wal"}, query(t, s, `PRAGMA journal_mode`))
}

func TestOneProcessPerStore(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, options())
	require.NoError(t, err)
	_, err = Open(t.Context(), dir, options())
	require.ErrorIs(t, err, ErrLocked)
	require.EqualError(t, err, "another enedis2mqtt uses the data in "+dir+
		" (it holds enedis2mqtt.lock): stop it, or set DATA_DIR to another folder")
	merge(t, s, daily, value(yesterday, 1))
	require.NoError(t, s.Close())
	open(t, dir)
}

// next is the migrations of this version and some of a later one.
func next(t *testing.T, later ...string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	current, err := fs.ReadDir(migrations(), ".")
	require.NoError(t, err)
	for _, f := range current {
		text, err := fs.ReadFile(migrations(), f.Name())
		require.NoError(t, err)
		all[f.Name()] = &fstest.MapFile{Data: text}
	}
	for i, text := range later {
		all["9000"+string(rune('1'+i))+"_later.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	}
	return all
}

// filesOf gives what each file below dir holds, but for the lock.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == lockFile {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = fmt.Sprintf("%d bytes, %x", len(text), sha256.Sum256(text))
		return err
	}))
	return all
}

// filled closes a store that holds a few days.
func filled(t *testing.T, dir string, o Options) {
	t.Helper()
	s, err := Open(t.Context(), dir, o)
	require.NoError(t, err)
	var days []meter.DayValues
	for d := range (meter.Days{From: yesterday - 99, To: yesterday + 1}).All() {
		days = append(days, halfHours(d, int64(d)))
	}
	merge(t, s, curve, days...)
	require.NoError(t, s.Close())
}

func TestANewerDatabase(t *testing.T) {
	dir := t.TempDir()
	o := options()
	o.migrations = next(t, `CREATE TABLE later (x);`)
	filled(t, dir, o)
	before := filesOf(t, dir)
	_, err := Open(t.Context(), dir, options())
	require.ErrorIs(t, err, ErrNewer)
	require.ErrorContains(t, err, filepath.Join(dir, databaseFile)+" was written by a newer enedis2mqtt (schema 90001")
	require.Equal(t, before, filesOf(t, dir))

	s, err := Open(t.Context(), dir, o)
	require.NoError(t, err, "the newer version goes on")
	require.NoError(t, s.Close())
}

func TestAnOpenThatFailsFreesTheLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, databaseFile)
	require.NoError(t, os.WriteFile(path, []byte("not a database, though long enough to be one"), 0o600))
	_, err := Open(t.Context(), dir, options())
	require.ErrorIs(t, err, ErrDamaged)
	require.NoError(t, os.Remove(path))
	open(t, dir)
}

func TestADamagedFile(t *testing.T) {
	tests := map[string]func(good []byte) []byte{
		"text instead":           func([]byte) []byte { return []byte("hello") },
		"garbage instead":        func(good []byte) []byte { return make([]byte, len(good)) },
		"cut off":                func(good []byte) []byte { return good[:len(good)/2] },
		"cut off within a page":  func(good []byte) []byte { return good[:len(good)-1000] },
		"cut off in its header":  func(good []byte) []byte { return good[:60] },
		"garbage in its middle":  func(good []byte) []byte { return scribble(good, len(good)/2) },
		"garbage in its catalog": func(good []byte) []byte { return scribble(good, 100) },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, databaseFile)
			filled(t, dir, options())
			good, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, damage(good), 0o600))
			before := filesOf(t, dir)

			_, err = Open(t.Context(), dir, options())
			require.ErrorIs(t, err, ErrDamaged)
			require.ErrorContains(t, err, path+" is damaged (")
			require.ErrorContains(t, err, "put a file of "+filepath.Join(dir, "backup")+" in its place")
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, before, filesOf(t, dir))
		})
	}
}

func scribble(good []byte, at int) []byte {
	for i := range 5000 {
		if at+i < len(good) {
			good[at+i] = byte(i * 7)
		}
	}
	return good
}

func TestAnotherProgramsDatabase(t *testing.T) {
	dir := t.TempDir()
	db, err := connect(filepath.Join(dir, databaseFile))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `CREATE TABLE theirs (x)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before := filesOf(t, dir)
	_, err = Open(t.Context(), dir, options())
	require.ErrorContains(t, err, "is not a database of enedis2mqtt")
	require.Equal(t, before, filesOf(t, dir))
}

// TestAStartThatWasKilledIsRepeated leaves the journal of a transaction that never ended, which SQLite rolls back.
func TestAStartThatWasKilledIsRepeated(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, databaseFile)
	db, err := connect(path)
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	for _, step := range []string{
		`CREATE TABLE goose_db_version (version_id INTEGER)`, `PRAGMA cache_size = 1`, `BEGIN`,
		`CREATE TABLE days (x)`, `INSERT INTO days SELECT randomblob(100000)`, // more than the cache holds, so that it is written
	} {
		_, err := conn.ExecContext(t.Context(), step)
		require.NoError(t, err)
	}
	require.FileExists(t, path+"-journal")
	require.NoError(t, os.CopyFS(killed, os.DirFS(dir)))
	require.NoError(t, conn.Close())
	require.NoError(t, db.Close())

	p, err := examine(t.Context(), filepath.Join(killed, databaseFile), migrations())
	require.NoError(t, err)
	require.True(t, p.exists)
	require.Zero(t, p.version)
	require.NoFileExists(t, filepath.Join(killed, databaseFile+"-journal"))
}

func TestAnEmptyFileIsANewStore(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, databaseFile), nil, 0o600))
	s := open(t, dir)
	merge(t, s, daily, value(yesterday, 1))
}

func TestAFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(t.Context(), filepath.Join(file, "data"), options())
	require.ErrorContains(t, err, filepath.Join(file, "data")+" cannot be used (")
	require.ErrorContains(t, err, "set DATA_DIR to another folder")
}

func TestABackupPrecedesEachMigration(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, options())

	o := options()
	var later []string
	for i := range 5 {
		later = append(later, `ALTER TABLE days ADD COLUMN later`+string(rune('1'+i))+` INTEGER;`)
		o.Now = func() time.Time { return noon.Add(time.Duration(i) * time.Hour) }
		o.migrations = next(t, later...)
		s, err := Open(t.Context(), dir, o)
		require.NoError(t, err)
		require.Len(t, daysOf(t.Context(), t, s, curve, meter.Days{From: 0, To: yesterday + 1}), 100)
		require.NoError(t, s.Close())
	}
	backups, err := os.ReadDir(filepath.Join(dir, "backup"))
	require.NoError(t, err)
	var names []string
	for _, b := range backups {
		names = append(names, b.Name())
	}
	require.Equal(t, []string{
		"enedis2mqtt-20261122T130000.000Z-v90002.db",
		"enedis2mqtt-20261122T140000.000Z-v90003.db",
		"enedis2mqtt-20261122T150000.000Z-v90004.db",
	}, names, "the last three stay")

	restored := t.TempDir()
	require.NoError(t, os.CopyFS(restored, os.DirFS(filepath.Join(dir, "backup"))))
	require.NoError(t, os.Rename(filepath.Join(restored, names[0]), filepath.Join(restored, databaseFile)))
	o.migrations = next(t, later[:2]...)
	s, err := Open(t.Context(), restored, o)
	require.NoError(t, err)
	require.Len(t, daysOf(t.Context(), t, s, curve, meter.Days{From: 0, To: yesterday + 1}), 100)
	require.NoError(t, s.Close())
}

func TestAMigrationThatFailsChangesNothing(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, options())
	o := options()
	o.migrations = next(t, "CREATE TABLE later (x);\nDROP TABLE nothing;")
	_, err := Open(t.Context(), dir, o)
	require.ErrorContains(t, err, dir+" cannot be used (")
	require.NotContains(t, err.Error(), "\n")
	s := open(t, dir)
	require.Empty(t, query(t, s, `SELECT name FROM sqlite_schema WHERE name = 'later'`))
}

func TestABackupThatFailsStopsTheMigration(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir, options())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "backup"), nil, 0o600)) // a file where the folder should be
	o := options()
	o.migrations = next(t, `CREATE TABLE later (x);`)
	_, err := Open(t.Context(), dir, o)
	require.Error(t, err)
	open(t, dir)
}

// TestTimeMayPassInABubble guards the tests of the bridge, which run the store under the fake clock of synctest.
func TestTimeMayPassInABubble(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), dir, Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 48*time.Hour)
		defer cancel()
		for range 24 {
			_, err := s.Merge(ctx, daily, []meter.DayValues{value(meter.DayOf(time.Now()), time.Now().Unix())}, byLength)
			require.NoError(t, err)
			time.Sleep(time.Hour)
		}
		require.Len(t, daysOf(ctx, t, s, daily, meter.Days{From: 0, To: yesterday}), 2)
		recent, err := s.Recent(ctx, daily.PRM)
		require.NoError(t, err)
		require.Len(t, maps.Collect(maps.All(recent)), 1)
		require.NoError(t, s.Ping(ctx))
		synctest.Wait()
		require.NoError(t, s.Close())
	})
}
