package bridge

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// inFlight bounds the messages that wait for the broker's word at the same time.
const inFlight = 128

// board is what stands on the broker as far as we know: the topics that we ever published, which the store keeps, and what
// was sent since the last connection.
type board struct {
	store     *store.Store
	broker    Broker
	discovery *discovery.Options
	seed      maphash.Seed

	mu      sync.Mutex
	unsaved map[string]string    // topics that the store has not taken yet
	topics  map[string]string    // retained topics, each with its note: the components of a discovery message
	owned   map[string][]string  // topics by their owner
	sent    map[string]uint64    // hash of the body, by topic
	quiet   map[string]time.Time // until when a device's configuration must not change again, by object id
	taken   map[string]bool      // devices whose gone entities are taken away and whose configuration comes next, by object id
}

func newBoard(ctx context.Context, o Options) (*board, error) {
	topics, err := o.Store.Topics(ctx)
	b := &board{
		store: o.Store, broker: o.Broker, discovery: o.Discovery, seed: maphash.MakeSeed(),
		topics: topics, unsaved: make(map[string]string), owned: make(map[string][]string), sent: make(map[string]uint64),
		quiet: make(map[string]time.Time), taken: make(map[string]bool),
	}
	for topic := range topics {
		b.own(topic)
	}
	return b, err
}

// owner is whose a topic is: the PRM or the discovery object that is one of its levels; else nobody's.
func owner(topic string) string {
	for level := range strings.SplitSeq(topic, "/") {
		if _, err := meter.ParsePRM(level); err == nil || strings.HasPrefix(level, discovery.ObjectPrefix) {
			return level
		}
	}
	return ""
}

func (b *board) own(topic string) { b.owned[owner(topic)] = append(b.owned[owner(topic)], topic) }

func (b *board) disown(topic string) {
	mine := b.owned[owner(topic)]
	b.owned[owner(topic)] = slices.DeleteFunc(mine, func(t string) bool { return t == topic })
}

// wipe forgets what was sent, so that all is sent again.
func (b *board) wipe() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.sent)
}

// forget has one topic sent again.
func (b *board) forget(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sent, topic)
}

// wave is one pass of publication. Documents are gathered, then sent together once their topics are remembered, so that no
// topic is ever left behind on a broker.
type wave struct {
	*board
	now    time.Time
	group  errgroup.Group
	batch  []notice
	wanted map[string]bool // topics that are to stay

	failure sync.Once
	failed  bool // read it after wait
}

// notice is a document with the note that is remembered with its topic.
type notice struct {
	contract.Document
	note string
}

func (b *board) wave(now time.Time) *wave {
	w := &wave{board: b, now: now, wanted: make(map[string]bool)}
	w.group.SetLimit(inFlight)
	return w
}

// add gathers a document, unless the broker has it since the last connection. An empty one is to remove its topic.
func (w *wave) add(d contract.Document, note string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.topics[d.Topic]
	if len(d.Body) == 0 {
		if known {
			w.batch = append(w.batch, notice{d, note})
		}
		return
	}
	w.wanted[d.Topic] = true
	if hash, ok := w.sent[d.Topic]; !ok || hash != maphash.Bytes(w.seed, d.Body) {
		w.batch = append(w.batch, notice{d, note})
	}
}

// send remembers the topics of what was gathered, and hands it to the broker without waiting for its word. An error is the
// store's; all is sent then too.
func (w *wave) send(ctx context.Context) error {
	w.mu.Lock()
	for _, n := range w.batch {
		note, known := w.topics[n.Topic]
		if len(n.Body) == 0 || known && note == n.note {
			continue
		}
		if !known {
			w.own(n.Topic)
		}
		w.topics[n.Topic], w.unsaved[n.Topic] = n.note, n.note
	}
	unsaved := maps.Clone(w.unsaved)
	w.mu.Unlock()
	err := w.save(ctx, unsaved)
	for _, n := range w.batch {
		w.group.Go(func() error { w.one(ctx, n.Document); return nil })
	}
	w.batch = w.batch[:0]
	return err
}

// save remembers topics. What a store that fails does not take is saved with the next ones: people must hear of the
// failure, which comes by these very topics.
func (w *wave) save(ctx context.Context, topics map[string]string) error {
	if len(topics) == 0 {
		return nil
	}
	if err := w.store.SaveTopics(ctx, topics); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic := range topics {
		delete(w.unsaved, topic)
	}
	return nil
}

