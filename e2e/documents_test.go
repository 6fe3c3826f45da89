//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The documents of the contract, written down a second time: what a flow of Node-RED would rely on.

type energy struct {
	Wh  int64   `json:"wh"`
	KWh float64 `json:"kwh"`
}

type dailyDocument struct {
	Unit string       `json:"unit"`
	Days []dailyEntry `json:"days"`
}

type dailyEntry struct {
	Date string `json:"date"`
	energy
	Source  string `json:"source"`
	Quality string `json:"quality"`
}

type period struct {
	energy
	Days        int `json:"days"`
	MissingDays int `json:"missing_days"`
}

type monthlyDocument struct {
	Months []monthEntry `json:"months"`
}

type monthEntry struct {
	Month string `json:"month"`
	period
}

type yearlyDocument struct {
	Years []yearEntry `json:"years"`
}

type yearEntry struct {
	Year string `json:"year"`
	period
}

type curveDocument struct {
	Date   string       `json:"date"`
	Points []curvePoint `json:"points"`
	Wh     int64        `json:"wh"`
}

type curvePoint struct {
	Start   string  `json:"start"`
	StartMS int64   `json:"start_ms"`
	Minutes float64 `json:"minutes"`
	W       int64   `json:"w"`
}

type maxPowerDocument struct {
	Days []maxPowerEntry `json:"days"`
}

type maxPowerEntry struct {
	Date string  `json:"date"`
	At   string  `json:"at"`
	VA   int64   `json:"va"`
	KVA  float64 `json:"kva"`
}

type stateDocument struct {
	PRM         string          `json:"prm"`
	Name        string          `json:"name"`
	UpdatedAt   *time.Time      `json:"updated_at"`
	Consumption *directionState `json:"consumption"`
	Production  *directionState `json:"production"`
	Contract    struct {
		SubscribedKVA *float64 `json:"subscribed_kva"`
		Tariff        *string  `json:"tariff"`
		OffPeak       *string  `json:"off_peak"`
	} `json:"contract"`
	Consent struct {
		Until    *string `json:"until"`
		DaysLeft *int    `json:"days_left"`
	} `json:"consent"`
}

type directionState struct {
	Daily     *dayState   `json:"daily"`
	Monthly   *monthState `json:"monthly"`
	Yearly    *yearState  `json:"yearly"`
	LoadCurve *pointState `json:"load_curve"`
	MaxPower  *peakState  `json:"max_power"`
}

type dayState struct {
	Date string `json:"date"`
	energy
}

type monthState struct {
	Month string `json:"month"`
	energy
	Through     string `json:"through"`
	MissingDays int    `json:"missing_days"`
}

type yearState struct {
	Year string `json:"year"`
	energy
	Through     string `json:"through"`
	MissingDays int    `json:"missing_days"`
}

type pointState struct {
	Start   string  `json:"start"`
	Minutes float64 `json:"minutes"`
	W       int64   `json:"w"`
	KW      float64 `json:"kw"`
}

type peakState struct {
	At  string  `json:"at"`
	VA  int64   `json:"va"`
	KVA float64 `json:"kva"`
}

type lightDocument struct {
	Level         string            `json:"level"`
	Number        int               `json:"number"`
	Reason        string            `json:"reason"`
	Message       string            `json:"message"`
	Late          bool              `json:"late"`
	Since         *time.Time        `json:"since"`
	LastSuccessAt *time.Time        `json:"last_success_at"`
	LastAttemptAt *time.Time        `json:"last_attempt_at"`
	NextAttemptAt *time.Time        `json:"next_attempt_at"`
	ExpectedAt    *time.Time        `json:"expected_at"`
	Directions    map[string]string `json:"directions"`
	Series        map[string]struct {
		Current     bool    `json:"current"`
		Last        *string `json:"last"`
		MissingDays int     `json:"missing_days"`
		Reason      *string `json:"reason"`
	} `json:"series"`
}

type infoDocument struct {
	Name      string      `json:"name"`
	Version   string      `json:"version"`
	Commit    string      `json:"commit"`
	Contract  int         `json:"contract"`
	StartedAt *time.Time  `json:"started_at"`
	Sources   []string    `json:"sources"`
	Meters    []infoMeter `json:"meters"`
}

type infoMeter struct {
	PRM        string   `json:"prm"`
	Name       string   `json:"name"`
	Directions []string `json:"directions"`
}

type readingsDocument struct {
	Revision int64  `json:"revision"`
	Date     string `json:"date"`
	Points   []struct {
		curvePoint
		Corrected bool `json:"corrected"`
	} `json:"points"`
}

// truth is what a meter of the simulator has, and so what must be published of it.
type truth struct {
	enedistest.Meter
	days meter.Days // from the first day wanted through yesterday
}

// household gives the truth of the simulator's first meters.
func household(n int, days meter.Days) []truth {
	var all []truth
	for _, m := range enedistest.Household(n) {
		all = append(all, truth{m, days})
	}
	return all
}

// lastDays gives the days from n before today through yesterday.
func lastDays(n int) meter.Days {
	today := meter.DayOf(time.Now())
	return meter.Days{From: today - meter.Day(n), To: today}
}

