package bridge_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// gateway is a gateway in memory, in front of an Enedis of its own with the same meters: trouble at one is none at the other.
type gateway struct {
	w      *world
	enedis *enedistest.Enedis
	conso  *enedistest.ConsoAPI
	http.Handler

	mu    sync.Mutex
	times []time.Time
	paths []string
}

// newGateway puts a gateway in front of an Enedis with the world's meters.
func newGateway(w *world, o enedistest.Options, of func(e *enedistest.Enedis) http.Handler) *gateway {
	o.Now, o.ClientID, o.ClientSecret = time.Now, "id", "secret"
	g := &gateway{w: w, enedis: enedistest.New(o)}
	g.Handler = of(g.enedis)
	g.conso, _ = g.Handler.(*enedistest.ConsoAPI)
	return g
}

// RoundTrip is the way to the gateway.
func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.times, g.paths = append(g.times, time.Now()), append(g.paths, r.URL.Path)
	g.mu.Unlock()
	answer := httptest.NewRecorder()
	g.ServeHTTP(answer, r.Clone(r.Context()))
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

// take gives the paths asked for since the last look.
func (g *gateway) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	paths := g.paths
	g.paths = nil
	return paths
}

// requests is how many there were.
func (g *gateway) requests() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.times)
}

// most is the highest number of requests in any span of time.
func (g *gateway) most(span time.Duration) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	most, first := 0, 0
	for i, last := range g.times {
		for last.Sub(g.times[first]) >= span {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func (g *gateway) consoAPI(ledger *bridge.Ledger) bridge.Source {
	g.w.t.Helper()
	var prms []meter.PRM
	for _, m := range g.enedis.Meters() {
		prms = append(prms, m.PRM)
	}
	source, err := consoapi.New(consoapi.Options{
		BaseURL: "https://conso.test/api", Tokens: []string{g.conso.Token(prms...)}, UserAgent: "test",
		HTTP: &http.Client{Transport: g}, Gate: ledger.Gate("consoapi"), Now: time.Now, Log: g.w.log,
	})
	require.NoError(g.w.t, err)
	return source
}

func (g *gateway) myElectricalData(version myelectricaldata.Version) func(ledger *bridge.Ledger) bridge.Source {
	o := myelectricaldata.Options{BaseURL: "https://med.test", Version: version, Token: "token"}
	if version == myelectricaldata.V2 {
		o.BaseURL, o.Token, o.ClientID, o.ClientSecret = "https://med.test/api", "", "med", "secret"
	}
	return func(ledger *bridge.Ledger) bridge.Source {
		g.w.t.Helper()
		o.UserAgent, o.HTTP, o.Gate, o.Now, o.Log = "test", &http.Client{Transport: g}, ledger.Gate("myelectricaldata"), time.Now, g.w.log
		source, err := myelectricaldata.New(o)
		require.NoError(g.w.t, err)
		return source
	}
}

func newConso(w *world, o enedistest.Options) *gateway {
	return newGateway(w, o, func(e *enedistest.Enedis) http.Handler { return enedistest.NewConsoAPI(e) })
}

func only(sources ...func(*bridge.Ledger) bridge.Source) func(*bridge.Ledger) []bridge.Source {
	return func(ledger *bridge.Ledger) []bridge.Source {
		var list []bridge.Source
		for _, s := range sources {
			list = append(list, s(ledger))
		}
		return list
	}
}

// TestTheSameDaysGiveTheSameDocumentsWhateverTheSource runs a meter with both directions through each source, a week with the
// change of the clock in October.
func TestTheSameDaysGiveTheSameDocumentsWhateverTheSource(t *testing.T) {
	t.Parallel()
	med := func(o enedistest.MyElectricalDataV2Options) func(e *enedistest.Enedis) http.Handler {
		o.ClientID, o.ClientSecret = "med", "secret"
		return func(e *enedistest.Enedis) http.Handler { return enedistest.NewMyElectricalDataV2(e, o) }
	}
	gateways := map[string]struct {
		handler func(e *enedistest.Enedis) http.Handler // nil: Data Connect itself
		source  func(g *gateway) func(*bridge.Ledger) bridge.Source
	}{
		"dataconnect": {},
		"consoapi": {
			func(e *enedistest.Enedis) http.Handler { return enedistest.NewConsoAPI(e) },
			func(g *gateway) func(*bridge.Ledger) bridge.Source { return g.consoAPI },
		},
		"myelectricaldata v1": {
			func(e *enedistest.Enedis) http.Handler {
				return enedistest.NewMyElectricalDataV1(e, map[meter.PRM]string{shared: "token"})
			},
			func(g *gateway) func(*bridge.Ledger) bridge.Source { return g.myElectricalData(myelectricaldata.V1) },
		},
		"myelectricaldata v2": {
			med(enedistest.MyElectricalDataV2Options{}),
			func(g *gateway) func(*bridge.Ledger) bridge.Source { return g.myElectricalData(myelectricaldata.V2) },
		},
		"myelectricaldata v2 since 2.0": {
			med(enedistest.MyElectricalDataV2Options{Since2: true}),
			func(g *gateway) func(*bridge.Ledger) bridge.Source { return g.myElectricalData(myelectricaldata.V2) },
		},
	}
	documents := make(map[string]map[string]string)
	for name, source := range gateways {
		o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}}
		inWorld(t, paris(2026, 10, 23, 12, 0), o, func(w *world) {
			if source.handler != nil {
				g := newGateway(w, o, source.handler)
				w.sources = only(source.source(g))
			}
			w.start()
			w.at("2026-10-28", "18:00")
			require.Equal(t, contract.Green, w.light(shared).Level, name)
			documents[name] = w.sayings()
		})
	}
	for name := range gateways {
		require.Equal(t, documents["dataconnect"], documents[name], name)
	}
}

