package enedistest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// shape lists the keys of a JSON document as paths, each with the type of what stands there.
func shape(t *testing.T, body string) []string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(body), &v), body)
	found := map[string]bool{}
	walk(found, "", v)
	return slices.Sorted(maps.Keys(found))
}

func walk(found map[string]bool, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		found[path+" object"] = true
		for key, inner := range v {
			walk(found, path+"."+key, inner)
		}
	case []any:
		found[path+" array"] = true
		for _, inner := range v {
			walk(found, path+"[]", inner)
		}
	default:
		found[fmt.Sprintf("%s %T", path, v)] = true
	}
}

func TestAnswersHaveTheKeysOfTheSamples(t *testing.T) {
	const from, to = "2026-11-14", "2026-11-21"
	const services = `{"autorisationId":%d,"autorisation":true,"comptage":false,"serviceType":"ACCES"}`
	max2026 := []string{"mesuresPas", "P1D", "grandeurPhysique"}
	cases := map[string]string{ // sample to request
		"2026/consommation_quotidienne":          path2026("consommation_quotidienne", consumer, from, to),
		"2026/production_quotidienne":            path2026("production_quotidienne", selfConsumer, from, to),
		"2026/courbe_de_charge_consommation_day": path2026("courbe_de_charge_consommation", consumer, from, to),
		"2026/courbe_de_charge_production":       path2026("courbe_de_charge_production", selfConsumer, from, to),
		"2026/puissance_conso_max_quotidienne_pma": path2026(
			"puissance_conso_max_quotidienne", consumer, from, to, append(max2026, "PMA")...),
		"2026/puissance_conso_max_quotidienne_tout_triphase": path2026(
			"puissance_conso_max_quotidienne", "55000000000055", from, to, append(max2026, "TOUT")...),
		"2026/index_consommation":                path2026("index_consommation", consumer, from, to),
		"2026/situation_contrat_selfconsumption": "/situation_contrat_auto/v1/" + string(selfConsumer),
		"2026/synth_contrat_selfconsumption":     "/synth_contrat_auto/v1/" + string(selfConsumer),
		"2026/comptage":                          "/comptage_auto/v1/" + string(consumer),
		"2026/donnees_generales":                 "/donnees_generales_auto/v1/" + string(consumer),

		"v5/daily_consumption":           pathV5("/metering_data_dc/v5/daily_consumption", consumer, from, to),
		"v5/daily_production":            pathV5("/metering_data_dp/v5/daily_production", producer, from, to),
		"v5/consumption_load_curve_day":  pathV5("/metering_data_clc/v5/consumption_load_curve", consumer, from, to),
		"v5/production_load_curve":       pathV5("/metering_data_plc/v5/production_load_curve", producer, from, to),
		"v5/daily_consumption_max_power": pathV5("/metering_data_dcmp/v5/daily_consumption_max_power", consumer, from, to),
		"v5/contracts_hphc":              "/customers_upc/v5/usage_points/contracts?usage_point_id=" + string(consumer),
		"v5/contracts_base":              "/customers_upc/v5/usage_points/contracts?usage_point_id=" + string(noCurve),
		"v5/addresses":                   "/customers_upa/v5/usage_points/addresses?usage_point_id=" + string(consumer),
		"v5/identity_natural_person":     "/customers_i/v5/identity?usage_point_id=" + string(consumer),
		"v5/contact_data_spec_key":       "/customers_cd/v5/contact_data?usage_point_id=" + string(consumer),
	}
	e := fixture()
	e.SetMeter(enedistest.Meter{PRM: "55000000000055", ThreePhase: true})
	c := dial(t, e)
	for name, path := range cases {
		t.Run(name, func(t *testing.T) {
			r := c.get(t, path)
			require.Equal(t, http.StatusOK, r.status, r.body)
			require.Equal(t, shape(t, sample(t, name)), shape(t, r.body))
		})
	}
	t.Run("2026/subscribed_services_response", func(t *testing.T) {
		m, _ := e.Meter(consumer)
		r := c.post(t, "/subscribed_services/v1/", "application/json", fmt.Sprintf(services, m.AuthorisationID()))
		require.Equal(t, shape(t, sample(t, "2026/subscribed_services_response")), shape(t, r.body))
	})
	t.Run("token/200_ok", func(t *testing.T) {
		r := c.post(t, "/oauth2/v3/token", "application/x-www-form-urlencoded",
			"grant_type=client_credentials&client_id=id&client_secret=secret")
		require.Equal(t, shape(t, sample(t, "token/200_ok")), shape(t, r.body))
	})
	t.Run("token/decoded_jwt_payload", func(t *testing.T) {
		parts := strings.Split(c.token, ".")
		require.Len(t, parts, 3)
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		require.NoError(t, err)
		require.Equal(t, shape(t, sample(t, "token/decoded_jwt_payload")), shape(t, string(payload)))
	})
}

