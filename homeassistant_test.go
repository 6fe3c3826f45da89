package main

import (
	"iter"
	"log/slog"
	"maps"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// TestStatisticsFollowTheStore runs the whole program beside a Home Assistant: its statistics are those of the store, a
// correction is followed, and bridge/health tells of it, well or not.
func TestStatisticsFollowTheStore(t *testing.T) {
	meters := enedistest.Household(2) // the second one produces as well
	enedis := httptest.NewServer(enedistest.New(enedistest.Options{
		Now: time.Now, ClientID: "id", ClientSecret: "secret", Meters: meters, PublishedAtOnce: true, Limits: patientLimits,
	}))
	defer enedis.Close()
	ha := homeassistanttest.New(homeassistanttest.Options{Lag: 20 * time.Millisecond})
	server := httptest.NewServer(ha)
	defer server.Close()
	broker := mqtttest.New(t)
	dir, history := t.TempDir(), meter.Days{From: meter.DayOf(time.Now()) - 30, To: meter.DayOf(time.Now())}
	environ(t, map[string]string{
		"METERS":               `[{"prm":"` + string(meters[0].PRM) + `","name":"Maison"},{"prm":"` + string(meters[1].PRM) + `"}]`,
		"ENEDIS_BASE_URL":      enedis.URL,
		"ENEDIS_CLIENT_ID":     "id",
		"ENEDIS_CLIENT_SECRET": "secret",
		"MQTT_URL":             broker.URL().String(),
		"HTTP_ADDR":            "",
		"DATA_DIR":             dir,
		"HISTORY_START":        history.From.String(),
		"FETCH_WINDOW":         "00:00-00:01",
		"HOMEASSISTANT_URL":    server.URL,
		"HOMEASSISTANT_TOKEN":  homeassistanttest.Token,
	})
	program := start(t, "run")
	statistics := statisticsOf([]contract.Profile{
		{PRM: meters[0].PRM, Name: "Maison", Directions: []meter.Direction{meter.Consumption}},
		{PRM: meters[1].PRM, Name: "Linky " + meters[1].PRM.Tail(), Directions: meter.Directions()},
	}, contract.French)
	require.Equal(t, "Maison consommation", statistics[0].Name)
	for _, m := range household(2) {
		awaitComplete(t, broker, m, history)
	}
	requireStatistics(t, ha, dir, statistics)
	awaitStatistics(broker, contract.StatisticsOK)
	require.Zero(t, program.stop())

	correct(t, dir, meters[0].PRM)
	program = start(t, "run")
	program.log.await(t, `statistics written" statistic=enedis2mqtt:…0987_consumption rows=(\d+)`)
	awaitStatistics(broker, contract.StatisticsOK)
	requireStatistics(t, ha, dir, statistics)
	require.Zero(t, program.stop())

	ha.SetToken("another")
	program = start(t, "run")
	awaitStatistics(broker, contract.StatisticsAuth)
	require.Zero(t, program.stop())
	require.NotContains(t, program.log.String()+broker.Retained()[topics.BridgeHealth()], homeassistanttest.Token)
	require.NotContains(t, program.log.String(), string(meters[0].PRM))
	require.Empty(t, ha.Warnings())
}

// awaitStatistics waits until bridge/health gives the state of the statistics.
func awaitStatistics(broker *mqtttest.Broker, state contract.StatisticsState) {
	broker.AwaitRetained(topics.BridgeHealth(), func(body string) bool {
		return strings.Contains(body, `"statistics":{"state":"`+string(state)+`"`)
	})
}

// correct has a day of the middle of the curve say another number, as an answer of Enedis would.
func correct(t *testing.T, dir string, p meter.PRM) {
	t.Helper()
	kept, err := store.Open(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	series := meter.Series{PRM: p, Direction: meter.Consumption, Measure: meter.LoadCurve}
	day, ok, err := kept.Stored(t.Context(), series, meter.DayOf(time.Now())-20)
	require.NoError(t, err)
	require.True(t, ok)
	for i := range day.Readings {
		day.Readings[i].Watts += 7
		day.Readings[i].Quality = meter.Corrected
	}
	merged, err := kept.Merge(t.Context(), series, []meter.DayValues{day.DayValues}, func(string) int { return 0 })
	require.NoError(t, err)
	require.Len(t, merged.Changed, 1)
	require.NoError(t, kept.Close())
}

// requireStatistics waits until Home Assistant holds what the store holds, hour by hour, to the joule.
func requireStatistics(t *testing.T, ha *homeassistanttest.HomeAssistant, dir string, statistics []homeassistant.Series) {
	t.Helper()
	kept, err := store.OpenReader(t.Context(), dir, store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, kept.Close()) }()
	for _, s := range statistics {
		want := statisticRows(t, kept, s)
		require.Eventually(t, func() bool {
			return slices.EqualFunc(want, ha.Rows(string(s.ID())), func(w homeassistant.Row, g homeassistanttest.Row) bool {
				return w.Start.Equal(g.Start) && w.State == joules(*g.State) && w.Sum == joules(*g.Sum)
			})
		}, patience, 20*time.Millisecond, s.Name)
		known, ok := ha.Metadata(string(s.ID()))
		require.True(t, ok)
		require.Equal(t, s.Name, *known.Name)
	}
}

// statisticRows are those that a statistic should hold by the store.
func statisticRows(t *testing.T, kept *store.Store, s homeassistant.Series) []homeassistant.Row {
	t.Helper()
	stored := func(m meter.Measure) iter.Seq[meter.DayValues] {
		days := make(map[meter.Day]meter.DayValues)
		all := meter.Days{From: 0, To: meter.DayOf(time.Now()) + 1}
		for v, err := range kept.Days(t.Context(), meter.Series{PRM: s.PRM, Direction: s.Direction, Measure: m}, all) {
			require.NoError(t, err)
			days[v.Day] = v
		}
		return maps.Values(days)
	}
	return homeassistant.Plan(0, homeassistant.Lay(stored(meter.Daily), stored(meter.LoadCurve)), nil)
}

func joules(kWh float64) meter.Joules { return meter.Joules(math.Round(kWh * 3.6e6)) }
