package mqtt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	atLeastOnce = 1 // QoS: paho v1.5.1 drops a QoS 0 message while it reconnects, and reports a success

	protocol311 = 4 // paho would answer any refusal by asking again with MQTT 3.1
	keepAlive   = 30 * time.Second

	subscriptionRefused = 0x80 // return code of a SUBACK
	farewellQuiesce     = 1000 // ms for the network to take the DISCONNECT
)

// The ways in which a broker leaves us without an answer.
var (
	errNoAck  = errors.New("the broker does not acknowledge")
	errSilent = errors.New("the broker lets us connect and says nothing")
	errNoPing = errors.New("the broker does not answer our pings")
)

// delivery is one message on its way.
type delivery struct {
	topic  string
	body   []byte
	retain bool
	sum    sum
	sent   chan paho.Token // capacity 1: takes the token once paho has the message
	token  paho.Token      // set with link.mu held; nil before
}

func newDelivery(topic string, body []byte, retain bool) *delivery {
	return &delivery{topic: topic, body: body, retain: retain, sum: sumOf(topic, body), sent: make(chan paho.Token, 1)}
}

// acknowledged tells whether the broker has the message for certain.
func (d *delivery) acknowledged() bool {
	if d.token == nil {
		return false
	}
	select {
	case <-d.token.Done():
		return d.token.Error() == nil
	default:
		return false
	}
}

// link is one connection, from dialling to its end.
type link struct {
	client paho.Client
	conn   net.Conn
	queue  chan *delivery
	idle   chan struct{} // closed when no message is handed to paho any more

	good  chan struct{} // closed when the connection, if it is still there, has lasted for a while
	once  sync.Once
	down  chan struct{} // closed when the connection has ended
	cause error         // why; to be read after down

	mu       sync.Mutex
	inFlight map[*delivery]struct{}
}

// connect dials and says who we are. It returns once the broker has let us in, or with the reason why not.
func connect(ctx context.Context, o Options, receive func(Message)) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := dial(ctx, o)
	if err != nil {
		return nil, err
	}
	l := newLink(conn)
	l.client = paho.NewClient(clientOptions(o).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return &line{Conn: conn, link: l}, nil }).
		SetConnectionLostHandler(func(_ paho.Client, err error) { l.end(err) }). // as when no ping is answered
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			receive(Message{Topic: m.Topic(), Body: m.Payload(), Retained: m.Retained()})
		}))
	go l.send()
	inTime := context.AfterFunc(ctx, func() { _ = conn.Close() }) // paho's handshake knows no context
	token := l.client.Connect()
	<-token.Done() // ends with ctx, as the handshake does
	switch letIn := inTime(); {
	case !letIn:
		l.end(errSilent)
		l.client.Disconnect(farewellQuiesce)
		return nil, errSilent
	case token.Error() != nil:
		l.end(token.Error())
		_ = conn.Close()
		return nil, token.Error()
	}
	time.AfterFunc(o.RetryInterval, func() { close(l.good) })
	return l, nil
}

func newLink(conn net.Conn) *link {
	return &link{
		conn:     conn,
		queue:    make(chan *delivery),
		idle:     make(chan struct{}),
		good:     make(chan struct{}),
		down:     make(chan struct{}),
		inFlight: make(map[*delivery]struct{}),
	}
}

func clientOptions(o Options) *paho.ClientOptions {
	po := paho.NewClientOptions().
		SetClientID(o.ClientID).
		SetUsername(o.Username).
		SetPassword(o.Password).
		SetProtocolVersion(protocol311).
		SetCleanSession(true).
		SetOrderMatters(true).
		SetKeepAlive(keepAlive).
		SetConnectTimeout(connectTimeout).
		SetWriteTimeout(writeTimeout).
		SetAutoReconnect(false).
		SetConnectRetry(false)
	po.Servers = []*url.URL{o.URL}
	if o.Will.Topic != "" {
		po.SetWill(o.Will.Topic, o.Will.Offline, atLeastOnce, true)
	}
	return po
}

// greet subscribes, and then says that we are there. A subscription that the broker refuses is returned, not an error:
// what is published does not need it.
func (l *link) greet(ctx context.Context, filters []string, will Will) (refused []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if refused, err = l.subscribe(ctx, filters); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	if will.Topic == "" {
		return refused, nil
	}
	return refused, l.deliver(ctx, newDelivery(will.Topic, []byte(will.Online), true))
}

