package myelectricaldata_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
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
			"403_token_pdl_mismatch":         refused(enedis.FixSettings, enedis.CodeOtherMeter),
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

// TestEveryRefusalOfEnedisLeadsToItsAction does the same with what the gateways hand on of Enedis's refusals, those of package
// enedis: v1 as text in a detail, v2 as text behind a prefix, and where it finds no code in the words of its HTTP library. A
// sample without a row fails. What is wrong with the gateway's own token is nothing that settings could mend.
func TestEveryRefusalOfEnedisLeadsToItsAction(t *testing.T) {
	want := map[string]struct{ v1, v2 enedis.Action }{
		"2026_400_ADAM-ERR0002_date_order":        {enedis.FixSettings, enedis.FixSettings},
		"2026_400_ADAM-ERR0123":                   {enedis.NarrowStart, enedis.NarrowStart},
		"2026_400_no_subscribed_service":          {enedis.RenewConsent, enedis.RenewConsent},
		"2026_403_swagger_shape_not_holder":       {enedis.RenewConsent, enedis.RenewConsent},
		"2026_404_swagger_shape_no_measure":       {enedis.Wait, enedis.Wait},
		"2026_429_swagger_shape_sla":              {enedis.Quota, enedis.Quota},
		"2026_500_swagger_shape":                  {enedis.Retry, enedis.Retry},
		"400_ADAM-DC-0007_not_holder_observed":    {enedis.RenewConsent, enedis.RenewConsent},
		"400_ADAM-ERR0061_not_holder":             {enedis.RenewConsent, enedis.RenewConsent},
		"400_ADAM-ERR0069_wrong_direction":        {enedis.Never, enedis.Never},
		"400_ADAM-ERR0075_curve_objection":        {enedis.NotCollected, enedis.NotCollected},
		"400_ADAM-ERR0123_before_activation":      {enedis.NarrowStart, enedis.NarrowStart},
		"400_ADAM-ERR0125_history_deadline":       {enedis.NarrowStart, enedis.NarrowStart},
		"400_ADAM-ERR0126_more_than_7_days":       {enedis.NarrowSpan, enedis.NarrowSpan},
		"400_invalid_request_date_order":          {enedis.FixSettings, enedis.FixSettings},
		"400_invalid_request_end_in_future":       {enedis.FixSettings, enedis.FixSettings},
		"400_invalid_request_usage_point_missing": {enedis.FixSettings, enedis.FixSettings},
		"401_fault_900901_invalid_credentials":    {enedis.Retry, enedis.Retry},
		"403_ADAM-DC-0007_not_owner_documented":   {enedis.RenewConsent, enedis.RenewConsent},
		"403_ADAM-DC-0008_no_consent":             {enedis.RenewConsent, enedis.RenewConsent},
		"403_fault_900908_not_subscribed":         {enedis.Retry, enedis.RenewConsent},
		"403_flat_900908_not_subscribed":          {enedis.Retry, enedis.RenewConsent},
		"403_unauthorized_user":                   {enedis.RenewConsent, enedis.RenewConsent},
		"404_STM-ERR-0000019_unknown_user":        {enedis.RenewConsent, enedis.RenewConsent},
		"404_STM-ERR-0000020":                     {enedis.Wait, enedis.Wait},
		"404_no_data_found":                       {enedis.Wait, enedis.Wait},
		"429_quota_Q3_per_second":                 {enedis.Quota, enedis.Quota},
		"429_quota_Q4_per_hour":                   {enedis.Quota, enedis.Quota},
		"500_ADAM-DC-0500":                        {enedis.Retry, enedis.Retry},
		"500_technical_error":                     {enedis.Retry, enedis.Retry},
	}
	entries, err := os.ReadDir(filepath.Join("..", "testdata", "errors"))
	require.NoError(t, err)
	require.Len(t, entries, len(want), "each sample has its row")
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".json")
		t.Run(name, func(t *testing.T) {
			require.Contains(t, want, name)
			status, err := strconv.Atoi(strings.TrimPrefix(name, "2026_")[:3])
			require.NoError(t, err)
			body, err := os.ReadFile(filepath.Join("..", "testdata", "errors", e.Name()))
			require.NoError(t, err)

			detail, err := json.Marshal(map[string]string{"detail": string(body)})
			require.NoError(t, err)
			_, client := newGateway(t, myelectricaldata.Options{Version: v1}, answer(status, string(detail)))
			_, err = client.Fetch(t.Context(), daily())
			require.False(t, requireRefusal(t, err).Apart)
			require.Equal(t, want[name].v1, enedis.ActionOf(err), err)

			_, client = newGateway(t, myelectricaldata.Options{Version: v2},
				answer(http.StatusOK, worded(t, false, nil, "ENEDIS_ERROR", asV2Says(t, status, body))))
			_, err = client.Fetch(t.Context(), daily())
			require.False(t, requireRefusal(t, err).Apart)
			require.Equal(t, want[name].v2, enedis.ActionOf(err), err)
		})
	}
}

