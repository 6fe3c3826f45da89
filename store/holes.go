package store

import (
	"context"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Hole is a day that a source was asked for and that is not complete.
type Hole struct {
	Day   meter.Day
	Asked int       // how often
	First time.Time // when a source first answered for it, whole milliseconds
	Last  time.Time // and last
	Again time.Time // from when on it is asked for again; zero while it rests until the user asks
}

const holeColumns = `day, asked, first_at, last_at, again_at`

func (h *Hole) read(scan scan, series *meter.Series) error {
	var day, first, last int64
	var again instant
	targets := []any{&day, &h.Asked, &first, &last, &again}
	if series != nil {
		targets = append([]any{&series.PRM, &series.Direction, &series.Measure}, targets...)
	}
	err := scan(targets...)
	h.Day, h.First, h.Last = fromDay(day), time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
	h.Again = fromInstant(again)
	return err
}

// Holes gives the holes of each series, oldest first. An empty prm stands for all meters.
func (s *Store) Holes(ctx context.Context, prm meter.PRM) (map[meter.Series][]Hole, error) {
	all := make(map[meter.Series][]Hole)
	err := s.reader.each(ctx, "holes", `SELECT s.prm, s.direction, s.measure, `+holeColumns+`
		FROM holes h JOIN series s ON s.id = h.series WHERE ?1 = '' OR s.prm = ?1 ORDER BY h.series, h.day`, []any{prm},
		func(scan scan) error {
			var h Hole
			var of meter.Series
			err := h.read(scan, &of)
			all[of] = append(all[of], h)
			return err
		})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Reopen has some days of a series that are not complete asked for again at once, as if they had never been asked for before.
func (s *Store) Reopen(ctx context.Context, series meter.Series, days []meter.Day) error {
	return s.write(ctx, "reopen holes", func(ctx context.Context, t *tx) error {
		id, err := t.series(ctx, series)
		if err != nil {
			return err
		}
		for _, day := range days {
			if err := t.putHole(ctx, id, Hole{Day: day, First: t.now, Last: t.now, Again: t.now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// putHole keeps a hole; that it was asked for last is known already where nothing new is said of it.
func (t *tx) putHole(ctx context.Context, series int64, h Hole) error {
	return t.exec(ctx, `INSERT INTO holes (series, day, asked, first_at, last_at, again_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (series, day) DO UPDATE SET asked = excluded.asked, first_at = excluded.first_at,
			last_at = iif(excluded.asked = 0, last_at, excluded.last_at), again_at = excluded.again_at`,
		series, toDay(h.Day), h.Asked, h.First.UnixMilli(), h.Last.UnixMilli(), toInstant(h.Again))
}

// miss remembers the days of an answered request that are not complete, by the rule of the answer.
func (t *tx) miss(ctx context.Context, series int64, days meter.Days, missed func(Hole) (Hole, bool)) error {
	if missed == nil {
		return nil
	}
	known, err := t.holesOf(ctx, series, days)
	if err != nil {
		return err
	}
	coverage, err := t.coverage(ctx, series, days)
	if err != nil {
		return err
	}
	for day := range days.All() {
		if coverage.Complete(day) {
			continue
		}
		was, ok := known[day]
		if !ok {
			was.Day = day
		}
		switch is, remember := missed(was); {
		case remember:
			err = t.putHole(ctx, series, is)
		case ok:
			err = t.exec(ctx, `DELETE FROM holes WHERE series = ? AND day = ?`, series, toDay(day))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// close forgets the holes that some changed days have filled.
func (t *tx) close(ctx context.Context, series int64, changed []Stored) error {
	if len(changed) == 0 {
		return nil
	}
	known, err := t.holesOf(ctx, series, meter.Days{From: changed[0].Day, To: changed[len(changed)-1].Day + 1})
	if err != nil {
		return err
	}
	for _, d := range changed {
		if _, ok := known[d.Day]; !ok || !d.Complete(d.Series.Measure) {
			continue
		}
		if err := t.exec(ctx, `DELETE FROM holes WHERE series = ? AND day = ?`, series, toDay(d.Day)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) holesOf(ctx context.Context, series int64, days meter.Days) (map[meter.Day]Hole, error) {
	known := make(map[meter.Day]Hole)
	err := t.each(ctx, `SELECT `+holeColumns+` FROM holes WHERE series = ? AND day >= ? AND day < ?`,
		[]any{series, toDay(days.From), toDay(days.To)}, func(scan scan) error {
			var h Hole
			err := h.read(scan, nil)
			known[h.Day] = h
			return err
		})
	return known, err
}
