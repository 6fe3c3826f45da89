package bridge_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

const (
	// wantedBack is how many days before the first start the settings have history begin.
	wantedBack = 10
	// orderedBack is how many days before the first start the last order reaches; no other one reaches further.
	orderedBack = 24
	// longEnough is how long a life with trouble lasts: the ride of the request that ends it still holds all corrections.
	longEnough = 3 * 24 * time.Hour
)

// deed is something that happens in the life of a bridge.
type deed struct {
	what string
	name string        // of a fault or a command
	days int           // before today
	last time.Duration // how long it lasts, or what passes meanwhile
}

// GoString has rapid print a deed in one short line.
func (d deed) GoString() string {
	return fmt.Sprintf("{%s %q, %d days before, %s}", d.what, d.name, d.days, d.last)
}

// The deeds.
const (
	timePasses  = "time passes"
	killed      = "killed in a request, away for"
	stopped     = "stopped for"
	brokerGoes  = "the broker goes"
	brokerComes = "the broker comes"
	misbehaves  = "Enedis misbehaves for"
	corrects    = "Enedis corrects a day"
	comesLate   = "tomorrow's day comes late by"
	hasAHole    = "a hole, filled after"
	command     = "command"
	homeGoes    = "Home Assistant goes"
	homeComes   = "Home Assistant comes"
	homeForgets = "the statistic is removed"
)

// drawDeeds draws a life.
func drawDeeds(t *rapid.T) []deed {
	lasts := func(durations ...time.Duration) func(t *rapid.T, d *deed) {
		return func(t *rapid.T, d *deed) { d.last = rapid.SampledFrom(durations).Draw(t, "last") }
	}
	nothing := func(*rapid.T, *deed) {}
	kinds := map[string]func(t *rapid.T, d *deed){
		timePasses: lasts(7*time.Minute, 45*time.Minute, 5*time.Hour, 26*time.Hour),
		killed:     lasts(0, 10*time.Minute, 11*time.Hour),
		stopped:    lasts(0, 10*time.Minute, 26*time.Hour),
		brokerGoes: nothing, brokerComes: nothing, homeGoes: nothing, homeComes: nothing, homeForgets: nothing,
		misbehaves: func(t *rapid.T, d *deed) {
			d.name = rapid.SampledFrom([]string{
				"500", "hang", "reset", "truncated", "nodata", "empty", "partial", "429", "html", "expired",
			}).Draw(t, "fault")
			lasts(time.Minute, 3*time.Hour, 20*time.Hour)(t, d)
		},
		corrects:  func(t *rapid.T, d *deed) { d.days = rapid.IntRange(1, 5).Draw(t, "days") },
		comesLate: lasts(5*time.Hour, 13*time.Hour, 30*time.Hour),
		hasAHole: func(t *rapid.T, d *deed) {
			d.days = rapid.IntRange(0, 14).Draw(t, "days")
			d.name = rapid.SampledFrom([]string{"", "load_curve", "daily", "slots"}).Draw(t, "of")
			lasts(9*time.Hour, 40*time.Hour)(t, d)
		},
		command: func(t *rapid.T, d *deed) {
			d.name = rapid.SampledFrom([]string{"history", "history", "history/stop", "refresh", "republish"}).Draw(t, "command")
			d.days = rapid.IntRange(1, orderedBack).Draw(t, "days")
		},
	}
	names := slices.Sorted(maps.Keys(kinds))
	one := rapid.Custom(func(t *rapid.T) deed {
		d := deed{what: rapid.SampledFrom(names).Draw(t, "what")}
		kinds[d.what](t, &d)
		return d
	})
	return rapid.SliceOfN(one, 0, 10).Draw(t, "deeds")
}

// life is a bridge beside a broker and a Home Assistant, all of which go and come.
type life struct {
	*world
	began     meter.Day
	ha        *homeassistanttest.HomeAssistant
	client    *http.Client
	importer  *imports
	requests  []enedistest.Call // until nothing was left to ask
	disturbed int               // how often somebody gave a reason to ask again
}

// imports are the statistics in the words of the bridge.
type imports struct{ *homeassistant.Importer }

// Fare tells nothing: it is no part of what a life ends in.
func (*imports) Fare() *contract.Statistics { return nil }

// marks is the store in the words of the import.
type marks struct{ *store.Store }

func (m marks) Mark(ctx context.Context, id homeassistant.ID) (mark homeassistant.Mark, err error) {
	text, ok, err := m.Value(ctx, string(id))
	if ok && err == nil {
		err = json.Unmarshal([]byte(text), &mark)
	}
	return mark, err
}

func (m marks) SetMark(ctx context.Context, id homeassistant.ID, mark homeassistant.Mark) error {
	text, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	return m.SetValue(ctx, string(id), string(text))
}

