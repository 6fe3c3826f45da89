package wire

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	consumer = meter.PRM("09876543210987")
	producer = meter.PRM("33000000000033")
)

// decoder is Decode2026 or DecodeV5.
type decoder func(source string, req enedis.Request, body []byte) (Decoded, error)

// decoderOf is that of a sample's folder.
func decoderOf(sample string) decoder {
	if strings.HasPrefix(sample, "2026/") {
		return Decode2026
	}
	return DecodeV5
}

func read(tb testing.TB, sample string) []byte {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", sample))
	require.NoError(tb, err)
	return body
}

// requestOf is the request that a sample of measures answers, by its name and the range that it echoes; ok is false for
// a sample of something else.
func requestOf(tb testing.TB, sample string) (req enedis.Request, ok bool) {
	tb.Helper()
	var echo struct {
		PRM    meter.PRM `json:"idPrm"`
		Period struct {
			From meter.Day `json:"dateDebut"`
			To   meter.Day `json:"dateFin"`
		} `json:"periode"`
		Reading struct {
			PRM  meter.PRM `json:"usage_point_id"`
			From meter.Day `json:"start"`
			To   meter.Day `json:"end"`
		} `json:"meter_reading"`
	}
	if json.Unmarshal(read(tb, sample), &echo) != nil {
		return enedis.Request{}, false
	}
	req = enedis.Request{PRM: echo.PRM, Direction: meter.Consumption, Days: meter.Days(echo.Period)}
	if echo.PRM == "" {
		req.PRM, req.Days = echo.Reading.PRM, meter.Days{From: echo.Reading.From, To: echo.Reading.To}
	}
	if strings.Contains(sample, "production") {
		req.Direction = meter.Production
	}
	switch name := filepath.Base(sample); {
	case strings.Contains(name, "load_curve"), strings.Contains(name, "courbe_de_charge"):
		req.Measure = meter.LoadCurve
	case strings.Contains(name, "max_power"), strings.Contains(name, "puissance"):
		req.Measure = meter.MaxPower
	case strings.HasPrefix(name, "index"):
		req.Measure = meter.Register
	case strings.Contains(name, "daily"), strings.Contains(name, "quotidienne"):
		req.Measure = meter.Daily
	}
	return req, req.PRM != "" && req.Measure != ""
}

// samples lists the samples of a folder that are answers to a request for measures, and fails when there are none.
func samples(tb testing.TB, folder string) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	require.NoError(tb, err)
	var found []string
	for _, path := range paths {
		sample := folder + "/" + filepath.Base(path)
		if _, ok := requestOf(tb, sample); ok {
			found = append(found, sample)
		}
	}
	require.NotEmpty(tb, found, "no samples in testdata/"+folder)
	return found
}

// present lists the readings of all days, without the missing ones.
func present(days []meter.DayValues) []meter.Reading {
	var all []meter.Reading
	for _, d := range days {
		for _, r := range d.Readings {
			if !r.Missing {
				all = append(all, r)
			}
		}
	}
	return all
}

