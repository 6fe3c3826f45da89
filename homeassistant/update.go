package homeassistant

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	// writePatience is how long Home Assistant may take to write what it has accepted: less than 2 s on a PC.
	writePatience = 2 * time.Minute
	// shortestPoll and longestPoll lie between two looks whether it has.
	shortestPoll, longestPoll = 50 * time.Millisecond, time.Second
)

// errUnwritten means that rows were accepted and are not there, or not as they were sent.
var errUnwritten = errors.New("the rows that were accepted are not there")

// everything is more days than there are.
var everything = meter.Days{From: 0, To: meter.NewDay(2200, time.January, 1)}

// storeError is trouble of our own store.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

// update brings one statistic up to date, and tells in o how that went. The mark in o is the one that is kept.
func (i *Importer) update(ctx context.Context, c *Client, o *SeriesOutcome) error {
	kept, err := i.o.Store.Mark(ctx, o.ID())
	if err != nil {
		return &storeError{err}
	}
	o.Mark = kept
	first, revision, err := i.o.Store.Changed(ctx, o.PRM, o.Direction, kept.Revision)
	if err != nil {
		return &storeError{err}
	}
	known, stale, err := compareMetadata(ctx, c, wanted(o.Series))
	if err != nil {
		return err
	}
	trusted, err := asLeft(ctx, c, o.ID(), kept, known)
	if err != nil {
		return err
	}
	mark := kept
	switch {
	case !trusted:
		mark.Last, mark.Sum, first = time.Time{}, 0, everything.From
	case revision != kept.Revision:
		first, o.HeldUntil = i.hold(o.PRM, kept, first)
	default:
		first = everything.To
	}
	if first < everything.To {
		if o.Written, err = i.bring(ctx, c, o.Series, first, &mark); err != nil {
			return err
		}
		if o.HeldUntil.IsZero() {
			mark.Revision, mark.WholeAt = revision, i.o.Now()
		}
	}
	if stale && o.Written == 0 {
		if err := c.Import(ctx, wanted(o.Series), nil); err != nil {
			return err
		}
	}
	if mark == kept {
		return nil
	}
	if err := i.o.Store.SetMark(ctx, o.ID(), mark); err != nil {
		return &storeError{err}
	}
	o.Mark = mark
	return nil
}

// compareMetadata refuses a statistic that is not like ours. stale tells that its metadata are to be written though no row
// changes.
func compareMetadata(ctx context.Context, c *Client, want Metadata) (known, stale bool, err error) {
	stored, known, err := c.Metadata(ctx, want.ID)
	if err != nil || !known {
		return false, false, err
	}
	return true, stored.outdated(want, c.metadataStyle()), stored.conflict(want)
}

// asLeft tells whether the statistic ends with the row with which we left it: it was not emptied, restored from a backup or
// written to.
func asLeft(ctx context.Context, c *Client, id ID, mark Mark, known bool) (bool, error) {
	if !known || mark.Last.IsZero() {
		return false, nil
	}
	rows, err := c.newest(ctx, id, mark.Last)
	return len(rows) == 1 && rows[0].Start.Equal(mark.Last) && rows[0].Sum == mark.Sum, err
}

// bring writes what differs from the store in the days from first on, and moves the mark to the last row.
func (i *Importer) bring(ctx context.Context, c *Client, s Series, first meter.Day, mark *Mark) (written int, err error) {
	days, err := i.days(ctx, s, meter.Days{From: first, To: everything.To})
	if err != nil {
		return 0, &storeError{err}
	}
	base, have, err := holding(ctx, c, s.ID(), *mark, first.Start())
	if err != nil {
		return 0, err
	}
	want := Plan(base, days, have)
	if written, err = write(ctx, c, wanted(s), want, have); err != nil {
		return written, err
	}
	if len(want) > 0 {
		last := want[len(want)-1]
		mark.Last, mark.Sum = last.Start, last.Sum
	}
	if written > 0 {
		mark.ImportedAt = i.o.Now()
	}
	return written, nil
}

