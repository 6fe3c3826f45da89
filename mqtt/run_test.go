package mqtt_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

func is(want string) func(string) bool { return func(body string) bool { return body == want } }

func TestRunSaysOnlineAndOffline(t *testing.T) {
	b := mqtttest.New(t)
	c, stop := run(t, options(b))
	connected(t, c)
	require.Equal(t, "online", b.Retained()[stateTopic])
	stop()
	require.Equal(t, "offline", b.Retained()[stateTopic])
	require.False(t, c.IsConnected())
	require.ErrorIs(t, c.Publish(t.Context(), "a", nil, true), mqtt.ErrOffline)
}

func TestRunLeavesAWill(t *testing.T) {
	b := mqtttest.New(t)
	c, _ := run(t, options(b))
	connected(t, c)
	b.Forget()
	b.Drop()
	connected(t, c)
	var said []string
	for _, m := range b.Received() {
		require.Equal(t, stateTopic, m.Topic)
		require.True(t, m.Retained)
		said = append(said, m.Body)
	}
	require.ElementsMatch(t, []string{"offline", "online"}, said) // a reconnection may overtake the will
}

func TestRunSignalsEachConnection(t *testing.T) {
	b := mqtttest.New(t)
	o := options(b)
	o.Subscribe = []string{"in"}
	c, _ := run(t, o)
	connected(t, c)
	for range 3 {
		b.RestartEmpty()
		connected(t, c)
		require.Equal(t, "online", b.Retained()[stateTopic])
		b.Publish("in", "x", false)
		require.Equal(t, "in", (<-c.Messages()).Topic, "subscribed anew")
	}
}

func TestRunWaitsForABrokerThatComesLater(t *testing.T) {
	var l logs
	b := mqtttest.New(t, mqtttest.Stopped())
	o := options(b)
	o.Log = l.logger()
	c, _ := run(t, o)
	require.Eventually(t, func() bool { return len(l.lines("broker not reached")) == 1 }, 10*time.Second, time.Millisecond)
	b.Restart()
	connected(t, c)
	require.LessOrEqual(t, len(l.lines("broker not reached")), 2, "not one line for each attempt")
}

func TestRunTriesAgainAfterAWrongPassword(t *testing.T) {
	b := mqtttest.New(t, mqtttest.WithPassword("linky", "right"))
	var l logs
	o := options(b)
	o.Username, o.Password, o.Log = "linky", "wrong", l.logger()
	c, _ := run(t, o)
	b.AwaitThat(func() bool { return b.Refusals() > 3 })
	require.False(t, c.IsConnected())
	require.Len(t, l.lines("level=WARN", "broker not reached"), 1)
	require.Empty(t, l.lines("wrong"))
	b.SetPassword("linky", "wrong")
	connected(t, c)
}

func TestRunTakesThePasswordOfTheAddress(t *testing.T) {
	b := mqtttest.New(t, mqtttest.WithPassword("linky", "right"))
	o := options(b)
	o.URL.User = nil
	u := *o.URL
	u.User = userinfo("linky", "right")
	o.URL = &u
	c, _ := run(t, o)
	connected(t, c)
}

