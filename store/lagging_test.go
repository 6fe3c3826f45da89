package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const gateway = "myelectricaldata"

// fromGateway gives a day as the gateway says it.
func fromGateway(v meter.DayValues) meter.DayValues {
	v.Source = gateway
	for i := range v.Readings {
		if !v.Readings[i].Missing {
			v.Readings[i].Source = gateway
		}
	}
	return v
}

// computed is a daily value that a curve of the gateway adds up to.
func computed(d meter.Day, wh int64) meter.DayValues {
	return meter.DayValues{Day: d, Source: gateway, Quality: meter.Computed, Value: wh}
}

// answered ends an attempt of a source whose daily values lag, or not, with days.
func answered(t *testing.T, s *Store, series meter.Series, lags bool, days ...meter.DayValues) Merged {
	t.Helper()
	a := Attempt{
		Source: days[0].Source, Series: series, Days: meter.Days{From: yesterday - 6, To: yesterday + 1}, At: noon, Outcome: Answered,
	}
	merged, err := s.End(t.Context(), a, Answer{Days: days, Rank: byLength, DailyLags: lags})
	require.NoError(t, err)
	return merged
}

func TestACurveGivesTheDailyValuesThatLag(t *testing.T) {
	s := open(t, t.TempDir())
	partial := fromGateway(without(halfHours(yesterday-1, 9), 47))
	full, older := fromGateway(halfHours(yesterday, 100)), fromGateway(halfHours(yesterday-2, 1))
	merged := answered(t, s, curve, true, full, partial, older)
	stored := func(series meter.Series, revision int64, v meter.DayValues) Stored {
		return Stored{DayValues: v, Series: series, Revision: revision, StoredAt: noon}
	}
	require.Equal(t, Merged{Changed: []Stored{
		stored(curve, 1, older), stored(curve, 2, partial), stored(curve, 3, full),
		stored(daily, 4, computed(yesterday-2, 24)), stored(daily, 5, computed(yesterday, 2400)),
	}}, merged, "the curve first, each series in day order")

	run := meter.Days{From: 0, To: yesterday + 1}
	require.Equal(t, []meter.DayValues{computed(yesterday-2, 24), computed(yesterday, 2400)},
		daysOf(t.Context(), t, s, daily, run))
	coverage, err := s.CoverageOf(t.Context(), daily)
	require.NoError(t, err)
	require.True(t, coverage.Complete(yesterday), "a computed value counts as any other")
	require.Equal(t, meter.StatusUnasked, coverage.Status(yesterday-1), "but nobody was asked for the others")
	require.Equal(t, int64(2424), coverage.Month(yesterday).Sum)

	require.Zero(t, answered(t, s, curve, true, full, partial, older), "the same answer changes nothing")
	events, err := s.Events(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3, "the event stream has curves alone")
}

func TestTheDaysOfAChangeOfTheClockAddUp(t *testing.T) {
	for date, slots := range map[meter.Day]int{
		meter.NewDay(2026, time.March, 29): 46, yesterday: 48, meter.NewDay(2026, time.October, 25): 50,
	} {
		s := open(t, t.TempDir())
		day := fromGateway(halfHours(date, 2))
		require.Len(t, day.Readings, slots)
		merged := answered(t, s, curve, true, day)
		require.Equal(t, computed(date, int64(slots)), merged.Changed[1].DayValues)
	}
}

func TestACurveOfNothingGivesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	production := meter.Series{PRM: otherCurve.PRM, Direction: meter.Production, Measure: meter.Daily}
	night := fromGateway(halfHours(yesterday, 0))
	merged := answered(t, s, otherCurve, true, night)
	require.Len(t, merged.Changed, 2)
	require.Equal(t, computed(yesterday, 0), merged.Changed[1].DayValues)
	require.Equal(t, production, merged.Changed[1].Series)
	require.Zero(t, answered(t, s, otherCurve, true, night))
}