// TestSamplesAgainstTheOracle compares each sample with what is known of it.
func TestSamplesAgainstTheOracle(t *testing.T) {
	type expected struct {
		Points             int        `json:"points"`
		FirstIntervalStart *time.Time `json:"first_interval_start"`
		FirstIntervalEnd   time.Time  `json:"first_interval_end"`
		LastIntervalStart  time.Time  `json:"last_interval_start"`
		LastIntervalEnd    time.Time  `json:"last_interval_end"`
		PerLocalDay        map[meter.Day]struct {
			Points int             `json:"points"`
			Wh     meter.WattHours `json:"wh"`
		} `json:"per_local_day"`
		TotalWh     *meter.WattHours `json:"total_wh"`
		MissingDays []meter.Day      `json:"missing_days"`
	}
	var oracle map[string]expected
	require.NoError(t, json.Unmarshal(read(t, "EXPECTED.json"), &oracle))
	require.Len(t, oracle, 18)

	for sample, want := range oracle {
		t.Run(sample, func(t *testing.T) {
			req, ok := requestOf(t, sample)
			require.True(t, ok)
			got, err := decoderOf(sample)("dataconnect", req, read(t, sample))
			require.NoError(t, err)
			require.Zero(t, got.Dropped)
			require.False(t, got.Blank)

			points := len(got.Days)
			if req.Measure == meter.LoadCurve {
				readings := present(got.Days)
				points = len(readings)
				first, last := readings[0], readings[len(readings)-1]
				requireInstant(t, *want.FirstIntervalStart, first.Start)
				requireInstant(t, want.FirstIntervalEnd, first.End)
				requireInstant(t, want.LastIntervalStart, last.Start)
				requireInstant(t, want.LastIntervalEnd, last.End)
			}
			require.Equal(t, want.Points, points)

			var total meter.Joules
			byDay := map[meter.Day]meter.DayValues{}
			for _, d := range got.Days {
				require.Equal(t, "dataconnect", d.Source)
				require.Equal(t, meter.Raw, d.Quality)
				byDay[d.Day] = d
				total += d.Energy()
			}
			for day, w := range want.PerLocalDay {
				require.Equal(t, w.Wh, byDay[day].Energy().WattHours(), day)
				if w.Points > 0 {
					require.Len(t, present([]meter.DayValues{byDay[day]}), w.Points, day)
				}
			}
			if len(want.PerLocalDay) > 0 {
				require.Len(t, got.Days, len(want.PerLocalDay))
			}
			if want.TotalWh != nil {
				require.Equal(t, want.TotalWh.Joules(), total)
			}
			for _, day := range want.MissingDays {
				require.NotContains(t, byDay, day)
			}
		})
	}
}

func requireInstant(t *testing.T, want, got time.Time) {
	t.Helper()
	require.Equal(t, want.Format(time.RFC3339), got.Format(time.RFC3339)) // the offset counts as well
}

func TestDailyValuesEqualTheCurvesSums(t *testing.T) {
	for curve, daily := range map[string]string{
		"v5/consumption_load_curve_week.json":             "v5/daily_consumption.json",
		"v5/consumption_load_curve_day.json":              "v5/daily_consumption_one_day.json",
		"v5/consumption_load_curve_dst_march.json":        "v5/daily_consumption_dst_march.json",
		"v5/consumption_load_curve_dst_october.json":      "v5/daily_consumption_dst_october.json",
		"2026/courbe_de_charge_consommation_day.json":     "2026/consommation_quotidienne.json",
		"2026/courbe_de_charge_production.json":           "2026/production_quotidienne.json",
		"2026/consommation_quotidienne_integ_courbe.json": "2026/consommation_quotidienne.json",
	} {
		sums := map[meter.Day]meter.Joules{}
		for _, d := range decodeSample(t, daily).Days {
			sums[d.Day] = d.Energy()
		}
		for _, d := range decodeSample(t, curve).Days {
			require.Equal(t, sums[d.Day], d.Energy(), "%s %s", curve, d.Day)
		}
	}
}

func decodeSample(t *testing.T, sample string) Decoded {
	t.Helper()
	req, ok := requestOf(t, sample)
	require.True(t, ok)
	got, err := decoderOf(sample)("dataconnect", req, read(t, sample))
	require.NoError(t, err)
	return got
}

func TestEverySecondOfACurveDayIsSaid(t *testing.T) {
	for sample, complete := range map[string]bool{
		"2026/courbe_de_charge_consommation_dst_march.json":      true,
		"2026/courbe_de_charge_consommation_dst_october.json":    true,
		"2026/courbe_de_charge_consommation_missing_points.json": false,
		"v5/consumption_load_curve_changing_step.json":           true,
		"v5/consumption_load_curve_missing_points.json":          false,
		"v5/consumption_load_curve_pt60m_dst_october.json":       true,
	} {
		days := decodeSample(t, sample).Days
		require.Len(t, days, 1, sample)
		require.Equal(t, complete, days[0].Complete(meter.LoadCurve), sample)
		at := days[0].Day.Start()
		for _, r := range days[0].Readings {
			require.True(t, at.Equal(r.Start), sample)
			at = r.End
		}
		require.True(t, at.Equal(days[0].Day.End()), sample)
	}
}

