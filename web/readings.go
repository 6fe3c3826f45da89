package web

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// answer writes the days of a series as one document, day by day, so that years of them need no memory.
type answer struct {
	w      http.ResponseWriter
	series meter.Series
	begun  bool
}

func (a *answer) add(v meter.DayValues) error {
	body, err := json.Marshal(dayOf(a.series.Measure, v))
	if err != nil {
		panic(err) // plain numbers and texts: a programmer's mistake
	}
	separator := ","
	if !a.begun {
		a.begin()
		separator = ""
	}
	_, err = fmt.Fprintf(a.w, "%s\n%s", separator, body)
	return err
}

func (a *answer) begin() {
	a.begun = true
	a.w.Header().Set("Content-Type", contentJSON)
	_, _ = fmt.Fprintf(a.w, `{"prm":%q,"direction":%q,"measure":%q,"days":[`, a.series.PRM, a.series.Direction, a.series.Measure)
}

func (a *answer) end() {
	if !a.begun {
		a.begin()
	}
	_, _ = fmt.Fprintln(a.w, "\n]}") // the reader is gone: there is nobody to tell
}

// origin is where a day is from.
type origin struct {
	Source  string `json:"source"`
	Quality string `json:"quality"`
}

// storedCurve is a day of a load curve, in points as the contract has them.
type storedCurve struct {
	Date meter.Day `json:"date"`
	origin
	Points []contract.Point `json:"points"`
}

// storedPeak is a day's maximum power.
type storedPeak struct {
	contract.DayPeak
	origin
}

// dayOf gives a day in the shape that it has in the contract's documents.
func dayOf(m meter.Measure, v meter.DayValues) any {
	from := origin{Source: v.Source, Quality: v.Quality.String()}
	switch m {
	case meter.LoadCurve:
		return storedCurve{Date: v.Day, origin: from, Points: points(v.Readings)}
	case meter.MaxPower:
		peak := contract.Peak{At: contract.Time{Time: v.At}, VA: v.Value, KVA: float64(v.Value) / 1000}
		return storedPeak{DayPeak: contract.DayPeak{Date: v.Day, Peak: peak}, origin: from}
	case meter.Daily, meter.Register:
	}
	energy := contract.Energy{Wh: v.Value, KWh: float64(v.Value) / 1000}
	return contract.DailyValue{
		DayEnergy: contract.DayEnergy{Date: v.Day, Energy: energy}, Source: from.Source, Quality: from.Quality,
	}
}

func points(readings []meter.Reading) []contract.Point {
	all := make([]contract.Point, len(readings))
	for i, r := range readings {
		all[i] = contract.Point{Start: contract.Time{Time: r.Start}, StartMS: r.Start.UnixMilli(), Minutes: r.End.Sub(r.Start).Minutes()}
		if !r.Missing {
			all[i].W = &r.Watts
		}
	}
	return all
}
