package consoapi_test

import (
	"errors"
	"net/http"
	"strconv"
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

// The instants around noon at which tokens end, as seconds since 1970.
const past, now, future = "1795345199", "1795345200", "1795345201"

func TestMetersThatNoTokenOpensAreNotAskedFor(t *testing.T) {
	require.Equal(t, now, strconv.FormatInt(noon().Unix(), 10))
	const other, over = "prm_not_in_token", "token_expired"
	tests := map[string]struct {
		tokens []string
		code   string // empty: it is asked for
		apart  bool   // the other meters are well
	}{
		"another meter":                       {[]string{lifetime(selfConsumer, future)}, other, true},
		"another meter, and that expired":     {[]string{lifetime(selfConsumer, past)}, other, true},
		"an expired token":                    {[]string{lifetime(consumer, past)}, over, false},
		"a token that expires at this second": {[]string{lifetime(consumer, now)}, over, false},
		"an expired token beside one of another meter": {
			[]string{lifetime(consumer, past), lifetime(selfConsumer, future)}, over, true,
		},
		"expired tokens alone":            {[]string{lifetime(consumer, past), lifetime(selfConsumer, now)}, over, false},
		"a token with a second left":      {[]string{lifetime(consumer, future)}, "", false},
		"a token that says no end":        {[]string{lifetime(consumer, "null")}, "", false},
		"an expired token and a new one":  {[]string{lifetime(consumer, past), lifetime(consumer, future)}, "", false},
		"a new token and an expired one":  {[]string{lifetime(consumer, future), lifetime(consumer, past)}, "", false},
		"an expired one and one for good": {[]string{lifetime(consumer, past), lifetime(consumer, "null")}, "", false},
		"one for good and an expired one": {[]string{lifetime(consumer, "null"), lifetime(consumer, past)}, "", false},
	}
	actions := map[string]enedis.Action{other: enedis.FixSettings, over: enedis.RenewConsent}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, answer(http.StatusOK, `{}`), func(o *consoapi.Options) { o.Tokens = test.tokens })
			for _, token := range test.tokens {
				if test.code == "" && token != lifetime(consumer, past) {
					g.token = token // the one that must be sent
				}
			}
			_, err := client.Fetch(t.Context(), daily())
			if test.code == "" {
				require.NoError(t, err)
				require.Len(t, g.requests(), 1)
				return
			}
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok)
			require.Equal(t, "consommation_quotidienne", refusal.Op)
			require.Equal(t, http.StatusUnauthorized, refusal.Status)
			require.Equal(t, test.code, refusal.Code)
			require.Equal(t, test.apart, refusal.Apart)
			require.Equal(t, actions[test.code], enedis.ActionOf(err))
			require.Contains(t, refusal.Detail, "token of Conso API")
			require.NotContains(t, err.Error(), string(consumer))
			require.Empty(t, g.requests(), "no call is made")
		})
	}
}

// TestATokenThatTheGatewayRefuses tells whose trouble its 401 is.
func TestATokenThatTheGatewayRefuses(t *testing.T) {
	one, both := lifetime(consumer, future), tokenOf(sample(t, "decoded_user_token_payload.json"))
	for name, test := range map[string]struct {
		tokens []string
		sent   string
		apart  bool
	}{
		"the only token":                  {[]string{one}, one, false},
		"the only token, of two meters":   {[]string{both}, both, false},
		"the only token, given twice":     {[]string{one, " " + one}, one, false},
		"one token of two":                {[]string{one, lifetime(selfConsumer, future)}, one, true},
		"one of two tokens for one meter": {[]string{lifetime(consumer, past), one}, one, true},
	} {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, answer(401, sample(t, "answers/401_token_or_prm.json")),
				func(o *consoapi.Options) { o.Tokens = test.tokens })
			g.token = test.sent
			_, err := client.Fetch(t.Context(), daily())
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok)
			require.Equal(t, http.StatusUnauthorized, refusal.Status)
			require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
			require.Equal(t, test.apart, refusal.Apart)
		})
	}
}

