package web_test

import (
	"context"
	"flag"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/web"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	house = meter.PRM("09876543210987")
	barn  = meter.PRM("11111111112222")
)

// noon is when the tests ask.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, meter.Paris()) }

func day(s string) meter.Day {
	d, err := meter.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

// fake is a bridge that says what a test wants.
type fake struct {
	bridge contract.Bridge
	meters []contract.Meter
	days   []meter.DayValues
	fail   error // of Overview
	cut    error // of Days, after its days
	sick   error
	ready  bool
	asked  chan meter.Days // takes what Days was asked for

	covered   contract.MeterCoverage
	uncovered error              // of Coverage
	looked    int                // how often Coverage was asked
	ordered   []contract.Command // what Do got
	answer    any                // of Do
	no        error              // of Do

	authorize string             // where customers consent, before the state; empty: nowhere
	outcome   contract.Consented // of every consent
	handed    []url.Values       // what Consented got
}

func (f *fake) Overview(context.Context) (contract.Bridge, []contract.Meter, error) {
	return f.bridge, f.meters, f.fail
}

func (f *fake) Status() contract.Bridge { return f.bridge }

func (f *fake) Profiles() []contract.Profile {
	profiles := make([]contract.Profile, len(f.meters))
	for i, m := range f.meters {
		profiles[i] = contract.Profile{PRM: m.PRM, Name: m.Name, Directions: m.Directions}
	}
	return profiles
}

func (f *fake) Meter(_ context.Context, p meter.PRM) (contract.Meter, bool, error) {
	for _, m := range f.meters {
		if m.PRM == p {
			return m, true, f.fail
		}
	}
	return contract.Meter{}, false, nil
}

func (f *fake) Coverage(context.Context, meter.PRM) (contract.MeterCoverage, error) {
	f.looked++
	return f.covered, f.uncovered
}

func (f *fake) Do(ctx context.Context, c contract.Command) (any, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	f.ordered = append(f.ordered, c)
	return f.answer, f.no
}

func (f *fake) Days(_ context.Context, _ meter.Series, days meter.Days) iter.Seq2[meter.DayValues, error] {
	select {
	case f.asked <- days:
	default:
	}
	return func(yield func(meter.DayValues, error) bool) {
		for _, v := range f.days {
			if !yield(v, nil) {
				return
			}
		}
		if f.cut != nil {
			yield(meter.DayValues{}, f.cut)
		}
	}
}

func (f *fake) Health() error { return f.sick }

func (f *fake) Ready() bool { return f.ready }

func (f *fake) ConsentURL(state string) string {
	if f.authorize == "" {
		return ""
	}
	return f.authorize + state
}

func (f *fake) Consented(_ context.Context, back url.Values) contract.Consented {
	f.handed = append(f.handed, back)
	return f.outcome
}

// home is a bridge with two meters of one name: one that is well, and one without data.
func home() *fake {
	return &fake{
		bridge: contract.Bridge{
			Version: "1.2.3",
			Sources: []contract.Source{{
				Name: "dataconnect", State: contract.SourceOK,
				Budgets: []contract.Budget{{Window: time.Hour, Scope: "mesure_synchrone_auto", Calls: 12, Limit: 1000}},
			}},
			ConsentsAwaited: 1,
			LastRound:       &contract.Round{StartedAt: noon().Add(-time.Hour), EndedAt: noon().Add(-59 * time.Minute), OK: true},
		},
		meters: []contract.Meter{
			{
				PRM: house, Name: "<Maison>", Directions: []meter.Direction{meter.Consumption},
				Series: map[contract.Measured]contract.Series{
					{Direction: meter.Consumption, Measure: meter.Daily}: series(meter.Daily,
						meter.DayValues{Day: day("2026-11-20"), Value: 9500, Source: "dataconnect", Quality: meter.Raw},
						meter.DayValues{Day: day("2026-11-21"), Value: 12345, Source: "dataconnect", Quality: meter.Raw}),
					{Direction: meter.Consumption, Measure: meter.MaxPower}: series(meter.MaxPower, peak()),
				},
				ConsentEnd: day("2029-11-20"), UpdatedAt: noon().Add(-4 * time.Hour), NextAttemptAt: noon().Add(20 * time.Hour),
			},
			{
				PRM: barn, Name: "<Maison>", Directions: []meter.Direction{meter.Production},
				Series:        map[contract.Measured]contract.Series{{Direction: meter.Production, Measure: meter.Daily}: {Trouble: contract.Waiting}},
				NextAttemptAt: noon().Add(30 * time.Minute),
			},
		},
		ready: true, authorize: "https://enedis.example/authorize?client_id=demo&state=",
		asked: make(chan meter.Days, 1),
	}
}

func series(measure meter.Measure, days ...meter.DayValues) contract.Series {
	s := contract.Series{First: days[0].Day, Recent: days, Trouble: contract.Waiting}
	for _, v := range days {
		_, _, dom := v.Day.Date()
		month := s.Coverage.Edit(v.Day)
		month.Present |= 1 << dom
		month.Complete |= 1 << dom
		if measure == meter.Daily {
			month.Sum += v.Value
		}
	}
	return s
}

func peak() meter.DayValues {
	return meter.DayValues{
		Day: day("2026-11-21"), Value: 6120, At: time.Date(2026, 11, 21, 19, 12, 40, 0, meter.Paris()), Source: "dataconnect",
	}
}

func server(t *testing.T, f *fake, change ...func(*web.Options)) *web.Server {
	t.Helper()
	o := web.Options{
		Addr: "127.0.0.1:0", Topics: contract.Topics{Base: "enedis2mqtt"}, Locale: contract.French, Version: "1.2.3", Now: noon,
		Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&o)
	}
	return web.New(o, f)
}

// get asks a server, and gives the answer with its body.
func get(t *testing.T, s http.Handler, path string) (status int, body string) {
	t.Helper()
	w := serve(t, s, path)
	return w.Code, w.Body.String()
}

func serve(t testing.TB, s http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
