package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
)

// OpenReader opens the store in the folder dir for reading alone, beside the process that uses it if there is one. It takes
// no lock, leaves no trace and brings no database up to date; every method that writes fails with ErrReadOnly. What is
// written meanwhile is seen from the next query on. An error is one sentence that names the file and the remedy; see
// ErrNewer, ErrOlder and ErrDamaged, and fs.ErrNotExist where there is no database.
func OpenReader(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.migrations == nil {
		o.migrations = migrations()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, readingError(dir, err)
	}
	path := filepath.Join(dir, databaseFile)
	s := &Store{now: o.Now, log: o.Log, reader: &reader{db: connectReadOnly(path)}}
	if err := s.openReader(ctx, path, o.migrations); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, readingError(path, err)
	}
	return s, nil
}

func (s *Store) openReader(ctx context.Context, path string, migrations fs.FS) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return missingError(path)
	}
	if err != nil {
		return err
	}
	version, err := inspect(ctx, s.reader.db, path, info.Size())
	if err != nil {
		return err
	}
	_, known, err := newProvider(s.reader.db, migrations)
	switch {
	case err != nil:
		return err
	case version == 0:
		return missingError(path)
	case version > known:
		return newerError(path, version, known)
	case version < known:
		return olderError(path, version, known)
	}
	return nil
}

// connectReadOnly gives a pool that changes nothing at path. Each query has a connection of its own, see readOnly.
func connectReadOnly(path string) *sql.DB {
	db := sql.OpenDB(readOnly{path})
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(-1)
	return db
}

// readOnly makes connections that leave no trace. SQLite makes files beside the database even for reading, and cannot remove
// them then, unless it is told that nobody writes: so it is where there is neither a write-ahead log nor a journal, since a
// store that is open has one, and so has one whose process was killed. It is told so for one query: the next one finds the
// log of a process that has come meanwhile.
type readOnly struct{ path string }

// Connect opens a connection.
func (r readOnly) Connect(ctx context.Context) (driver.Conn, error) {
	parameters := []string{"mode=ro"}
	if !exists(r.path+"-wal") && !exists(r.path+"-journal") {
		parameters = append(parameters, "immutable=1")
	}
	c, err := sqlite.NewConnector(dataSource(r.path, parameters...))
	if err != nil {
		return nil, err
	}
	return c.Connect(ctx)
}

// Driver gives SQLite's.
func (r readOnly) Driver() driver.Driver { return new(sqlite.Driver) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
