package enedistest_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// document is what the tests read of an answer of measures of 2026.
type document struct {
	IDPrm       string
	EtapeMetier string
	Grandeur    []struct {
		GrandeurPhysique string
		Unite            string
		Points           []struct{ V, D, P string }
	}
}

func read(t *testing.T, r reply) document {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	var d document
	require.NoError(t, json.Unmarshal([]byte(r.body), &d))
	return d
}

// dates are the days of a daily document.
func (d document) dates() []string {
	var list []string
	for _, p := range d.Grandeur[0].Points {
		list = append(list, p.D)
	}
	return list
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err)
	return n
}

// curveOf makes readings of a curve document, as a client does.
func curveOf(t *testing.T, d document) []meter.Reading {
	t.Helper()
	var ends []meter.Stamp
	for _, p := range d.Grandeur[0].Points {
		wall, err := time.Parse(time.DateTime, p.D)
		require.NoError(t, err)
		minutes, err := strconv.Atoi(p.P[2 : len(p.P)-1])
		require.NoError(t, err)
		ends = append(ends, meter.Stamp{At: wall, Step: time.Duration(minutes) * minute})
	}
	var readings []meter.Reading
	for i, end := range meter.ResolveEnds(ends) {
		readings = append(readings, meter.Reading{
			Interval: meter.Interval{Start: end.Add(-ends[i].Step), End: end},
			Watts:    number(t, d.Grandeur[0].Points[i].V), Quality: meter.Raw, Source: enedistest.SourceName,
		})
	}
	return readings
}

func TestDocumentsSayTheTruth(t *testing.T) {
	cases := map[string]struct {
		meter    enedistest.Meter
		from, to string
	}{
		"an ordinary week":     {enedistest.Meter{PRM: selfConsumer}, "2026-11-15", "2026-11-22"},
		"a week with March":    {enedistest.Meter{PRM: selfConsumer}, "2026-03-26", "2026-04-02"},
		"a week with October":  {enedistest.Meter{PRM: selfConsumer}, "2026-10-22", "2026-10-29"},
		"March in ten minutes": {enedistest.Meter{PRM: selfConsumer, Step: 10 * minute}, "2026-03-29", "2026-03-30"},
		"October in hours":     {enedistest.Meter{PRM: selfConsumer, Step: 60 * minute}, "2026-10-25", "2026-10-26"},
		"with a step that changes": {enedistest.Meter{
			PRM:        selfConsumer,
			StepChange: &enedistest.StepChange{At: meter.NewDay(2026, 11, 20).Start().Add(9 * time.Hour), Step: 10 * minute},
		}, "2026-11-18", "2026-11-22"},
		"with holes": {enedistest.Meter{
			PRM: selfConsumer,
			Holes: []enedistest.Hole{
				{Days: meter.Days{From: meter.NewDay(2026, 11, 17), To: meter.NewDay(2026, 11, 18)}},
				{
					Days:  meter.Days{From: meter.NewDay(2026, 11, 19), To: meter.NewDay(2026, 11, 20)},
					Slots: enedistest.Slots{From: 46, To: 48},
				},
			},
		}, "2026-11-15", "2026-11-22"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.meter.Kind = enedistest.SelfConsumer
			c := dial(t, with(tc.meter))
			days := meter.Days{From: day(t, tc.from), To: day(t, tc.to)}
			for direction, name := range map[meter.Direction]string{
				meter.Consumption: "courbe_de_charge_consommation", meter.Production: "courbe_de_charge_production",
			} {
				readings := curveOf(t, read(t, c.get(t, path2026(name, selfConsumer, tc.from, tc.to))))
				got, anomalies := meter.Curve(days, readings)
				require.Empty(t, anomalies)
				var want []meter.DayValues
				for d := range days.All() {
					if v, ok := tc.meter.Day(direction, meter.LoadCurve, d); ok {
						want = append(want, v)
					}
				}
				require.Equal(t, want, got)
			}
		})
	}
}

func TestDailyAndPeakDocumentsSayTheTruth(t *testing.T) {
	m := enedistest.Meter{PRM: consumer}
	c := dial(t, with(m))
	daily := read(t, c.get(t, path2026("consommation_quotidienne", consumer, "2025-11-22", "2026-11-22")))
	require.Len(t, daily.Grandeur[0].Points, 365)
	for _, p := range daily.Grandeur[0].Points {
		v, _ := m.Day(meter.Consumption, meter.Daily, day(t, p.D))
		require.Equal(t, v.Value, number(t, p.V))
	}
	peaks := read(t, c.get(t, path2026("puissance_conso_max_quotidienne", consumer, "2026-10-20", "2026-11-22",
		"mesuresPas", "P1D", "grandeurPhysique", "PMA")))
	require.Len(t, peaks.Grandeur[0].Points, 33)
	for _, p := range peaks.Grandeur[0].Points {
		v, _ := m.Day(meter.Consumption, meter.MaxPower, day(t, p.D[:10]))
		require.Equal(t, v.Value, number(t, p.V))
		require.Equal(t, v.At.Format(time.DateTime), p.D)
	}
	months := read(t, c.get(t, path2026("puissance_conso_max_quotidienne", consumer, "2026-09-01", "2026-11-01",
		"mesuresPas", "P1M", "grandeurPhysique", "TOUT")))
	require.Len(t, months.Grandeur, 1, "one phase")
	require.Len(t, months.Grandeur[0].Points, 2, "a peak a month")
}

