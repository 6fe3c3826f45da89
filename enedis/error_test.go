package enedis_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

// sample is an answer that refuses; its file's name tells its status.
type sample struct {
	name   string
	status int
	body   []byte
}

// sampleErrors reads testdata/errors, and fails when there is nothing to read.
func sampleErrors(tb testing.TB) []sample {
	tb.Helper()
	return samples(tb, "errors")
}

func samples(tb testing.TB, folder string) []sample {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	require.NoError(tb, err)
	require.NotEmpty(tb, paths, "no samples in testdata/"+folder)
	var all []sample
	for _, path := range paths {
		body, err := os.ReadFile(path)
		require.NoError(tb, err)
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		status, err := strconv.Atoi(strings.TrimPrefix(name, "2026_")[:3])
		require.NoError(tb, err)
		all = append(all, sample{name: name, status: status, body: body})
	}
	return all
}

func TestActionOfEachSample(t *testing.T) {
	want := map[string]enedis.Action{
		"2026_400_ADAM-ERR0002_date_order":        enedis.FixSettings,
		"2026_400_ADAM-ERR0123":                   enedis.NarrowStart,
		"2026_400_no_subscribed_service":          enedis.RenewConsent,
		"2026_403_swagger_shape_not_holder":       enedis.RenewConsent,
		"2026_404_swagger_shape_no_measure":       enedis.Wait,
		"2026_429_swagger_shape_sla":              enedis.Quota,
		"2026_500_swagger_shape":                  enedis.Retry,
		"400_ADAM-DC-0007_not_holder_observed":    enedis.RenewConsent,
		"400_ADAM-ERR0061_not_holder":             enedis.RenewConsent,
		"400_ADAM-ERR0069_wrong_direction":        enedis.Never,
		"400_ADAM-ERR0075_curve_objection":        enedis.NotCollected,
		"400_ADAM-ERR0123_before_activation":      enedis.NarrowStart,
		"400_ADAM-ERR0125_history_deadline":       enedis.NarrowStart,
		"400_ADAM-ERR0126_more_than_7_days":       enedis.NarrowSpan,
		"400_invalid_request_date_order":          enedis.FixSettings,
		"400_invalid_request_end_in_future":       enedis.FixSettings,
		"400_invalid_request_usage_point_missing": enedis.FixSettings,
		"401_fault_900901_invalid_credentials":    enedis.FixSettings,
		"403_ADAM-DC-0007_not_owner_documented":   enedis.RenewConsent,
		"403_ADAM-DC-0008_no_consent":             enedis.RenewConsent,
		"403_fault_900908_not_subscribed":         enedis.FixSettings,
		"403_flat_900908_not_subscribed":          enedis.FixSettings,
		"403_unauthorized_user":                   enedis.RenewConsent,
		"404_STM-ERR-0000019_unknown_user":        enedis.RenewConsent,
		"404_STM-ERR-0000020":                     enedis.Wait,
		"404_no_data_found":                       enedis.Wait,
		"429_quota_Q3_per_second":                 enedis.Quota,
		"429_quota_Q4_per_hour":                   enedis.Quota,
		"500_ADAM-DC-0500":                        enedis.Retry,
		"500_technical_error":                     enedis.Retry,
	}
	got := map[string]enedis.Action{}
	for _, s := range sampleErrors(t) {
		refusal := enedis.Answer{Op: "daily", Status: s.status, Body: s.body}.Refusal()
		require.NotEqual(t, enedis.CodeUnreadable, refusal.Code, s.name)
		require.NotEmpty(t, refusal.Detail, s.name)
		got[s.name] = refusal.Action()
	}
	require.Equal(t, want, got)
}

func TestTokenSamplesAskForSettings(t *testing.T) {
	for _, s := range samples(t, "token") {
		err := error(&enedis.TokenError{Err: enedis.Answer{Op: "token", Status: s.status, Body: s.body}.Refusal()})
		require.Equal(t, enedis.FixSettings, enedis.ActionOf(err), s.name)
	}
}

