package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestMeters(t *testing.T) {
	const home, shared = "09876543210987", "33000000000033"
	named := []bridge.Meter{{PRM: home, Name: "Linky 0987", Hourly: true}, {PRM: shared, Name: "Linky 0033", Hourly: true}}
	tests := map[string]struct {
		text string
		want []bridge.Meter
		says []string // one for each thing that is wrong
	}{
		"none":                           {"", nil, nil},
		"one":                            {home, named[:1], nil},
		"two":                            {home + "," + shared, named, nil},
		"with spaces and an empty place": {" " + home + " , " + shared + ",\n", named, nil},
		"objects with a PRM alone":       {`[{"prm":"` + home + `"},{"prm":" ` + shared + ` "}]`, named, nil},
		"no object":                      {"[]", nil, nil},
		"an object with everything": {
			`[{"prm":"` + home + `","name":" Maison ","directions":["production","consumption","production"],"hourly":false}]`,
			[]bridge.Meter{{PRM: home, Name: "Maison", Directions: meter.Directions()}},
			nil,
		},
		"one direction": {
			` [{"prm":"` + home + `","directions":["production"],"hourly":true}]`,
			[]bridge.Meter{{PRM: home, Name: "Linky 0987", Directions: []meter.Direction{meter.Production}, Hourly: true}},
			nil,
		},

		"as on a bill":     {"09 876 543 210 987", named[:1], nil},
		"with hard spaces": {"09\u00a0876\u202f543 210\t987", named[:1], nil},
		"a source": {
			`[{"prm":"` + home + `","source":" consoapi "}]`,
			[]bridge.Meter{{PRM: home, Name: "Linky 0987", Hourly: true, Source: "consoapi"}},
			nil,
		},

		"without its leading 0":     {"9876543210987", nil, []string{"…0987 has 13 digits, a PRM has 14: did a spreadsheet"}},
		"with a digit too many":     {home + "1", nil, []string{"…9871 has 15 digits, a PRM has exactly 14"}},
		"two without a comma":       {home + " " + shared, nil, []string{"…0033: write a comma between two PRMs"}},
		"four with semicolons":      {strings.Repeat(home+";", 4), nil, []string{"write a comma between two PRMs"}},
		"a token":                   {strings.Repeat("hidden", 20), nil, []string{"a text of 120 characters looks like a token, which goes to"}},
		"a token of three parts":    {"hidden.hidden.x", nil, []string{"a text of 15 characters looks like a token"}},
		"words":                     {"my meter is new", nil, []string{"…snew is no PRM"}},
		"letters":                   {"0987654321098O", nil, []string{"…098O is no PRM"}},
		"the same twice":            {home + "," + shared + "," + home, nil, []string{"the meter …0987 stands in it twice"}},
		"two mistakes":              {"1,2", nil, []string{"…1 has 1 digits", "…2 has 1 digits"}},
		"an object without a PRM":   {`[{"name":"Maison"}]`, nil, []string{"has 0 digits"}},
		"a PRM as a number":         {`[{"prm":9876543210987}]`, nil, []string{"want PRMs separated by commas, or a JSON array"}},
		"an unknown field":          {`[{"prm":"` + home + `","nom":"Maison"}]`, nil, []string{`unknown field "nom"`}},
		"an unknown direction":      {`[{"prm":"` + home + `","directions":["export"]}]`, nil, []string{`direction "export"`}},
		"an unknown source":         {`[{"prm":"` + home + `","source":"fax"}]`, nil, []string{`source "fax": allowed are dataconnect, consoapi`}},
		"a bracket that stays open": {`[{"prm":"` + home + `"}`, nil, []string{"JSON array"}},
		"something behind the array": {
			`[{"prm":"` + home + `","token":"hidden"}] and more`, nil, []string{"something follows the JSON array"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var p problems
			meters, _ := parseMeters(test.text, &p)
			err := errors.Join(p...)
			require.Len(t, p, len(test.says), "%v", err)
			for _, says := range test.says {
				require.ErrorContains(t, err, "METERS: ")
				require.ErrorContains(t, err, says)
			}
			if err == nil {
				require.Equal(t, test.want, meters)
				return
			}
			for _, whole := range []string{home, shared, "hidden"} {
				require.NotContains(t, err.Error(), whole)
			}
		})
	}
}
