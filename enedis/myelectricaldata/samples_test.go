package myelectricaldata_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// outcome is what an answer leads to: days, or a refusal.
type outcome struct {
	req    enedis.Request
	days   int
	action enedis.Action // when refused
	code   string        // when refused
	after  time.Time     // when refused
}

func midnight() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) }

func refused(action enedis.Action, code string) outcome {
	return outcome{req: daily(), days: -1, action: action, code: code}
}

func overQuota(code string) outcome {
	o := refused(enedis.Quota, code)
	o.after = midnight()
	return o
}

// notOurs is an answer of another resource: nobody may take it for data.
func notOurs() outcome { return refused(enedis.Retry, enedis.CodeUnreadable) }

func found(req enedis.Request, days int) outcome { return outcome{req: req, days: days} }

func TestEverySampleLeadsSomewhere(t *testing.T) {
	september := request(meter.Consumption, meter.Daily, "2026-09-07", "2026-09-14")
	tests := map[string]map[string]outcome{
		"med-legacy": {
			"200_daily_consumption":          found(september, 7),
			"200_null_meter_reading":         found(september, 0),
			"200_valid_access":               notOurs(),
			"200_valid_access_quota_reached": notOurs(),
			"200_rte_tempo":                  notOurs(),
			"200_rte_ecowatt":                notOurs(),
			"200_edf_tempo_days":             notOurs(),
			"200_edf_tempo_price":            notOurs(),
			"403_token_pdl_mismatch":         refused(enedis.RenewConsent, ""),
			"409_quota":                      overQuota(""),
			"500_nested_fault_string":        refused(enedis.Retry, ""),
		},
		"med-v2": {
			"200_consumption_daily_v5format":                      found(daily(), 6),
			"200_consumption_daily_v5format_default_reading_type": found(daily(), 6),
			"200_consumption_daily_empty":                         found(daily(), 0),
			"200_power_v5format": found(
				request(meter.Consumption, meter.MaxPower, "2026-09-07", "2026-09-14"), 7),
			"200_consumption_detail_v5format_start_stamped":   found(curve("2026-11-20", "2026-11-21"), 1),
			"200_consumption_detail_2026format_start_stamped": found(curve("2026-11-20", "2026-11-21"), 1),
			"200_consumption_detail_dst_march_naive_shift":    found(curve("2026-03-29", "2026-03-30"), 1),
			"200_consumption_detail_dst_october_naive_shift":  found(curve("2025-10-26", "2025-10-27"), 1),
			"200_consumption_detail_batch_dst_october_sorted": found(curve("2025-10-26", "2025-10-27"), 1),
			"200_partial_data":                found(curve("2026-11-20", "2026-11-21"), 1),
			"200_success_with_embedded_error": refused(enedis.NarrowStart, "ADAM-ERR0123"),
			"200_error_ADAM-ERR0123":          refused(enedis.NarrowStart, "ADAM-ERR0123"),
			"200_error_DATE_TOO_OLD":          refused(enedis.NarrowStart, "ADAM-ERR0125"),
			"200_error_ACCESS_DENIED":         refused(enedis.RenewConsent, "ACCESS_DENIED"),
			"200_error_ENEDIS_ERROR":          refused(enedis.Wait, "no_data_found"),
			"200_error_NO_DATA":               refused(enedis.Wait, "no_data_found"),
			"200_error_ENEDIS_UNAVAILABLE":    refused(enedis.Retry, "ENEDIS_UNAVAILABLE"),
			"200_error_INVALID_DATE_RANGE":    refused(enedis.FixSettings, "invalid_request"),
			"200_error_RATE_LIMIT_EXCEEDED":   overQuota("RATE_LIMIT_EXCEEDED"),
			"401_detail":                      refused(enedis.FixSettings, ""),
			"401_not_authenticated":           refused(enedis.FixSettings, ""),
			"429_ecowatt_detail":              overQuota(""),
			"200_token":                       notOurs(),
			"200_pdl_list":                    notOurs(),
			"200_tempo_days":                  notOurs(),
			"200_tempo_today":                 notOurs(),
			"200_ecowatt_current":             notOurs(),
		},
	}
	versions := map[string]myelectricaldata.Version{"med-legacy": myelectricaldata.V1, "med-v2": myelectricaldata.V2}
	for folder, version := range versions {
		paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, paths, "no samples in testdata/"+folder)
		require.Len(t, paths, len(tests[folder]), "each sample has its line")
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), ".json")
			t.Run(folder+"/"+name, func(t *testing.T) {
				want, ok := tests[folder][name]
				require.True(t, ok, "the sample has no line")
				status, err := strconv.Atoi(name[:3])
				require.NoError(t, err)
				_, client := newGateway(t, myelectricaldata.Options{Version: version},
					answer(status, sample(t, folder+"/"+name+".json")))

				batch, err := client.Fetch(t.Context(), want.req)

				if want.days >= 0 {
					require.NoError(t, err)
					require.Len(t, batch.Days, want.days)
					require.Equal(t, want.req, batch.Request)
					require.Equal(t, "myelectricaldata", batch.Source)
					return
				}
				refusal := requireRefusal(t, err)
				require.Equal(t, want.action, enedis.ActionOf(err), err)
				require.Equal(t, want.code, refusal.Code)
				require.Equal(t, want.after, refusal.After)
				require.Empty(t, batch)
			})
		}
	}
}

