//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// BenchmarkHistory is all that Enedis keeps of a meter with both directions, from the first start of the program to its last
// call: how many calls, how many of them for the measures beyond the fewest that the windows allow, how long, and what the
// program needs, beside a simulator and a Mosquitto that are processes of their own. Run it with -benchtime 1x.
func BenchmarkHistory(b *testing.B) {
	for name, latency := range map[string]time.Duration{"no latency": 0, "300 ms": 300 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				measureHistory(b, latency)
			}
		})
	}
}

func measureHistory(b *testing.B, latency time.Duration) {
	b.Helper()
	const prm meter.PRM = "33000000000033"
	sim := bareSimulator(b, latency)
	broker, stop := bareMosquitto(b)
	defer stop()
	dir := b.TempDir()
	program := exec.Command(binary, "run")
	program.Env = environment(map[string]string{
		"METERS": string(prm), "ENEDIS_CLIENT_ID": "demo", "ENEDIS_CLIENT_SECRET": "demo", "ENEDIS_BASE_URL": sim.server.URL,
		"MQTT_URL": "mqtt://" + broker, "DATA_DIR": dir, "HTTP_ADDR": address(b), "LOG_LEVEL": "warn",
		"HISTORY_START": "max", "FETCH_WINDOW": "00:00-00:01",
	})
	program.Stderr = os.Stderr
	start := time.Now()
	require.NoError(b, program.Start())
	sim.rest(b, 35*time.Second) // longer than the first rest that a source in trouble is given
	memory := status(b, program.Process.Pid)
	require.NoError(b, program.Process.Signal(os.Interrupt))
	_ = program.Wait() // an interrupt is how it ends

	measures, fewest := sim.count("/mesure_synchrone_auto/"), fewestCalls(b, dir, prm)
	calls, took := sim.count("/"), sim.last.Sub(start)
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(float64(calls), "calls")
	b.ReportMetric(float64(calls)/took.Seconds(), "calls/s")
	b.ReportMetric(float64(measures)/float64(fewest), "of-the-fewest")
	b.ReportMetric((program.ProcessState.UserTime() + program.ProcessState.SystemTime()).Seconds(), "cpu-s")
	b.ReportMetric(memory["VmHWM"], "MiB-peak")
	b.ReportMetric(memory["VmRSS"], "MiB-end")
	b.ReportMetric(0, "ns/op")
}

// fewestCalls is how many calls the stored days cost if each window is as wide as Enedis allows.
func fewestCalls(b *testing.B, dir string, prm meter.PRM) (calls int) {
	b.Helper()
	s, err := store.OpenReader(b.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	defer s.Close()
	today := meter.DayOf(time.Now())
	for _, d := range meter.Directions() {
		for _, m := range meter.Measures(d) {
			days, span := 0, 365
			for _, err := range s.Days(b.Context(), meter.Series{PRM: prm, Direction: d, Measure: m}, meter.Days{From: today - 2000, To: today}) {
				require.NoError(b, err)
				days++
			}
			if m == meter.LoadCurve {
				span = 7
				require.Greater(b, days, 730, "%s/%s", d, m)
			} else {
				require.Greater(b, days, 3*365, "%s/%s", d, m)
			}
			calls += (days + span - 1) / span
		}
	}
	return calls
}

// slowSimulator is the simulator of Enedis behind a proxy that counts, and that keeps each message for half the latency.
type slowSimulator struct {
	server *httptest.Server

	mu    sync.Mutex
	paths []string
	last  time.Time // when the last answer left
}

func bareSimulator(b *testing.B, latency time.Duration) *slowSimulator {
	b.Helper()
	target := &url.URL{Scheme: "http", Host: address(b)}
	program := exec.Command(binary, "simulator", "--addr", target.Host, "--meters", "2", "--publish-at-once")
	require.NoError(b, program.Start())
	b.Cleanup(func() {
		_ = program.Process.Kill() // it keeps nothing
		_ = program.Wait()
	})
	for {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, target.String()+"/simulator/calls", nil)
		require.NoError(b, err)
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			require.NoError(b, resp.Body.Close())
			break
		}
	}
	s := &slowSimulator{}
	forward := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(*http.Response) error { <-time.After(latency / 2); return nil },
	}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(latency / 2)
		forward.ServeHTTP(w, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.paths, s.last = append(s.paths, r.URL.Path), time.Now()
	}))
	b.Cleanup(s.server.Close)
	return s
}

// rest waits until nobody has asked for a while.
func (s *slowSimulator) rest(b *testing.B, quiet time.Duration) {
	b.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < 10*time.Minute; <-tick.C {
		s.mu.Lock()
		last := s.last
		s.mu.Unlock()
		if !last.IsZero() && time.Since(last) > quiet {
			return
		}
	}
	require.Fail(b, "the program does not come to rest")
}

// count gives how many requests had a path that begins so.
func (s *slowSimulator) count(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.paths {
		if strings.HasPrefix(p, prefix) {
			n++
		}
	}
	return n
}

// status reads the memory of a process, in MiB by the names of /proc/<pid>/status.
func status(b *testing.B, pid int) map[string]float64 {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	defer f.Close()
	values := make(map[string]float64)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[2] == "kB" {
			kB, err := strconv.ParseFloat(fields[1], 64)
			require.NoError(b, err)
			values[strings.TrimSuffix(fields[0], ":")] = kB / 1024
		}
	}
	return values
}
