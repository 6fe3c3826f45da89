package main

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil { // the parallel tests wait for timers, not for processors
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long something may take before a test fails.
const patience = 2 * time.Minute

// topics are those of all programs here.
var topics = contract.Topics{Base: "enedis2mqtt"}

// output is what a program says. Many goroutines may write it, and a test may wait for it.
type output struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{} // closed at the next write
}

func newOutput() *output { return &output{news: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.news)
	o.news = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits for a line and gives its submatches.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	line := regexp.MustCompile(pattern)
	for {
		o.mu.Lock()
		news, text := o.news, o.text.String()
		o.mu.Unlock()
		if found := line.FindStringSubmatch(text); found != nil {
			return found
		}
		select {
		case <-news:
		case <-ctx.Done():
			require.FailNow(t, "the program does not say it", "%s in:\n%s", pattern, text)
		}
	}
}

// instance is the program, which runs inside the test.
type instance struct {
	out, log *output
	stop     func() int // ends it as SIGTERM does, and gives its exit code
}

// start runs a command line until the end of the test.
func start(t *testing.T, args ...string) *instance {
	t.Helper()
	i := &instance{out: newOutput(), log: newOutput()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, args, i.out, i.log) }()
	i.stop = sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		i.stop()
		if t.Failed() {
			t.Logf("%v said:\n%s%s", args, i.out, i.log)
		}
	})
	return i
}

// call runs a command line to its end.
func call(t *testing.T, args ...string) (code int, out, log string) {
	t.Helper()
	o, l := newOutput(), newOutput()
	code = execute(t.Context(), args, o, l)
	return code, o.String(), l.String()
}

// environ gives the program these settings and no others, whatever the machine has set.
func environ(t *testing.T, values map[string]string) {
	t.Helper()
	fields(&environment{}, func(f reflect.StructField, _ reflect.Value) {
		for _, name := range []string{f.Tag.Get("envconfig"), f.Tag.Get("envconfig") + "_FILE"} {
			t.Setenv(name, "") // has the test put back what was there
			require.NoError(t, os.Unsetenv(name))
		}
	})
	t.Setenv("SUPERVISOR_TOKEN", "")
	for name, value := range values {
		t.Setenv(name, value)
	}
}

// request asks an address without keeping the connection, and gives the status.
func request(t *testing.T, method, address string, shape ...func(*http.Request)) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	require.NoError(t, err)
	r.Close = true
	for _, f := range shape {
		f(r)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// awaitLight waits until a meter's light shows a level.
func awaitLight(b *mqtttest.Broker, p meter.PRM, level contract.Level) {
	b.AwaitRetained(topics.Freshness(p), func(body string) bool { return body == string(level) })
}

// awaitReason waits until a meter's light says why it is as it is.
func awaitReason(b *mqtttest.Broker, p meter.PRM, reason contract.Reason) {
	b.AwaitRetained(topics.FreshnessDetail(p), func(body string) bool { return hasReason(body, reason) })
}

// hasReason tells whether a body of freshness/detail gives the reason for the whole meter.
func hasReason(body string, reason contract.Reason) bool {
	return strings.Contains(body, `"reason":"`+string(reason)+`","message"`)
}

// openStore opens the store in a folder as the program does, until the end of the test.
func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	kept, err := store.Open(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	return kept
}
