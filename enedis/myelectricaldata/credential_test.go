package myelectricaldata_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const third = meter.PRM("22222222222222")

func TestTheGateIsToldTheTokenAndTheMeter(t *testing.T) {
	tests := map[string]struct {
		options myelectricaldata.Options
		want    map[meter.PRM]string // labels
	}{
		"one token": {
			myelectricaldata.Options{Version: v1, Token: secret}, map[meter.PRM]string{consumer: "token", producer: "token"},
		},
		"a token each": {
			myelectricaldata.Options{Version: v1, Tokens: map[meter.PRM]string{consumer: "a", producer: "b"}},
			map[meter.PRM]string{consumer: "…0987", producer: "…0033"},
		},
		"one for all, and one of its own": {
			myelectricaldata.Options{Version: v2, Token: secret, Tokens: map[meter.PRM]string{producer: "b"}},
			map[meter.PRM]string{consumer: "token", producer: "…0033"},
		},
		"one that opens two": {
			myelectricaldata.Options{Version: v2, Tokens: map[meter.PRM]string{consumer: "a", producer: "a", third: "b"}},
			map[meter.PRM]string{consumer: "token", producer: "token", third: "…2222"},
		},
		"two that open two": {
			myelectricaldata.Options{Version: v2, Token: secret, Tokens: map[meter.PRM]string{consumer: "a", producer: "a"}},
			map[meter.PRM]string{consumer: "token 2", producer: "token 2", third: "token"},
		},
		"the common one again": {
			myelectricaldata.Options{Version: v2, Token: secret, Tokens: map[meter.PRM]string{consumer: secret}},
			map[meter.PRM]string{consumer: "token", producer: "token"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body := map[myelectricaldata.Version]string{v1: `{}`, v2: nothing}[test.options.Version]
			for prm, label := range test.want {
				g, client := newGateway(t, test.options, answer(http.StatusOK, body))
				req := daily()
				req.PRM = prm
				_, err := client.Fetch(t.Context(), req)
				require.NoError(t, err)
				_, err = client.Profile(t.Context(), prm)
				require.Error(t, err)
				call := enedis.Call{API: "myelectricaldata", Credential: label, PRM: prm}
				require.Equal(t, []enedis.Call{call, call}, g.gates)
			}
		})
	}
}

func TestTheGateIsToldOfTheAccountsCalls(t *testing.T) {
	g, client := newGateway(t, credentials(), withTokens(t, numbered, anyToken))
	_, err := client.Meters(t.Context())
	require.Error(t, err, "what answers here is no list")
	_, err = client.Fetch(t.Context(), daily())
	require.NoError(t, err)
	account := enedis.Call{API: "myelectricaldata", Credential: "token"}
	require.Equal(t, []enedis.Call{account, account, {API: "myelectricaldata", Credential: "token", PRM: consumer}}, g.gates)
}

// TestWhoseTroubleARefusalIs asks with one token, and with two, of which the other is not concerned.
func TestWhoseTroubleARefusalIs(t *testing.T) {
	tests := map[string]struct {
		version myelectricaldata.Version
		status  int
		body    string
		apart   bool // with two tokens
	}{
		"v1: no consent":                    {v1, 401, `{"detail":"Consentement expiré"}`, true},
		"v1: another meter's token":         {v1, 403, sample(t, "med-legacy/403_token_pdl_mismatch.json"), true},
		"v1: the quota of the token":        {v1, 409, sample(t, "med-legacy/409_quota.json"), true},
		"v1: Enedis's quota":                {v1, 429, `{"detail":{"error":"Quota Q3 reached"}}`, false},
		"v1: trouble":                       {v1, 500, `{"detail":"x"}`, false},
		"v1: the gateway's token at Enedis": {v1, 401, `{"detail":{"fault":{"code":900901,"message":"x"}}}`, false},
		"v2: no such token":                 {v2, 401, sample(t, "med-v2/401_detail.json"), true},
		"v2: no such account":               {v2, 403, `{"detail":"Email not verified. Please check your email."}`, true},
		"v2: the quota of the account":      {v2, 200, sample(t, "med-v2/200_error_RATE_LIMIT_EXCEEDED.json"), true},
		"v2: Enedis's quota":                {v2, 200, worded(t, false, nil, "ENEDIS_ERROR", "Quota Q4 reached: x"), false},
		"v2: Enedis's quota, in words": {
			v2, 200, worded(t, false, nil, "ENEDIS_ERROR", "Client error '429 Too Many' for url 'u'"), false,
		},
		"v2: no access": {v2, 200, sample(t, "med-v2/200_error_ACCESS_DENIED.json"), false}, // as its status says
		"v2: trouble":   {v2, 502, `<html>`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for alone, options := range map[bool]myelectricaldata.Options{
				true:  {Version: test.version, Token: secret},
				false: {Version: test.version, Token: secret, Tokens: map[meter.PRM]string{producer: "b"}},
			} {
				_, client := newGateway(t, options, answer(test.status, test.body))
				_, err := client.Fetch(t.Context(), daily())
				require.Equal(t, test.apart && !alone, requireRefusal(t, err).Apart)
			}
		})
	}
}

func TestAnAccountThatIsRefusedIsApartFromOtherTokens(t *testing.T) {
	for status, apart := range map[int]bool{401: true, 403: true, 422: true, 500: false} {
		options := credentials()
		options.Tokens = map[meter.PRM]string{producer: "b"}
		_, client := newGateway(t, options, withTokens(t, func(int) (int, string) { return status, `{"detail":"no"}` }, anyToken))
		_, err := client.Fetch(t.Context(), daily())
		_, ofTheToken := errors.AsType[*enedis.TokenError](err)
		require.True(t, ofTheToken)
		require.Equal(t, apart, requireRefusal(t, err).Apart, status)
	}
}
