// Package mqtt moves topics and bytes to and from a broker, and knows nothing of what they mean. It is the only package that
// imports paho, and fixes its policy once: QoS 1, a last will, a context on every wait, and a connection that is tried again
// for ever, from the first on.
//
// Each connection is a paho client of its own. So nothing that a broken connection left half sent is sent again by itself,
// as paho's own reconnection does: whoever publishes is told, and publishes anew on Connected. A message that a broker
// answers by hanging up, such as one above its size limit, would otherwise be sent for ever.
package mqtt

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// longestRetry is the most that may lie between the starts of two attempts to connect.
	longestRetry = 10 * time.Second
	// connectTimeout bounds one attempt, up to the broker's word that we are in, and the greeting after it.
	connectTimeout = 10 * time.Second
	// writeTimeout is how long the broker may take nothing before the connection counts as dead.
	writeTimeout = 10 * time.Second
	// farewellTimeout bounds the last words.
	farewellTimeout = 3 * time.Second
	// inFlight is how many messages may wait for their acknowledgement at the same time.
	inFlight = 256
	// inbox is how many messages may wait for the reader of Messages, unless the options say it.
	inbox = 256
)

// The errors that tell the caller of Publish what to do.
var (
	// ErrOffline means that there is no connection, or that it broke before the broker acknowledged the message: publish
	// again after Connected.
	ErrOffline = errors.New("not connected to the broker")
	// ErrRefused means that the broker hangs up whenever it gets this message, which is not sent again until it changes.
	ErrRefused = errors.New("the broker hangs up on this message")
	// ErrInvalid means that MQTT has no such message: its topic or its size is impossible.
	ErrInvalid = errors.New("not a possible MQTT message")
)

// Options shape a Client.
type Options struct {
	URL                *url.URL // mqtt or tcp, mqtts or ssl, ws, wss; the port may be left out
	Username, Password string   // else those of the URL
	ClientID           string
	TLS                *tls.Config // for mqtts and wss; nil for the system's authorities. See TLSConfig
	Will               Will
	Subscribe          []string // topic filters
	Inbox              int      // how many messages may wait for the reader of Messages; default 256

	// RetryInterval is the most that lies between the starts of two attempts to connect, and how long a connection must last
	// to count as a good one; default and maximum 10 s.
	RetryInterval time.Duration

	Log *slog.Logger
}

// Will is the topic that says whether we are there. Each connection says Online; the broker says Offline when it loses us,
// and Run when it ends. All are retained. Without a topic nothing is said.
type Will struct {
	Topic, Online, Offline string
}

// Message is one message of a topic subscribed to.
type Message struct {
	Topic string
	Body  []byte
	// Retained tells that the message was there before the subscription: a command that comes so is not to be carried out.
	Retained bool
}

// Client is a connection to a broker that Run keeps up. Its methods may be called by many goroutines.
type Client struct {
	o         Options
	log       *slog.Logger
	link      atomic.Pointer[link] // nil while not connected
	connected chan struct{}
	messages  chan Message
	suspects  *suspects
	room      *semaphore.Weighted // of inFlight messages; a suspect takes it all
	complaint string              // why the broker was last not reached; empty after a connection; Run alone has it
}

// New checks the options; it does not connect. Its errors are one sentence for people.
func New(o Options) (*Client, error) {
	address, err := address(o.URL)
	if err != nil {
		return nil, err
	}
	if o.ClientID == "" {
		return nil, errors.New("a broker wants a client id")
	}
	password, _ := o.URL.User.Password()
	o.Username, o.Password = cmp.Or(o.Username, o.URL.User.Username()), cmp.Or(o.Password, password)
	o.URL = address
	o.RetryInterval = min(cmp.Or(max(o.RetryInterval, 0), longestRetry), longestRetry)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{
		o:         o,
		log:       o.Log.With("broker", address.Host),
		connected: make(chan struct{}, 1),
		messages:  make(chan Message, cmp.Or(max(o.Inbox, 0), inbox)),
		suspects:  newSuspects(),
		room:      semaphore.NewWeighted(inFlight),
	}, nil
}

// IsConnected tells whether Publish would try.
func (c *Client) IsConnected() bool { return c.link.Load() != nil }

// Connected signals that there is a new connection, on which everything is to be published again. It holds one signal: who
// is late gets one for many.
func (c *Client) Connected() <-chan struct{} { return c.connected }

// Messages are those of the topics subscribed to, in order. Who does not read them loses the newest. It is never closed.
func (c *Client) Messages() <-chan Message { return c.messages }

// Publish sends a message with QoS 1 and returns nil once the broker has acknowledged it. An empty body with retain removes
// what the topic holds. The error is ErrOffline at once without a connection, and as soon as the connection breaks; ErrRefused,
// ErrInvalid, or the context's. After the context's error, and after a break, the broker may have got the message. A message
// that was in flight at two breaks waits until the connection is RetryInterval old.
func (c *Client) Publish(ctx context.Context, topic string, body []byte, retain bool) error {
	if err := valid(topic, body); err != nil {
		return err
	}
	l := c.link.Load()
	if l == nil {
		return ErrOffline
	}
	d := newDelivery(topic, body, retain)
	share := int64(1)
	switch c.suspects.verdict(d.sum) {
	case refused:
		return ErrRefused
	case alone:
		if err := l.proved(ctx); err != nil {
			return err
		}
		share = inFlight
	case free:
	}
	if err := c.room.Acquire(ctx, share); err != nil {
		return fmt.Errorf("waiting for other messages to be acknowledged: %w", err)
	}
	defer c.room.Release(share)
	if err := l.deliver(ctx, d); err != nil {
		return err
	}
	c.suspects.clear(d.sum)
	return nil
}

// receive is called by paho for each message, and never blocks: a handler that does blocks the client.
func (c *Client) receive(m Message) {
	select {
	case c.messages <- m:
	default:
		c.log.Warn("message dropped because too many wait to be read", "topic", short(m.Topic))
	}
}
