package bridge

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// publishEvery is the least time between two publications of a meter.
const publishEvery = time.Second

// touch has a meter's documents published; b.mu is held.
func (b *Bridge) touch(p meter.PRM) {
	if u, ok := b.units[p]; ok {
		u.behind = nil
	}
	if _, marked := b.marked[p]; !marked {
		b.marked[p] = b.lastSent[p].Add(publishEvery)
	}
	signal(b.dirty)
}

func (b *Bridge) touchAllLocked() {
	for _, p := range b.prms {
		b.touch(p)
	}
}

func (b *Bridge) touchAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.touchAllLocked()
}

// Republish has everything published again.
func (b *Bridge) Republish() {
	b.board.wipe()
	b.mu.Lock()
	b.everyone = true
	b.mu.Unlock()
	signal(b.dirty)
	signal(b.pump)
}

// publish keeps the broker's topics equal to what the store and the clock say, until ctx ends.
func (b *Bridge) publish(ctx context.Context) error {
	clock := time.NewTimer(0)
	defer clock.Stop()
	connected := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.Broker.Connected():
			connected = true
			b.Republish()
		case <-b.dirty:
		case <-clock.C:
		}
		if !connected {
			continue // the first connection has everything published
		}
		b.flush(ctx)
		clock.Reset(max(publishEvery/10, b.nextFlush().Sub(b.Now())))
	}
}

// nextFlush is when a document changes by the clock alone, or a marked meter may be published.
func (b *Bridge) nextFlush() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := meter.DayOf(b.Now()).End()
	consider := func(when time.Time) {
		if !when.IsZero() && when.Before(next) {
			next = when
		}
	}
	consider(b.birthAt)
	consider(b.sweepAt)
	consider(b.bridgeAgain)
	for _, u := range b.units {
		consider(u.nextChange)
	}
	for _, when := range b.marked {
		consider(when)
	}
	return next
}

// atOnce bounds the meters whose documents are gathered before they are sent.
const atOnce = 64

