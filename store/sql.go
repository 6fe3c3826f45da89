package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// tx is a write under way.
type tx struct {
	*sql.Tx
	now        time.Time // whole milliseconds, UTC: the time of all that the transaction writes
	statements *statements
	prepared   map[string]*sql.Stmt // for this transaction
}

// write runs do in a transaction, which is on disk when write returns without an error and has left no trace when it
// returns with one. The end of ctx ends the wait for other writes; the context given to do does not end.
func (s *Store) write(ctx context.Context, op string, do func(ctx context.Context, t *tx) error) error {
	if s.writer == nil {
		return fmt.Errorf("store: %s: %w", op, ErrReadOnly)
	}
	now := s.now().Truncate(time.Millisecond).UTC()
	if err := s.transact(ctx, now, do); err != nil {
		s.wroteAt.Store(0)
		return fmt.Errorf("store: %s: %w", op, err)
	}
	s.wroteAt.Store(now.UnixMilli())
	return nil
}

func (s *Store) transact(ctx context.Context, now time.Time, do func(ctx context.Context, t *tx) error) error {
	s.statements.prepare(ctx, s.writer)
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back
	ctx = context.WithoutCancel(ctx)
	begun, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(ctx, &tx{Tx: begun, now: now, statements: &s.statements, prepared: make(map[string]*sql.Stmt)}); err != nil {
		_ = begun.Rollback() // SQLite may have rolled back by itself, as it does when the disk is full
		return err
	}
	return begun.Commit()
}

func (t *tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := t.prepared[query]; ok {
		return stmt, nil
	}
	stmt, err := t.statements.within(ctx, t.Tx, query)
	if err == nil {
		t.prepared[query] = stmt
	}
	return stmt, err
}

// exec runs a statement without a result.
func (t *tx) exec(ctx context.Context, query string, args ...any) error {
	stmt, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx, args...)
	return err
}

// row scans the one row of a query into dest; errors.Is(err, sql.ErrNoRows) when there is none.
func (t *tx) row(ctx context.Context, query string, args []any, dest ...any) error {
	stmt, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(dest...)
}

// each gives every row of a query to row, which must not use the transaction.
func (t *tx) each(ctx context.Context, query string, args []any, row func(scan) error) error {
	stmt, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return everyRow(rows, row)
}

func everyRow(rows *sql.Rows, row func(scan) error) error {
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// reader is the pool of the reading connection, with its statements, which are prepared at their first use. A method reads
// all that it wants before it gives anything to its caller, who may call the store meanwhile.
type reader struct {
	db       *sql.DB
	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, stmt := range r.prepared {
		_ = stmt.Close() // closing the pool frees them in any case
	}
	r.prepared = nil
	return r.db.Close()
}

func (r *reader) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt, ok := r.prepared[query]; ok {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if r.prepared == nil {
		r.prepared = make(map[string]*sql.Stmt)
	}
	r.prepared[query] = stmt
	return stmt, nil
}

// scan is a row's Scan.
type scan func(dest ...any) error

// each gives every row of a query to row.
func (r *reader) each(ctx context.Context, op, query string, args []any, row func(scan) error) error {
	err := r.eachRow(ctx, query, args, row)
	if err != nil {
		return fmt.Errorf("store: %s: %w", op, err)
	}
	return nil
}

func (r *reader) eachRow(ctx context.Context, query string, args []any, row func(scan) error) error {
	stmt, err := r.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return everyRow(rows, row)
}

// one scans the one row of a query into dest; found is false when there is none.
func (r *reader) one(ctx context.Context, op, query string, args []any, dest ...any) (found bool, err error) {
	stmt, err := r.prepare(ctx, query)
	if err == nil {
		err = stmt.QueryRowContext(ctx, args...).Scan(dest...)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: %s: %w", op, err)
	}
	return true, nil
}

// instant is a time.Time as the database keeps it: milliseconds since 1970, null for the zero time.
type instant = sql.Null[int64]

func toInstant(t time.Time) instant { return instant{V: t.UnixMilli(), Valid: !t.IsZero()} }

func fromInstant(i instant) time.Time {
	if !i.Valid {
		return time.Time{}
	}
	return time.UnixMilli(i.V).UTC()
}

// toDay gives 20261121 for 21 November 2026.
func toDay(d meter.Day) int64 {
	y, m, day := d.Date()
	return int64(y)*10000 + int64(m)*100 + int64(day)
}

func fromDay(n int64) meter.Day {
	return meter.NewDay(int(n/10000), time.Month(n/100%100), int(n%100))
}

// toKnownDay is toDay for a day whose zero means that it is unknown.
func toKnownDay(d meter.Day) sql.Null[int64] { return sql.Null[int64]{V: toDay(d), Valid: d != 0} }

func fromKnownDay(n sql.Null[int64]) meter.Day {
	if !n.Valid {
		return 0
	}
	return fromDay(n.V)
}