func (m truth) value(t *testing.T, d meter.Direction, measure meter.Measure, day meter.Day) meter.DayValues {
	t.Helper()
	v, ok := m.Day(d, measure, day)
	require.True(t, ok, "the simulator has %s of %s", measure, day)
	return v
}

func inUnits(wh int64) energy { return energy{Wh: wh, KWh: float64(wh) / 1000} }

// sum adds up the daily values of some days.
func (m truth) sum(t *testing.T, d meter.Direction, days meter.Days) energy {
	t.Helper()
	var wh int64
	for day := range days.All() {
		wh += m.value(t, d, meter.Daily, day).Value
	}
	return inUnits(wh)
}

func (m truth) daily(t *testing.T, d meter.Direction) dailyDocument {
	t.Helper()
	doc := dailyDocument{Unit: "kWh"}
	for day := range (meter.Days{From: max(m.days.From, m.days.To-31), To: m.days.To}).All() {
		v := m.value(t, d, meter.Daily, day)
		doc.Days = append(doc.Days, dailyEntry{day.String(), inUnits(v.Value), "dataconnect", v.Quality.String()})
	}
	return doc
}

// periods splits the days wanted by calendar and tells of each period what is there and what lacks.
func (m truth) periods(t *testing.T, d meter.Direction, calendar func(meter.Day) meter.Days) (firsts []meter.Day, all []period) {
	t.Helper()
	for day := m.days.From; day < m.days.To; {
		whole := calendar(day)
		whole.To = min(whole.To, m.days.To)
		there := whole.Intersect(m.days)
		firsts = append(firsts, whole.From)
		all = append(all, period{m.sum(t, d, there), there.Len(), whole.Len() - there.Len()})
		day = whole.To
	}
	return firsts, all
}

func (m truth) monthly(t *testing.T, d meter.Direction) (doc monthlyDocument) {
	t.Helper()
	firsts, all := m.periods(t, d, meter.Day.Month)
	for i, first := range firsts {
		doc.Months = append(doc.Months, monthEntry{first.MonthName(), all[i]})
	}
	return doc
}

func (m truth) yearly(t *testing.T, d meter.Direction) (doc yearlyDocument) {
	t.Helper()
	firsts, all := m.periods(t, d, meter.Day.Year)
	for i, first := range firsts {
		doc.Years = append(doc.Years, yearEntry{first.YearName(), all[i]})
	}
	return doc
}

func (m truth) curve(t *testing.T, d meter.Direction, day meter.Day) curveDocument {
	t.Helper()
	v := m.value(t, d, meter.LoadCurve, day)
	doc := curveDocument{Date: day.String(), Wh: int64(v.Energy().WattHours())}
	for _, r := range v.Readings {
		doc.Points = append(doc.Points, curvePoint{stamp(r.Start), r.Start.UnixMilli(), float64(r.Seconds()) / 60, r.Watts})
	}
	return doc
}

func (m truth) maxPower(t *testing.T) (doc maxPowerDocument) {
	t.Helper()
	for day := range (meter.Days{From: max(m.days.From, m.days.To-31), To: m.days.To}).All() {
		v := m.value(t, meter.Consumption, meter.MaxPower, day)
		doc.Days = append(doc.Days, maxPowerEntry{day.String(), stamp(v.At), v.Value, float64(v.Value) / 1000})
	}
	return doc
}

// state gives one direction of the meter's state, derived from its other documents.
func (m truth) state(t *testing.T, d meter.Direction) *directionState {
	t.Helper()
	yesterday := m.days.To - 1
	day := m.daily(t, d).Days
	months, years := m.monthly(t, d).Months, m.yearly(t, d).Years
	month, year := months[len(months)-1], years[len(years)-1]
	s := &directionState{
		Daily:   &dayState{yesterday.String(), day[len(day)-1].energy},
		Monthly: &monthState{month.Month, month.energy, yesterday.String(), month.MissingDays},
		Yearly:  &yearState{year.Year, year.energy, yesterday.String(), year.MissingDays},
	}
	if m.hasCurve() {
		points := m.curve(t, d, yesterday).Points
		last := points[len(points)-1]
		s.LoadCurve = &pointState{last.Start, last.Minutes, last.W, float64(last.W) / 1000}
	}
	if d == meter.Consumption {
		peaks := m.maxPower(t).Days
		last := peaks[len(peaks)-1]
		s.MaxPower = &peakState{last.At, last.VA, last.KVA}
	}
	return s
}

func (m truth) hasCurve() bool { return m.Kind != enedistest.NoCurve }

// series names what is in the meter's light.
func (m truth) series() []string {
	var names []string
	for _, d := range m.Directions() {
		for _, measure := range []string{"daily", "load_curve", "max_power", "monthly", "yearly"} {
			if measure != "max_power" || d == meter.Consumption {
				names = append(names, string(d)+"/"+measure)
			}
		}
	}
	slices.Sort(names)
	return names
}

func stamp(at time.Time) string { return at.In(meter.Paris()).Format(time.RFC3339) }