var apart = regexp.MustCompile(`"(source|quality|updated_at|prm|name)":("[^"]*"|null)`)

// sayings are the retained documents of the shared meter, but for what tells the source, the time and the contract.
func (w *world) sayings() map[string]string {
	said := make(map[string]string)
	for _, topic := range w.broker.topics(shared) {
		body := w.broker.topic("e/" + string(shared) + "/" + topic)
		switch topic {
		case "freshness/detail":
			continue
		case "state":
			var state map[string]json.RawMessage
			require.NoError(w.t, json.Unmarshal([]byte(body), &state))
			body = string(state["consumption"]) + string(state["production"])
		}
		said[topic] = apart.ReplaceAllString(body, "")
	}
	return said
}

func TestFailoverBringsYesterdayWithinOneRetryInterval(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // how Data Connect fails
		"500": "500", "503": "503", "reset": "reset", "429": "429", "credentials refused": "token401",
		"consent refused": "revoked", "not subscribed": "not_subscribed", "unreadable": "html",
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
			inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
				g := newConso(w, o)
				w.sources = func(ledger *bridge.Ledger) []bridge.Source {
					return []bridge.Source{w.dataConnect(ledger), g.consoAPI(ledger)}
				}
				w.start()
				w.at("2026-11-20", "13:00")
				require.Equal(t, contract.Green, w.light(shared).Level)
				require.Empty(t, g.take(), "the preferred source has it all")

				w.sim.Inject(enedistest.Fault{Name: fault})
				w.sim.ExpireTokens()
				w.at("2026-11-21", "09:31") // the window's end, and a retry interval
				require.Equal(t, contract.Green, w.light(shared).Level)
				require.Len(t, g.take(), 5)
				require.Contains(t, w.broker.topic("e/"+string(shared)+"/consumption/daily"),
					`"date":"2026-11-20","wh":`)
				require.Contains(t, w.broker.topic("e/"+string(shared)+"/consumption/daily"), `"source":"consoapi"`)

				w.sim.Heal()
				w.calls()
				w.at("2026-11-21", "23:59")
				require.Empty(t, w.calls(), "a day that came by failover is not asked again")
				w.at("2026-11-22", "09:31")
				require.Len(t, w.calls(), 5, "the preferred source comes first again")
				require.Empty(t, g.take())
			})
		})
	}
}

