package store

import (
	"context"
	"database/sql"
	"time"
)

const events = `WITH made AS (
		SELECT * FROM (SELECT series, day, source, quality, value, at, curve, revision, stored_at
			FROM days WHERE curve IS NOT NULL AND revision > ?1 ORDER BY revision LIMIT ?2)
		UNION ALL
		SELECT * FROM (SELECT series, day, source, quality, value, at, curve, revision, stored_at
			FROM former WHERE curve IS NOT NULL AND revision > ?1 ORDER BY revision LIMIT ?2)
	)
	SELECT s.prm, s.direction, s.measure,
		made.day, made.source, made.quality, made.value, made.at, made.curve, made.revision, made.stored_at,
		f.source, f.quality, f.curve
	FROM made JOIN series s ON s.id = made.series
	LEFT JOIN former f ON f.series = made.series AND f.day = made.day AND f.revision = (
		SELECT max(revision) FROM former WHERE series = made.series AND day = made.day AND revision < made.revision)
	ORDER BY made.revision LIMIT ?2`

// Events gives the revisions of curve days after the revision after, in order, at most limit: each revision ever made, those
// that were replaced since as well.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]Event, error) {
	var found []Event
	err := s.reader.each(ctx, "events", events, []any{after, limit}, func(scan scan) error {
		e, err := scanEvent(scan)
		if err == nil {
			found = append(found, e)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func scanEvent(scan scan) (e Event, err error) {
	var v values
	var storedAt int64
	var source, quality, curve sql.Null[string]
	targets := append([]any{&e.Series.PRM, &e.Series.Direction, &e.Series.Measure}, v.columns()...)
	if err := scan(append(targets, &e.Revision, &storedAt, &source, &quality, &curve)...); err != nil {
		return Event{}, err
	}
	e.StoredAt = time.UnixMilli(storedAt).UTC()
	if e.DayValues, err = v.read(); err != nil || !curve.Valid {
		return e, err
	}
	v.source, v.quality, v.curve = source.V, quality.V, curve // the midnight of a day is that of its former revision
	former, err := v.read()
	e.Former = &former
	return e, err
}

// Cursor gives how far the stream of that name has been published, as a revision; 0 when it never was.
func (s *Store) Cursor(ctx context.Context, name string) (position int64, err error) {
	_, err = s.reader.one(ctx, "cursor", `SELECT position FROM cursors WHERE name = ?`, []any{name}, &position)
	return position, err
}

// SetCursor notes how far the stream of that name has been published.
func (s *Store) SetCursor(ctx context.Context, name string, position int64) error {
	return s.write(ctx, "cursor", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `INSERT INTO cursors (name, position) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET position = excluded.position`, name, position)
	})
}
