package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// asked lists on which days a range that holds a day was asked for in the days from the present one on, at noon each.
func (w *world) asked(days int, resource string, day meter.Day) (on []string) {
	w.t.Helper()
	for today := range (meter.Days{From: meter.DayOf(time.Now()), To: meter.DayOf(time.Now()) + meter.Day(days)}).All() {
		w.at((today + 1).String(), "00:00")
		for _, call := range w.calls() {
			name, run, _ := strings.Cut(strings.TrimPrefix(call, "…0987 "), " ")
			from, to, _ := strings.Cut(run, "..")
			if name == resource && from <= day.String() && day.String() < to {
				on = append(on, today.String())
				break
			}
		}
	}
	return on
}

// reported takes the coverage of a meter as the command reports it.
func (w *world) reported(p meter.PRM) contract.MeterCoverage {
	w.t.Helper()
	w.broker.take()
	w.command("coverage", `{"prm":"`+string(p)+`"}`)
	var answer struct {
		Data struct {
			Holes map[string][]struct {
				Date    meter.Day
				Asked   int
				LastAt  string  `json:"last_at"`
				NextAt  *string `json:"next_at"`
				Missing []struct {
					Start   string
					Minutes int
				}
			}
			Differences []contract.Difference
		}
	}
	for _, e := range w.broker.take() {
		if e.topic == "e/bridge/response/coverage" {
			require.NoError(w.t, json.Unmarshal([]byte(e.body), &answer))
		}
	}
	c := contract.MeterCoverage{Differences: answer.Data.Differences, Holes: map[string][]contract.CoverageHole{}}
	for name, holes := range answer.Data.Holes {
		for _, h := range holes {
			hole := contract.CoverageHole{Date: h.Date, Asked: h.Asked}
			if h.NextAt != nil {
				next, err := time.Parse(time.RFC3339, *h.NextAt)
				require.NoError(w.t, err)
				hole.NextAt.Time = next
			}
			for _, m := range h.Missing {
				hole.Missing = append(hole.Missing, contract.MissingSpan{Minutes: m.Minutes})
			}
			c.Holes[name] = append(c.Holes[name], hole)
		}
	}
	return c
}

func TestAHoleIsAskedForAtGrowingDistances(t *testing.T) {
	t.Parallel()
	hole := meter.NewDay(2026, 11, 21)
	o := enedistest.Options{Meters: []enedistest.Meter{{
		PRM: home, Holes: []enedistest.Hole{{Days: meter.Days{From: hole, To: hole + 1}, Measure: meter.LoadCurve}},
	}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-23", "00:00")
		w.calls()
		on := w.asked(72, "courbe_de_charge_consommation", hole)
		require.Equal(t, []string{
			"2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28", // it rides
			"2026-11-29", "2026-11-30", "2026-12-02", "2026-12-06", "2026-12-14", "2026-12-30", "2027-01-29",
		}, on, "after 60 days it rests")
		rests := w.reported(home).Holes["consumption/load_curve"]
		require.Len(t, rests, 1)
		require.Equal(t, hole, rests[0].Date)
		require.Equal(t, 7, rests[0].Asked)
		require.True(t, rests[0].NextAt.IsZero(), "it rests until somebody asks")

		m, _ := w.sim.Meter(home)
		m.Holes = nil
		w.sim.SetMeter(m)
		w.command("history", `{"prm":"09876543210987","from":"2026-11-01","to":"2026-12-31","measures":["load_curve"]}`)
		w.pass(time.Minute)
		said := w.progress()
		require.Equal(t, said[len(said)-1].Data.Days, said[len(said)-1].Data.DaysDone)
		require.Zero(t, said[len(said)-1].Data.Holes)
		require.Empty(t, w.reported(home).Holes)
	})
}

func TestAHoleThatIsFilledLaterIsFound(t *testing.T) {
	t.Parallel()
	hole := meter.NewDay(2026, 11, 21)
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Holes: []enedistest.Hole{{
		Days: meter.Days{From: hole, To: hole + 1}, Measure: meter.LoadCurve, Slots: enedistest.Slots{From: 10, To: 14},
		Until: paris(2026, 12, 10, 0, 0),
	}}}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-12-08", "12:00")
		holes := w.reported(home).Holes["consumption/load_curve"]
		require.Len(t, holes, 1)
		require.Equal(t, []contract.MissingSpan{{Minutes: 120}}, holes[0].Missing, "which slots")
		require.Equal(t, time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC).YearDay(), holes[0].NextAt.YearDay())
		w.at("2026-12-15", "12:00")
		require.Empty(t, w.reported(home).Holes)
		require.Contains(t, w.coveredOf(home, "consumption/load_curve"), "2026-11-15 2026-12-14 complete")
	})
}

func TestAMonthWithoutTheNetworkIsFoundAgain(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Kind: enedistest.SelfConsumer}}}
	inWorld(t, paris(2026, 11, 1, 12, 0), o, func(w *world) {
		w.schedule.RetryInterval = 4 * time.Hour
		w.green()
		w.sim.Inject(enedistest.Fault{Name: "reset"})
		w.sim.Inject(enedistest.Fault{Name: "reset", Resource: enedistest.ResourceToken})
		w.at("2026-12-05", "06:00")
		require.Equal(t, contract.Red, w.light(home).Level)
		w.sim.Heal()
		w.at("2026-12-05", "12:00")
		require.Equal(t, contract.Green, w.light(home).Level)
		for _, series := range []string{"consumption/daily", "consumption/max_power", "production/daily"} {
			require.Equal(t, []string{"2026-01-01 2026-12-04 complete"}, w.coveredOf(home, series))
		}
		for _, series := range []string{"consumption/load_curve", "production/load_curve"} {
			require.Equal(t, []string{"2026-10-25 2026-12-04 complete"}, w.coveredOf(home, series))
		}
	})
}

func TestDaysBeforeTheFirstValueAreNotAskedForAgainAndAgain(t *testing.T) {
	t.Parallel()
	since := meter.NewDay(2026, 6, 1)
	o := enedistest.Options{Meters: []enedistest.Meter{{
		PRM: home, CurveFrom: map[meter.Direction]meter.Day{meter.Consumption: since},
	}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.green()
		w.command("history", `{"prm":"09876543210987","from":"2026-01-01","measures":["load_curve"]}`)
		w.pass(3 * time.Minute)
		require.Len(t, w.calls(), 46)
		on := w.asked(12, "courbe_de_charge_consommation", since-30)
		require.Empty(t, on, "there is nothing")
	})
}
