package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The meters of these tests.
const homePRM, sharedPRM = meter.PRM("09876543210987"), meter.PRM("33000000000033")

// consoToken is a token of Conso API for some meters. Nobody verifies its signature here.
func consoToken(t *testing.T, expires time.Time, prms ...meter.PRM) string {
	t.Helper()
	payload := fmt.Sprintf(`{"sub":%s,"exp":%d}`, strings.ReplaceAll(fmt.Sprintf("%q", prms), `" "`, `","`), expires.Unix())
	return "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".hidden"
}

func TestSources(t *testing.T) {
	const dc, conso, med = dataconnect.Name, consoapi.Name, myelectricaldata.Name
	token := consoToken(t, today.AddDate(1, 0, 0), homePRM)
	other := consoToken(t, today.AddDate(1, 0, 0), sharedPRM)
	former := consoToken(t, today.AddDate(0, 0, -10), homePRM)
	list := func(objects ...string) string { return "[" + strings.Join(objects, ",") + "]" }
	object := func(prm meter.PRM, more string) string { return `{"prm":"` + string(prm) + `"` + more + `}` }
	both := string(homePRM) + "," + string(sharedPRM)
	application := map[string]string{"ENEDIS_CLIENT_ID": "id", "ENEDIS_CLIENT_SECRET": "hidden"}
	tests := map[string]struct {
		env     map[string]string
		enedis  bool // with the credentials of Data Connect
		sources []string
		warns   []string // parts of them, in order
		says    []string // one for each thing that is wrong
	}{
		"all of them, in the order of preference": {
			env: map[string]string{
				"METERS": string(homePRM), "CONSO_API_TOKEN": token,
				"MYELECTRICALDATA_CLIENT_ID": "id", "MYELECTRICALDATA_CLIENT_SECRET": "hidden",
			},
			enedis: true, sources: []string{dc, conso, med},
		},
		"another order, and one left out": {
			env:    map[string]string{"METERS": string(homePRM), "CONSO_API_TOKEN": token, "SOURCES": "consoapi, dataconnect"},
			enedis: true, sources: []string{conso, dc},
		},
		"two tokens for two meters, one on each line": {
			env:     map[string]string{"METERS": both, "CONSO_API_TOKEN": token + "\n" + other + "\n"},
			sources: []string{conso},
		},
		"meters that the tokens name": {
			env:     map[string]string{"CONSO_API_TOKEN": token},
			sources: []string{conso},
		},
		"a meter that no token names": {
			env:     map[string]string{"METERS": both, "CONSO_API_TOKEN": token},
			sources: []string{conso}, warns: []string{"no token of consoapi opens the meter …0033"},
		},
		"a meter of another source that no token names": {
			env: map[string]string{
				"METERS": list(object(homePRM, ""), object(sharedPRM, `,"source":"dataconnect"`)), "CONSO_API_TOKEN": token,
			},
			enedis: true, sources: []string{dc, conso},
		},
		"a token that has expired": {
			env:     map[string]string{"METERS": string(homePRM), "CONSO_API_TOKEN": former},
			sources: []string{conso}, warns: []string{"the token of Conso API for …0987 expired on 2026-11-12"},
		},
		"tokens of single meters alone": {
			env: map[string]string{"METERS": list(
				object(homePRM, `,"source":"consoapi","token":"`+token+`"`),
				object(sharedPRM, `,"source":"myelectricaldata","token":"hidden"`),
			)},
			sources: []string{conso, med},
		},
		"a token for the one gateway that there is": {
			env: map[string]string{
				"METERS": list(object(homePRM, `,"token":"hidden"`), object(sharedPRM, "")), "MYELECTRICALDATA_API": "v1",
				"MYELECTRICALDATA_TOKEN": "hidden",
			},
			sources: []string{med},
		},
		"a token for the one gateway that SOURCES names": {
			env:     map[string]string{"METERS": list(object(homePRM, `,"token":"`+token+`"`)), "SOURCES": "consoapi"},
			sources: []string{conso},
		},
		"a secret of an account without its id": {
			env:     map[string]string{"METERS": string(homePRM), "MYELECTRICALDATA_CLIENT_SECRET": "hidden"},
			sources: []string{med},
		},
		"one token of v1 for two meters": {
			env:     map[string]string{"METERS": both, "MYELECTRICALDATA_TOKEN": "hidden", "MYELECTRICALDATA_API": "v1"},
			sources: []string{med}, warns: []string{"a token of MyElectricalData v1 is for one meter, and 2 share"},
		},
		"a meter without a token": {
			env:     map[string]string{"METERS": list(object(homePRM, `,"source":"myelectricaldata","token":"hidden"`), object(sharedPRM, ""))},
			sources: []string{med}, warns: []string{"no token of myelectricaldata opens the meter …0033"},
		},

		"an id without its secret": {
			env:  map[string]string{"METERS": string(homePRM), "ENEDIS_CLIENT_ID": "id", "CONSO_API_TOKEN": token},
			says: []string{"ENEDIS_CLIENT_SECRET: is missing"},
		},
		"a secret without its id": {
			env:  map[string]string{"METERS": string(homePRM), "ENEDIS_CLIENT_SECRET": "hidden", "SOURCES": "dataconnect"},
			says: []string{"ENEDIS_CLIENT_ID: is missing"},
		},
		"an account without its secret": {
			env:  map[string]string{"METERS": string(homePRM), "MYELECTRICALDATA_CLIENT_ID": "id"},
			says: []string{"MYELECTRICALDATA_CLIENT_SECRET: is missing"},
		},
		"an account at v1": {
			env: map[string]string{
				"METERS": string(homePRM), "MYELECTRICALDATA_CLIENT_ID": "id", "MYELECTRICALDATA_CLIENT_SECRET": "hidden",
				"MYELECTRICALDATA_API": "v1",
			},
			says: []string{"MYELECTRICALDATA_TOKEN: is missing: v1 knows no accounts"},
		},
		"sources that are named and have nothing": {
			env: map[string]string{"METERS": string(homePRM), "SOURCES": "dataconnect,consoapi,myelectricaldata"},
			says: []string{
				"SOURCES: dataconnect needs ENEDIS_CLIENT_ID and ENEDIS_CLIENT_SECRET: nothing of it is set",
				"SOURCES: consoapi needs CONSO_API_TOKEN: nothing of it is set",
				"SOURCES: myelectricaldata needs MYELECTRICALDATA_CLIENT_ID and MYELECTRICALDATA_CLIENT_SECRET, or MYELECTRICALDATA_TOKEN",
			},
		},
		"a source twice": {
			env: map[string]string{"METERS": string(homePRM), "SOURCES": "dataconnect dataconnect"}, enedis: true,
			says: []string{"SOURCES: dataconnect stands in it twice"},
		},
		"a meter of a source that is not in use": {
			env: map[string]string{
				"METERS": list(object(homePRM, `,"source":"consoapi"`)), "CONSO_API_TOKEN": token, "SOURCES": "dataconnect",
			},
			enedis: true, says: []string{`METERS: the meter …0987 wants the source "consoapi": in use are dataconnect`},
		},
		"a token that is none": {
			env:  map[string]string{"METERS": string(homePRM), "CONSO_API_TOKEN": "hidden"},
			says: []string{"CONSO_API_TOKEN: this is no token of Conso API"},
		},
		"a token of a meter that is none": {
			env:  map[string]string{"METERS": list(object(homePRM, `,"source":"consoapi","token":"hidden"`))},
			says: []string{"METERS: the token of the meter …0987: this is no token of Conso API"},
		},
		"a token that may be of two gateways": {
			env: map[string]string{
				"METERS": list(object(homePRM, `,"token":"hidden"`)), "CONSO_API_TOKEN": token, "MYELECTRICALDATA_TOKEN": "hidden",
			},
			says: []string{"METERS: the meter …0987 has a token and no source: want consoapi or myelectricaldata"},
		},
		"a token at Data Connect": {
			env: map[string]string{"METERS": list(object(homePRM, `,"source":"dataconnect","token":"hidden"`))}, enedis: true,
			says: []string{"METERS: the meter …0987 has a token, but dataconnect knows no tokens of meters"},
		},
		"one token of v1 and no meter": {
			env:  map[string]string{"MYELECTRICALDATA_TOKEN": "hidden", "MYELECTRICALDATA_API": "v1"},
			says: []string{"METERS: is empty: a token of MyElectricalData v1 does not say of which meter it is"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			environ(t, test.env)
			if test.enedis {
				for name, value := range application {
					t.Setenv(name, value)
				}
			}
			s, err := readEnvironment(today)
			if len(test.says) > 0 {
				require.Error(t, err)
				for _, says := range test.says {
					require.ErrorContains(t, err, says)
				}
				require.Len(t, strings.Split(err.Error(), "\n"), len(test.says), "%v", err)
				require.NotContains(t, err.Error(), "hidden")
				require.NotContains(t, err.Error(), homePRM)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.sources, s.sources)
			require.Len(t, s.warnings, len(test.warns), "%v", s.warnings)
			for i, warns := range test.warns {
				require.Contains(t, s.warnings[i].en, warns)
				require.NotContains(t, s.warnings[i].fr+s.warnings[i].en, "hidden")
				require.NotContains(t, s.warnings[i].fr+s.warnings[i].en, homePRM)
			}
			requireMade(t, s)
		})
	}
}

