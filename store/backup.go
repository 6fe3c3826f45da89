package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keptBackups is how many backups stay in the backup folder.
const keptBackups = 3

// unfinished begins the names of backups that are being made.
const unfinished = "unfinished"

// backupDir is the folder of the backups of the database at path.
func backupDir(path string) string { return filepath.Join(filepath.Dir(path), "backup") }

// backupName is a file in the backup folder, whose names are in the order of time.
func backupName(path string, version int64, now time.Time) string {
	return filepath.Join(backupDir(path), fmt.Sprintf("enedis2mqtt-%s-v%d.db", now.UTC().Format("20060102T150405.000Z"), version))
}

// Backup copies the database in the folder dir, as it is at one moment, beside the process that writes it if there is one. The
// copy goes to the file to; when that is empty, to one in the backup folder, of which the newest stay. It has its name once it
// is whole and on disk, and takes no file's place. The error is one sentence.
func Backup(ctx context.Context, dir, to string, now time.Time) (name string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", openingError(dir, err)
	}
	path := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", missingError(path)
	} else if err != nil {
		return "", readingError(path, err)
	}
	db, err := connect(path, "mode=rw") // a reader may leave the log's files behind, or read past a writer that starts
	if err != nil {
		return "", readingError(path, err)
	}
	defer func() { _ = db.Close() }()
	version, err := schemaVersion(ctx, db, path)
	switch {
	case err != nil:
		return "", readingError(path, err)
	case version == 0:
		return "", missingError(path)
	case to != "":
		return to, copyInto(ctx, db, to)
	}
	return backup(ctx, db, plan{path: path, version: version}, now)
}

// backup copies the database into the backup folder and removes all but the newest backups.
func backup(ctx context.Context, db *sql.DB, p plan, now time.Time) (name string, err error) {
	name = backupName(p.path, p.version, now)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	if err := copyInto(ctx, db, name); err != nil {
		return "", err
	}
	return name, removeOld(filepath.Dir(name), now)
}

// copyInto copies a database into a file that must not be there.
func copyInto(ctx context.Context, db *sql.DB, name string) (err error) {
	if exists(name) {
		return fmt.Errorf("%s is there already: a backup takes no file's place", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), unfinished+"-")
	if err != nil {
		return unwritten(name, err)
	}
	whole := f.Name()
	defer func() {
		if err != nil {
			_ = os.Remove(whole)
			_ = os.Remove(whole + "-journal") // which SQLite leaves where the disk is full
			err = unwritten(name, err)
		}
	}()
	if err := f.Close(); err != nil { // SQLite fills a file that is empty
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, whole); err != nil {
		return err
	}
	if err := syncFile(whole); err != nil {
		return err
	}
	return os.Rename(whole, name)
}

// unwritten names the backup that was asked for, where the system names the unfinished one.
func unwritten(name string, err error) error {
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		err = failure.Err
	}
	if failure, ok := errors.AsType[*os.LinkError](err); ok {
		err = failure.Err
	}
	return fmt.Errorf("%s cannot be written: %w", name, err)
}

// syncFile waits until the file is on disk.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return f.Sync()
}

// removeOld leaves the newest backups, and what may still be in the making.
func removeOld(dir string, now time.Time) error {
	files, err := os.ReadDir(dir) // by name, which begins with the time
	if err != nil {
		return err
	}
	var whole []string
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		if ours, _ := filepath.Match("enedis2mqtt-*.db", f.Name()); ours {
			whole = append(whole, path)
		}
		info, err := f.Info()
		if strings.HasPrefix(f.Name(), unfinished) && err == nil && now.Sub(info.ModTime()) > 24*time.Hour {
			_ = os.Remove(path) // its process was killed; the next backup tries again
		}
	}
	for _, path := range whole[:max(0, len(whole)-keptBackups)] {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
