package enedistest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestContractsOf2026(t *testing.T) {
	c := dial(t, fixture())

	situation := c.get(t, "/situation_contrat_auto/v1/"+string(selfConsumer))
	require.Equal(t, "application/octet-stream", situation.header.Get("Content-Type"))
	require.Contains(t, situation.body, `"contract_start":"2019-06-21T00:00:00+0200","contract_type":"Contrat GRD-F"`)
	require.Contains(t, situation.body, `"contract_start":"2021-04-15T00:00:00+0200","contract_type":"Contrat GRD-A"`)
	require.Contains(t, situation.body, `"distribution_tariff":"Tarif BT<=36kVA`)
	require.Contains(t, situation.body, `"subscribed_power":{"unit":"kVA","value":"12"}`)

	require.JSONEq(t, `{"segments":[{"segment":"P4"}],
		"generation_last_activation_date":"2019-06-21T00:00:00+0200",
		"services_level":"Communicant (ouvert aux services)"}`, c.get(t, "/synth_contrat_auto/v1/"+string(producer)).body)
	require.NotContains(t, c.get(t, "/situation_contrat_auto/v1/"+string(producer)).body, "subscribed_power")

	require.JSONEq(t, sample(t, "2026/comptage"), c.get(t, "/comptage_auto/v1/"+string(consumer)).body)
	require.NotContains(t, c.get(t, "/comptage_auto/v1/"+string(noCurve)).body, "relais", "a flat tariff")
	require.JSONEq(t, sample(t, "2026/donnees_generales"), c.get(t, "/donnees_generales_auto/v1/"+string(consumer)).body)
}

func TestContractsOfV5(t *testing.T) {
	m := enedistest.Meter{
		PRM:        consumer,
		Activation: map[meter.Direction]meter.Day{meter.Consumption: meter.NewDay(2013, 8, 14)},
		Contract:   enedistest.Contract{KVA: 6, TariffCode: "BTINFCUST"},
	}
	c := dial(t, with(m))
	require.JSONEq(t, `{"customer":{"customer_id":"1234567890","usage_points":[{
		"usage_point":{"usage_point_id":"09876543210987","usage_point_status":"com","meter_type":"AMM"},
		"contracts":{"segment":"C5","subscribed_power":"6 kVA","last_activation_date":"2013-08-14+02:00",
			"distribution_tariff":"BTINFCUST","offpeak_hours":null,"contract_type":"Contrat GRD-F",
			"contract_status":"SERVC","last_distribution_tariff_change_date":"2013-08-14+02:00"}}]}}`,
		c.get(t, "/customers_upc/v5/usage_points/contracts?usage_point_id="+string(consumer)).body)
	require.JSONEq(t, sample(t, "v5/addresses"),
		c.get(t, "/customers_upa/v5/usage_points/addresses?usage_point_id="+string(consumer)).body)
	require.JSONEq(t, sample(t, "v5/contact_data_spec_key"),
		c.get(t, "/customers_cd/v5/contact_data?usage_point_id="+string(consumer)).body)
}
