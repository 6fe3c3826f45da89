package consoapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestParseToken(t *testing.T) {
	issued, expires := time.Unix(1_790_000_000, 0).UTC(), time.Unix(1_884_521_600, 0).UTC()
	require.Equal(t, 1094*24*time.Hour, expires.Sub(issued))
	tests := map[string]struct {
		token string
		want  consoapi.Token
	}{
		"as the gateway makes it": {
			tokenOf(sample(t, "decoded_user_token_payload.json")),
			consoapi.Token{PRMs: []meter.PRM{consumer, selfConsumer}, Issued: issued, Expires: expires},
		},
		"with white space around it": {
			" " + tokenOf(`{"sub":["09876543210987"],"exp":1884521600}`) + "\n",
			consoapi.Token{PRMs: []meter.PRM{consumer}, Expires: expires},
		},
		"with a string for a subject": {
			tokenOf(`{"sub":"09876543210987"}`), consoapi.Token{PRMs: []meter.PRM{consumer}},
		},
		"with a meter twice": {
			tokenOf(`{"sub":["09876543210987","33000000000033","09876543210987"]}`),
			consoapi.Token{PRMs: []meter.PRM{consumer, selfConsumer}},
		},
		"with a fraction of a second": {
			tokenOf(`{"sub":["09876543210987"],"exp":1884521600.5,"iat":null}`),
			consoapi.Token{PRMs: []meter.PRM{consumer}, Expires: expires},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := consoapi.ParseToken(test.token)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestParseTokenRefusesWhatIsNone(t *testing.T) {
	good := tokenOf(`{"sub":["09876543210987"]}`)
	const none, empty = "no token of Conso API", "names no meter"
	tests := map[string]struct {
		token, say string
	}{
		"nothing":                {"", none},
		"a word":                 {"topsecret", none},
		"two parts":              {good[:strings.LastIndexByte(good, '.')], none},
		"four parts":             {good + ".topsecret", none},
		"an empty part":          {good[:strings.LastIndexByte(good, '.')+1], none},
		"a word before it":       {"Bearer " + good, none},
		"a break within it":      {good[:10] + "\n" + good[10:], none},
		"quotes around it":       {`"` + good + `"`, none},
		"no base64url":           {"a.b.c", none},
		"no JSON":                {tokenOf("topsecret"), none},
		"a list":                 {tokenOf(`["09876543210987"]`), none},
		"a PRM of 13 digits":     {tokenOf(`{"sub":["0987654321098"]}`), none},
		"a PRM that is a number": {tokenOf(`{"sub":[33000000000033]}`), none},
		"an expiry in words":     {tokenOf(`{"sub":["09876543210987"],"exp":"tomorrow"}`), none},
		"an expiry beyond time":  {tokenOf(`{"sub":["09876543210987"],"exp":1e300}`), none},
		"an expiry before time":  {tokenOf(`{"sub":["09876543210987"],"exp":-1}`), none},
		"no subject":             {tokenOf(`{"exp":1884521600}`), empty},
		"no meter":               {tokenOf(`{"sub":[]}`), empty},
		"null":                   {tokenOf(`{"sub":null}`), empty},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := consoapi.ParseToken(test.token)
			require.ErrorContains(t, err, test.say)
			require.NotContains(t, err.Error(), "topsecret")
			require.NotContains(t, err.Error(), "\n")
			require.NotContains(t, err.Error(), "0987654321098")
			require.Zero(t, got)
		})
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(tokenOf(sample(f, "decoded_user_token_payload.json")))
	f.Add(tokenOf(`{"sub":"09876543210987","exp":1884521600.5}`))
	f.Add(tokenOf(`{"sub":["33000000000033","33000000000033"],"iat":null}`))
	f.Add("a.e30.c")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := consoapi.ParseToken(token)
		if err != nil {
			require.Zero(t, got)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		// What is taken for a token may stand in a header, and comes from the gateway's alphabet.
		sent := strings.TrimSpace(token)
		require.Equal(t, 2, strings.Count(sent, "."))
		require.Empty(t, strings.Trim(sent, ".-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		require.NotEmpty(t, got.PRMs)
		seen := map[meter.PRM]bool{}
		for _, prm := range got.PRMs {
			parsed, err := meter.ParsePRM(string(prm))
			require.NoError(t, err)
			require.Equal(t, parsed, prm)
			require.False(t, seen[prm], "each once")
			seen[prm] = true
		}
		for _, at := range []time.Time{got.Issued, got.Expires} {
			_, err := at.MarshalText()
			require.NoError(t, err, "a time that can be written")
		}
		again, err := consoapi.ParseToken("\t" + token + " ")
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

// lifetime is a token for one meter that expires at a second since 1970; null never.
func lifetime(prm meter.PRM, expires string) string {
	return tokenOf(`{"sub":["` + string(prm) + `"],"exp":` + expires + `}`)
}

func TestMetersThatNoTokenOpensAreNotAskedFor(t *testing.T) {
	const past, now, future = "1795345199", "1795345200", "1795345201" // noon is 1795345200
	require.Equal(t, int64(1_795_345_200), noon().Unix())
	tests := map[string]struct {
		tokens []string
		want   *enedis.Error // nil: it is asked for
	}{
		"another meter": {
			[]string{lifetime(selfConsumer, future)},
			&enedis.Error{Status: 400, Code: "prm_not_in_token"},
		},
		"another meter, and that expired": {
			[]string{lifetime(selfConsumer, past)},
			&enedis.Error{Status: 400, Code: "prm_not_in_token"},
		},
		"an expired token": {
			[]string{lifetime(consumer, past)}, &enedis.Error{Status: 401, Code: "token_expired"},
		},
		"a token that expires at this second": {
			[]string{lifetime(consumer, now)}, &enedis.Error{Status: 401, Code: "token_expired"},
		},
		"an expired token beside one of another meter": {
			[]string{lifetime(consumer, past), lifetime(selfConsumer, future)},
			&enedis.Error{Status: 400, Code: "token_expired"},
		},
		"a token with a second left":      {[]string{lifetime(consumer, future)}, nil},
		"a token that says no end":        {[]string{lifetime(consumer, "null")}, nil},
		"an expired token and a new one":  {[]string{lifetime(consumer, past), lifetime(consumer, future)}, nil},
		"a new token and an expired one":  {[]string{lifetime(consumer, future), lifetime(consumer, past)}, nil},
		"an expired one and one for good": {[]string{lifetime(consumer, past), lifetime(consumer, "null")}, nil},
		"one for good and an expired one": {[]string{lifetime(consumer, "null"), lifetime(consumer, past)}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, answer(http.StatusOK, `{}`), func(o *consoapi.Options) { o.Tokens = test.tokens })
			for _, token := range test.tokens {
				if test.want == nil && token != lifetime(consumer, past) {
					g.token = token // the one that must be sent
				}
			}
			_, err := client.Fetch(t.Context(), daily())
			if test.want == nil {
				require.NoError(t, err)
				require.Len(t, g.requests(), 1)
				return
			}
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok)
			require.Equal(t, "consommation_quotidienne", refusal.Op)
			require.Equal(t, test.want.Status, refusal.Status)
			require.Equal(t, test.want.Code, refusal.Code)
			require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
			require.Contains(t, refusal.Detail, "token of Conso API")
			require.NotContains(t, err.Error(), string(consumer))
			require.Empty(t, g.requests(), "no call is made")
		})
	}
}

func TestEachMeterGoesWithItsToken(t *testing.T) {
	tokens := []string{lifetime(consumer, "1884521600"), lifetime(selfConsumer, "1884521600")}
	g, client := newGateway(t, answer(http.StatusOK, `{}`), func(o *consoapi.Options) { o.Tokens = tokens })
	for i, prm := range []meter.PRM{consumer, selfConsumer} {
		g.token = tokens[i]
		req := daily()
		req.PRM = prm
		_, err := client.Fetch(t.Context(), req)
		require.NoError(t, err)
	}
	require.Len(t, g.requests(), 2)
}