// newLife is a life that has not begun, of the world's meters at the world's Enedis.
func newLife(w *world, began meter.Day) *life {
	l := &life{world: w, began: began, ha: homeassistanttest.New(homeassistanttest.Options{})}
	l.client = inMemory(w.t, l.ha)
	w.history = bridge.History{From: began - wantedBack}
	w.options = func(o *bridge.Options) {
		l.importer = &imports{homeassistant.New(homeassistant.Options{
			Endpoint: &url.URL{Scheme: "ws", Host: "homeassistant", Path: "/api/websocket"},
			Token:    homeassistanttest.Token, HTTP: l.client, Store: marks{o.Store}, Series: l.statistics,
			Filling: func(p meter.PRM) bool { return w.bridge.Filling(p) }, Log: w.log, Now: time.Now,
		})}
		o.Statistics = l.importer
		require.NoError(w.t, o.Store.SetValue(w.t.Context(), "window_minute", "17"))
	}
	return l
}

// statistics are those of all directions that are there.
func (l *life) statistics() (list []homeassistant.Series) {
	for _, p := range l.bridge.Profiles() {
		for _, d := range p.Directions {
			list = append(list, homeassistant.Series{PRM: p.PRM, Direction: d, Name: p.Name})
		}
	}
	return list
}

// start runs the bridge and the import beside it.
func (l *life) start() {
	l.world.start()
	ctx, cancel := context.WithCancel(l.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.importer.Run(ctx) }) // it ends with ctx alone
	stop := l.stop
	l.stop = func() {
		cancel()
		wg.Wait()
		stop()
	}
	l.pass(time.Second)
}

// do has a deed happen. The bridge runs before and after it.
func (l *life) do(d deed) {
	today := meter.DayOf(time.Now())
	m, _ := l.sim.Meter(home)
	switch d.what {
	case timePasses:
		l.pass(d.last)
	case killed:
		l.kill()
		l.pass(d.last)
		l.start()
	case stopped:
		l.stop()
		l.pass(d.last)
		l.start()
	case brokerGoes:
		l.offline = true
		l.broker.disconnect()
	case brokerComes:
		l.bringBroker()
	case misbehaves:
		l.sim.Inject(enedistest.Fault{Name: d.name, Duration: d.last})
		l.pass(min(d.last, 5*time.Hour))
	case corrects:
		m.Corrections = append(slices.Clone(m.Corrections), enedistest.Correction{
			Day: max(l.began-1, today-meter.Day(d.days)), At: time.Now(), Slots: enedistest.Slots{From: 7 * d.days, To: 40},
		})
	case comesLate:
		m.LateDays = maps.Clone(m.LateDays)
		if m.LateDays == nil {
			m.LateDays = make(map[meter.Day]time.Duration)
		}
		m.LateDays[today] = d.last
	case hasAHole:
		day := today - meter.Day(d.days)
		hole := enedistest.Hole{Days: meter.Days{From: day, To: day + 1}, Measure: meter.Measure(d.name), Until: time.Now().Add(d.last)}
		if d.name == "slots" {
			hole.Measure, hole.Slots = "", enedistest.Slots{From: d.days, To: d.days + 9}
		}
		m.Holes = append(slices.Clone(m.Holes), hole)
	case command:
		l.disturbed++
		l.command(d.name, map[string]string{
			"history": fmt.Sprintf(`{"prm":"%s","from":"%s"}`, home, l.began-meter.Day(d.days)),
		}[d.name])
	case homeGoes:
		l.ha.SetStarting(true)
	case homeComes:
		l.ha.SetStarting(false)
	case homeForgets:
		l.ha.Clear(string(homeassistant.Series{PRM: home, Direction: meter.Consumption}.ID()))
	}
	l.sim.SetMeter(m)
}

// bringBroker has the broker come back, if it is away. It has forgotten what it retained.
func (l *life) bringBroker() {
	if !l.offline {
		return
	}
	l.offline = false
	l.broker.mu.Lock()
	clear(l.broker.retained)
	l.broker.mu.Unlock()
	l.broker.connect()
}

// kill ends the bridge while a request is under way, if one comes within some hours: Enedis has answered, and nobody has heard it.
func (l *life) kill() {
	l.disturbed += 2
	reached, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	hook := func() {
		first.Do(func() {
			close(reached)
			<-release
		})
	}
	l.onCall.Store(&hook)
	select {
	case <-reached:
	case <-time.After(11 * time.Hour):
	}
	time.AfterFunc(100*time.Millisecond, func() { close(release) }) // when the bridge has been told to end
	l.stop()
	l.onCall.Store(nil)
}

