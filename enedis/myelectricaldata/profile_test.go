package myelectricaldata_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const sentence = "Tarif BT<=36kVA Moyenne Utilisation heures pleines heures creuses associées à deux saisons"

// wrapped is v2's envelope around data.
func wrapped(data string) string { return `{"success":true,"data":` + data + `,"error":null}` }

// collected is what v2 makes of the contract APIs of 2026.
func collected(situation, synthesis, metering string) string {
	return wrapped(fmt.Sprintf(`{"situation_contrat":%s,"synthese_contrat":%s,"comptage":%s}`, situation, synthesis, metering))
}

func TestProfile(t *testing.T) {
	both := map[meter.Direction]meter.Day{meter.Consumption: day("2014-01-22"), meter.Production: day("2024-07-31")}
	consumption := func(s string) map[meter.Direction]meter.Day {
		return map[meter.Direction]meter.Day{meter.Consumption: day(s)}
	}
	alone := []meter.Direction{meter.Consumption}
	hphc := enedis.Profile{
		Directions: alone, Open: true,
		Activation: consumption("2019-06-21"), SubscribedKVA: new(9.0), Tariff: "BTINFMUDT",
		OffPeak: "HC (1H30-8H00;12H30-14H00)",
	}
	tests := map[string]struct {
		version myelectricaldata.Version
		prm     meter.PRM
		body    string
		want    enedis.Profile
	}{
		"v1":              {v1, consumer, sample(t, "v5/contracts_hphc.json"), hphc},
		"v2 in v5's form": {v2, consumer, wrapped(sample(t, "v5/contracts_hphc.json")), hphc},
		"no off-peak hours": {v1, consumer, sample(t, "v5/contracts_base.json"), enedis.Profile{
			Directions: alone, Open: true,
			Activation: consumption("2013-08-14"), SubscribedKVA: new(6.0), Tariff: "BTINFCUST",
		}},
		"2026, both directions": {
			v2, producer, collected(sample(t, "2026/situation_contrat_selfconsumption.json"),
				sample(t, "2026/synth_contrat_selfconsumption.json"), sample(t, "2026/comptage.json")),
			enedis.Profile{
				Directions: meter.Directions(), Activation: both, SubscribedKVA: new(12.0), Tariff: sentence,
				OffPeak: "HC (22H00-6H00)",
			},
		},
		"2026, consumption alone": {
			v2, consumer, collected(`[{"usage_point_id":"09876543210987","segment":"C5","subscribed_power":{"value":"12","unit":"kVA"}}]`,
				`{"consumption_last_activation_date":"2019-06-21T00:00:00+0200"}`, `null`),
			enedis.Profile{
				Directions: []meter.Direction{meter.Consumption}, Activation: consumption("2019-06-21"), SubscribedKVA: new(12.0),
			},
		},
		"2026, production alone": {
			v2, consumer, collected(`[{"contract_type":"Contrat GRD-A"}]`, `{}`, `null`),
			enedis.Profile{Directions: []meter.Direction{meter.Production}, Open: true},
		},
		"2026, made out of v5: nothing is known of production": {
			v2, consumer, collected(`[{"contract_type":null,"segment":"C5","distribution_tariff":"BTINFCUST",`+
				`"contract_status":"SERVC","subscribed_power":{"value":"6","unit":"kVA"}}]`,
				`{"consumption_last_activation_date":"2013-08-14+02:00"}`, `{"relais":{"plageHeuresCreuses":{"default":"HC"}}}`),
			enedis.Profile{
				Directions: alone, Open: true,
				Activation: consumption("2013-08-14"), SubscribedKVA: new(6.0), Tariff: "BTINFCUST",
			},
		},
		"v5, production": {
			v1, consumer, `{"customer":{"usage_points":[{"contracts":{"segment":"P4","last_activation_date":"2021-04-15"}}]}}`,
			enedis.Profile{
				Directions: []meter.Direction{meter.Production}, Open: true,
				Activation: map[meter.Direction]meter.Day{meter.Production: day("2021-04-15")},
			},
		},
		"odd fields": {
			v1, consumer, `{"customer":{"usage_points":[{"contracts":{"segment":"C5","subscribed_power":9,` +
				`"last_activation_date":"soon","offpeak_hours":{"a":1}}}]}}`, enedis.Profile{Directions: alone, Open: true},
		},
		"neither direction": {
			v1, consumer, `{"customer":{"usage_points":[{"contracts":{"distribution_tariff":"BTINFCUST"}}]}}`,
			enedis.Profile{Tariff: "BTINFCUST"},
		},
		"nothing known":          {v1, consumer, `{"customer":{"usage_points":null}}`, enedis.Profile{}},
		"nothing known, of 2026": {v2, consumer, collected(`[]`, `null`, `null`), enedis.Profile{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, myelectricaldata.Options{Version: test.version}, answer(http.StatusOK, test.body))
			got, err := client.Profile(t.Context(), test.prm)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.Equal(t, []string{"GET " + map[myelectricaldata.Version]string{
				v1: "/contracts/" + string(test.prm), v2: "/enedis/contract/" + string(test.prm) + "?use_cache=false",
			}[test.version]}, g.requests())
		})
	}
}

