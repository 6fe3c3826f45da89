package homeassistant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The errors of Copy that are no trouble of the connection.
var (
	// ErrUnknownStatistic means that Home Assistant has no sums under that id.
	ErrUnknownStatistic = errors.New("there is no such statistic in Home Assistant")
	// ErrNotEnergy means that a statistic is not one of energy.
	ErrNotEnergy = errors.New("not a statistic of energy")
)

// wattHoursPer is what a unit of Home Assistant's is in Wh.
func wattHoursPer(unit string) (wh float64, ok bool) {
	wh, ok = map[string]float64{
		"mWh": 1e-3, "Wh": 1, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9, "TWh": 1e12,
		"J": 1. / 3600, "kJ": 1e3 / 3600, "MJ": 1e6 / 3600, "GJ": 1e9 / 3600,
	}[unit]
	return wh, ok
}

// Copy reads statistics of energy by the hour, of whatever tool, and adds them up: some tools keep peak and off-peak hours
// apart. It gives their days, oldest first; source is what their values are to be marked with. Nothing is written. The error
// is ErrUnknownStatistic, with those that there are, or ErrNotEnergy, or one of the connection.
func (c *Client) Copy(ctx context.Context, source string, ids ...string) (Copied, error) {
	known, err := c.sums(ctx)
	if err != nil {
		return Copied{}, err
	}
	var all []amounts
	for _, id := range ids {
		unit, err := unitOf(known, id)
		if err != nil {
			return Copied{}, err
		}
		rows, err := c.held(ctx, ID(id))
		if err != nil {
			return Copied{}, err
		}
		all = append(all, amountsOf(rows, unit))
	}
	return lift(source, all...), nil
}

// sum is a statistic that has sums.
type sum struct {
	ID   string `json:"statistic_id"`
	Unit string `json:"display_unit_of_measurement"` // that of the rows as they are read
}

// sums lists the statistics that have sums.
func (c *Client) sums(ctx context.Context) ([]sum, error) {
	var known []sum
	err := c.call(ctx, "recorder/list_statistic_ids", map[string]any{"statistic_type": "sum"}, &known)
	return known, err
}

// unitOf gives the Wh of a statistic's unit.
func unitOf(known []sum, id string) (wh float64, err error) {
	i := slices.IndexFunc(known, func(s sum) bool { return s.ID == id })
	if i < 0 {
		return 0, fmt.Errorf("%s: %w; %s", clean(id), ErrUnknownStatistic, energies(known))
	}
	wh, ok := wattHoursPer(known[i].Unit)
	if !ok {
		return 0, fmt.Errorf("%s: its unit is %q: %w", clean(id), known[i].Unit, ErrNotEnergy)
	}
	return wh, nil
}

// energies says which statistics of energy there are.
func energies(known []sum) string {
	const most = 20
	var ids []string
	for _, s := range known {
		if _, ok := wattHoursPer(s.Unit); ok {
			ids = append(ids, clean(s.ID))
		}
	}
	slices.Sort(ids)
	switch {
	case len(ids) == 0:
		return "it has none of energy"
	case len(ids) > most:
		return fmt.Sprintf("of energy it has %s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return "of energy it has " + strings.Join(ids, ", ")
}

// held reads all rows of a statistic as they are, a window at a time.
func (c *Client) held(ctx context.Context, id ID) ([]held, error) {
	all, err := c.extent(ctx, id)
	if err != nil {
		return nil, err
	}
	var rows []held
	for from := all.Start; from.Before(all.End); from = from.Add(readSpan) {
		found, err := c.during(ctx, id, meter.Interval{Start: from, End: from.Add(readSpan)}, "hour")
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// amounts are the energies of a statistic, in Wh.
type amounts struct {
	byHour   map[time.Time]float64 // by the hour's start in UTC
	unusable int                   // rows that tell no energy of their hour
}

// mostWh is the most that an hour or a day may hold: far more than any delivery point draws, far less than overflows.
const mostWh = 1e9

// amountsOf gives the energy of each row; unit is what its numbers are in Wh.
func amountsOf(rows []held, unit float64) amounts {
	a := amounts{byHour: make(map[time.Time]float64, len(rows))}
	index := keepsIndex(rows, unit)
	for i, r := range rows {
		start := time.UnixMilli(r.Start).UTC()
		var wh float64
		var ok bool
		switch {
		case r.State != nil && !index:
			wh, ok = *r.State, true
		case i == 0:
			wh, ok = rise(held{Sum: new(float64)}, r) // a sum begins at 0
		case follows(time.UnixMilli(rows[i-1].Start), start):
			wh, ok = rise(rows[i-1], r)
		}
		wh *= unit
		if !ok || !(-0.5 < wh && wh < mostWh) { // not a number is none of both
			a.unusable++
			continue
		}
		a.byHour[start] = max(0, wh)
	}
	return a
}

// keepsIndex tells whether the state of the rows is an index, as of the statistics that Home Assistant compiles itself. Tools
// that import put the energy of the hour there, and some of them sums that cannot be used, as the one that adds up from the
// newest hour to the oldest.
func keepsIndex(rows []held, unit float64) bool {
	near := func(a, b float64) bool { return -1 < (a-b)*unit && (a-b)*unit < 1 } // Wh
	index, energy := 0, 0
	for i := 1; i < len(rows); i++ {
		before, row := rows[i-1], rows[i]
		rose, ok := rise(before, row)
		switch {
		case !ok || row.State == nil || near(rose, 0): // tells nothing
		case near(*row.State, rose):
			energy++
		case before.State != nil && near(*row.State-*before.State, rose):
			index++
		}
	}
	return index > energy
}

// rise is what the sum of a row is above that of the one before.
func rise(before, row held) (rose float64, ok bool) {
	if before.Sum == nil || row.Sum == nil {
		return 0, false
	}
	return *row.Sum - *before.Sum, true
}

// follows tells whether all that a sum rose by from one row to the next belongs to the hour of the latter, or to its day
// where both rows stand for whole days.
func follows(before, start time.Time) bool {
	day := meter.DayOf(start)
	return start.Sub(before) == time.Hour || start.Equal(day.Start()) && before.Equal((day-1).Start())
}
