package bridge_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// progress is what a response to history says.
type progress struct {
	Status, Error string
	Transaction   json.RawMessage
	Data          struct {
		Calls, Done, Days, Holes int
		DaysDone                 int        `json:"days_done"`
		EndsAt                   *time.Time `json:"ends_at"`
		CutTo                    string     `json:"cut_to"`
		Reason, Message          string
	}
}

// command gives a command and lets nothing happen but its answer.
func (w *world) command(name, payload string) {
	w.t.Helper()
	w.bridge.Receive(w.t.Context(), "e/bridge/request/"+name, []byte(payload), false)
	synctest.Wait()
}

// progress takes the responses to history since the last look.
func (w *world) progress() []progress {
	w.t.Helper()
	var all []progress
	for _, e := range w.broker.take() {
		if e.topic != "e/bridge/response/history" {
			continue
		}
		var p progress
		require.NoError(w.t, json.Unmarshal([]byte(e.body), &p), e.body)
		all = append(all, p)
	}
	return all
}

// green starts the bridge at noon and lets it come to rest.
func (w *world) green() {
	w.t.Helper()
	w.start()
	w.pass(time.Hour)
	w.progress()
	w.calls()
}

func selfConsumer() enedistest.Options {
	return enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Kind: enedistest.SelfConsumer}}}
}

func TestThreeYearsOnDemand(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), selfConsumer(), func(w *world) {
		w.green()
		w.command("history", `{"prm":"09876543210987","from":"2023-11-08","transaction":"three years"}`)
		first := w.progress()[0]
		require.Equal(t, "ok", first.Status)
		require.JSONEq(t, `"three years"`, string(first.Transaction))
		w.pass(3 * time.Minute)
		calls := w.calls()
		all := w.progress()
		last := all[len(all)-1]
		require.Equal(t, len(calls), last.Data.Calls)
		require.Equal(t, last.Data.Calls, last.Data.Done, "the last one has all done")
		require.Equal(t, last.Data.Days, last.Data.DaysDone)
		require.Zero(t, last.Data.Holes)
		require.Equal(t, first.Data.Calls, last.Data.Calls, "what was said at once")
		require.Zero(t, first.Data.Done)
		require.Equal(t, first.Data.Days, last.Data.Days)
		require.Equal(t, "2024-11-08", first.Data.CutTo, "Enedis keeps the curve for two years")
		// daily: 325 days are there, 781 are left; the curve: 744 days, of which 7 are there
		require.Equal(t, 3*3+2*106, first.Data.Calls)
		require.Less(t, all[len(all)-2].Data.Done, last.Data.Done, "progress with each call")
		require.GreaterOrEqual(t, len(all), len(calls)-1)
		require.Equal(t, "2023-11-08 2026-11-21 complete", w.coveredOf(home, "consumption/daily")[0])
		require.Equal(t, "2024-11-08 2026-11-21 complete", w.coveredOf(home, "production/load_curve")[0])

		w.command("history", `{"prm":"09876543210987","from":"2023-11-08"}`)
		again := w.progress()
		require.Len(t, again, 1, "what is stored costs no call")
		require.Zero(t, again[0].Data.Calls)
		w.pass(time.Hour)
		require.Empty(t, w.calls())
	})
}

func TestHistoryOfSomeDaysOfOneMeasureAndDirection(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), selfConsumer(), func(w *world) {
		w.green()
		w.command("history",
			`{"prm":"09876543210987","from":"2025-03-01","to":"2025-03-20","direction":"production","measures":["load_curve"]}`)
		require.Equal(t, 3, w.progress()[0].Data.Calls)
		w.pass(time.Minute)
		calls := w.calls()
		require.Len(t, calls, 3)
		for i, days := range []string{"2025-03-14..2025-03-21", "2025-03-07..2025-03-14", "2025-03-01..2025-03-07"} {
			require.Contains(t, calls[i], days)
		}
		w.pass(48 * time.Hour)
		for _, c := range w.calls() {
			require.NotContains(t, c, "2025", "nothing but what was asked for")
		}
	})
}

func TestWhatHistoryRefuses(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}, func(w *world) {
		w.green()
		for payload, want := range map[string]string{
			`{"prm":"09876543210987","from":"2023-11-07"}`:                          "history reaches back to 2023-11-08",
			`{"prm":"09876543210987","from":"2026-11-22"}`:                          "too late",
			`{"prm":"09876543210987"}`:                                              "the field from is missing",
			`{"prm":"09876543210987","from":"2025-01-01","direction":"production"}`: "has no production",
			`{"prm":"11111111111111","from":"2025-01-01"}`:                          "no meter …1111 here",
		} {
			w.command("history", payload)
			answers := w.progress()
			require.Len(t, answers, 1, payload)
			require.Equal(t, "error", answers[0].Status)
			require.Contains(t, answers[0].Error, want)
		}
		w.pass(time.Hour)
		require.Empty(t, w.calls(), "nothing was changed")
	})
}

