// Package files reads what other tools and Enedis's account pages leave on a disk, and our own export: each file becomes days
// of meters, with exact instants, quality and source. It finds out the format by the content, never by the name, reads as a
// stream where the format allows it, and stores nothing.
//
// A file is good as a whole or not at all: the first thing that cannot be right ends the walk with an error that names the
// line. What a tool writes where it has no value is no error: such places are counted, see File.LeftOut.
package files

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Source is the name of the source of what comes from a file.
const Source = "file"

// Format is what a file was recognised as, in words for people.
type Format string

// The formats.
const (
	OwnLines     Format = "our own export (JSON lines)"
	OwnTable     Format = "our own export (CSV)"
	AccountText  Format = "a download of Enedis's account (CSV)"
	AccountSheet Format = "a download of Enedis's account (XLSX)"
	ConsoTable   Format = "Conso Downloader's CSV"
	MEDCache     Format = "MyElectricalData's database"
	MEDConfig    Format = "MyElectricalData's config.yaml"
)

// What a file may lack that its reader has to know from elsewhere.
var (
	ErrNoPRM       = errors.New("the file does not say of which meter it is")
	ErrNoDirection = errors.New("the file does not say whether it is consumption or production")
)

// ErrUnknown means that the content is of no format known.
var ErrUnknown = errors.New("this is no file that can be imported")

// Options is what the reader of a file has to know beside its content.
type Options struct {
	PRM       meter.PRM       // the meter, where the file names none; empty when unknown
	Direction meter.Direction // likewise
	Sources   []string        // the names of sources that our own export may give beside Source
}

// Batch is some days of one series, in the order of the file.
type Batch struct {
	Series meter.Series
	Days   []meter.DayValues
}

// File is a file that was recognised.
type File struct {
	Format Format
	Size   int64 // bytes

	path    string
	told    func(n int64) // may be nil
	o       Options
	leftOut map[string]int
}

// Open recognises the file at path; nothing stays open. The error names the file by its base name.
func Open(path string, o Options) (*File, error) {
	f := &File{path: path, o: o, leftOut: make(map[string]int)}
	if err := f.recognise(); err != nil {
		return nil, f.named(err)
	}
	return f, nil
}

func (f *File) recognise() error {
	disk, err := os.Open(f.path)
	if err != nil {
		return bare(err)
	}
	defer func() { _ = disk.Close() }() // nothing was written
	info, err := disk.Stat()
	if err != nil {
		return bare(err)
	}
	if info.IsDir() {
		return errors.New("this is a folder: name the files in it")
	}
	f.Size = info.Size()
	start, err := bufio.NewReaderSize(disk, beginning).Peek(beginning)
	if err != nil && !errors.Is(err, io.EOF) {
		return bare(err)
	}
	f.Format, err = formatOf(start)
	return err
}

// bare takes the path, which may be personal and long, out of an error of the system.
func bare(err error) error {
	if failure, ok := errors.AsType[*os.PathError](err); ok {
		return failure.Err
	}
	return err
}

func (f *File) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", shown(filepath.Base(f.path)), err)
}

// shown is a file's name without the whole number of a meter.
func shown(name string) string {
	for _, prm := range prmsIn(name) {
		name = strings.ReplaceAll(name, string(prm), prm.Short())
	}
	return name
}

// beginning is how many bytes tell a format.
const beginning = 64 << 10

// formatOf recognises a file by its first bytes.
func formatOf(start []byte) (Format, error) {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(start, []byte(bom)), " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return "", errors.New("the file is empty")
	case bytes.HasPrefix(start, []byte("SQLite format 3\x00")):
		return MEDCache, nil
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return AccountSheet, nil
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return "", errors.New("the file is compressed (gzip): unpack it first")
	case trimmed[0] == '{':
		return OwnLines, nil
	case isConfig(trimmed):
		return MEDConfig, nil
	case bytes.IndexByte(start, 0) >= 0:
		return "", unknown()
	}
	return formatOfTable(string(trimmed))
}