// requireMade wants a source for each name, in order.
func requireMade(t *testing.T, s settings) {
	t.Helper()
	gates := func(string) enedis.Gate { return nil }
	made, err := newSources(s, gates, nil, func() time.Time { return today }, nil)
	require.NoError(t, err)
	var names []string
	for _, source := range made {
		names = append(names, source.Name())
	}
	require.Equal(t, s.sources, names)
	require.Equal(t, s.sources[0] == dataconnect.Name || len(s.sources) > 1 && s.sources[1] == dataconnect.Name,
		consenter(made) != nil)
}

func TestTokensOfMetersReachTheirSource(t *testing.T) {
	token := consoToken(t, today.AddDate(1, 0, 0), sharedPRM)
	environ(t, map[string]string{
		"METERS": `[{"prm":"` + string(homePRM) + `","source":"myelectricaldata","token":"one"},
			{"prm":"` + string(sharedPRM) + `","source":"consoapi","token":"` + token + `"}]`,
		"MYELECTRICALDATA_API": "v1", "MYELECTRICALDATA_TOKEN": " two\n",
	})
	s, err := readEnvironment(today)
	require.NoError(t, err)
	require.Equal(t, []bridge.Meter{
		{PRM: homePRM, Name: "Linky 0987", Hourly: true, Source: myelectricaldata.Name},
		{PRM: sharedPRM, Name: "Linky 0033", Hourly: true, Source: consoapi.Name},
	}, s.meters)
	require.Equal(t, []secret{secret(token)}, s.conso.tokens)
	require.Equal(t, medSettings{
		api: myelectricaldata.V1, url: "https://myelectricaldata.fr", token: "two", tokens: map[meter.PRM]secret{homePRM: "one"},
	}, s.med)
}

