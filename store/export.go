package store

import (
	"context"
	"database/sql"
	"iter"
	"math/bits"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Selection is what an export is of. A nil list narrows nothing.
type Selection struct {
	PRMs       []meter.PRM
	Directions []meter.Direction
	Measures   []meter.Measure
}

func (s Selection) has(of meter.Series) bool {
	return (s.PRMs == nil || slices.Contains(s.PRMs, of.PRM)) &&
		(s.Directions == nil || slices.Contains(s.Directions, of.Direction)) &&
		(s.Measures == nil || slices.Contains(s.Measures, of.Measure))
}

// Kept is a series that has days, or is wanted to have some.
type Kept struct {
	meter.Series
	Activation meter.Day // of the meter's contract; 0 when unknown
	Wanted     meter.Day // the first day wanted; 0 when nobody has said
}

// keptSeries are the series that are known, and those that a direction that exists is wanted to have.
const keptSeries = `
SELECT s.prm, s.direction, s.measure, a.activation, w.first_day
FROM series s
LEFT JOIN directions a ON a.prm = s.prm AND a.direction = s.direction
LEFT JOIN wanted w ON w.prm = s.prm AND w.measure = s.measure
WHERE s.measure <> 'register'
UNION
SELECT a.prm, a.direction, w.measure, a.activation, w.first_day
FROM directions a
JOIN wanted w ON w.prm = a.prm
WHERE a.standing = 'exists' AND NOT (a.direction = 'production' AND w.measure = 'max_power')
ORDER BY 1, 2, 3`

// Kept gives the series of a selection by PRM, direction and measure.
func (s *Store) Kept(ctx context.Context, of Selection) ([]Kept, error) {
	var all []Kept
	err := s.reader.each(ctx, "kept series", keptSeries, nil, func(scan scan) error {
		var k Kept
		var activation, wanted sql.Null[int64]
		err := scan(&k.PRM, &k.Direction, &k.Measure, &activation, &wanted)
		k.Activation, k.Wanted = fromKnownDay(activation), fromKnownDay(wanted)
		if of.has(k.Series) {
			all = append(all, k)
		}
		return err
	})
	return all, err
}

// Count counts the stored days of a selection that lie in the run.
func (s *Store) Count(ctx context.Context, of Selection, run meter.Days) (n int64, err error) {
	err = s.reader.each(ctx, "count days", `SELECT s.prm, s.direction, s.measure, m.month, m.present
		FROM months m JOIN series s ON s.id = m.series`, nil, func(scan scan) error {
		var series meter.Series
		var month int64
		var present uint32
		err := scan(&series.PRM, &series.Direction, &series.Measure, &month, &present)
		if err != nil || !of.has(series) {
			return err
		}
		first := fromDay(month*100 + 1)
		if days := first.Month(); days.Intersect(run) == days {
			n += int64(bits.OnesCount32(present))
			return nil
		}
		n += int64(meter.Coverage{{First: first, Present: present}}.CountPresent(run))
		return nil
	})
	return n, err
}

// atATime is how many days an export reads with one query: a store that is open for reading alone has a connection for each.
const atATime = 128

// Export walks the stored days of a series that lie in the run as Days does, with their revisions.
func (s *Store) Export(ctx context.Context, series meter.Series, run meter.Days) iter.Seq2[Stored, error] {
	return s.walk(ctx, series, run, atATime)
}

// Asked is what the ledger says of one day.
type Asked struct {
	Day    meter.Day
	Status meter.Status
	// Times is how often a source has answered for the day while it was not complete. A day that came at once, or that is too
	// young to be a hole, counts one.
	Times int
	Last  time.Time // when a source last answered for it; zero when that is not kept
	Again time.Time // when it is asked for again; zero when it is not
}

// Ledger gives what is known of each day of a series in the run, from the first day that is wanted or there, oldest first. Days before
// the activation of the contract that nobody has asked for are left out.
func (s *Store) Ledger(ctx context.Context, k Kept, run meter.Days) ([]Asked, error) {
	coverage, err := s.CoverageOf(ctx, k.Series)
	if err != nil {
		return nil, err
	}
	from, found := coverage.Oldest()
	if k.Wanted != 0 && (!found || k.Wanted < from) {
		from, found = k.Wanted, true
	}
	if !found {
		return nil, nil
	}
	run.From = max(run.From, from)
	ledger := make([]Asked, 0, run.Len())
	for d := range run.All() {
		a := Asked{Day: d, Status: coverage.Status(d)}
		if coverage.Asked(d) {
			a.Times = 1
		}
		ledger = append(ledger, a)
	}
	err = s.addHoles(ctx, k.Series, run, ledger)
	return slices.DeleteFunc(ledger, func(a Asked) bool {
		return a.Day < k.Activation && a.Status == meter.StatusUnasked // it is nobody's to ask for
	}), err
}

// addHoles completes a ledger, which has each day of the run, by what is kept of the holes.
func (s *Store) addHoles(ctx context.Context, series meter.Series, run meter.Days, ledger []Asked) error {
	return s.reader.each(ctx, "holes of a series", `SELECT h.day, h.asked, h.last_at, h.again_at
		FROM series s JOIN holes h ON h.series = s.id
		WHERE s.prm = ? AND s.direction = ? AND s.measure = ? AND h.day >= ? AND h.day < ?`,
		[]any{series.PRM, series.Direction, series.Measure, toDay(run.From), toDay(run.To)}, func(scan scan) error {
			var day int64
			var times int
			var last, again instant
			if err := scan(&day, &times, &last, &again); err != nil {
				return err
			}
			a := &ledger[fromDay(day)-run.From]
			a.Times, a.Last, a.Again = times, fromInstant(last), fromInstant(again)
			return nil
		})
}
