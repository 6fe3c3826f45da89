package mqtttest_test

import (
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, b *mqtttest.Broker) paho.Client {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().
		AddBroker(b.URL().String()).SetClientID("device").SetAutoReconnect(false).SetWill("device/state", "offline", 1, true))
	wait(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(1000) })
	return c
}

func wait(t *testing.T, token paho.Token) {
	t.Helper()
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error())
}

func TestBrokerRemembersWhatItWasTold(t *testing.T) {
	b := mqtttest.New(t)
	c := connect(t, b)
	wait(t, c.Publish("a", 1, true, "1"))
	wait(t, c.Publish("b", 1, false, "2"))
	wait(t, c.Publish("a", 1, true, ""))
	b.Publish("c", "3", true)
	require.Equal(t, []mqtttest.Message{
		{Topic: "a", Body: "1", Retained: true, Client: "device"},
		{Topic: "b", Body: "2", Client: "device"},
		{Topic: "a", Retained: true, Client: "device"},
		{Topic: "c", Body: "3", Retained: true},
	}, b.Received())
	require.Equal(t, map[string]string{"c": "3"}, b.Retained())
	b.Forget()
	require.Empty(t, b.Received())
	require.Len(t, b.Retained(), 1)
}

func TestBrokerPublishesTheWillOfAClientThatItCutsOff(t *testing.T) {
	b := mqtttest.New(t)
	connect(t, b)
	b.Drop()
	require.Equal(t, mqtttest.Message{Topic: "device/state", Body: "offline", Retained: true, Client: "device"}, b.AwaitTopic("device/state"))
}

func TestBrokerRestarts(t *testing.T) {
	b := mqtttest.New(t)
	wait(t, connect(t, b).Publish("a", 1, true, "1"))
	before := b.URL().String()

	b.Restart()
	require.Equal(t, before, b.URL().String())
	kept := make(chan paho.Message, 1)
	wait(t, connect(t, b).Subscribe("a", 1, func(_ paho.Client, m paho.Message) { kept <- m }))
	require.Equal(t, "1", string((<-kept).Payload()))
	require.Len(t, b.Received(), 2, "what was told, and the first client's will, and nothing for the restart")

	b.RestartEmpty()
	require.Empty(t, b.Retained())
	require.Equal(t, 2, b.Connections())
}

func TestBrokerLetsNobodyInWhileItIsStopped(t *testing.T) {
	b := mqtttest.New(t, mqtttest.Stopped())
	c := paho.NewClient(paho.NewClientOptions().AddBroker(b.URL().String()).SetClientID("early"))
	token := c.Connect()
	require.True(t, token.WaitTimeout(10*time.Second))
	require.Error(t, token.Error())
	b.Restart()
	connect(t, b)
}
