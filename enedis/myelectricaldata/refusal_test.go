package myelectricaldata_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
)

// want is a refusal as it should be.
type want struct {
	status int
	code   string
	detail string
	action enedis.Action
	after  time.Time
}

func requireWant(t *testing.T, w want, op string, err error) {
	t.Helper()
	refusal := requireRefusal(t, err)
	require.Equal(t, enedis.Error{Op: op, Status: w.status, Code: w.code, Detail: w.detail, After: w.after}, *refusal)
	require.Equal(t, w.action, enedis.ActionOf(err))
}

func TestRefusalsOfV1(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   want
	}{
		"a sentence": {
			500, `{"detail":"Erreur : interne"}`, want{500, "", "Erreur : interne", enedis.Retry, time.Time{}},
		},
		"Enedis's error in a string": {
			404, `{"detail":"{\"error\":\"no_data_found\",\"error_description\":\"no measure\"}"}`,
			want{404, "no_data_found", "no measure", enedis.Wait, time.Time{}},
		},
		"Enedis's error as an object": {
			400, `{"detail":{"error":"ADAM-ERR0123","error_description":"too early"}}`,
			want{400, "ADAM-ERR0123", "too early", enedis.NarrowStart, time.Time{}},
		},
		"Enedis's error as a text": {
			500, `{"detail":"ADAM-ERR0069: wrong direction"}`, want{500, "ADAM-ERR0069", "wrong direction", enedis.Never, time.Time{}},
		},
		"Enedis's error as it is": {
			403, `{"error":"ADAM-DC-0008","error_description":"no consent"}`,
			want{403, "ADAM-DC-0008", "no consent", enedis.RenewConsent, time.Time{}},
		},
		"Enedis's error with 200": {
			200, `{"error":"ADAM-ERR0126","error_description":"too long"}`,
			want{200, "ADAM-ERR0126", "too long", enedis.NarrowSpan, time.Time{}},
		},
		"the gateway's own token at Enedis": {
			401, `{"detail":"{\"fault\":{\"code\":900901,\"message\":\"Invalid Credentials\",\"description\":\"expired\"}}"}`,
			want{502, "", "900901: expired", enedis.Retry, time.Time{}},
		},
		"the gateway has not subscribed": {
			403, `{"detail":{"code":"900908","message":"forbidden"}}`, want{502, "", "900908: forbidden", enedis.Retry, time.Time{}},
		},
		"no consent": {
			401, `{"detail":"Consentement expiré"}`,
			want{401, "unauthorized_user", "Consentement expiré", enedis.RenewConsent, time.Time{}},
		},
		"a token of another meter, with its number": {
			403, `{"detail":"PDL 09876543210987 inconnu"}`, want{403, enedis.CodeOtherMeter, "PDL … inconnu", enedis.FixSettings, time.Time{}},
		},
		"the quota": {
			409, `{"detail":"Quota: 50/50"}`,
			want{429, "", "Quota: 50/50", enedis.Quota, midnight()},
		},
		"the quota as 429":         {429, `{"detail":"Too many"}`, want{429, "", "Too many", enedis.Quota, midnight()}},
		"the quota without a body": {429, ``, want{429, "", "", enedis.Quota, midnight()}},
		"Enedis's quota": {
			429, `{"detail":{"error":"Quota Q3 reached"}}`,
			want{429, "Quota Q3 reached", "", enedis.Quota, time.Time{}},
		},
		"a parameter is malformed": {
			422, `{"detail":[{"loc":["path"],"msg":"x"}]}`,
			want{422, "invalid_request", `[{"loc":["path"],"msg":"x"}]`, enedis.FixSettings, time.Time{}},
		},
		"an error that says little": {
			500, `{"detail":{"foo":1}}`,
			want{500, enedis.CodeUnreadable, `not an error of the API: {"foo":1}`, enedis.Retry, time.Time{}},
		},
		"no detail": {500, `{"detail":null}`, want{500, "", "null", enedis.Retry, time.Time{}}},
		"HTML": {
			404, `<html>`,
			want{404, enedis.CodeUnreadable, "not an error of the API: <html>", enedis.Retry, time.Time{}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, myelectricaldata.Options{Version: v1}, answer(test.status, test.body))
			_, err := client.Fetch(t.Context(), daily())
			requireWant(t, test.want, "daily_consumption", err)
			require.Len(t, g.requests(), 1, "a refusal is not repeated")
		})
	}
}

