package myelectricaldata

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const consumer = meter.PRM("09876543210987")

func october() enedis.Request {
	day := meter.NewDay(2026, time.October, 25)
	return enedis.Request{
		PRM: consumer, Direction: meter.Consumption, Measure: meter.LoadCurve, Days: meter.Days{From: day, To: day + 1},
	}
}

// curve frames points, each "stamp step value" with the time of the 25th of October alone, in either format.
func curve(of2026 bool, points ...string) []byte {
	var list []string
	for _, p := range points {
		f := strings.Fields(p)
		if of2026 {
			list = append(list, fmt.Sprintf(`{"d":"2026-10-25 %s:00","p":%q,"v":%s,"n":"B"}`, f[0], f[1], f[2]))
			continue
		}
		list = append(list, fmt.Sprintf(`{"date":"2026-10-25 %s:00","interval_length":%q,"value":%s}`, f[0], f[1], f[2]))
	}
	if of2026 {
		return []byte(`{"idPrm":"09876543210987","grandeur":[{"grandeurMetier":"CONS","grandeurPhysique":"PA","unite":null,` +
			`"points":[` + strings.Join(list, ",") + `]}]}`)
	}
	return []byte(`{"meter_reading":{"reading_type":{"unit":"W"},"interval_reading":[` + strings.Join(list, ",") + `]}}`)
}

// slots writes the readings that are there, each as "start value".
func slots(days []meter.DayValues) []string {
	var list []string
	for _, d := range days {
		for _, r := range d.Readings {
			if !r.Missing {
				list = append(list, fmt.Sprintf("%s %d", r.Start.Format("15:04-07"), r.Watts))
			}
		}
	}
	return list
}

func TestOctobersHoursAreToldApartOrLeftOut(t *testing.T) {
	tests := map[string]struct {
		points  []string
		want    []string
		dropped int
	}{
		"in order": {
			[]string{"01:00 PT30M 1", "01:30 PT30M 2", "02:00 PT30M 3", "01:30 PT30M 4", "02:00 PT30M 5", "02:30 PT30M 6"},
			[]string{"01:00+02 1", "01:30+02 2", "02:00+02 3", "02:30+02 4", "02:00+01 5", "02:30+01 6"},
			0,
		},
		"sorted": {
			[]string{"01:00 PT30M 1", "01:30 PT30M 2", "01:30 PT30M 4", "02:00 PT30M 3", "02:00 PT30M 5", "02:30 PT30M 6"},
			[]string{"01:00+02 1", "01:30+02 2", "02:00+02 3", "02:30+02 4", "02:00+01 5", "02:30+01 6"},
			0,
		},
		"as numbers in the text, of an hour": {
			[]string{"00:00 PT1H 1", "01:00 PT60M 2", `01:00 PT60M "3"`, "02:00 PT60M 4"},
			[]string{"00:00+02 1", "01:00+02 2", "02:00+02 3", "02:00+01 4"},
			0,
		},
		"of ten minutes, sorted": {
			[]string{"01:40 PT10M 1", "01:50 PT10M 2", "01:50 PT10M 3", "02:00 PT10M 4", "02:00 PT10M 5"},
			[]string{"01:50+02 2", "02:00+02 4", "02:50+02 3", "02:00+01 5"},
			0,
		},
		"the cache has lost one of each": {
			[]string{"01:00 PT30M 1", "01:30 PT30M 4", "02:00 PT30M 5", "02:30 PT30M 6"},
			[]string{"01:00+02 1", "02:30+01 6"},
			2,
		},
		"one of the two was never there": {
			[]string{"01:30 PT30M 2", "01:30 PT30M 4", "02:00 PT30M 3", "02:30 PT30M 6"},
			[]string{"01:30+02 2", "02:30+02 4", "02:30+01 6"},
			1,
		},
		"one of the two is null": {
			[]string{"01:30 PT30M 2", "01:30 PT30M null", "02:00 PT30M 3", "02:00 PT30M 5"},
			[]string{"01:30+02 2", "02:00+02 3", "02:00+01 5"},
			0,
		},
		"one comes three times": {
			[]string{"01:30 PT30M 2", "01:30 PT30M 4", "01:30 PT30M 4", "02:30 PT30M 6"},
			[]string{"01:30+02 2", "02:30+02 4", "02:30+01 6"},
			1,
		},
	}
	// Of ten minutes, the first point ends at 01:50, which is no doubled stamp, and starts at 01:40.
	first := tests["of ten minutes, sorted"]
	first.want = append([]string{"01:40+02 1"}, first.want...)
	tests["of ten minutes, sorted"] = first

	for name, test := range tests {
		for _, of2026 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, 2026 %t", name, of2026), func(t *testing.T) {
				got, err := decodeV2(october(), curve(of2026, test.points...))
				require.NoError(t, err)
				require.Equal(t, test.want, slots(got.Days))
				require.Equal(t, test.dropped, got.Dropped)
			})
		}
	}
}