// TestCredentialWords wants words that stay while the credentials do, and that tell nothing of them.
func TestCredentialWords(t *testing.T) {
	first, second := consoToken(t, today, homePRM), consoToken(t, today, sharedPRM)
	s := settings{
		sources: sourceNames(),
		enedis:  enedisSettings{clientID: "id", clientSecret: "secret", api: dataconnect.V2026},
		conso:   consoSettings{tokens: []secret{secret(first), secret(second)}},
		med:     medSettings{token: "token", tokens: map[meter.PRM]secret{homePRM: "own"}},
	}
	kept := openStore(t, t.TempDir())
	words := func(s settings) map[string]string {
		words, err := credentialWords(t.Context(), s, kept)
		require.NoError(t, err)
		return words
	}
	was := words(s)
	require.Len(t, was, 3)
	for _, word := range was {
		require.Regexp(t, `^[0-9a-f]{16}$`, word)
	}
	require.Equal(t, was, words(s))
	s.conso.tokens = []secret{secret(second), secret(first)}
	require.Equal(t, was, words(s), "another order")

	s.enedis.clientSecret, s.conso.tokens = "another", s.conso.tokens[:1]
	s.med.tokens = map[meter.PRM]secret{homePRM: "another"}
	for name, word := range words(s) {
		require.NotEqual(t, was[name], word, name)
	}
	other, err := credentialWords(t.Context(), settings{sources: s.sources[:1], enedis: s.enedis}, openStore(t, t.TempDir()))
	require.NoError(t, err)
	require.NotEqual(t, words(s)[dataconnect.Name], other[dataconnect.Name], "another installation has another salt")
}
