//go:build e2e

package e2e

import (
	"log/slog"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// BenchmarkEventStream is what a broker gets that comes back after days: 1100 curve days, 52 800 half hours, of the event
// stream, from the start of the program until a subscriber of a real Mosquitto has them all.
func BenchmarkEventStream(b *testing.B) {
	const prm, days = "33000000000033", 550
	dir := b.TempDir()
	fillCurves(b, dir, prm, days)
	var took time.Duration
	var memory map[string]float64
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		rewind(b, dir)
		broker, stop := bareMosquitto(b)
		c, all := join(b, broker), make(chan struct{})
		var first, last atomic.Int64 // ns
		var n atomic.Int64
		token := c.Subscribe("enedis2mqtt/+/+/readings", 1, func(paho.Client, paho.Message) {
			last.Store(time.Now().UnixNano())
			switch n.Add(1) {
			case 1:
				first.Store(last.Load())
			case 2 * days:
				close(all)
			}
		})
		token.Wait()
		require.NoError(b, token.Error())
		program := exec.Command(binary, "run")
		program.Env = environment(map[string]string{
			"METERS": prm, "ENEDIS_CLIENT_ID": "none", "ENEDIS_CLIENT_SECRET": "none",
			"ENEDIS_BASE_URL": "http://127.0.0.1:9", "MQTT_URL": "mqtt://" + broker, "DATA_DIR": dir, "HTTP_ADDR": "",
			"LOG_LEVEL": "error",
		})
		program.Stderr = os.Stderr
		b.StartTimer()
		require.NoError(b, program.Start())
		<-all
		b.StopTimer()
		took += time.Duration(last.Load() - first.Load())
		memory = status(b, program.Process.Pid)
		require.NoError(b, program.Process.Signal(os.Interrupt))
		_ = program.Wait() // an interrupt is how it ends
		used += program.ProcessState.UserTime() + program.ProcessState.SystemTime()
		c.Disconnect(0)
		stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(2*days*b.N)/took.Seconds(), "days/s")
	b.ReportMetric(used.Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(memory["VmHWM"], "MiB-peak")
}

// fillCurves gives a store with the newest curve days of both directions.
func fillCurves(b *testing.B, dir string, prm meter.PRM, days int) {
	b.Helper()
	s, err := store.Open(b.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	defer s.Close()
	today := meter.DayOf(time.Now())
	for _, m := range household(2, meter.Days{From: today - meter.Day(days), To: today})[1:] {
		for _, d := range m.Directions() {
			for day := range m.days.All() {
				values, ok := m.Day(d, meter.LoadCurve, day)
				require.True(b, ok)
				series := meter.Series{PRM: prm, Direction: d, Measure: meter.LoadCurve}
				_, err := s.Merge(b.Context(), series, []meter.DayValues{values}, func(string) int { return 0 })
				require.NoError(b, err)
			}
		}
	}
}

// rewind has the stream begin anew.
func rewind(b *testing.B, dir string) {
	b.Helper()
	s, err := store.Open(b.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	require.NoError(b, s.SetCursor(b.Context(), "readings", 0))
	require.NoError(b, s.Close())
}
