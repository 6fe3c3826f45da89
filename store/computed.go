package store

import (
	"context"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Computed gives the days of each series whose value is computed, oldest first: they wait for Enedis's own. An empty prm stands
// for all meters.
func (s *Store) Computed(ctx context.Context, prm meter.PRM) (map[meter.Series][]meter.Day, error) {
	all := make(map[meter.Series][]meter.Day)
	err := s.reader.each(ctx, "computed days", `SELECT s.prm, s.direction, s.measure, d.day
		FROM days d JOIN series s ON s.id = d.series
		WHERE d.quality = 'computed' AND d.curve IS NULL AND (?1 = '' OR s.prm = ?1) ORDER BY d.series, d.day`, []any{prm},
		func(scan scan) error {
			var of meter.Series
			var day int64
			err := scan(&of.PRM, &of.Direction, &of.Measure, &day)
			all[of] = append(all[of], fromDay(day))
			return err
		})
	if err != nil {
		return nil, err
	}
	return all, nil
}
