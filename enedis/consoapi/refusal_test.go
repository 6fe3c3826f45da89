package consoapi_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

// refusalOf asks a gateway that answers in this way, and gives its refusal; nil when it gives data.
func refusalOf(t *testing.T, status int, body string, header http.Header) *enedis.Error {
	t.Helper()
	g, client := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
		maps.Copy(w.Header(), header)
		answer(status, body)(w, r)
	})
	_, err := client.Fetch(t.Context(), daily())
	require.Len(t, g.requests(), 1, "a refusal is not repeated")
	if err == nil {
		return nil
	}
	refusal, ok := errors.AsType[*enedis.Error](err)
	require.True(t, ok)
	require.Equal(t, "consommation_quotidienne", refusal.Op)
	require.NotContains(t, err.Error(), string(consumer))
	require.Equal(t, refusal.Action(), enedis.ActionOf(err))
	return refusal
}

// TestEverySampleLeadsToItsAction asks with each recorded shape of answer. Those of data are read by the tests of Fetch.
func TestEverySampleLeadsToItsAction(t *testing.T) {
	type outcome struct {
		action enedis.Action
		code   string
	}
	want := map[string]outcome{
		"400_enedis_date_order":      {enedis.FixSettings, "Invalid_request"},
		"400_enedis_not_holder":      {enedis.RenewConsent, "ADAM-DC-0007"},
		"400_invalid_parameters":     {enedis.FixSettings, ""},
		"400_missing_authorization":  {enedis.FixSettings, ""},
		"401_token_or_prm":           {enedis.FixSettings, ""},
		"403_enedis_no_consent":      {enedis.RenewConsent, "ADAM-DC-0008"},
		"404_enedis_no_data":         {enedis.Wait, "no_data_found"},
		"405_method":                 {enedis.FixSettings, ""},
		"500_enedis_technical_error": {enedis.Retry, "technical_error"},
		"500_token_refresh":          {enedis.Retry, ""},
		"500_unknown":                {enedis.Retry, ""},
		"503_enedis_non_json":        {enedis.Retry, enedis.CodeUnreadable},
	}
	paths, err := filepath.Glob(filepath.Join("testdata", "answers", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "no samples in testdata/answers")
	got, data := map[string]outcome{}, 0
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		status, err := strconv.Atoi(name[:3])
		require.NoError(t, err)
		if status == http.StatusOK {
			data++
			continue
		}
		refusal := refusalOf(t, status, sample(t, "answers/"+filepath.Base(path)), nil)
		require.NotNil(t, refusal, name)
		require.Equal(t, status, refusal.Status, name)
		require.NotEmpty(t, refusal.Detail, name)
		require.Zero(t, refusal.After, name)
		got[name] = outcome{refusal.Action(), refusal.Code}
	}
	require.Equal(t, want, got)
	require.Equal(t, 4, data)
}

// TestEveryRefusalOfEnedisLeadsToItsAction does the same with what the gateway hands on of Enedis's refusals, those of
// package enedis. A sample without a row fails. What is wrong with the gateway's own token is nothing that settings could
// mend.
func TestEveryRefusalOfEnedisLeadsToItsAction(t *testing.T) {
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
		"401_fault_900901_invalid_credentials":    enedis.Retry,
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
	entries, err := os.ReadDir(filepath.Join("..", "testdata", "errors"))
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	got := map[string]enedis.Action{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".json")
		status, err := strconv.Atoi(strings.TrimPrefix(name, "2026_")[:3])
		require.NoError(t, err)
		body, err := os.ReadFile(filepath.Join("..", "testdata", "errors", e.Name()))
		require.NoError(t, err)
		handedOn := fmt.Sprintf(`{"status":%d,"message":"The Enedis API returned an error","error":%s}`, status, body)
		refusal := refusalOf(t, status, handedOn, nil)
		require.NotNil(t, refusal, name)
		require.False(t, refusal.Apart, name)
		got[name] = refusal.Action()
	}
	require.Equal(t, want, got)
}

