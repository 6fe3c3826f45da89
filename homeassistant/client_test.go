package homeassistant_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// serve gives the address of a Home Assistant.
func serve(t *testing.T, ha *homeassistanttest.HomeAssistant) string {
	t.Helper()
	s := httptest.NewServer(ha)
	t.Cleanup(s.Close)
	return s.URL
}

func dial(t *testing.T, ha *homeassistanttest.HomeAssistant) *homeassistant.Client {
	t.Helper()
	u, err := homeassistant.Endpoint(serve(t, ha))
	require.NoError(t, err)
	c, err := homeassistant.Dial(t.Context(), u, homeassistanttest.Token, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() }) // some tests have it cut
	return c
}

// energy are the metadata of our statistic.
var energy = homeassistant.Metadata{ID: consumption.ID(), Name: "Linky", Unit: "kWh", UnitClass: "energy", HasSum: true}

// rowsFrom are n rows of 500 Wh.
func rowsFrom(start time.Time, n int) []homeassistant.Row {
	rows := make([]homeassistant.Row, n)
	for i := range rows {
		rows[i] = homeassistant.Row{
			Start: start.Add(time.Duration(i) * time.Hour).UTC(), State: 1_800_000, Sum: meter.Joules(i+1) * 1_800_000,
		}
	}
	return rows
}

func TestDial(t *testing.T) {
	t.Run("the version is known", func(t *testing.T) {
		require.Equal(t, "2026.11.0", dial(t, homeassistanttest.New(homeassistanttest.Options{})).Version())
	})
	t.Run("a wrong token", func(t *testing.T) {
		u, err := homeassistant.Endpoint(serve(t, homeassistanttest.New(homeassistanttest.Options{})))
		require.NoError(t, err)
		_, err = homeassistant.Dial(t.Context(), u, "not-the-token", nil)
		require.ErrorIs(t, err, homeassistant.ErrToken)
		require.NotContains(t, err.Error(), "not-the-token")
	})
	t.Run("nobody is there", func(t *testing.T) {
		s := httptest.NewServer(nil)
		s.Close()
		u, err := homeassistant.Endpoint(s.URL)
		require.NoError(t, err)
		_, err = homeassistant.Dial(t.Context(), u, homeassistanttest.Token, nil)
		require.ErrorContains(t, err, strings.TrimPrefix(s.URL, "http://"))
		require.NotContains(t, err.Error(), "/api/websocket")
	})
	t.Run("something else is there", func(t *testing.T) {
		u, err := homeassistant.Endpoint(serve(t, homeassistanttest.New(homeassistanttest.Options{})) + "/elsewhere")
		require.NoError(t, err)
		_, err = homeassistant.Dial(t.Context(), u, homeassistanttest.Token, nil)
		require.ErrorContains(t, err, "404")
	})
}

func TestAdmin(t *testing.T) {
	for name, notAdmin := range map[string]bool{"an administrator": false, "anybody else": true} {
		t.Run(name, func(t *testing.T) {
			admin, err := dial(t, homeassistanttest.New(homeassistanttest.Options{NotAdmin: notAdmin})).Admin(t.Context())
			require.NoError(t, err)
			require.Equal(t, !notAdmin, admin)
		})
	}
}

func TestRows(t *testing.T) {
	ha := homeassistanttest.New(homeassistanttest.Options{})
	c := dial(t, ha)
	rows := rowsFrom(day("2023-12-31").Start(), 3*8784) // over three answers' worth
	for from := 0; from < len(rows); from += 5000 {
		require.NoError(t, c.Import(t.Context(), energy, rows[from:min(from+5000, len(rows))]))
	}
	span := meter.Interval{Start: rows[0].Start, End: rows[len(rows)-1].Start.Add(time.Hour)}
	back, err := c.Rows(t.Context(), consumption.ID(), span)
	require.NoError(t, err)
	require.Equal(t, rows, back)

	part, err := c.Rows(t.Context(), consumption.ID(), meter.Interval{Start: rows[2].Start, End: rows[5].Start})
	require.NoError(t, err)
	require.Equal(t, rows[2:5], part, "the end is excluded")

	t.Run("rows that somebody else has written lack numbers", func(t *testing.T) {
		sum := 2.0
		ha.Put("enedis2mqtt:other", homeassistanttest.Metadata{},
			homeassistanttest.Row{Start: rows[0].Start, Sum: &sum}, homeassistanttest.Row{Start: rows[1].Start})
		back, err := c.Rows(t.Context(), "enedis2mqtt:other", span)
		require.NoError(t, err)
		require.Equal(t, []homeassistant.Row{
			{Start: rows[0].Start, State: 7_200_000, Sum: 7_200_000}, {Start: rows[1].Start, Sum: 7_200_000},
		}, back)
	})
}

func TestImportRefuses(t *testing.T) {
	ha := homeassistanttest.New(homeassistanttest.Options{})
	c := dial(t, ha)
	t.Run("statistics of other tools", func(t *testing.T) {
		for _, id := range []homeassistant.ID{"linky:09876543210987", "myelectricaldata:x", "sensor.linky", "enedis2mqtt:A"} {
			foreign := energy
			foreign.ID = id
			require.ErrorIs(t, c.Import(t.Context(), foreign, nil), homeassistant.ErrForeign)
		}
		require.Empty(t, ha.Commands(), "nothing is sent")
	})
	t.Run("more rows than one message should have", func(t *testing.T) {
		require.Error(t, c.Import(t.Context(), energy, rowsFrom(day("2026-01-01").Start(), 5001)))
		require.Empty(t, ha.Commands())
	})
	t.Run("what Home Assistant refuses", func(t *testing.T) {
		wrong := energy
		wrong.UnitClass = "power"
		err := c.Import(t.Context(), wrong, nil)
		var e *homeassistant.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "home_assistant_error", e.Code)
	})
}

