package contract_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestParseCommand(t *testing.T) {
	const prm = "09876543210987"
	tests := map[string]struct {
		name, payload string
		want          contract.Command
	}{
		"refresh all, without a payload":  {name: "refresh", want: contract.Command{}},
		"refresh all, with white space":   {name: "refresh", payload: " \n", want: contract.Command{}},
		"refresh all":                     {name: "refresh", payload: `{}`, want: contract.Command{}},
		"refresh one":                     {name: "refresh", payload: `{"prm":"09876543210987"}`, want: contract.Command{PRM: prm}},
		"null is absent":                  {name: "refresh", payload: `{"prm":null,"transaction": null}`, want: contract.Command{}},
		"an unknown field that is null":   {name: "refresh", payload: `{"prm":"09876543210987","meter":null}`, want: contract.Command{PRM: prm}},
		"a transaction that is a text":    {name: "refresh", payload: `{"transaction":"a1"}`, want: contract.Command{Transaction: json.RawMessage(`"a1"`)}},
		"a transaction that is a number":  {name: "republish", payload: `{"transaction":17}`, want: contract.Command{Transaction: json.RawMessage(`17`)}},
		"a transaction that is an object": {name: "republish", payload: `{"transaction":{"a":[1]}}`, want: contract.Command{Transaction: json.RawMessage(`{"a":[1]}`)}},
		"a transaction that is false":     {name: "republish", payload: `{"transaction":false}`, want: contract.Command{Transaction: json.RawMessage(`false`)}},
		"republish":                       {name: "republish", want: contract.Command{}},
		"stop all history":                {name: "history/stop", want: contract.Command{}},
		"stop one history":                {name: "history/stop", payload: `{"prm":"09876543210987"}`, want: contract.Command{PRM: prm}},
		"coverage":                        {name: "coverage", payload: `{"prm":"09876543210987"}`, want: contract.Command{PRM: prm}},
		"history from a day": {
			name: "history", payload: `{"prm":"09876543210987","from":"2024-01-01"}`,
			want: contract.Command{PRM: prm, From: day(t, "2024-01-01")},
		},
		"history with everything": {
			name: "history",
			payload: `{"prm":"09876543210987","from":"2024-01-01","to":"2024-12-31","direction":"consumption",
			          "measures":["daily","load_curve","max_power","daily"],"transaction":"t"}`,
			want: contract.Command{
				PRM: prm, From: day(t, "2024-01-01"), To: day(t, "2024-12-31"), Direction: meter.Consumption,
				Measures: []meter.Measure{meter.Daily, meter.LoadCurve, meter.MaxPower}, Transaction: json.RawMessage(`"t"`),
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.want.Name = tc.name
			got, err := contract.ParseCommand(tc.name, []byte(tc.payload))
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			require.NoError(t, got.Validate(instant(t, "2026-11-22T09:00:00+01:00")))
		})
	}
}