func TestOnlyATokensTroubleIsApart(t *testing.T) {
	for status, body := range map[int]string{
		403: ``, // a ban
		429: `{"status":429,"message":"Too many requests"}`,
		500: sample(t, "answers/500_unknown.json"),
		401: `{"status":401,"message":"The Enedis API returned an error","error":{"fault":{"code":900901,"message":"x"}}}`,
	} {
		g, client := newGateway(t, answer(status, body), func(o *consoapi.Options) {
			o.Tokens = []string{lifetime(consumer, future), lifetime(selfConsumer, future)}
		})
		g.token = lifetime(consumer, future)
		_, err := client.Fetch(t.Context(), daily())
		refusal, ok := errors.AsType[*enedis.Error](err)
		require.True(t, ok)
		require.False(t, refusal.Apart, status)
	}
}

func TestTheGateIsToldTheTokenAndTheMeter(t *testing.T) {
	both := tokenOf(sample(t, "decoded_user_token_payload.json"))
	alone := lifetime(stranger, "1884521600")
	other := tokenOf(`{"sub":["11111111111111","33000000000033"],"exp":1884521601}`)
	tests := map[string]struct {
		tokens []string
		prm    meter.PRM
		sent   string
		label  string
	}{
		"a token of one meter":            {[]string{lifetime(consumer, future)}, consumer, lifetime(consumer, future), "…0987"},
		"a token of several":              {[]string{both}, selfConsumer, both, "token"},
		"a second token of several":       {[]string{both, alone, other}, selfConsumer, other, "token 2"},
		"the first of two, given twice":   {[]string{both, both, other}, consumer, both, "token"},
		"one of a meter beside the other": {[]string{both, alone}, stranger, alone, "…1111"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, answer(http.StatusOK, `{}`), func(o *consoapi.Options) { o.Tokens = test.tokens })
			g.token = test.sent
			req := daily()
			req.PRM = test.prm
			_, err := client.Fetch(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, []enedis.Call{
				{API: "consommation_quotidienne", Credential: test.label, PRM: test.prm},
			}, g.gates)
		})
	}
}

func TestMetersAreThoseOfTheTokens(t *testing.T) {
	for name, test := range map[string]struct {
		tokens []string
		want   []meter.PRM
	}{
		"one token":  {[]string{tokenOf(sample(t, "decoded_user_token_payload.json"))}, []meter.PRM{consumer, selfConsumer}},
		"two tokens": {[]string{lifetime(selfConsumer, past), lifetime(consumer, future)}, []meter.PRM{selfConsumer, consumer}},
		"two that name a meter both": {
			[]string{lifetime(selfConsumer, past), tokenOf(`{"sub":["09876543210987","33000000000033"]}`)},
			[]meter.PRM{selfConsumer, consumer},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, nil, func(o *consoapi.Options) { o.Tokens = test.tokens })
			list, err := client.Meters(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, list)
			require.Empty(t, g.requests())
		})
	}
}

func TestConsentUntil(t *testing.T) {
	at := func(y int, m time.Month, d, hour, minute, second int) string {
		return strconv.FormatInt(time.Date(y, m, d, hour, minute, second, 0, meter.Paris()).Unix(), 10)
	}
	for name, test := range map[string]struct {
		tokens []string
		want   string // empty: unknown
	}{
		"a token that ends at noon":             {[]string{lifetime(consumer, at(2029, 11, 20, 12, 0, 0))}, "2029-11-20"},
		"at the end of a day":                   {[]string{lifetime(consumer, at(2029, 11, 20, 0, 0, 0))}, "2029-11-20"},
		"a second before":                       {[]string{lifetime(consumer, at(2029, 11, 19, 23, 59, 59))}, "2029-11-19"},
		"in summer, a day that UTC has not yet": {[]string{lifetime(consumer, at(2029, 7, 20, 0, 0, 0))}, "2029-07-20"},
		"on the day when the clock changes":     {[]string{lifetime(consumer, at(2029, 10, 28, 23, 0, 0))}, "2029-10-28"},
		"an expired token":                      {[]string{lifetime(consumer, past)}, "2026-11-22"},
		"the later of two":                      {[]string{lifetime(consumer, past), lifetime(consumer, at(2029, 11, 20, 12, 0, 0))}, "2029-11-20"},
		"a token that says no end":              {[]string{lifetime(consumer, "null")}, ""},
		"another meter":                         {[]string{lifetime(selfConsumer, future)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := newGateway(t, nil, func(o *consoapi.Options) { o.Tokens = test.tokens })
			last, ok := client.ConsentUntil(consumer)
			require.Equal(t, test.want != "", ok)
			if ok {
				require.Equal(t, test.want, last.String())
			}
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
