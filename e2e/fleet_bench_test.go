//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// fleetSize is how many meters the fleet of the benchmark has.
const fleetSize = 1000

// BenchmarkStartOfAFleet is the time from the start of the program until a real Mosquitto has acknowledged all retained
// topics of 1000 meters whose store is filled from 1 January to yesterday (consumption), and beside it the time in which
// a bare loop publishes the same payloads. Filling the store takes minutes.
func BenchmarkStartOfAFleet(b *testing.B) {
	dir := b.TempDir()
	prms := fillFleet(b, dir)
	var messages map[string][]byte
	b.Run("program", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			broker, stop := bareMosquitto(b)
			page := address(b)
			program := exec.Command(binary, "run")
			program.Env = environment(map[string]string{
				"METERS": strings.Join(prms, ","), "ENEDIS_CLIENT_ID": "none", "ENEDIS_CLIENT_SECRET": "none",
				"ENEDIS_BASE_URL": "http://127.0.0.1:9", "MQTT_URL": "mqtt://" + broker, "DATA_DIR": dir, "HTTP_ADDR": page,
				"LOG_LEVEL": "warn",
			})
			b.StartTimer()
			require.NoError(b, program.Start())
			waitReady(b, page)
			b.StopTimer()
			messages = allRetained(b, broker)
			require.NoError(b, program.Process.Signal(os.Interrupt))
			_ = program.Wait() // an interrupt is how it ends
			stop()
			b.StartTimer()
		}
		b.ReportMetric(float64(len(messages)), "topics")
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			broker, stop := bareMosquitto(b)
			b.StartTimer()
			publishAll(b, broker, messages)
			b.StopTimer()
			stop()
			b.StartTimer()
		}
	})
}

// fillFleet gives a store in which nothing is missing.
func fillFleet(b *testing.B, dir string) []string {
	b.Helper()
	s, err := store.Open(b.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	defer s.Close()
	today := meter.DayOf(time.Now())
	days := meter.Days{From: (today - 1).Year().From, To: today}
	var daily, power, curve []meter.DayValues
	for d := range days.All() {
		one := meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Value: 12000 + int64(d%700)}
		daily = append(daily, one)
		one.Value, one.At = 6000, d.Start().Add(19*time.Hour)
		power = append(power, one)
		var readings []meter.Reading
		for start := d.Start(); start.Before(d.End()); start = start.Add(30 * time.Minute) {
			readings = append(readings, meter.Reading{
				Interval: meter.Interval{Start: start, End: start.Add(30 * time.Minute)}, Watts: int64(200 + start.Minute()),
				Quality: meter.Raw, Source: "dataconnect",
			})
		}
		found, _ := meter.Curve(meter.Days{From: d, To: d + 1}, readings)
		curve = append(curve, found...)
	}
	var prms []string
	rank := func(string) int { return 0 }
	for i := range fleetSize {
		prm := meter.PRM(fmt.Sprintf("%014d", 10_000_000_000_000+i))
		prms = append(prms, string(prm))
		for m, values := range map[meter.Measure][]meter.DayValues{meter.Daily: daily, meter.MaxPower: power, meter.LoadCurve: curve} {
			_, err := s.Merge(b.Context(), meter.Series{PRM: prm, Direction: meter.Consumption, Measure: m}, values, rank)
			require.NoError(b, err)
		}
		require.NoError(b, s.SaveMeter(b.Context(), store.Meter{
			PRM: prm, FirstSeen: days.From.Start(), Contract: store.Contract{NotBefore: time.Now().AddDate(1, 0, 0)},
			Directions: map[meter.Direction]store.DirectionState{
				meter.Consumption: {Standing: store.Exists, How: "contract"}, meter.Production: {Standing: store.Absent, How: "contract", AskAgain: time.Now().AddDate(1, 0, 0)},
			},
			Wanted: map[meter.Measure]store.Wanted{meter.Daily: {First: days.From}, meter.MaxPower: {First: days.From}, meter.LoadCurve: {First: days.From}},
		}))
	}
	require.NoError(b, s.SetCursor(b.Context(), "readings", 1<<62))
	return prms
}

// bareMosquitto starts a broker and gives its address.
func bareMosquitto(b *testing.B) (addr string, stop func()) {
	b.Helper()
	addr = address(b)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(b, err)
	conf := filepath.Join(b.TempDir(), "mosquitto.conf")
	require.NoError(b, os.WriteFile(conf, []byte("user root\nlistener "+port+" 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"), 0o600))
	broker := exec.Command("mosquitto", "-c", conf)
	require.NoError(b, broker.Start())
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			require.NoError(b, c.Close())
			return addr, func() {
				require.NoError(b, broker.Process.Signal(os.Interrupt))
				_ = broker.Wait() // likewise
			}
		}
	}
}

func address(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	return l.Addr().String()
}

// waitReady returns once /readyz says that everything is published.
func waitReady(b *testing.B, page string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+page+"/readyz", nil)
		require.NoError(b, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(b, ctx.Err())
		if err != nil {
			continue
		}
		require.NoError(b, resp.Body.Close())
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
}

func join(b *testing.B, broker string) paho.Client {
	b.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + broker).SetClientID(fmt.Sprint("bench-", time.Now().UnixNano())))
	token := c.Connect()
	token.Wait()
	require.NoError(b, token.Error())
	return c
}

// allRetained gives what the broker keeps.
func allRetained(b *testing.B, broker string) map[string][]byte {
	b.Helper()
	c := join(b, broker)
	defer c.Disconnect(0)
	found := make(map[string][]byte)
	var mu sync.Mutex
	end := make(chan struct{})
	token := c.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		if m.Topic() == endTopic {
			close(end)
			return
		}
		found[m.Topic()] = m.Payload()
	})
	token.Wait()
	c.Publish(endTopic, 1, false, "end").Wait()
	<-end
	return found
}

// publishAll hands all messages to the broker and waits for its word on each.
func publishAll(b *testing.B, broker string, messages map[string][]byte) {
	b.Helper()
	c := join(b, broker)
	defer c.Disconnect(0)
	tokens := make([]paho.Token, 0, len(messages))
	for topic, body := range messages {
		tokens = append(tokens, c.Publish(topic, 1, true, body))
	}
	for _, token := range tokens {
		token.Wait()
		require.NoError(b, token.Error())
	}
}
