//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// TestDashboard runs the whole program beside a real Home Assistant, with a meter that draws and feeds in, and follows its
// energy from Enedis to the Energy dashboard. Yesterday comes late, so that there is a round to take a correction along.
func TestDashboard(t *testing.T) {
	for version, history := range map[string]string{
		currentVersion: "max",
		formerVersion:  (meter.DayOf(time.Now()) - 60).String(),
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			newDashboard(t, version, history).run(t)
		})
	}
}

// dashboard is all that takes part.
type dashboard struct {
	enedis *simulator
	broker *mosquitto
	home   *homeAssistant
	bridge *process
	env    map[string]string
	meter  truth // as it stands at Enedis; its days are those that are published
}

func newDashboard(t *testing.T, version, history string) *dashboard {
	t.Helper()
	today := meter.DayOf(time.Now())
	d := &dashboard{
		enedis: startSimulator(t, 2), broker: startMosquitto(t),
		meter: household(2, meter.Days{From: today - 60, To: today - 1})[1],
	}
	require.Equal(t, enedistest.SelfConsumer, d.meter.Kind)
	d.enedis.change(t, http.MethodPost, "holes?prm="+string(d.meter.PRM)+"&day="+(today-1).String())
	d.home = startHomeAssistant(t, version, d.broker)
	d.env = settings(t, d.enedis, d.broker, []truth{d.meter}, map[string]string{
		"HISTORY_START": history, "RETRY_INTERVAL": "3s", "RETRY_UNTIL": "24:00",
		"HOMEASSISTANT_URL": "http://127.0.0.1:" + d.home.port, "HOMEASSISTANT_TOKEN": d.home.token,
	})
	d.bridge = startBridge(t, d.env)
	return d
}

