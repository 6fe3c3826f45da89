package enedis_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

func TestRefusal(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		code   string
		detail string
		action enedis.Action
	}{
		"the API's shape": {
			400, `{"error":"ADAM-ERR0123","error_description":"Too early","error_uri":"x"}`,
			"ADAM-ERR0123", "Too early", enedis.NarrowStart,
		},
		"the gateway's fault": {
			403, `{"fault":{"code":900908,"message":"Resource forbidden ","description":"Not subscribed"}}`,
			"900908", "Not subscribed", enedis.FixSettings,
		},
		"the gateway's flat fault": {
			403, `{"code":"900908","message":"Resource forbidden "}`, "900908", "Resource forbidden", enedis.FixSettings,
		},
		"the Swagger's shape, whose code is the status": {
			404, `{"code":"404","message":"Pas de mesure"}`, "", "Pas de mesure", enedis.Wait,
		},
		"the same with a number": {429, `{"code":429,"message":"SLA dépassé"}`, "", "SLA dépassé", enedis.Quota},
		"another case": {
			400, `{"error":"INVALID_REQUEST","error_description":"x"}`, "INVALID_REQUEST", "x", enedis.FixSettings,
		},
		"the misspelling": {400, `{"error":"invalid_resquest"}`, "invalid_resquest", "", enedis.FixSettings},
		"underscores":     {403, `{"error":"ADAM_DC_0008"}`, "ADAM_DC_0008", "", enedis.RenewConsent},
		"unknown code":    {403, `{"error":"NEW-0001"}`, "NEW-0001", "", enedis.RenewConsent},
		"odd fields beside the code": {
			400, `{"error":"ADAM-ERR0069","error_description":{"fr":"non"},"message":["x"]}`,
			"ADAM-ERR0069", "", enedis.Never,
		},
		"an error with status 200": {
			200, `{"error":"ADAM-ERR0123","error_description":"x"}`, "ADAM-ERR0123", "x", enedis.NarrowStart,
		},
		"a description with status 200": {
			200, `{"message":"Something is wrong"}`, enedis.CodeUnreadable, "Something is wrong", enedis.Retry,
		},
		"HTML with 403": {
			403, "<html>\n<b>Blocked</b>", enedis.CodeUnreadable,
			"not an error of the API: <html> <b>Blocked</b>", enedis.Retry,
		},
		"HTML with 404": {404, "<html>", enedis.CodeUnreadable, "not an error of the API: <html>", enedis.Retry},
		"HTML with 401": {401, "<html>", "", "<html>", enedis.FixSettings},
		"HTML with 429": {429, "<html>", "", "<html>", enedis.Quota},
		"HTML with 503": {503, "<html>", enedis.CodeUnreadable, "not an error of the API: <html>", enedis.Retry},
		"nothing":       {500, "", enedis.CodeUnreadable, "not an error of the API:", enedis.Retry},
		"an empty object": {
			404, `{}`, enedis.CodeUnreadable, "not an error of the API: {}", enedis.Retry,
		},
		"cut off": {
			403, `{"error":"ADAM-DC-00`, enedis.CodeUnreadable, `not an error of the API: {"error":"ADAM-DC-00`, enedis.Retry,
		},
		"a PRM in the text": {
			400, `{"error":"Bad request","error_description":"point ` + prm + ` and 1` + prm + `\nunknown"}`,
			"Bad request", "point … and … unknown", enedis.RenewConsent,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := enedis.Answer{Op: "daily", Status: test.status, Body: []byte(test.body), At: noon}
			refusal := answer.Refusal()
			require.NotNil(t, refusal)
			require.Equal(t, enedis.Error{Op: "daily", Status: test.status, Code: test.code, Detail: test.detail}, *refusal)
			require.Equal(t, test.action, refusal.Action())
		})
	}
}

func TestDataIsNoRefusal(t *testing.T) {
	for _, body := range []string{`{}`, `null`, `[]`, `{"meter_reading":null}`, `{"idPrm":"` + prm + `"}`, `<html>`, ``} {
		require.Nil(t, enedis.Answer{Status: http.StatusOK, Body: []byte(body)}.Refusal(), body)
	}
}

func TestDecode(t *testing.T) {
	var v struct{ A int }
	require.NoError(t, enedis.Answer{Status: http.StatusOK, Body: []byte(`{"a":1}`)}.Decode(&v))
	require.Equal(t, 1, v.A)

	for body, code := range map[string]string{
		`{"a":"one"}`:               enedis.CodeUnreadable,
		`<html>`:                    enedis.CodeUnreadable,
		`{"a":1`:                    enedis.CodeUnreadable,
		``:                          enedis.CodeUnreadable,
		`{"error":"no_data_found"}`: "no_data_found",
	} {
		err := enedis.Answer{Status: http.StatusOK, Body: []byte(body)}.Decode(&v)
		refusal, ok := errors.AsType[*enedis.Error](err)
		require.True(t, ok, body)
		require.Equal(t, code, refusal.Code, body)
	}
}

func TestRetryAfter(t *testing.T) {
	tests := map[string]struct {
		value string
		want  time.Time
	}{
		"seconds":             {"90", noon.Add(90 * time.Second)},
		"a date":              {noon.Add(time.Hour).Format(http.TimeFormat), noon.Add(time.Hour)},
		"a date that is over": {noon.Add(-time.Hour).Format(http.TimeFormat), time.Time{}},
		"none":                {"", time.Time{}},
		"zero":                {"0", time.Time{}},
		"less than zero":      {"-5", time.Time{}},
		"beyond all measure":  {"99999999999999999999", time.Time{}},
		"something else":      {"soon", time.Time{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := enedis.Answer{Status: 429, Header: http.Header{"Retry-After": {test.value}}, At: noon}
			require.True(t, test.want.Equal(answer.Refusal().After), answer.Refusal().After)
		})
	}
}

func FuzzRefusal(f *testing.F) {
	for _, file := range sampleErrors(f) {
		f.Add(file.status, file.body)
	}
	f.Add(403, []byte("<html>"+strings.Repeat(" ", 1990)+prm))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		refusal := enedis.Answer{Op: "op", Status: status, Body: body}.Refusal()
		if refusal == nil {
			require.Equal(t, http.StatusOK, status)
			return
		}
		for _, text := range []string{refusal.Code, refusal.Detail} {
			require.LessOrEqual(t, utf8.RuneCountInString(text), 200)
			require.NotRegexp(t, `[0-9]{14}|[\r\n\t]`, text)
			require.True(t, utf8.ValidString(text))
		}
		if !json.Valid(body) && status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
			require.Equal(t, enedis.Retry, refusal.Action())
		}
	})
}
