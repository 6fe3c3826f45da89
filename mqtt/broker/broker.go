// Package broker is an MQTT broker inside the process, for the demo and for tests. It keeps retained messages for as long as
// it lives; it knows nothing of what they say.
package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// sysTopicInterval is how often mochi refreshes its $SYS topics, in seconds; nobody here reads them.
const sysTopicInterval = 24 * 60 * 60

// Options shape a Broker.
type Options struct {
	Addr     string       // TCP address to listen on, as in "127.0.0.1:1883"; unused when there is a Listener
	Listener net.Listener // where clients come from, instead of Addr
	TLS      *tls.Config  // nil for plain TCP

	MaxPacketSize uint32       // bytes; a client that sends a larger packet is disconnected. 0 for no limit
	Hooks         []mochi.Hook // decide who may come in and do what; none lets everybody do everything
}

// Broker is a broker that listens and is served by Run.
type Broker struct {
	server *mochi.Server
	door   *door
}

// New listens at once, so that clients may connect before Run; their connections wait for it.
func New(ctx context.Context, o Options) (*Broker, error) {
	b := &Broker{server: mochi.New(&mochi.Options{
		Capabilities:           capabilities(o),
		Logger:                 slog.New(slog.DiscardHandler), // mochi's default writes to the standard output
		SysTopicResendInterval: sysTopicInterval,
		InlineClient:           true,
	})}
	hooks := o.Hooks
	if len(hooks) == 0 {
		hooks = []mochi.Hook{new(openHouse)}
	}
	for _, hook := range hooks {
		if err := b.server.AddHook(hook, nil); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
	}
	listener := o.Listener
	if listener == nil {
		var err error
		if listener, err = new(net.ListenConfig).Listen(ctx, "tcp", o.Addr); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
	}
	if o.TLS != nil {
		listener = tls.NewListener(listener, o.TLS)
	}
	b.door = newDoor(listener)
	if err := b.server.AddListener(b.door); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return b, nil
}

// capabilities are mochi's own but for two: retained messages live for ever, where mochi v2.7.9 deletes them after 24 h,
// those of MQTT 3 clients too; and the size of a packet may be limited.
func capabilities(o Options) *mochi.Capabilities {
	c := mochi.NewDefaultServerCapabilities()
	c.MaximumMessageExpiryInterval = 0
	c.MaximumPacketSize = o.MaxPacketSize
	return c
}

// Addr is where the broker listens, as in "127.0.0.1:1883".
func (b *Broker) Addr() string { return b.door.Address() }

// Publish sends a message to all who have subscribed to its topic.
func (b *Broker) Publish(topic string, body []byte, retain bool) error {
	return b.server.Publish(topic, body, retain, 1)
}

// Drop cuts every connection without a farewell, as a failing network does; clients may come back at once.
func (b *Broker) Drop() { b.door.drop() }

// Run serves until ctx ends, then cuts every connection. Last wills are published while it does.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	<-ctx.Done()
	return b.server.Close()
}

// openHouse lets everybody do everything. It is mochi's AllowHook, whose package would bring a YAML parser along.
type openHouse struct {
	mochi.HookBase
}

func (*openHouse) ID() string { return "open-house" }

func (*openHouse) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck
}

func (*openHouse) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (*openHouse) OnACLCheck(*mochi.Client, string, bool) bool { return true }
