package contract

import "github.com/enedis2mqtt/enedis2mqtt/meter"

// CurveDay is <base>/<pdl>/<dir>/load_curve: the last complete day, with 46, 48 or 50 points of half an hour.
type CurveDay struct {
	Date   meter.Day `json:"date"`
	Points []Point   `json:"points"`
	Wh     int64     `json:"wh"` // rounded half up from the exact joules of the points
}

// Point is the mean power of one interval.
type Point struct {
	Start   Time    `json:"start"`
	StartMS int64   `json:"start_ms"` // epoch milliseconds
	Minutes float64 `json:"minutes"`  // a whole number in all that Enedis sends
	W       *int64  `json:"w"`        // nil when it is missing
}

// LoadCurve gives the last complete day of a direction's curve; ok is false while there is none.
func (m Meter) LoadCurve(d meter.Direction) (curve CurveDay, ok bool) {
	day, ok := m.completeDay(d)
	if !ok {
		return CurveDay{}, false
	}
	points := make([]Point, len(day.Readings))
	for i := range day.Readings {
		points[i] = point(&day.Readings[i])
	}
	return CurveDay{Date: day.Day, Points: points, Wh: int64(day.Energy().WattHours())}, true
}

func (m Meter) loadCurveBody(d meter.Direction) []byte {
	curve, ok := m.LoadCurve(d)
	if !ok {
		return nil
	}
	return encode(curve)
}

// completeDay is the last complete day of a direction's curve.
func (m Meter) completeDay(d meter.Direction) (day meter.DayValues, ok bool) {
	recent := m.Series[Measured{d, meter.LoadCurve}].Recent
	if len(recent) == 0 {
		return meter.DayValues{}, false
	}
	day = recent[len(recent)-1]
	return day, len(day.Readings) > 0 && day.Complete(meter.LoadCurve)
}

func point(r *meter.Reading) Point {
	p := Point{Start: Time{r.Start}, StartMS: r.Start.UnixMilli(), Minutes: minutes(*r)}
	if !r.Missing {
		p.W = &r.Watts
	}
	return p
}

func minutes(r meter.Reading) float64 { return r.End.Sub(r.Start).Minutes() }
