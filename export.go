package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/export"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// exportCommand writes what the store keeps for other programs. Of the settings it needs DATA_DIR alone.
type exportCommand struct {
	Format    string    `enum:"csv,jsonl" default:"csv" help:"csv, or jsonl for an object a day on a line of its own."`
	From      meter.Day `placeholder:"YYYY-MM-DD" help:"The first day; the oldest one unless given."`
	To        meter.Day `placeholder:"YYYY-MM-DD" help:"The last day; the newest one unless given."`
	PRM       []string  `name:"prm" placeholder:"PRM" help:"These meters; all unless given."`
	Direction []string  `enum:"consumption,production" placeholder:"DIRECTION" help:"consumption or production; both unless given."`
	Measure   []string  `enum:"daily,load_curve,max_power" placeholder:"MEASURE" help:"daily, load_curve, max_power; all unless given."`
	Output    string    `default:"-" placeholder:"FILE" help:"Write to this file, which has its name once it is whole; - for the standard output."`
	Coverage  bool      `help:"Not the values, but which days there are: complete, partial, absent or unasked, and when they are asked for again."`
}

// Run writes the export, beside a running bridge if there is one.
func (c exportCommand) Run(ctx context.Context, p *program) error {
	selection, err := c.selection()
	if err != nil {
		return err
	}
	kept, err := store.OpenReader(ctx, dataDir(), store.Options{Now: p.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }() // nothing was written
	series, err := kept.Kept(ctx, selection)
	if err != nil {
		return err
	}
	for _, prm := range selection.PRMs {
		if !slices.ContainsFunc(series, func(k store.Kept) bool { return k.PRM == prm }) {
			return fmt.Errorf("nothing is kept of the meter %s that you ask for", prm.Short())
		}
	}
	e := exporter{kept: kept, of: selection, series: series, run: c.days(), format: export.Format(c.Format)}
	write := e.values
	if c.Coverage {
		e.run.To = min(e.run.To, meter.DayOf(p.now())) // through yesterday
		write = e.coverage
	}
	if c.Output == "-" {
		return write(ctx, p.out, func(string, int64) *progress { return nil })
	}
	return writeWhole(c.Output, func(w io.Writer) error { return write(ctx, w, p.progress) })
}

// dataDir is the one setting of commands that only look at the data.
func dataDir() string {
	env := rawEnvironment()
	setDefaults(&env)
	return env.DataDir
}

func (c exportCommand) selection() (store.Selection, error) {
	var s store.Selection
	for _, text := range c.PRM {
		prm, err := meter.ParsePRM(withoutBlanks(text))
		if err != nil {
			return s, fmt.Errorf("%w: --prm: %w", errSettings, err)
		}
		s.PRMs = append(s.PRMs, prm)
	}
	for _, d := range c.Direction {
		s.Directions = append(s.Directions, meter.Direction(d))
	}
	for _, m := range c.Measure {
		s.Measures = append(s.Measures, meter.Measure(m))
	}
	if c.From != 0 && c.To != 0 && c.To < c.From {
		return s, fmt.Errorf("%w: --to %s lies before --from %s", errSettings, c.To, c.From)
	}
	return s, nil
}

// days are those asked for; no day of Enedis lies outside of the run that stands for all.
func (c exportCommand) days() meter.Days {
	return meter.Days{From: c.From, To: cmp.Or(c.To, meter.NewDay(9998, time.December, 31)) + 1}
}

// exporter walks the store.
type exporter struct {
	kept   *store.Store
	of     store.Selection
	series []store.Kept
	run    meter.Days
	format export.Format
}

// beginning begins a progress, or gives nil where nobody is to see one.
type beginning func(what string, total int64) *progress

// values writes the days, of one series after the other.
func (e exporter) values(ctx context.Context, to io.Writer, begin beginning) error {
	total, err := e.kept.Count(ctx, e.of, e.run)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(to, 64<<10)
	writer, err := export.NewDays(e.format, buffered)
	if err != nil {
		return err
	}
	told := begin("days exported", total)
	defer told.Done()
	for _, k := range e.series {
		for d, err := range e.kept.Export(ctx, k.Series, e.run) {
			if err == nil {
				err = writer.Write(export.Day{
					DayValues: d.DayValues, Series: d.Series, Revision: d.Revision, StoredAt: d.StoredAt,
					BeforeActivation: d.Day < k.Activation,
				})
			}
			if err != nil {
				return err
			}
			told.Add(1)
		}
	}
	return errors.Join(writer.Flush(), buffered.Flush())
}

// coverage writes the ledger, of one series after the other.
func (e exporter) coverage(ctx context.Context, to io.Writer, begin beginning) error {
	buffered := bufio.NewWriterSize(to, 64<<10)
	writer, err := export.NewCoverage(e.format, buffered)
	if err != nil {
		return err
	}
	told := begin("series exported", int64(len(e.series)))
	defer told.Done()
	for _, k := range e.series {
		ledger, err := e.kept.Ledger(ctx, k, e.run)
		if err != nil {
			return err
		}
		for _, a := range ledger {
			err := writer.Write(export.Coverage{
				Series: k.Series, Day: a.Day, Status: a.Status, Asked: a.Times, LastAsked: a.Last, Again: a.Again,
			})
			if err != nil {
				return err
			}
		}
		told.Add(1)
	}
	return errors.Join(writer.Flush(), buffered.Flush())
}

// writeWhole has write fill a file that takes the place of the one of that name once it is whole and on disk. Where write
// fails, nothing has changed.
func writeWhole(name string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file that can be replaced: give another name, or - for the standard output", name)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".enedis2mqtt-*")
	if err != nil {
		return unwritten(name, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = unwritten(name, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// unwritten names the file that was asked for, where the system names the one that would have taken its place.
func unwritten(name string, err error) error {
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s cannot be written: %w", name, failure.Err)
	}
	if failure, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Errorf("%s cannot be written: %w", name, failure.Err)
	}
	return err // it is not the file that failed
}
