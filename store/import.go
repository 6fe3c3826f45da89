package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Imported tells what became of the days of one series that an import brought.
type Imported struct {
	Read    int // days
	New     int // of which nothing was stored
	Changed int // days that hold more, or something better or newer, than before
	Same    int // days that held all of it
	Kept    int // days that stand as they were, or in part, because what is stored is better
	Refused int // days that stand as they were because the intervals have other bounds
	Days    meter.Days
}

// Plus adds up two imports of a series.
func (s Imported) Plus(o Imported) Imported {
	if s.Read == 0 || o.Read == 0 {
		s.Days = meter.Days{From: max(s.Days.From, o.Days.From), To: max(s.Days.To, o.Days.To)} // the other one has none
	} else {
		s.Days = meter.Days{From: min(s.Days.From, o.Days.From), To: max(s.Days.To, o.Days.To)}
	}
	s.Read, s.New, s.Changed = s.Read+o.Read, s.New+o.New, s.Changed+o.Changed
	s.Same, s.Kept, s.Refused = s.Same+o.Same, s.Kept+o.Kept, s.Refused+o.Refused
	return s
}

// imports is what the name of a source begins with while its values are compared: no source is called so.
const imports = "\x00"

// errRehearsed rolls a rehearsal back.
var errRehearsed = errors.New("a rehearsal")

// Feed hands days of series to merge, and ends at its first error. What it has handed on before an error is not stored.
type Feed func(merge func(meter.Series, []meter.DayValues) error) error

// Import merges days that were not asked for, all feeds one after the other in one transaction, each as a whole or not at all:
// a feed that returns an error leaves nothing, has no result, and does not keep the others out; errs has its error at its place.
// The days' sources are kept, and rank below everything that is stored and was not computed, whatever the name, but for values
// of the source weakest, which are replaced as a newer answer of the same source replaces them. A series with a day makes its
// direction exist, unless settings or contract deny it. A rehearsal gives the same results and changes nothing. An error beside
// those of the feeds is the store's, and then nothing has changed.
func (s *Store) Import(ctx context.Context, weakest string, rehearse bool, feeds ...Feed) (
	results []map[meter.Series]Imported, errs []error, err error,
) {
	err = s.write(ctx, "import", func(ctx context.Context, t *tx) error {
		for _, feed := range feeds {
			i := &importing{weakest: weakest, result: make(map[meter.Series]Imported)}
			err := i.take(ctx, t, feed)
			if i.broken != nil {
				return i.broken
			}
			results, errs = append(results, i.result), append(errs, err)
		}
		if rehearse {
			return errRehearsed
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRehearsed) {
		return nil, nil, err
	}
	return results, errs, nil
}

// importing is one feed on its way into the store.
type importing struct {
	weakest string
	result  map[meter.Series]Imported
	broken  error // of the store
}

// take merges what a feed hands on, and takes it back when the feed fails.
func (i *importing) take(ctx context.Context, t *tx, feed Feed) error {
	if i.broken = t.exec(ctx, `SAVEPOINT feed`); i.broken != nil {
		return i.broken
	}
	err := feed(func(series meter.Series, days []meter.DayValues) error {
		if i.broken == nil {
			i.broken = i.merge(ctx, t, series, days)
		}
		return i.broken
	})
	if i.broken != nil {
		return i.broken
	}
	if err != nil {
		i.result = nil
		i.broken = t.exec(ctx, `ROLLBACK TO feed`)
	}
	if i.broken == nil {
		i.broken = t.exec(ctx, `RELEASE feed`)
	}
	return err
}

// rank puts what is imported, and what came from the weakest source, below the others.
func (i *importing) rank(source string) int {
	if source == i.weakest || strings.HasPrefix(source, imports) {
		return 1
	}
	return 0
}

// merge decides for each day what stands, and stores those days of which something changes.
func (i *importing) merge(ctx context.Context, t *tx, series meter.Series, days []meter.DayValues) error {
	id, err := t.series(ctx, series)
	if err != nil {
		return err
	}
	sum := i.result[series]
	var changed []meter.DayValues
	for _, day := range days {
		day.At = day.At.Truncate(time.Millisecond) // as it would be read back
		stored, found, err := t.day(ctx, id, day.Day)
		if err != nil {
			return err
		}
		after, err := meter.Merge(series.Measure, stored, renamed(day, mark), i.rank)
		sum = sum.Plus(Imported{Read: 1, Days: meter.Days{From: day.Day, To: day.Day + 1}})
		switch {
		case errors.Is(err, meter.ErrOtherBounds):
			sum.Refused++
			continue
		case err != nil:
			return err
		case !found:
			sum.New++
		case after.Changed:
			sum.Changed++
		case holds(series.Measure, stored, day):
			sum.Same++
		default:
			sum.Kept++
		}
		if after.Changed {
			changed = append(changed, renamed(after.DayValues, unmark))
		}
	}
	i.result[series] = sum
	if len(changed) == 0 {
		return nil
	}
	// What stands is decided, so that nothing outranks it here.
	if _, err := t.take(ctx, series, Answer{Days: changed, Rank: func(string) int { return 0 }}); err != nil {
		return err
	}
	return t.exist(ctx, series)
}

func mark(source string) string   { return imports + source }
func unmark(source string) string { return strings.TrimPrefix(source, imports) }

// renamed gives the day with other names of its sources.
func renamed(v meter.DayValues, name func(string) string) meter.DayValues {
	v.Source = name(v.Source)
	v.Readings = slices.Clone(v.Readings)
	for i := range v.Readings {
		if !v.Readings[i].Missing {
			v.Readings[i].Source = name(v.Readings[i].Source)
		}
	}
	return v
}

// holds tells whether a stored day has all values of another, in the same quality or a better one.
func holds(m meter.Measure, stored, day meter.DayValues) bool {
	if m != meter.LoadCurve {
		return stored.Value == day.Value && stored.At.Sub(day.At).Abs() < time.Second && stored.Quality >= day.Quality
	}
	known := make(map[int64]meter.Reading, len(stored.Readings))
	for _, r := range stored.Readings {
		known[r.Start.Unix()] = r
	}
	for _, r := range day.Readings {
		k := known[r.Start.Unix()]
		if !r.Missing && (k.Missing || !k.End.Equal(r.End) || k.Watts != r.Watts || k.Quality < r.Quality) {
			return false
		}
	}
	return true
}

// exist notes that a direction is there since a day says so.
func (t *tx) exist(ctx context.Context, series meter.Series) error {
	return t.exec(ctx, `INSERT INTO directions (prm, direction, standing, how, at) VALUES (?, ?, ?, 'data', ?)
		ON CONFLICT (prm, direction) DO UPDATE
		SET standing = excluded.standing, how = excluded.how, at = excluded.at, ask_again = NULL
		WHERE standing = '' OR standing = 'absent' AND how NOT IN ('settings', 'contract')`,
		series.PRM, series.Direction, Exists, t.now.UnixMilli())
}