func TestMaxPower(t *testing.T) {
	tests := map[string][]string{
		"v5/daily_consumption_max_power.json": {
			"2026-09-07T19:42:11+02:00 6120", "2026-09-08T12:31:05+02:00 5433", "2026-09-09T07:58:47+02:00 4788",
			"2026-09-10T20:03:59+02:00 7015", "2026-09-11T19:30:00+02:00 5960", "2026-09-12T12:14:22+02:00 6644",
			"2026-09-13T02:00:37+02:00 4210",
		},
		"2026/puissance_conso_max_quotidienne_pma.json": {
			"2026-11-18T19:12:05+01:00 6010", "2026-11-19T07:44:22+01:00 5120", "2026-11-20T20:31:40+01:00 6890",
		},
		"2026/puissance_conso_max_quotidienne_tout_triphase.json": { // the phases are left out
			"2026-11-18T19:12:05+01:00 6010", "2026-11-19T07:44:22+01:00 5120", "2026-11-20T20:31:40+01:00 6890",
		},
	}
	for sample, want := range tests {
		var got []string
		decoded := decodeSample(t, sample)
		require.Zero(t, decoded.Dropped)
		for _, d := range decoded.Days {
			got = append(got, d.At.Format(time.RFC3339)+" "+strconv.FormatInt(d.Value, 10))
			require.Equal(t, meter.DayOf(d.At), d.Day)
		}
		require.Equal(t, want, got, sample)
	}
}

func TestRegistersAreTheTotaliser(t *testing.T) {
	got := map[string]int64{}
	for _, d := range decodeSample(t, "2026/index_consommation.json").Days {
		got[d.Day.String()] = d.Value
	}
	require.Equal(t, map[string]int64{"2026-11-18": 34_000_000, "2026-11-19": 34_014_600, "2026-11-20": 34_028_970}, got)
}

// reading2026 frames points of one quantity as an answer of 2026.
func reading2026(physical, unit, points string) string {
	return `{"idPrm":"` + string(consumer) + `","etapeMetier":"BRUT","grandeur":[{"grandeurMetier":"CONS",` +
		`"grandeurPhysique":"` + physical + `","unite":"` + unit + `","points":[` + points + `]}],"contexte":[]}`
}

// readingV5 frames points as an answer of v5.
func readingV5(unit, points string) string {
	return `{"meter_reading":{"usage_point_id":"` + string(consumer) + `","quality":"BRUT","reading_type":{"unit":"` +
		unit + `"},"interval_reading":[` + points + `]}}`
}

func request(m meter.Measure, from, to string) enedis.Request {
	first, err := meter.ParseDay(from)
	if err != nil {
		panic(err)
	}
	last, err := meter.ParseDay(to)
	if err != nil {
		panic(err)
	}
	return enedis.Request{
		PRM: consumer, Direction: meter.Consumption, Measure: m, Days: meter.Days{From: first, To: last},
	}
}

