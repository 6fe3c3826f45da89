package contract_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// drawnSeries is a daily series with holes: some days apart or whole months.
func drawnSeries(t *rapid.T, through meter.Day) (contract.Series, []meter.DayValues) {
	first := through - meter.Day(rapid.IntRange(0, 800).Draw(t, "days of history"))
	var days []meter.DayValues
	for d := first; d <= through; {
		if rapid.IntRange(0, 9).Draw(t, "hole") == 0 {
			d += meter.Day(rapid.IntRange(1, 70).Draw(t, "days of hole"))
			continue
		}
		for range rapid.IntRange(1, 60).Draw(t, "days in a row") {
			if d > through {
				break
			}
			days = append(days, meter.DayValues{
				Day: d, Value: int64(d)*7919%50000 + 1, Source: "dataconnect", Quality: meter.Quality(d % 3),
			})
			d++
		}
	}
	s := kept(meter.Daily, first, days)
	if len(days) > 0 && rapid.Bool().Draw(t, "activation is known") {
		s.Activation = days[0].Day - meter.Day(rapid.IntRange(0, 100).Draw(t, "days since the activation"))
	}
	return s, days
}

// sums adds the days up by a name of theirs, in the dullest way.
func sums(days []meter.DayValues, s contract.Series, period func(meter.Day) string) (wh map[string]int64, present, missing map[string]int) {
	wh, present, missing = map[string]int64{}, map[string]int{}, map[string]int{}
	there := map[meter.Day]bool{}
	for _, v := range days {
		wh[period(v.Day)] += v.Value
		present[period(v.Day)]++
		there[v.Day] = true
	}
	if len(days) == 0 {
		return wh, present, missing
	}
	oldest, newest := days[0].Day, days[len(days)-1].Day
	for d := max(s.Activation, oldest.Year().From); d <= newest; d++ {
		if !there[d] {
			missing[period(d)]++
		}
	}
	return wh, present, missing
}

func TestTotalsAreTheSumsOfTheDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		through := meter.Day(rapid.Int32Range(20000, 21500).Draw(t, "through"))
		s, days := drawnSeries(t, through)
		m := contract.Meter{
			Directions: []meter.Direction{production},
			Series:     map[contract.Measured]contract.Series{{Direction: production, Measure: meter.Daily}: s},
		}
		monthWh, monthDays, monthMissing := sums(days, s, meter.Day.MonthName)
		yearWh, yearDays, yearMissing := sums(days, s, meter.Day.YearName)

		months := m.Monthly(production).Months
		require.Len(t, months, min(13, len(monthWh)))
		for i, total := range months {
			require.Equal(t, monthWh[total.Month], total.Wh)
			require.Equal(t, monthDays[total.Month], total.Days)
			require.Equal(t, monthMissing[total.Month], total.MissingDays, total.Month)
			require.True(t, i == 0 || months[i-1].Month < total.Month)
		}
		years := m.Yearly(production).Years
		require.Len(t, years, len(yearWh))
		for i, total := range years {
			require.Equal(t, yearWh[total.Year], total.Wh)
			require.Equal(t, yearDays[total.Year], total.Days)
			require.Equal(t, yearMissing[total.Year], total.MissingDays, total.Year)
			require.True(t, i == 0 || years[i-1].Year < total.Year)
		}

		state := m.State(through.End()).Production
		if len(days) == 0 {
			require.Equal(t, &contract.DirectionState{}, state)
			return
		}
		newest := days[len(days)-1]
		require.Equal(t, newest.Day, state.Daily.Date)
		require.Equal(t, newest.Value, state.Daily.Wh)
		month, year := months[len(months)-1], years[len(years)-1]
		require.Equal(t, contract.MonthSoFar{
			Month: newest.Day.MonthName(), Energy: month.Energy, Through: newest.Day, MissingDays: month.MissingDays,
		}, *state.Monthly)
		require.Equal(t, contract.YearSoFar{
			Year: newest.Day.YearName(), Energy: year.Energy, Through: newest.Day, MissingDays: year.MissingDays,
		}, *state.Yearly)
	})
}

func TestTotalsBeforeTheActivation(t *testing.T) {
	m := meterOf(t, run(t, "2026-11-10", "2026-11-21"), production)
	change(m, production, meter.Daily, func(s *contract.Series) { s.Activation = day(t, "2026-11-08") })
	require.Equal(t, 2, m.State(instant(t, "2026-11-22T09:00:00+01:00")).Production.Yearly.MissingDays)
	total := m.Monthly(production).Months[0]
	require.Equal(t, 12, total.Days)
	require.Equal(t, 2, total.MissingDays)

	change(m, production, meter.Daily, func(s *contract.Series) { s.Activation = day(t, "2026-11-15") })
	total = m.Monthly(production).Months[0]
	require.Equal(t, 12, total.Days, "a day with a value is a day")
	require.Zero(t, total.MissingDays)
}

func TestKWhPrintsAsAPersonWritesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wh := rapid.Int64Range(0, 1e12).Draw(t, "Wh")
		m := contract.Meter{
			Directions: []meter.Direction{production},
			Series: map[contract.Measured]contract.Series{
				{Direction: production, Measure: meter.Daily}: kept(meter.Daily, 20000, []meter.DayValues{{Day: 20000, Value: wh}}),
			},
		}
		body, err := json.Marshal(m.State(meter.Day(20001).Start()).Production.Daily)
		require.NoError(t, err)
		var printed struct {
			KWh json.Number `json:"kwh"`
		}
		require.NoError(t, json.Unmarshal(body, &printed))
		whole, fraction := wh/1000, wh%1000
		require.Contains(t, []string{
			fmt.Sprintf("%d", whole), fmt.Sprintf("%d.%03d", whole, fraction),
			fmt.Sprintf("%d.%02d", whole, fraction/10), fmt.Sprintf("%d.%d", whole, fraction/100),
		}, printed.KWh.String())
		value, err := printed.KWh.Float64()
		require.NoError(t, err)
		require.Equal(t, wh, int64(math.Round(value*1000)))
	})
}

func TestConsentCountsCalendarDays(t *testing.T) {
	m := contract.Meter{ConsentEnd: day(t, "2026-11-22")}
	for now, want := range map[string]int{
		"2026-11-01T12:00:00+01:00": 21,
		"2026-10-24T23:59:59+02:00": 29, // the clock changes in between
		"2026-11-21T23:59:59+01:00": 1,
		"2026-11-22T00:00:00+01:00": 0,
		"2026-12-24T00:00:00+01:00": 0,
	} {
		consent := m.State(instant(t, now)).Consent
		require.Equal(t, want, *consent.DaysLeft, now)
		require.Equal(t, "2026-11-22", consent.Until.String())
	}
}

func TestContractWithoutANumber(t *testing.T) {
	kva, tariff := math.NaN(), "BTINFCUST"
	m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
	m.Contract = contract.Contract{SubscribedKVA: &kva, Tariff: &tariff}
	state := m.State(instant(t, "2026-11-22T09:00:00+01:00"))
	require.Nil(t, state.Contract.SubscribedKVA)
	require.Equal(t, "BTINFCUST", *state.Contract.Tariff)
}

func TestUpdatedAtIsInWholeSecondsOfParis(t *testing.T) {
	m := contract.Meter{UpdatedAt: time.Date(2026, time.July, 14, 23, 59, 59, 999999999, time.UTC)}
	body, err := json.Marshal(m.State(m.UpdatedAt))
	require.NoError(t, err)
	require.Contains(t, string(body), `"updated_at":"2026-07-15T01:59:59+02:00"`)
}