// flush publishes what is marked. That the store fails is no reason to be silent: it is what there is to say.
func (b *Bridge) flush(ctx context.Context) {
	now := b.Now()
	due, everyone := b.due(now)
	w := b.board.wave(now)
	for _, d := range b.bridgeDocuments() {
		w.add(d, "")
	}
	failures := []error{w.send(ctx)}
	w.wait()
	own := w.device(discovery.BridgeObject, b.discoverBridge())
	again := w.takeAway(own)
	if again.IsZero() {
		again = w.announce(own)
	}
	failures = append(failures, w.send(ctx))
	var ready map[meter.PRM]device // their documents are on their way
	for some := range slices.Chunk(due, atOnce) {
		next, err := b.gather(ctx, w, some)
		b.announce(w, ready) // while these were gathered, the broker took the former ones
		ready = next
		failures = append(failures, err, w.send(ctx))
	}
	b.announce(w, ready)
	failures = append(failures, w.send(ctx))
	err := errors.Join(failures...)
	if everyone && err == nil { // what could not be read is not unwanted
		if w.sweepAll() {
			b.sweepAgain(now.Add(discovery.Settle))
		}
		err = w.send(ctx)
	}
	taken := w.wait()
	if err != nil && ctx.Err() == nil {
		b.storageFailed(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bridgeAgain = again
	b.ready = taken && (b.ready || everyone && err == nil)
}

// said is what is to be said of one meter.
type said struct {
	documents []contract.Document
	messages  []discovery.Message
	light     store.Light
	relit     bool      // the light's level has changed
	next      time.Time // when a document changes by the clock alone
}

// say puts together what is to be said of a meter.
func (b *Bridge) say(ctx context.Context, p meter.PRM, now time.Time) (said, error) {
	m, err := b.snapshot(ctx, p, now)
	if err != nil {
		return said{}, err
	}
	l := m.Light(b.Locale, now)
	s := said{light: store.Light{Level: string(l.Level), Since: l.Since.Time}, relit: m.WasLevel != l.Level}
	m.WasLevel, m.WasSince = l.Level, l.Since.Time
	s.documents = slices.DeleteFunc(m.Documents(b.Topics, b.Locale, now), func(d contract.Document) bool {
		return len(d.Body) == 0 // what is empty is swept
	})
	s.messages, s.next = b.discover(m.Profile()), m.NextChange(now)
	return s, nil
}

// gather adds the documents of some meters to a wave, and gives the devices to announce once the broker has them: an
// entity must find its value. Where an entity goes, it goes before the value that it reads.
func (b *Bridge) gather(ctx context.Context, w *wave, some []meter.PRM) (map[meter.PRM]device, error) {
	all := make([]said, len(some))
	workers := errgroup.Group{}
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range some {
		workers.Go(func() (err error) {
			all[i], err = b.say(ctx, p, w.now)
			return err
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, err
	}
	lights, devices := make(map[meter.PRM]store.Light), make(map[meter.PRM]device)
	for i, p := range some {
		s := all[i]
		if s.relit {
			lights[p] = s.light
		}
		d := w.device(discovery.MeterObject(p), s.messages)
		w.keep(s.documents)
		again := w.takeAway(d)
		if again.IsZero() {
			for _, document := range s.documents {
				w.add(document, "")
			}
			w.sweep(string(p))
			devices[p] = d
		}
		b.comeAgain(p, s.next, again)
	}
	return devices, b.keepLights(ctx, lights)
}

// announce adds devices to a wave once the broker has taken what was sent before.
func (b *Bridge) announce(w *wave, devices map[meter.PRM]device) {
	w.wait()
	for p, d := range devices {
		b.comeAgain(p, time.Time{}, w.announce(d))
	}
}

// due takes the meters that may be published now off the list.
func (b *Bridge) due(now time.Time) (due []meter.PRM, everyone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.birthAt.IsZero() && !b.birthAt.After(now) {
		b.birthAt, b.everyone = time.Time{}, true
		b.board.wipe()
	}
	if !b.sweepAt.IsZero() && !b.sweepAt.After(now) {
		b.sweepAt, b.everyone = time.Time{}, true
	}
	everyone, b.everyone = b.everyone, false
	for _, p := range b.prms {
		when, marked := b.marked[p]
		clock := b.units[p].nextChange
		if everyone || marked && !when.After(now) || !clock.IsZero() && !clock.After(now) {
			due = append(due, p)
			delete(b.marked, p)
			b.lastSent[p] = now
		}
	}
	return due, everyone
}

// comeAgain notes when a meter's documents change by the clock alone, and when its devices may be announced again.
func (b *Bridge) comeAgain(p meter.PRM, clock, announce time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !clock.IsZero() {
		b.units[p].nextChange = clock
	}
	if !announce.IsZero() {
		b.marked[p] = announce
	}
}

// sweepAgain has everything looked through again, for topics that are not wanted.
func (b *Bridge) sweepAgain(when time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweepAt = when
}

// keepLights keeps the lights whose level has changed, so that they survive a restart. What a store that fails does not take
// is kept with the next ones.
func (b *Bridge) keepLights(ctx context.Context, lights map[meter.PRM]store.Light) error {
	b.mu.Lock()
	for p, l := range lights {
		b.units[p].light = l
		b.unsavedLights[p] = l
		b.Log.Info("light", "prm", p, "level", l.Level)
	}
	unsaved := maps.Clone(b.unsavedLights)
	b.mu.Unlock()
	if len(unsaved) == 0 {
		return nil
	}
	if err := b.Store.SaveLights(ctx, unsaved); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.unsavedLights) // only this goroutine adds to them
	return nil
}

// bridgeDocuments says what the bridge is and how it fares.
func (b *Bridge) bridgeDocuments() []contract.Document {
	d := b.describe()
	online := contract.Document{Topic: b.Topics.BridgeState(), Body: []byte(contract.Online), Retain: true}
	return append([]contract.Document{online}, d.Documents(b.Topics, b.Profiles())...)
}

func (b *Bridge) discover(p contract.Profile) []discovery.Message {
	if b.Discovery == nil {
		return nil
	}
	return discovery.Messages(*b.Discovery, p)
}

func (b *Bridge) discoverBridge() []discovery.Message {
	if b.Discovery == nil {
		return nil
	}
	var names []string
	for _, s := range b.Sources {
		names = append(names, s.Name())
	}
	return discovery.BridgeMessages(*b.Discovery, names)
}
