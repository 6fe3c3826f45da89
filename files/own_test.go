package files_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/export"
	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// exported writes days as our own export does.
func exported(tb rapid.TB, format export.Format, days map[meter.Series][]meter.DayValues) []byte {
	var out bytes.Buffer
	w, err := export.NewDays(format, &out)
	require.NoError(tb, err)
	for s, list := range days {
		for i, d := range list {
			require.NoError(tb, w.Write(export.Day{DayValues: d, Series: s, Revision: int64(i + 1), StoredAt: d.Day.End()}))
		}
	}
	require.NoError(tb, w.Flush())
	return out.Bytes()
}

var formats = map[export.Format]files.Format{export.CSV: files.OwnTable, export.JSONLines: files.OwnLines}

// What our own export holds comes back with its values, qualities and sources, holes and mixed days included.
func TestOwnExportComesBack(t *testing.T) {
	curve := whole(day(t, "2025-10-26"), 30*time.Minute)
	for i := range curve.Readings {
		r := &curve.Readings[i]
		r.Source = "dataconnect"
		if i == 5 || i > 45 {
			*r = meter.Reading{Interval: r.Interval, Missing: true}
		} else if i%7 == 0 {
			r.Quality, r.Source = meter.Corrected, "consoapi"
		}
	}
	curve.Source = "consoapi"
	want := map[meter.Series][]meter.DayValues{
		series(meter.Consumption, meter.LoadCurve): {curve, whole(day(t, "2026-03-29"), 10*time.Minute)},
		series(meter.Consumption, meter.Daily): {
			{Day: day(t, "2025-10-26"), Source: "myelectricaldata", Quality: meter.Computed, Value: 12345},
			{Day: day(t, "2026-03-29"), Source: "sge", Quality: meter.Corrected},
		},
		series(meter.Consumption, meter.MaxPower): {{
			Day: day(t, "2025-10-26"), Source: "dataconnect", Quality: meter.Raw, Value: 6120,
			At: time.Date(2025, time.October, 26, 1, 30, 0, 0, time.UTC),
		}},
		series(meter.Production, meter.Daily): {{Day: day(t, "2026-10-25"), Source: "file", Quality: meter.Raw, Value: 1}},
	}
	for format, known := range formats {
		path := write(t, "export", exported(t, format, want))
		got, file := read(t, path, options)
		require.Equal(t, known, file.Format)
		require.Equal(t, want, got)
		require.Empty(t, file.LeftOut())
	}
}

func TestOwnExportOfAnyCurveComesBack(t *testing.T) {
	path := write(t, "export", []byte("{}"))
	rapid.Check(t, func(r *rapid.T) {
		date := rapid.SampledFrom(changes).Draw(r, "date")
		step := rapid.SampledFrom([]time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}).Draw(r, "step")
		d, err := meter.ParseDay(date)
		require.NoError(r, err)
		curve := whole(d, step)
		gaps := rapid.SliceOfN(rapid.IntRange(0, len(curve.Readings)-1), 0, len(curve.Readings)/2).Draw(r, "gaps")
		curve.Readings = slices.DeleteFunc(curve.Readings, func(v meter.Reading) bool {
			return slices.Contains(gaps, int(v.Start.Sub(d.Start())/step))
		})
		days, _ := meter.Curve(meter.Days{From: d, To: d + 1}, curve.Readings)
		want := map[meter.Series][]meter.DayValues{series(meter.Consumption, meter.LoadCurve): days}
		for format := range formats {
			rewrite(r, path, exported(r, format, want))
			got, _ := read(t, path, options)
			for s := range want {
				for i, day := range got[s] {
					require.Equal(r, present(want[s][i]), present(day))
				}
			}
		}
	})
}

// present is what a curve day holds, without the gaps.
func present(v meter.DayValues) (all []meter.Reading) {
	for _, r := range v.Readings {
		if !r.Missing {
			r.Start, r.End = r.Start.UTC(), r.End.UTC()
			all = append(all, r)
		}
	}
	return all
}
