package store

import (
	"context"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Changed gives the oldest day of a direction's load curve and daily values whose revision is above after, and the newest
// such revision: 0 and after itself when nothing changed.
func (s *Store) Changed(
	ctx context.Context, prm meter.PRM, d meter.Direction, after int64,
) (first meter.Day, revision int64, err error) {
	var day int64
	_, err = s.reader.one(ctx, "changed days", `SELECT coalesce(min(d.day), 0), coalesce(max(d.revision), ?)
		FROM series s JOIN days d ON d.series = s.id
		WHERE s.prm = ? AND s.direction = ? AND s.measure IN (?, ?) AND d.revision > ?`,
		[]any{after, prm, d, meter.Daily, meter.LoadCurve, after}, &day, &revision)
	if err != nil || day == 0 {
		return 0, after, err
	}
	return fromDay(day), revision, nil
}