func TestAnswersWithoutValues(t *testing.T) {
	curve := request(meter.LoadCurve, "2026-09-13", "2026-09-14")
	tests := map[string]struct {
		decode decoder
		body   string
		blank  bool
	}{
		"v5, an empty object":              {DecodeV5, `{}`, true},
		"v5, null":                         {DecodeV5, `null`, true},
		"v5, a null reading":               {DecodeV5, `{"meter_reading":null}`, true},
		"v5, an empty reading":             {DecodeV5, `{"meter_reading":{}}`, false},
		"v5, null intervals":               {DecodeV5, `{"meter_reading":{"interval_reading":null}}`, false},
		"v5, no intervals":                 {DecodeV5, string(read(t, "v5/load_curve_empty_intervals.json")), false},
		"v5, a null interval":              {DecodeV5, readingV5("W", `null`), false},
		"v5, no intervals in another unit": {DecodeV5, readingV5("kWh", ``), false},
		"v5, null values only": {
			DecodeV5, readingV5("W", `{"value":null,"date":"2026-09-13 00:30:00","interval_length":"PT30M"}`), false,
		},
		"2026, an empty object":  {Decode2026, `{}`, true},
		"2026, null":             {Decode2026, `null`, true},
		"2026, nulls":            {Decode2026, `{"idPrm":null,"grandeur":null}`, true},
		"2026, no quantity":      {Decode2026, `{"idPrm":"09876543210987","grandeur":[]}`, false},
		"2026, a null quantity":  {Decode2026, `{"idPrm":"09876543210987","grandeur":[null]}`, false},
		"2026, no points":        {Decode2026, reading2026("PA", "W", ``), false},
		"2026, null points":      {Decode2026, `{"idPrm":"09876543210987","grandeur":[{"points":null}]}`, false},
		"2026, a null point":     {Decode2026, reading2026("PA", "W", `null`), false},
		"2026, null values only": {Decode2026, reading2026("PA", "W", `{"v":null,"d":"2026-09-13 00:30:00"}`), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := test.decode("dataconnect", curve, []byte(test.body))
			require.NoError(t, err)
			require.Equal(t, Decoded{Blank: test.blank}, got)
		})
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	const stamp = `"d":"2026-09-13 00:30:00","p":"PT30M"`
	curve, daily := request(meter.LoadCurve, "2026-09-13", "2026-09-14"), request(meter.Daily, "2026-09-13", "2026-09-14")
	peak := request(meter.MaxPower, "2026-09-13", "2026-09-14")
	tests := map[string]struct {
		req  enedis.Request
		body string
	}{
		"HTML":                {curve, `<html>`},
		"nothing":             {curve, ``},
		"cut off":             {curve, reading2026("PA", "W", `{"v":"1",`+stamp+`}`)[:150]},
		"an array":            {curve, `[]`},
		"another format":      {curve, readingV5("W", `{"value":"1","date":"2026-09-13 00:30:00","interval_length":"PT30M"}`)},
		"another meter":       {curve, strings.Replace(reading2026("PA", "W", ``), string(consumer), string(producer), 1)},
		"a PRM as a number":   {curve, `{"idPrm":9876543210987}`},
		"another unit":        {curve, reading2026("PA", "kW", `{"v":"1",`+stamp+`}`)},
		"energy in kWh":       {daily, reading2026("EA", "kWh", `{"v":"12","d":"2026-09-13"}`)},
		"peak in kVA":         {peak, reading2026("PMA", "kVA", `{"v":"6","d":"2026-09-13 19:00:00"}`)},
		"another quantity":    {curve, reading2026("EA", "Wh", `{"v":"1",`+stamp+`}`)},
		"only the phases":     {peak, reading2026("PMA1", "VA", `{"v":"6","d":"2026-09-13 19:00:00"}`)},
		"the other direction": {curve, strings.Replace(reading2026("PA", "W", `{"v":"1",`+stamp+`}`), "CONS", "PROD", 1)},
		"a negative value":    {curve, reading2026("PA", "W", `{"v":"-1",`+stamp+`}`)},
		"a fraction":          {curve, reading2026("PA", "W", `{"v":"1.5",`+stamp+`}`)},
		"a fraction, number":  {curve, reading2026("PA", "W", `{"v":1.5,`+stamp+`}`)},
		"no number":           {curve, reading2026("PA", "W", `{"v":"n/a",`+stamp+`}`)},
		"an empty value":      {curve, reading2026("PA", "W", `{"v":"",`+stamp+`}`)},
		"an absurd value":     {curve, reading2026("PA", "W", `{"v":"1000000001",`+stamp+`}`)},
		"a value of no size":  {curve, reading2026("PA", "W", `{"v":99999999999999999999,`+stamp+`}`)},
		"a value as object":   {curve, reading2026("PA", "W", `{"v":{},`+stamp+`}`)},
		"a value as bool":     {curve, reading2026("PA", "W", `{"v":true,`+stamp+`}`)},
		"no stamp":            {curve, reading2026("PA", "W", `{"v":"1","p":"PT30M"}`)},
		"a stamp of a day":    {curve, reading2026("PA", "W", `{"v":"1","d":"2026-09-13","p":"PT30M"}`)},
		"a stamp with offset": {curve, reading2026("PA", "W", `{"v":"1","d":"2026-09-13T00:30:00+02:00","p":"PT30M"}`)},
		"no such date":        {daily, reading2026("EA", "Wh", `{"v":"1","d":"2026-02-30"}`)},
		"a French date":       {daily, reading2026("EA", "Wh", `{"v":"1","d":"13/09/2026"}`)},
		"no step":             {curve, reading2026("PA", "W", `{"v":"1","d":"2026-09-13 00:30:00"}`)},
		"an unknown step":     {curve, reading2026("PA", "W", `{"v":"1","d":"2026-09-13 00:30:00","p":"P1D"}`)},
		"a peak without time": {peak, reading2026("PMA", "VA", `{"v":"6000","d":"2026-09-13"}`)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Decode2026("dataconnect", test.req, []byte(test.body))
			require.Error(t, err)
		})
	}

	for name, body := range map[string]string{
		"another format": reading2026("PA", "W", `{"v":"1",`+stamp+`}`),
		"another meter":  strings.Replace(readingV5("W", ``), string(consumer), string(producer), 1),
		"another unit":   readingV5("kW", `{"value":"1","date":"2026-09-13 00:30:00","interval_length":"PT30M"}`),
		"a fraction":     readingV5("W", `{"value":"1.0","date":"2026-09-13 00:30:00","interval_length":"PT30M"}`),
		"a list":         `{"meter_reading":[]}`,
		"HTML":           `<!doctype html>`,
	} {
		t.Run("v5, "+name, func(t *testing.T) {
			_, err := DecodeV5("dataconnect", curve, []byte(body))
			require.Error(t, err)
		})
	}
}

