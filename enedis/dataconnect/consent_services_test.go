package dataconnect_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const servicesCall = "subscribed_services/v1/"

// authorisation is what the consent page of 2026 sends back.
func authorisation() url.Values {
	return url.Values{"autorisation_id": {"123456789"}, "state": {"9f2c"}}
}

// rows makes an answer of subscribed_services of rows "PRM state direction end", the last part as JSON.
func rows(lines ...string) string {
	var list []string
	for _, line := range lines {
		var prm, state, direction, end string
		if _, err := fmt.Sscan(line, &prm, &state, &direction, &end); err != nil {
			panic(err)
		}
		list = append(list, fmt.Sprintf(
			`{"pointId":%q,"etatCode":%q,"soutirage":%t,"injection":%t,"dateFin":%s,"autorisation":{"autorisationId":123456789}}`,
			prm, state, direction == "soutirage", direction == "injection", end))
	}
	return fmt.Sprintf(`{"nbTotalServices":%d,"serviceSouscrit":[%s]}`, len(list), strings.Join(list, ","))
}

func TestAnAuthorisationIsExchanged(t *testing.T) {
	for _, version := range []dataconnect.Version{dataconnect.V2026, dataconnect.V5} {
		fake, client := newEnedis(t, version, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.JSONEq(t, `{"autorisationId":123456789,"autorisation":true,"comptage":false,"serviceType":"ACCES"}`, string(body))
			assert.Empty(t, r.URL.RawQuery)
			assert.Equal(t, "Bearer token-1", r.Header.Get("Authorization"))
			_, _ = io.WriteString(w, sample(t, "2026/subscribed_services_response_selfconsumption.json"))
		})
		grants, err := client.Grants(t.Context(), authorisation())
		require.NoError(t, err)
		require.Equal(t, []enedis.Grant{{PRM: producer, Directions: meter.Directions(), Until: day("2029-10-19")}}, grants)
		require.Equal(t, []string{tokenCall, servicesCall}, fake.requests())
		require.NotContains(t, fake.log(), "123456789")
		require.NotContains(t, fake.log(), string(producer))
	}
}

func TestGrantsOfServices(t *testing.T) {
	consumption := []meter.Direction{meter.Consumption}
	tests := map[string]struct {
		body string
		want []enedis.Grant
	}{
		"the latest end of what is active": {
			rows(
				"09876543210987 ACTIF soutirage \"2027-01-31\"",
				"09876543210987 ACTIF soutirage \"2028-01-31\"",
				"09876543210987 ACTIF soutirage null",
				"09876543210987 TERMINE injection \"2031-01-31\"",
				"09876543210987 DEMANDE injection \"2031-01-31\""),
			[]enedis.Grant{{PRM: consumer, Directions: consumption, Until: day("2028-01-31")}},
		},
		"no end": {
			rows("09876543210987 ACTIF soutirage null"),
			[]enedis.Grant{{PRM: consumer, Directions: consumption, Until: day(inThreeYears)}},
		},
		"an end that is no date": {
			rows("09876543210987 ACTIF soutirage \"demain\""),
			[]enedis.Grant{{PRM: consumer, Directions: consumption, Until: day(inThreeYears)}},
		},
		"two meters, production found first": {
			rows(
				"33000000000033 ACTIF injection \"2029-10-19\"",
				"09876543210987 ACTIF soutirage \"2029-10-19\"",
				"33000000000033 actif soutirage \"2029-10-19\""),
			[]enedis.Grant{
				{PRM: producer, Directions: meter.Directions(), Until: day("2029-10-19")},
				{PRM: consumer, Directions: consumption, Until: day("2029-10-19")},
			},
		},
		"no direction": {
			rows("09876543210987 ACTIF - \"2029-10-19\""),
			[]enedis.Grant{{PRM: consumer, Until: day("2029-10-19")}},
		},
		"what has ended is no PRM": {
			rows("none TERMINE soutirage \"2029-10-19\"", "09876543210987 ACTIF soutirage \"2029-10-19\""),
			[]enedis.Grant{{PRM: consumer, Directions: consumption, Until: day("2029-10-19")}},
		},
		"no authorisation is named": {
			`{"serviceSouscrit":[{"pointId":"09876543210987","etatCode":"ACTIF","autorisation":null}]}`,
			[]enedis.Grant{{PRM: consumer, Until: day(inThreeYears)}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, client := newEnedis(t, dataconnect.V2026, answer(http.StatusOK, test.body))
			grants, err := client.Grants(t.Context(), authorisation())
			require.NoError(t, err)
			require.Equal(t, test.want, grants)
		})
	}
}