func TestRunEndsWhileTheBrokerSaysNothing(t *testing.T) {
	silent := listenInSilence(t)
	c, err := mqtt.New(mqtt.Options{URL: silent.url, ClientID: "x"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	<-silent.called
	cancel()
	require.NoError(t, <-done)
}

func TestRunEndsWhileTheBrokerDoesNotTakeTheFarewell(t *testing.T) {
	t.Parallel() // it takes seconds
	b := mqtttest.New(t, mqtttest.WithReply(func(m mqtttest.Message) mqtttest.Reply {
		if m.Topic == stateTopic && m.Body == "offline" {
			return mqtttest.Ignore
		}
		return mqtttest.Acknowledge
	}))
	c, stop := run(t, options(b))
	connected(t, c)
	stop()
	require.Equal(t, "offline", b.AwaitRetained(stateTopic, is("offline")), "the will, since the connection was cut")
}

func TestRunGoesOnWhenASubscriptionIsRefused(t *testing.T) {
	var l logs
	b := mqtttest.New(t, mqtttest.WithSubscriptions(func(filter string) bool { return !strings.HasPrefix(filter, "homeassistant/") }))
	o := options(b)
	o.Subscribe, o.Log = []string{"homeassistant/status", "in"}, l.logger()
	c, _ := run(t, o)
	connected(t, c)
	require.Len(t, l.lines("level=WARN", "subscription refused", "topic=homeassistant/status"), 1)
	b.Publish("in", "x", false)
	require.Equal(t, "in", (<-c.Messages()).Topic)
}

func TestRunHintsAtAnotherClientWithItsID(t *testing.T) {
	var l logs
	b := mqtttest.New(t)
	o := options(b)
	o.Log = l.logger()
	o.RetryInterval = 300 * time.Millisecond
	c, _ := run(t, o)
	for range 3 {
		connected(t, c)
		twin := paho.NewClient(paho.NewClientOptions().AddBroker(b.URL().String()).SetClientID(o.ClientID).SetAutoReconnect(false))
		token := twin.Connect()
		<-token.Done()
		require.NoError(t, token.Error())
		thrownOut := func() bool { return !twin.IsConnectionOpen() } // by us, who come back
		require.Eventually(t, thrownOut, 10*time.Second, time.Millisecond)
	}
	connected(t, c)
	require.Eventually(t, func() bool { return len(l.lines("level=WARN", "same client id", o.ClientID)) == 1 }, 10*time.Second, time.Millisecond)
}

// A broker that limits the size of packets hangs up on a larger one, and says neither why nor on which. Everything else
// gets through, and the connection stays.
func TestOversizedMessageNeverLoops(t *testing.T) {
	hangUps := map[string]struct {
		option mqtttest.Option
	}{
		"above the broker's packet size": {option: mqtttest.WithMaxPacketSize(64 << 10)},
		"on a topic that is not allowed": {option: mqtttest.WithReply(func(m mqtttest.Message) mqtttest.Reply {
			if strings.HasSuffix(m.Topic, "/09876543210987/big") && len(m.Body) > 1000 {
				return mqtttest.Disconnect
			}
			return mqtttest.Acknowledge
		})},
	}
	for name, tc := range hangUps {
		t.Run(name, func(t *testing.T) {
			var l logs
			b := mqtttest.New(t, tc.option)
			o := options(b)
			o.Log = l.logger()
			c, _ := run(t, o)

			big := strings.Repeat("x", 256<<10)
			refused := republish(t, c, big)
			require.Equal(t, []string{"enedis2mqtt/09876543210987/big"}, refused)
			require.LessOrEqual(t, b.Connections(), 5)
			require.Len(t, b.Retained(), documents+1, "all the others and the state")
			require.Len(t, l.lines("level=ERROR", "topic=enedis2mqtt/…0987/big", "bytes=262144"), 1)
			require.Empty(t, l.lines("09876543210987"))

			connections := b.Connections()
			require.ErrorIs(t, c.Publish(t.Context(), "enedis2mqtt/09876543210987/big", []byte(big), true), mqtt.ErrRefused)
			require.NoError(t, c.Publish(t.Context(), "enedis2mqtt/09876543210987/big", []byte("small"), true), "until its body changes")
			require.Equal(t, connections, b.Connections())
		})
	}
}

// Whatever is in flight when a network fails again and again is suspected, and cleared once it gets through.
func TestSuspectsGetThroughOnceTheNetworkIsWell(t *testing.T) {
	t.Parallel() // it takes seconds
	b := mqtttest.New(t)
	o := options(b)
	o.RetryInterval = 300 * time.Millisecond
	c, _ := run(t, o)
	for i := range 5 {
		connected(t, c)
		b.Forget()
		var wg sync.WaitGroup
		wg.Go(func() { publishAll(t, c, "small") })
		b.AwaitThat(func() bool { return len(b.Received()) > 5*i })
		b.Drop()
		wg.Wait()
	}
	require.Empty(t, republish(t, c, "small"))
	require.Len(t, b.Retained(), documents+2)
}