func TestHistoryStopped(t *testing.T) {
	t.Parallel()
	for name, history := range map[string]bridge.History{
		"that was ordered": {}, "that the settings want": {Max: true}, "since a date": {From: meter.NewDay(2025, 6, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, paris(2026, 11, 22, 12, 0), selfConsumer(), func(w *world) {
				w.history = history
				w.start()
				w.pass(10 * time.Second)
				if history == (bridge.History{}) {
					w.command("history", `{"prm":"09876543210987","from":"2025-06-01","transaction":7}`)
					w.pass(10 * time.Second)
				}
				wanted := w.coveredOf(home, "consumption/daily")[0]
				w.progress()
				w.command("history/stop", `{}`)
				last := w.progress()
				if history == (bridge.History{}) {
					require.Len(t, last, 1)
					require.Equal(t, last[0].Data.Calls, last[0].Data.Done)
					require.Less(t, last[0].Data.DaysDone, last[0].Data.Days)
				}
				w.pass(time.Minute) // what was under way ends
				w.calls()
				w.pass(time.Hour)
				require.Empty(t, w.calls())
				require.Equal(t, strings.Fields(wanted)[0], strings.Fields(w.coveredOf(home, "consumption/daily")[0])[0],
					"the first day wanted stays")
				w.stop()
				w.start()
				w.pass(time.Hour)
				require.Empty(t, w.calls(), "stopped after a start too")
				w.at("2026-11-23", "12:00")
				for _, c := range w.calls() {
					require.Contains(t, c, "2026-11-16..2026-11-23", "yesterday alone")
				}

				w.command("history", `{"prm":"09876543210987","from":"2026-06-01"}`)
				w.pass(time.Minute)
				all := w.progress()
				require.Equal(t, all[len(all)-1].Data.Calls, all[len(all)-1].Data.Done, "an order goes on with it")
				require.Equal(t, all[len(all)-1].Data.Days, all[len(all)-1].Data.DaysDone)
			})
		})
	}
}

func TestHistoryGoesOnAfterAStart(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), selfConsumer(), func(w *world) {
		w.green()
		w.command("history", `{"prm":"09876543210987","from":"2025-12-01","transaction":[1]}`)
		said := w.progress()[0]
		for range 4 {
			w.pass(4 * time.Second)
			w.stop()
			w.start()
		}
		w.pass(3 * time.Minute)
		calls := w.calls()
		require.Len(t, unique(calls), len(calls), "no request twice")
		require.Len(t, calls, said.Data.Calls)
		all := w.progress()
		last := all[len(all)-1]
		require.JSONEq(t, "[1]", string(last.Transaction))
		require.Equal(t, said.Data.Calls, last.Data.Calls)
		require.Equal(t, last.Data.Calls, last.Data.Done)
	})
}

func unique(list []string) map[string]bool {
	set := make(map[string]bool)
	for _, s := range list {
		set[s] = true
	}
	return set
}

func TestHistoryOrderedDuringARoundComesAfterIt(t *testing.T) {
	t.Parallel()
	o := selfConsumer()
	o.Meters[0].Published = func(d meter.Day) time.Time { return at(d+1, 9) }
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.green()
		w.at("2026-11-23", "07:00")
		var once bool
		hook := func() {
			if !once {
				once = true
				go w.bridge.Receive(w.t.Context(), "e/bridge/request/history",
					[]byte(`{"prm":"09876543210987","from":"2025-10-01"}`), false)
			}
		}
		w.onCall.Store(&hook)
		w.at("2026-11-23", "12:00")
		calls := w.calls()
		require.Contains(t, calls[0], "..2026-11-23")
		require.Equal(t, contract.Green, w.light(home).Level)
		rounds := 0
		for _, c := range calls {
			if strings.HasSuffix(c, "..2026-11-23") {
				rounds++
			}
		}
		require.LessOrEqual(t, rounds, 10)
		require.Greater(t, len(calls), 100)
		all := w.progress()
		require.Equal(t, all[len(all)-1].Data.Calls, all[len(all)-1].Data.Done)
	})
}

