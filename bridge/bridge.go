// Package bridge knows the order of things: it plans what is missing, asks the sources for it through one gate, has the
// answers stored, and publishes what the store then holds. It is the only package that knows all the trades, and it
// knows none of their details: no URL, no wire JSON, no SQL, no paho.
//
// Two lanes share one budget. A round asks for yesterday and ends; the backfill asks for older windows, one after the other while Enedis is quick, when
// no round runs. Everything that is published is a pure function of what the store keeps and the clock, so a restart, a
// reconnection or a new consumer derives it again without a call.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// Source is a way to Enedis's data. Fetch and Profile pass the gate before every HTTP request they make.
type Source interface {
	Name() string
	Traits() enedis.Traits
	Fetch(ctx context.Context, r enedis.Request) (enedis.Batch, error)
	Profile(ctx context.Context, p meter.PRM) (enedis.Profile, error)
}

// ErrRefused tells that the broker will never take a message as it is: waiting and publishing again do not help.
var ErrRefused = errors.New("the broker refuses the message")

// Broker takes what is published.
type Broker interface {
	// Publish hands a message to the broker and returns once it is acknowledged. An empty body removes a retained one.
	// errors.Is(err, ErrRefused) for a message that must change before it is published again.
	Publish(ctx context.Context, topic string, body []byte, retain bool) error
	// Connected signals each connection, once topics may be published.
	Connected() <-chan struct{}
}

// Meter is one meter of the settings.
type Meter struct {
	PRM        meter.PRM
	Name       string
	Directions []meter.Direction // these and no others; nil to find out
	Hourly     bool              // load curves are wanted
	Source     string            // the only source that is asked for it; empty: each in the order of preference
}

// Consenter is the source at which customers consent by a click.
type Consenter interface {
	Name() string
	// ConsentURL is the page on which a customer consents, for a state that comes back with the customer.
	ConsentURL(state string) string
	// Grants reads the parameters with which that page sent the browser back, and asks what the consent opens. The error is an
	// *enedis.ConsentError when there is no consent, and enedis.ErrNotReady while the services are not known.
	Grants(ctx context.Context, back url.Values) ([]enedis.Grant, error)
}

// Lister is a source that tells which meters its credentials open.
type Lister interface {
	Meters(ctx context.Context) ([]meter.PRM, error)
}

// TokenHolder is a source whose credentials tell until when they open a meter.
type TokenHolder interface {
	// ConsentUntil is the last day; ok is false where nobody knows.
	ConsentUntil(p meter.PRM) (last meter.Day, ok bool)
}

// Options are what the bridge is made of.
type Options struct {
	Store   *store.Store
	Ledger  *Ledger
	Sources []Source // in order of preference
	Broker  Broker
	Meters  []Meter
	// ListMeters has the sources that are a Lister tell of meters beside Meters: METERS is empty.
	ListMeters bool
	Consent    Consenter         // nil: nobody can consent here
	Credential map[string]string // per source a word that changes when its credentials do, and tells nothing of them
	Schedule   Schedule
	History    History
	Topics     contract.Topics
	Locale     contract.Locale
	Discovery  *discovery.Options // nil: none
	// StatusTopic is where Home Assistant says that it is back; empty: nowhere.
	StatusTopic string
	Statistics  Statistics // of Home Assistant; nil: none
	Heartbeat   bool       // write it into the store, for a health check that cannot ask the page
	Version     string
	Commit      string
	Now         func() time.Time
	Log         *slog.Logger
}

// Bridge carries data from the sources to the broker.
type Bridge struct {
	Options
	roads   []*road // the sources, in order of preference
	plan    planner
	board   *board
	started time.Time

	wake      chan struct{} // capacity 1: something may be due
	dirty     chan struct{} // capacity 1: something is to be published
	pump      chan struct{} // capacity 1: the event stream may have grown
	answering chan struct{} // capacity 1: a response waits

	renewed bool // the credentials of a source have changed since the last start

	saving sync.Mutex // of what is kept of meters; taken before mu

	mu        sync.Mutex
	units     map[meter.PRM]*unit
	prms      []meter.PRM        // the meters, as in the settings, then as they were consented to and listed
	listed    map[string]listing // which meters the sources serve that tell it
	pending   []ending           // answers that the store could not take yet
	filling   int                // requests of the backfill that are under way
	answers   []answer           // responses that wait for the broker, oldest first
	storage   error              // why the store fails; nil while it works
	retryAt   time.Time          // when the store is tried again
	awaited   int                // consents whose services Enedis does not know yet
	lost      int                // consents that were given up for that
	lastRound *contract.Round
	fare      *contract.Statistics // how the import into Home Assistant fares; nil while nobody knows
	nextRound time.Time
	holdFrom  int64 // events from this revision on wait for the end of the round; 0: none

	marked        map[meter.PRM]time.Time // meters to publish, and when at the earliest
	lastSent      map[meter.PRM]time.Time
	unsavedLights map[meter.PRM]store.Light // lights that the store has not taken yet
	everyone      bool                      // the next pass publishes all that is wanted, and removes what is not
	birthAt       time.Time                 // when Home Assistant, which said that it is back, gets everything again; zero: it did not
	sweepAt       time.Time                 // when what the devices that went have read is removed; zero: nothing is
	bridgeAgain   time.Time                 // when the bridge's device may be announced again; zero: it need not be
	beatAt        time.Time                 // the schedule's last sign of life
	ready         bool                      // everything has been published since the last connection
}

// New loads what the store keeps. It makes no call.
func New(ctx context.Context, o Options) (*Bridge, error) {
	b := &Bridge{
		Options: o, started: o.Now(),
		wake: make(chan struct{}, 1), dirty: make(chan struct{}, 1), pump: make(chan struct{}, 1),
		answering: make(chan struct{}, 1),
		units:     make(map[meter.PRM]*unit), unsavedLights: make(map[meter.PRM]store.Light), everyone: true,
		listed: make(map[string]listing),
		marked: make(map[meter.PRM]time.Time), lastSent: make(map[meter.PRM]time.Time),
	}
	if err := b.load(ctx); err != nil {
		return nil, fmt.Errorf("read the store: %w", err)
	}
	return b, nil
}

// Run works until ctx ends: it publishes from the store, then keeps the schedule.
func (b *Bridge) Run(ctx context.Context) error {
	clock, err := b.startSchedule(ctx)
	if err != nil {
		return err
	}
	defer b.rest(ctx)
	defer clock.stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.work(ctx) })
	group.Go(func() error { return b.publish(ctx) })
	group.Go(func() error { return b.stream(ctx) })
	group.Go(func() error { return b.followStatistics(ctx) })
	group.Go(func() error { return b.respond(ctx) })
	return group.Wait()
}

// acknowledgeWithin bounds how long the broker may take for its word on a message.
const acknowledgeWithin = 30 * time.Second

// deliver publishes a document and waits for the broker's word, but not for ever.
func deliver(ctx context.Context, to Broker, d contract.Document) error {
	ctx, cancel := context.WithTimeout(ctx, acknowledgeWithin)
	defer cancel()
	return to.Publish(ctx, d.Topic, d.Body, d.Retain)
}

// signal says that something changed, without waiting for anyone to listen.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rank orders the sources by preference; a source that is no longer configured comes last.
func (b *Bridge) rank(name string) int {
	for i, s := range b.Sources {
		if s.Name() == name {
			return i
		}
	}
	return len(b.Sources)
}
