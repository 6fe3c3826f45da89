package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const heartbeat = "heartbeat"

// Value gives what the installation keeps under a key; ok is false when there is nothing.
func (s *Store) Value(ctx context.Context, key string) (value string, ok bool, err error) {
	ok, err = s.reader.one(ctx, "value", `SELECT value FROM installation WHERE key = ?`, []any{key}, &value)
	return value, ok, err
}

// SetValue keeps a value of the installation.
func (s *Store) SetValue(ctx context.Context, key, value string) error {
	return s.write(ctx, "set value", func(ctx context.Context, t *tx) error { return t.setValue(ctx, key, value) })
}

func (t *tx) setValue(ctx context.Context, key, value string) error {
	return t.exec(ctx, `INSERT INTO installation (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
}

// Beat writes the heartbeat, by which another process sees that this one is alive.
func (s *Store) Beat(ctx context.Context) error {
	return s.write(ctx, "beat", func(ctx context.Context, t *tx) error {
		return t.setValue(ctx, heartbeat, strconv.FormatInt(t.now.UnixMilli(), 10))
	})
}

// Rest takes the heartbeat back at the end of a process.
func (s *Store) Rest(ctx context.Context) error {
	return s.write(ctx, "rest", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `DELETE FROM installation WHERE key = ?`, heartbeat)
	})
}

// Heartbeat reads when the process that uses the store in dir last wrote its heartbeat. It takes no lock and changes
// nothing. errors.Is(err, fs.ErrNotExist) when there is no store, or none that was ever alive.
func Heartbeat(ctx context.Context, dir string) (at time.Time, err error) {
	path, err := filepath.Abs(filepath.Join(dir, databaseFile))
	if err != nil {
		return time.Time{}, fmt.Errorf("store: heartbeat: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return time.Time{}, fmt.Errorf("store: heartbeat: %w", err)
	}
	db := connectReadOnly(path)
	defer func() { _ = db.Close() }()
	var text string
	err = db.QueryRowContext(ctx, `SELECT value FROM installation WHERE key = ?`, heartbeat).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("store: heartbeat: %w", err)
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("store: heartbeat: %w", err)
	}
	return time.UnixMilli(ms).UTC(), nil
}

// provenFor is for how long a write proves that the store can be written.
const provenFor = 10 * time.Second

// Ping proves that the store can be written: by the last write, when it was kept and is recent, else by one of its own. It
// may be called as often as anyone asks.
func (s *Store) Ping(ctx context.Context) error {
	age := s.now().Sub(time.UnixMilli(s.wroteAt.Load()))
	if age >= 0 && age < provenFor {
		return nil
	}
	return s.write(ctx, "ping", func(ctx context.Context, t *tx) error {
		return t.setValue(ctx, "ping", strconv.FormatInt(t.now.UnixMilli(), 10))
	})
}