func TestParseCommandSaysWhatIsWrong(t *testing.T) {
	tests := map[string]struct{ name, payload, want, transaction string }{
		"an unknown command": {
			name: "reboot", payload: `{"transaction":"a"}`, transaction: `"a"`,
			want: `unknown command "reboot": want refresh, history, history/stop, republish, coverage`,
		},
		"an unknown field": {
			name: "history", payload: `{"prm":"09876543210987","form":"2024-01-01","transaction":"a"}`, transaction: `"a"`,
			want: `history: unknown field "form": allowed are prm, from, to, direction, measures, transaction`,
		},
		"a field of another command": {
			name: "republish", payload: `{"prm":"09876543210987"}`,
			want: `republish: unknown field "prm": allowed are transaction`,
		},
		"another case":  {name: "refresh", payload: `{"PRM":"09876543210987"}`, want: `refresh: unknown field "PRM": allowed are prm, transaction`},
		"no payload":    {name: "coverage", want: `coverage: the field prm is missing`},
		"no prm":        {name: "history", payload: `{"from":"2024-01-01","transaction":1}`, want: `history: the field prm is missing`, transaction: `1`},
		"no from":       {name: "history", payload: `{"prm":"09876543210987"}`, want: `history: the field from is missing`},
		"a list":        {name: "refresh", payload: `["09876543210987"]`, want: `refresh: the payload is no JSON object`},
		"a text":        {name: "refresh", payload: `PRESS`, want: `refresh: the payload is no JSON object`},
		"null":          {name: "refresh", payload: `null`, want: `refresh: the payload is no JSON object`},
		"a broken JSON": {name: "refresh", payload: `{"prm":`, want: `refresh: the payload is no JSON object`},
		"two objects": {
			name: "refresh", payload: `{"transaction":"a"}{}`, transaction: `"a"`,
			want: `refresh: something follows the JSON object of the payload`,
		},
		"a prm that is a number": {name: "refresh", payload: `{"prm":19876543210987}`, want: `refresh: prm: want a string of 14 digits`},
		"a prm that is short":    {name: "refresh", payload: `{"prm":"9876543210987"}`, want: `refresh: prm "9876543210987": want 14 digits`},
		"a prm that is long":     {name: "refresh", payload: `{"prm":"098765432109870"}`, want: `refresh: prm "…": want 14 digits`},
		"a day that is none": {
			name: "history", payload: `{"prm":"09876543210987","from":"2026-02-29"}`,
			want: `history: from "2026-02-29": want a day as YYYY-MM-DD`,
		},
		"a day that is a number": {
			name: "history", payload: `{"prm":"09876543210987","from":20240101}`,
			want: `history: from: want a string of a day as YYYY-MM-DD`,
		},
		"another direction": {
			name: "history", payload: `{"prm":"09876543210987","from":"2024-01-01","direction":"both"}`,
			want: `history: direction "both": want consumption or production`,
		},
		"another measure": {
			name: "history", payload: `{"prm":"09876543210987","from":"2024-01-01","measures":["daily","register"]}`,
			want: `history: measures "register": want a list of daily, load_curve and max_power`,
		},
		"no measure": {
			name: "history", payload: `{"prm":"09876543210987","from":"2024-01-01","measures":[]}`,
			want: `history: measures: want a list of daily, load_curve and max_power`,
		},
		"measures that are a text": {
			name: "history", payload: `{"prm":"09876543210987","from":"2024-01-01","measures":"daily"}`,
			want: `history: measures: want a list of daily, load_curve and max_power`,
		},
		"a PRM where none belongs": {
			name: "09876543210987", payload: `{"transaction":"a"}`, transaction: `"a"`,
			want: `unknown command "…": want refresh, history, history/stop, republish, coverage`,
		},
		"two things are wrong, and one is said": {
			name: "history", payload: `{"prm":"1","from":"x"}`, want: `history: prm "1": want 14 digits`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := contract.ParseCommand(tc.name, []byte(tc.payload))
			require.EqualError(t, err, tc.want)
			require.Equal(t, tc.name, c.Name)
			require.Equal(t, tc.transaction, string(c.Transaction), "what can be read of the transaction is echoed")
		})
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add("refresh", []byte(`{"prm":"09876543210987","transaction":{"id":1}}`))
	f.Add("history", []byte(`{"prm":"09876543210987","from":"2024-01-01","to":"2024-12-31","direction":"production","measures":["daily"]}`))
	f.Add("history/stop", []byte(``))
	f.Add("coverage", []byte("{\"prm\":\"\xff\",\"transaction\":\"\xfe\"}"))
	f.Add("bogus", []byte(`[]`))
	whole := regexp.MustCompile(`[0-9]{14}`)
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		c, err := contract.ParseCommand(name, payload)
		require.Equal(t, name, c.Name)
		answer := c.OK(nil)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.NotRegexp(t, whole, err.Error(), "no error shows a whole PRM")
			answer = c.Failed(err)
		} else if c.PRM != "" {
			_, err := meter.ParsePRM(string(c.PRM))
			require.NoError(t, err)
		}
		body := answer.Document(topics, "refresh").Body
		require.True(t, utf8.Valid(body))
		var back contract.Response
		require.NoError(t, json.Unmarshal(body, &back))
		require.Equal(t, answer.Status, back.Status)
		if c.Transaction != nil {
			require.JSONEq(t, string(c.Transaction), string(back.Transaction))
		}
		require.False(t, strings.HasSuffix(string(body), "\n"))
	})
}