func TestNoDataIsNoReasonToAskAnotherSource(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}}
	inWorld(t, paris(2026, 11, 20, 14, 0), o, func(w *world) {
		g := newConso(w, o)
		w.sources = func(ledger *bridge.Ledger) []bridge.Source {
			return []bridge.Source{w.dataConnect(ledger), g.consoAPI(ledger)}
		}
		w.start()
		w.at("2026-11-20", "15:00")
		w.sim.Inject(enedistest.Fault{Name: "nodata"})
		w.at("2026-11-21", "20:00")
		require.NotEmpty(t, w.calls())
		require.Empty(t, g.take())
		require.Equal(t, contract.Waiting, w.light(shared).Reason)
	})
}

// TestHalfAYearOnConsoAPI has days come late and not at all, as Enedis has them. The machine is switched off from the evening, or from
// when its light is green, to the morning.
func TestHalfAYearOnConsoAPI(t *testing.T) {
	t.Parallel()
	late := func(d meter.Day) time.Time {
		switch d % 32 {
		case 3, 19:
			return d.End().AddDate(0, 0, 1).Add(8 * time.Hour) // a day late
		case 7:
			return d.End().AddDate(0, 0, 9) // nine days late, past the ride
		case 12:
			return d.End().AddDate(10, 0, 0) // never
		}
		return d.End().Add(8*time.Hour + time.Duration(d%3)*40*time.Minute)
	}
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer, Published: late}}}
	inWorld(t, paris(2026, 1, 5, 20, 0), o, func(w *world) {
		g := newConso(w, o)
		w.sources, w.offline = only(g.consoAPI), true
		w.start()
		w.at("2026-01-05", "21:00")
		w.stop()
		green := 0
		for day := meter.DayOf(time.Now()) + 1; day < meter.DayOf(paris(2026, 1, 6, 0, 0))+daysOnConsoAPI; day++ {
			w.at(day.String(), "06:00")
			w.start()
			for hour := 9; hour < 20; hour++ {
				w.at(day.String(), fmt.Sprintf("%02d:45", hour))
				_, meters, err := w.bridge.Overview(w.t.Context())
				require.NoError(t, err)
				if meters[0].Light(contract.French, time.Now()).Level == contract.Green {
					green++
					break
				}
			}
			w.stop()
			g.enedis.ForgetCalls()
			g.conso.ForgetCalls()
		}
		t.Log("requests in that time:", g.requests(), "most in 12 h:", g.most(12*time.Hour), "green evenings:", green)
		require.LessOrEqual(t, g.most(12*time.Hour), 60)
		require.False(t, g.conso.Banned())
		require.GreaterOrEqual(t, green, 28*daysOnConsoAPI/32-1, "of 32 days four do not come in time")
	})
}

func TestNormalDayOnConsoAPICostsFiveCalls(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 1, 12, 0), o, func(w *world) {
		g := newConso(w, o)
		w.sources = only(g.consoAPI)
		w.start()
		w.at("2026-11-02", "00:00")
		for day := meter.DayOf(time.Now()); day < meter.DayOf(paris(2026, 12, 1, 0, 0)); day++ {
			g.take()
			w.at(day.String(), "23:00")
			require.Len(t, g.take(), 5, "%s", day)
			require.Equal(t, contract.Green, w.light(shared).Level)
		}
	})
}

func TestHistoryLeavesAQuarterOfTheBudgetToYesterday(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 1, 21, 0), o, func(w *world) {
		g := newConso(w, o)
		w.sources, w.history = only(g.consoAPI), bridge.History{Max: true}
		w.start()
		w.at("2026-11-02", "06:59")
		require.Equal(t, 45, g.most(12*time.Hour))
		w.at("2026-11-02", "09:00")
		require.Equal(t, contract.Green, w.light(shared).Level)
		w.at("2026-11-12", "12:00")
		require.LessOrEqual(t, g.most(12*time.Hour), 60)
		require.Equal(t, "2024-10-21 2026-11-11 complete", w.covered("consumption/load_curve")[1], "two years are there")
	})
}

