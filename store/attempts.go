package store

import (
	"context"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	// attemptsKept is how long an attempt is remembered: longer than the 30 days after which the slowest question is repeated.
	attemptsKept = 40 * 24 * time.Hour
	// supersededKept is how long one is remembered that holds nothing any more and that a newer one of its series follows.
	supersededKept = 2 * 24 * time.Hour
)

// Begin remembers an attempt from before its call, in the place of an earlier one for the same source, series and days. It
// gives the attempt back without an end and with Lost: how many times in a row it has begun without an end, this time
// included, so 1 unless the earlier one was left unfinished. A zero At becomes now.
func (s *Store) Begin(ctx context.Context, a Attempt) (Attempt, error) {
	a.EndedAt, a.Outcome = time.Time{}, Unfinished
	err := s.write(ctx, "begin attempt", func(ctx context.Context, t *tx) error {
		if a.At.IsZero() {
			a.At = t.now
		}
		a.At = a.At.Truncate(time.Millisecond).UTC()
		if err := s.pruneOnceADay(ctx, t); err != nil {
			return err
		}
		id, err := t.series(ctx, a.Series)
		if err != nil {
			return err
		}
		return t.row(ctx, `INSERT INTO attempts
			(series, source, from_day, to_day, at, outcome, lost, not_before, code, detail)
			VALUES (?, ?, ?, ?, ?, '', 1, ?, ?, ?)
			ON CONFLICT (series, source, from_day, to_day) DO UPDATE SET
				at = excluded.at, ended_at = NULL, outcome = '', lost = iif(outcome = '', lost + 1, 1),
				not_before = excluded.not_before, code = excluded.code, detail = excluded.detail
			RETURNING lost`,
			[]any{
				id, a.Source, toDay(a.Days.From), toDay(a.Days.To), a.At.UnixMilli(),
				toInstant(a.NotBefore), a.Code, a.Detail,
			}, &a.Lost)
	})
	if err != nil {
		return Attempt{}, err
	}
	return a, nil
}

// End writes the outcome of an attempt and merges the days of its answer, all in one transaction. Where the outcome is
// settled, the attempt's days are marked as asked, and those that are not complete are remembered as answer.Missed says. Where the source's daily values lag, each day of a curve that is complete
// then gives a daily value of quality meter.Computed, which is merged as any other. A zero EndedAt becomes now, and Lost 0.
func (s *Store) End(ctx context.Context, a Attempt, answer Answer) (Merged, error) {
	var merged Merged
	err := s.write(ctx, "end attempt", func(ctx context.Context, t *tx) error {
		if a.EndedAt.IsZero() {
			a.EndedAt = t.now
		}
		id, err := t.series(ctx, a.Series)
		if err != nil {
			return err
		}
		if err := t.putOutcome(ctx, id, a); err != nil {
			return err
		}
		if a.Outcome.Settled() {
			if err := t.markAsked(ctx, id, a.Days); err != nil {
				return err
			}
		}
		if merged, err = t.take(ctx, a.Series, answer); err != nil || !a.Outcome.Settled() {
			return err
		}
		return t.miss(ctx, id, a.Days, answer.Missed)
	})
	if err != nil {
		return Merged{}, err
	}
	return merged, nil
}

func (t *tx) putOutcome(ctx context.Context, series int64, a Attempt) error {
	return t.exec(ctx, `INSERT INTO attempts
		(series, source, from_day, to_day, at, ended_at, outcome, lost, not_before, code, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
		ON CONFLICT (series, source, from_day, to_day) DO UPDATE SET
			at = excluded.at, ended_at = excluded.ended_at, outcome = excluded.outcome, lost = 0,
			not_before = excluded.not_before, code = excluded.code, detail = excluded.detail`,
		series, a.Source, toDay(a.Days.From), toDay(a.Days.To), a.At.UnixMilli(), toInstant(a.EndedAt),
		a.Outcome, toInstant(a.NotBefore), a.Code, a.Detail)
}

// Release lets attempts of a source be repeated at once: those of one meter, or of all where prm is empty, whose outcome a
// new consent or new credentials may mend. A direction that was not there is one of them, since the consent may name it.
func (s *Store) Release(ctx context.Context, source string, prm meter.PRM) error {
	return s.write(ctx, "release attempts", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `UPDATE attempts SET not_before = NULL
			WHERE source = ?1 AND outcome IN (?2, ?3, ?4) AND (?5 = '' OR series IN (SELECT id FROM series WHERE prm = ?5))`,
			source, NoConsent, BadSettings, WrongDirection, prm)
	})
}

// Attempts gives all attempts that are remembered, in the order in which they began: those of the last 40 days that hold
// something or that nothing follows, and the others of the last two days.
func (s *Store) Attempts(ctx context.Context) ([]Attempt, error) {
	var all []Attempt
	err := s.reader.each(ctx, "attempts", `SELECT s.prm, s.direction, s.measure, a.source, a.from_day, a.to_day, a.at,
			a.ended_at, a.outcome, a.lost, a.not_before, a.code, a.detail
		FROM attempts a JOIN series s ON s.id = a.series ORDER BY a.at, s.id, a.from_day`, nil,
		func(scan scan) error {
			var a Attempt
			var from, to int64
			var at, endedAt, notBefore instant
			err := scan(&a.Series.PRM, &a.Series.Direction, &a.Series.Measure, &a.Source, &from, &to, &at,
				&endedAt, &a.Outcome, &a.Lost, &notBefore, &a.Code, &a.Detail)
			if err != nil {
				return err
			}
			a.Days = meter.Days{From: fromDay(from), To: fromDay(to)}
			a.At, a.EndedAt, a.NotBefore = fromInstant(at), fromInstant(endedAt), fromInstant(notBefore)
			all = append(all, a)
			return nil
		})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// pruneOnceADay forgets old attempts, and calls. It looks through all attempts, which is too much for each write.
func (s *Store) pruneOnceADay(ctx context.Context, t *tx) error {
	if t.now.Sub(time.UnixMilli(s.prunedAt.Load())) < 24*time.Hour {
		return nil
	}
	err := t.exec(ctx, `DELETE FROM attempts AS a WHERE a.at < ? OR a.at < ? AND coalesce(a.not_before, 0) < ?
			AND EXISTS (SELECT 1 FROM attempts n WHERE n.series = a.series AND n.source = a.source AND n.at > a.at)`,
		t.now.Add(-attemptsKept).UnixMilli(), t.now.Add(-supersededKept).UnixMilli(), t.now.UnixMilli())
	if err != nil {
		return err
	}
	s.prunedAt.Store(t.now.UnixMilli())
	return t.pruneCalls(ctx)
}
