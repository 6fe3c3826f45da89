package store

import (
	"context"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// recentDays begins, for each series of a meter, at the oldest day that Recent gives: the last complete day of a curve,
// which its summary finds without reading curves; the 31st newest of the others.
const recentDays = `SELECT s.direction, s.measure, d.day, d.source, d.quality, d.value, d.at, d.curve
	FROM series s JOIN days d ON d.series = s.id
	WHERE s.prm = ? AND d.day >= CASE s.measure
		WHEN 'load_curve' THEN (
			SELECT day FROM days
			WHERE series = s.id AND complete
				AND day > 100 * (SELECT max(month) FROM months WHERE series = s.id AND complete <> 0)
			ORDER BY day DESC LIMIT 1)
		ELSE coalesce((SELECT day FROM days WHERE series = s.id ORDER BY day DESC LIMIT 1 OFFSET 30), 0)
	END AND (d.complete OR s.measure <> 'load_curve')
	ORDER BY s.direction, s.measure, d.day`

// Recent gives the newest days of each series of a meter that has any, oldest first: the last 31 that exist, but of
// LoadCurve the last complete day alone.
func (s *Store) Recent(ctx context.Context, prm meter.PRM) (map[meter.Series][]meter.DayValues, error) {
	recent := make(map[meter.Series][]meter.DayValues)
	series := meter.Series{PRM: prm}
	var days []meter.DayValues // of the series
	var v values
	of := series
	columns := append([]any{&of.Direction, &of.Measure}, v.columns()...) // once, for a fleet has many rows
	err := s.reader.each(ctx, "recent days", recentDays, []any{prm}, func(scan scan) error {
		if err := scan(columns...); err != nil {
			return err
		}
		d, err := v.read()
		if err != nil {
			return err
		}
		if of != series {
			if days != nil {
				recent[series] = days
			}
			series, days = of, make([]meter.DayValues, 0, 31)
		}
		days = append(days, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if days != nil {
		recent[series] = days
	}
	return recent, nil
}