// worded is an envelope with an error, of which success may be true.
func worded(t *testing.T, success bool, data any, code, message string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"success": success, "data": data, "error": map[string]any{"code": code, "message": message, "field": nil},
		"timestamp": "2026-11-22T07:41:12.123456",
	})
	require.NoError(t, err)
	return string(body)
}

func TestWhatEnedisToldV2(t *testing.T) {
	const failed = "Failed to fetch 2026-11-14 to 2026-11-21: "
	tests := map[string]struct {
		message string
		want    want
	}{
		"a code": {
			"ADAM-DC-0008: no consent",
			want{200, "ADAM-DC-0008", "no consent", enedis.RenewConsent, time.Time{}},
		},
		"a code of two words": {
			"Bad request: no subscribed services",
			want{200, "Bad request", "no subscribed services", enedis.RenewConsent, time.Time{}},
		},
		"behind a prefix": {
			failed + "ADAM-ERR0125: too old",
			want{200, "ADAM-ERR0125", "too old", enedis.NarrowStart, time.Time{}},
		},
		"no data twice": {
			failed + "no_data_found: none; " + failed + "no_data_found: none at all",
			want{200, "no_data_found", "none", enedis.Wait, time.Time{}},
		},
		"no data, and more": {
			failed + "no_data_found: none; " + failed + "technical_error: later; please",
			want{200, "technical_error", "later; please", enedis.Retry, time.Time{}},
		},
		"Enedis's quota": {
			"Quota Q4 reached: Call threshold",
			want{200, "Quota Q4 reached", "Call threshold", enedis.Quota, time.Time{}},
		},
		"the gateway's token": {
			"900901: Invalid Credentials",
			want{502, "ENEDIS_ERROR", "900901: Invalid Credentials", enedis.Retry, time.Time{}},
		},
		"the gateway's secret": {"invalid_client: no", want{502, "", "invalid_client: no", enedis.Retry, time.Time{}}},
		"an unknown code":      {"ADAM-ERR9999: what", want{200, "ADAM-ERR9999", "what", enedis.Retry, time.Time{}}},
		"a sentence": {
			"All connection attempts failed",
			want{502, "ENEDIS_ERROR", "All connection attempts failed", enedis.Retry, time.Time{}},
		},
		"nothing": {"", want{502, "ENEDIS_ERROR", "", enedis.Retry, time.Time{}}},
		"a status, no data": {
			failed + "Client error '404 Not Found' for url 'https://x/?pointId=09876543210987'",
			want{404, "ENEDIS_ERROR", "Client error '404 Not Found' for url 'https://x/?pointId=…'", enedis.Wait, time.Time{}},
		},
		"a status, not the holder": {
			"Client error '403 Forbidden' for url 'u'",
			want{403, "ENEDIS_ERROR", "Client error '403 Forbidden' for url 'u'", enedis.RenewConsent, time.Time{}},
		},
		"a status, too many": {
			"Client error '429 Too Many' for url 'u'",
			want{429, "ENEDIS_ERROR", "Client error '429 Too Many' for url 'u'", enedis.Quota, time.Time{}},
		},
		"a status, the token": {
			"Client error '401 Unauthorized' for url 'u'",
			want{502, "ENEDIS_ERROR", "Client error '401 Unauthorized' for url 'u'", enedis.Retry, time.Time{}},
		},
		"a status, trouble": {
			"Server error '500 Internal' for url 'u'",
			want{502, "ENEDIS_ERROR", "Server error '500 Internal' for url 'u'", enedis.Retry, time.Time{}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, worded(t, false, nil, "ENEDIS_ERROR", test.message)))
			_, err := client.Fetch(t.Context(), daily())
			requireWant(t, test.want, "consumption/daily", err)
		})
	}
}