// one publishes a document and notes that the broker has it.
func (w *wave) one(ctx context.Context, d contract.Document) {
	err := deliver(ctx, w.broker, d)
	if errors.Is(err, ErrRefused) {
		return // the broker has said its last word on it; all else goes on
	}
	if err == nil && len(d.Body) == 0 {
		err = w.store.DeleteTopic(ctx, d.Topic) // fails with the store: the topic is then emptied once more
	}
	if err != nil {
		w.failure.Do(func() { w.failed = true })
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(d.Body) == 0 {
		delete(w.topics, d.Topic)
		delete(w.sent, d.Topic)
		w.disown(d.Topic)
		return
	}
	w.sent[d.Topic] = maphash.Bytes(w.seed, d.Body)
}

// wait waits for the broker's word on what was sent, and tells whether it has taken everything.
func (w *wave) wait() bool {
	_ = w.group.Wait() // one never fails it
	return !w.failed
}

// keep has topics stay as they are.
func (w *wave) keep(documents []contract.Document) {
	for _, d := range documents {
		w.wanted[d.Topic] = true
	}
}

// sweep gathers the removal of topics that are not wanted: those of one owner.
func (w *wave) sweep(owner string) {
	w.mu.Lock()
	stale := slices.DeleteFunc(slices.Clone(w.owned[owner]), func(topic string) bool { return w.wanted[topic] })
	w.mu.Unlock()
	for _, topic := range stale {
		w.add(contract.Document{Topic: topic, Retain: true}, "")
	}
}

// sweepAll gathers the removal of all topics that are not wanted. Devices go first, and alone: it tells whether the rest,
// which their entities read, is to follow once Home Assistant has seen them go.
func (w *wave) sweepAll() (more bool) {
	w.mu.Lock()
	owners := slices.Collect(maps.Keys(w.owned))
	w.mu.Unlock()
	before := len(w.batch)
	for _, owner := range owners {
		if strings.HasPrefix(owner, discovery.ObjectPrefix) {
			w.sweep(owner)
		}
	}
	if len(w.batch) > before {
		return true
	}
	for _, owner := range owners {
		w.sweep(owner)
	}
	return false
}

// device is what is to be said of one device, and what stands of it on the broker.
type device struct {
	object   string // its id
	messages []discovery.Message
	notes    map[string]string // of the messages, by topic
	stale    []string          // topics that are not among them: single entities that are gone, or those of the other mode
	gone     []contract.Document
	quiet    time.Time // until when its configuration must not change
}

// device compares the messages of a device with what stands on the broker. It marks their topics as wanted.
func (w *wave) device(object string, messages []discovery.Message) device {
	d := device{object: object, messages: messages, notes: make(map[string]string)}
	for _, m := range messages {
		d.notes[m.Topic] = strings.Join(m.Components, ",")
		w.wanted[m.Topic] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d.quiet = w.quiet[object]
	var was []string
	for _, topic := range w.owned[object] {
		if _, stays := d.notes[topic]; stays {
			was = append(was, strings.Split(w.topics[topic], ",")...)
		} else {
			d.stale = append(d.stale, topic)
		}
	}
	if w.discovery == nil || w.taken[object] {
		return d
	}
	d.gone = discovery.Removal(*w.discovery, object, was, messages)
	for _, document := range d.gone {
		d.notes[document.Topic] = strings.Join(was, ",") // what is gone stays noted until the messages without it follow
	}
	return d
}

// takeAway gathers the removal of what a device has no more. It tells when the device may be spoken of again; the zero time
// when there is nothing to take away. Until then its documents must stay as they are, since its entities read them.
func (w *wave) takeAway(d device) time.Time {
	switch {
	case len(d.stale) == 0 && len(d.gone) == 0:
		return time.Time{}
	case d.quiet.After(w.now):
		return d.quiet
	}
	for _, topic := range d.stale {
		w.add(contract.Document{Topic: topic, Retain: true}, "")
	}
	for _, document := range d.gone {
		w.add(document, d.notes[document.Topic])
	}
	w.mu.Lock()
	w.taken[d.object] = len(d.gone) > 0
	w.mu.Unlock()
	return w.hush(d.object)
}

// announce gathers the messages of a device whose documents stand already. It tells when it wants to be called again, since
// Home Assistant needs time between two versions of a device; the zero time when it need not be.
func (w *wave) announce(d device) time.Time {
	if d.quiet.After(w.now) {
		return d.quiet
	}
	before := len(w.batch)
	for _, m := range d.messages {
		w.add(m.Document, d.notes[m.Topic])
	}
	w.mu.Lock()
	delete(w.taken, d.object)
	w.mu.Unlock()
	if len(w.batch) > before {
		w.hush(d.object)
	}
	return time.Time{}
}

// hush keeps a device's configuration as it is for a while.
func (w *wave) hush(object string) time.Time {
	until := w.now.Add(discovery.Settle)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet[object] = until
	return until
}
