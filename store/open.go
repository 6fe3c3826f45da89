package store

import (
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// The files in the data folder.
const (
	databaseFile = "enedis2mqtt.db"
	lockFile     = "enedis2mqtt.lock"
)

// Options is what Open and OpenReader need beside the folder. Both are required.
type Options struct {
	Now func() time.Time
	Log *slog.Logger

	migrations fs.FS // those of this package unless a test sets others
}

// Store is an open database. Its methods may be called from many goroutines; writes take turns.
//
// A write that has begun is finished even when its context ends, so that its outcome is never in doubt.
type Store struct {
	now        func() time.Time
	log        *slog.Logger
	lock       *flock.Flock // nil in a store that was opened for reading alone
	writer     *sql.DB      // one connection; nil as well
	statements statements   // of the writer
	reader     *reader      // one connection

	wroteAt  atomic.Int64 // milliseconds of the last write that was kept; 0 after one that failed
	prunedAt atomic.Int64 // milliseconds of the last clearing of old attempts
}

// Open opens the store in the folder dir, which it creates when it is missing, and brings the database to the schema of
// this version, after a backup. The store is this process's alone until Close. An error is one sentence that names the
// file and the remedy, nothing has been changed then; see ErrLocked, ErrNewer and ErrDamaged.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.migrations == nil {
		o.migrations = migrations()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, openingError(dir, err)
	}
	path := filepath.Join(dir, databaseFile)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, openingError(path, err)
	}
	lock, err := takeLock(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{now: o.Now, log: o.Log, lock: lock}
	if err := s.open(ctx, path, o.migrations); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, openingError(path, err)
	}
	return s, nil
}

// takeLock opens the lock file for writing, though nothing is ever written to it, so that a folder that cannot be
// written is found before the database is touched.
func takeLock(dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR))
	free, err := lock.TryLock()
	if err != nil {
		return nil, openingError(filepath.Join(dir, databaseFile), err)
	}
	if !free {
		return nil, lockedError(dir, path)
	}
	return lock, nil
}

func (s *Store) open(ctx context.Context, path string, migrations fs.FS) error {
	m, err := examine(ctx, path, migrations)
	if err != nil {
		return err
	}
	if s.writer, err = connect(path, "_txlock=immediate"); err != nil {
		return err
	}
	if err := s.migrate(ctx, m); err != nil {
		return err
	}
	readOnly, err := connect(path, pragma("query_only", "1"))
	if err != nil {
		return err
	}
	s.reader = &reader{db: readOnly}
	return s.write(ctx, "prune", s.pruneOnceADay)
}

// Close ends all work and frees the lock. Whatever a method has returned without an error is on disk already.
func (s *Store) Close() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if s.reader != nil {
		keep(s.reader.close())
	}
	if s.writer != nil {
		keep(s.writer.Close())
	}
	if s.lock != nil {
		keep(s.lock.Unlock())
	}
	return first
}

// connect gives a pool of one connection to the database at path, with further query parameters of the driver.
func connect(path string, parameters ...string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dataSource(path, parameters...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// dataSource names the database at path to the driver.
//
// Memory is scarce on the boards this runs on, hence a page cache of 768 KiB for each of the two connections and no memory
// map. Every commit is synced, since an attempt that is lost with the power would be made again.
func dataSource(path string, parameters ...string) string {
	parameters = append(parameters,
		pragma("busy_timeout", "5000"),
		pragma("foreign_keys", "1"),
		pragma("synchronous", "full"),
		pragma("cache_size", "-768"),
		pragma("mmap_size", "0"),
		pragma("temp_store", "memory"), // a container may have no folder for temporary files
		pragma("journal_size_limit", "4194304"),
	)
	return fileURI(path) + "?" + strings.Join(parameters, "&")
}

func pragma(name, value string) string { return "_pragma=" + name + "(" + value + ")" }

// fileURI is SQLite's name for the file, in which no character of a folder's name is taken for a parameter.
func fileURI(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