func TestBothFormsSayTheSame(t *testing.T) {
	c := dial(t, fixture())
	of2026 := c.get(t, path2026("courbe_de_charge_consommation", consumer, "2026-10-22", "2026-10-29"))
	ofV5 := c.get(t, pathV5("/metering_data_clc/v5/consumption_load_curve", consumer, "2026-10-22", "2026-10-29"))
	require.Equal(t, stamps(t, of2026.body), stamps(t, ofV5.body))
	require.NotEmpty(t, stamps(t, ofV5.body))
}

func TestPublication(t *testing.T) {
	yesterday := meter.NewDay(2026, 11, 21)
	late := enedistest.Meter{PRM: consumer, LateDays: map[meter.Day]time.Duration{yesterday: 26 * time.Hour}}
	hole := enedistest.Meter{PRM: consumer, Holes: []enedistest.Hole{{
		Days: meter.Days{From: yesterday - 2, To: yesterday}, Until: noon().Add(time.Hour),
	}}}
	cases := map[string]struct {
		meter  enedistest.Meter
		now    time.Time
		atOnce bool
		want   []string // days of the last three
	}{
		"a second before eight": {
			enedistest.Meter{PRM: consumer},
			time.Date(2026, 11, 22, 7, 59, 59, 0, meter.Paris()), false,
			[]string{"2026-11-19", "2026-11-20"},
		},
		"at eight": {
			enedistest.Meter{PRM: consumer},
			time.Date(2026, 11, 22, 8, 0, 0, 0, meter.Paris()), false,
			[]string{"2026-11-19", "2026-11-20", "2026-11-21"},
		},
		"at once": {
			enedistest.Meter{PRM: consumer},
			time.Date(2026, 11, 22, 0, 0, 0, 0, meter.Paris()), true,
			[]string{"2026-11-19", "2026-11-20", "2026-11-21"},
		},
		"a late day":         {late, noon(), false, []string{"2026-11-19", "2026-11-20"}},
		"a late day is out":  {late, noon().Add(22 * time.Hour), false, []string{"2026-11-19", "2026-11-20", "2026-11-21"}},
		"a hole":             {hole, noon(), false, []string{"2026-11-21"}},
		"a hole that filled": {hole, noon().Add(time.Hour), false, []string{"2026-11-19", "2026-11-20", "2026-11-21"}},
		"a publication of its own": {
			enedistest.Meter{PRM: consumer, Published: func(d meter.Day) time.Time { return (d + 2).Start() }},
			noon(), false,
			[]string{"2026-11-19", "2026-11-20"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := fixture(func(o *enedistest.Options) {
				o.Now, o.PublishedAtOnce, o.Meters = at(tc.now), tc.atOnce, []enedistest.Meter{tc.meter}
			})
			r := dial(t, e).get(t, path2026("consommation_quotidienne", consumer, "2026-11-19", "2026-11-22"))
			require.Equal(t, tc.want, read(t, r).dates())
		})
	}
}

func TestCorrection(t *testing.T) {
	corrected := meter.NewDay(2026, 11, 19)
	m := enedistest.Meter{PRM: consumer, Corrections: []enedistest.Correction{{Day: corrected, At: noon(), Percent: 50}}}
	now := noon().Add(-time.Second)
	e := fixture(func(o *enedistest.Options) {
		o.Meters, o.Now = []enedistest.Meter{m}, func() time.Time { return now }
	})
	c := dial(t, e)
	path := path2026("consommation_quotidienne", consumer, "2026-11-18", "2026-11-22")
	before := read(t, c.get(t, path))
	now = noon()
	after := read(t, c.get(t, path))

	require.Equal(t, "BRUT", before.EtapeMetier)
	require.Equal(t, "BEST", after.EtapeMetier)
	was, is := number(t, before.Grandeur[0].Points[1].V), number(t, after.Grandeur[0].Points[1].V)
	require.InDelta(t, was/2, is, 48)
	require.Equal(t, before.Grandeur[0].Points[0], after.Grandeur[0].Points[0])

	truth, _ := m.Day(meter.Consumption, meter.Daily, corrected)
	require.Equal(t, is, truth.Value)
	require.Equal(t, meter.Corrected, truth.Quality)
	curve, _ := m.Day(meter.Consumption, meter.LoadCurve, corrected)
	require.Equal(t, meter.WattHours(is).Joules(), curve.Energy())
}

func TestZeroIsAValue(t *testing.T) {
	m := enedistest.Meter{PRM: producer, Kind: enedistest.Producer, Zeros: []meter.Day{meter.NewDay(2026, 11, 20)}}
	d := read(t, dial(t, with(m)).get(t, path2026("production_quotidienne", producer, "2026-11-20", "2026-11-21")))
	require.Equal(t, "0", d.Grandeur[0].Points[0].V)
}

func TestCurveBeginsWhenItIsSwitchedOn(t *testing.T) {
	m := enedistest.Meter{
		PRM: selfConsumer, Kind: enedistest.SelfConsumer,
		CurveFrom: map[meter.Direction]meter.Day{
			meter.Consumption: meter.NewDay(2026, 11, 20), meter.Production: enedistest.Never,
		},
	}
	c := dial(t, with(m))
	got := stamps(t, c.get(t, path2026("courbe_de_charge_consommation", selfConsumer, "2026-11-15", "2026-11-22")).body)
	require.Len(t, got, 96)
	require.Equal(t, "2026-11-20 00:30:00 PT30M", got[0])
	r := c.get(t, path2026("courbe_de_charge_production", selfConsumer, "2026-11-15", "2026-11-22"))
	require.Equal(t, http.StatusNotFound, r.status)
}