func TestMetadataStyles(t *testing.T) {
	for name, c := range map[string]struct {
		options homeassistanttest.Options
		imports int // messages for two imports
	}{
		"2025.10 knows has_mean alone":                  {homeassistanttest.Options{Version: "2025.10.4"}, 2},
		"2025.11 knows mean_type and unit_class":        {homeassistanttest.Options{Version: "2025.11.0"}, 2},
		"2026.11 is not warned":                         {homeassistanttest.Options{Version: "2026.11.0"}, 2},
		"a version that is not what it says it is":      {homeassistanttest.Options{Version: "2026.11.0", Legacy: true}, 3},
		"a version without a number, with its old keys": {homeassistanttest.Options{Version: "unknown", Legacy: true}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			ha := homeassistanttest.New(c.options)
			client := dial(t, ha)
			require.NoError(t, client.Import(t.Context(), energy, rowsFrom(day("2026-11-20").Start(), 1)))
			require.NoError(t, client.Import(t.Context(), energy, rowsFrom(day("2026-11-21").Start(), 1)))
			require.Len(t, ha.Commands(), c.imports, "what was learnt is kept")
			require.Len(t, ha.Rows(string(consumption.ID())), 2)
			require.Empty(t, ha.Warnings())
			m, ok, err := client.Metadata(t.Context(), consumption.ID())
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, "Linky", m.Name)
			require.False(t, m.HasMean)
		})
	}
}

func TestAnswersAreMatchedByID(t *testing.T) {
	ha := homeassistanttest.New(homeassistanttest.Options{
		Reply: func(homeassistanttest.Command) homeassistanttest.Reply { return homeassistanttest.Chatter },
	})
	c := dial(t, ha)
	require.NoError(t, c.Import(t.Context(), energy, rowsFrom(day("2026-11-20").Start(), 24)))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 20 {
				from := day("2026-11-20").Start().Add(time.Duration(n) * time.Hour)
				rows, err := c.Rows(t.Context(), consumption.ID(), meter.Interval{Start: from, End: from.Add(time.Hour)})
				if err != nil || len(rows) != 1 || !rows[0].Start.Equal(from) {
					t.Errorf("asked for %v, got %v, %v", from, rows, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestConnectionsThatEnd(t *testing.T) {
	reply := func(r homeassistanttest.Reply, kind string) homeassistanttest.Options {
		return homeassistanttest.Options{Reply: func(c homeassistanttest.Command) homeassistanttest.Reply {
			if c.Type == kind {
				return r
			}
			return homeassistanttest.Answer
		}}
	}
	t.Run("in the middle", func(t *testing.T) {
		c := dial(t, homeassistanttest.New(reply(homeassistanttest.Disconnect, "energy/get_prefs")))
		_, err := c.Recorder(t.Context())
		require.NoError(t, err)
		_, err = c.InEnergy(t.Context())
		require.ErrorIs(t, err, homeassistant.ErrBroken)
		require.NotErrorIs(t, err, homeassistant.ErrNotReady)
		_, err = c.Recorder(t.Context())
		require.ErrorIs(t, err, homeassistant.ErrBroken, "and no later command waits")
	})
	t.Run("before any answer: the Supervisor does not reach Home Assistant", func(t *testing.T) {
		c := dial(t, homeassistanttest.New(reply(homeassistanttest.Disconnect, "recorder/info")))
		_, err := c.Recorder(t.Context())
		require.ErrorIs(t, err, homeassistant.ErrNotReady)
	})
	t.Run("an answer that never comes", func(t *testing.T) {
		c := dial(t, homeassistanttest.New(reply(homeassistanttest.Swallow, "recorder/info")))
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := c.Recorder(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = c.InEnergy(t.Context())
		require.NoError(t, err, "the connection lives on")
	})
}

func TestRecorder(t *testing.T) {
	ha := homeassistanttest.New(homeassistanttest.Options{})
	c := dial(t, ha)
	r, err := c.Recorder(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.Ready())
	ha.SetMigrating(true)
	r, err = c.Recorder(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, r.Ready(), homeassistant.ErrNotReady)
	ha.SetStarting(true)
	_, err = c.Recorder(t.Context())
	require.ErrorIs(t, err, homeassistant.ErrNotReady)
}

func TestInEnergy(t *testing.T) {
	production := homeassistant.Series{PRM: prm, Direction: meter.Production}.ID()
	for name, c := range map[string]struct {
		prefs string
		want  []homeassistant.ID
	}{
		"never configured": {},
		"none of ours":     {prefs: `{"energy_sources":[{"type":"grid","stat_energy_from":"linky:09876543210987"}]}`},
		"2026.3 and later": {
			prefs: `{"energy_sources":[{"type":"grid","stat_energy_from":"` + string(consumption.ID()) + `",
				"stat_energy_to":"` + string(production) + `","stat_cost":null,"cost_adjustment_day":0}],"device_consumption":[]}`,
			want: []homeassistant.ID{consumption.ID(), production},
		},
		"2026.2 and before": {
			prefs: `{"energy_sources":[{"type":"grid","flow_from":[{"stat_energy_from":"` + string(consumption.ID()) + `",
				"number_energy_price":null}],"flow_to":[],"cost_adjustment_day":0}]}`,
			want: []homeassistant.ID{consumption.ID()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ha := homeassistanttest.New(homeassistanttest.Options{})
			if c.prefs != "" {
				ha.SetPreferences(c.prefs)
			}
			ids, err := dial(t, ha).InEnergy(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.want, ids)
		})
	}
}
