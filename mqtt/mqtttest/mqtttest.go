// Package mqtttest is a real MQTT broker for tests, on a loopback port, that remembers what it was told. It can be stopped,
// restarted, cut off and made to misbehave; waiting is by condition, never by time.
package mqtttest

import (
	"context"
	"crypto/tls"
	"maps"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt/broker"
)

// patience is how long a condition may take to come true before the test fails.
const patience = time.Minute

// Message is one message that the broker took.
type Message struct {
	Topic    string
	Body     string
	Retained bool   // sent with the retain flag; an empty body then removes what the topic held
	Client   string // id of the client that sent it, or whose last will it is; empty for the test's own
}

// Reply is what the broker does with a message.
type Reply int

// The replies.
const (
	Acknowledge Reply = iota // take it, as a broker should
	Ignore                   // neither take nor acknowledge it
	Disconnect               // cut the connection, as an MQTT 3.1.1 broker may when a client is not allowed to publish
)

// Option shapes a Broker.
type Option func(*Broker)

// WithPassword lets in only who knows the user and the password; see also Broker.SetPassword.
func WithPassword(user, password string) Option {
	return func(b *Broker) { b.hook.user, b.hook.password = user, password }
}

// WithMaxPacketSize disconnects a client that sends a packet of more bytes, as Mosquitto does from 2.1 on.
func WithMaxPacketSize(bytes uint32) Option {
	return func(b *Broker) { b.options.MaxPacketSize = bytes }
}

// WithReply lets the test decide what becomes of each message. It is called by many goroutines.
func WithReply(reply func(Message) Reply) Option {
	return func(b *Broker) { b.hook.reply = reply }
}

// WithSubscriptions allows the filters for which it says so; others are refused, not punished.
func WithSubscriptions(allowed func(filter string) bool) Option {
	return func(b *Broker) { b.hook.subscriptions = allowed }
}

// WithTLS makes the broker speak TLS.
func WithTLS(config *tls.Config) Option {
	return func(b *Broker) { b.tls = config }
}

// WithWebSocket makes the broker speak MQTT over WebSockets.
func WithWebSocket() Option {
	return func(b *Broker) { b.webSocket = true }
}

// Stopped makes a broker that is not there yet: Restart starts it.
func Stopped() Option {
	return func(b *Broker) { b.stopped = true }
}

// Broker is the broker of one test.
type Broker struct {
	tb        testing.TB
	options   broker.Options
	hook      *hook
	tls       *tls.Config
	webSocket bool
	stopped   bool

	gate *gate // keeps the port from the first to the last, also while the broker is stopped

	mu   sync.Mutex
	stop func()         // nil while stopped
	live *broker.Broker // nil while stopped
}

// New starts a broker, which stops with the test.
func New(tb testing.TB, options ...Option) *Broker {
	tb.Helper()
	b := &Broker{tb: tb, hook: newHook()}
	for _, o := range options {
		o(b)
	}
	b.options.Hooks = []mochi.Hook{b.hook}
	b.gate = newGate(tb, b.tls, b.webSocket)
	tb.Cleanup(func() {
		b.Stop()
		b.gate.close()
	})
	if !b.stopped {
		b.start()
	}
	return b
}

// URL is where a client finds the broker, before and after a restart too.
func (b *Broker) URL() *url.URL {
	scheme := map[bool]string{false: "mqtt", true: "ws"}[b.webSocket]
	if b.tls != nil {
		scheme += "s"
	}
	return &url.URL{Scheme: scheme, Host: b.gate.listener.Addr().String()}
}

func (b *Broker) start() {
	b.tb.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Nil(b.tb, b.live, "the broker is started already")
	o := b.options
	door := b.gate.open()
	o.Listener = door
	live, err := broker.New(b.tb.Context(), o)
	require.NoError(b.tb, err)
	for topic, body := range b.hook.kept() {
		require.NoError(b.tb, live.Publish(topic, []byte(body), true))
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.tb.Context())) // a test's context ends before its clean-up
	var running sync.WaitGroup
	running.Go(func() { _ = live.Run(ctx) })
	b.live = live
	b.stop = func() {
		cancel()
		running.Wait()
	}
}

// Stop cuts every connection and lets nobody in until Restart. What was retained is kept, the last wills that it publishes
// as it goes too. It does nothing when the broker is stopped.
func (b *Broker) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		return
	}
	b.stop()
	b.live, b.stop = nil, nil
}

// Restart stops the broker and starts it again on the same address, with what was retained.
func (b *Broker) Restart() {
	b.tb.Helper()
	b.Stop()
	b.start()
}

// RestartEmpty does as Restart, but all that was retained is lost, as with a Mosquitto without persistence.
func (b *Broker) RestartEmpty() {
	b.tb.Helper()
	b.Stop()
	b.hook.lose()
	b.start()
}

// Drop cuts every connection without a farewell; clients may come back at once.
func (b *Broker) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live != nil {
		b.live.Drop()
	}
}

// SetPassword changes who is let in from here on.
func (b *Broker) SetPassword(user, password string) {
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	b.hook.user, b.hook.password = user, password
}

// Publish sends a message as another client would.
func (b *Broker) Publish(topic, body string, retain bool) {
	b.tb.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.NotNil(b.tb, b.live, "the broker is stopped")
	require.NoError(b.tb, b.live.Publish(topic, []byte(body), retain))
}

// Retained is what each topic holds.
func (b *Broker) Retained() map[string]string {
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	return maps.Clone(b.hook.retained)
}

// Received lists all messages that the broker took since it was made or since Forget, in order.
func (b *Broker) Received() []Message {
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	return slices.Clone(b.hook.received)
}

// Forget empties the list of what was received; what is retained stays.
func (b *Broker) Forget() {
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	b.hook.received = nil
}

// Connections counts the clients that were let in since the broker was made, restarts included.
func (b *Broker) Connections() int {
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	return b.hook.connections
}

// Refusals counts the clients that were turned away for their password.
func (b *Broker) Refusals() int {
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	return b.hook.refusals
}

// Await gives the first message received that matches, and waits for it. It fails the test when none comes.
func (b *Broker) Await(match func(Message) bool) Message {
	b.tb.Helper()
	var found Message
	b.AwaitThat(func() bool {
		received := b.Received()
		i := slices.IndexFunc(received, match)
		if i >= 0 {
			found = received[i]
		}
		return i >= 0
	})
	return found
}

// AwaitTopic gives the first message received on the topic, and waits for it.
func (b *Broker) AwaitTopic(topic string) Message {
	b.tb.Helper()
	return b.Await(func(m Message) bool { return m.Topic == topic })
}

// AwaitRetained waits until the topic holds a body that matches, and gives the body.
func (b *Broker) AwaitRetained(topic string, match func(body string) bool) string {
	b.tb.Helper()
	var found string
	b.AwaitThat(func() bool {
		body, ok := b.Retained()[topic]
		found = body
		return ok && match(body)
	})
	return found
}

// AwaitThat waits until the condition holds. It looks whenever a client comes, goes or sends something.
func (b *Broker) AwaitThat(condition func() bool) {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.tb.Context(), patience)
	defer cancel()
	for {
		changed := b.hook.changed()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			require.FailNow(b.tb, "the broker waits in vain", "received: %v", b.Received())
		}
	}
}
