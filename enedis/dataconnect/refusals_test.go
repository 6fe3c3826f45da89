package dataconnect_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
)

// refusals lists the samples of a folder of package enedis that are no success, by name, each with its body.
func refusals(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("..", "testdata", folder))
	require.NoError(t, err)
	found := map[string]string{}
	for _, e := range entries {
		body, err := os.ReadFile(filepath.Join("..", "testdata", folder, e.Name()))
		require.NoError(t, err)
		found[strings.TrimSuffix(e.Name(), ".json")] = string(body)
	}
	require.NotEmpty(t, found, "no samples in "+folder)
	return found
}

// statusOf is the HTTP status that a sample's name begins with.
func statusOf(t *testing.T, name string) int {
	t.Helper()
	status, err := strconv.Atoi(strings.TrimPrefix(name, "2026_")[:3])
	require.NoError(t, err)
	return status
}

// TestEveryRefusalLeadsToItsAction has the client meet each recorded refusal, in the version of the API that it comes from.
// A sample without a row fails.
func TestEveryRefusalLeadsToItsAction(t *testing.T) {
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
	for name, body := range refusals(t, "errors") {
		version := dataconnect.V5
		if strings.HasPrefix(name, "2026_") {
			version = dataconnect.V2026
		}
		fake, client := newEnedis(t, version, answer(statusOf(t, name), body))
		_, err := client.Fetch(t.Context(), daily())
		require.Error(t, err, name)
		got[name] = enedis.ActionOf(err)
		calls := 2 // the token's and one more
		if statusOf(t, name) == http.StatusUnauthorized {
			calls = 4 // once more with a new token
		}
		require.Len(t, fake.requests(), calls, name)
		require.NotContains(t, err.Error(), string(consumer), name)
	}
	require.Equal(t, want, got)
}

// TestEveryRefusalOfATokenAsksForSettings does the same for the token endpoint.
func TestEveryRefusalOfATokenAsksForSettings(t *testing.T) {
	want := map[string]enedis.Action{
		"400_invalid_request":        enedis.FixSettings,
		"400_unsupported_grant_type": enedis.FixSettings,
		"401_invalid_client":         enedis.FixSettings,
	}
	got := map[string]enedis.Action{}
	for name, body := range refusals(t, "token") {
		fake, client := newEnedis(t, dataconnect.V2026, nil)
		fake.token = answer(statusOf(t, name), body)
		_, err := client.Fetch(t.Context(), daily())
		require.Error(t, err, name)
		got[name] = enedis.ActionOf(err)
		require.Len(t, fake.requests(), 1, name)
	}
	require.Equal(t, want, got)
}

func TestTheGateIsToldTheMeter(t *testing.T) {
	for version, want := range map[dataconnect.Version][]enedis.Call{
		dataconnect.V2026: {
			{API: "oauth2"},
			{API: "mesure_synchrone_auto", PRM: consumer},
			{API: "situation_contrat_auto", PRM: consumer},
			{API: "synth_contrat_auto", PRM: consumer},
			{API: "comptage_auto", PRM: consumer},
		},
		dataconnect.V5: {
			{API: "oauth2"}, {API: "metering_data_dc", PRM: consumer}, {API: "customers_upc", PRM: consumer},
		},
	} {
		fake, client := newEnedis(t, version, answer(http.StatusNotFound, `{"error":"no_data_found"}`))
		_, err := client.Fetch(t.Context(), daily())
		require.Equal(t, enedis.Wait, enedis.ActionOf(err))
		_, err = client.Profile(t.Context(), consumer)
		require.Equal(t, enedis.Wait, enedis.ActionOf(err))
		fake.requests()
		require.Equal(t, want, fake.gates)
	}
}
