package mqtt_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

func TestNewNamesWhatIsWrong(t *testing.T) {
	tests := map[string]struct {
		url, id string
		want    string
	}{
		"no address":     {url: "", id: "x", want: "host"},
		"no host":        {url: "mqtt://", id: "x", want: "host"},
		"not for MQTT":   {url: "http://broker", id: "x", want: `not "http"`},
		"without an id":  {url: "mqtt://broker", want: "client id"},
		"a bare address": {url: "mqtt://broker", id: "x"},
		"an IPv6 host":   {url: "mqtts://[::1]", id: "x"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(tc.url)
			require.NoError(t, err)
			_, err = mqtt.New(mqtt.Options{URL: u, ClientID: tc.id})
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestPublishIsOfflineAtOnceWithoutConnection(t *testing.T) {
	b := mqtttest.New(t, mqtttest.Stopped())
	c, _ := run(t, options(b))
	require.False(t, c.IsConnected())
	require.ErrorIs(t, c.Publish(t.Context(), "a/b", []byte("x"), true), mqtt.ErrOffline)
}

func TestPublishRefusesWhatMQTTCannotSay(t *testing.T) {
	b := mqtttest.New(t)
	c, _ := run(t, options(b))
	connected(t, c)
	for name, topic := range map[string]string{
		"empty": "", "a wildcard": "a/#", "a wildcard of one level": "a/+/b", "NUL": "a\x00", "not UTF-8": "a/\xff", "endless": strings.Repeat("a", 65_536),
	} {
		require.ErrorIs(t, c.Publish(t.Context(), topic, nil, true), mqtt.ErrInvalid, name)
	}
	require.Equal(t, 1, b.Connections())
}

func TestPublishIsThereOnceItReturns(t *testing.T) {
	b := mqtttest.New(t)
	c, _ := run(t, options(b))
	connected(t, c)
	require.True(t, c.IsConnected())
	require.NoError(t, c.Publish(t.Context(), "a/b", []byte("1"), true))
	require.Equal(t, "1", b.Retained()["a/b"])
	require.NoError(t, c.Publish(t.Context(), "a/c", []byte("2"), false))
	require.NotContains(t, b.Retained(), "a/c")
	require.NoError(t, c.Publish(t.Context(), "a/b", nil, true))
	require.NotContains(t, b.Retained(), "a/b")
}

func TestPublishFromHundredsAtOnce(t *testing.T) {
	const publishers, each = 400, 10
	b := mqtttest.New(t)
	c, _ := run(t, options(b))
	connected(t, c)
	var g errgroup.Group
	for p := range publishers {
		g.Go(func() error {
			for i := range each {
				if err := c.Publish(t.Context(), fmt.Sprintf("p/%d/%d", p, i), []byte("x"), true); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, g.Wait())
	require.Len(t, b.Retained(), publishers*each+1)
}

func TestPublishOfOneCallerKeepsItsOrder(t *testing.T) {
	b := mqtttest.New(t)
	c, _ := run(t, options(b))
	connected(t, c)
	b.Forget()
	for i := range 50 {
		require.NoError(t, c.Publish(t.Context(), "a", fmt.Append(nil, i), false))
	}
	for i, m := range b.Received() {
		require.Equal(t, fmt.Sprint(i), m.Body)
	}
}

func TestPublishKeepsToItsContextWhenTheBrokerNeverAcknowledges(t *testing.T) {
	swallowed := make(chan struct{})
	b := mqtttest.New(t, mqtttest.WithReply(func(m mqtttest.Message) mqtttest.Reply {
		if m.Topic != "black/hole" {
			return mqtttest.Acknowledge
		}
		close(swallowed)
		return mqtttest.Ignore
	}))
	c, _ := run(t, options(b))
	connected(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-swallowed
		cancel()
	}()
	require.ErrorIs(t, c.Publish(ctx, "black/hole", []byte("x"), true), context.Canceled)
	require.NoError(t, c.Publish(t.Context(), "a", []byte("x"), true), "others get through")
	require.Equal(t, 1, b.Connections())
}

func TestPublishFailsWhenTheBrokerDiesBeforeItAcknowledges(t *testing.T) {
	const n = 100
	got := make(chan struct{}, n)
	b := mqtttest.New(t, mqtttest.WithReply(func(m mqtttest.Message) mqtttest.Reply {
		if !strings.HasPrefix(m.Topic, "lost/") {
			return mqtttest.Acknowledge
		}
		got <- struct{}{}
		return mqtttest.Ignore
	}))
	c, _ := run(t, options(b))
	connected(t, c)
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- c.Publish(t.Context(), fmt.Sprint("lost/", i), []byte("x"), true) }()
	}
	for range n {
		<-got
	}
	b.Stop()
	for range n {
		require.ErrorIs(t, <-errs, mqtt.ErrOffline)
	}
	b.Restart()
	connected(t, c)
	for _, m := range b.Received() {
		require.False(t, strings.HasPrefix(m.Topic, "lost/"), "nothing is sent again by itself")
	}
}

func TestPublishNeverSucceedsForWhatTheBrokerHasNot(t *testing.T) {
	b := mqtttest.New(t)
	c, _ := run(t, options(b))
	connected(t, c)
	var g errgroup.Group
	acknowledged := make([]bool, 2000)
	for i := range acknowledged {
		g.Go(func() error {
			acknowledged[i] = c.Publish(t.Context(), fmt.Sprint("n/", i), []byte("x"), true) == nil
			return nil
		})
	}
	b.AwaitTopic("n/1000")
	b.Drop()
	require.NoError(t, g.Wait())
	retained := b.Retained()
	for i, ok := range acknowledged {
		if ok {
			require.Contains(t, retained, fmt.Sprint("n/", i))
		}
	}
}

func TestMessages(t *testing.T) {
	b := mqtttest.New(t)
	b.Publish("enedis2mqtt/bridge/request/refresh", "old", true)
	o := options(b)
	o.Subscribe = []string{"enedis2mqtt/bridge/request/#", "enedis2mqtt/+/refresh/set"}
	c, _ := run(t, o)
	connected(t, c)
	b.Publish("enedis2mqtt/bridge/request/history/stop", "{}", false)
	b.Publish("enedis2mqtt/09876543210987/refresh/set", "PRESS", false)
	b.Publish("enedis2mqtt/bridge/request/refresh", "new", true)

	want := []mqtt.Message{
		{Topic: "enedis2mqtt/bridge/request/refresh", Body: []byte("old"), Retained: true},
		{Topic: "enedis2mqtt/bridge/request/history/stop", Body: []byte("{}")},
		{Topic: "enedis2mqtt/09876543210987/refresh/set", Body: []byte("PRESS")},
		{Topic: "enedis2mqtt/bridge/request/refresh", Body: []byte("new")},
	}
	for _, w := range want {
		require.Equal(t, w, <-c.Messages())
	}
}

func TestMessagesThatNobodyReadsDoNotBlockTheConnection(t *testing.T) {
	var l logs
	b := mqtttest.New(t)
	o := options(b)
	o.Subscribe = []string{"flood/#"}
	o.Log = l.logger()
	c, _ := run(t, o)
	connected(t, c)
	for i := range 400 {
		require.NoError(t, c.Publish(t.Context(), "flood/09876543210987", fmt.Append(nil, i), false))
	}
	require.NoError(t, c.Publish(t.Context(), "after", []byte("x"), true))
	for i := range 256 {
		require.Equal(t, fmt.Sprint(i), string((<-c.Messages()).Body), "the oldest are kept")
	}
	require.NotEmpty(t, l.lines("level=WARN", "dropped", "topic=flood/…0987"))
	require.Empty(t, l.lines("09876543210987"))
}
