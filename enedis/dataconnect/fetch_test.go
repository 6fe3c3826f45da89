package dataconnect_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestFetchAsksEachResourceAsDocumented(t *testing.T) {
	type resource struct {
		version   dataconnect.Version
		direction meter.Direction
		measure   meter.Measure
	}
	v2026 := url.Values{"pointId": {"09876543210987"}, "dateDebut": {"2026-11-14"}, "dateFin": {"2026-11-21"}}
	v5 := url.Values{"usage_point_id": {"09876543210987"}, "start": {"2026-11-14"}, "end": {"2026-11-21"}}
	peak := url.Values{"mesuresPas": {"P1D"}, "grandeurPhysique": {"PMA"}}
	maps.Copy(peak, v2026)
	tests := map[resource]struct {
		path  string
		query url.Values
	}{
		{dataconnect.V2026, meter.Consumption, meter.Daily}: {
			"mesure_synchrone_auto/v2/consommation_quotidienne", v2026,
		},
		{dataconnect.V2026, meter.Consumption, meter.LoadCurve}: {
			"mesure_synchrone_auto/v2/courbe_de_charge_consommation", v2026,
		},
		{dataconnect.V2026, meter.Consumption, meter.MaxPower}: {
			"mesure_synchrone_auto/v2/puissance_conso_max_quotidienne", peak,
		},
		{dataconnect.V2026, meter.Consumption, meter.Register}: {"mesure_synchrone_auto/v2/index_consommation", v2026},
		{dataconnect.V2026, meter.Production, meter.Daily}: {
			"mesure_synchrone_auto/v2/production_quotidienne", v2026,
		},
		{dataconnect.V2026, meter.Production, meter.LoadCurve}: {
			"mesure_synchrone_auto/v2/courbe_de_charge_production", v2026,
		},
		{dataconnect.V2026, meter.Production, meter.Register}: {"mesure_synchrone_auto/v2/index_production", v2026},
		{dataconnect.V5, meter.Consumption, meter.Daily}:      {"metering_data_dc/v5/daily_consumption", v5},
		{dataconnect.V5, meter.Consumption, meter.LoadCurve}:  {"metering_data_clc/v5/consumption_load_curve", v5},
		{dataconnect.V5, meter.Consumption, meter.MaxPower}:   {"metering_data_dcmp/v5/daily_consumption_max_power", v5},
		{dataconnect.V5, meter.Production, meter.Daily}:       {"metering_data_dp/v5/daily_production", v5},
		{dataconnect.V5, meter.Production, meter.LoadCurve}:   {"metering_data_plc/v5/production_load_curve", v5},
	}
	for res, want := range tests {
		t.Run(want.path, func(t *testing.T) {
			fake, client := newEnedis(t, res.version, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, want.path, r.URL.Path)
				assert.Equal(t, want.query, r.URL.Query())
				assert.Equal(t, "Bearer token-1", r.Header.Get("Authorization"))
				_, _ = io.WriteString(w, `{}`)
			})
			req := daily()
			req.Direction, req.Measure = res.direction, res.measure
			batch, err := client.Fetch(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, enedis.Batch{Request: req, Source: "dataconnect"}, batch)
			require.Equal(t, []string{"oauth2/v3/token", want.path}, fake.requests())
		})
	}
}

func TestFetchGivesTheDays(t *testing.T) {
	fake, client := newEnedis(t, dataconnect.V2026, answer(http.StatusOK, sample(t, "2026/consommation_quotidienne.json")))

	batch, err := client.Fetch(t.Context(), daily())
	require.NoError(t, err)
	require.Len(t, batch.Days, 7)
	require.Equal(t, "dataconnect", batch.Source)
	require.Equal(t, meter.DayValues{
		Day: day("2026-11-14"), Source: "dataconnect", Quality: meter.Raw, Value: 16600,
	}, batch.Days[0])

	_, err = client.Fetch(t.Context(), daily())
	require.NoError(t, err)
	require.Len(t, fake.requests(), 3, "a token serves more than one call")
	require.Empty(t, fake.log())
}

func TestFetchNeverAsksForToday(t *testing.T) {
	today := daily()
	today.Days = meter.Days{From: day("2026-11-20"), To: day("2026-11-25")}
	fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "2026-11-22", r.URL.Query().Get("dateFin"))
		_, _ = io.WriteString(w, `{}`)
	})
	batch, err := client.Fetch(t.Context(), today)
	require.NoError(t, err)
	require.Equal(t, today, batch.Request)

	fake.pass(11*time.Hour + 59*time.Minute + 59*time.Second) // to the last second of the day in Paris
	_, err = client.Fetch(t.Context(), today)
	require.NoError(t, err)

	calls := len(fake.requests())
	today.Days.From = day("2026-11-22")
	_, err = client.Fetch(t.Context(), today)
	require.Error(t, err)
	require.Len(t, fake.requests(), calls, "nothing is asked")
}

func TestFetchRefusesWhatIsNotOffered(t *testing.T) {
	for version, req := range map[dataconnect.Version]enedis.Request{
		dataconnect.V5:    {PRM: consumer, Direction: meter.Consumption, Measure: meter.Register, Days: daily().Days},
		dataconnect.V2026: {PRM: consumer, Direction: meter.Production, Measure: meter.MaxPower, Days: daily().Days},
	} {
		fake, client := newEnedis(t, version, answer(http.StatusOK, `{}`))
		_, err := client.Fetch(t.Context(), req)
		require.Error(t, err)
		require.NotContains(t, err.Error(), string(consumer))
		require.Empty(t, fake.requests())
		require.False(t, client.Traits().Offers(req.Direction, req.Measure))
	}
}