func TestOddPointsAreTheDecodersBusiness(t *testing.T) {
	for name, body := range map[string]string{
		"no step":          `{"meter_reading":{"interval_reading":[{"value":"1","date":"2026-10-25 01:00:00"}]}}`,
		"a step of a day":  `{"meter_reading":{"interval_reading":[{"value":"1","date":"2026-10-25 01:00:00","interval_length":"P1D"}]}}`,
		"a step of 45 min": `{"meter_reading":{"interval_reading":[{"value":"1","date":"2026-10-25 01:00:00","interval_length":"PT45M"}]}}`,
		"a stamp of a day": `{"grandeur":[{"points":[{"v":1,"d":"2026-10-25","p":"PT30M"}]}]}`,
		"a point of text":  `{"grandeur":[{"points":["x"]}]}`,
		"points of text":   `{"grandeur":[{"points":"x"}]}`,
		"quantities":       `{"grandeur":{"points":[]}}`,
		"two answers":      `{"grandeur":[]} x`,
		"cut off":          `{"grandeur":[`,
		"something else":   `{"date":"2026-11-22","color":"BLUE"}`,
	} {
		_, err := decodeV2(october(), []byte(body))
		if name == "two answers" { // an envelope's data are one value: there is nothing behind them
			require.NoError(t, err)
			continue
		}
		require.Error(t, err, name)
	}
}

func TestAnswersWithoutValues(t *testing.T) {
	for _, body := range []string{
		`null`, `{}`, `{"meter_reading":null}`, `{"meter_reading":{"interval_reading":null}}`, `{"idPrm":"09876543210987"}`,
		`{"idPrm":null,"grandeur":null}`, `{"idPrm":"09876543210987","grandeur":[null]}`, `{"grandeur":[{"points":[]}]}`,
	} {
		got, err := decodeV2(october(), []byte(body))
		require.NoError(t, err, body)
		require.Empty(t, got.Days)
		require.Zero(t, got.Dropped)
	}
}

func TestMarchsNonexistentHourIsRead(t *testing.T) {
	req := october()
	req.Days = meter.Days{From: meter.NewDay(2026, time.March, 29), To: meter.NewDay(2026, time.March, 30)}
	body := strings.ReplaceAll(string(curve(true, "01:00 PT30M 1", "02:30 PT30M 2", "03:00 PT30M 3")), "2026-10-25", "2026-03-29")
	got, err := decodeV2(req, []byte(body))
	require.NoError(t, err)
	require.Equal(t, []string{"01:00+01 1", "01:30+01 2", "03:00+02 3"}, slots(got.Days))
}

func FuzzDecodeV2(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "med-v2", "200_consumption_*.json"))
	require.NoError(f, err)
	require.NotEmpty(f, paths)
	for _, path := range paths {
		body, err := os.ReadFile(path)
		require.NoError(f, err)
		var e envelope
		require.NoError(f, json.Unmarshal(body, &e))
		f.Add([]byte(e.Data), int32(october().Days.From), strings.Contains(path, "daily"))
	}
	f.Add(curve(false, "01:30 PT30M 2", "01:30 PT30M 4", "02:00 PT30M 3"), int32(october().Days.From), false)
	f.Fuzz(func(t *testing.T, body []byte, from int32, daily bool) {
		req := october()
		req.Days = meter.Days{From: meter.Day(from % 100_000), To: meter.Day(from%100_000) + 7}
		if daily {
			req.Measure = meter.Daily
		}
		got, err := decodeV2(req, body)
		if err != nil {
			require.Empty(t, got)
			return
		}
		require.True(t, slices.IsSortedFunc(got.Days, func(a, b meter.DayValues) int { return int(a.Day - b.Day) }))
		for _, d := range got.Days {
			require.True(t, req.Days.Contains(d.Day))
			at := d.Day.Start()
			for _, r := range d.Readings {
				require.True(t, at.Equal(r.Start), "no gap, no overlap")
				at = r.End
			}
		}
	})
}
