//go:build e2e

package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
)

// client is a user of the broker.
type client struct {
	paho.Client
}

// connect joins the broker; shape may change the options before.
func connect(t *testing.T, m *mosquitto, shape ...func(*paho.ClientOptions)) client {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("tcp://127.0.0.1:" + m.port).SetOrderMatters(true).SetAutoReconnect(false)
	for _, f := range shape {
		f(o)
	}
	c := client{paho.NewClient(o)}
	c.done(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

// withTLS makes the client speak TLS.
func withTLS(c *tls.Config) func(*paho.ClientOptions) {
	return func(o *paho.ClientOptions) {
		for _, server := range o.Servers {
			server.Scheme = "ssl"
		}
		o.SetTLSConfig(c)
	}
}

func (c client) done(t *testing.T, token paho.Token) {
	t.Helper()
	require.True(t, token.WaitTimeout(10*time.Second), "the broker does not answer")
	require.NoError(t, token.Error())
}

func (c client) publish(t *testing.T, topic, body string, retain bool) {
	t.Helper()
	c.done(t, c.Publish(topic, 1, retain, body))
}

// endTopic carries the message that tells that all messages before it have come.
const endTopic = "e2e/end"

// retained gives everything that the broker keeps. The broker hands out what is retained before what is published after the
// subscription, so a message of our own marks the end.
func retained(t *testing.T, m *mosquitto, shape ...func(*paho.ClientOptions)) map[string]string {
	t.Helper()
	c := connect(t, m, shape...)
	defer c.Disconnect(0)
	topics := make(map[string]string)
	end := make(chan struct{})
	c.done(t, c.Subscribe("#", 1, func(_ paho.Client, msg paho.Message) {
		switch {
		case msg.Topic() == endTopic:
			close(end)
		case msg.Retained():
			topics[msg.Topic()] = string(msg.Payload())
		}
	}))
	c.publish(t, endTopic, "", false)
	select {
	case <-end:
	case <-time.After(10 * time.Second):
		require.Fail(t, "the broker does not hand out what it retains")
	}
	return topics
}

// recorder keeps the messages of some topics in the order of their arrival.
type recorder struct {
	mu       sync.Mutex
	messages []message
}

type message struct {
	topic, body string
	retained    bool
}

// record listens to a topic filter until the end of the test.
func record(t *testing.T, m *mosquitto, filter string) *recorder {
	t.Helper()
	r := &recorder{}
	c := connect(t, m)
	c.done(t, c.Subscribe(filter, 1, func(_ paho.Client, msg paho.Message) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.messages = append(r.messages, message{msg.Topic(), string(msg.Payload()), msg.Retained()})
	}))
	return r
}

func (r *recorder) all() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.messages...)
}

// decode reads a JSON document; a key that the contract does not name is an error.
func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v), body)
	return v
}

// want compares a topic with what it should say.
func want(topics map[string]string, topic, body string) error {
	if got, ok := topics[topic]; !ok || got != body {
		return fmt.Errorf("%s: %q instead of %q", topic, got, body)
	}
	return nil
}
