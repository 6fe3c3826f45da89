package dataconnect_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	notSubscribed = `{"fault":{"code":900908,"message":"Resource forbidden ","description":"Not subscribed"}}`
	sentence      = "Tarif BT<=36kVA Moyenne Utilisation heures pleines heures creuses associées à deux saisons"
)

// contracts answers for the three contract APIs of 2026; an API without a body is not subscribed.
func contracts(t *testing.T, prm meter.PRM, bodies map[string]string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.URL.RawQuery, "the PRM is in the path")
		api, ok := strings.CutSuffix(r.URL.Path, "/v1/"+string(prm))
		assert.True(t, ok, r.URL.Path)
		assert.Contains(t, []string{"situation_contrat_auto", "synth_contrat_auto", "comptage_auto"}, api)
		body, subscribed := bodies[api]
		if !subscribed {
			w.WriteHeader(http.StatusForbidden)
			body = notSubscribed
		}
		_, _ = io.WriteString(w, body)
	}
}

func TestProfile2026(t *testing.T) {
	both := map[meter.Direction]meter.Day{
		meter.Consumption: day("2014-01-22"), meter.Production: day("2024-07-31"),
	}
	situation, synthesis := "2026/situation_contrat_selfconsumption.json", "2026/synth_contrat_selfconsumption.json"
	tests := map[string]struct {
		prm    meter.PRM
		bodies map[string]string
		want   enedis.Profile
	}{
		"a meter that produces as well": {
			producer,
			map[string]string{
				"situation_contrat_auto": sample(t, situation),
				"synth_contrat_auto":     sample(t, synthesis),
				"comptage_auto":          sample(t, "2026/comptage.json"),
			},
			enedis.Profile{
				Directions: meter.Directions(), Activation: both, SubscribedKVA: new(12.0), Tariff: sentence,
				OffPeak: "HC (22H00-6H00)",
			},
		},
		"a meter that consumes": {
			consumer,
			map[string]string{
				"situation_contrat_auto": sample(t, "2026/situation_contrat_consumer.json"),
				"synth_contrat_auto":     sample(t, "2026/synth_contrat_swagger_level.json"),
			},
			enedis.Profile{
				Directions:    []meter.Direction{meter.Consumption},
				Activation:    map[meter.Direction]meter.Day{meter.Consumption: day("2019-06-21")},
				SubscribedKVA: new(12.0), Tariff: sentence,
			},
		},
		"the situation alone": {
			producer,
			map[string]string{"situation_contrat_auto": sample(t, situation)},
			enedis.Profile{Directions: meter.Directions(), SubscribedKVA: new(12.0), Tariff: sentence},
		},
		"the synthesis alone": {
			producer,
			map[string]string{"synth_contrat_auto": sample(t, synthesis)},
			enedis.Profile{Directions: meter.Directions(), Activation: both},
		},
		"the metering alone": {
			consumer,
			map[string]string{"comptage_auto": sample(t, "2026/comptage.json")},
			enedis.Profile{OffPeak: "HC (22H00-6H00)"},
		},
		"a meter that only produces": {
			producer,
			map[string]string{
				"situation_contrat_auto": `[{"usage_point_id":"33000000000033","contract_type":"Contrat GRD-A"}]`,
				"synth_contrat_auto":     `{"segments":[{"segment":"P4"}]}`,
			},
			enedis.Profile{Directions: []meter.Direction{meter.Production}},
		},
		"answers that say nothing": {
			consumer,
			map[string]string{
				"situation_contrat_auto": `[]`, "synth_contrat_auto": `{}`, "comptage_auto": `{"relais":null}`,
			},
			enedis.Profile{},
		},
		"odd fields": {
			consumer,
			map[string]string{
				"situation_contrat_auto": `[{"segment":"C5","subscribed_power":{"unit":"kW","value":9}},{"segment":"X1"}]`,
				"synth_contrat_auto":     `{"consumption_last_activation_date":"soon"}`,
			},
			enedis.Profile{Directions: []meter.Direction{meter.Consumption}},
		},
		"an answer that cannot be read beside one that can": {
			consumer,
			map[string]string{
				"situation_contrat_auto": `[{"usage_point_id":"33000000000033","segment":"P4"}]`,
				"synth_contrat_auto":     `{"segments":[{"segment":"C5"}]}`, "comptage_auto": `<html>`,
			},
			enedis.Profile{Directions: []meter.Direction{meter.Consumption}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, contracts(t, test.prm, test.bodies))
			got, err := client.Profile(t.Context(), test.prm)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.Len(t, fake.requests(), 4)
		})
	}
}

