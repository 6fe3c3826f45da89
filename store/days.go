package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Merge brings the days of an answer together with what is stored, each by the rules of meter.Merge, in one transaction.
// Each day that changes gets the next revision, in day order, and what it held is kept as its former revision. A day that
// stays as it is gets none.
func (s *Store) Merge(ctx context.Context, series meter.Series, days []meter.DayValues, rank meter.Ranking) (Merged, error) {
	var merged Merged
	err := s.write(ctx, "merge", func(ctx context.Context, t *tx) (err error) {
		merged, err = t.take(ctx, series, Answer{Days: days, Rank: rank})
		return err
	})
	if err != nil {
		return Merged{}, err
	}
	return merged, nil
}

// take merges an answer, and the daily values that its curve days sum up to where the source's own lag.
func (t *tx) take(ctx context.Context, series meter.Series, answer Answer) (Merged, error) {
	merged, held, err := t.merge(ctx, series, answer.Days, answer.Rank)
	if err != nil {
		return merged, err
	}
	if merged.Apart, err = t.compare(ctx, series, merged.Changed); err != nil {
		return merged, err
	}
	if !answer.DailyLags || series.Measure != meter.LoadCurve {
		return merged, nil
	}
	var sums []meter.DayValues
	for _, curve := range held {
		if sum, ok := curve.Summed(); ok {
			sums = append(sums, sum)
		}
	}
	if len(sums) == 0 {
		return merged, nil
	}
	series.Measure = meter.Daily
	computed, _, err := t.merge(ctx, series, sums, answer.Rank)
	merged.Changed = append(merged.Changed, computed.Changed...)
	return merged, err
}

// merge gives also what each day of the answer holds after it, changed or not.
func (t *tx) merge(
	ctx context.Context, series meter.Series, days []meter.DayValues, rank meter.Ranking,
) (merged Merged, held []meter.DayValues, err error) {
	id, err := t.series(ctx, series)
	if err != nil {
		return Merged{}, nil, err
	}
	revision, err := t.lastRevision(ctx)
	if err != nil {
		return Merged{}, nil, err
	}
	byDay := func(a, b meter.DayValues) int { return cmp.Compare(a.Day, b.Day) }
	for _, answer := range slices.SortedStableFunc(slices.Values(days), byDay) {
		answer.At = answer.At.Truncate(time.Millisecond) // as it would be read back
		stored, found, err := t.day(ctx, id, answer.Day)
		if err != nil {
			return Merged{}, nil, err
		}
		after, err := meter.Merge(series.Measure, stored, answer, rank)
		switch {
		case errors.Is(err, meter.ErrOtherBounds):
			merged.Refused = append(merged.Refused, answer.Day)
		case err != nil:
			return Merged{}, nil, err
		}
		held = append(held, after.DayValues)
		if after.Differing {
			merged.Differing = append(merged.Differing, answer.Day)
		}
		if !after.Changed {
			continue
		}
		revision++
		day := Stored{DayValues: after.DayValues, Series: series, Revision: revision, StoredAt: t.now}
		if err := t.putDay(ctx, id, day, found); err != nil {
			return Merged{}, nil, err
		}
		merged.Changed = append(merged.Changed, day)
	}
	if len(merged.Changed) == 0 {
		return merged, held, nil
	}
	if err := t.close(ctx, id, merged.Changed); err != nil {
		return Merged{}, nil, err
	}
	return merged, held, t.settle(ctx, id, merged.Changed)
}

const knownSeries = `SELECT id FROM series WHERE prm = ? AND direction = ? AND measure = ?`

// series gives the id of a series, and makes it known.
func (t *tx) series(ctx context.Context, series meter.Series) (id int64, err error) {
	names := []any{series.PRM, series.Direction, series.Measure}
	if err := t.row(ctx, knownSeries, names, &id); !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = t.row(ctx, `INSERT INTO series (prm, direction, measure) VALUES (?, ?, ?) RETURNING id`, names, &id)
	return id, err
}

func (t *tx) lastRevision(ctx context.Context) (last int64, err error) {
	return last, t.row(ctx, `SELECT last FROM revisions`, nil, &last)
}

// day gives what a day holds; the zero DayValues when it is not stored.
func (t *tx) day(ctx context.Context, series int64, day meter.Day) (meter.DayValues, bool, error) {
	var v values
	const query = `SELECT day, source, quality, value, at, curve FROM days WHERE series = ? AND day = ?`
	err := t.row(ctx, query, []any{series, toDay(day)}, v.columns()...)
	if errors.Is(err, sql.ErrNoRows) {
		return meter.DayValues{}, false, nil
	}
	if err != nil {
		return meter.DayValues{}, false, err
	}
	read, err := v.read()
	return read, true, err
}

// putDay writes a revision of a day; replaced tells that the day has a former one, which is kept.
func (t *tx) putDay(ctx context.Context, series int64, d Stored, replaced bool) error {
	day := toDay(d.Day)
	if replaced {
		err := t.exec(ctx, `INSERT INTO former
			(series, day, revision, stored_at, replaced_at, source, quality, complete, value, at, curve)
			SELECT series, day, revision, stored_at, ?, source, quality, complete, value, at, curve
			FROM days WHERE series = ? AND day = ?`, d.StoredAt.UnixMilli(), series, day)
		if err != nil {
			return err
		}
	}
	at, curve := toInstant(d.At), sql.Null[string]{}
	if d.Series.Measure == meter.LoadCurve {
		text, err := encodeCurve(d.DayValues)
		if err != nil {
			return err
		}
		at, curve = toInstant(d.Day.Start()), sql.Null[string]{V: text, Valid: true}
	}
	return t.exec(ctx, `INSERT INTO days
		(series, day, revision, stored_at, source, quality, complete, value, at, curve)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (series, day) DO UPDATE SET revision = excluded.revision, stored_at = excluded.stored_at,
			source = excluded.source, quality = excluded.quality, complete = excluded.complete,
			value = excluded.value, at = excluded.at, curve = excluded.curve`,
		series, day, d.Revision, d.StoredAt.UnixMilli(), d.Source, d.Quality.String(), d.Complete(d.Series.Measure),
		d.Value, at, curve)
}

