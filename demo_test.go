package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
)

// listener keeps what it hears on all topics of a broker.
type listener struct {
	t      *testing.T
	client *mqtt.Client
	heard  map[string][]string // bodies by topic, oldest first
}

// listenTo joins the broker at an address as any user of it does, until the end of the test.
func listenTo(t *testing.T, address string) *listener {
	t.Helper()
	client, err := mqtt.New(mqtt.Options{
		URL: &url.URL{Scheme: "mqtt", Host: address}, ClientID: "listener", Subscribe: []string{"#"},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = client.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return &listener{t: t, client: client, heard: make(map[string][]string)}
}

// await listens until the condition holds.
func (l *listener) await(condition func() bool) {
	l.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !condition() {
		select {
		case m := <-l.client.Messages():
			l.heard[m.Topic] = append(l.heard[m.Topic], string(m.Body))
		case <-late.C:
			require.FailNow(l.t, "it does not arrive", "heard: %v", l.heard)
		}
	}
}

// newest is the last body of a topic.
func (l *listener) newest(topic string) string {
	bodies := l.heard[topic]
	if len(bodies) == 0 {
		return ""
	}
	return bodies[len(bodies)-1]
}

// startDemo runs the demo on ports that are free, without page, and listens to its broker.
func startDemo(t *testing.T, flags ...string) (*instance, *listener) {
	t.Helper()
	demo := start(t, append([]string{"demo", "--mqtt-addr", "127.0.0.1:0", "--http-addr", ""}, flags...)...)
	return demo, listenTo(t, demo.out.await(t, `mqtt://(\S+)`)[1])
}

func TestDemo(t *testing.T) {
	t.Parallel()
	demo, broker := startDemo(t)
	meters := household(4)
	wanted := []string{
		topics.BridgeState(), topics.BridgeInfo(), topics.BridgeHealth(), "homeassistant/device/enedis2mqtt_bridge/config",
	}
	for _, m := range meters {
		wanted = append(wanted, m.topics()...)
		wanted = append(wanted, "homeassistant/device/enedis2mqtt_"+string(m.PRM)+"/config")
	}
	broker.await(func() bool {
		for _, topic := range wanted {
			if broker.newest(topic) == "" {
				return false
			}
		}
		for _, m := range meters {
			if broker.newest(topics.Freshness(m.PRM)) != string(contract.Green) {
				return false
			}
		}
		return broker.curves(meters) == 4 // of three meters, one of them with two
	})
	require.Contains(t, demo.out.String(), "mosquitto_sub -h 127.0.0.1 -p ")

	require.Zero(t, demo.stop())
	require.NotContains(t, demo.log.String(), "did not take our farewell")
}

// curves counts the load curves of which all seven days of the first start have been told as events.
func (l *listener) curves(meters []truth) (n int) {
	for _, m := range meters {
		for _, d := range meter.Directions() {
			if len(l.heard[topics.Readings(m.PRM, d)]) >= 7 {
				n++
			}
		}
	}
	return n
}

func TestDemoWithAFaultHealsByItself(t *testing.T) {
	t.Parallel()
	demo, broker := startDemo(t, "--meters", "1", "--fault", "503:1h", "--locale", "en")
	home := household(1)[0].PRM
	broker.await(func() bool {
		return hasReason(broker.newest(topics.FreshnessDetail(home)), contract.SourceDown)
	})
	faults := demo.out.await(t, `(http://\S+/simulator/faults)`)[1]
	require.Equal(t, http.StatusOK, request(t, http.MethodDelete, faults))
	broker.await(func() bool { return broker.newest(topics.Freshness(home)) == string(contract.Green) })
}

// TestDemoTakesAConsent goes the customer's way: from the demo's page to Enedis and back.
func TestDemoTakesAConsent(t *testing.T) {
	t.Parallel()
	page := freeAddress(t)
	demo, broker := startDemo(t, "--meters", "1", "--http-addr", page)
	require.Equal(t, "http://"+page+"/consent/start", demo.out.await(t, `Consent to a meter +(\S+)`)[1])
	home, extra := household(2)[0].PRM, household(2)[1].PRM
	broker.await(func() bool { return broker.newest(topics.Freshness(home)) == string(contract.Green) })
	require.Empty(t, broker.newest(topics.Freshness(extra)), "nobody has consented yet")

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	form := browse(t, browser, http.MethodGet, "http://"+page+"/consent/start", nil)
	back := browse(t, browser, http.MethodPost, form.String(), url.Values{"prm": {string(extra)}, "decision": {"accept"}})
	require.Equal(t, page, back.Host, "the browser is back on the page")
	broker.await(func() bool { return broker.newest(topics.Freshness(extra)) == string(contract.Green) })
}

// browse opens an address as a browser does, and gives the one to which it was redirected in the end.
func browse(t *testing.T, browser *http.Client, method, address string, form url.Values) *url.URL {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := browser.Do(r)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, address)
	return response.Request.URL
}

func TestDemoSaysWhenItsPortIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	code, _, log := call(t, "demo", "--mqtt-addr", taken.Addr().String(), "--http-addr", "")
	require.Equal(t, exitFailure, code)
	require.Contains(t, log, "--mqtt-addr")
}
