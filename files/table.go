package files

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// whyAbsent is of cells that are empty too, where there is a time beside them.
const whyAbsent = "places where the file says that there is no value"

// searched is how many lines may stand above the header of a table.
const searched = 60

// header says which columns a table of Enedis's account, or of Conso Downloader, has; -1 for none.
type header struct {
	start, end, date, value int
	unit                    unit
	text                    string // of the value's column
	conso                   bool   // as Conso Downloader heads it, which stamps the start
}

// headerOf recognises the header of a table by its texts, wherever it stands. Seen are "Début", "Fin", "Valeur (en kW)" and
// "Date", "Valeur (en kWh)" in the account's workbooks, "Date;Valeur (en Wh)" and "Date;Consommation (en kWh)" in texts, and
// "debut;fin;kW", of which a fork has "kWh", from Conso Downloader.
func headerOf(cells []string) (h header, ok bool) {
	h = header{start: -1, end: -1, date: -1, value: -1}
	for i, cell := range cells {
		switch text := fold(cell); text {
		case "debut":
			h.start = i
		case "fin":
			h.end = i
		case "date":
			h.date = i
		default:
			if u, ok := unitOf(text); ok && h.value < 0 {
				h.value, h.unit, h.text = i, u, cell
				h.conso = !strings.Contains(text, " ")
			}
		}
	}
	curve := h.start >= 0 && h.end >= 0
	return h, h.value >= 0 && (curve || h.date >= 0 && h.unit.energy)
}

// formatOfTable recognises a text by its first lines.
func formatOfTable(start string) (Format, error) {
	count := 0
	for line := range strings.SplitSeq(start, "\n") {
		if count++; count > searched {
			break
		}
		cells, err := cut(asText(strings.TrimRight(line, "\r")), commaOf(line))
		if err != nil || len(cells) < 2 {
			continue
		}
		switch h, ok := headerOf(cells); {
		case isOwnHeader(cells):
			return OwnTable, nil
		case isBlockHeader(cells), isRowsHeader(cells):
			return AccountText, nil
		case ok && h.conso:
			return ConsoTable, nil
		case ok:
			return AccountText, nil
		}
	}
	return "", unknown()
}

// readTable reads a text of Enedis's account, or of Conso Downloader.
func (f *File) readTable(l *lines, emit func(Batch) error) error {
	return f.readRows(l.rows(0), "", emit)
}

// readRows reads the rows of a text or of a sheet; name is the sheet's. It is the header that says what follows.
func (f *File) readRows(rows iter.Seq2[row, error], name string, emit func(Batch) error) error {
	var prm meter.PRM // as the lines above the header name it
	var reader rowReader
	for r, err := range rows {
		if err != nil {
			return err
		}
		if reader == nil {
			if reader, err = f.readerOf(r, name, prm, emit); err != nil {
				return err
			}
			if reader == nil && len(prmsIn(strings.Join(r.cells, " "))) == 1 {
				prm = cmp.Or(prm, prmsIn(strings.Join(r.cells, " "))[0])
			}
			continue
		}
		if err := reader.take(r); err != nil {
			return err
		}
	}
	if reader == nil {
		return errNoHeader
	}
	return reader.flush()
}

// rowReader reads the rows below a header.
type rowReader interface {
	take(r row) error
	flush() error
}

// readerOf gives the reader of what follows a header; nil when the row is none.
func (f *File) readerOf(r row, name string, prm meter.PRM, emit func(Batch) error) (rowReader, error) {
	if isBlockHeader(r.cells) || isRowsHeader(r.cells) {
		b := &blocks{f: f, emit: emit}
		return b, b.take(r)
	}
	h, ok := headerOf(r.cells)
	if !ok {
		if r.line > searched {
			return nil, faulty(r.line, "%w", errNoHeader)
		}
		return nil, nil
	}
	if prm == "" {
		var err error
		if prm, err = f.prm(); err != nil {
			return nil, err
		}
	}
	direction, err := f.direction(name, h.text)
	if err != nil {
		return nil, err
	}
	s := meter.Series{PRM: prm, Direction: direction, Measure: meter.Daily}
	if h.start < 0 {
		return &dailyRows{header: h, series: s, out: batcher{f: f, emit: emit}}, nil
	}
	s.Measure = meter.LoadCurve
	t := &curveRows{header: h, step: 30 * time.Minute}
	t.out = wallCurve{curve: curve{f: f, series: s, quality: meter.Raw, emit: emit}, atStart: h.conso}
	return t, nil
}

// dailyRows reads a table of daily energies.
type dailyRows struct {
	header
	series meter.Series
	out    batcher
}

func (t *dailyRows) take(r row) error {
	value, ok, err := t.unit.number(r.cell(t.value))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	if r.cell(t.date) == "" && !ok {
		return nil
	}
	day, err := date(r.cell(t.date))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	if !ok {
		t.out.f.leave(1, whyAbsent)
		return nil
	}
	return t.out.add(t.series, meter.DayValues{Day: day, Source: Source, Quality: meter.Raw, Value: value})
}

func (t *dailyRows) flush() error { return t.out.flush() }

// curveRows reads a table of a curve. Enedis's account prints the start as its end less half an hour, on days of a clock
// change too, so that the end alone is right there; Conso Downloader's start is right, and its end is not.
type curveRows struct {
	header
	step time.Duration // of the row before
	out  wallCurve
}

func (t *curveRows) take(r row) error {
	value, ok, err := t.unit.number(r.cell(t.value))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	if r.cell(t.start) == "" && r.cell(t.end) == "" && !ok {
		return nil
	}
	start, err := wall(r.cell(t.start))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	end, err := wallEnd(r.cell(t.end))
	if err != nil {
		return faulty(r.line, "%w", err)
	}
	if step := end.Sub(start); allowed(step) {
		t.step = step
	} else if !nearChange(start) {
		return faulty(r.line, "from %s to %s is no slot of a curve", start.Format(time.DateTime), end.Format(time.DateTime))
	}
	at := end
	if t.conso {
		at = start
	}
	return t.out.add(stamped{
		Stamp: meter.Stamp{At: at, Step: t.step}, watts: t.unit.watts(value, t.step), missing: !ok,
	})
}

func (t *curveRows) flush() error { return t.out.flush() }

// nearChange tells whether the clocks change on the day of a wall-clock time.
func nearChange(at meter.Wall) bool {
	return meter.NewDay(at.Date()).Length() != 24*time.Hour
}

// columns finds the columns of a header by their folded texts.
func columns(cells []string) func(text string) int {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = fold(cell)
	}
	return func(text string) int { return slices.Index(texts, text) }
}