func TestProfileRefused(t *testing.T) {
	for name, test := range map[string]struct {
		version myelectricaldata.Version
		status  int
		body    string
		action  enedis.Action
	}{
		"no consent": {
			v2, 200, worded(t, false, nil,
				"ENEDIS_ERROR", "ADAM-DC-0008: none"), enedis.RenewConsent,
		},
		"before the activation":     {v2, 200, sample(t, "med-v2/200_success_with_embedded_error.json"), enedis.NarrowStart},
		"null":                      {v2, 200, wrapped(`null`), enedis.Retry},
		"another answer":            {v2, 200, wrapped(`{"meter_reading":{}}`), enedis.Retry},
		"another meter":             {v1, 200, `{"customer":{"usage_points":[{"usage_point":{"usage_point_id":"33000000000033"}}]}}`, enedis.Retry},
		"another meter, in 2026":    {v2, 200, collected(`[{"usage_point_id":"33000000000033"}]`, `{}`, `{}`), enedis.Retry},
		"fields of other types":     {v1, 200, `{"customer":[]}`, enedis.Retry},
		"the quota of the gateway":  {v1, 409, `{"detail":"Quota d'appel atteint."}`, enedis.Quota},
		"not this delivery point's": {v1, 403, sample(t, "med-legacy/403_token_pdl_mismatch.json"), enedis.FixSettings},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := newGateway(t, myelectricaldata.Options{Version: test.version}, answer(test.status, test.body))
			got, err := client.Profile(t.Context(), consumer)
			require.Equal(t, test.action, requireRefusal(t, err).Action())
			require.Empty(t, got)
		})
	}
}

func TestMeters(t *testing.T) {
	g, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, sample(t, "med-v2/200_pdl_list.json")))
	list, err := client.Meters(t.Context())
	require.NoError(t, err)
	require.Equal(t, []meter.PRM{consumer}, list)
	require.Equal(t, []string{"GET /pdl/"}, g.requests())

	for name, test := range map[string]struct {
		data string
		want []meter.PRM
	}{
		"those switched off are left out": {
			`[{"usage_point_id":"33000000000033","is_active":false},{"usage_point_id":"09876543210987"}]`, []meter.PRM{consumer},
		},
		"none": {`[]`, nil},
	} {
		_, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, wrapped(test.data)))
		list, err := client.Meters(t.Context())
		require.NoError(t, err, name)
		require.Equal(t, test.want, list, name)
	}
	for _, data := range []string{`{}`, `[{"usage_point_id":"1"}]`, `[1]`} {
		_, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, wrapped(data)))
		_, err := client.Meters(t.Context())
		require.Equal(t, enedis.CodeUnreadable, requireRefusal(t, err).Code)
	}
}

func TestMetersWithATokenOfTheirOwn(t *testing.T) {
	own := map[meter.PRM]string{producer: "b", consumer: "a", "22222222222222": ""}
	for name, test := range map[string]struct {
		options myelectricaldata.Options
		want    []meter.PRM
		calls   int
	}{
		"v1":                              {myelectricaldata.Options{Version: v1, Tokens: own}, []meter.PRM{consumer, producer}, 0},
		"v1, beside a common one":         {myelectricaldata.Options{Version: v1, Token: secret, Tokens: own}, []meter.PRM{consumer, producer}, 0},
		"v1, a common one alone":          {myelectricaldata.Options{Version: v1, Token: secret}, nil, 0},
		"v2, without an account":          {myelectricaldata.Options{Version: v2, Tokens: own}, []meter.PRM{consumer, producer}, 0},
		"v2, behind those of the account": {myelectricaldata.Options{Version: v2, Token: secret, Tokens: own}, []meter.PRM{"11111111111111", producer, consumer}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, test.options, answer(http.StatusOK,
				wrapped(`[{"usage_point_id":"11111111111111"},{"usage_point_id":"33000000000033"}]`)))
			list, err := client.Meters(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, list)
			require.Len(t, g.requests(), test.calls)
		})
	}
	_, client := newGateway(t, myelectricaldata.Options{Version: v2, Token: secret, Tokens: own}, answer(http.StatusBadGateway, ``))
	_, err := client.Meters(t.Context())
	require.Error(t, err, "an account that cannot be read is no empty one")
}
