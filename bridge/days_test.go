package bridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func paris(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, meter.Paris())
}

func TestFirstStartInTheDayAsksEachFirstWindowOnce(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 10, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "10:10")
		require.Equal(t, []string{
			"…0987 consommation_quotidienne 2026-01-01..2026-11-22",
			"…0987 courbe_de_charge_consommation 2026-11-15..2026-11-22",
			"…0987 puissance_conso_max_quotidienne 2026-01-01..2026-11-22",
		}, w.calls())
		require.Equal(t, contract.Green, w.light(home).Level)
		w.at("2026-11-23", "06:59")
		require.Empty(t, w.calls(), "silent when complete")
		require.Equal(t, contract.Red, w.light(home).Level, "every light is red from midnight")
	})
}

func TestFirstStartAtTwoAsksForHistoryWithoutYesterday(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 2, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "06:59")
		require.Equal(t, []string{
			"…0987 consommation_quotidienne 2026-01-01..2026-11-21",
			"…0987 courbe_de_charge_consommation 2026-11-15..2026-11-21",
			"…0987 puissance_conso_max_quotidienne 2026-01-01..2026-11-21",
		}, w.calls())
		light := w.light(home)
		require.Equal(t, contract.Red, light.Level)
		require.Equal(t, contract.Waiting, light.Reason)
		w.at("2026-11-22", "11:00")
		require.Equal(t, contract.Green, w.light(home).Level)
	})
}

func TestMonthOfNormalDaysCostsOneCallPerSeries(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 1, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-01", "12:10")
		w.calls()
		for day := meter.NewDay(2026, 11, 2); day <= meter.NewDay(2026, 11, 30); day++ {
			w.at(day.String(), "06:59")
			require.Equal(t, contract.Red, w.light(shared).Level, day)
			w.at(day.String(), "09:05")
			require.Len(t, w.calls(), 5, "one call per series and direction on %s", day)
			light := w.light(shared)
			require.Equal(t, contract.Green, light.Level, day)
			require.False(t, light.Late)
		}
	})
}

func TestDayThatNeverComesCostsAtMost25Calls(t *testing.T) {
	t.Parallel()
	never := meter.NewDay(2026, 11, 21)
	o := enedistest.Options{Meters: []enedistest.Meter{{
		PRM: home, Holes: []enedistest.Hole{{Days: meter.Days{From: never, To: never + 1}}},
	}}}
	inWorld(t, paris(2026, 11, 21, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "00:00")
		w.calls()
		w.at("2026-11-22", "23:59")
		calls := w.calls()
		require.LessOrEqual(t, len(calls), 25)
		require.Greater(t, len(calls), 20)
		light := w.light(home)
		require.Equal(t, contract.Red, light.Level)
		require.True(t, light.Late)
		require.Equal(t, contract.Waiting, light.Reason)
	})
}

func TestTurnOfTheYearWithADayTwoDaysLate(t *testing.T) {
	t.Parallel()
	late := meter.NewDay(2026, 12, 31)
	o := enedistest.Options{Meters: []enedistest.Meter{{
		PRM: home, LateDays: map[meter.Day]time.Duration{late: 48 * time.Hour},
	}}}
	inWorld(t, paris(2026, 12, 29, 12, 0), o, func(w *world) {
		w.start()
		for day := meter.NewDay(2026, 12, 30); day <= late; day++ {
			w.at(day.String(), "11:00")
			require.Equal(t, contract.Green, w.light(home).Level, day)
		}
		w.at("2027-01-01", "18:00")
		w.calls()
		light := w.light(home)
		require.Equal(t, contract.Red, light.Level)
		require.True(t, light.Late)
		require.Contains(t, w.broker.topic("e/09876543210987/state"), `"yearly":{"year":"2026"`)
		require.Contains(t, w.broker.topic("e/09876543210987/state"), `"through":"2026-12-30"`)

		w.at("2027-01-02", "11:00")
		require.Equal(t, contract.Green, w.light(home).Level, "1 January came in time")
		require.Contains(t, w.broker.topic("e/09876543210987/state"), `"yearly":{"year":"2027"`)
		require.Contains(t, w.broker.topic("e/09876543210987/consumption/yearly"), `"missing_days":1`)

		w.at("2027-01-03", "11:00")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.NotContains(t, w.broker.topic("e/09876543210987/consumption/yearly"), `"missing_days":1`,
			"the late day rode with the request for 2 January")
		calls := w.calls()
		require.LessOrEqual(t, len(calls), 20, "%v", calls)
	})
}

func TestMeterThatIsAlwaysADayLater(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{
		PRM: home, Published: func(d meter.Day) time.Time { return (d + 1).End().Add(8 * time.Hour) },
	}}}
	inWorld(t, paris(2026, 11, 1, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-09", "18:00")
		light := w.light(home)
		require.Equal(t, contract.Red, light.Level)
		require.False(t, light.Late, "after five arrivals it is known to be a day later")
		w.at("2026-11-10", "18:00")
		require.False(t, w.light(home).Late)
	})
}

func TestWeekOfEnedisBeingDown(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 8, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-09", "06:00")
		w.calls()
		fault, err := enedistest.ParseFault("500:168h")
		require.NoError(t, err)
		w.sim.Inject(fault)
		w.at("2026-11-09", "23:00")
		require.LessOrEqual(t, len(w.calls()), 35)
		light := w.light(home)
		require.Equal(t, contract.SourceDown, light.Reason)
		require.True(t, light.Late)
		w.at("2026-11-16", "11:00")
		light = w.light(home)
		require.Equal(t, contract.Green, light.Level)
		require.Zero(t, light.Series["consumption/daily"].MissingDays, "the days of the week came with the first answer")
		w.at("2026-11-17", "12:00")
		require.Zero(t, w.light(home).Series["consumption/load_curve"].MissingDays)
	})
}

func TestEmptyAnswersAtFirstLoseNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"nodata", "empty", "null"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
			inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
				w.inject(fault + ":26h")
				w.start()
				w.at("2026-11-20", "23:59")
				require.LessOrEqual(t, len(w.calls()), 36, "one a retry interval, and a renewed token now and then")
				require.Equal(t, contract.Waiting, w.light(home).Reason)
				w.at("2026-11-21", "18:00")
				light := w.light(home)
				require.Equal(t, contract.Green, light.Level)
				for name, s := range light.Series {
					require.Zero(t, s.MissingDays, name)
				}
				require.Contains(t, w.broker.topic("e/09876543210987/consumption/yearly"), `"days":324,"missing_days":0`)
			})
		})
	}
}

func TestRoundsThatFollowEachOtherStarveNobody(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, LateDays: map[meter.Day]time.Duration{meter.NewDay(2026, 11, 19): 24 * time.Hour}}}}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		w.schedule.RetryInterval = time.Second
		w.start()
		w.at("2026-11-20", "12:01")
		require.Contains(t, w.calls(), "…0987 courbe_de_charge_consommation 2026-11-13..2026-11-20")
		require.Contains(t, w.broker.topics(home), "consumption/max_power")
	})
}

func TestHistoryComesBackToBack(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.history = bridge.History{From: meter.NewDay(2026, 9, 20)}
		w.start()
		w.at("2026-11-22", "12:01")
		require.Len(t, w.calls(), 1+9+1, "nine weeks of curve among them")
		require.Zero(t, w.light(home).Series["consumption/load_curve"].MissingDays)
	})
}
