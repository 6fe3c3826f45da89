package files

import (
	"errors"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var errNoHeader = errors.New("no header of a known table")

// What the account's older text has beside values.
const (
	whyOther      = "values that are neither a curve, nor a daily energy, nor a maximum power of consumption"
	whyIndex      = "days between two readings of the meter that do not fit together"
	whyNoMidnight = "readings of the meter that are not of midnight"
)

// blocks reads the layout that Enedis's account had until about the end of 2024, which SGE's history files have too, and which
// ha-linky takes: blocks of two lines of metadata, the header "Horodate", and rows. Every row is told by its first cell.
//
// Stamps have their offset. A curve is stamped at the end of a slot, whose length is not said reliably and changes within a
// file. Readings of the meter at midnight are written an hour early in winter. The maximum power is in VA whatever the unit
// says (seen in files of 2020 to 2024).
type blocks struct {
	f    *File
	emit func(Batch) error

	metadata func(text string) int // columns of the metadata's header
	named    bool                  // the next row is the metadata
	series   meter.Series
	unit     unit
	quality  meter.Quality
	rows     rowReader // nil between the blocks
}

func isBlockHeader(cells []string) bool { return len(cells) > 1 && fold(cells[0]) == "identifiant prm" }

func isRowsHeader(cells []string) bool { return len(cells) > 1 && fold(cells[0]) == "horodate" }

func (b *blocks) take(r row) error {
	switch first := fold(r.cell(0)); {
	case first == "identifiant prm":
		b.metadata, b.named = columns(r.cells), true
		return b.flush()
	case b.named:
		b.named = false
		return b.describe(r)
	case first == "horodate":
		return b.open(r)
	case first == "periode":
		return b.flush()
	case b.rows != nil:
		return b.rows.take(r)
	case strings.HasPrefix(first, "du "): // a calendar's
		return nil
	}
	return faulty(r.line, "%q begins no row that is known", excerpt(r.cell(0)))
}

// describe reads the metadata of a block.
func (b *blocks) describe(r row) error {
	prm, err := meter.ParsePRM(r.cell(0))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	text := func(name string) string { return fold(r.cell(b.metadata(name))) }
	b.series = meter.Series{PRM: prm}
	switch text("grandeur metier") {
	case "consommation", "cons", "soutirage":
		b.series.Direction = meter.Consumption
	case "production", "prod", "injection":
		b.series.Direction = meter.Production
	}
	b.quality = meter.Raw
	if strings.Contains(text("etape metier"), "corrig") {
		b.quality = meter.Corrected
	}
	b.unit = unit{factor: 1}
	if u, ok := unitOf(text("unite")); ok {
		b.unit = u
	}
	b.series.Measure = ""
	switch kind := text("type de donnees"); {
	case strings.HasPrefix(kind, "courbe") && active(text("grandeur physique")):
		b.series.Measure = meter.LoadCurve
	case strings.HasPrefix(kind, "index") && active(text("grandeur physique")):
		b.series.Measure = meter.Daily
	case strings.HasPrefix(kind, "puissance max") && b.series.Direction != meter.Production:
		b.series.Measure = meter.MaxPower
	}
	return nil
}

// active tells apart active energy from reactive energy and voltage; a file that does not say it means it.
func active(quantity string) bool {
	return quantity == "" || quantity == "energie active" || quantity == "puissance active"
}

// open begins the rows of a block.
func (b *blocks) open(r row) error {
	if err := b.flush(); err != nil {
		return err
	}
	if b.metadata == nil { // the rows alone: what they are has to be known
		if err := b.guess(r); err != nil {
			return err
		}
	}
	column := columns(r.cells)
	switch b.series.Measure {
	case meter.LoadCurve:
		if b.series.Direction == "" {
			direction, err := b.f.direction()
			if err != nil {
				return err
			}
			b.series.Direction = direction
		}
		c := curve{f: b.f, series: b.series, quality: b.quality, emit: b.emit}
		b.rows = &timedRows{value: column("valeur"), unit: b.unit, out: c}
	case meter.Daily:
		b.rows = b.indexRows(column)
	case meter.MaxPower:
		b.series.Direction = meter.Consumption
		b.rows = &peakRows{value: column("valeur"), series: b.series, quality: b.quality, out: batcher{f: b.f, emit: b.emit}}
	default:
		b.rows = otherRows{b.f}
	}
	return nil
}

// guess takes rows without metadata for a curve in W, as they are when somebody has cut the two lines off.
func (b *blocks) guess(r row) (err error) {
	if columns(r.cells)("valeur") < 0 {
		return faulty(r.line, "%w", errNoHeader)
	}
	b.series.Measure, b.quality, b.unit = meter.LoadCurve, meter.Raw, unit{factor: 1}
	if b.series.PRM, err = b.f.prm(); err != nil {
		return err
	}
	b.series.Direction, err = b.f.direction()
	return err
}

func (b *blocks) flush() error {
	if b.rows == nil {
		return nil
	}
	rows := b.rows
	b.rows = nil
	return rows.flush()
}

// otherRows passes over rows of no measure of ours.
type otherRows struct{ f *File }

func (o otherRows) take(row) error { o.f.leave(1, whyOther); return nil }
func (otherRows) flush() error     { return nil }

// timedRows reads a curve that is stamped at the end of each slot.
type timedRows struct {
	value int
	unit  unit
	out   curve

	previous time.Time     // the stamp before the one that waits
	step     time.Duration // of the slot before
	waiting  *timed        // the newest stamp: its step is known when the next one has come
}

type timed struct {
	at     time.Time
	value  int64
	absent bool
}

func (t *timedRows) take(r row) error {
	at, err := instant(r.cell(0))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	value, ok, err := t.unit.number(r.cell(t.value))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	if w := t.waiting; w != nil {
		switch {
		case at.Equal(w.at):
			if ok && !w.absent && value != w.value {
				t.out.f.leave(1, whyOverlap)
			}
			w.absent = w.absent && !ok
			if ok {
				w.value = value
			}
			return nil
		case at.Before(w.at):
			return faulty(r.line, "the times are not in order")
		}
	}
	if err := t.settle(at); err != nil {
		return err
	}
	t.waiting = &timed{at: at, value: value, absent: !ok}
	return nil
}

// settle hands on the value that waits; next is the stamp after it, zero when there is none.
func (t *timedRows) settle(next time.Time) error {
	w := t.waiting
	if w == nil {
		return nil
	}
	t.step = stepOf(t.previous, w.at, next, t.step)
	t.previous = w.at
	if w.absent {
		t.out.f.leave(1, whyAbsent)
		return nil
	}
	return t.out.add(w.at.Add(-t.step), t.step, t.unit.watts(w.value, t.step))
}

func (t *timedRows) flush() error {
	if err := t.settle(time.Time{}); err != nil {
		return err
	}
	t.waiting = nil
	return t.out.flush()
}

// stepOf is the length of the slot that ends at a stamp: the distance to the stamp before it, when the slot before or the
// next distance has that length too; else a stamp is missing in between, and it is the shorter of those two.
func stepOf(previous, at, next time.Time, before time.Duration) time.Duration {
	var back, ahead time.Duration
	if !previous.IsZero() {
		back = at.Sub(previous)
	}
	if !next.IsZero() {
		ahead = next.Sub(at)
	}
	shortest := time.Duration(0)
	for _, step := range []time.Duration{before, ahead} {
		if allowed(step) && (shortest == 0 || step < shortest) {
			shortest = step
		}
	}
	switch {
	case allowed(back) && (back == before || back == ahead || shortest == 0 || back < shortest):
		return back
	case shortest > 0:
		return shortest
	}
	return 30 * time.Minute
}

// peakRows reads maximum powers.
type peakRows struct {
	value   int
	series  meter.Series
	quality meter.Quality
	out     batcher
}

func (t *peakRows) take(r row) error {
	at, err := instant(r.cell(0))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	value, ok, err := unit{factor: 1}.number(r.cell(t.value))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	if !ok {
		t.out.f.leave(1, whyAbsent)
		return nil
	}
	return t.out.add(t.series, meter.DayValues{
		Day: meter.DayOf(at), Source: Source, Quality: t.quality, Value: value, At: at,
	})
}

func (t *peakRows) flush() error { return t.out.flush() }

// indexRows reads the meter's absolute counts at midnight, and gives the energy of each day between two of them.
type indexRows struct {
	f       *File
	unit    unit
	quality meter.Quality
	columns []indexColumn
}

type indexColumn struct {
	column int
	series meter.Series
	day    meter.Day // of the newest reading; 0 before the first
	count  int64
	out    batcher
}

// indexRows finds the totals: of what was drawn, "EAS T", and of what was fed in, "EAI T".
func (b *blocks) indexRows(column func(text string) int) rowReader {
	t := &indexRows{f: b.f, unit: b.unit, quality: b.quality}
	for _, total := range []struct {
		header    string
		direction meter.Direction
	}{{"eas t", meter.Consumption}, {"eai t", meter.Production}} {
		if i := column(total.header); i >= 0 {
			s := meter.Series{PRM: b.series.PRM, Direction: total.direction, Measure: meter.Daily}
			t.columns = append(t.columns, indexColumn{column: i, series: s, out: batcher{f: b.f, emit: b.emit}})
		}
	}
	if len(t.columns) == 0 {
		return otherRows{b.f}
	}
	return t
}

func (t *indexRows) take(r row) error {
	at, err := instant(r.cell(0))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	local := at.In(meter.Paris())
	if local.Hour() == 23 && local.Minute() == 0 { // midnight, reckoned at UTC+2 all the year
		local = local.Add(time.Hour)
	}
	day := meter.DayOf(local)
	if !local.Equal(day.Start()) {
		t.f.leave(1, whyNoMidnight)
		return nil
	}
	for i := range t.columns {
		count, ok, err := t.unit.number(r.cell(t.columns[i].column))
		if err != nil {
			return faulty(r.line, "%w", err)
		}
		if !ok && r.cell(t.columns[i].column) != "" { // the empty column of a direction that the meter has not is no loss
			t.f.leave(1, whyAbsent)
		}
		if !ok {
			continue
		}
		if err := t.columns[i].take(t, day, count); err != nil {
			return err
		}
	}
	return nil
}

// take gives the energy of the day that ended with this reading.
func (c *indexColumn) take(t *indexRows, day meter.Day, count int64) error {
	before, was := c.day, c.count
	c.day, c.count = day, count
	switch {
	case before == 0 || day == before:
		return nil
	case day != before+1 || count < was: // a hole, or another meter
		t.f.leave(1, whyIndex)
		return nil
	}
	return c.out.add(c.series, meter.DayValues{Day: before, Source: Source, Quality: t.quality, Value: count - was})
}

func (t *indexRows) flush() error {
	for i := range t.columns {
		if err := t.columns[i].out.flush(); err != nil {
			return err
		}
	}
	return nil
}
