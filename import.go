package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// importCommand brings what other tools have gathered into the store. Of the settings it needs DATA_DIR alone.
type importCommand struct {
	DryRun    bool     `help:"Say what would change, and change nothing."`
	PRM       string   `name:"prm" placeholder:"PRM" help:"The meter of a file that names none; of a file with several, the one to take."`
	Direction string   `enum:"consumption,production,auto" default:"auto" help:"consumption or production, where the file does not say it; else the one to take."`
	Secrets   bool     `help:"Show the tokens and passwords of a config.yaml too."`
	Files     []string `arg:"" name:"file" help:"Exports and databases of other tools, downloads of Enedis's account, our own export."`
}

// errInterrupted is the end of an import that was stopped: its one transaction is undone.
var errInterrupted = errors.New("interrupted: nothing was stored")

// Run imports one file after the other, each as a whole or not at all. A file that cannot be read does not keep the others out.
func (c importCommand) Run(ctx context.Context, p *program) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	var list []*files.File
	var failed []error
	var total int64
	for _, path := range c.Files {
		file, err := files.Open(path, options)
		switch {
		case err != nil:
			failed = append(failed, err)
		case file.Format == files.MEDConfig:
			if err := c.settings(p.out, file); err != nil {
				failed = append(failed, err)
			}
		default:
			list, total = append(list, file), total+file.Size
		}
	}
	if len(list) == 0 {
		return errors.Join(failed...)
	}
	kept, leave, err := c.open(ctx, p)
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	defer leave()
	i := importer{
		importCommand: c, program: p, kept: kept, today: meter.DayOf(p.now()),
		progress: p.progress("bytes read", total), sums: make(map[meter.Series]store.Imported),
	}
	wrong, err := i.take(ctx, list)
	i.progress.Done()
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	i.report()
	return errors.Join(append(failed, wrong...)...)
}

func (c importCommand) options() (o files.Options, err error) {
	o.Sources = append(sourceNames(), "sge")
	if c.Direction != "auto" {
		o.Direction = meter.Direction(c.Direction)
	}
	if c.PRM == "" {
		return o, nil
	}
	if o.PRM, err = meter.ParsePRM(withoutBlanks(c.PRM)); err != nil {
		return o, fmt.Errorf("%w: --prm: %w", errSettings, err)
	}
	return o, nil
}

// open opens the store for writing. A rehearsal where there is no store is one in an empty one, which goes with it.
func (c importCommand) open(ctx context.Context, p *program) (kept *store.Store, leave func(), err error) {
	dir := dataDir()
	log := p.logger(slog.LevelWarn, false)
	options := store.Options{Now: p.now, Log: log}
	remove := func() {}
	if c.DryRun {
		reader, err := store.OpenReader(ctx, dir, options)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if dir, err = os.MkdirTemp("", "enedis2mqtt-import-"); err != nil {
				return nil, nil, err
			}
			remove = func() { _ = os.RemoveAll(dir) }
		case err != nil:
			return nil, nil, err
		default:
			_ = reader.Close() // nothing was written
		}
	}
	kept, err = store.Open(ctx, dir, options)
	if err != nil {
		remove()
		if errors.Is(err, store.ErrLocked) {
			err = fmt.Errorf("the bridge uses the data in %s: stop the bridge first, nothing was imported", dir)
		}
		return nil, nil, err
	}
	return kept, func() {
		closeStore(kept, log)
		remove()
	}, nil
}

// importer takes files into the store.
type importer struct {
	importCommand
	*program
	kept     *store.Store
	today    meter.Day
	progress *progress
	sums     map[meter.Series]store.Imported
}

// take imports files, and says what they were. What is wrong with a file, and kept all of it out, is in wrong.
func (i *importer) take(ctx context.Context, list []*files.File) (wrong []error, err error) {
	sieves, feeds := make([]*sieve, len(list)), make([]store.Feed, len(list))
	for n, file := range list {
		sieves[n] = &sieve{importCommand: i.importCommand, today: i.today}
		feeds[n] = i.feed(ctx, file, sieves[n])
	}
	results, errs, err := i.kept.Import(ctx, files.Source, i.DryRun, feeds...)
	if err != nil {
		return nil, err
	}
	for n, file := range list {
		if errs[n] != nil {
			wrong = append(wrong, fmt.Errorf("%w; nothing of this file was stored", errs[n]))
			continue
		}
		i.say(file, sieves[n])
		for series, sum := range results[n] {
			i.sums[series] = i.sums[series].Plus(sum)
		}
	}
	return wrong, nil
}

