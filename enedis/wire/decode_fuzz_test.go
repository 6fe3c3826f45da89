package wire

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func FuzzDecode2026(f *testing.F) {
	fuzzDecoder(f, "2026", Decode2026, func(req enedis.Request, body []byte) (values int) {
		var a answer2026
		if json.Unmarshal(body, &a) != nil {
			return 0
		}
		points, _ := a.points(req)
		for _, p := range points {
			if p.value.present {
				values++
			}
		}
		return values
	})
}

func FuzzDecodeV5(f *testing.F) {
	fuzzDecoder(f, "v5", DecodeV5, func(_ enedis.Request, body []byte) (values int) {
		var a answerV5
		if json.Unmarshal(body, &a) != nil || a.Reading == nil {
			return 0
		}
		for _, i := range a.Reading.Intervals {
			if i.Value.present {
				values++
			}
		}
		return values
	})
}

// fuzzDecoder looks for answers that are read as something that they are not. Count gives the number of values in an answer.
func fuzzDecoder(f *testing.F, folder string, decode decoder, count func(enedis.Request, []byte) int) {
	f.Helper()
	measures := []meter.Measure{meter.LoadCurve, meter.Daily, meter.MaxPower, meter.Register}
	for _, sample := range samples(f, folder) {
		req, _ := requestOf(f, sample)
		if req.Days.Len() > 1 && req.Measure == meter.LoadCurve {
			continue // a week is 48 kB: the fuzzer would spend its time on making that smaller
		}
		for i, m := range measures {
			if m == req.Measure {
				f.Add(read(f, sample), string(req.PRM), uint8(i), req.Direction == meter.Production,
					int32(req.Days.From), uint16(req.Days.Len()))
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, prm string, measure uint8, production bool, from int32, span uint16) {
		req := enedis.Request{
			PRM: meter.PRM(prm), Direction: meter.Consumption, Measure: measures[int(measure)%len(measures)],
			Days: meter.Days{From: meter.Day(from % 100_000), To: meter.Day(from%100_000 + int32(span))},
		}
		if production {
			req.Direction = meter.Production
		}
		got, err := decode("dataconnect", req, body)
		if err != nil {
			require.Empty(t, got)
			return
		}
		requireDays(t, req, got.Days)

		// Whatever is asked for, the days do not depend on it, but for those that are left out.
		wide := req
		wide.Days = meter.Days{From: -1_000_000, To: 10_000_000}
		all, err := decode("dataconnect", wide, body)
		require.NoError(t, err)
		if req.Measure == meter.LoadCurve {
			require.Equal(t, count(req, body), len(present(all.Days))+all.Dropped, "each value is taken or dropped")
		}
		var within []meter.DayValues
		for _, d := range all.Days {
			if req.Days.Contains(d.Day) {
				within = append(within, d)
			}
		}
		require.Equal(t, within, got.Days)
	})
}

// requireDays checks what holds for the days of any answer.
func requireDays(t *testing.T, req enedis.Request, days []meter.DayValues) {
	t.Helper()
	var byDay, byReading meter.Joules
	for i, d := range days {
		require.True(t, req.Days.Contains(d.Day), "a day that was not asked for")
		require.True(t, i == 0 || days[i-1].Day < d.Day, "days in order")
		require.Equal(t, "dataconnect", d.Source)
		byDay += d.Energy()
		if req.Measure != meter.LoadCurve {
			require.LessOrEqual(t, d.Value, int64(maxInteger))
			require.GreaterOrEqual(t, d.Value, int64(0))
			require.Empty(t, d.Readings)
			continue
		}
		require.NotEmpty(t, present([]meter.DayValues{d}), "a day without any value is absent")
		at := d.Day.Start()
		for _, r := range d.Readings {
			require.True(t, at.Equal(r.Start), "no gap and no overlap, what is missing said as missing")
			require.Positive(t, r.Seconds())
			at = r.End
			byReading += r.Energy()
		}
		require.True(t, at.Equal(d.Day.End()))
	}
	if req.Measure == meter.LoadCurve {
		require.Equal(t, byReading, byDay, "grouping loses no energy")
	}
}

func BenchmarkDecodeCurveWeek(b *testing.B) {
	const sample = "v5/consumption_load_curve_week.json"
	body := read(b, sample)
	req, ok := requestOf(b, sample)
	require.True(b, ok)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		got, err := DecodeV5("dataconnect", req, body)
		if err != nil || len(got.Days) != 7 {
			b.Fatal(err, len(got.Days))
		}
	}
}
