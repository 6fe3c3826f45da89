package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Difference is a day of which Enedis's daily value and the sum of its complete load curve differ by more than rounding.
type Difference struct {
	PRM       meter.PRM
	Direction meter.Direction
	Day       meter.Day
	Daily     meter.WattHours
	Curve     meter.WattHours
}

// Differences gives the days of a meter whose daily value and curve differ, oldest first.
func (s *Store) Differences(ctx context.Context, prm meter.PRM) ([]Difference, error) {
	var all []Difference
	err := s.reader.each(ctx, "differences", `SELECT direction, day, daily_wh, curve_wh FROM differences
		WHERE prm = ? ORDER BY direction, day`, []any{prm}, func(scan scan) error {
		d := Difference{PRM: prm}
		var day int64
		err := scan(&d.Direction, &day, &d.Daily, &d.Curve)
		d.Day = fromDay(day)
		all = append(all, d)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// compare looks at the changed days of a series beside the other measure of their energy, and gives those that differ, if that
// is news.
func (t *tx) compare(ctx context.Context, series meter.Series, changed []Stored) ([]Difference, error) {
	other := series
	switch series.Measure {
	case meter.Daily:
		other.Measure = meter.LoadCurve
	case meter.LoadCurve:
		other.Measure = meter.Daily
	default:
		return nil, nil
	}
	if len(changed) == 0 {
		return nil, nil
	}
	run := meter.Days{From: changed[0].Day, To: changed[len(changed)-1].Day + 1}
	known, err := t.differences(ctx, series, run)
	if err != nil {
		return nil, err
	}
	beside, err := t.daysOf(ctx, other, run)
	if err != nil {
		return nil, err
	}
	var news []Difference
	for _, d := range changed {
		daily, curve := d.DayValues, beside[d.Day]
		if series.Measure == meter.LoadCurve {
			daily, curve = curve, daily
		}
		is := Difference{PRM: series.PRM, Direction: series.Direction, Day: d.Day}
		if meter.Apart(daily, curve) {
			is.Daily, is.Curve = meter.WattHours(daily.Value), curve.Energy().WattHours()
		}
		if was := known[d.Day]; is == was || is.Daily == is.Curve && was.Day == 0 {
			continue
		}
		if err := t.putDifference(ctx, is); err != nil {
			return nil, err
		}
		if is.Daily != is.Curve {
			news = append(news, is)
		}
	}
	return news, nil
}

// putDifference keeps a difference; one that is none any more is forgotten.
func (t *tx) putDifference(ctx context.Context, d Difference) error {
	if d.Daily == d.Curve {
		return t.exec(ctx, `DELETE FROM differences WHERE prm = ? AND direction = ? AND day = ?`,
			d.PRM, d.Direction, toDay(d.Day))
	}
	return t.exec(ctx, `INSERT INTO differences (prm, direction, day, daily_wh, curve_wh) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (prm, direction, day) DO UPDATE SET daily_wh = excluded.daily_wh, curve_wh = excluded.curve_wh`,
		d.PRM, d.Direction, toDay(d.Day), int64(d.Daily), int64(d.Curve))
}

func (t *tx) differences(ctx context.Context, series meter.Series, run meter.Days) (map[meter.Day]Difference, error) {
	known := make(map[meter.Day]Difference)
	err := t.each(ctx, `SELECT day, daily_wh, curve_wh FROM differences
		WHERE prm = ? AND direction = ? AND day >= ? AND day < ?`,
		[]any{series.PRM, series.Direction, toDay(run.From), toDay(run.To)}, func(scan scan) error {
			d := Difference{PRM: series.PRM, Direction: series.Direction}
			var day int64
			err := scan(&day, &d.Daily, &d.Curve)
			d.Day = fromDay(day)
			known[d.Day] = d
			return err
		})
	return known, err
}

// daysOf gives what the days of a run of a series hold, without making the series known.
func (t *tx) daysOf(ctx context.Context, series meter.Series, run meter.Days) (map[meter.Day]meter.DayValues, error) {
	var id int64
	err := t.row(ctx, knownSeries, []any{series.PRM, series.Direction, series.Measure}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := make(map[meter.Day]meter.DayValues)
	err = t.each(ctx, `SELECT day, source, quality, value, at, curve FROM days WHERE series = ? AND day >= ? AND day < ?`,
		[]any{id, toDay(run.From), toDay(run.To)}, func(scan scan) error {
			var v values
			if err := scan(v.columns()...); err != nil {
				return err
			}
			day, err := v.read()
			found[day.Day] = day
			return err
		})
	return found, err
}
