package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestRestartPublishesTheSameWithoutACall(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		w.stop()
		before := w.broker.retained
		before["e/bridge/info"], before["e/bridge/health"] = "", ""
		w.sim.ForgetCalls()
		w.broker = newFakeBroker()
		w.start()
		w.at("2026-11-22", "13:05")
		require.Empty(t, w.sim.Calls())
		w.broker.retained["e/bridge/info"], w.broker.retained["e/bridge/health"] = "", ""
		require.Equal(t, before, w.broker.retained)
	})
}

func TestMeterThatLeavesLosesItsTopicsAndKeepsItsData(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}, {PRM: shared}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		both := w.meters
		w.start()
		w.at("2026-11-22", "13:00")
		w.stop()
		w.meters = both[:1]
		w.start()
		w.at("2026-11-22", "13:01")
		require.Empty(t, w.broker.topics(shared))
		require.NotEmpty(t, w.broker.topics(home))
		w.stop()
		w.sim.ForgetCalls()
		w.meters = both
		w.start()
		w.at("2026-11-22", "13:02")
		require.NotEmpty(t, w.broker.topics(shared))
		require.Empty(t, w.sim.Calls())
	})
}

func TestEventStreamSurvivesABrokerThatIsAway(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		first := w.readings()
		require.Len(t, first, 7, "the days of the first window")
		require.Equal(t, "2026-11-15", first[0].Date, "the oldest day has the lowest revision")
		w.broker.disconnect()
		w.at("2026-11-25", "13:00")
		require.Empty(t, w.readings())
		w.stop()
		w.start()
		w.at("2026-11-25", "13:01")
		second := w.readings()
		require.Len(t, second, 3)
		require.Greater(t, second[0].Revision, first[6].Revision)
	})
}

func TestRefusedMessageHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.broker.refuse = func(topic, body string) bool {
			return strings.HasSuffix(topic, "/daily") || strings.Contains(body, `"date":"2026-11-17"`)
		}
		w.start()
		w.at("2026-11-22", "13:00")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.True(t, w.bridge.Ready())
		require.NotContains(t, w.broker.topics(home), "consumption/daily")
		require.Len(t, w.readings(), 6, "all days but the refused one")
	})
}

func TestCorrectionIsANewRevisionWithItsSlotsMarked(t *testing.T) {
	t.Parallel()
	day := meter.NewDay(2026, 11, 20)
	o := enedistest.Options{PublishedAtOnce: true, Meters: []enedistest.Meter{{
		PRM: home, Corrections: []enedistest.Correction{{
			Day: day, At: paris(2026, 11, 22, 20, 0), Slots: enedistest.Slots{From: 10, To: 12},
		}},
	}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		w.readings()
		w.at("2026-11-23", "13:00")
		var marked int
		for _, e := range w.readings() {
			for i, p := range e.Points {
				if p.Corrected {
					marked++
					require.Equal(t, day.String(), e.Date)
					require.Contains(t, []int{10, 11}, i)
				}
			}
		}
		require.Equal(t, 2, marked)
	})
}

func TestIncompleteDayIsSentAtTheEndOfItsRound(t *testing.T) {
	t.Parallel()
	day := meter.NewDay(2026, 11, 21)
	o := enedistest.Options{Meters: []enedistest.Meter{{
		PRM: home, Holes: []enedistest.Hole{{
			Days: meter.Days{From: day, To: day + 1}, Measure: meter.LoadCurve, Slots: enedistest.Slots{From: 46, To: 48},
			Until: paris(2026, 11, 22, 14, 0),
		}},
	}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		events := w.readings()
		require.Len(t, events, 7)
		last := events[6]
		require.Equal(t, day.String(), last.Date)
		require.Len(t, last.Points, 48)
		require.Nil(t, last.Points[47].W, "missing is null")
		require.Equal(t, contract.Orange, w.light(home).Level)
		require.Contains(t, w.broker.topic("e/09876543210987/consumption/load_curve"), `"date":"2026-11-20"`)
		w.at("2026-11-22", "15:00")
		events = w.readings()
		require.Len(t, events, 1)
		require.NotNil(t, events[0].Points[47].W)
		require.False(t, events[0].Points[47].Corrected, "a slot that was missing held no other value")
		require.Equal(t, contract.Green, w.light(home).Level)
	})
}

func TestCommands(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		w.broker.take()
		w.calls()
		tests := map[string]struct {
			topic, payload string
			retained       bool
			want           string // in the response; empty for none
		}{
			"coverage": {
				topic: "e/bridge/request/coverage", payload: `{"prm":"09876543210987","transaction":7}`,
				want: `{"from":"2026-01-01","to":"2026-11-21","status":"complete","days":325}`,
			},
			"refresh with nothing missing": {topic: "e/bridge/request/refresh", want: `"status":"ok"`},
			"the button":                   {topic: "e/09876543210987/refresh/set", payload: "PRESS", want: `"status":"ok"`},
			"a retained command":           {topic: "e/bridge/request/refresh", retained: true},
			"history":                      {topic: "e/bridge/request/history", payload: `{"prm":"09876543210987","from":"2026-11-15"}`, want: `"calls":0`},
			"an unknown command":           {topic: "e/bridge/request/explode", payload: `{}`, want: `unknown command`},
			"an unknown meter":             {topic: "e/bridge/request/refresh", payload: `{"prm":"11111111111111"}`, want: `"status":"error"`},
			"a broken payload":             {topic: "e/bridge/request/refresh", payload: `{`, want: `"status":"error"`},
			"somebody else's topic":        {topic: "e/other"},
		}
		for name, test := range tests {
			w.bridge.Receive(w.t.Context(), test.topic, []byte(test.payload), test.retained)
			synctest.Wait()
			answers := w.broker.take()
			if test.want == "" {
				require.Empty(t, answers, name)
				continue
			}
			require.Len(t, answers, 1, name)
			require.Contains(t, answers[0].body, test.want, name)
		}
		w.at("2026-11-22", "13:10")
		require.Empty(t, w.calls(), "nothing is missing, so a refresh asks nothing")
	})
}

func TestRepublishAfterAConnection(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		before := w.broker.topics(home)
		w.broker.disconnect()
		clear(w.broker.retained)
		w.broker.connect()
		w.at("2026-11-22", "13:01")
		require.Equal(t, before, w.broker.topics(home))
		require.True(t, w.bridge.Ready())
	})
}

// event is a message of the event stream.
type event struct {
	Revision int64
	Date     string
	Points   []struct {
		W         *int64
		Corrected bool
	}
}

// readings takes the events that came since the last look.
func (w *world) readings() []event {
	w.t.Helper()
	var events []event
	for _, m := range w.broker.take() {
		var e event
		require.NoError(w.t, json.Unmarshal([]byte(m.body), &e))
		events = append(events, e)
	}
	return events
}
