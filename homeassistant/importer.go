package homeassistant

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Mark is what is remembered of a statistic: how far it follows our store, and the row that was last when we left it. As
// long as that row stands there unchanged, and is the last, the rows before it are trusted, and the next ones build on
// their sum. Else all of them are compared.
type Mark struct {
	Revision   int64        `json:"revision"`    // the changes up to here are in the statistic
	Last       time.Time    `json:"last"`        // the newest row; zero while there is none
	Sum        meter.Joules `json:"sum"`         // its sum
	WholeAt    time.Time    `json:"whole_at"`    // when all that had changed was last brought
	ImportedAt time.Time    `json:"imported_at"` // when rows were last written; zero for never
}

// Store keeps days and marks.
type Store interface {
	// Days walks the stored days of a series, oldest first. An error ends the walk.
	Days(ctx context.Context, series meter.Series, run meter.Days) iter.Seq2[meter.DayValues, error]
	// Changed gives the oldest day of the direction's load curve and daily values whose revision is above after, and
	// the newest such revision: after itself when nothing changed.
	Changed(ctx context.Context, prm meter.PRM, d meter.Direction, after int64) (first meter.Day, revision int64, err error)
	// Mark gives what SetMark kept; the zero Mark when there is nothing.
	Mark(ctx context.Context, id ID) (Mark, error)
	SetMark(ctx context.Context, id ID, m Mark) error
}

// Options shape an Importer.
type Options struct {
	Endpoint *url.URL     // see Endpoint
	Token    string       // of an administrator; the Supervisor's for an add-on
	HTTP     *http.Client // for the handshake; nil for one that keeps to the rules of Endpoint
	Store    Store
	Series   func() []Series // what is to be kept, asked before each pass
	// Filling tells whether older days of a meter are still to come: each of them would move the sums of all that follow.
	// Nil for never.
	Filling func(meter.PRM) bool
	Log     *slog.Logger
	Now     func() time.Time
}

// Importer keeps statistics as the store would have them. Run does the work; its other methods may be called by many
// goroutines.
type Importer struct {
	o       Options
	changed chan struct{}
	online  chan struct{}
	updated chan struct{}

	mu      sync.Mutex
	outcome Outcome
	learnt  map[string]style // of metadata, by version, where it is not the one expected

	failures int       // in a row; Run alone has it
	due      time.Time // of the next pass; zero while none is wanted; Run alone has it
	held     []hold    // what waits for the end of a backfill; Run alone has it
}

// New makes an Importer; it does not connect.
func New(o Options) *Importer {
	if o.Filling == nil {
		o.Filling = func(meter.PRM) bool { return false }
	}
	return &Importer{
		o:       o,
		changed: make(chan struct{}, 1),
		online:  make(chan struct{}, 1),
		updated: make(chan struct{}, 1),
		learnt:  make(map[string]style),
	}
}

// pass brings every series up to date over one connection. A series that is refused does not keep the others waiting.
func (i *Importer) pass(ctx context.Context, series []Series) (done []SeriesOutcome, version string, err error) {
	if err := i.recollect(ctx, series); err != nil {
		return nil, "", err
	}
	c, err := Dial(ctx, i.o.Endpoint, i.o.Token, i.o.HTTP)
	if err != nil {
		return nil, "", err
	}
	defer c.Close()
	i.recall(c)
	defer i.learn(c)
	recorder, err := c.Recorder(ctx)
	if err == nil {
		err = recorder.Ready()
	}
	if err != nil {
		return nil, c.Version(), err
	}
	inUse, err := c.InEnergy(ctx)
	if err != nil {
		return nil, c.Version(), err
	}
	i.reached()
	var errs []error
	for _, s := range series {
		o := SeriesOutcome{Series: s, InEnergy: slices.Contains(inUse, s.ID())}
		o.Err = i.update(ctx, c, &o)
		done = append(done, o)
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.ID().Short(), o.Err))
		}
		if !apart(o.Err) {
			break
		}
	}
	return done, c.Version(), errors.Join(errs...)
}

// apart tells whether an error concerns one statistic alone; so does none.
func apart(err error) bool {
	_, refused := errors.AsType[*Error](err)
	_, other := errors.AsType[*MetadataError](err)
	return err == nil || other || refused && !errors.Is(err, ErrAdmin) && !errors.Is(err, ErrNotReady)
}

// recall gives the connection what former ones of the same version learnt.
func (i *Importer) recall(c *Client) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s, ok := i.learnt[c.Version()]; ok {
		c.setMetadataStyle(s)
	}
}

func (i *Importer) learn(c *Client) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s := c.metadataStyle(); s != styleOf(c.Version()) {
		i.learnt = map[string]style{c.Version(): s}
	}
}
