package store

import (
	"context"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// callsKept is how long a call is remembered: longer than the longest window of a budget, a day.
const callsKept = 25 * time.Hour

// AddCall writes down a call that is about to be made.
func (s *Store) AddCall(ctx context.Context, c Call) error {
	return s.write(ctx, "add call", func(ctx context.Context, t *tx) error {
		if err := t.pruneCalls(ctx); err != nil {
			return err
		}
		return t.exec(ctx, `INSERT INTO calls (source, api, credential, prm, at) VALUES (?, ?, ?, ?, ?)`,
			c.Source, c.API, c.Credential, c.PRM, c.At.UnixMilli())
	})
}

func (t *tx) pruneCalls(ctx context.Context) error {
	return t.exec(ctx, `DELETE FROM calls WHERE at < ?`, t.now.Add(-callsKept).UnixMilli())
}

// Calls gives the calls made at or after since, oldest first. Those older than 25 h are forgotten.
func (s *Store) Calls(ctx context.Context, since time.Time) ([]Call, error) {
	var calls []Call
	err := s.reader.each(ctx, "calls", `SELECT source, api, credential, prm, at FROM calls
		WHERE at >= ? ORDER BY at, id`, []any{since.UnixMilli()},
		func(scan scan) error {
			var c Call
			var at instant
			err := scan(&c.Source, &c.API, &c.Credential, &c.PRM, &at)
			c.At = fromInstant(at)
			calls = append(calls, c)
			return err
		})
	if err != nil {
		return nil, err
	}
	return calls, nil
}

// SaveBackoff writes the rest that a source is given, in the place of its last one.
func (s *Store) SaveBackoff(ctx context.Context, b Backoff) error {
	return s.write(ctx, "save back-off", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `INSERT INTO backoffs (source, failures, until, not_before, outcome, detail)
			VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (source) DO UPDATE SET failures = excluded.failures, until = excluded.until,
				not_before = excluded.not_before, outcome = excluded.outcome, detail = excluded.detail`,
			b.Source, b.Failures, toInstant(b.Until), toInstant(b.NotBefore), b.Outcome, b.Detail)
	})
}

// Backoffs gives the rest of each source, by its name.
func (s *Store) Backoffs(ctx context.Context) (map[string]Backoff, error) {
	all := make(map[string]Backoff)
	err := s.reader.each(ctx, "back-offs", `SELECT source, failures, until, not_before, outcome, detail FROM backoffs`, nil,
		func(scan scan) error {
			var b Backoff
			var until, notBefore instant
			err := scan(&b.Source, &b.Failures, &until, &notBefore, &b.Outcome, &b.Detail)
			b.Until, b.NotBefore = fromInstant(until), fromInstant(notBefore)
			all[b.Source] = b
			return err
		})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// arrivalsKept is how many arrivals of a meter are remembered.
const arrivalsKept = 14

// AddArrival notes when the data of a day were complete. The first arrival of a day stands.
func (s *Store) AddArrival(ctx context.Context, prm meter.PRM, a Arrival) error {
	return s.write(ctx, "add arrival", func(ctx context.Context, t *tx) error {
		err := t.exec(ctx, `INSERT INTO arrivals (prm, day, minutes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			prm, toDay(a.Day), a.Minutes)
		if err != nil {
			return err
		}
		return t.exec(ctx, `DELETE FROM arrivals WHERE prm = ?1 AND day <=
			(SELECT day FROM arrivals WHERE prm = ?1 ORDER BY day DESC LIMIT 1 OFFSET ?2)`, prm, arrivalsKept)
	})
}

// Arrivals gives the arrivals of the newest 14 days of each meter, newest last.
func (s *Store) Arrivals(ctx context.Context) (map[meter.PRM][]Arrival, error) {
	all := make(map[meter.PRM][]Arrival)
	err := s.reader.each(ctx, "arrivals", `SELECT prm, day, minutes FROM arrivals ORDER BY prm, day`, nil,
		func(scan scan) error {
			var prm meter.PRM
			var day int64
			var a Arrival
			err := scan(&prm, &day, &a.Minutes)
			a.Day = fromDay(day)
			all[prm] = append(all[prm], a)
			return err
		})
	if err != nil {
		return nil, err
	}
	return all, nil
}