// feed reads one file.
func (i *importer) feed(ctx context.Context, file *files.File, s *sieve) store.Feed {
	return func(merge func(meter.Series, []meter.DayValues) error) error {
		read := int64(0)
		file.Read(func(n int64) { // a workbook is larger when it is unpacked
			n = min(n, file.Size-read)
			read += n
			i.progress.Add(n)
		})
		taken := false
		err := file.Walk(ctx, func(b files.Batch) error {
			days := s.pass(b)
			if len(days) == 0 {
				return nil
			}
			taken = true
			return merge(b.Series, days)
		})
		i.progress.Add(file.Size - read)
		if err == nil && !taken {
			err = fmt.Errorf("%s: %w", shownName(file), s.nothing())
		}
		return advised(err)
	}
}

// shownName is the file's name without the whole number of a meter.
func shownName(file *files.File) string { return meter.Shortened(filepath.Base(file.Path())) }

// say tells what a file was, and what of it was left out.
func (i *importer) say(file *files.File, s *sieve) {
	fmt.Fprintf(i.out, "%s: %s\n", shownName(file), file.Format)
	for _, left := range file.LeftOut() {
		fmt.Fprintf(i.out, "  left out: %d %s\n", left.Count, left.Why)
	}
	if s.early > 0 {
		fmt.Fprintf(i.out, "  left out: %d days that are not over\n", s.early)
	}
}

// advised adds what to do about a file that does not say enough.
func advised(err error) error {
	switch {
	case errors.Is(err, files.ErrNoPRM):
		return fmt.Errorf("%w: say it with --prm", err)
	case errors.Is(err, files.ErrNoDirection):
		return fmt.Errorf("%w: say it with --direction", err)
	}
	return err
}

// sieve lets through what was asked for.
type sieve struct {
	importCommand
	today  meter.Day
	others map[meter.Series]bool // passed over
	early  int                   // days that are not over
}

func (s *sieve) pass(b files.Batch) []meter.DayValues {
	prm := meter.PRM(withoutBlanks(s.PRM))
	if prm != "" && b.Series.PRM != prm || s.Direction != "auto" && string(b.Series.Direction) != s.Direction {
		if s.others == nil {
			s.others = make(map[meter.Series]bool)
		}
		s.others[b.Series] = true
		return nil
	}
	before := len(b.Days)
	days := slices.DeleteFunc(b.Days, func(d meter.DayValues) bool { return d.Day >= s.today })
	s.early += before - len(days)
	return days
}

// nothing says why no day was taken.
func (s *sieve) nothing() error {
	switch {
	case s.early > 0:
		return errors.New("there are only days in it that are not over")
	case len(s.others) == 0:
		return errors.New("there is no value in it")
	}
	var names []string
	for _, series := range slices.SortedFunc(maps.Keys(s.others), bySeries) {
		names = append(names, series.PRM.Short()+" "+series.Name())
	}
	return fmt.Errorf("what you ask for is not in it, but %s", strings.Join(names, ", "))
}

func bySeries(a, b meter.Series) int {
	return strings.Compare(string(a.PRM)+a.Name(), string(b.PRM)+b.Name())
}

// report says what became of each series.
func (i *importer) report() {
	if len(i.sums) == 0 {
		return
	}
	w := tabwriter.NewWriter(i.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "meter\tseries\tdays\tnew\tchanged\tsame\tkept\trefused\tfrom\tto")
	for _, series := range slices.SortedFunc(maps.Keys(i.sums), bySeries) {
		sum := i.sums[series]
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", series.PRM.Short(), series.Name(),
			sum.Read, sum.New, sum.Changed, sum.Same, sum.Kept, sum.Refused, sum.Days.From, sum.Days.To-1)
	}
	_ = w.Flush() // as with what is printed elsewhere
	i.explain()
}

// explain says what the columns mean that tell of something that was not taken.
func (i *importer) explain() {
	var all store.Imported
	for _, sum := range i.sums {
		all = all.Plus(sum)
	}
	if all.Kept > 0 {
		fmt.Fprintln(i.out, "kept: what is stored is better, and stays.")
	}
	if all.Refused > 0 {
		fmt.Fprintln(i.out, "refused: what is stored has slots of another length, and is better or more; it stays.")
	}
	if i.DryRun {
		fmt.Fprintln(i.out, "This was a dry run: nothing was changed.")
	}
}

// settings writes the settings that correspond to a config.yaml of MyElectricalData.
func (c importCommand) settings(out io.Writer, file *files.File) error {
	s, err := file.Settings()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "# The settings of enedis2mqtt that correspond to %s; nothing was written.\n", filepath.Base(file.Path()))
	for _, line := range medSettingLines(s, c.Secrets) {
		fmt.Fprintln(out, line)
	}
	return nil
}
