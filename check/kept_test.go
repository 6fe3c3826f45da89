package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// remember keeps the curve of a day, as a bridge does that has asked for it.
func remember(t *testing.T, kept *store.Store, m enedistest.Meter, day meter.Day) {
	t.Helper()
	require.NoError(t, kept.SaveMeter(t.Context(), known(m)))
	values, ok := m.Day(meter.Consumption, meter.LoadCurve, day)
	require.True(t, ok)
	end(t, kept, attempt(m, meter.LoadCurve, day), store.Answered, store.Answer{Days: []meter.DayValues{values}})
}

// failed keeps an attempt that was refused.
func failed(t *testing.T, kept *store.Store, m enedistest.Meter, o store.Outcome, code string) {
	t.Helper()
	a := attempt(m, meter.Daily, yesterday())
	a.Code, a.Detail = code, "no consent for the point"
	end(t, kept, a, o, store.Answer{})
}

func attempt(m enedistest.Meter, measure meter.Measure, day meter.Day) store.Attempt {
	return store.Attempt{
		Source: "dataconnect", Series: meter.Series{PRM: m.PRM, Direction: m.Directions()[0], Measure: measure},
		Days: meter.Days{From: day, To: day + 1}, At: time.Now(),
	}
}

func end(t *testing.T, kept *store.Store, a store.Attempt, o store.Outcome, answer store.Answer) {
	t.Helper()
	code, detail := a.Code, a.Detail
	a, err := kept.Begin(t.Context(), a)
	require.NoError(t, err)
	a.Outcome, a.Code, a.Detail = o, code, detail
	answer.Rank = func(string) int { return 0 }
	_, err = kept.End(t.Context(), a, answer)
	require.NoError(t, err)
}

// known is what is kept of a meter whose directions were found.
func known(m enedistest.Meter) store.Meter {
	k := store.Meter{PRM: m.PRM, FirstSeen: time.Now(), Directions: make(map[meter.Direction]store.DirectionState)}
	for _, d := range m.Directions() {
		k.Directions[d] = store.DirectionState{Standing: store.Exists, How: "data", At: time.Now()}
	}
	return k
}

// uncollected is known of a meter whose curve nobody collects.
func uncollected(m enedistest.Meter) store.Meter {
	k := known(m)
	curve := meter.Series{PRM: m.PRM, Direction: meter.Consumption, Measure: meter.LoadCurve}
	k.Series = map[meter.Series]store.SeriesState{curve: {NotCollected: time.Now()}}
	return k
}