func TestFetchGivesEachRefusalItsAction(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   enedis.Error
		action enedis.Action
	}{
		"no data": {
			404, `{"error":"no_data_found","error_description":"no measure found"}`,
			enedis.Error{Status: 404, Code: "no_data_found", Detail: "no measure found"},
			enedis.Wait,
		},
		"no consent": {
			403, `{"error":"ADAM_DC_0008","error_description":"No consent"}`,
			enedis.Error{Status: 403, Code: "ADAM_DC_0008", Detail: "No consent"},
			enedis.RenewConsent,
		},
		"a page of HTML": {
			200, `<html>`, enedis.Error{
				Status: 200, Code: enedis.CodeUnreadable, Detail: "invalid character '<' looking for beginning of value",
			}, enedis.Retry,
		},
		"a refusal with status 200": {
			200, `{"error":"ADAM-ERR0069","error_description":"wrong"}`,
			enedis.Error{Status: 200, Code: "ADAM-ERR0069", Detail: "wrong"},
			enedis.Never,
		},
		"another meter's data": {
			200, `{"idPrm":"33000000000033","grandeur":[]}`,
			enedis.Error{Status: 200, Code: enedis.CodeUnreadable, Detail: "the answer is about another meter"},
			enedis.Retry,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fake, client := newEnedis(t, dataconnect.V2026, answer(test.status, test.body))
			_, err := client.Fetch(t.Context(), daily())
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok)
			test.want.Op = "consommation_quotidienne"
			require.Equal(t, test.want, *refusal)
			require.Equal(t, test.action, enedis.ActionOf(err))
			require.Len(t, fake.requests(), 2, "a refusal is not repeated")
		})
	}
}

func TestFetchWarnsOnceOfDroppedPoints(t *testing.T) {
	req := daily()
	req.Measure, req.Days = meter.LoadCurve, meter.Days{From: day("2026-03-29"), To: day("2026-03-30")}
	fake, client := newEnedis(t, dataconnect.V2026, answer(http.StatusOK,
		`{"idPrm":"09876543210987","grandeur":[{"unite":"W","points":[{"v":1,"d":"2026-03-29 01:30:00","p":"PT30M"},`+
			`{"v":1,"d":"2026-03-29 02:00:00","p":"PT30M"},{"v":1,"d":"2026-03-29 02:30:00","p":"PT30M"}]}]}`))

	batch, err := client.Fetch(t.Context(), req)

	require.NoError(t, err)
	require.Len(t, batch.Days, 1)
	require.Regexp(t, `^time=\S+ level=WARN msg="[^"]+" request="…0987 consumption/load_curve [^"]+" points=2\n$`, fake.log())
}

func TestFetchUsesNoAnswerFromAnotherTime(t *testing.T) {
	fake, client := newEnedis(t, dataconnect.V2026, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, `{}`)
	})
	_, err := client.Fetch(t.Context(), daily())
	_, ok := errors.AsType[*enedis.ClockError](err)
	require.True(t, ok)
	require.Len(t, fake.requests(), 2)
}

func TestTraits(t *testing.T) {
	for version, limit := range map[dataconnect.Version]enedis.Limit{
		dataconnect.V2026: {Window: time.Hour, Scope: enedis.ScopeAPI, Calls: 1000},
		dataconnect.V5:    {Window: time.Hour, Scope: enedis.ScopeAddress, Calls: 10_000},
	} {
		_, client := newEnedis(t, version, nil)
		require.Equal(t, "dataconnect", client.Name())
		traits := client.Traits()
		require.Equal(t, []enedis.Limit{limit}, traits.Limits)
		require.InDelta(t, 4.3, traits.Rate, 0)
		require.Equal(t, 4, traits.InFlight)
		for _, d := range meter.Directions() {
			require.Equal(t, meter.Measures(d), traits.Measures[d])
			for _, m := range traits.Measures[d] {
				require.Positive(t, traits.Span[m])
				require.Equal(t, 14, traits.History[m].Days)
			}
		}
		require.Equal(t, 7, traits.Span[meter.LoadCurve])
		require.Equal(t, 24, traits.History[meter.LoadCurve].Months)
		require.Equal(t, 36, traits.History[meter.Daily].Months)
	}
}

func TestNewChecksItsOptions(t *testing.T) {
	good := dataconnect.Options{
		BaseURL: "https://enedis.example/path", Version: dataconnect.V2026, ClientID: "id", ClientSecret: "topsecret",
	}
	_, err := dataconnect.New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*dataconnect.Options){
		"no URL":          func(o *dataconnect.Options) { o.BaseURL = "" },
		"no scheme":       func(o *dataconnect.Options) { o.BaseURL = "enedis.example" },
		"another scheme":  func(o *dataconnect.Options) { o.BaseURL = "ftp://enedis.example" },
		"a query":         func(o *dataconnect.Options) { o.BaseURL = "https://enedis.example/?x=topsecret" },
		"no URL at all":   func(o *dataconnect.Options) { o.BaseURL = "https://topsecret@:x y" },
		"another version": func(o *dataconnect.Options) { o.Version = "v4" },
		"no id":           func(o *dataconnect.Options) { o.ClientID = "" },
		"no secret":       func(o *dataconnect.Options) { o.ClientSecret = "" },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			spoil(&o)
			_, err := dataconnect.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "topsecret")
		})
	}
}