func TestTheLastDayOfAService(t *testing.T) {
	for end, want := range map[string]string{
		"2029-10-19":                    "2029-10-19",
		"2029-10-19T00:00:00+0200":      "2029-10-19", // as the contract APIs write a date
		"2029-10-19T00:00:00+02:00":     "2029-10-19",
		"2029-10-18T22:00:00Z":          "2029-10-19",
		"2029-10-18T22:00:00.000Z":      "2029-10-19",
		"2029-10-19T23:59:59.999+02:00": "2029-10-19",
		"2029-12-31T23:00:00Z":          "2030-01-01",
		"2029-10-19T00:00:00":           "2029-10-19",
		"2029-10-19T23:59:59":           "2029-10-19",
		"2029-10-19T23:59:59+0200":      "2029-10-19",
	} {
		t.Run(end, func(t *testing.T) {
			_, client := newEnedis(t, dataconnect.V2026,
				answer(http.StatusOK, rows(fmt.Sprintf("09876543210987 ACTIF soutirage %q", end))))
			grants, err := client.Grants(t.Context(), authorisation())
			require.NoError(t, err)
			require.Equal(t, day(want), grants[0].Until)
		})
	}
}

func TestAConsentWithoutServicesIsNotReady(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"null":                   {200, sample(t, "2026/subscribed_services_response_not_ready.json")},
		"no row":                 {200, `{"nbTotalServices":0,"serviceSouscrit":[]}`},
		"an object":              {200, `{}`},
		"null for all":           {200, `null`},
		"requested alone":        {200, rows("09876543210987 DEMANDE soutirage null", "09876543210987 TERMINE injection null")},
		"in an unknown state":    {200, rows("09876543210987 ENCOURS soutirage null")},
		"no service, in words":   {400, `{"error":"Bad request","error_description":"Pas de services souscrits"}`},
		"nothing is found":       {404, `{"code":"404","message":"Aucun service"}`},
		"nothing is found in v5": {404, `{"error":"no_data_found"}`},
	} {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, answer(test.status, test.body))
			grants, err := client.Grants(t.Context(), authorisation())
			require.ErrorIs(t, err, enedis.ErrNotReady)
			require.Empty(t, grants)
			require.Equal(t, []string{tokenCall, servicesCall}, fake.requests(), "it is asked once")
		})
	}
}

func TestAConsentThatHasEnded(t *testing.T) {
	for name, body := range map[string]string{
		"the sample": sample(t, "2026/subscribed_services_response_terminated.json"),
		"deleted":    rows("09876543210987 SUPPRIME soutirage null", "09876543210987 TERMINE soutirage null"),
	} {
		t.Run(name, func(t *testing.T) {
			_, client := newEnedis(t, dataconnect.V2026, answer(http.StatusOK, body))
			grants, err := client.Grants(t.Context(), authorisation())
			var failure *enedis.ConsentError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, &enedis.ConsentError{Code: "the services of this consent have ended"}, failure)
			require.Empty(t, grants)
		})
	}
}

func TestAnAuthorisationIsOneNumber(t *testing.T) {
	for name, values := range map[string][]string{
		"a word":        {"abc"},
		"zero":          {"0"},
		"below zero":    {"-5"},
		"a sign":        {"+5"},
		"past an int64": {"9223372036854775808"},
		"a list":        {"1;2"},
		"two":           {"1", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, nil)
			_, err := client.Grants(t.Context(), url.Values{"autorisation_id": values})
			var failure *enedis.ConsentError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, &enedis.ConsentError{Code: "autorisation_id is not one number"}, failure)
			require.Empty(t, fake.requests())
		})
	}
}