func TestProfileV5(t *testing.T) {
	tests := map[string]struct {
		prm  meter.PRM
		body string
		want enedis.Profile
	}{
		"peak and off-peak hours": {
			consumer, sample(t, "v5/contracts_hphc.json"), enedis.Profile{
				Directions: []meter.Direction{meter.Consumption}, Open: true,
				Activation:    map[meter.Direction]meter.Day{meter.Consumption: day("2019-06-21")},
				SubscribedKVA: new(9.0), Tariff: "BTINFMUDT", OffPeak: "HC (1H30-8H00;12H30-14H00)",
			},
		},
		"one price": {
			consumer, sample(t, "v5/contracts_base.json"), enedis.Profile{
				Directions: []meter.Direction{meter.Consumption}, Open: true,
				Activation:    map[meter.Direction]meter.Day{meter.Consumption: day("2013-08-14")},
				SubscribedKVA: new(6.0), Tariff: "BTINFCUST",
			},
		},
		"a production contract": {
			producer, `{"customer":{"usage_points":[{"usage_point":{"usage_point_id":"33000000000033"},"contracts":` +
				`{"segment":"P4","last_activation_date":"2024-07-31+02:00","subscribed_power":"3 kVA"}}]}}`,
			enedis.Profile{
				Directions: []meter.Direction{meter.Production}, Open: true,
				Activation: map[meter.Direction]meter.Day{meter.Production: day("2024-07-31")},
			},
		},
		"nothing": {consumer, `{}`, enedis.Profile{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V5, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "customers_upc/v5/usage_points/contracts", r.URL.Path)
				assert.Equal(t, "usage_point_id="+string(test.prm), r.URL.RawQuery)
				_, _ = io.WriteString(w, test.body)
			})
			got, err := client.Profile(t.Context(), test.prm)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.Len(t, fake.requests(), 2)
		})
	}
}

func TestProfileV5RefusesAnotherMetersContract(t *testing.T) {
	_, client := newEnedis(t, dataconnect.V5, answer(http.StatusOK, sample(t, "v5/contracts_base.json")))
	_, err := client.Profile(t.Context(), producer)
	require.ErrorContains(t, err, enedis.CodeUnreadable)
	require.Equal(t, enedis.Retry, enedis.ActionOf(err))
}

func TestAnAPIThatIsNotSubscribedIsLeftAloneForADay(t *testing.T) {
	bodies := map[string]string{"synth_contrat_auto": `{"segments":[{"segment":"C5"}]}`}
	fake, client := newEnedis(t, dataconnect.V2026, contracts(t, consumer, bodies))
	profile := func(calls int) {
		before := len(fake.requests())
		_, err := client.Profile(t.Context(), consumer)
		require.NoError(t, err)
		require.Len(t, fake.requests(), before+calls)
	}
	profile(4)
	require.Equal(t, 2, strings.Count(fake.log(), "level=WARN"))
	require.Contains(t, fake.log(), "api=comptage_auto")

	profile(1)
	fake.pass(3 * time.Hour)
	profile(1)
	require.Equal(t, 2, strings.Count(fake.log(), "level=WARN"))

	fake.pass(21*time.Hour + time.Second)
	bodies["comptage_auto"] = `{}`
	profile(4)
	require.Equal(t, 3, strings.Count(fake.log(), "level=WARN"))
}

func TestTheFirstRefusalStandsWhenNothingCouldBeRead(t *testing.T) {
	for version, apis := range map[dataconnect.Version]int{dataconnect.V2026: 3, dataconnect.V5: 1} {
		fake, client := newEnedis(t, version, answer(http.StatusForbidden, notSubscribed))
		var first string
		for range 2 {
			_, err := client.Profile(t.Context(), consumer)
			require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
			if first == "" {
				first = err.Error()
			}
			require.EqualError(t, err, first, "the same refusal, without a call")
		}
		require.Len(t, fake.requests(), 1+apis)
	}
}

func TestProfileEndsAtOnce(t *testing.T) {
	tests := map[string]struct {
		data   http.HandlerFunc
		action enedis.Action
		calls  int
	}{
		"on quota": {answer(http.StatusTooManyRequests, `{"code":"429","message":"SLA"}`), enedis.Quota, 2},
		"on a refused consent": {
			answer(http.StatusForbidden, `{"error":"ADAM-DC-0008","error_description":"no consent"}`), enedis.RenewConsent, 2,
		},
		"on a refused token": {func(w http.ResponseWriter, _ *http.Request) { refuse(w) }, enedis.FixSettings, 4},
		"on the network": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, enedis.Retry, 2,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, test.data)
			_, err := client.Profile(t.Context(), consumer)
			require.Error(t, err)
			require.Equal(t, test.action, enedis.ActionOf(err))
			require.NotContains(t, err.Error(), string(consumer))
			require.Len(t, fake.requests(), test.calls)
		})
	}
}

func TestProfileOfARefusedTokenFetchEndsAtOnce(t *testing.T) {
	fake, client := newEnedis(t, dataconnect.V2026, nil)
	fake.token = answer(http.StatusForbidden, notSubscribed)
	_, err := client.Profile(t.Context(), consumer)
	require.Equal(t, enedis.FixSettings, enedis.ActionOf(err))
	require.Equal(t, []string{tokenCall}, fake.requests())
	require.Empty(t, fake.log())
}

func TestPersonsStayOutsideOfTheProfile(t *testing.T) {
	fake, client := newEnedis(t, dataconnect.V2026, contracts(t, producer, map[string]string{
		"situation_contrat_auto": sample(t, "2026/situation_contrat_selfconsumption.json"),
	}))
	got, err := client.Profile(t.Context(), producer)
	require.NoError(t, err)
	shown, err := json.Marshal(got)
	require.NoError(t, err)
	for _, personal := range []string{"CAMILLE", "EXEMPLE", "GRENOBLE", "camille@", "0400000000", string(producer)} {
		require.False(t, bytes.Contains(shown, []byte(personal)), personal)
		require.NotContains(t, fake.log(), personal)
	}
}