func TestActionByCode(t *testing.T) {
	byAction := map[enedis.Action][]string{
		enedis.NarrowStart:  {"ADAM-ERR0123", "ADAM-ERR0125", "ADAM-DC-0016", "ADAM-DC-0009", "ADAM_DC_0009"},
		enedis.NarrowSpan:   {"ADAM-ERR0126", "ADAM-DC-0015"},
		enedis.Never:        {"ADAM-ERR0069"},
		enedis.NotCollected: {"ADAM-ERR0075"},
		enedis.RenewConsent: {
			"ADAM-ERR0061", "ADAM-DC-0007", "ADAM-DC-0008", "ADAM_DC_0008", "Bad request", "bad_request",
			"STM-ERR-0000019", "unauthorized_user", enedis.CodeTokenExpired,
		},
		enedis.FixSettings: {
			"900901", "900907", "900908", "900909", "900910", "invalid_client", "invalid_grant", "invalid_scope",
			"unauthorized_client", "unsupported_grant_type", "Invalid_request", "invalid_request", "invalid_resquest",
			"ADAM-ERR0002", enedis.CodeOtherMeter,
		},
		enedis.Wait:  {"no_data_found", "STM-ERR-0000020", "STM-ERR-0000014"},
		enedis.Quota: {enedis.CodeBanned, "Quota Q3 reached", "Quota Q4 reached"},
		enedis.Retry: {"ADAM-DC-0500", "STM-ERR-0000001", "technical_error", "900900", enedis.CodeUnreadable},
	}
	for _, action := range slices.Sorted(maps.Keys(byAction)) {
		for _, code := range byAction[action] {
			for _, status := range []int{200, 400, 403, 404, 500} { // the code decides, whatever the status is
				require.Equal(t, action, (&enedis.Error{Status: status, Code: code}).Action(), "%d %s", status, code)
			}
		}
	}
}

func TestActionByStatusAlone(t *testing.T) {
	want := map[int]enedis.Action{
		302: enedis.Retry, 400: enedis.FixSettings, 401: enedis.FixSettings, 403: enedis.RenewConsent, 404: enedis.Wait,
		405: enedis.FixSettings, 415: enedis.FixSettings, 429: enedis.Quota, 500: enedis.Retry, 503: enedis.Retry,
	}
	for status, action := range want {
		require.Equal(t, action, (&enedis.Error{Status: status}).Action(), status)
	}
}

func TestActionOf(t *testing.T) {
	tests := map[string]struct {
		err    error
		action enedis.Action
	}{
		"a refusal within others":       {fmt.Errorf("meter: %w", &enedis.Error{Code: "ADAM-ERR0069"}), enedis.Never},
		"a network failure":             {errors.New("connection refused"), enedis.Retry},
		"our own budget":                {fmt.Errorf("x: %w", &enedis.BudgetError{API: "a"}), enedis.Quota},
		"our own budget, for the token": {&enedis.TokenError{Err: &enedis.BudgetError{API: "oauth2"}}, enedis.Quota},
		"a clock that is wrong":         {&enedis.ClockError{}, enedis.FixSettings},
		"a token's network failure":     {&enedis.TokenError{Err: errors.New("refused")}, enedis.Retry},
		"a token's quota":               {&enedis.TokenError{Err: &enedis.Error{Status: 429}}, enedis.Quota},
		"a token's 500":                 {&enedis.TokenError{Err: &enedis.Error{Status: 500}}, enedis.Retry},
		"a token's 403 is no consent":   {&enedis.TokenError{Err: &enedis.Error{Status: 403}}, enedis.FixSettings},
		"a token's 404 is no lack of data": {
			&enedis.TokenError{Err: &enedis.Error{Status: 404}}, enedis.FixSettings,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.action, enedis.ActionOf(test.err))
		})
	}
}

func TestErrorIsOneLine(t *testing.T) {
	err := &enedis.Error{Op: "daily_consumption", Status: 400, Code: "ADAM-ERR0123", Detail: "too early"}
	require.EqualError(t, err, "daily_consumption: HTTP 400 ADAM-ERR0123: too early")
	require.EqualError(t, &enedis.Error{Op: "token", Status: 500}, "token: HTTP 500")
}

func TestWholeSource(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err          error
		whole, apart bool
	}{
		"no error":                      {err: nil},
		"the network":                   {err: errors.New("connection refused"), whole: true},
		"the clock":                     {err: &enedis.ClockError{}, whole: true},
		"the access token":              {err: &enedis.TokenError{Err: &enedis.Error{Status: 400, Code: "invalid_client"}}, whole: true},
		"a 401":                         {err: &enedis.Error{Status: 401}, whole: true},
		"a quota":                       {err: &enedis.Error{Status: 429}, whole: true},
		"our budget of the address":     {err: &enedis.BudgetError{Scope: enedis.ScopeAddress}, whole: true},
		"our budget of one token":       {err: &enedis.BudgetError{Scope: enedis.ScopeCredential}, apart: true},
		"a 401 of one token of many":    {err: &enedis.Error{Status: 401, Apart: true}, apart: true},
		"a 500":                         {err: &enedis.Error{Status: 500}},
		"a refused consent":             {err: &enedis.Error{Status: 403, Code: "ADAM-DC-0008"}},
		"an answer that says no data":   {err: &enedis.Error{Status: 404, Code: "no_data_found"}},
		"wrapped, as a source gives it": {err: fmt.Errorf("consoapi: %w", &enedis.Error{Status: 429}), whole: true},
	}
	for name, test := range tests {
		require.Equal(t, test.whole, enedis.WholeSource(test.err), name)
		require.Equal(t, test.apart, enedis.Apart(test.err), name)
	}
}