func (l *link) subscribe(ctx context.Context, filters []string) (refused []string, err error) {
	if len(filters) == 0 {
		return nil, nil
	}
	wanted := make(map[string]byte, len(filters))
	for _, f := range filters {
		wanted[f] = atLeastOnce
	}
	token := l.client.SubscribeMultiple(wanted, nil)
	select {
	case <-token.Done():
	case <-l.down:
		return nil, l.broken()
	case <-ctx.Done():
		return nil, errNoAck
	}
	if err := token.Error(); err != nil {
		return nil, err
	}
	if t, ok := token.(*paho.SubscribeToken); ok {
		for filter, code := range t.Result() {
			if code == subscriptionRefused {
				refused = append(refused, filter)
			}
		}
	}
	slices.Sort(refused)
	return refused, nil
}

// send hands messages to paho, one after the other. It is a goroutine of its own since paho's Publish knows no context, and
// blocks while the network takes nothing, for up to writeTimeout.
func (l *link) send() {
	defer close(l.idle)
	for {
		select {
		case d := <-l.queue:
			if l.over() {
				return // what is not sent must not be suspected
			}
			l.add(d)
			token := l.client.Publish(d.topic, atLeastOnce, d.retain, d.body)
			l.mu.Lock()
			d.token = token
			l.mu.Unlock()
			d.sent <- token
		case <-l.down:
			return
		}
	}
}

// deliver returns nil once the broker has acknowledged the message, and ErrOffline as soon as it is certain that it will not.
func (l *link) deliver(ctx context.Context, d *delivery) error {
	select {
	case l.queue <- d:
	case <-l.down:
		return l.broken()
	case <-ctx.Done():
		return fmt.Errorf("the network takes no message: %w", ctx.Err())
	}
	var token paho.Token
	select {
	case token = <-d.sent:
	case <-l.down:
		return l.broken()
	case <-ctx.Done():
		return fmt.Errorf("the network takes no message: %w", ctx.Err())
	}
	select {
	case <-token.Done():
	case <-l.down:
	case <-ctx.Done():
	}
	if l.settle(d) {
		return nil
	}
	if token.Error() != nil {
		l.cut() // paho gave up, and the link is of no use
	}
	select {
	case <-l.down:
		return l.broken()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errNoAck, ctx.Err())
	}
}

// proved waits until the connection is a good one.
func (l *link) proved(ctx context.Context) error {
	select {
	case <-l.good:
		return nil
	case <-l.down:
		return l.broken()
	case <-ctx.Done():
		return fmt.Errorf("waiting for the connection to prove good: %w", ctx.Err())
	}
}

// add notes a message as in flight, and forgets those acknowledged after their publisher had stopped waiting.
func (l *link) add(d *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight[d] = struct{}{}
	if len(l.inFlight) > 2*inFlight {
		maps.DeleteFunc(l.inFlight, func(d *delivery, _ struct{}) bool { return d.acknowledged() })
	}
}

// settle tells whether the message is acknowledged, and is then no longer in flight.
func (l *link) settle(d *delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !d.acknowledged() {
		return false
	}
	delete(l.inFlight, d)
	return true
}

// unacknowledged are the messages that may have broken the connection.
func (l *link) unacknowledged() []*delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Keys(l.inFlight)), (*delivery).acknowledged)
}

func (l *link) broken() error {
	if l.cause == nil {
		return ErrOffline
	}
	return fmt.Errorf("%w: %w", ErrOffline, l.cause)
}

// end says once why the connection is over; nil for our own wish.
func (l *link) end(cause error) {
	l.once.Do(func() {
		l.cause = cause
		close(l.down)
	})
}

// over tells whether the connection has ended.
func (l *link) over() bool {
	select {
	case <-l.down:
		return true
	default:
		return false
	}
}

// broke tells whether the connection has ended against our wish.
func (l *link) broke() bool { return l.over() && l.cause != nil }

// close says Offline, which the broker does not say for us after an orderly farewell, and disconnects. When the broker does
// not take it there is no orderly farewell.
func (l *link) close(ctx context.Context, will Will) error {
	if will.Topic != "" {
		if err := l.deliver(ctx, newDelivery(will.Topic, []byte(will.Offline), true)); err != nil {
			l.abandon()
			return err
		}
	}
	l.end(nil)
	select {
	case <-l.idle:
	case <-ctx.Done():
	}
	l.client.Disconnect(farewellQuiesce)
	return nil
}

// abandon cuts the connection and waits for its end.
func (l *link) abandon() {
	l.cut()
	<-l.idle
}

// cut ends the connection without a farewell, so that the broker publishes our will.
func (l *link) cut() { _ = l.conn.SetReadDeadline(time.Unix(1, 0)) }