func TestValuesAreStringsOrNumbers(t *testing.T) {
	const first, second = `{"v":0,"d":"2026-11-20"}`, `{"v":1000000000,"d":"2026-11-21"}`
	daily := request(meter.Daily, "2026-11-01", "2026-12-01")
	for name, body := range map[string]string{
		"strings":           reading2026("EA", "Wh", `{"v":"0","d":"2026-11-20"},{"v":"1000000000","d":"2026-11-21"}`),
		"numbers":           reading2026("EA", "Wh", first+","+second),
		"without a unit":    reading2026("EA", "", first+","+second),
		"with a time":       reading2026("EA", "Wh", `{"v":0,"d":"2026-11-20 00:00:00"},`+second),
		"with a T":          reading2026("EA", "Wh", `{"v":0,"d":"2026-11-20T00:00:00"},`+second),
		"newest first":      reading2026("EA", "Wh", second+","+first),
		"with a null":       reading2026("EA", "Wh", first+","+second+`,{"v":null,"d":"2026-11-22"}`),
		"with a day before": reading2026("EA", "Wh", `{"v":5,"d":"2026-10-31"},`+first+","+second),
		"with a day after":  reading2026("EA", "Wh", first+","+second+`,{"v":5,"d":"2026-12-01"}`),
		"said twice":        reading2026("EA", "Wh", first+","+first+","+second),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode2026("dataconnect", daily, []byte(body))
			require.NoError(t, err)
			require.Equal(t, Decoded{Days: []meter.DayValues{
				{Day: meter.NewDay(2026, time.November, 20), Source: "dataconnect", Quality: meter.Raw, Value: 0},
				{Day: meter.NewDay(2026, time.November, 21), Source: "dataconnect", Quality: meter.Raw, Value: 1e9},
			}}, got)
		})
	}
}

func TestTheFirstOfTwoValuesOfADayStands(t *testing.T) {
	got, err := Decode2026("dataconnect", request(meter.Daily, "2026-11-01", "2026-12-01"),
		[]byte(reading2026("EA", "Wh", `{"v":1,"d":"2026-11-20"},{"v":2,"d":"2026-11-20"}`)))
	require.NoError(t, err)
	require.Equal(t, 1, got.Dropped)
	require.Len(t, got.Days, 1)
	require.Equal(t, int64(1), got.Days[0].Value)
}

func TestCorrectedValues(t *testing.T) {
	body := strings.Replace(reading2026("PA", "W", `{"v":"1","d":"2026-09-13 00:30:00","p":"PT30M"}`), "BRUT", "BEST", 1)
	got, err := Decode2026("dataconnect", request(meter.LoadCurve, "2026-09-13", "2026-09-14"), []byte(body))
	require.NoError(t, err)
	require.Equal(t, meter.Corrected, got.Days[0].Quality)
	require.Equal(t, meter.Corrected, got.Days[0].Readings[0].Quality)
}

func TestMaxPowerToleratesWattsAndNoUnit(t *testing.T) {
	for _, unit := range []string{"VA", "W", ""} {
		got, err := Decode2026("dataconnect", request(meter.MaxPower, "2026-09-13", "2026-09-14"),
			[]byte(reading2026("PMA", unit, `{"v":"6000","d":"2026-09-13 19:00:00"}`)))
		require.NoError(t, err)
		require.Len(t, got.Days, 1)
	}
}