func TestRefusals(t *testing.T) {
	wrapped := func(inner string) string {
		return `{"status":0,"message":"The Enedis API returned an error","error":` + inner + `}`
	}
	tests := map[string]struct {
		status int
		body   string
		want   enedis.Error
		action enedis.Action
	}{
		"Enedis's Swagger shape": {
			404, wrapped(`{"code":"404","message":"Pas de mesure trouvée"}`),
			enedis.Error{Status: 404, Detail: "Pas de mesure trouvée"},
			enedis.Wait,
		},
		"Enedis's fault": {
			403, wrapped(`{"fault":{"code":900908,"message":"Resource forbidden","description":"Not subscribed"}}`),
			enedis.Error{Status: 403, Code: "900908", Detail: "Not subscribed"},
			enedis.FixSettings,
		},
		"too early a start": {
			400, wrapped(`{"error":"ADAM-ERR0123","error_description":"Too early"}`),
			enedis.Error{Status: 400, Code: "ADAM-ERR0123", Detail: "Too early"},
			enedis.NarrowStart,
		},
		"JSON in a string": {
			400, wrapped(`"{\"error\":\"ADAM-ERR0069\",\"error_description\":\"Wrong\"}"`),
			enedis.Error{Status: 400, Code: "ADAM-ERR0069", Detail: "Wrong"},
			enedis.Never,
		},
		"Enedis's quota": {
			429, wrapped(`{"error":"Quota Q4 reached","error_description":"x"}`),
			enedis.Error{Status: 429, Code: "Quota Q4 reached", Detail: "x"},
			enedis.Quota,
		},
		"Enedis's quota in a page": {
			429, wrapped(`"<html>"`), enedis.Error{Status: 429, Detail: "<html>"}, enedis.Quota,
		},
		"a page of a security device with 404": {
			404, wrapped(`"<html>"`),
			enedis.Error{Status: 404, Code: enedis.CodeUnreadable, Detail: "not an error of the API: <html>"},
			enedis.Retry,
		},
		"a page of a security device with 403 is no ban": {
			403, wrapped(`"<html>"`),
			enedis.Error{Status: 403, Code: enedis.CodeUnreadable, Detail: "not an error of the API: <html>"},
			enedis.Retry,
		},
		"a page of a security device with 400": {
			400, wrapped(`"<html>"`),
			enedis.Error{Status: 400, Code: enedis.CodeUnreadable, Detail: "not an error of the API: <html>"},
			enedis.Retry,
		},
		"nothing from Enedis": {
			403, wrapped(`""`),
			enedis.Error{Status: 403, Code: enedis.CodeUnreadable, Detail: "not an error of the API:"},
			enedis.Retry,
		},
		"null from Enedis": {
			403, wrapped(`null`),
			enedis.Error{Status: 403, Code: enedis.CodeUnreadable, Detail: "not an error of the API: null"},
			enedis.Retry,
		},
		"an empty object from Enedis": {
			404, wrapped(`{}`),
			enedis.Error{Status: 404, Code: enedis.CodeUnreadable, Detail: "not an error of the API: {}"},
			enedis.Retry,
		},
		"the gateway's own credentials": {
			401, wrapped(`{"fault":{"code":900901,"message":"Invalid Credentials","description":"Expired"}}`),
			enedis.Error{
				Status: 401, Code: enedis.CodeUnreadable, Detail: "the gateway is refused by Enedis: Expired",
			},
			enedis.Retry,
		},
		"a validator that says it in words": {
			400, `{"status":400,"message":"Paramètres invalides","error":{"name":"ZodError","message":"pointId"}}`,
			enedis.Error{Status: 400, Detail: "pointId"},
			enedis.FixSettings,
		},
		"a PRM in the text": {
			400, wrapped(`{"error":"Invalid_request","error_description":"point ` + string(consumer) + `"}`),
			enedis.Error{Status: 400, Code: "Invalid_request", Detail: "point …"},
			enedis.FixSettings,
		},
		"the gateway's quota": {
			429, `{"status":429,"message":"Too many requests"}`,
			enedis.Error{Status: 429, Detail: "Too many requests"},
			enedis.Quota,
		},
		"the gateway's quota in a page": {429, `<html>`, enedis.Error{Status: 429, Detail: "<html>"}, enedis.Quota},
		"an address that is nowhere, in a page": {
			404, `<html>`, enedis.Error{
				Status: 404, Code: enedis.CodeUnreadable, Detail: "no such address at the gateway: does the base URL end in /api?",
			}, enedis.Retry,
		},
		"an address that is nowhere, in JSON": {
			404, `{"statusCode":404,"message":"Page not found"}`, enedis.Error{
				Status: 404, Code: enedis.CodeUnreadable, Detail: "no such address at the gateway: does the base URL end in /api?",
			}, enedis.Retry,
		},
		"the host of the gateway is down": {
			502, `<html>`,
			enedis.Error{Status: 502, Code: enedis.CodeUnreadable, Detail: "not an error of the API: <html>"},
			enedis.Retry,
		},
		"a redirect": {
			308, ``, enedis.Error{Status: 308, Code: enedis.CodeUnreadable, Detail: "not an error of the API:"}, enedis.Retry,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refusal := refusalOf(t, test.status, test.body, nil)
			require.NotNil(t, refusal)
			test.want.Op = "consommation_quotidienne"
			require.Equal(t, test.want, *refusal)
			require.Equal(t, test.action, refusal.Action())
		})
	}
}

func TestBan(t *testing.T) {
	for name, body := range map[string]string{
		"in a page":           `<html><title>Access denied</title>`,
		"in JSON":             `{"status":403,"message":"Forbidden"}`,
		"in another JSON":     `{"error":"Forbidden"}`,
		"with nothing at all": ``,
	} {
		t.Run(name, func(t *testing.T) {
			refusal := refusalOf(t, http.StatusForbidden, body, nil)
			require.NotNil(t, refusal)
			require.Equal(t, enedis.Quota, refusal.Action())
			require.Equal(t, enedis.CodeBanned, refusal.Code)
			require.Contains(t, refusal.Detail, "HTTP 403")
			require.True(t, refusal.After.Equal(noon().Add(time.Hour)))
		})
	}
	later := refusalOf(t, http.StatusForbidden, ``, http.Header{"Retry-After": {"7200"}})
	require.True(t, later.After.Equal(noon().Add(2*time.Hour)), "the gateway's own word counts when it is later")
}

func TestRetryAfterIsKept(t *testing.T) {
	header := http.Header{"Retry-After": {"90"}}
	for name, body := range map[string]string{
		"the gateway's": `{"status":429,"message":"Too many requests"}`,
		"Enedis's":      `{"status":429,"message":"The Enedis API returned an error","error":{"code":"429","message":"SLA"}}`,
	} {
		refusal := refusalOf(t, http.StatusTooManyRequests, body, header)
		require.True(t, refusal.After.Equal(noon().Add(90*time.Second)), name)
	}
}