// asV2Says is what v2 makes of a refusal of Enedis.
func asV2Says(t *testing.T, status int, body []byte) string {
	t.Helper()
	var coded struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	require.NoError(t, json.Unmarshal(body, &coded))
	const failed = "Failed to fetch 2026-11-14 to 2026-11-21: "
	switch {
	case coded.Error != "":
		return failed + coded.Error + ": " + coded.Description
	case status < http.StatusInternalServerError:
		return failed + fmt.Sprintf("Client error '%d %s' for url 'u'", status, http.StatusText(status))
	}
	return failed + fmt.Sprintf("Server error '%d %s' for url 'u'", status, http.StatusText(status))
}

// TestSamplesAgainstTheOracle compares the curves of v2, and those that v1 hands on, with what is known of them.
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
		version := v1
		switch {
		case strings.HasPrefix(name, "med-v2/"):
			version = v2
		case !strings.HasPrefix(name, "v5/consumption_load_curve_dst_"):
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			require.Len(t, want.PerLocalDay, 1)
			for d, w := range want.PerLocalDay {
				v := fetchDay(t, version, sample(t, name), curve(d.String(), (d+1).String()))
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
	require.Equal(t, 6, tried)
}

func requireInstant(t *testing.T, want, got time.Time) {
	t.Helper()
	require.Equal(t, want.Format(time.RFC3339), got.Format(time.RFC3339)) // the offset counts as well
}

// fetchDay gives the one day of an answer that leaves nothing to complain of.
func fetchDay(t *testing.T, version myelectricaldata.Version, body string, req enedis.Request) meter.DayValues {
	t.Helper()
	g, client := newGateway(t, myelectricaldata.Options{Version: version}, answer(http.StatusOK, body))
	batch, err := client.Fetch(t.Context(), req)
	require.NoError(t, err)
	require.Empty(t, g.log())
	require.Len(t, batch.Days, 1)
	return batch.Days[0]
}

// TestEachSlotOfAClockChangeDayIsRight compares the gateway's curves, slot by slot, with what Enedis sent it, in both of the
// formats that v2 writes.
func TestEachSlotOfAClockChangeDayIsRight(t *testing.T) {
	for enedisSample, test := range map[string]struct {
		req     enedis.Request
		samples []string
	}{
		"v5/consumption_load_curve_dst_march.json": {
			curve("2026-03-29", "2026-03-30"), []string{"med-v2/200_consumption_detail_dst_march_naive_shift.json"},
		},
		"v5/consumption_load_curve_dst_october.json": {
			curve("2025-10-26", "2025-10-27"),
			[]string{
				"med-v2/200_consumption_detail_dst_october_naive_shift.json",
				"med-v2/200_consumption_detail_batch_dst_october_sorted.json",
			},
		},
	} {
		truth := fetchDay(t, v1, sample(t, enedisSample), test.req)
		require.True(t, truth.Complete(meter.LoadCurve))
		for _, name := range test.samples {
			got := fetchDay(t, v2, sample(t, name), test.req)
			require.True(t, slices.Equal(truth.Readings, got.Readings), name)
			got = fetchDay(t, v2, in2026(t, sample(t, name)), test.req)
			require.True(t, slices.Equal(truth.Readings, got.Readings), name+" in the format of 2026")
		}
	}
}

// in2026 puts a curve of v2 into the format of 2026, stamps as they are.
func in2026(t *testing.T, body string) string {
	t.Helper()
	var former struct {
		Data struct {
			Reading struct {
				PRM       string `json:"usage_point_id"`
				Intervals []struct {
					Value  string `json:"value"`
					Stamp  string `json:"date"`
					Length string `json:"interval_length"`
				} `json:"interval_reading"`
			} `json:"meter_reading"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &former))
	require.NotEmpty(t, former.Data.Reading.Intervals)
	var points []map[string]string
	for _, i := range former.Data.Reading.Intervals {
		points = append(points, map[string]string{"v": i.Value, "d": i.Stamp, "p": i.Length, "n": "B"})
	}
	out, err := json.Marshal(map[string]any{"success": true, "error": nil, "data": map[string]any{
		"idPrm": former.Data.Reading.PRM, "etapeMetier": "BRUT", "contexte": []any{}, "grandeur": []any{map[string]any{
			"grandeurMetier": "CONS", "grandeurPhysique": "PA", "unite": "W", "points": points,
		}},
	}})
	require.NoError(t, err)
	return string(out)
}