// at is an hour after the midnight of a day.
func at(d meter.Day, hour int) time.Time { return d.Start().Add(time.Duration(hour) * time.Hour) }

func TestHistoryWithAQuota(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 1, 12, 0), o, func(w *world) {
		g := newConso(w, o)
		w.sources = only(g.consoAPI)
		w.green()
		g.take()
		w.command("history", `{"prm":"33000000000033","from":"2025-11-01"}`)
		first := w.progress()[0]
		require.Greater(t, first.Data.Calls, 100)
		w.pass(time.Hour)
		said := w.progress()
		held := said[len(said)-1]
		require.Equal(t, "quota", held.Data.Reason)
		require.NotEmpty(t, held.Data.Message)
		require.NotNil(t, held.Data.EndsAt)
		for day := meter.NewDay(2026, 11, 2); day <= meter.NewDay(2026, 11, 3); day++ {
			w.at(day.String(), "09:10")
			require.Equal(t, contract.Green, w.light(shared).Level, "yesterday is never late because of it")
		}
		require.LessOrEqual(t, g.most(12*time.Hour), 60)
		w.at("2026-11-04", "12:00")
		said = w.progress()
		last := said[len(said)-1]
		require.Equal(t, last.Data.Calls, last.Data.Done)
		require.WithinDuration(t, *first.Data.EndsAt, *last.Data.EndsAt, 14*time.Hour, "about when it was promised")
	})
}

func TestHistoryAndAConsentThatEnds(t *testing.T) {
	t.Parallel()
	o := selfConsumer()
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.green()
		w.command("history", `{"prm":"09876543210987","from":"2026-01-01"}`)
		w.pass(10 * time.Second)
		m, _ := w.sim.Meter(home)
		m.RevokedAt = time.Now()
		w.sim.SetMeter(m)
		w.pass(time.Minute)
		said := w.progress()
		held := said[len(said)-1]
		require.Equal(t, "consent_expired", held.Data.Reason)
		require.Contains(t, held.Data.Message, "consentement")
		require.Nil(t, held.Data.EndsAt, "nobody knows")
		require.Less(t, held.Data.Done, held.Data.Calls)

		m.RevokedAt = time.Time{}
		w.sim.SetMeter(m)
		w.command("refresh", `{}`)
		w.pass(3 * time.Minute)
		said = w.progress()
		last := said[len(said)-1]
		require.Equal(t, last.Data.Calls, last.Data.Done)
		require.Equal(t, last.Data.Days, last.Data.DaysDone)
		require.Empty(t, last.Data.Reason)
	})
}

func TestHistoryOfAMeterThatWasActivatedInTheMiddle(t *testing.T) {
	t.Parallel()
	o := selfConsumer()
	o.Meters[0].Activation = map[meter.Direction]meter.Day{
		meter.Consumption: meter.NewDay(2026, 4, 10), meter.Production: meter.NewDay(2026, 8, 1),
	}
	for name, noContract := range map[string]bool{"as the contract says": false, "as refusals tell": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			if noContract {
				o.NotSubscribed = []string{"synth_contrat_auto", "donnees_contrat_auto"}
			}
			inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
				w.green()
				w.command("history", `{"prm":"09876543210987","from":"2025-10-01"}`)
				w.pass(5 * time.Minute)
				said := w.progress()
				last := said[len(said)-1]
				require.Equal(t, last.Data.Calls, last.Data.Done)
				require.Equal(t, last.Data.Days, last.Data.DaysDone)
				require.Contains(t, last.Data.Message, "2026-08-")
				consumption, production := w.coveredOf(home, "consumption/daily"), w.coveredOf(home, "production/load_curve")
				require.Len(t, consumption, 1)
				require.Len(t, production, 1)
				if !noContract {
					require.Equal(t, "2026-04-10 2026-11-21 complete", consumption[0])
					require.Equal(t, "2026-08-01 2026-11-21 complete", production[0])
					return
				}
				require.Regexp(t, "2026-0(4|5)-.. 2026-11-21 complete", consumption[0], "but for a month at most")
				require.Regexp(t, "2026-08-.. 2026-11-21 complete", production[0])
			})
		})
	}
}