func TestPointsThatMeanNoTimeAreDropped(t *testing.T) {
	tests := map[string]struct {
		req       enedis.Request
		body      string
		dropped   int
		remaining int
	}{
		"a curve's stamp in March's gap": {
			request(meter.LoadCurve, "2026-03-29", "2026-03-30"),
			reading2026("PA", "W", `{"v":1,"d":"2026-03-29 01:30:00","p":"PT30M"},{"v":2,"d":"2026-03-29 02:30:00","p":"PT30M"}`),
			1, 1,
		},
		"a peak in March's gap": {
			request(meter.MaxPower, "2026-03-29", "2026-03-31"),
			reading2026("PMA", "VA", `{"v":1,"d":"2026-03-29 02:30:00"},{"v":2,"d":"2026-03-30 02:30:00"}`), 1, 1,
		},
		"a stamp that comes twice": {
			request(meter.LoadCurve, "2026-09-13", "2026-09-14"),
			reading2026("PA", "W", `{"v":1,"d":"2026-09-13 00:30:00","p":"PT30M"},{"v":2,"d":"2026-09-13 00:30:00","p":"PT30M"}`),
			1, 1,
		},
		"intervals that overlap": {
			request(meter.LoadCurve, "2026-09-13", "2026-09-14"),
			reading2026("PA", "W", `{"v":1,"d":"2026-09-13 01:00:00","p":"PT60M"},{"v":2,"d":"2026-09-13 01:10:00","p":"PT30M"}`),
			1, 1,
		},
		"a null in March's gap is nothing to drop": {
			request(meter.LoadCurve, "2026-03-29", "2026-03-30"),
			reading2026("PA", "W", `{"v":1,"d":"2026-03-29 01:30:00","p":"PT30M"},{"v":null,"d":"2026-03-29 02:30:00","p":"PT30M"}`),
			0, 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Decode2026("dataconnect", test.req, []byte(test.body))
			require.NoError(t, err)
			require.Equal(t, test.dropped, got.Dropped)
			if test.req.Measure == meter.LoadCurve {
				require.Len(t, present(got.Days), test.remaining)
				return
			}
			require.Len(t, got.Days, test.remaining)
		})
	}
}

func TestAPeakInOctobersDoubledHourIsTheFirst(t *testing.T) {
	got, err := Decode2026("dataconnect", request(meter.MaxPower, "2026-10-25", "2026-10-26"),
		[]byte(reading2026("PMA", "VA", `{"v":1,"d":"2026-10-25 02:30:00"}`)))
	require.NoError(t, err)
	require.Equal(t, "2026-10-25T02:30:00+02:00", got.Days[0].At.Format(time.RFC3339))
}

func TestANullKeepsOctobersHoursApart(t *testing.T) {
	// Without the null of 02:30 summer time, the second 02:00 could not be told from the first.
	got, err := Decode2026("dataconnect", request(meter.LoadCurve, "2026-10-25", "2026-10-26"), []byte(reading2026("PA", "W",
		`{"v":1,"d":"2026-10-25 01:30:00","p":"PT30M"},{"v":null,"d":"2026-10-25 02:00:00","p":"PT30M"},`+
			`{"v":null,"d":"2026-10-25 02:30:00","p":"PT30M"},{"v":4,"d":"2026-10-25 02:00:00","p":"PT30M"}`)))
	require.NoError(t, err)
	readings := present(got.Days)
	require.Len(t, readings, 2)
	require.Equal(t, "2026-10-25T02:00:00+01:00", readings[1].End.Format(time.RFC3339))
}

func TestAnHourMayBeSpelledTwoWays(t *testing.T) {
	got, err := Decode2026("dataconnect", request(meter.LoadCurve, "2026-09-13", "2026-09-14"), []byte(reading2026("PA", "W",
		`{"v":1,"d":"2026-09-13 01:00:00","p":"PT1H"},{"v":2,"d":"2026-09-13 02:00:00","p":"PT60M"}`)))
	require.NoError(t, err)
	require.Equal(t, int64(2*3600), got.Days[0].Covered())
}

