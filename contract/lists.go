package contract

import "github.com/enedis2mqtt/enedis2mqtt/meter"

// How much of the past the lists hold.
const (
	listedDays   = 31
	listedMonths = 13
)

// DailyList is <base>/<pdl>/<dir>/daily: the last 31 days that exist.
type DailyList struct {
	Unit string       `json:"unit"` // of kwh
	Days []DailyValue `json:"days"`
}

// DailyValue is a day's own value, with where it is from.
type DailyValue struct {
	DayEnergy
	Source  string `json:"source"`
	Quality string `json:"quality"`
}

// Daily lists the newest days of a direction.
func (m Meter) Daily(d meter.Direction) DailyList {
	list := DailyList{Unit: "kWh", Days: []DailyValue{}}
	for _, v := range last(listedDays, m.Series[Measured{d, meter.Daily}].Recent) {
		list.Days = append(list.Days, DailyValue{
			DayEnergy: DayEnergy{Date: v.Day, Energy: energy(v.Value)},
			Source:    v.Source,
			Quality:   v.Quality.String(),
		})
	}
	return list
}

// MonthlyList is <base>/<pdl>/<dir>/monthly: the last 13 months with any day.
type MonthlyList struct {
	Months []MonthTotal `json:"months"`
}

// MonthTotal is the energy of a month, the newest one through the newest day.
type MonthTotal struct {
	Month string `json:"month"` // YYYY-MM
	Energy
	Days        int `json:"days"`
	MissingDays int `json:"missing_days"`
}

// Monthly lists the newest months of a direction.
func (m Meter) Monthly(d meter.Direction) MonthlyList {
	list := MonthlyList{Months: []MonthTotal{}}
	for _, t := range m.Series[Measured{d, meter.Daily}].months(listedMonths) {
		list.Months = append(list.Months, MonthTotal{t.period.From.MonthName(), energy(t.wh), t.days, t.missing})
	}
	return list
}

// YearlyList is <base>/<pdl>/<dir>/yearly: all years with any day.
type YearlyList struct {
	Years []YearTotal `json:"years"`
}

// YearTotal is the energy of a year, the newest one through the newest day.
type YearTotal struct {
	Year string `json:"year"` // YYYY
	Energy
	Days        int `json:"days"`
	MissingDays int `json:"missing_days"`
}

// Yearly lists all years of a direction.
func (m Meter) Yearly(d meter.Direction) YearlyList {
	list := YearlyList{Years: []YearTotal{}}
	for _, t := range m.Series[Measured{d, meter.Daily}].years() {
		list.Years = append(list.Years, YearTotal{t.period.From.YearName(), energy(t.wh), t.days, t.missing})
	}
	return list
}

// PeakList is <base>/<pdl>/consumption/max_power: the last 31 peaks.
type PeakList struct {
	Days []DayPeak `json:"days"`
}

// DayPeak is a day with its maximum power.
type DayPeak struct {
	Date meter.Day `json:"date"`
	Peak
}

// MaxPower lists the newest peaks.
func (m Meter) MaxPower() PeakList {
	list := PeakList{Days: []DayPeak{}}
	for _, v := range last(listedDays, m.Series[Measured{meter.Consumption, meter.MaxPower}].Recent) {
		list.Days = append(list.Days, DayPeak{Date: v.Day, Peak: peak(v)})
	}
	return list
}

func last(n int, days []meter.DayValues) []meter.DayValues {
	return days[max(0, len(days)-n):]
}
