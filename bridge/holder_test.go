package bridge_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

func TestDaysOfAFormerHolderStayAndDoNotCount(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.green()
		var before contract.State
		require.NoError(t, json.Unmarshal([]byte(w.broker.topic("e/09876543210987/state")), &before))
		require.Zero(t, before.Consumption.Yearly.MissingDays)

		m, _ := w.sim.Meter(home)
		moved := meter.NewDay(2026, 11, 10)
		m.Activation = map[meter.Direction]meter.Day{meter.Consumption: moved}
		w.sim.SetMeter(m)
		w.at("2026-12-24", "23:00") // the contract is read again after a month
		var state contract.State
		require.NoError(t, json.Unmarshal([]byte(w.broker.topic("e/09876543210987/state")), &state))
		var monthly contract.MonthlyList
		require.NoError(t, json.Unmarshal([]byte(w.broker.topic("e/09876543210987/consumption/monthly")), &monthly))
		require.Len(t, monthly.Months, 2)
		require.Equal(t, "2026-11", monthly.Months[0].Month)
		require.Equal(t, 21, monthly.Months[0].Days, "of November")
		require.Zero(t, monthly.Months[0].MissingDays)
		sum := int64(0)
		for day := moved; day < meter.NewDay(2026, 12, 24); day++ {
			v, ok := m.Day(meter.Consumption, meter.Daily, day)
			require.True(t, ok)
			sum += v.Value
		}
		require.Equal(t, sum, state.Consumption.Yearly.Wh)

		w.stop()
		kept, err := store.OpenReader(w.t.Context(), w.dir, store.Options{Now: time.Now, Log: w.log})
		require.NoError(t, err)
		defer func() { require.NoError(t, kept.Close()) }()
		days := 0
		daily := meter.Series{PRM: home, Direction: meter.Consumption, Measure: meter.Daily}
		for _, err := range kept.Days(w.t.Context(), daily, meter.Days{From: 0, To: moved}) {
			require.NoError(t, err)
			days++
		}
		require.Equal(t, 313, days, "they stay")
	})
}
