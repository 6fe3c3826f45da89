package mqtt_test

import (
	"fmt"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// BenchmarkPublish10000 is 10 000 retained documents, as a fleet publishes at each connection: through this package with 256
// callers, and through paho in a bare loop, which is as fast as it gets.
func BenchmarkPublish10000(b *testing.B) {
	const messages, callers = 10_000, 256
	body := make([]byte, 400)
	topics := make([]string, messages)
	for i := range topics {
		topics[i] = fmt.Sprintf("enedis2mqtt/%014d/state", i)
	}

	b.Run("client", func(b *testing.B) {
		c, _ := run(b, options(mqtttest.New(b)))
		connected(b, c)
		for b.Loop() {
			var g errgroup.Group
			g.SetLimit(callers)
			for _, topic := range topics {
				g.Go(func() error { return c.Publish(b.Context(), topic, body, true) })
			}
			require.NoError(b, g.Wait())
		}
	})

	b.Run("bare", func(b *testing.B) {
		broker := mqtttest.New(b)
		c := paho.NewClient(paho.NewClientOptions().AddBroker(broker.URL().String()).SetClientID("bare"))
		c.Connect().Wait()
		b.Cleanup(func() { c.Disconnect(1000) })
		for b.Loop() {
			tokens := make([]paho.Token, 0, messages)
			for _, topic := range topics {
				tokens = append(tokens, c.Publish(topic, 1, true, body))
			}
			for _, token := range tokens {
				<-token.Done()
				require.NoError(b, token.Error())
			}
		}
	})
}