// covered lists the runs of a series of the shared meter.
func (w *world) covered(series string) []string {
	w.t.Helper()
	return w.coveredOf(shared, series)
}

// coveredOf lists the runs of a series of a meter.
func (w *world) coveredOf(p meter.PRM, series string) []string {
	w.t.Helper()
	w.broker.take()
	w.bridge.Receive(w.t.Context(), "e/bridge/request/coverage", []byte(`{"prm":"`+string(p)+`"}`), false)
	synctest.Wait()
	var answer struct {
		Data struct {
			Series map[string][]struct{ From, To, Status string }
		}
	}
	for _, e := range w.broker.take() {
		if e.topic == "e/bridge/response/coverage" {
			require.NoError(w.t, json.Unmarshal([]byte(e.body), &answer))
		}
	}
	var runs []string
	for _, run := range answer.Data.Series[series] {
		runs = append(runs, strings.Join([]string{run.From, run.To, run.Status}, " "))
	}
	return runs
}

func TestFiftyStartsWithAGatewayThatFails(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"500", "hang"} {
		for _, kind := range []string{"consoapi", "v1", "v2"} {
			t.Run(kind+" "+fault, func(t *testing.T) {
				t.Parallel()
				o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}}
				inWorld(t, paris(2026, 11, 22, 14, 0), o, func(w *world) {
					g := newGateway(w, o, func(e *enedistest.Enedis) http.Handler {
						switch kind {
						case "v1":
							return enedistest.NewMyElectricalDataV1(e, map[meter.PRM]string{shared: "token"})
						case "v2":
							return enedistest.NewMyElectricalDataV2(e, enedistest.MyElectricalDataV2Options{ClientID: "med", ClientSecret: "secret"})
						}
						return enedistest.NewConsoAPI(e)
					})
					source := g.consoAPI
					if kind != "consoapi" {
						source = g.myElectricalData(myelectricaldata.Version(kind))
						w.options = func(o *bridge.Options) { o.ListMeters, o.Meters = kind == "v2", nil }
						if kind == "v1" {
							w.options = nil
						}
					}
					w.sources = only(source)
					g.enedis.Inject(enedistest.Fault{Name: fault})
					for range 50 {
						w.start()
						w.pass(time.Second)
						w.stop()
					}
					require.NotZero(t, g.requests())
					require.LessOrEqual(t, g.requests(), 10)
				})
			})
		}
	}
}

func TestRoundsGrowApartWhereTheBudgetWouldNotLast(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		out  time.Duration // when Enedis publishes, after the start
		wait time.Duration // until it is there, after that
		most int           // requests by then
	}{
		"soon":     {4 * time.Second, 5 * time.Second, 15},
		"later":    {5 * time.Minute, 6 * time.Minute, 25},
		"at night": {8 * time.Hour, 15 * time.Minute, 60},
	}
	for name, test := range tests {
		out := paris(2026, 11, 22, 8, 0).Add(test.out)
		published := func(d meter.Day) time.Time {
			if d < meter.DayOf(out)-1 {
				return d.End()
			}
			return out
		}
		o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Published: published}}}
		inWorld(t, paris(2026, 11, 22, 8, 0), o, func(w *world) {
			g := newConso(w, o)
			w.sources = only(g.consoAPI)
			w.schedule = impatient
			w.start()
			w.pass(test.out + test.wait)
			require.Equal(t, contract.Green, w.light(home).Level, name)
			require.LessOrEqual(t, g.requests(), test.most, name)
			w.pass(20 * time.Hour)
			require.LessOrEqual(t, g.most(12*time.Hour), 60, name)
		})
	}
}