// heal ends all trouble, and waits until nothing is left to ask. The bridge then ends.
func (l *life) heal(rt *rapid.T) {
	l.bringBroker()
	l.ha.SetStarting(false)
	l.sim.Heal()
	m, _ := l.sim.Meter(home)
	m.Holes, m.LateDays = nil, nil
	l.sim.SetMeter(m)
	l.at((meter.DayOf(time.Now()) + 1).String(), "12:00")
	l.command("refresh", `{}`)
	l.pass(time.Hour)
	l.order(rt)
}

// order has all days come in that the truth is compared of.
func (l *life) order(rt *rapid.T) {
	l.broker.take()
	l.command("history", fmt.Sprintf(`{"prm":"%s","from":"%s"}`, home, l.began-orderedBack))
	l.pass(time.Hour)
	said := l.progress()
	require.NotEmpty(rt, said)
	last := said[len(said)-1].Data
	require.Equal(rt, last.Calls, last.Done, "the order ends: %+v", last)
	require.Equal(rt, last.Days, last.DaysDone, "the order has all: %+v", last)
	require.Zero(rt, last.Holes)
	l.requests = l.sim.Calls()
	l.pass(3 * time.Hour)
	require.Len(rt, l.sim.Calls(), len(l.requests), "nothing is left to ask")
	require.Equal(rt, contract.Green, l.light(home).Level)
	l.stop()
}

// documents are the retained ones, as far as they are the same for everybody: see strip.
func (l *life) documents(t require.TestingT) map[string]any {
	all := make(map[string]any)
	for topic, body := range l.broker.retained {
		if strings.HasPrefix(topic, "e/bridge/") {
			continue
		}
		var document any = body
		if strings.HasPrefix(body, "{") {
			require.NoError(t, json.Unmarshal([]byte(body), &document))
		}
		strip(document)
		all[topic] = document
	}
	return all
}

// strip takes out of a document the times at which things happened, and the quality: Enedis stamps an answer as a whole, so that a
// day is called corrected when one that it came with is.
func strip(document any) {
	switch is := document.(type) {
	case map[string]any:
		for _, name := range []string{
			"updated_at", "since", "last_success_at", "last_attempt_at", "next_attempt_at", "expected_at", "quality",
		} {
			delete(is, name)
		}
		for _, part := range is {
			strip(part)
		}
	case []any:
		for _, part := range is {
			strip(part)
		}
	}
}

// rows are the statistics that Home Assistant holds, by id.
func (l *life) rows() map[homeassistant.ID][]homeassistanttest.Row {
	all := make(map[homeassistant.ID][]homeassistanttest.Row)
	for _, d := range meter.Directions() {
		id := homeassistant.Series{PRM: home, Direction: d}.ID()
		all[id] = l.ha.Rows(string(id))
	}
	return all
}

// requireTruth wants the store to hold what Enedis says in the end, and nothing else.
func (l *life) requireTruth(rt *rapid.T) {
	kept, err := store.OpenReader(l.t.Context(), l.dir, store.Options{Now: time.Now, Log: l.log})
	require.NoError(rt, err)
	defer func() { require.NoError(rt, kept.Close()) }()
	m, _ := l.sim.Meter(home)
	today := meter.DayOf(time.Now())
	for _, d := range m.Directions() {
		for _, measure := range []meter.Measure{meter.Daily, meter.LoadCurve, meter.MaxPower} {
			next := l.began - orderedBack
			for is, err := range kept.Export(l.t.Context(), meter.Series{PRM: home, Direction: d, Measure: measure}, meter.Days{To: today + 30}) {
				require.NoError(rt, err)
				require.Equal(rt, next, is.Day, "%s %s", d, measure)
				want, ok := m.Day(d, measure, is.Day)
				require.True(rt, ok)
				require.GreaterOrEqual(rt, is.Quality, want.Quality, "%s %s %s", d, measure, is.Day)
				require.Equal(rt, plain(want), plain(is.DayValues), "%s %s %s", d, measure, is.Day)
				next++
			}
			if d == meter.Consumption || measure != meter.MaxPower {
				require.Equal(rt, today, next, "%s %s", d, measure)
			}
		}
	}
	l.requireEvents(rt, kept)
}

// requireEvents wants the event stream to have told each revision, in their order but for what a kill repeats.
func (l *life) requireEvents(rt *rapid.T, kept *store.Store) {
	made, err := kept.Events(l.t.Context(), 0, 1<<20)
	require.NoError(rt, err)
	told := make(map[int64]string)
	var last int64
	for _, p := range l.broker.history {
		if !strings.HasSuffix(p.topic, "/readings") {
			continue
		}
		var e event
		require.NoError(rt, json.Unmarshal([]byte(p.body), &e))
		if _, again := told[e.Revision]; !again {
			require.Greater(rt, e.Revision, last, "a revision is told for the first time after a later one")
			last = e.Revision
		}
		told[e.Revision] = p.topic + " " + e.Date
	}
	for _, e := range made {
		topic := contract.Topics{Base: "e"}.Readings(e.Series.PRM, e.Series.Direction)
		require.Equal(rt, topic+" "+e.Day.String(), told[e.Revision], "revision %d", e.Revision)
	}
	require.Len(rt, told, len(made))
}

