package files

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"strings"
)

// Bounds of a workbook: the account gives at most a week of half hours, or three years of days.
const (
	largestPart    = 64 << 20 // bytes of one part when it is unpacked
	mostStrings    = 1 << 20
	highestColumn  = 64
	partWorkbook   = "xl/workbook.xml"
	partRelations  = "xl/_rels/workbook.xml.rels"
	partStrings    = "xl/sharedStrings.xml"
	spreadsheetUnk = "this is no workbook (XLSX) that can be read"
)

// readWorkbook reads a workbook of Enedis's account. Each sheet that has a table in it counts; the sheet's name tells the
// direction.
func (f *File) readWorkbook(ctx context.Context, emit func(Batch) error) error {
	disk, err := os.Open(f.path)
	if err != nil {
		return bare(err)
	}
	defer func() { _ = disk.Close() }() // nothing was written
	archive, err := zip.NewReader(disk, f.Size)
	if err != nil {
		return fmt.Errorf(spreadsheetUnk+": %w", err)
	}
	w := &workbook{f: f, ctx: ctx, archive: archive}
	sheets, err := w.open()
	if err != nil {
		return err
	}
	found := false
	for _, s := range sheets {
		err := f.readRows(w.rows(s), s.name, emit)
		if errors.Is(err, errNoHeader) { // a title page
			continue
		}
		if err != nil {
			return fmt.Errorf("sheet %q: %w", excerpt(s.name), err)
		}
		found = true
	}
	if !found {
		return unknown()
	}
	return nil
}

// workbook reads the parts of an XLSX file: a zip of XML, ECMA-376.
type workbook struct {
	f       *File
	ctx     context.Context
	archive *zip.Reader
	strings []string
}

type sheet struct{ name, part string }

// open reads what all sheets share.
func (w *workbook) open() ([]sheet, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var relations struct {
		Relations []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := w.decode(partWorkbook, &book); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, errors.New("this is a zip archive and no workbook: unpack it first")
		}
		return nil, err
	}
	if err := w.decode(partRelations, &relations); err != nil {
		return nil, err
	}
	if err := w.readStrings(); err != nil {
		return nil, err
	}
	var sheets []sheet
	for _, s := range book.Sheets {
		for _, r := range relations.Relations {
			if r.ID == s.ID {
				sheets = append(sheets, sheet{name: s.Name, part: target(r.Target)})
			}
		}
	}
	return sheets, nil
}

// target is the name of a part as a relation of the workbook gives it.
func target(name string) string {
	if strings.HasPrefix(name, "/") {
		return name[1:]
	}
	return path.Join("xl", name)
}

// part opens a part; os.ErrNotExist where there is none.
func (w *workbook) part(name string) (io.ReadCloser, error) {
	for _, file := range w.archive.File {
		if file.Name != name {
			continue
		}
		if file.UncompressedSize64 > largestPart {
			return nil, fmt.Errorf("its part %s is too large", name)
		}
		body, err := file.Open()
		if err != nil {
			return nil, fmt.Errorf(spreadsheetUnk+": %w", err)
		}
		return body, nil
	}
	return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
}

func (w *workbook) decode(name string, into any) error {
	body, err := w.part(name)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // nothing was written
	if err := xml.NewDecoder(io.LimitReader(w.f.counted(body), largestPart)).Decode(into); err != nil {
		return fmt.Errorf(spreadsheetUnk+": %s: %w", name, err)
	}
	return nil
}

// richText is a text that may be cut into runs of one look each.
type richText struct {
	Text string   `xml:"t"`
	Runs []string `xml:"r>t"`
}

func (t richText) String() string { return t.Text + strings.Join(t.Runs, "") }

// readStrings reads the texts that cells refer to; a workbook may do without.
func (w *workbook) readStrings() error {
	body, err := w.part(partStrings)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // nothing was written
	for t, err := range elements[richText](w, body, "si") {
		if err != nil {
			return err
		}
		if len(w.strings) == mostStrings {
			return errors.New("it has too many texts")
		}
		w.strings = append(w.strings, t.String())
	}
	return nil
}

// elements walks the elements of a name in a part, one at a time in memory.
func elements[T any](w *workbook, body io.Reader, name string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		decoder := xml.NewDecoder(io.LimitReader(w.f.counted(body), largestPart))
		for {
			var one T
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			start, ok := token.(xml.StartElement)
			if err == nil && (!ok || start.Name.Local != name) {
				continue
			}
			if err == nil {
				err = decoder.DecodeElement(&one, &start)
			}
			if err == nil {
				err = w.ctx.Err()
			} else {
				err = fmt.Errorf(spreadsheetUnk+": %w", err)
			}
			if !yield(one, err) || err != nil {
				return
			}
		}
	}
}

type xmlRow struct {
	Number int       `xml:"r,attr"`
	Cells  []xmlCell `xml:"c"`
}

type xmlCell struct {
	Place  string   `xml:"r,attr"` // as in B14
	Type   string   `xml:"t,attr"`
	Value  string   `xml:"v"`
	Inline richText `xml:"is"`
}

// rows walks the rows of a sheet; cells that the sheet passes over are empty.
func (w *workbook) rows(s sheet) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		body, err := w.part(s.part)
		if err != nil {
			yield(row{}, err)
			return
		}
		defer func() { _ = body.Close() }() // nothing was written
		line := 0
		for x, err := range elements[xmlRow](w, body, "row") {
			line++
			if x.Number > 0 {
				line = x.Number
			}
			r := row{line: line}
			for _, c := range x.Cells {
				if err == nil {
					err = w.place(&r, c)
				}
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// place puts the text of a cell into its column.
func (w *workbook) place(r *row, c xmlCell) error {
	column := len(r.cells)
	if c.Place != "" {
		column = columnOf(c.Place)
	}
	if column < 0 || column >= highestColumn {
		return nil // far from any table of the account
	}
	for len(r.cells) <= column {
		r.cells = append(r.cells, "")
	}
	text := c.Value
	switch c.Type {
	case "s":
		n := -1
		if _, err := fmt.Sscanf(c.Value, "%d", &n); err != nil || n < 0 || n >= len(w.strings) {
			return faulty(r.line, "the cell %s refers to a text that is not there", excerpt(c.Place))
		}
		text = w.strings[n]
	case "inlineStr":
		text = c.Inline.String()
	case "e":
		text = "" // an error of a formula
	}
	r.cells[column] = text
	return nil
}

// columnOf gives 1 for B14; -1 for what is no place.
func columnOf(place string) int {
	n := 0
	for _, letter := range place {
		if letter < 'A' || letter > 'Z' {
			break
		}
		n = n*26 + int(letter-'A') + 1
		if n > 1<<20 {
			break
		}
	}
	return n - 1
}
