package mqtt_test

import (
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// This keeps the fact of paho v1.5.1 for which this package sends nothing with QoS 0: while paho reconnects, such a message
// is dropped and reported as a success.
func TestPahoDropsQoS0WhileItReconnectsAndReportsSuccess(t *testing.T) {
	b := mqtttest.New(t)
	var once sync.Once
	reconnecting := make(chan struct{})
	online := make(chan struct{}, 1)
	c := paho.NewClient(paho.NewClientOptions().
		AddBroker(b.URL().String()).
		SetClientID("fact").
		SetAutoReconnect(true).
		SetMaxReconnectInterval(10 * time.Millisecond).
		SetReconnectingHandler(func(paho.Client, *paho.ClientOptions) { once.Do(func() { close(reconnecting) }) }).
		SetOnConnectHandler(func(paho.Client) {
			select {
			case online <- struct{}{}:
			default:
			}
		}))
	require.True(t, c.Connect().WaitTimeout(10*time.Second))
	t.Cleanup(func() { c.Disconnect(1000) })
	<-online
	b.Stop()
	<-reconnecting

	token := c.Publish("fact/qos0", 0, true, "x")
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error(), "reported as a success")

	b.Restart()
	<-online
	// paho says that it is connected before it has sent what it kept, and races with a message that is published meanwhile.
	require.True(t, c.Subscribe("fact/#", 1, nil).WaitTimeout(10*time.Second))
	sentinel := c.Publish("fact/sentinel", 1, true, "x")
	require.True(t, sentinel.WaitTimeout(10*time.Second))
	require.NoError(t, sentinel.Error())
	require.NotContains(t, b.Retained(), "fact/qos0", "dropped")
}