// requireSparing wants no limit of Enedis's to have been met, and no range to have been asked for again and again.
func (l *life) requireSparing(rt *rapid.T) {
	type question struct {
		resource string
		days     meter.Days
	}
	asked := make(map[question][]time.Time)
	for _, c := range l.requests {
		require.False(rt, c.Status == http.StatusTooManyRequests && c.Fault == "", "%s over the limit at %s", c.Resource, c.At)
		if c.API != "mesure_synchrone_auto" {
			continue
		}
		q := question{c.Resource, c.Days}
		asked[q] = append(asked[q], c.At)
		// A source that fails is given 30 s of rest, then twice as long each time, up to the half hour of the retry interval.
		const inRow = 7
		require.LessOrEqual(rt, since(asked[q], c.At.Add(-30*time.Minute)), 1+inRow+l.disturbed, "%v until %s", q, c.At)
		require.LessOrEqual(rt, since(asked[q], c.At.Add(-24*time.Hour)), 48+inRow+l.disturbed, "%v until %s", q, c.At)
	}
}

// since counts the instants after one.
func since(all []time.Time, begin time.Time) (n int) {
	for _, at := range all {
		if at.After(begin) {
			n++
		}
	}
	return n
}

// plain is a day in UTC and without its quality, as strip says.
func plain(v meter.DayValues) meter.DayValues {
	readings := v.Readings
	v.Readings, v.At, v.Quality = nil, v.At.UTC(), 0
	for _, r := range readings {
		r.Start, r.End, r.Quality = r.Start.UTC(), r.End.UTC(), 0
		v.Readings = append(v.Readings, r)
	}
	return v
}

// checks has rapid make fewer checks than it would, unless somebody asks for a number of their own.
func checks(t *testing.T, n int) {
	t.Helper()
	const flagName, usual = "rapid.checks", "100"
	if flag.Lookup(flagName).Value.String() != usual {
		return
	}
	require.NoError(t, flag.Set(flagName, strconv.Itoa(n)))
	t.Cleanup(func() { require.NoError(t, flag.Set(flagName, usual)) })
}

func TestAnyLifeEndsTheSame(t *testing.T) {
	t.Parallel()
	checks(t, lives) // of this package no other test is rapid's
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom([]enedistest.Kind{enedistest.Consumer, enedistest.SelfConsumer}).Draw(rt, "kind")
		began := rapid.SampledFrom([]meter.Day{
			meter.NewDay(2026, 10, 22), meter.NewDay(2026, 3, 26), meter.NewDay(2026, 12, 29), meter.NewDay(2026, 11, 10),
		}).Draw(rt, "first day")
		deeds := drawDeeds(rt)
		defer func() {
			if t.Failed() { // in a helper, of which rapid knows nothing
				t.Logf("%s on %s: %#v", kind, began, deeds)
			}
		}()
		o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Kind: kind}}}
		var failure any
		inWorld(t, began.Start().Add(12*time.Hour), o, func(w *world) {
			defer func() { failure = recover() }() // rapid's own way to fail, which must not leave the bubble by itself
			live(rt, w, began, deeds)
		})
		if failure != nil {
			panic(failure)
		}
	})
}

// live leads a life, and compares where it ends with a life of no trouble.
func live(rt *rapid.T, w *world, began meter.Day, deeds []deed) {
	l := newLife(w, began)
	l.start()
	for _, d := range deeds {
		if time.Since(began.Start()) < longEnough {
			l.do(d)
		}
	}
	l.heal(rt)
	l.requireTruth(rt)
	l.requireSparing(rt)

	w.sim.ForgetCalls()
	calm := newLife(&world{
		t: w.t, sim: w.sim, broker: newFakeBroker(), dir: w.t.TempDir(), log: w.log, schedule: w.schedule, meters: w.meters,
	}, began)
	defer func() {
		if calm.stop != nil {
			calm.stop()
		}
	}()
	calm.start()
	calm.pass(time.Hour)
	calm.order(rt)
	calm.requireTruth(rt)
	require.Equal(rt, calm.documents(rt), l.documents(rt))
	require.Equal(rt, calm.rows(), l.rows())
}

// inMemory gives a client that reaches the handler over pipes, so that fake time can pass.
func inMemory(t *testing.T, handler http.Handler) *http.Client {
	t.Helper()
	p := pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(p) }) // it ends with Close
	t.Cleanup(func() {
		_ = server.Close() // nothing is left to lose
		wg.Wait()
		synctest.Wait()
	})
	return &http.Client{Transport: &http.Transport{DialContext: p.dial}}
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed) // the server closes it once
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "homeassistant", Net: "unix"} }