// TestSamplesAgainstTheOracle compares the curves of v2 with what is known of them.
func TestSamplesAgainstTheOracle(t *testing.T) {
	type expected struct {
		Points      int       `json:"points"`
		FirstStart  time.Time `json:"first_interval_start"`
		FirstEnd    time.Time `json:"first_interval_end"`
		LastStart   time.Time `json:"last_interval_start"`
		LastEnd     time.Time `json:"last_interval_end"`
		PerLocalDay map[meter.Day]struct {
			Wh meter.WattHours `json:"wh"`
		} `json:"per_local_day"`
	}
	var oracle map[string]expected
	require.NoError(t, json.Unmarshal([]byte(sample(t, "EXPECTED.json")), &oracle))
	tried := 0
	for name, want := range oracle {
		if !strings.HasPrefix(name, "med-v2/") {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			require.Len(t, want.PerLocalDay, 1)
			for d, w := range want.PerLocalDay {
				v := fetchSample(t, name, curve(d.String(), (d+1).String()))
				require.True(t, v.Complete(meter.LoadCurve))
				require.Len(t, v.Readings, want.Points)
				first, last := v.Readings[0], v.Readings[want.Points-1]
				requireInstant(t, want.FirstStart, first.Start)
				requireInstant(t, want.FirstEnd, first.End)
				requireInstant(t, want.LastStart, last.Start)
				requireInstant(t, want.LastEnd, last.End)
				require.Equal(t, w.Wh.Joules(), v.Energy())
			}
		})
	}
	require.Equal(t, 4, tried)
}

func requireInstant(t *testing.T, want, got time.Time) {
	t.Helper()
	require.Equal(t, want.Format(time.RFC3339), got.Format(time.RFC3339)) // the offset counts as well
}

// fetchSample gives the one day of a sample of v2.
func fetchSample(t *testing.T, name string, req enedis.Request) meter.DayValues {
	t.Helper()
	g, client := newGateway(t, myelectricaldata.Options{Version: myelectricaldata.V2}, answer(http.StatusOK, sample(t, name)))
	batch, err := client.Fetch(t.Context(), req)
	require.NoError(t, err)
	require.Empty(t, g.log())
	require.Len(t, batch.Days, 1)
	return batch.Days[0]
}

// TestEachSlotOfAClockChangeDayIsRight compares the gateway's curves, slot by slot, with what Enedis sent it.
func TestEachSlotOfAClockChangeDayIsRight(t *testing.T) {
	for enedisSample, samples := range map[string][]string{
		"v5/consumption_load_curve_dst_march.json": {"med-v2/200_consumption_detail_dst_march_naive_shift.json"},
		"v5/consumption_load_curve_dst_october.json": {
			"med-v2/200_consumption_detail_dst_october_naive_shift.json",
			"med-v2/200_consumption_detail_batch_dst_october_sorted.json",
		},
	} {
		day := "2026-03-29"
		if strings.Contains(enedisSample, "october") {
			day = "2025-10-26"
		}
		req := curve(day, map[string]string{"2026-03-29": "2026-03-30", "2025-10-26": "2025-10-27"}[day])
		_, client := newGateway(t, myelectricaldata.Options{Version: myelectricaldata.V1}, answer(http.StatusOK, sample(t, enedisSample)))
		truth, err := client.Fetch(t.Context(), req)
		require.NoError(t, err)
		require.Len(t, truth.Days, 1)
		for _, name := range samples {
			got := fetchSample(t, name, req)
			require.True(t, slices.Equal(truth.Days[0].Readings, got.Readings), name)
		}
	}
}