func TestEnvelopesOfV2(t *testing.T) {
	unreadable := func(detail string) want { return want{200, enedis.CodeUnreadable, detail, enedis.Retry, time.Time{}} }
	values := map[string]any{"meter_reading": map[string]any{"interval_reading": []any{}}}
	tests := map[string]struct {
		body string
		want want
	}{
		"success, with an error all the same": {
			worded(t, true, values, "NO_DATA", "none"), want{404, "no_data_found", "none", enedis.Wait, time.Time{}},
		},
		"an error without a name": {worded(t, false, nil, "", ""), unreadable("an error without a name")},
		"an error in words alone": {worded(t, false, nil, "", "oops"), unreadable("oops")},
		"a code of Enedis's": {
			worded(t, false, nil, "ADAM-ERR0061", "not the holder"),
			want{200, "ADAM-ERR0061", "not the holder", enedis.RenewConsent, time.Time{}},
		},
		"a word that nobody knows": {
			worded(t, false, nil, "SURPRISE", "!"),
			want{200, "SURPRISE", "!", enedis.Retry, time.Time{}},
		},
		"a malformed date": {
			worded(t, false, nil, "INVALID_DATE_FORMAT", "?"),
			want{400, "invalid_request", "?", enedis.FixSettings, time.Time{}},
		},
		"partial data without any": {
			worded(t, false, nil, "PARTIAL_DATA", "none"),
			want{200, "PARTIAL_DATA", "none", enedis.Retry, time.Time{}},
		},
		"no success and no error": {
			`{"success":false,"data":null,"error":null}`,
			unreadable("the answer has not the gateway's envelope"),
		},
		"no envelope": {`{"meter_reading":null}`, unreadable("the answer has not the gateway's envelope")},
		"HTML":        {`<html>`, unreadable("invalid character '<' looking for beginning of value")},
		"a list": {
			`{"success":true,"data":[]}`,
			unreadable("json: cannot unmarshal array into Go value of type map[string]interface {}"),
		},
		"another meter": {
			`{"success":true,"data":{"idPrm":"33000000000033","grandeur":[]}}`,
			unreadable("the answer is about another meter"),
		},
		"the gateway's fault in data": {
			`{"success":true,"data":{"fault":{"code":900908,"message":"no"}}}`,
			want{502, "", "900908: no", enedis.Retry, time.Time{}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, test.body))
			_, err := client.Fetch(t.Context(), daily())
			requireWant(t, test.want, "consumption/daily", err)
		})
	}
}

func TestTheDoorOfV2(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		action enedis.Action
		token  bool
	}{
		"not known":    {401, `{"detail":"Invalid authentication credentials"}`, enedis.FixSettings, false},
		"not verified": {403, `{"detail":"Email not verified. Please check your email."}`, enedis.FixSettings, true},
		"malformed":    {422, `{"detail":[{"loc":["query","start"]}]}`, enedis.FixSettings, false},
		"broken":       {502, `<html>Bad Gateway</html>`, enedis.Retry, false},
		"redirected":   {307, ``, enedis.Retry, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(test.status, test.body))
			_, err := client.Fetch(t.Context(), daily())
			require.Equal(t, test.status, requireRefusal(t, err).Status)
			require.Equal(t, test.action, enedis.ActionOf(err))
			_, ofTheToken := errors.AsType[*enedis.TokenError](err)
			require.Equal(t, test.token, ofTheToken, "trouble of the account, not of one meter")
		})
	}
}

func TestTheQuotaLastsUntilMidnightUTC(t *testing.T) {
	for name, now := range map[string]time.Time{
		"at noon":                   noon(),
		"a second before":           time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC),
		"already tomorrow in Paris": time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC),
	} {
		g, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(200, worded(t, false, nil, "RATE_LIMIT_EXCEEDED", "50/50")))
		g.pass(now.Sub(noon()))
		_, err := client.Fetch(t.Context(), daily())
		require.Equal(t, midnight(), requireRefusal(t, err).After, name)
	}
}
