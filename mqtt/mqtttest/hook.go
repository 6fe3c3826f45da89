package mqtttest

import (
	"iter"
	"maps"
	"slices"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is the broker's memory and its manners. It outlives a restart.
type hook struct {
	mochi.HookBase

	reply         func(Message) Reply
	subscriptions func(filter string) bool

	mu             sync.Mutex
	user, password string
	received       []Message
	retained       map[string]string
	connections    int
	refusals       int
	news           chan struct{} // closed at the next change
}

func newHook() *hook {
	return &hook{
		reply:         func(Message) Reply { return Acknowledge },
		subscriptions: func(string) bool { return true },
		retained:      make(map[string]string),
		news:          make(chan struct{}),
	}
}

func (h *hook) ID() string { return "mqtttest" }

func (h *hook) Provides(b byte) bool {
	return slices.Contains([]byte{
		mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnDisconnect, mochi.OnPublish, mochi.OnSessionEstablished, mochi.OnWillSent,
	}, b)
}

func (h *hook) OnConnectAuthenticate(_ *mochi.Client, pk packets.Packet) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	ok := h.user == "" && h.password == "" ||
		string(pk.Connect.Username) == h.user && string(pk.Connect.Password) == h.password
	if !ok {
		h.refusals++
		h.announce()
	}
	return ok
}

func (h *hook) OnSessionEstablished(*mochi.Client, packets.Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connections++
	h.announce()
}

func (h *hook) OnDisconnect(*mochi.Client, error, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.announce()
}

func (h *hook) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	return write || h.subscriptions(topic)
}

// OnPublish comes before the acknowledgement, so what a client was told to be taken is in the lists.
func (h *hook) OnPublish(c *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	m := message(c, pk)
	switch h.reply(m) {
	case Ignore:
		return pk, packets.ErrRejectPacket
	case Disconnect:
		c.Stop(packets.ErrNotAuthorized)
		return pk, packets.ErrRejectPacket
	case Acknowledge:
	}
	h.take(m)
	return pk, nil
}

func (h *hook) OnWillSent(c *mochi.Client, pk packets.Packet) { h.take(message(c, pk)) }

func message(c *mochi.Client, pk packets.Packet) Message {
	m := Message{Topic: pk.TopicName, Body: string(pk.Payload), Retained: pk.FixedHeader.Retain}
	if !c.Net.Inline {
		m.Client = c.ID
	}
	return m
}

func (h *hook) take(m Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.Retained && m.Client == "" && h.retained[m.Topic] == m.Body && m.Body != "" {
		return // a restart puts back what was there
	}
	h.received = append(h.received, m)
	switch {
	case !m.Retained:
	case m.Body == "":
		delete(h.retained, m.Topic)
	default:
		h.retained[m.Topic] = m.Body
	}
	h.announce()
}

// announce wakes all who wait for a change; h.mu is held.
func (h *hook) announce() {
	close(h.news)
	h.news = make(chan struct{})
}

func (h *hook) changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.news
}

func (h *hook) kept() iter.Seq2[string, string] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.All(maps.Clone(h.retained))
}

func (h *hook) lose() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.retained)
}
