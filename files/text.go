package files

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	// bom opens many a file that a spreadsheet is meant to read.
	bom = "\ufeff"
	// longestLine is far beyond that of any format, a curve day of five minutes included.
	longestLine = 1 << 20
)

// faulty is an error in a line; lines count from 1.
func faulty(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", line, fmt.Errorf(format, args...))
}

// lines reads a text line by line.
type lines struct {
	ctx     context.Context // ends the walk between two lines
	scanner *bufio.Scanner
	n       int // of the last line read, from 1
}

func newLines(ctx context.Context, r io.Reader) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), longestLine)
	return &lines{ctx: ctx, scanner: s}
}

// all walks the lines that are not blank. Bytes that are no UTF-8 are taken for Windows-1252, in which spreadsheets save.
func (l *lines) all() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for l.scanner.Scan() {
			l.n++
			text := l.scanner.Text()
			if l.n == 1 {
				text = strings.TrimPrefix(text, bom)
			}
			text = asText(text)
			if strings.TrimSpace(text) == "" {
				continue
			}
			if !yield(text, l.ctx.Err()) {
				return
			}
		}
		switch err := l.scanner.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield("", faulty(l.n+1, "it is longer than %d bytes", longestLine))
		case err != nil:
			yield("", bare(err))
		}
	}
}

// asText reads bytes that are no UTF-8 as Windows-1252, of which the letters of French are as in Unicode.
func asText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// row is a line of a table.
type row struct {
	line  int // from 1
	cells []string
}

// cell is the text of a column; empty where the row has none.
func (r row) cell(column int) string {
	if column < 0 || column >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(r.cells[column])
}

// rows cuts the lines into cells, at the separator that the first line has when comma is 0.
func (l *lines) rows(comma rune) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for text, err := range l.all() {
			var cells []string
			if comma == 0 {
				comma = commaOf(text)
			}
			if err == nil {
				cells, err = cut(text, comma)
				if err != nil {
					err = faulty(l.n, "%w", err)
				}
			}
			if !yield(row{line: l.n, cells: cells}, err) || err != nil {
				return
			}
		}
	}
}

// cut gives the cells of one line; none of the formats has a line break in a cell.
func cut(line string, comma rune) ([]string, error) {
	if !strings.Contains(line, `"`) {
		return strings.Split(line, string(comma)), nil
	}
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.LazyQuotes = comma, true
	cells, err := r.Read()
	if failure, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, failure.Err
	}
	return cells, err
}

// commaOf guesses the separator of a header line.
func commaOf(header string) rune {
	best := ';'
	for _, comma := range ",\t" {
		if strings.Count(header, string(comma)) > strings.Count(header, string(best)) {
			best = comma
		}
	}
	return best
}

// fold makes texts of headers comparable: lower case, without accents, quotes and double blanks.
func fold(text string) string {
	text = strings.Map(func(r rune) rune {
		switch r {
		case 'é', 'è', 'ê', 'ë':
			return 'e'
		case 'à', 'â':
			return 'a'
		case 'î', 'ï':
			return 'i'
		case 'ô':
			return 'o'
		case 'û', 'ù':
			return 'u'
		case 'ç':
			return 'c'
		case '"', '\ufeff':
			return -1
		}
		if unicode.Is(unicode.Mn, r) { // an accent that stands for itself
			return -1
		}
		return r
	}, strings.ToLower(text))
	return strings.Join(strings.Fields(text), " ")
}

var digits = regexp.MustCompile(`[0-9]+`)

// prmsIn finds the PRMs in a text, each once. A time written as 14 digits is none.
func prmsIn(text string) []meter.PRM {
	var found []meter.PRM
	for _, run := range digits.FindAllString(text, -1) {
		prm, err := meter.ParsePRM(run)
		if _, noTime := time.Parse("20060102150405", run); err != nil || noTime == nil {
			continue
		}
		if len(found) == 0 || found[len(found)-1] != prm {
			found = append(found, prm)
		}
	}
	return found
}