// TestMeterWithoutCurveOnALaggingSource has its daily values a day late, each asked for once a day.
func TestMeterWithoutCurveOnALaggingSource(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Kind: enedistest.NoCurve}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 10, 12, 0), o, func(w *world) {
		g := newMED(w, o)
		w.sources = only(g.myElectricalData(myelectricaldata.V2))
		w.start()
		w.at("2026-11-14", "23:00")
		g.take()
		w.at("2026-11-15", "23:00")
		require.Equal(t, contract.CurveNotCollected, *w.light(home).Series["consumption/load_curve"].Reason)
		require.Contains(t, w.broker.topic("e/"+string(home)+"/state"), `"daily":{"date":"2026-11-13"`)
		daily, curve := 0, 0
		for _, path := range g.take() {
			if strings.Contains(path, "/consumption/daily/") {
				daily++
			}
			if strings.Contains(path, "/detail/") {
				curve++
			}
		}
		require.Equal(t, 1, daily)
		require.LessOrEqual(t, curve, 1, "a curve that is not collected is asked for once a day")
	})
}

func TestDifferencesOfTwoSourcesAreCountedAndThePreferredOneStands(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		other := o
		snow := meter.DayOf(paris(2026, 11, 19, 0, 0))
		other.Meters = []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer, Zeros: []meter.Day{snow}}}
		g := newConso(w, other)
		w.sources = func(ledger *bridge.Ledger) []bridge.Source {
			return []bridge.Source{w.dataConnect(ledger), g.consoAPI(ledger)}
		}
		w.start()
		w.at("2026-11-20", "13:00")
		was := w.broker.topic("e/" + string(shared) + "/production/daily")
		w.sim.Inject(enedistest.Fault{Name: "500"})
		w.at("2026-11-21", "10:00")
		is := w.broker.topic("e/" + string(shared) + "/production/daily")
		require.Contains(t, is, `"date":"2026-11-20"`)
		days := strings.TrimSuffix(was, "]}")[strings.Index(was, `{"date":"2026-11-01"`):]
		require.Contains(t, is, days, "the preferred source's days stand")
		b, _, err := w.bridge.Overview(w.t.Context())
		require.NoError(t, err)
		require.Zero(t, b.Sources[0].Differences)
		require.Equal(t, 2, b.Sources[1].Differences, "the ride showed the day's value, and its curve")
	})
}

func newMED(w *world, o enedistest.Options) *gateway {
	return newGateway(w, o, func(e *enedistest.Enedis) http.Handler {
		return enedistest.NewMyElectricalDataV2(e, enedistest.MyElectricalDataV2Options{ClientID: "med", ClientSecret: "secret"})
	})
}

var impatient = bridge.Schedule{WindowEnd: 24 * 60, RetryInterval: time.Second, RetryUntil: 19 * 60}

func TestOutageDoesNotSpendTheBudgetOfTheDay(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	for _, fault := range []string{"500", "reset", "unauthorized", "html"} {
		inWorld(t, paris(2026, 11, 20, 9, 0), o, func(w *world) {
			g := newConso(w, o)
			w.sources, w.schedule = only(g.consoAPI), impatient
			g.enedis.Inject(enedistest.Fault{Name: fault})
			w.start()
			w.pass(75 * time.Second)
			require.LessOrEqual(t, g.requests(), 12, fault)
			g.enedis.Heal()
			w.pass(75 * time.Second)
			require.Equal(t, contract.Green, w.light(shared).Level, fault)
			w.stop()
			g.enedis.Inject(enedistest.Fault{Name: fault})
			w.at("2026-11-21", "00:10")
			w.start()
			w.at("2026-11-21", "23:00")
			require.LessOrEqual(t, g.most(12*time.Hour), 60, fault)
			require.Less(t, g.most(3*time.Hour), 40, fault)
		})
	}
}

func TestDaysThatCameByFailoverAreNotAskedAgainWherePreferredDailyValuesLag(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		med, conso := newMED(w, o), newConso(w, o)
		w.sources, w.schedule = only(med.myElectricalData(myelectricaldata.V2), conso.consoAPI), impatient
		med.enedis.Inject(enedistest.Fault{Name: "500"})
		w.start()
		w.pass(10 * time.Second)
		require.Equal(t, contract.Green, w.light(shared).Level)
		med.take()
		conso.take()
		w.at("2026-11-20", "23:59")
		require.Empty(t, conso.take())
		med.enedis.Heal()
		w.at("2026-11-20", "23:59")
		require.Empty(t, med.take())
	})
}

