package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var embedded embed.FS

func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the path is a constant: a programmer's mistake
	}
	return sub
}

// thoroughBelow is the size in bytes of a database up to which a start reads all of it for damage; that takes less than a
// second on a small board. In a larger one, damage shows when it is met.
const thoroughBelow = 16 << 20

// plan is what a start has to do to a database.
type plan struct {
	path    string
	sources fs.FS
	exists  bool
	version int64 // of its schema; 0 when it has none
}

// examine looks at the database at path and changes nothing. It refuses one that is damaged or somebody else's.
func examine(ctx context.Context, path string, sources fs.FS) (plan, error) {
	p := plan{path: path, sources: sources}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.exists = true
	var db *sql.DB
	if exists(path + "-journal") { // a first start was killed: SQLite mends that, but not for a reader
		db, err = connect(path)
	} else {
		db = connectReadOnly(path)
	}
	if err != nil {
		return p, err
	}
	defer func() { _ = db.Close() }()
	p.version, err = inspect(ctx, db, path, info.Size())
	return p, err
}

// inspect gives the version of the schema of a database of so many bytes, 0 when it has none. It refuses one that is damaged
// or somebody else's.
func inspect(ctx context.Context, db *sql.DB, path string, size int64) (version int64, err error) {
	version, err = schemaVersion(ctx, db, path)
	if err != nil || size > thoroughBelow {
		return version, err
	}
	return version, quickCheck(ctx, db, path)
}

// schemaVersion is 0 for a database without tables.
func schemaVersion(ctx context.Context, db *sql.DB, path string) (int64, error) {
	var tables, versioned int
	err := db.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name = 'goose_db_version')
		FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).Scan(&tables, &versioned)
	if err != nil {
		return 0, err
	}
	if versioned == 0 {
		if tables > 0 {
			return 0, foreignError(path)
		}
		return 0, nil
	}
	var version sql.NullInt64
	err = db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&version)
	return version.Int64, err
}

func quickCheck(ctx context.Context, db *sql.DB, path string) error {
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return damagedError(path, errors.New(verdict[strings.LastIndexByte(verdict, '\n')+1:])) // the first line is a title
	}
	return nil
}

// migrate brings the database to the schema of this version; each migration is one transaction.
func (s *Store) migrate(ctx context.Context, p plan) error {
	provider, known, err := newProvider(s.writer, p.sources)
	if err != nil {
		return err
	}
	switch {
	case p.version > known:
		return newerError(p.path, p.version, known)
	case p.version == known:
		return s.useWAL(ctx)
	case p.exists && p.version > 0:
		name, err := backup(ctx, s.writer, p, s.now())
		if err != nil {
			return err
		}
		s.log.InfoContext(ctx, "the database was backed up", "file", name)
	}
	if err := s.useWAL(ctx); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "the database was brought up to date", "from", p.version, "to", known)
	return nil
}

// newProvider gives what runs the migrations on a database, and the version that they lead to.
func newProvider(db *sql.DB, migrations fs.FS) (provider *goose.Provider, known int64, err error) {
	provider, err = goose.NewProvider(goose.DialectSQLite3, db, migrations,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, 0, err
	}
	sources := provider.ListSources()
	return provider, sources[len(sources)-1].Version, nil
}

// useWAL lets readers and the writer work side by side. The mode is kept in the file, so that it is not set before the
// file is known to be ours.
func (s *Store) useWAL(ctx context.Context) error {
	var mode string
	if err := s.writer.QueryRowContext(ctx, `PRAGMA journal_mode = wal`).Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system does not allow a write-ahead log (journal mode %s)", mode)
	}
	return nil
}
