package wire

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const sentence = "Tarif BT<=36kVA Moyenne Utilisation heures pleines heures creuses associées à deux saisons"

// reader is one of those of contracts.
type reader func(*enedis.Profile, meter.PRM, []byte) error

func TestContractsOfTheSamples(t *testing.T) {
	since := func(c, p meter.Day) map[meter.Direction]meter.Day {
		days := map[meter.Direction]meter.Day{meter.Consumption: c}
		if p != 0 {
			days[meter.Production] = p
		}
		return days
	}
	alone := []meter.Direction{meter.Consumption}
	tests := map[string]struct {
		read reader
		prm  meter.PRM
		want enedis.Profile
	}{
		"v5/contracts_hphc.json": {ReadContractV5, consumer, enedis.Profile{
			Directions: alone, Open: true, Activation: since(meter.NewDay(2019, time.June, 21), 0),
			SubscribedKVA: new(9.0), Tariff: "BTINFMUDT", OffPeak: "HC (1H30-8H00;12H30-14H00)",
		}},
		"v5/contracts_base.json": {ReadContractV5, consumer, enedis.Profile{
			Directions: alone, Open: true, Activation: since(meter.NewDay(2013, time.August, 14), 0),
			SubscribedKVA: new(6.0), Tariff: "BTINFCUST",
		}},
		"2026/situation_contrat_consumer.json": {ReadSituation, consumer, enedis.Profile{
			Directions: alone, SubscribedKVA: new(12.0), Tariff: sentence,
		}},
		"2026/situation_contrat_selfconsumption.json": {ReadSituation, producer, enedis.Profile{
			Directions: meter.Directions(), SubscribedKVA: new(12.0), Tariff: sentence,
		}},
		"2026/synth_contrat_selfconsumption.json": {ReadSynthesis, producer, enedis.Profile{
			Directions: meter.Directions(),
			Activation: since(meter.NewDay(2014, time.January, 22), meter.NewDay(2024, time.July, 31)),
		}},
		"2026/synth_contrat_swagger_level.json": {ReadSynthesis, consumer, enedis.Profile{
			Directions: alone, Activation: since(meter.NewDay(2019, time.June, 21), 0),
		}},
		"2026/comptage.json": {ReadMetering, consumer, enedis.Profile{OffPeak: "HC (22H00-6H00)"}},
	}
	for sample, test := range tests {
		t.Run(sample, func(t *testing.T) {
			var got enedis.Profile
			require.NoError(t, test.read(&got, test.prm, read(t, sample)))
			require.Equal(t, test.want, got)
		})
	}
}

func TestContractsThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		read reader
		body string
	}{
		"v5: a list":             {ReadContractV5, `[]`},
		"v5: another meter":      {ReadContractV5, string(read(t, "v5/contracts_base.json"))},
		"situation: an object":   {ReadSituation, `{}`},
		"situation: another one": {ReadSituation, string(read(t, "2026/situation_contrat_consumer.json"))},
		"synthesis: a list":      {ReadSynthesis, `[]`},
		"synthesis: HTML":        {ReadSynthesis, `<html>`},
		"metering: a text":       {ReadMetering, `"x"`},
	} {
		t.Run(name, func(t *testing.T) {
			var got enedis.Profile
			require.Error(t, test.read(&got, "11111111111111", []byte(test.body)))
			require.Empty(t, got)
		})
	}
}

func TestSubscribedPower(t *testing.T) {
	for raw, want := range map[string]*float64{
		`"9 kVA"`: new(9.0), `"9kVA"`: new(9.0), `"9,5 kVA"`: new(9.5), `"36 KVA"`: new(36.0), `"12"`: new(12.0),
		`{"unit":"kVA","value":"12"}`: new(12.0), `{"unit":"kVA","value":12.5}`: new(12.5), `{"value":"6"}`: new(6.0),
		`"9 kW"`: nil, `"XXXX"`: nil, `""`: nil, `null`: nil, `9`: nil, `[]`: nil, `"NaN"`: nil, `"Inf"`: nil, `"-3 kVA"`: nil,
		`{"unit":"kW","value":"250"}`: nil, `{"unit":"kVA"}`: nil, `{}`: nil, `true`: nil,
	} {
		t.Run(raw, func(t *testing.T) {
			var got enedis.Profile
			require.NoError(t, ReadContractV5(&got, consumer, fmt.Appendf(nil,
				`{"customer":{"usage_points":[{"contracts":{"segment":"C5","subscribed_power":%s}}]}}`, raw)))
			require.Equal(t, want, got.SubscribedKVA)
		})
	}
}

func TestActivationDays(t *testing.T) {
	for text, want := range map[string]string{
		"2024-07-31T00:00:00+0200": "2024-07-31",
		"2024-07-30T22:00:00Z":     "2024-07-31",
		"2013-08-14+01:00":         "2013-08-14",
		"2013-08-14":               "2013-08-14",
		"2013-08-14 00:00:00":      "2013-08-14",
		"soon":                     "", "": "", "2013-13-01": "", "14/08/2013": "",
	} {
		day := activationDay(text)
		if want == "" {
			require.Zero(t, day, text)
			continue
		}
		require.Equal(t, want, day.String(), text)
	}
}

func TestDirectionsOfContracts(t *testing.T) {
	for _, test := range []struct {
		segment, kind string
		want          meter.Direction
	}{
		{"C5", "", meter.Consumption},
		{"c1", "", meter.Consumption},
		{"P4", "", meter.Production},
		{"", "Contrat GRD-F", meter.Consumption},
		{"", "contrat grd-a", meter.Production},
		{"", "CARD-S", ""},
		{"X1", "", ""},
		{"", "", ""},
	} {
		d, ok := directionOf(test.segment, test.kind)
		require.Equal(t, test.want, d)
		require.Equal(t, test.want != "", ok)
	}
}