func TestComputedDaysGetEnedissOwnValuesWhenThePreferredSourceIsBack(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		med, conso := newMED(w, o), newConso(w, o)
		w.sources = only(conso.consoAPI, med.myElectricalData(myelectricaldata.V2))
		conso.enedis.Inject(enedistest.Fault{Name: "500"})
		w.start()
		w.at("2026-11-20", "13:00")
		require.Equal(t, contract.Green, w.light(shared).Level)
		daily := "e/" + string(shared) + "/consumption/daily"
		require.Contains(t, w.broker.topic(daily), `"quality":"computed"`)
		conso.enedis.Heal()
		w.at("2026-11-21", "11:00")
		require.Equal(t, contract.Green, w.light(shared).Level)
		require.NotContains(t, w.broker.topic(daily), `"quality":"computed"`)
	})
}

func TestHangingSourceIsAskedOnceInARound(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		g := newConso(w, o)
		w.schedule = impatient
		w.sources = func(ledger *bridge.Ledger) []bridge.Source {
			return []bridge.Source{w.dataConnect(ledger), g.consoAPI(ledger)}
		}
		w.start()
		w.pass(20 * time.Second)
		w.stop()
		w.sim.Inject(enedistest.Fault{Name: "hang"})
		w.at("2026-11-21", "12:00")
		w.start()
		w.pass(45 * time.Second)
		require.Equal(t, contract.Green, w.light(shared).Level)
	})
}

// sourceHealth is what bridge/health says of a source.
func (w *world) sourceHealth(name string) contract.SourceHealth {
	w.t.Helper()
	b, _, err := w.bridge.Overview(w.t.Context())
	require.NoError(w.t, err)
	for _, s := range b.Health().Sources {
		if s.Name == name {
			return s
		}
	}
	require.Fail(w.t, "no such source")
	return contract.SourceHealth{}
}

func TestHealthOfGateways(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault string
		spent bool
		want  contract.SourceState
	}{
		"well":                       {want: contract.SourceOK},
		"our budget is spent":        {spent: true, want: contract.SourceQuota},
		"the list of meters fails":   {fault: "500", want: contract.SourceIsDown},
		"the credentials are wrong":  {fault: "unauthorized", want: contract.SourceAuth},
		"the gateway's own quota is": {fault: "429", want: contract.SourceQuota},
	}
	for name, test := range tests {
		o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}}
		inWorld(t, paris(2026, 11, 20, 11, 0), o, func(w *world) {
			g := newMED(w, o)
			handler := g.Handler.(*enedistest.MyElectricalDataV2)
			w.sources, w.meters, w.schedule = only(g.myElectricalData(myelectricaldata.V2)), nil, impatient
			w.options = func(o *bridge.Options) { o.ListMeters = true }
			if test.fault != "" {
				handler.Inject(enedistest.Fault{Name: test.fault})
			}
			if test.spent {
				w.history = bridge.History{Max: true}
				g.enedis.Inject(enedistest.Fault{Name: "nodata"})
			}
			w.start()
			if test.spent {
				for range 60 {
					w.bridge.Receive(w.t.Context(), "e/bridge/request/refresh", []byte(`{}`), false)
					w.pass(time.Minute)
				}
			} else {
				w.pass(30 * time.Second)
			}
			health := w.sourceHealth("myelectricaldata")
			require.Equal(t, test.want, health.State, "%s: %+v", name, *cmp.Or(health.LastError, new(string)))
			require.Equal(t, test.want != contract.SourceOK, health.LastError != nil, name)
			require.Equal(t, test.want != contract.SourceOK, !health.NextAllowedAt.IsZero(), name)
			require.Contains(t, w.broker.topic("e/bridge/health"), `"state":"`+string(test.want)+`"`, name)
		})
	}
}