// TestOctobersHoursAreToldApartOrLeftOut reads stamps of the doubled hours in the order in which Enedis sends them: where the
// order tells which is which they are exact, where it does not they are missing, and said to be dropped.
func TestOctobersHoursAreToldApartOrLeftOut(t *testing.T) {
	tests := map[string]struct {
		points  []string // time of the stamp, step, value
		want    []string // start, value
		dropped int
	}{
		"all of them": {
			[]string{"01:30 PT30M 1", "02:00 PT30M 2", "02:30 PT30M 3", "02:00 PT30M 4", "02:30 PT30M 5", "03:00 PT30M 6"},
			[]string{"01:00+02 1", "01:30+02 2", "02:00+02 3", "02:30+02 4", "02:00+01 5", "02:30+01 6"},
			0,
		},
		"the first 02:00 is missing": {
			[]string{"01:30 PT30M 1", "02:30 PT30M 3", "02:00 PT30M 4", "02:30 PT30M 5", "03:00 PT30M 6"},
			[]string{"01:00+02 1", "02:00+02 3", "02:30+02 4", "02:00+01 5", "02:30+01 6"},
			0,
		},
		"the first 02:30 is missing": {
			[]string{"01:30 PT30M 1", "02:00 PT30M 2", "02:00 PT30M 4", "02:30 PT30M 5", "03:00 PT30M 6"},
			[]string{"01:00+02 1", "01:30+02 2", "02:30+02 4", "02:00+01 5", "02:30+01 6"},
			0,
		},
		"the second 02:30 is missing": {
			[]string{"01:30 PT30M 1", "02:00 PT30M 2", "02:30 PT30M 3", "02:00 PT30M 4", "03:00 PT30M 6"},
			[]string{"01:00+02 1", "01:30+02 2", "02:00+02 3", "02:30+02 4", "02:30+01 6"},
			0,
		},
		"02:30 and 02:00 around the change": {
			[]string{"01:30 PT30M 1", "02:30 PT30M 3", "02:00 PT30M 4", "03:00 PT30M 6"},
			[]string{"01:00+02 1", "02:00+02 3", "02:30+02 4", "02:30+01 6"},
			0,
		},
		"an hour is missing, nobody knows which": {
			[]string{"01:30 PT30M 1", "02:00 PT30M 2", "02:30 PT30M 3", "03:00 PT30M 6"},
			[]string{"01:00+02 1", "02:30+01 6"},
			2,
		},
		"one is left of four": {
			[]string{"01:30 PT30M 1", "02:30 PT30M 3", "03:00 PT30M 6"}, []string{"01:00+02 1", "02:30+01 6"}, 1,
		},
		"one is left of four, beside a null": {
			[]string{"01:30 PT30M 1", "02:00 PT30M null", "02:30 PT30M 3", "03:00 PT30M 6"}, []string{"01:00+02 1", "02:30+01 6"}, 1,
		},
		"hours": {
			[]string{"01:00 PT60M 1", "02:00 PT60M 2", "02:00 PT60M 3", "03:00 PT60M 4"},
			[]string{"00:00+02 1", "01:00+02 2", "02:00+02 3", "02:00+01 4"},
			0,
		},
		"hours, one missing": {
			[]string{"01:00 PT60M 1", "02:00 PT60M 2", "03:00 PT60M 4"}, []string{"00:00+02 1", "02:00+01 4"}, 1,
		},
		"ten minutes, most of them missing": {
			[]string{"02:10 PT10M 1", "02:50 PT10M 2", "02:20 PT10M 3", "02:40 PT10M 4"},
			[]string{"02:00+02 1", "02:40+02 2", "02:10+01 3", "02:30+01 4"},
			0,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var of2026, ofV5 []string
			for _, p := range test.points {
				f := strings.Fields(p)
				of2026 = append(of2026, fmt.Sprintf(`{"v":%s,"d":"2026-10-25 %s:00","p":%q}`, f[2], f[0], f[1]))
				ofV5 = append(ofV5, fmt.Sprintf(`{"value":%s,"date":"2026-10-25 %s:00","interval_length":%q}`, f[2], f[0], f[1]))
			}
			req := request(meter.LoadCurve, "2026-10-25", "2026-10-26")
			for _, a := range []struct {
				decode decoder
				body   string
			}{
				{Decode2026, reading2026("PA", "W", strings.Join(of2026, ","))},
				{DecodeV5, readingV5("W", strings.Join(ofV5, ","))},
			} {
				got, err := a.decode("dataconnect", req, []byte(a.body))
				require.NoError(t, err)
				var slots []string
				for _, r := range present(got.Days) {
					slots = append(slots, fmt.Sprintf("%s %d", r.Start.Format("15:04-07"), r.Watts))
				}
				require.Equal(t, test.want, slots)
				require.Equal(t, test.dropped, got.Dropped)
			}
		})
	}
}