// TestComputedValuesGiveWay goes through what may come before and after a computed value, one answer after the other.
func TestComputedValuesGiveWay(t *testing.T) {
	type answer struct {
		series meter.Series
		lags   bool
		day    meter.DayValues
	}
	gatewayCurve := func(watts int64) answer { return answer{curve, true, fromGateway(halfHours(yesterday, watts))} }
	otherCurve := answer{curve, false, halfHours(yesterday, 300)} // of a preferred source whose daily values do not lag
	lessPreferred := value(yesterday, 9999)
	lessPreferred.Source = "a gateway that nobody prefers"
	tests := map[string]struct {
		answers []answer
		want    meter.DayValues // zero: none
	}{
		"it follows the curve": {
			[]answer{gatewayCurve(100), gatewayCurve(200)}, computed(yesterday, 4800),
		},
		"Enedis's value replaces it": {
			[]answer{gatewayCurve(100), {daily, false, value(yesterday, 2399)}}, value(yesterday, 2399),
		},
		"so it does from a less preferred source": {
			[]answer{gatewayCurve(100), {daily, false, lessPreferred}}, lessPreferred,
		},
		"and of the lagging source itself": {
			[]answer{gatewayCurve(100), {daily, true, fromGateway(value(yesterday, 2399))}}, fromGateway(value(yesterday, 2399)),
		},
		"Enedis's value stands": {
			[]answer{{daily, false, lessPreferred}, gatewayCurve(100)}, lessPreferred,
		},
		"Enedis's value stands when the curve is corrected": {
			[]answer{gatewayCurve(100), {daily, false, value(yesterday, 2399)}, gatewayCurve(200)}, value(yesterday, 2399),
		},
		"the curve of a source that does not lag gives none": {
			[]answer{otherCurve}, meter.DayValues{},
		},
		"nor does that of a source that does not lag change one": {
			[]answer{gatewayCurve(100), otherCurve}, computed(yesterday, 2400),
		},
		"a curve that was stored before gives one": {
			[]answer{otherCurve, {curve, true, fromGateway(halfHours(yesterday, 300))}},
			meter.DayValues{Day: yesterday, Source: dataconnect, Quality: meter.Computed, Value: 7200},
		},
		"a curve that is completed gives one": {
			[]answer{{curve, true, fromGateway(without(halfHours(yesterday, 100), 3))}, gatewayCurve(100)}, computed(yesterday, 2400),
		},
		"a peak gives none": {
			[]answer{{maxPower, true, fromGateway(value(yesterday, 6120))}}, meter.DayValues{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			for _, a := range tt.answers {
				answered(t, s, a.series, a.lags, a.day)
			}
			stored, found, err := s.Stored(t.Context(), daily, yesterday)
			require.NoError(t, err)
			require.Equal(t, tt.want.Source != "", found)
			require.Equal(t, tt.want, stored.DayValues)
		})
	}
}

func TestDaysOnWhichTwoSourcesDifferAreTold(t *testing.T) {
	s := open(t, t.TempDir())
	answered(t, s, curve, false, halfHours(yesterday-2, 1), halfHours(yesterday-1, 1), halfHours(yesterday, 1))
	odd := fromGateway(halfHours(yesterday, 1))
	odd.Readings[30].Watts = 2
	merged := answered(t, s, curve, true,
		odd, fromGateway(halfHours(yesterday-1, 1)), fromGateway(without(halfHours(yesterday-2, 7), 1)))
	require.Equal(t, []meter.Day{yesterday - 2, yesterday}, merged.Differing)
	stored, _, err := s.Stored(t.Context(), curve, yesterday)
	require.NoError(t, err)
	require.Equal(t, utc(halfHours(yesterday, 1)), stored.DayValues, "preference holds")

	answered(t, s, daily, true, fromGateway(value(yesterday, 9)))
	merged = answered(t, s, daily, false, value(yesterday, 10))
	require.Equal(t, []meter.Day{yesterday}, merged.Differing)
	require.Len(t, merged.Changed, 1, "preference holds")
	require.Empty(t, answered(t, s, daily, false, value(yesterday, 11)).Differing, "a source may correct itself")
}
