package homeassistant_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// lay lays days of one kind.
func lay(days ...meter.DayValues) []homeassistant.Day {
	var dailies, curves []meter.DayValues
	for _, v := range days {
		if v.Readings == nil {
			dailies = append(dailies, v)
		} else {
			curves = append(curves, v)
		}
	}
	return homeassistant.Lay(slices.Values(dailies), slices.Values(curves))
}

func TestPlan(t *testing.T) {
	d := day("2026-11-21")
	whole := func(w int64) meter.DayValues { return curve(d, time.Hour, constant(w)) }
	hourly := homeassistant.Plan(0, lay(whole(100)), nil)      // 2400 Wh
	lump := homeassistant.Plan(0, lay(daily(d, 2500)), nil)    // 2500 Wh
	older := homeassistant.Plan(0, lay(daily(d-9, 7000)), nil) // a day before all others
	const wh = 3600
	for name, c := range map[string]struct {
		base meter.Joules
		days []homeassistant.Day
		have []homeassistant.Row
		rows int
		at   map[int]meter.Joules // sums of some rows
	}{
		"nothing": {},
		"sums go on from the base": {
			base: 50 * wh, days: lay(whole(100)), rows: 24, at: map[int]meter.Joules{0: 150 * wh, 23: 2450 * wh},
		},
		"a curve takes the place of a daily value": {
			days: lay(whole(100)), have: lump, rows: 24, at: map[int]meter.Joules{0: 100 * wh, 23: 2400 * wh},
		},
		"the hours of a lost curve stand above a daily value": {
			days: lay(daily(d, 2500)), have: hourly, rows: 24, at: map[int]meter.Joules{0: 100 * wh, 23: 2400 * wh},
		},
		"a daily value that was corrected": {
			days: lay(daily(d, 2600)), have: lump, rows: 1, at: map[int]meter.Joules{0: 2600 * wh},
		},
		"rows that nobody wants hold nothing": {
			days: lay(daily(d, 2600)), have: []homeassistant.Row{{Start: d.Start().Add(5 * time.Hour), Sum: 77}}, rows: 2,
			at: map[int]meter.Joules{0: 2600 * wh, 1: 2600 * wh},
		},
		"days that the statistic alone knows are the origin": {
			days: lay(whole(100)), have: older, rows: 25, at: map[int]meter.Joules{0: 7000 * wh, 24: 9400 * wh},
		},
		"older days of ours move the sums": {
			days: lay(daily(d-9, 7000)), have: hourly, rows: 25, at: map[int]meter.Joules{0: 7000 * wh, 24: 9400 * wh},
		},
		"sums that somebody else has moved are put right": {
			have: []homeassistant.Row{
				{Start: d.Start(), State: 5, Sum: 5},
				{Start: d.Start().Add(time.Hour), State: 6, Sum: 999},
			},
			rows: 2, at: map[int]meter.Joules{0: 5, 1: 11},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rows := homeassistant.Plan(c.base, c.days, c.have)
			require.Len(t, rows, c.rows)
			requireNoJump(t, c.base, rows)
			for i, sum := range c.at {
				require.Equal(t, sum, rows[i].Sum, "row %d", i)
			}
			require.Equal(t, rows, homeassistant.Plan(c.base, c.days, rows), "what was planned is planned again")
		})
	}
}

// requireNoJump wants each sum to be the one before it and its hour's energy, in time order.
func requireNoJump(t require.TestingT, base meter.Joules, rows []homeassistant.Row) {
	last := homeassistant.Row{Sum: base}
	for i, r := range rows {
		require.Equal(t, last.Sum+r.State, r.Sum, "row %d at %v", i, r.Start)
		require.True(t, i == 0 || r.Start.After(last.Start), "row %d at %v", i, r.Start)
		last = r
	}
}
