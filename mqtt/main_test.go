package mqtt_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stateTopic = "enedis2mqtt/bridge/state"

// options are those of a client that tries again quickly.
func options(b *mqtttest.Broker) mqtt.Options {
	return mqtt.Options{
		URL:           b.URL(),
		ClientID:      "enedis2mqtt-test",
		Will:          mqtt.Will{Topic: stateTopic, Online: "online", Offline: "offline"},
		RetryInterval: 5 * time.Millisecond,
	}
}

// run starts a client; stop ends it and waits, and so does the end of the test.
func run(tb testing.TB, o mqtt.Options) (c *mqtt.Client, stop func()) {
	tb.Helper()
	c, err := mqtt.New(o)
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(tb.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.Run(ctx) })
	stop = func() {
		cancel()
		wg.Wait()
	}
	tb.Cleanup(stop)
	return c, stop
}

// connected waits for the next connection.
func connected(tb testing.TB, c *mqtt.Client) {
	tb.Helper()
	select {
	case <-c.Connected():
	case <-time.After(20 * time.Second):
		require.FailNow(tb, "no connection")
	}
}

// logs keeps what is logged, for tests that read it.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// lines are those that hold all the words.
func (l *logs) lines(words ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for line := range strings.Lines(l.text.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}
