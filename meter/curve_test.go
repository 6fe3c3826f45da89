package meter_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var allDays = meter.Days{From: meter.NewDay(2000, time.January, 1), To: meter.NewDay(2100, time.January, 1)}

func TestCurve(t *testing.T) {
	d := day(t, "2026-11-21")
	at := func(h, m int) time.Time {
		return d.Start().Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
	}
	slot := func(from, to time.Time, watts int64) meter.Reading {
		return meter.Reading{Interval: meter.Interval{Start: from, End: to}, Watts: watts, Quality: meter.Raw, Source: "dataconnect"}
	}

	t.Run("marks what is missing in the step of the neighbour", func(t *testing.T) {
		days, anomalies := meter.Curve(allDays, []meter.Reading{
			slot(at(1, 0), at(1, 30), 100), slot(at(3, 0), at(3, 10), 200), slot(at(23, 50), at(24, 0), 300),
		})
		require.Empty(t, anomalies)
		require.Len(t, days, 1)
		rs := days[0].Readings
		requireCovers(t, days[0])
		require.Equal(t, slotMissing(at(0, 0), at(0, 30)), rs[0])
		require.Equal(t, slotMissing(at(0, 30), at(1, 0)), rs[1])
		require.Equal(t, slot(at(1, 0), at(1, 30), 100), rs[2])
		require.Equal(t, slotMissing(at(2, 30), at(3, 0)), rs[5])
		require.Equal(t, slot(at(3, 0), at(3, 10), 200), rs[6])
		require.Equal(t, slotMissing(at(3, 10), at(3, 20)), rs[7])
		require.Equal(t, int64(50*60), days[0].Covered())
	})
	t.Run("sorts, and gives the last slot of a day to that day", func(t *testing.T) {
		days, anomalies := meter.Curve(allDays, []meter.Reading{
			slot(at(24, 0), at(24, 30), 2), slot(at(23, 30), at(24, 0), 1),
		})
		require.Empty(t, anomalies)
		require.Len(t, days, 2)
		require.Equal(t, d, days[0].Day)
		require.Equal(t, int64(1), days[0].Readings[47].Watts)
		require.Equal(t, int64(2), days[1].Readings[0].Watts)
	})
	t.Run("leaves out the days that nobody wants", func(t *testing.T) {
		days, anomalies := meter.Curve(meter.Days{From: d, To: d + 1}, []meter.Reading{
			slot(at(-1, 30), at(0, 0), 1), slot(at(0, 0), at(0, 30), 2), slot(at(24, 0), at(24, 30), 3),
		})
		require.Empty(t, anomalies)
		require.Len(t, days, 1)
		require.Equal(t, int64(2), days[0].Readings[0].Watts)
	})
	t.Run("returns anomalies", func(t *testing.T) {
		overlap, beyond, none := slot(at(0, 15), at(0, 45), 2), slot(at(23, 45), at(24, 15), 3), slot(at(5, 0), at(5, 0), 4)
		days, anomalies := meter.Curve(allDays, []meter.Reading{slot(at(0, 0), at(0, 30), 1), overlap, beyond, none})
		require.Equal(t, []meter.Reading{overlap, none, beyond}, anomalies)
		require.Len(t, days, 1)
		require.Equal(t, int64(30*60), days[0].Covered())
	})
	t.Run("a missing reading is no reading", func(t *testing.T) {
		days, anomalies := meter.Curve(allDays, []meter.Reading{
			slotMissing(at(0, 0), at(0, 30)), slotMissing(at(24, 0), at(24, 30)), slot(at(0, 0), at(0, 30), 7),
		})
		require.Empty(t, anomalies)
		require.Len(t, days, 1, "a day that has nothing is absent")
		require.Equal(t, int64(7), days[0].Readings[0].Watts)
	})
	t.Run("takes the lowest quality and the first source", func(t *testing.T) {
		corrected, raw := slot(at(0, 0), at(0, 30), 1), slot(at(0, 30), at(1, 0), 2)
		corrected.Quality, raw.Source = meter.Corrected, "file"
		days, _ := meter.Curve(allDays, []meter.Reading{raw, corrected})
		require.Equal(t, meter.Raw, days[0].Quality)
		require.Equal(t, "dataconnect", days[0].Source)
	})
	t.Run("changes nothing that it is given", func(t *testing.T) {
		given := []meter.Reading{slot(at(0, 30), at(1, 0), 2), slot(at(0, 0), at(0, 30), 1)}
		_, _ = meter.Curve(allDays, given)
		require.Equal(t, []meter.Reading{slot(at(0, 30), at(1, 0), 2), slot(at(0, 0), at(0, 30), 1)}, given)
	})
}

func slotMissing(from, to time.Time) meter.Reading {
	return meter.Reading{Interval: meter.Interval{Start: from, End: to}, Missing: true}
}

// requireCovers tells that the readings go from midnight to midnight without a gap or an overlap.
func requireCovers(t require.TestingT, v meter.DayValues) {
	from := v.Day.Start()
	for _, r := range v.Readings {
		require.True(t, r.Start.Equal(from), "%s does not follow %s", r.Start, from)
		from = r.End
	}
	require.True(t, from.Equal(v.Day.End()))
}

