package contract

import (
	"math"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// State is <base>/<pdl>/state: the meter in one document.
type State struct {
	PRM         meter.PRM         `json:"prm"`
	Name        string            `json:"name"`
	UpdatedAt   Time              `json:"updated_at"`
	Consumption *ConsumptionState `json:"consumption,omitempty"`
	Production  *DirectionState   `json:"production,omitempty"`
	Contract    Contract          `json:"contract"`
	Consent     Consent           `json:"consent"`
}

// DirectionState is the newest of one direction; what there is none of is nil.
type DirectionState struct {
	Daily     *DayEnergy  `json:"daily"`
	Monthly   *MonthSoFar `json:"monthly"`
	Yearly    *YearSoFar  `json:"yearly"`
	LoadCurve *LastPoint  `json:"load_curve"`
}

// ConsumptionState is DirectionState with the maximum power, which production lacks.
type ConsumptionState struct {
	DirectionState
	MaxPower *Peak `json:"max_power"`
}

// Energy is one energy in two units: whole Wh, and kWh.
type Energy struct {
	Wh  int64   `json:"wh"`
	KWh float64 `json:"kwh"`
}

func energy(wh int64) Energy { return Energy{Wh: wh, KWh: thousandth(wh)} }

// DayEnergy is the energy of a day.
type DayEnergy struct {
	Date meter.Day `json:"date"`
	Energy
}

// MonthSoFar is the energy of the newest day's month, from the 1st through that day.
type MonthSoFar struct {
	Month string `json:"month"` // YYYY-MM
	Energy
	Through     meter.Day `json:"through"`
	MissingDays int       `json:"missing_days"`
}

// YearSoFar is the energy of the newest day's year, from 1 January through that day.
type YearSoFar struct {
	Year string `json:"year"` // YYYY
	Energy
	Through     meter.Day `json:"through"`
	MissingDays int       `json:"missing_days"`
}

// LastPoint is the last point of the last complete day of a curve.
type LastPoint struct {
	Start   Time    `json:"start"`
	Minutes float64 `json:"minutes"`
	W       int64   `json:"w"`
	KW      float64 `json:"kw"`
}

// Peak is the maximum power of a day.
type Peak struct {
	At  Time    `json:"at"`
	VA  int64   `json:"va"`
	KVA float64 `json:"kva"`
}

// Consent is how long data may be fetched; both are nil when nobody knows.
type Consent struct {
	Until    *meter.Day `json:"until"`     // the last day
	DaysLeft *int       `json:"days_left"` // from today's date in Paris to Until; 0 after it
}

// State gives the meter in one document.
func (m Meter) State(now time.Time) State {
	s := State{PRM: m.PRM, Name: m.Name, UpdatedAt: Time{m.UpdatedAt}, Consent: m.consent(now)}
	for _, d := range m.Directions {
		switch newest := m.directionState(d); d {
		case meter.Consumption:
			s.Consumption = &ConsumptionState{DirectionState: newest, MaxPower: m.lastPeak()}
			s.Contract = m.Contract
			if kva := m.Contract.SubscribedKVA; kva != nil && (math.IsNaN(*kva) || math.IsInf(*kva, 0)) {
				s.Contract.SubscribedKVA = nil // JSON has no such numbers
			}
		case meter.Production:
			s.Production = &newest
		}
	}
	return s
}

func (m Meter) directionState(d meter.Direction) DirectionState {
	daily := m.Series[Measured{d, meter.Daily}]
	state := DirectionState{LoadCurve: m.lastPoint(d)}
	if n := len(daily.Recent); n > 0 {
		v := daily.Recent[n-1]
		state.Daily = &DayEnergy{Date: v.Day, Energy: energy(v.Value)}
	}
	if newest, ok := daily.newest(); ok {
		month, year := daily.total(newest.Month(), newest), daily.total(newest.Year(), newest)
		state.Monthly = &MonthSoFar{newest.MonthName(), energy(month.wh), newest, month.missing}
		state.Yearly = &YearSoFar{newest.YearName(), energy(year.wh), newest, year.missing}
	}
	return state
}

func (m Meter) lastPoint(d meter.Direction) *LastPoint {
	day, ok := m.completeDay(d)
	if !ok {
		return nil
	}
	r := day.Readings[len(day.Readings)-1]
	return &LastPoint{Start: Time{r.Start}, Minutes: minutes(r), W: r.Watts, KW: thousandth(r.Watts)}
}

func (m Meter) lastPeak() *Peak {
	recent := m.Series[Measured{meter.Consumption, meter.MaxPower}].Recent
	if len(recent) == 0 {
		return nil
	}
	p := peak(recent[len(recent)-1])
	return &p
}

func peak(v meter.DayValues) Peak { return Peak{At: Time{v.At}, VA: v.Value, KVA: thousandth(v.Value)} }

func (m Meter) consent(now time.Time) Consent {
	if m.ConsentEnd == 0 {
		return Consent{}
	}
	until, left := m.ConsentEnd, max(0, int(m.ConsentEnd-meter.DayOf(now)))
	return Consent{Until: &until, DaysLeft: &left}
}
