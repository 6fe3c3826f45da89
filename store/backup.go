package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// keptBackups is how many backups stay in the backup folder.
const keptBackups = 3

// backupDir is the folder of the backups of the database at path.
func backupDir(path string) string { return filepath.Join(filepath.Dir(path), "backup") }

// backup copies the database into the backup folder and removes all but the newest backups. The file has its name only
// once it is whole and on disk.
func backup(ctx context.Context, db *sql.DB, p plan, now time.Time) (name string, err error) {
	dir := backupDir(p.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name = filepath.Join(dir, fmt.Sprintf("enedis2mqtt-%s-v%d.db", now.UTC().Format("20060102T150405Z"), p.version))
	unfinished := filepath.Join(dir, "unfinished")
	if err := os.RemoveAll(unfinished); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(unfinished)
		}
	}()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, unfinished); err != nil {
		return "", err
	}
	if err := syncFile(unfinished); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, name); err != nil {
		return "", err
	}
	return name, removeOld(dir)
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

func removeOld(dir string) error {
	files, err := os.ReadDir(dir) // by name, which begins with the time
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(f os.DirEntry) bool {
		ours, _ := filepath.Match("enedis2mqtt-*.db", f.Name())
		return !ours
	})
	for _, f := range files[:max(0, len(files)-keptBackups)] {
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	return nil
}
