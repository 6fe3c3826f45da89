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

	mu     sync.Mutex
	topics map[string]string    // retained topics, each with its note: the components of a discovery message
	owned  map[string][]string  // topics by their owner
	sent   map[string]uint64    // hash of the body, by topic
	quiet  map[string]time.Time // until when a device's configuration must not change again, by object id
	taken  map[string]bool      // devices whose gone entities are taken away and whose configuration comes next, by object id
}

func newBoard(ctx context.Context, o Options) (*board, error) {
	topics, err := o.Store.Topics(ctx)
	b := &board{
		store: o.Store, broker: o.Broker, discovery: o.Discovery, seed: maphash.MakeSeed(),
		topics: topics, owned: make(map[string][]string), sent: make(map[string]uint64),
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

// send remembers the topics of what was gathered, and hands it to the broker without waiting for its word.
func (w *wave) send(ctx context.Context) error {
	fresh := make(map[string]string)
	w.mu.Lock()
	for _, n := range w.batch {
		if note, known := w.topics[n.Topic]; len(n.Body) > 0 && (!known || note != n.note) {
			fresh[n.Topic] = n.note
		}
	}
	for topic, note := range fresh {
		if _, known := w.topics[topic]; !known {
			w.own(topic)
		}
		w.topics[topic] = note
	}
	w.mu.Unlock()
	if len(fresh) > 0 {
		if err := w.store.SaveTopics(ctx, fresh); err != nil {
			return err
		}
	}
	for _, n := range w.batch {
		w.group.Go(func() error { w.one(ctx, n.Document); return nil })
	}
	w.batch = w.batch[:0]
	return nil
}

// one publishes a document and notes that the broker has it.
func (w *wave) one(ctx context.Context, d contract.Document) {
	err := deliver(ctx, w.broker, d)
	if errors.Is(err, ErrRefused) {
		return // the broker has said its last word on it; all else goes on
	}
	if err == nil && len(d.Body) == 0 {
		err = w.store.DeleteTopic(ctx, d.Topic)
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

// wait tells whether the broker has taken everything.
func (w *wave) wait() bool {
	_ = w.group.Wait() // one never fails it
	return !w.failed
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

// sweepAll gathers the removal of all topics that are not wanted.
func (w *wave) sweepAll() {
	w.mu.Lock()
	owners := slices.Collect(maps.Keys(w.owned))
	w.mu.Unlock()
	for _, owner := range owners {
		w.sweep(owner)
	}
}

// announce gathers the discovery messages of a device. What is gone is taken away first, and two versions of a device are
// kept apart for as long as Home Assistant needs; it tells when it wants to be called again, or the zero time.
func (w *wave) announce(object string, messages []discovery.Message) time.Time {
	if w.discovery == nil {
		return time.Time{}
	}
	topics := make(map[string]string) // with their notes
	for _, m := range messages {
		topics[m.Topic] = strings.Join(m.Components, ",")
		w.wanted[m.Topic] = true
	}
	w.mu.Lock()
	until, taken := w.quiet[object], w.taken[object]
	var stale, was []string
	for _, topic := range w.owned[object] {
		if _, stays := topics[topic]; stays {
			was = append(was, strings.Split(w.topics[topic], ",")...)
		} else {
			stale = append(stale, topic)
		}
	}
	w.mu.Unlock()
	if until.After(w.now) {
		return until
	}
	if len(stale) > 0 { // of the other mode, or single entities that are gone
		for _, topic := range stale {
			w.add(contract.Document{Topic: topic, Retain: true}, "")
		}
		return w.hush(object)
	}
	if gone := discovery.Removal(*w.discovery, object, was, messages); len(gone) > 0 && !taken {
		for _, d := range gone {
			w.add(d, strings.Join(was, ",")) // what is gone stays noted until the messages without it follow
		}
		w.mu.Lock()
		w.taken[object] = true
		w.mu.Unlock()
		return w.hush(object)
	}
	before := len(w.batch)
	for _, m := range messages {
		w.add(m.Document, topics[m.Topic])
	}
	w.mu.Lock()
	delete(w.taken, object)
	w.mu.Unlock()
	if len(w.batch) > before {
		w.hush(object)
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
