package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressEvery is how often a line tells of the progress where there is no terminal to draw on.
const progressEvery = 10 * time.Second

// progress tells people how far a long command is, on the program's log: by a bar on a terminal, elsewhere by a plain line
// from time to time. It is for one goroutine. A nil progress tells nobody.
type progress struct {
	what        string
	total, done int64
	bar         *progressbar.ProgressBar // nil where there is no terminal

	out  io.Writer
	now  func() time.Time
	told time.Time // when the last line was written, or the progress began
}

// progress begins to tell of so many of something; what is a plural, as in "days". A total of 0 means that nobody knows it.
func (p *program) progress(what string, total int64) *progress {
	g := &progress{what: what, total: total, out: p.log, now: p.now, told: p.now()}
	if f, ok := p.log.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		g.bar = newBar(f, what, total)
	}
	return g
}

func newBar(out io.Writer, what string, total int64) *progressbar.ProgressBar {
	if total == 0 {
		total = -1 // the library's word for a total that is unknown
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // else a goroutine turns the spinner, for ever
	)
}

// Add tells that n more are done.
func (g *progress) Add(n int64) {
	if g == nil {
		return
	}
	g.done += n
	if g.bar != nil {
		_ = g.bar.Add64(n) // a terminal that is gone is no reason to stop the work
		return
	}
	if g.now().Sub(g.told) >= progressEvery {
		g.tell()
	}
}

// Done tells the end, of a part as well, where the work was given up.
func (g *progress) Done() {
	if g == nil {
		return
	}
	if g.bar != nil {
		_ = g.bar.Exit() // it stays as it is
		_, _ = fmt.Fprintln(g.out)
		return
	}
	g.tell()
}

// tell writes a line.
func (g *progress) tell() {
	g.told = g.now()
	if g.total > 0 {
		_, _ = fmt.Fprintf(g.out, "%s: %d of %d (%d %%)\n", g.what, g.done, g.total, 100*g.done/g.total)
		return
	}
	_, _ = fmt.Fprintf(g.out, "%s: %d\n", g.what, g.done)
}
