package broker_test

import (
	"context"
	"net"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBrokerServesEverybodyAndEndsWithItsContext(t *testing.T) {
	b, err := broker.New(t.Context(), broker.Options{Addr: "127.0.0.1:0"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()

	c := paho.NewClient(paho.NewClientOptions().AddBroker("mqtt://" + b.Addr()).SetClientID("a").SetAutoReconnect(false))
	token := c.Connect()
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error())
	got := make(chan paho.Message, 1)
	require.True(t, c.Subscribe("a/#", 1, func(_ paho.Client, m paho.Message) { got <- m }).WaitTimeout(10*time.Second))
	require.NoError(t, b.Publish("a/b", []byte("x"), false))
	require.Equal(t, "x", string((<-got).Payload()))

	// Somebody who connects and says nothing does not keep the broker from ending.
	mute, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.Addr())
	require.NoError(t, err)
	defer func() { _ = mute.Close() }()

	cancel()
	require.NoError(t, <-done)
	_, err = new(net.Dialer).DialContext(t.Context(), "tcp", b.Addr())
	require.Error(t, err)
}

func TestBrokerSaysThatItsAddressIsTaken(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, err = broker.New(t.Context(), broker.Options{Addr: l.Addr().String()})
	require.ErrorContains(t, err, "address already in use")
}