// No energy is lost or won by sorting readings into days, and each day is covered from midnight to midnight.
func TestCurveKeepsTheEnergy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := meter.Day(rapid.Int32Range(20000, 21000).Draw(t, "day")).Start()
		var readings []meter.Reading
		var sent meter.Joules
		for range rapid.IntRange(0, 200).Draw(t, "slots") {
			step := time.Duration(rapid.SampledFrom([]int{5, 10, 15, 30, 60}).Draw(t, "step")) * time.Minute
			r := meter.Reading{Interval: meter.Interval{Start: at, End: at.Add(step)}, Watts: rapid.Int64Range(0, 36000).Draw(t, "W")}
			if at = r.End; rapid.IntRange(0, 3).Draw(t, "kept") > 0 {
				readings, sent = append(readings, r), sent+r.Energy()
			}
		}
		days, anomalies := meter.Curve(allDays, rapid.Permutation(readings).Draw(t, "order"))
		var kept meter.Joules
		for _, v := range days {
			kept += v.Energy()
			requireCovers(t, v)
		}
		for _, r := range anomalies { // those across midnight
			kept += r.Energy()
		}
		require.Equal(t, sent, kept)
	})
}

// The samples are answers of Data Connect and of a gateway, with what they mean; testdata/curves/EXPECTED.json is the oracle.
func TestSamples(t *testing.T) {
	var expected map[string]struct {
		Points     int                          `json:"points"`
		FirstStart string                       `json:"first_interval_start"`
		FirstEnd   string                       `json:"first_interval_end"`
		LastStart  string                       `json:"last_interval_start"`
		LastEnd    string                       `json:"last_interval_end"`
		TotalWh    meter.WattHours              `json:"total_wh"`
		Days       map[string]map[string]uint64 `json:"per_local_day"`
	}
	read(t, "EXPECTED.json", &expected)
	require.Len(t, expected, 19)
	for name, want := range expected {
		t.Run(name, func(t *testing.T) {
			days, anomalies := meter.Curve(allDays, sample(t, name))
			require.Empty(t, anomalies)
			require.Len(t, days, len(want.Days))
			var present []meter.Reading
			var sum meter.Joules
			for _, v := range days {
				requireCovers(t, v)
				points := 0
				for _, r := range v.Readings {
					if !r.Missing {
						present, points = append(present, r), points+1
					}
				}
				require.EqualValues(t, want.Days[v.Day.String()]["points"], points)
				require.EqualValues(t, want.Days[v.Day.String()]["wh"], v.Energy().WattHours())
				require.Equal(t, points == len(v.Readings), v.Complete(meter.LoadCurve))
				sum += v.Energy()
			}
			first, last := present[0], present[len(present)-1]
			require.Len(t, present, want.Points)
			require.Equal(t, want.TotalWh, sum.WattHours())
			require.Equal(t, []string{want.FirstStart, want.FirstEnd, want.LastStart, want.LastEnd},
				rfc3339([]time.Time{first.Start, first.End, last.Start, last.End}))
		})
	}
}

// The same day came by three ways: in order, shifted by the wall clock, and sorted by stamp. It is the same day.
func TestSamplesOfOneDayAgree(t *testing.T) {
	want, _ := meter.Curve(allDays, sample(t, "v5/consumption_load_curve_dst_october.json"))
	for _, name := range []string{
		"med-v2/200_consumption_detail_dst_october_naive_shift.json",
		"med-v2/200_consumption_detail_batch_dst_october_sorted.json",
	} {
		got, _ := meter.Curve(allDays, sample(t, name))
		require.Equal(t, want, got, name)
	}
	want, _ = meter.Curve(allDays, sample(t, "v5/consumption_load_curve_dst_march.json"))
	got, _ := meter.Curve(allDays, sample(t, "med-v2/200_consumption_detail_dst_march_naive_shift.json"))
	require.Equal(t, want, got)
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "curves", filepath.FromSlash(name)))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, into))
}

// sample reads an answer of any of the formats.
func sample(t *testing.T, name string) []meter.Reading {
	t.Helper()
	type point struct {
		Value string `json:"value"`
		Date  string `json:"date"`
		Step  string `json:"interval_length"`
		V     string `json:"v"`
		D     string `json:"d"`
		P     string `json:"p"`
	}
	type body struct {
		MeterReading struct {
			Intervals []point `json:"interval_reading"`
		} `json:"meter_reading"`
		Grandeur []struct {
			Points []point `json:"points"`
		} `json:"grandeur"`
	}
	var answer struct {
		body
		Data *body `json:"data"`
	}
	read(t, name, &answer)
	stampedAtStart := answer.Data != nil
	if stampedAtStart {
		answer.body = *answer.Data
	}
	points := answer.MeterReading.Intervals
	for _, g := range answer.Grandeur {
		points = append(points, g.Points...)
	}
	var stamps []meter.Stamp
	for _, p := range points {
		minutes, err := strconv.Atoi(strings.Trim(p.Step+p.P, "PTM"))
		require.NoError(t, err)
		at, err := time.Parse(time.DateTime, p.Date+p.D)
		require.NoError(t, err)
		s := meter.Stamp{At: at, Step: time.Duration(minutes) * time.Minute}
		if stampedAtStart {
			s.At = s.At.Add(s.Step)
		}
		stamps = append(stamps, s)
	}
	readings := make([]meter.Reading, len(points))
	for i, end := range meter.ResolveEnds(stamps) {
		require.False(t, end.IsZero(), "%s means no instant", stamps[i].At)
		watts, err := strconv.ParseInt(points[i].Value+points[i].V, 10, 64)
		require.NoError(t, err)
		readings[i] = meter.Reading{
			Interval: meter.Interval{Start: end.Add(-stamps[i].Step), End: end},
			Watts:    watts, Quality: meter.Raw, Source: "dataconnect",
		}
	}
	return readings
}
