package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

// patientLimits leave out the calls per second: on a busy machine calls that left in good order arrive in a heap.
var patientLimits = enedistest.Limits{CallsPerSecond: enedistest.Unlimited}

// truth is a meter of the simulator, which knows what every value must be.
type truth struct {
	enedistest.Meter
}

// value is a day's own value: Wh of daily, VA of max_power.
func (m truth) value(t *testing.T, d meter.Direction, measure meter.Measure, day meter.Day) meter.DayValues {
	t.Helper()
	v, ok := m.Day(d, measure, day)
	require.True(t, ok, "%s has no %s of %s", m.PRM.Short(), measure, day)
	return v
}

// watts is the power of each slot of a day, by the slot's start in epoch milliseconds.
func (m truth) watts(t *testing.T, d meter.Direction, day meter.Day) map[int64]int64 {
	t.Helper()
	slots := make(map[int64]int64)
	for _, r := range m.value(t, d, meter.LoadCurve, day).Readings {
		slots[r.Start.UnixMilli()] = r.Watts
	}
	return slots
}

// sum is the energy of some days in Wh.
func (m truth) sum(t *testing.T, d meter.Direction, days meter.Days) (wh int64) {
	t.Helper()
	for day := range days.All() {
		wh += m.value(t, d, meter.Daily, day).Value
	}
	return wh
}

// curveBody is a body of load_curve or of readings, as far as its values go.
type curveBody struct {
	Date   meter.Day
	Points []struct {
		StartMS int64 `json:"start_ms"`
		W       *int64
	}
}

// requireTrue compares every value of a day that was published of the meter with the truth. Other topics pass.
func (m truth) requireTrue(t *testing.T, messages []mqtttest.Message) {
	t.Helper()
	for _, message := range messages {
		if message.Body == "" {
			continue
		}
		for _, d := range meter.Directions() {
			switch message.Topic {
			case topics.Daily(m.PRM, d):
				list := decode[contract.DailyList](t, message.Body)
				for _, v := range list.Days {
					require.Equal(t, m.value(t, d, meter.Daily, v.Date).Value, v.Wh, "%s of %s", d, v.Date)
				}
			case topics.LoadCurve(m.PRM, d), topics.Readings(m.PRM, d):
				m.requireCurve(t, d, message.Body)
			}
		}
		if message.Topic == topics.MaxPower(m.PRM) {
			list := decode[struct {
				Days []struct {
					Date meter.Day
					At   time.Time
					VA   int64
				}
			}](t, message.Body)
			for _, v := range list.Days {
				want := m.value(t, meter.Consumption, meter.MaxPower, v.Date)
				require.Equal(t, want.Value, v.VA, "peak of %s", v.Date)
				require.True(t, want.At.Equal(v.At), "instant of the peak of %s: %s", v.Date, v.At)
			}
		}
	}
}

func (m truth) requireCurve(t *testing.T, d meter.Direction, body string) {
	t.Helper()
	curve := decode[curveBody](t, body)
	want := m.watts(t, d, curve.Date)
	require.Len(t, curve.Points, len(want), "%s of %s", d, curve.Date)
	for _, p := range curve.Points {
		require.Contains(t, want, p.StartMS, "%s of %s", d, curve.Date)
		if p.W != nil {
			require.Equal(t, want[p.StartMS], *p.W, "%s at %s", d, time.UnixMilli(p.StartMS))
		}
	}
}

// topics lists the retained topics that a complete meter has.
func (m truth) topics() []string {
	list := []string{topics.Freshness(m.PRM), topics.FreshnessDetail(m.PRM), topics.Late(m.PRM), topics.State(m.PRM)}
	for _, d := range m.Directions() {
		list = append(list, topics.Daily(m.PRM, d), topics.Monthly(m.PRM, d), topics.Yearly(m.PRM, d))
		if m.Kind != enedistest.NoCurve {
			list = append(list, topics.LoadCurve(m.PRM, d))
		}
		if d == meter.Consumption {
			list = append(list, topics.MaxPower(m.PRM))
		}
	}
	return list
}

// household gives the simulator's first n meters.
func household(n int) (meters []truth) {
	for _, m := range enedistest.Household(n) {
		meters = append(meters, truth{m})
	}
	return meters
}

func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	require.NoError(t, json.NewDecoder(strings.NewReader(body)).Decode(&v), body)
	return v
}