func TestRefusalsOfServices(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   enedis.Error
		action enedis.Action
	}{
		"a fresh consent, as in v5": {
			500, `{"error":"technical_error","error_description":"Technical error. Please try later."}`,
			enedis.Error{Status: 500, Code: "technical_error", Detail: "Technical error. Please try later."},
			enedis.Retry,
		},
		"not subscribed": {
			403, `{"fault":{"code":900908,"message":"Resource forbidden","description":"no subscription"}}`,
			enedis.Error{Status: 403, Code: enedis.CodeNotSubscribed, Detail: "no subscription"},
			enedis.FixSettings,
		},
		"not the holder": {
			400, `{"error":"ADAM-DC-0007","error_description":"point 09876543210987"}`,
			enedis.Error{Status: 400, Code: "ADAM-DC-0007", Detail: "point …"},
			enedis.RenewConsent,
		},
		"the quota": {
			429, `{"code":"429","message":"SLA dépassé"}`, enedis.Error{Status: 429, Detail: "SLA dépassé"}, enedis.Quota,
		},
		"a page with a 404": {
			404, `<html>`,
			enedis.Error{Status: 404, Code: enedis.CodeUnreadable, Detail: "not an error of the API: <html>"},
			enedis.Retry,
		},
		"another authorisation": {
			200, `{"serviceSouscrit":[{"pointId":"09876543210987","etatCode":"ACTIF","autorisation":{"autorisationId":5}}]}`,
			enedis.Error{Status: 200, Code: enedis.CodeUnreadable, Detail: "the answer is about another authorisation"},
			enedis.Retry,
		},
		"what is no PRM": {
			200, rows("987 ACTIF soutirage null"),
			enedis.Error{Status: 200, Code: enedis.CodeUnreadable, Detail: "pointId: a PRM has exactly 14 digits"},
			enedis.Retry,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, answer(test.status, test.body))
			_, err := client.Grants(t.Context(), authorisation())
			var refusal *enedis.Error
			require.ErrorAs(t, err, &refusal)
			test.want.Op = "subscribed_services"
			require.Equal(t, test.want, *refusal)
			require.Equal(t, test.action, enedis.ActionOf(err))
			require.Len(t, fake.requests(), 2, "a refusal is not repeated")
			require.NotErrorIs(t, err, enedis.ErrNotReady)
		})
	}
}

func TestServicesRenewARefusedToken(t *testing.T) {
	calls := 0
	fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 1 {
			refuse(w)
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Contains(t, string(body), "123456789", "the body is sent again")
		_, _ = io.WriteString(w, sample(t, "2026/subscribed_services_response.json"))
	})
	grants, err := client.Grants(t.Context(), authorisation())
	require.NoError(t, err)
	require.Len(t, grants, 1)
	require.Equal(t, []string{tokenCall, servicesCall, tokenCall, servicesCall}, fake.requests())
}

func TestABlankAnswerMayBeAnOldTokens(t *testing.T) {
	calls := 0
	fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls < 3 {
			_, _ = io.WriteString(w, `{}`)
			return
		}
		_, _ = io.WriteString(w, sample(t, "2026/subscribed_services_response.json"))
	})
	_, err := client.Grants(t.Context(), authorisation())
	require.ErrorIs(t, err, enedis.ErrNotReady)
	fake.pass(2 * time.Hour)
	grants, err := client.Grants(t.Context(), authorisation())
	require.NoError(t, err)
	require.Len(t, grants, 1)
}

func TestATokenThatIsNotFoundIsNotAConsentThatIsNotReady(t *testing.T) {
	fake, client := newEnedis(t, dataconnect.V2026, nil)
	fake.token = answer(http.StatusNotFound, `{"error":"no_data_found"}`)
	_, err := client.Grants(t.Context(), authorisation())
	var failure *enedis.TokenError
	require.ErrorAs(t, err, &failure)
	require.NotErrorIs(t, err, enedis.ErrNotReady)
}