// change changes what a meter of the simulator has.
func (s *simulator) change(t *testing.T, method, what string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url()+"/simulator/"+what, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func (d *dashboard) run(t *testing.T) {
	t.Helper()
	whole := t // what is started again outlives its subtest
	t.Run("all the history is there, by the hour and by the day", func(t *testing.T) {
		began := time.Now()
		d.meter.days.From = d.awaitHistory(t)
		t.Logf("%d days are stored after %v", d.meter.days.Len(), time.Since(began))
		d.requireStatistics(t, d.meter.days.To-2)
		t.Logf("and in Home Assistant after %v", time.Since(began))
		if d.env["HISTORY_START"] == "max" {
			require.LessOrEqual(t, d.meter.days.From, d.meter.days.To.MonthsBack(36), "three years")
		}
	})

	t.Run("a correction and a late day follow after a restart", func(t *testing.T) {
		d.restartBridge(t, whole) // else it rests from the import of years
		corrected := d.meter.days.To - 3
		prm := "prm=" + string(d.meter.PRM)
		d.enedis.change(t, http.MethodPost, "corrections?percent=150&"+prm+"&day="+corrected.String())
		d.enedis.change(t, http.MethodDelete, "holes?"+prm)
		d.meter.Corrections = []enedistest.Correction{{Day: corrected, Percent: 150}}
		d.meter.days.To++
		began := time.Now()
		d.requireStatistics(t, corrected)
		t.Logf("took %v", time.Since(began))
	})

	t.Run("every entity has its state, unit and French name", func(t *testing.T) {
		awaitComplete(t, d.broker, []truth{d.meter})
		requireEntities(t, d.home, []truth{d.meter})
		requireRegistry(t, d.home, d.meter)
	})

	t.Run("the Energy dashboard is content", func(t *testing.T) {
		d.home.useInEnergy(t, string(d.id(meter.Consumption)), string(d.id(meter.Production)))
		require.Empty(t, d.home.energyIssues(t))
	})

	t.Run("restarts in any order change nothing", func(t *testing.T) { d.restart(t, whole) })

	t.Run("Home Assistant and we have nothing to complain of", func(t *testing.T) {
		d.home.catchUp(t)
		require.Empty(t, d.home.complaints(t))
		require.NotContains(t, d.bridge.said(t), "level=ERROR")
		require.NotContains(t, d.bridge.said(t), string(d.meter.PRM))
	})
}

// awaitHistory waits until all the days that are wanted are stored, and gives the oldest.
func (d *dashboard) awaitHistory(t *testing.T) (oldest meter.Day) {
	t.Helper()
	await(t, "the history is stored", 4*time.Minute, func() error {
		var light lightDocument
		detail := retained(t, d.broker)["enedis2mqtt/"+string(d.meter.PRM)+"/freshness/detail"]
		if err := json.Unmarshal([]byte(detail), &light); err != nil {
			return err
		}
		if len(light.Series) != len(d.meter.series()) {
			return fmt.Errorf("series: %v", slices.Sorted(maps.Keys(light.Series)))
		}
		for name, s := range light.Series {
			if s.Last == nil {
				return fmt.Errorf("%s has no day yet", name)
			}
			if s.MissingDays != 0 && !strings.HasSuffix(name, "monthly") && !strings.HasSuffix(name, "yearly") {
				return fmt.Errorf("%s lacks %d days", name, s.MissingDays)
			}
		}
		return nil
	})
	return d.stored(t, meter.Consumption, meter.Daily, meter.Days{From: 0, To: d.meter.days.To})[0].Day
}

// stored gives what the bridge's store has of a series in a run of days, while the bridge runs.
func (d *dashboard) stored(t *testing.T, direction meter.Direction, m meter.Measure, run meter.Days) (days []meter.DayValues) {
	t.Helper()
	kept, err := store.OpenReader(t.Context(), d.env["DATA_DIR"], store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer func() { require.NoError(t, kept.Close()) }()
	for v, err := range kept.Days(t.Context(), meter.Series{PRM: d.meter.PRM, Direction: direction, Measure: m}, run) {
		require.NoError(t, err)
		days = append(days, v)
	}
	return days
}

func (d *dashboard) id(direction meter.Direction) homeassistant.ID {
	return homeassistant.Series{PRM: d.meter.PRM, Direction: direction}.ID()
}

// requireStatistics waits until Home Assistant has the newest day as Enedis has it, and compares all days: the store with
// Enedis, and the statistics with the store to the joule. changed is a day that is to be another before.
func (d *dashboard) requireStatistics(t *testing.T, changed meter.Day) {
	t.Helper()
	for _, direction := range d.meter.Directions() {
		for _, day := range []meter.Day{changed, d.meter.days.To - 1} {
			await(t, fmt.Sprintf("the %s of %s is stored", direction, day), time.Minute, func() error {
				run := meter.Days{From: day, To: day + 1}
				return d.sameAsEnedis(direction, d.stored(t, direction, meter.Daily, run), d.stored(t, direction, meter.LoadCurve, run))
			})
		}
		daily := d.stored(t, direction, meter.Daily, d.meter.days)
		curves := d.stored(t, direction, meter.LoadCurve, d.meter.days)
		require.Len(t, daily, d.meter.days.Len(), "no day lacks")
		require.NoError(t, d.sameAsEnedis(direction, daily, curves))
		days := homeassistant.Lay(slices.Values(daily), slices.Values(curves))
		await(t, "the "+string(direction)+" is imported", 2*time.Minute, func() error {
			if err := d.reaches(t, direction, days); err != nil {
				return err
			}
			return sameRows(t, d.home, d.id(direction), days)
		})
	}
}

// reaches complains while the last row of a statistic is not the sum of all days.
func (d *dashboard) reaches(t *testing.T, direction meter.Direction, days []homeassistant.Day) error {
	t.Helper()
	var sum meter.Joules
	var last homeassistant.Hour
	for _, day := range days {
		for _, last = range day.Hours {
			sum += last.Energy
		}
	}
	rows := d.home.statistic(t, d.id(direction), "hour", last.Start)
	if len(rows) != 1 || !joules(rows[0].Sum, sum) {
		return fmt.Errorf("from %v on: %+v, want a sum of %d J", last.Start, rows, sum)
	}
	return nil
}

// sameAsEnedis complains of stored days that are not as the simulator has them.
func (d *dashboard) sameAsEnedis(direction meter.Direction, daily, curves []meter.DayValues) error {
	if len(daily) == 0 || len(curves) == 0 {
		return fmt.Errorf("%d daily values, %d curves", len(daily), len(curves))
	}
	for _, v := range daily {
		if is, _ := d.meter.Day(direction, meter.Daily, v.Day); is.Value != v.Value {
			return fmt.Errorf("%v: %d Wh instead of %d", v.Day, v.Value, is.Value)
		}
	}
	for _, v := range curves {
		if is, _ := d.meter.Day(direction, meter.LoadCurve, v.Day); is.Energy() != v.Energy() || !v.Complete(meter.LoadCurve) {
			return fmt.Errorf("%v: %d J instead of %d", v.Day, v.Energy(), is.Energy())
		}
	}
	return nil
}

// sameRows complains of a statistic that is not exactly those days, by the hour and by the day of Home Assistant's own zone.
func sameRows(t *testing.T, h *homeAssistant, id homeassistant.ID, days []homeassistant.Day) error {
	t.Helper()
	hours, byDay := h.statistic(t, id, "hour", everSince), h.statistic(t, id, "day", everSince)
	if len(byDay) != len(days) {
		return fmt.Errorf("%d days instead of %d", len(byDay), len(days))
	}
	var sum meter.Joules
	for i, d := range days {
		var total meter.Joules
		for _, want := range d.Hours {
			if len(hours) == 0 {
				return fmt.Errorf("%v is not there", want.Start)
			}
			got := hours[0]
			hours, sum, total = hours[1:], sum+want.Energy, total+want.Energy
			if got.Start != want.Start.UnixMilli() || !joules(got.State, want.Energy) || !joules(got.Sum, sum) ||
				!joules(got.Change, want.Energy) {
				return fmt.Errorf("%v: %+v, want %d J, sum %d J", want.Start, got, want.Energy, sum)
			}
		}
		if byDay[i].Start != d.Day.Start().UnixMilli() || !joules(byDay[i].Change, total) {
			return fmt.Errorf("%v: %+v, want %d J", d.Day, byDay[i], total)
		}
	}
	if len(hours) > 0 {
		return fmt.Errorf("%d hours too many", len(hours))
	}
	return nil
}

// restart restarts the bridge, the broker and Home Assistant so that each of their six orders occurs: each is three in a row
// of these. Nothing else happens: no call to Enedis, no import, no other state.
func (d *dashboard) restart(t, whole *testing.T) {
	t.Helper()
	const orders = "BMHBMBHMB" // bridge, Mosquitto, Home Assistant
	for _, order := range []string{"BMH", "BHM", "MBH", "MHB", "HBM", "HMB"} {
		require.Contains(t, orders, order)
	}
	d.restartBridge(t, whole)
	await(t, "the bridge has compared all", time.Minute, d.imported(t))
	calls, states := len(d.enedis.calls()), d.states(t)
	rows := map[meter.Direction][]hourOf{}
	for _, direction := range d.meter.Directions() {
		rows[direction] = d.home.statistic(t, d.id(direction), "hour", everSince)
	}
	sequence := orders
	if d.home.version == formerVersion {
		sequence = "BMHBM" // three of the orders
	}
	for i, who := range sequence {
		switch who {
		case 'B':
			d.restartBridge(t, whole)
		case 'M':
			d.broker.stop(t)
			d.broker.start(whole)
		case 'H':
			d.home.stop(t)
			d.home.start(t)
		}
		await(t, fmt.Sprintf("all is as before after %s", sequence[:i+1]), time.Minute, func() error {
			if err := want(retained(t, d.broker), "enedis2mqtt/bridge/state", "online"); err != nil {
				return err
			}
			if now := d.states(t); !maps.Equal(states, now) {
				return fmt.Errorf("states: %v", changes(states, now))
			}
			return d.imported(t)()
		})
		for direction, before := range rows {
			require.Equal(t, before, d.home.statistic(t, d.id(direction), "hour", everSince), "after %s", sequence[:i+1])
		}
	}
	require.Len(t, d.enedis.calls(), calls)
}

// states gives what all entities show, but for the budget, whose hour goes by.
func (d *dashboard) states(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for id, s := range d.home.states(t) {
		if !strings.Contains(id, "calls_left") {
			all[id] = s.State
		}
	}
	return all
}

func changes(before, after map[string]string) (list []string) {
	for id, state := range before {
		if now, ok := after[id]; !ok || now != state {
			list = append(list, fmt.Sprintf("%s: %q instead of %q", id, now, state))
		}
	}
	return list
}

func (d *dashboard) restartBridge(t, whole *testing.T) {
	t.Helper()
	require.Zero(t, d.bridge.stop(t))
	d.bridge = startBridge(whole, d.env)
}

// imported complains while the running bridge has not said that the statistics are up to date, or when it has written any.
func (d *dashboard) imported(t *testing.T) func() error {
	t.Helper()
	return func() error {
		said := d.bridge.said(t)
		require.NotContains(t, said, "statistics written")
		if !strings.Contains(said, "statistics are up to date") {
			return errors.New("the bridge has not compared the statistics")
		}
		return nil
	}
}
