package contract_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// lag lets a series end days before the others.
func lag(m contract.Meter, d meter.Direction, measure meter.Measure, days int, why contract.Reason) {
	change(m, d, measure, func(s *contract.Series) {
		newest, _ := s.Coverage.Newest()
		run := meter.Days{From: s.First, To: newest + 1 - meter.Day(days)}
		switch measure {
		case meter.LoadCurve:
			*s = kept(measure, s.First, curves(run))
		case meter.MaxPower:
			*s = kept(measure, s.First, peaks(run))
		default:
			*s = kept(measure, s.First, dailies(run))
		}
		s.Trouble = why
	})
}

func lagAll(m contract.Meter, days int, why contract.Reason) {
	for measured := range m.Series {
		lag(m, measured.Direction, measured.Measure, days, why)
	}
}

func never(m contract.Meter, d meter.Direction, measure meter.Measure, why contract.Reason) {
	change(m, d, measure, func(s *contract.Series) { *s = contract.Series{First: s.First, Trouble: why} })
}

func TestLight(t *testing.T) {
	both := []meter.Direction{consumption, production}
	tests := map[string]struct {
		directions []meter.Direction // consumption where there are none
		edit       func(*contract.Meter)
		level      contract.Level
		number     int
		reason     contract.Reason
		sides      map[meter.Direction]contract.Level // of a meter with both directions
	}{
		"all of yesterday is there": {
			edit:  func(*contract.Meter) {},
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"nothing of yesterday is there": {
			edit:  func(m *contract.Meter) { lagAll(*m, 1, contract.Waiting) },
			level: contract.Red, number: 0, reason: contract.Waiting,
		},
		"the maximum power lags": {
			edit:  func(m *contract.Meter) { lag(*m, consumption, meter.MaxPower, 1, contract.Waiting) },
			level: contract.Orange, number: 1, reason: contract.Waiting,
		},
		"the curve alone is there": {
			edit: func(m *contract.Meter) {
				lag(*m, consumption, meter.Daily, 2, contract.SourceDown)
				lag(*m, consumption, meter.MaxPower, 1, contract.Waiting)
			},
			level: contract.Orange, number: 1, reason: contract.SourceDown,
		},
		"yesterday's curve lacks a slot": {
			edit: func(m *contract.Meter) {
				change(*m, consumption, meter.LoadCurve, func(s *contract.Series) {
					newest, _ := s.Coverage.Newest()
					*s = kept(meter.LoadCurve, s.First, append(curves(meter.Days{From: s.First, To: newest}), curve(newest, 47)))
				})
			},
			level: contract.Orange, number: 1, reason: contract.Waiting,
		},
		"an older curve day lacks a slot, and yesterday is complete": {
			edit: func(m *contract.Meter) {
				change(*m, consumption, meter.LoadCurve, func(s *contract.Series) {
					newest, _ := s.Coverage.Newest()
					*s = kept(meter.LoadCurve, s.First, []meter.DayValues{curve(newest-1, 3), curve(newest)})
				})
			},
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"an older day is a hole": {
			edit: func(m *contract.Meter) {
				change(*m, consumption, meter.Daily, func(s *contract.Series) {
					newest, _ := s.Coverage.Newest()
					*s = kept(meter.Daily, s.First, dailies(meter.Days{From: s.First, To: newest + 1}, newest-3))
				})
			},
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"today is there already": {
			edit: func(m *contract.Meter) {
				change(*m, consumption, meter.Daily, func(s *contract.Series) {
					newest, _ := s.Coverage.Newest()
					*s = kept(meter.Daily, s.First, dailies(meter.Days{From: s.First, To: newest + 2}))
				})
			},
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"a trouble of a series that is current does not show": {
			edit: func(m *contract.Meter) {
				change(*m, consumption, meter.Daily, func(s *contract.Series) { s.Trouble = contract.SourceDown })
			},
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"no direction is known": {
			edit:  func(m *contract.Meter) { m.Directions, m.Series = nil, nil },
			level: contract.Red, number: 0, reason: contract.Starting,
		},
		"no direction is known, for a reason": {
			edit:  func(m *contract.Meter) { m.Directions, m.Series, m.Trouble = nil, nil, contract.Settings },
			level: contract.Red, number: 0, reason: contract.Settings,
		},
		"nothing was asked yet": {
			edit: func(m *contract.Meter) {
				for _, measure := range meter.Measures(consumption) {
					never(*m, consumption, measure, contract.Starting)
				}
			},
			level: contract.Red, number: 0, reason: contract.Starting,
		},
		"the store fails while all is there": {
			edit:  func(m *contract.Meter) { m.Trouble = contract.Storage },
			level: contract.Green, number: 2, reason: contract.Storage,
		},
		"the store fails, and the settings are wrong too": {
			edit:  func(m *contract.Meter) { lagAll(*m, 1, contract.Settings); m.Trouble = contract.Storage },
			level: contract.Red, number: 0, reason: contract.Storage,
		},
		"the curve is not collected": {
			edit:  func(m *contract.Meter) { never(*m, consumption, meter.LoadCurve, contract.CurveNotCollected) },
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"the curve is not collected, and the rest is not there": {
			edit: func(m *contract.Meter) {
				lagAll(*m, 1, contract.Waiting)
				never(*m, consumption, meter.LoadCurve, contract.CurveNotCollected)
			},
			level: contract.Red, number: 0, reason: contract.Waiting,
		},
		"the curve is no longer collected": {
			edit:  func(m *contract.Meter) { lag(*m, consumption, meter.LoadCurve, 4, contract.CurveNotCollected) },
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"no source offers the maximum power": {
			edit:  func(m *contract.Meter) { never(*m, consumption, meter.MaxPower, contract.NotOffered) },
			level: contract.Green, number: 2, reason: contract.Complete,
		},
		"no source offers daily values, which are three series": {
			edit: func(m *contract.Meter) {
				never(*m, consumption, meter.Daily, contract.NotOffered)
				lag(*m, consumption, meter.MaxPower, 1, contract.Quota)
			},
			level: contract.Orange, number: 1, reason: contract.Quota,
		},
		"no source offers anything": {
			edit: func(m *contract.Meter) {
				for _, measure := range meter.Measures(consumption) {
					never(*m, consumption, measure, contract.NotOffered)
				}
			},
			level: contract.Red, number: 0, reason: contract.Settings,
		},
		"no source offers the curve, and a file brought it": {
			edit: func(m *contract.Meter) {
				lag(*m, consumption, meter.Daily, 1, contract.Waiting)
				lag(*m, consumption, meter.MaxPower, 1, contract.Waiting)
				change(*m, consumption, meter.LoadCurve, func(s *contract.Series) { s.Trouble = contract.NotOffered })
			},
			level: contract.Orange, number: 1, reason: contract.Waiting,
		},
		"one direction is there, the other not": {
			directions: both,
			edit: func(m *contract.Meter) {
				lag(*m, production, meter.Daily, 1, contract.Waiting)
				lag(*m, production, meter.LoadCurve, 1, contract.ConsentExpired)
			},
			level: contract.Orange, number: 1, reason: contract.ConsentExpired,
			sides: map[meter.Direction]contract.Level{consumption: contract.Green, production: contract.Red},
		},
		"both directions are there": {
			directions: both,
			edit:       func(*contract.Meter) {},
			level:      contract.Green, number: 2, reason: contract.Complete,
			sides: map[meter.Direction]contract.Level{consumption: contract.Green, production: contract.Green},
		},
		"one curve is not collected, the other is": {
			directions: both,
			edit:       func(m *contract.Meter) { never(*m, production, meter.LoadCurve, contract.CurveNotCollected) },
			level:      contract.Green, number: 2, reason: contract.Complete,
			sides: map[meter.Direction]contract.Level{consumption: contract.Green, production: contract.Green},
		},
		"one series of a direction lags": {
			directions: both,
			edit:       func(m *contract.Meter) { lag(*m, production, meter.LoadCurve, 1, contract.Waiting) },
			level:      contract.Orange, number: 1, reason: contract.Waiting,
			sides: map[meter.Direction]contract.Level{consumption: contract.Green, production: contract.Orange},
		},
	}
	now := instant(t, "2026-11-22T08:31:07+01:00")
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.directions == nil {
				tc.directions = []meter.Direction{consumption}
			}
			m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), tc.directions...)
			tc.edit(&m)
			l := m.Light(contract.English, now)
			require.Equal(t, tc.level, l.Level)
			require.Equal(t, tc.number, l.Number)
			require.Equal(t, tc.reason, l.Reason)
			if tc.sides != nil {
				require.Equal(t, tc.sides, l.Directions)
			}
			require.Len(t, l.Directions, len(m.Directions))
		})
	}
}

func TestReasonIsTheWorst(t *testing.T) {
	order := []contract.Reason{
		contract.Settings, contract.ConsentMissing, contract.ConsentExpired, contract.Quota, contract.SourceDown,
		contract.Waiting, contract.Starting,
	}
	now := instant(t, "2026-11-22T08:31:07+01:00")
	for i, worse := range order {
		for _, better := range order[i:] {
			m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
			lag(m, consumption, meter.Daily, 1, better)
			lag(m, consumption, meter.LoadCurve, 1, better)
			lag(m, consumption, meter.MaxPower, 0, worse)
			require.Equal(t, better, m.Light(contract.English, now).Reason, "a current series gives no reason")
			lag(m, consumption, meter.MaxPower, 1, worse)
			l := m.Light(contract.English, now)
			require.Equal(t, worse, l.Reason, "%s is worse than %s", worse, better)
			require.Equal(t, better, *l.Series["consumption/daily"].Reason, "each series keeps its own")
			require.Equal(t, better, *l.Series["consumption/yearly"].Reason)
			require.Equal(t, worse, *l.Series["consumption/max_power"].Reason)
		}
	}
}

func TestSeriesOfTheLight(t *testing.T) {
	now := instant(t, "2026-11-22T08:31:07+01:00")
	m := meterOf(t, run(t, "2026-01-05", "2026-11-21"), consumption, production)
	change(m, consumption, meter.Daily, func(s *contract.Series) {
		*s = kept(meter.Daily, day(t, "2026-01-05"),
			dailies(run(t, "2026-01-07", "2026-11-20"), day(t, "2026-11-02"), day(t, "2026-10-31"), day(t, "2026-06-01")))
	})
	change(m, consumption, meter.LoadCurve, func(s *contract.Series) {
		*s = kept(meter.LoadCurve, day(t, "2026-11-10"),
			[]meter.DayValues{curve(day(t, "2026-11-09")), curve(day(t, "2026-11-12")), curve(day(t, "2026-11-14"), 5)})
	})
	change(m, production, meter.Daily, func(s *contract.Series) {
		*s = kept(meter.Daily, day(t, "2026-01-05"), dailies(run(t, "2026-11-15", "2026-11-21"), day(t, "2026-11-17")))
		s.Activation = day(t, "2026-11-13")
	})
	delete(m.Series, contract.Measured{Direction: production, Measure: meter.LoadCurve})

	l := m.Light(contract.English, now)
	missing := map[string]int{}
	lasts := map[string]string{}
	for name, s := range l.Series {
		missing[name], lasts[name] = s.MissingDays, s.Last.String()
		require.Equal(t, s.Current, s.Reason == nil, name)
	}
	require.Equal(t, map[string]int{
		"consumption/daily":      2 + 3,     // the first two wanted, and the holes
		"consumption/monthly":    1,         // of November, through the 20th
		"consumption/yearly":     4 + 2 + 3, // of 2026, as in state
		"consumption/load_curve": 4,         // the 10th, 11th and 13th, and the 14th, which lacks a slot
		"consumption/max_power":  0,
		"production/daily":       3, // from the activation on, not from the first day wanted
		"production/monthly":     3,
		"production/yearly":      3,
	}, missing)
	require.Equal(t, "2026-11-20", lasts["consumption/monthly"])
	require.Equal(t, "2026-11-14", lasts["consumption/load_curve"], "a day with any value")
	state := m.State(now)
	require.Equal(t, missing["consumption/monthly"], state.Consumption.Monthly.MissingDays)
	require.Equal(t, missing["consumption/yearly"], state.Consumption.Yearly.MissingDays)
	require.Equal(t, missing["production/yearly"], state.Production.Yearly.MissingDays)
}

func TestSinceIsWhenTheLevelChanged(t *testing.T) {
	m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
	now, was := instant(t, "2026-11-22T08:31:07+01:00"), instant(t, "2026-11-22T08:12:00+01:00")
	since := func(level contract.Level, at time.Time) time.Time {
		m.WasLevel, m.WasSince = level, at
		return m.Light(contract.French, now).Since.Time
	}
	require.Equal(t, was, since(contract.Green, was), "it survives a restart")
	require.Equal(t, now, since(contract.Red, was), "another level")
	require.Equal(t, now, since("", time.Time{}), "at first")
}

func TestMessages(t *testing.T) {
	reasons := []contract.Reason{
		contract.Storage, contract.Settings, contract.ConsentMissing, contract.ConsentExpired, contract.Quota,
		contract.SourceDown, contract.Waiting, contract.Starting, contract.Complete,
	}
	now := instant(t, "2026-11-22T08:31:07+01:00")
	seen := map[string]bool{}
	for _, loc := range []contract.Locale{contract.French, contract.English} {
		for _, r := range reasons {
			m := contract.Meter{Trouble: r}
			message := m.Light(loc, now).Message
			if r == contract.Complete {
				m = meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
				message = m.Light(loc, now).Message
			}
			require.True(t, strings.HasSuffix(message, "."), "%s in %s: %q", r, loc, message)
			require.NotContains(t, seen, message)
			seen[message] = true
		}
	}
	m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
	never(m, consumption, meter.LoadCurve, contract.CurveNotCollected)
	for _, loc := range []contract.Locale{contract.French, contract.English} {
		require.Contains(t, m.Light(loc, now).Message, "https://mon-compte-particulier.enedis.fr/donnees")
	}
	require.Equal(t, m.Light(contract.French, now).Message, m.Light("de", now).Message)
}

func TestLate(t *testing.T) {
	m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
	lag(m, consumption, meter.MaxPower, 1, contract.Waiting)
	m.Arrivals = arrivals(day(t, "2026-11-20"), 600, 600, 600, 600, 600)
	tests := map[string]struct {
		now            string
		late           bool
		expected, next string
	}{
		"at midnight":           {now: "2026-11-22T00:00:00+01:00", expected: "2026-11-22T10:00:00+01:00", next: "2026-11-22T12:00:00+01:00"},
		"before it is expected": {now: "2026-11-22T09:59:59+01:00", expected: "2026-11-22T10:00:00+01:00", next: "2026-11-22T12:00:00+01:00"},
		"when it is expected":   {now: "2026-11-22T10:00:00+01:00", expected: "2026-11-22T10:00:00+01:00", next: "2026-11-22T12:00:00+01:00"},
		"a second before 2 h":   {now: "2026-11-22T11:59:59+01:00", expected: "2026-11-22T10:00:00+01:00", next: "2026-11-22T12:00:00+01:00"},
		"after 2 h":             {now: "2026-11-22T12:00:00+01:00", late: true, expected: "2026-11-22T10:00:00+01:00", next: "2026-11-23T00:00:00+01:00"},
		"just before midnight":  {now: "2026-11-22T23:59:59+01:00", late: true, expected: "2026-11-22T10:00:00+01:00", next: "2026-11-23T00:00:00+01:00"},
		"another midnight":      {now: "2026-11-23T00:00:00+01:00", expected: "2026-11-23T10:00:00+01:00", next: "2026-11-23T12:00:00+01:00"},
		"a day before, green":   {now: "2026-11-21T12:00:00+01:00", expected: "2026-11-22T10:00:00+01:00", next: "2026-11-22T00:00:00+01:00"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			now := instant(t, tc.now)
			l := m.Light(contract.French, now)
			require.Equal(t, tc.late, l.Late)
			require.Equal(t, tc.expected, l.ExpectedAt.Format(time.RFC3339))
			require.Equal(t, tc.next, m.NextChange(now).Format(time.RFC3339))
		})
	}
}

func TestNextChangeOfAGreenLightIsMidnightInParis(t *testing.T) {
	for now, want := range map[string]string{
		"2026-10-25T09:00:00+01:00": "2026-10-26T00:00:00+01:00",
		"2026-10-25T00:00:00+02:00": "2026-10-26T00:00:00+01:00",
		"2026-03-29T00:30:00+01:00": "2026-03-30T00:00:00+02:00",
		"2026-12-31T22:59:59Z":      "2027-01-01T00:00:00+01:00",
		"2026-12-31T23:00:00Z":      "2027-01-02T00:00:00+01:00",
	} {
		at := instant(t, now)
		m := meterOf(t, meter.Days{From: meter.DayOf(at) - 10, To: meter.DayOf(at)}, consumption)
		require.Equal(t, contract.Green, m.Light(contract.French, at).Level)
		require.Equal(t, want, m.NextChange(at).Format(time.RFC3339), now)
	}
}