// settle writes what follows from changed days: the last revision, the months and the meter's time of update.
func (t *tx) settle(ctx context.Context, id int64, changed []Stored) error {
	last := changed[len(changed)-1]
	if err := t.exec(ctx, `UPDATE revisions SET last = ?`, last.Revision); err != nil {
		return err
	}
	var done int64
	for _, d := range changed {
		month := toDay(d.Day) / 100
		if month == done {
			continue
		}
		if err := t.sumMonth(ctx, id, month); err != nil {
			return err
		}
		done = month
	}
	return t.exec(ctx, `INSERT INTO meters (prm, first_seen, updated_at) VALUES (?, ?, ?)
		ON CONFLICT (prm) DO UPDATE SET updated_at = excluded.updated_at`,
		last.Series.PRM, t.now.UnixMilli(), t.now.UnixMilli())
}

// Stored gives one day; ok is false when it is not stored.
func (s *Store) Stored(ctx context.Context, series meter.Series, day meter.Day) (d Stored, ok bool, err error) {
	var v values
	var storedAt int64
	ok, err = s.reader.one(ctx, "stored day", `SELECT d.day, source, quality, value, at, curve, revision, stored_at
		FROM days d JOIN series s ON s.id = d.series
		WHERE s.prm = ? AND s.direction = ? AND s.measure = ? AND d.day = ?`,
		[]any{series.PRM, series.Direction, series.Measure, toDay(day)},
		append(v.columns(), &d.Revision, &storedAt)...)
	if !ok {
		return Stored{}, false, err
	}
	d.Series, d.StoredAt = series, time.UnixMilli(storedAt).UTC()
	d.DayValues, err = v.read()
	return d, err == nil, err
}

// streamed is how many days Days reads at a time: enough to make a query worth it, few enough for little memory.
const streamed = 32

// Days walks the stored days of the run, oldest first. The store may be used, written to as well, while the walk lasts;
// a day that is written meanwhile is given as it is when the walk comes near. An error ends the walk.
func (s *Store) Days(ctx context.Context, series meter.Series, run meter.Days) iter.Seq2[meter.DayValues, error] {
	return func(yield func(meter.DayValues, error) bool) {
		for d, err := range s.walk(ctx, series, run, streamed) {
			if !yield(d.DayValues, err) {
				return
			}
		}
	}
}

// walk walks the stored days of the run, oldest first, and reads at most so many at a time. An error ends it.
func (s *Store) walk(ctx context.Context, series meter.Series, run meter.Days, most int) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		days := make([]Stored, 0, most)
		for from, more := run.From, true; more; {
			var err error
			days, err = s.next(ctx, days[:0], series, meter.Days{From: from, To: run.To})
			for _, d := range days {
				if !yield(d, nil) {
					return
				}
				from = d.Day + 1
			}
			if err != nil {
				yield(Stored{}, err)
				return
			}
			more = len(days) == most
		}
	}
}

// next fills days, up to its capacity, with the first days of the run.
func (s *Store) next(ctx context.Context, days []Stored, series meter.Series, run meter.Days) ([]Stored, error) {
	err := s.reader.each(ctx, "days", `SELECT d.day, source, quality, value, at, curve, revision, stored_at
		FROM series s JOIN days d ON d.series = s.id
		WHERE s.prm = ? AND s.direction = ? AND s.measure = ? AND d.day >= ? AND d.day < ?
		ORDER BY d.day LIMIT ?`,
		[]any{series.PRM, series.Direction, series.Measure, toDay(run.From), toDay(run.To), cap(days)},
		func(scan scan) error {
			var v values
			var storedAt int64
			d := Stored{Series: series}
			if err := scan(append(v.columns(), &d.Revision, &storedAt)...); err != nil {
				return err
			}
			var err error
			if d.DayValues, err = v.read(); err != nil {
				return err
			}
			d.StoredAt = time.UnixMilli(storedAt).UTC()
			days = append(days, d)
			return nil
		})
	return days, err
}

// values is a day as the tables days and former hold it.
type values struct {
	day, value      int64
	source, quality string
	at              instant
	curve           sql.Null[string]
}

// columns are the targets of the columns day, source, quality, value, at and curve.
func (v *values) columns() []any {
	return []any{&v.day, &v.source, &v.quality, &v.value, &v.at, &v.curve}
}

func (v *values) read() (meter.DayValues, error) {
	d := meter.DayValues{Day: fromDay(v.day), Source: v.source, Value: v.value, At: fromInstant(v.at)}
	var err error
	if d.Quality, err = parseQuality(v.quality); err != nil {
		return d, fmt.Errorf("%s: %w", d.Day, err)
	}
	if v.curve.Valid {
		midnight := d.At
		d.At = time.Time{}
		if d.Readings, err = decodeCurve(midnight, v.curve.V); err != nil {
			return d, fmt.Errorf("%s: %w", d.Day, err)
		}
	}
	return d, nil
}