func TestThreeYearsTakeAQuarterSecondACall(t *testing.T) {
	t.Parallel()
	for name, latency := range map[string]time.Duration{"without latency": 0, "with 300 ms": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, paris(2026, 11, 22, 12, 0), selfConsumer(), func(w *world) {
				w.history, w.latency = bridge.History{Max: true}, latency
				w.start()
				began, ended, calls := time.Now(), time.Now(), 0
				for range 400 {
					w.pass(time.Second)
					if n := len(w.calls()); n > 0 {
						calls, ended = calls+n, time.Now()
					}
				}
				const fewest = 3*4 + 2*107 // windows of 365 and of 7 days
				require.LessOrEqual(t, calls, fewest*105/100)
				require.LessOrEqual(t, ended.Sub(began), time.Duration(calls)*time.Second/4)
			})
		})
	}
}

func TestAWindowThatAlwaysFailsHoldsItsDaysAlone(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), selfConsumer(), func(w *world) {
		w.green()
		asked := 0
		w.broken = func(r *http.Request) bool {
			broken := strings.Contains(r.URL.Path, "courbe_de_charge_consommation") && r.URL.Query().Get("dateDebut") == "2026-10-18"
			if broken {
				asked++
			}
			return broken
		}
		w.command("history", `{"prm":"09876543210987","from":"2026-08-01"}`)
		w.pass(5 * time.Minute)
		require.Equal(t, []string{
			"2026-08-01 2026-10-17 complete", "2026-10-18 2026-10-24 unasked", "2026-10-25 2026-11-21 complete",
		}, w.coveredOf(home, "consumption/load_curve"))
		require.Equal(t, []string{"2026-08-01 2026-11-21 complete"}, w.coveredOf(home, "production/load_curve"))
		w.at("2026-11-23", "12:00")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.LessOrEqual(t, asked, 8, "at distances that double")

		w.stop()
		w.start()
		w.pass(time.Minute)
		require.LessOrEqual(t, asked, 9, "after a start too")
		w.broken = nil
		w.at("2026-11-24", "23:00")
		require.Equal(t, []string{"2026-08-01 2026-11-23 complete"}, w.coveredOf(home, "consumption/load_curve"))
	})
}

func TestFreshHolesAreAskedForWhenSomebodyAsks(t *testing.T) {
	t.Parallel()
	hole := meter.NewDay(2026, 11, 18)
	for name, command := range map[string]struct{ name, payload string }{
		"by refresh": {"refresh", `{}`},
		"by history": {"history", `{"prm":"09876543210987","from":"2026-11-18","to":"2026-11-18","measures":["daily"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Holes: []enedistest.Hole{{
				Days: meter.Days{From: hole, To: hole + 1}, Measure: meter.Daily,
			}}}}}
			inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
				w.green()
				w.command(command.name, command.payload)
				w.pass(time.Minute)
				require.Len(t, w.calls(), 1)
				w.pass(time.Hour)
				require.Empty(t, w.calls(), "once")
				m, _ := w.sim.Meter(home)
				m.Holes = nil
				w.sim.SetMeter(m)
				w.command(command.name, command.payload)
				w.pass(time.Minute)
				require.Len(t, w.calls(), 1)
				require.Empty(t, w.reported(home).Holes)
			})
		})
	}
}

func TestANewActivationIsReadWhenARequestIsRefused(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		w.green()
		m, _ := w.sim.Meter(home)
		m.Activation = map[meter.Direction]meter.Day{meter.Consumption: meter.NewDay(2026, 11, 19)}
		w.sim.SetMeter(m)
		w.at("2026-11-22", "23:00")
		var state contract.State
		require.NoError(t, json.Unmarshal([]byte(w.broker.topic("e/09876543210987/state")), &state))
		require.Zero(t, state.Consumption.Yearly.MissingDays)
		sum := int64(0)
		for day := meter.NewDay(2026, 11, 19); day < meter.NewDay(2026, 11, 22); day++ {
			v, ok := m.Day(meter.Consumption, meter.Daily, day)
			require.True(t, ok)
			sum += v.Value
		}
		require.Equal(t, sum, state.Consumption.Yearly.Wh, "the former holder's days do not count")
	})
}

func TestASettingThatReachesTooFarIsCut(t *testing.T) {
	t.Parallel()
	inWorld(t, paris(2026, 11, 22, 12, 0), enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}, func(w *world) {
		w.history = bridge.History{From: meter.NewDay(2020, 1, 1)}
		w.start()
		w.pass(time.Hour)
		require.Equal(t, []string{"2023-11-08 2026-11-21 complete"}, w.coveredOf(home, "consumption/daily"))
		require.Equal(t, []string{"2024-11-08 2026-11-21 complete"}, w.coveredOf(home, "consumption/load_curve"))
		require.Zero(t, w.light(home).Series["consumption/daily"].MissingDays)
	})
}
