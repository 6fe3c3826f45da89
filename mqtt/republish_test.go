package mqtt_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
)

const documents = 100

// republish does as a bridge: on each connection it publishes everything, until a connection lasts for all of it. It gives
// the topics that are refused.
func republish(t *testing.T, c *mqtt.Client, big string) []string {
	t.Helper()
	for range 20 {
		if refused, ok := publishAll(t, c, big); ok {
			return refused
		}
		connected(t, c)
	}
	require.FailNow(t, "the connection never lasts")
	return nil
}

// publishAll publishes all documents at once, among them one with the given body. It reports whether the connection lasted.
func publishAll(t *testing.T, c *mqtt.Client, big string) (refused []string, ok bool) {
	t.Helper()
	bodies := map[string]string{"enedis2mqtt/09876543210987/big": big}
	for i := range documents {
		bodies[fmt.Sprintf("enedis2mqtt/%d/state", i)] = fmt.Sprintf(`{"n":%d}`, i)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	ok = true
	for topic, body := range bodies {
		wg.Go(func() {
			err := c.Publish(t.Context(), topic, []byte(body), true)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, mqtt.ErrRefused):
				refused = append(refused, topic)
			case err != nil:
				ok = false
			}
		})
	}
	wg.Wait()
	slices.Sort(refused)
	return refused, ok
}

func userinfo(user, password string) *url.Userinfo { return url.UserPassword(user, password) }

// silence is a server that accepts and says nothing.
type silence struct {
	url    *url.URL
	called chan struct{} // closed once somebody has connected
}

func listenInSilence(t *testing.T) silence {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := silence{url: &url.URL{Scheme: "mqtt", Host: listener.Addr().String()}, called: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		close(s.called)
		_, _ = conn.Read(make([]byte, 1<<10)) // the CONNECT
		_, _ = conn.Read(make([]byte, 1))     // until the client hangs up
		_ = conn.Close()
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
	})
	return s
}