func unknown() error {
	return fmt.Errorf("%w: known are our own export, the downloads of Enedis's account (CSV, XLSX), Conso Downloader's CSV, and "+
		"MyElectricalData's database and config.yaml", ErrUnknown)
}

// Path is where the file lies.
func (f *File) Path() string { return f.path }

// Read has told be called with each number of bytes that is read. Of a workbook these are the unpacked ones, and of a database
// it is not called.
func (f *File) Read(told func(n int64)) { f.told = told }

// Walk reads the file from its beginning, and hands on what it holds in batches of at most about a month. It ends with the
// first error: of the file, with the number of the line where there are lines, of emit, or of ctx.
func (f *File) Walk(ctx context.Context, emit func(Batch) error) error {
	clear(f.leftOut)
	checked := func(b Batch) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return emit(b)
	}
	return f.named(f.read(ctx, checked))
}

func (f *File) read(ctx context.Context, emit func(Batch) error) error {
	switch f.Format {
	case MEDCache:
		return f.readCache(ctx, emit)
	case MEDConfig:
		return errors.New("there are settings in it, and no data")
	case AccountSheet:
		return f.readWorkbook(ctx, emit)
	}
	disk, err := os.Open(f.path)
	if err != nil {
		return bare(err)
	}
	defer func() { _ = disk.Close() }() // nothing was written
	l := newLines(ctx, f.counted(disk))
	switch f.Format {
	case OwnLines:
		return f.readOwnLines(l, emit)
	case OwnTable:
		return f.readOwnTable(l, emit)
	default:
		return f.readTable(l, emit)
	}
}

// counted tells of what is read.
func (f *File) counted(r io.Reader) io.Reader {
	if f.told == nil {
		return r
	}
	return &counter{Reader: r, read: f.told}
}

type counter struct {
	io.Reader
	read func(n int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read(int64(n))
	return n, err
}

// leave counts something that the file holds and that is no value of a meter, or not one that can be told for certain.
func (f *File) leave(n int, why string) {
	if n > 0 {
		f.leftOut[why] += n
	}
}

// Left is how much of a file was left out, and why, in words for people.
type Left struct {
	Count int
	Why   string
}

// LeftOut gives what the last walk left out, in alphabetical order.
func (f *File) LeftOut() []Left {
	var all []Left
	for _, why := range slices.Sorted(maps.Keys(f.leftOut)) {
		all = append(all, Left{Count: f.leftOut[why], Why: why})
	}
	return all
}

// prm is the meter of a file whose content does not name one.
func (f *File) prm() (meter.PRM, error) {
	found := prmsIn(filepath.Base(f.path))
	switch {
	case f.o.PRM != "" && len(found) == 1 && found[0] != f.o.PRM:
		return "", fmt.Errorf("by its name it is of the meter %s, not of %s: rename it if that is wrong", found[0].Short(), f.o.PRM.Short())
	case f.o.PRM != "":
		return f.o.PRM, nil
	case len(found) == 1:
		return found[0], nil
	}
	return "", ErrNoPRM
}

// direction is that which one of the texts in the file tells; else that of the options, else of the file's name. A text that
// names both tells nothing.
func (f *File) direction(texts ...string) (meter.Direction, error) {
	for _, text := range texts {
		if d := directionIn(text); d != "" {
			return d, nil
		}
	}
	if d := cmp.Or(f.o.Direction, directionIn(filepath.Base(f.path))); d != "" {
		return d, nil
	}
	return "", ErrNoDirection
}

// directionIn is the direction that a text names; empty when it names none, or both.
func directionIn(text string) meter.Direction {
	text = fold(text)
	consumption := strings.Contains(text, "conso") || strings.Contains(text, "soutirage")
	production := strings.Contains(text, "prod") || strings.Contains(text, "injection")
	switch {
	case consumption && !production:
		return meter.Consumption
	case production && !consumption:
		return meter.Production
	}
	return ""
}
