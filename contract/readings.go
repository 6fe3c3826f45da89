package contract

import "github.com/enedis2mqtt/enedis2mqtt/meter"

// Readings is one message of <base>/<pdl>/<dir>/readings: one revision of a curve day. Of one day the higher revision
// replaces the lower.
type Readings struct {
	Revision int64          `json:"revision"`
	Date     meter.Day      `json:"date"`
	Points   []RevisedPoint `json:"points"`
}

// RevisedPoint is a point with the word whether it held another value in the day's former revision.
type RevisedPoint struct {
	Point
	Corrected bool `json:"corrected"`
}

// ReadingsEvent is the body that says what a revision of a curve day holds; former is what the day held before, nil for
// its first revision. A slot that the day lacks has no value; a slot is corrected when the former revision gave its very
// interval another value.
func ReadingsEvent(revision int64, day meter.DayValues, former *meter.DayValues) []byte {
	held := map[int64]*meter.Reading{} // by start
	if former != nil {
		for i := range former.Readings {
			if r := &former.Readings[i]; !r.Missing {
				held[r.Start.UnixMilli()] = r
			}
		}
	}
	points := make([]RevisedPoint, len(day.Readings))
	for i := range day.Readings {
		r := &day.Readings[i]
		was := held[r.Start.UnixMilli()]
		corrected := was != nil && was.End.Equal(r.End) && (r.Missing || r.Watts != was.Watts)
		points[i] = RevisedPoint{Point: point(r), Corrected: corrected}
	}
	return encode(Readings{Revision: revision, Date: day.Day, Points: points})
}