// days reads what the store holds of the run, laid by the hour.
func (i *Importer) days(ctx context.Context, s Series, run meter.Days) ([]Day, error) {
	var errs []error
	read := func(m meter.Measure) iter.Seq[meter.DayValues] {
		return func(yield func(meter.DayValues) bool) {
			for v, err := range i.o.Store.Days(ctx, meter.Series{PRM: s.PRM, Direction: s.Direction, Measure: m}, run) {
				if err != nil {
					errs = append(errs, err)
					return
				}
				if !yield(v) {
					return
				}
			}
		}
	}
	days := Lay(read(meter.Daily), read(meter.LoadCurve))
	return days, errors.Join(errs...)
}

// holding gives the rows of the statistic from a midnight on, and its sum before that. Without a mark these are all rows.
func holding(ctx context.Context, c *Client, id ID, mark Mark, from time.Time) (base meter.Joules, have []Row, err error) {
	if mark.Last.IsZero() {
		all, err := c.extent(ctx, id)
		if err != nil {
			return 0, nil, err
		}
		have, err = c.Rows(ctx, id, all)
		return 0, have, err
	}
	base, err = sumBefore(ctx, c, id, from)
	if err != nil {
		return 0, nil, err
	}
	have, err = c.Rows(ctx, id, meter.Interval{Start: from, End: mark.Last.Add(time.Hour)})
	return base, have, err
}

// sumBefore is the sum of the last row before a point; 0 when there is none. Most often it is of the day before; after a
// hole all rows are looked through.
func sumBefore(ctx context.Context, c *Client, id ID, point time.Time) (meter.Joules, error) {
	rows, err := c.Rows(ctx, id, meter.Interval{Start: point.Add(-48 * time.Hour), End: point})
	if err != nil || len(rows) > 0 {
		return lastSum(rows), err
	}
	all, err := c.extent(ctx, id)
	if err != nil {
		return 0, err
	}
	rows, err = c.Rows(ctx, id, meter.Interval{Start: all.Start, End: point})
	return lastSum(rows), err
}

func lastSum(rows []Row) meter.Joules {
	if len(rows) == 0 {
		return 0
	}
	return rows[len(rows)-1].Sum
}

// write sends the rows that differ from those that are there, oldest first, one batch at a time, and reads them back.
func write(ctx context.Context, c *Client, m Metadata, want, have []Row) (written int, err error) {
	span := difference(want, have)
	for batch := range slices.Chunk(span, maxRows) {
		batch = difference(batch, have)
		if len(batch) == 0 {
			continue
		}
		if err := c.Import(ctx, m, batch); err != nil {
			return written, err
		}
		if err := awaitRow(ctx, c, m.ID, batch[len(batch)-1]); err != nil {
			return written, err
		}
		written += len(batch)
	}
	if written == 0 {
		return 0, nil
	}
	back, err := c.Rows(ctx, m.ID, meter.Interval{Start: span[0].Start, End: span[len(span)-1].Start.Add(time.Hour)})
	if err == nil && !slices.EqualFunc(back, span, Row.same) {
		err = fmt.Errorf("%w: %d of %d are", errUnwritten, len(span)-len(difference(span, back)), len(span))
	}
	return written, err
}

// awaitRow waits until a row reads back: a batch is written as a whole.
func awaitRow(ctx context.Context, c *Client, id ID, row Row) error {
	patience := time.NewTimer(writePatience)
	defer patience.Stop()
	for pause := shortestPoll; ; pause = min(2*pause, longestPoll) {
		rows, err := c.Rows(ctx, id, meter.Interval{Start: row.Start, End: row.Start.Add(time.Hour)})
		if err != nil || len(rows) == 1 && rows[0].same(row) {
			return err
		}
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-patience.C:
			next.Stop()
			return fmt.Errorf("%w after %v", errUnwritten, writePatience)
		case <-ctx.Done():
			next.Stop()
			return ctx.Err()
		}
	}
}