// stamps is the sequence of stamps of a curve, whatever its form.
func stamps(t *testing.T, body string) []string {
	t.Helper()
	var doc struct {
		Grandeur []struct {
			Points []struct{ D, P string }
		}
		Reading struct {
			Intervals []struct {
				Date   string
				Length string `json:"interval_length"`
			} `json:"interval_reading"`
		} `json:"meter_reading"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &doc))
	var list []string
	for _, g := range doc.Grandeur {
		for _, p := range g.Points {
			list = append(list, p.D+" "+p.P)
		}
	}
	for _, i := range doc.Reading.Intervals {
		list = append(list, i.Date+" "+i.Length)
	}
	return list
}

func TestStampsOfClockChangesAreThoseOfTheSamples(t *testing.T) {
	const hourly, tenMinutes = meter.PRM("60000000000060"), meter.PRM("10000000000010")
	const curve2026, curveV5 = "courbe_de_charge_consommation", "/metering_data_clc/v5/consumption_load_curve"
	cases := map[string]struct {
		path   string
		points int
	}{
		"2026/courbe_de_charge_consommation_dst_march":   {path2026(curve2026, consumer, "2026-03-29", "2026-03-30"), 46},
		"2026/courbe_de_charge_consommation_dst_october": {path2026(curve2026, consumer, "2026-10-25", "2026-10-26"), 50},
		"v5/consumption_load_curve_dst_march":            {pathV5(curveV5, consumer, "2026-03-29", "2026-03-30"), 46},
		"v5/consumption_load_curve_dst_october":          {pathV5(curveV5, consumer, "2025-10-26", "2025-10-27"), 50},
		"v5/consumption_load_curve_pt60m_dst_october":    {pathV5(curveV5, hourly, "2025-10-26", "2025-10-27"), 25},
		"v5/consumption_load_curve_pt10m":                {pathV5(curveV5, tenMinutes, "2026-09-13", "2026-09-14"), 144},
	}
	e := fixture()
	e.SetMeter(enedistest.Meter{PRM: hourly, Step: 60 * minute})
	e.SetMeter(enedistest.Meter{PRM: tenMinutes, Step: 10 * minute})
	c := dial(t, e)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := stamps(t, c.get(t, tc.path).body)
			require.Equal(t, stamps(t, sample(t, name)), got)
			require.Len(t, got, tc.points)
		})
	}
}

func TestHourlyMarch(t *testing.T) {
	e := with(enedistest.Meter{PRM: consumer, Step: 60 * minute})
	got := stamps(t, dial(t, e).get(t, path2026("courbe_de_charge_consommation", consumer, "2026-03-29", "2026-03-30")).body)
	require.Len(t, got, 23)
	require.Equal(t, []string{
		"2026-03-29 01:00:00 PT60M", "2026-03-29 03:00:00 PT60M", "2026-03-29 04:00:00 PT60M",
	}, got[:3])
}
