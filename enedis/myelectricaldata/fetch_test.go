package myelectricaldata_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	v1 = myelectricaldata.V1
	v2 = myelectricaldata.V2

	nothing = `{"success":true,"data":{"meter_reading":null},"error":null}`
)

func requireRefusal(t *testing.T, err error) *enedis.Error {
	t.Helper()
	refusal, ok := errors.AsType[*enedis.Error](err)
	require.True(t, ok, "%v", err)
	require.NotContains(t, err.Error(), string(consumer))
	require.NotContains(t, err.Error(), secret)
	return refusal
}

func TestFetchAsksEachResourceAsDocumented(t *testing.T) {
	const range1 = "/09876543210987/start/2026-11-14/end/2026-11-21"
	const range2 = "/09876543210987?end=2026-11-21&start=2026-11-14&use_cache=false"
	for version, paths := range map[myelectricaldata.Version]map[measured]string{
		v1: {
			{meter.Consumption, meter.Daily}:     "/daily_consumption" + range1,
			{meter.Consumption, meter.LoadCurve}: "/consumption_load_curve" + range1,
			{meter.Consumption, meter.MaxPower}:  "/daily_consumption_max_power" + range1,
			{meter.Production, meter.Daily}:      "/daily_production" + range1,
			{meter.Production, meter.LoadCurve}:  "/production_load_curve" + range1,
		},
		v2: {
			{meter.Consumption, meter.Daily}:     "/enedis/consumption/daily" + range2,
			{meter.Consumption, meter.LoadCurve}: "/enedis/consumption/detail/batch" + range2,
			{meter.Consumption, meter.MaxPower}:  "/enedis/power" + range2,
			{meter.Production, meter.Daily}:      "/enedis/production/daily" + range2,
			{meter.Production, meter.LoadCurve}:  "/enedis/production/detail" + range2,
		},
	} {
		for what, path := range paths {
			t.Run(string(version)+path, func(t *testing.T) {
				g, client := newGateway(t, myelectricaldata.Options{Version: version}, func(w http.ResponseWriter, r *http.Request) {
					want := map[myelectricaldata.Version]string{v1: secret, v2: "Bearer " + secret}[version]
					assert.Equal(t, want, r.Header.Get("Authorization"))
					assert.NotContains(t, r.Header, "X-Med-Format")
					_, _ = io.WriteString(w, map[myelectricaldata.Version]string{v1: `{}`, v2: nothing}[version])
				})
				require.True(t, client.Traits().Offers(what.direction, what.measure))
				req := request(what.direction, what.measure, "2026-11-14", "2026-11-21")
				batch, err := client.Fetch(t.Context(), req)
				require.NoError(t, err)
				require.Equal(t, enedis.Batch{Request: req, Source: "myelectricaldata"}, batch)
				require.Equal(t, []string{"GET " + path}, g.requests())
			})
		}
	}
}

type measured struct {
	direction meter.Direction
	measure   meter.Measure
}

func TestTheFormatOf2026IsAskedFor(t *testing.T) {
	_, client := newGateway(t, myelectricaldata.Options{Version: v2, Format2026: true}, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "2026", r.Header.Get("X-MED-Format"))
		_, _ = io.WriteString(w, sample(t, "med-v2/200_consumption_detail_2026format_start_stamped.json"))
	})
	batch, err := client.Fetch(t.Context(), curve("2026-11-20", "2026-11-21"))
	require.NoError(t, err)
	require.Equal(t, meter.WattHours(16457).Joules(), batch.Days[0].Energy())
}

func TestFetchGivesTheDays(t *testing.T) {
	_, client := newGateway(t, myelectricaldata.Options{Version: v1}, answer(http.StatusOK, sample(t, "med-legacy/200_daily_consumption.json")))
	batch, err := client.Fetch(t.Context(), request(meter.Consumption, meter.Daily, "2026-09-12", "2026-09-14"))
	require.NoError(t, err)
	require.Equal(t, []meter.DayValues{
		{Day: day("2026-09-12"), Source: "myelectricaldata", Quality: meter.Raw, Value: 15094},
		{Day: day("2026-09-13"), Source: "myelectricaldata", Quality: meter.Raw, Value: 15208},
	}, batch.Days)
}

func TestDailyConsumptionIsInWattHoursWhateverItSays(t *testing.T) {
	for unit, readable := range map[string]bool{"W": true, "Wh": true, "": true, "kWh": false, "VA": false} {
		body := fmt.Sprintf(`{"success":true,"data":{"meter_reading":{"interval_reading":[{"value":"16600","date":"2026-11-14"}],`+
			`"reading_type":{"unit":%q}}}}`, unit)
		_, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, body))
		batch, err := client.Fetch(t.Context(), daily())
		if !readable {
			require.Equal(t, enedis.CodeUnreadable, requireRefusal(t, err).Code, unit)
			continue
		}
		require.NoError(t, err, unit)
		require.Equal(t, int64(16600), batch.Days[0].Value)

		produced := daily()
		produced.Direction = meter.Production
		_, err = client.Fetch(t.Context(), produced)
		require.Equal(t, unit == "W", err != nil, "of production the unit is Enedis's own")
	}
}

func TestPowerKeepsItsInstant(t *testing.T) {
	_, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, sample(t, "med-v2/200_power_v5format.json")))
	batch, err := client.Fetch(t.Context(), request(meter.Consumption, meter.MaxPower, "2026-09-07", "2026-09-14"))
	require.NoError(t, err)
	require.Equal(t, int64(4210), batch.Days[6].Value)
	require.Equal(t, "2026-09-13T02:00:37+02:00", batch.Days[6].At.Format(time.RFC3339))
}

func TestFetchNeverAsksForToday(t *testing.T) {
	g, client := newGateway(t, myelectricaldata.Options{Version: v2}, answer(http.StatusOK, nothing))
	req := daily()
	req.Days = meter.Days{From: day("2026-11-20"), To: day("2026-11-25")}
	batch, err := client.Fetch(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, req, batch.Request)
	require.Contains(t, g.requests()[0], "end=2026-11-22&")

	req.Days.From = day("2026-11-22")
	_, err = client.Fetch(t.Context(), req)
	require.Error(t, err)
	require.Len(t, g.requests(), 1, "nothing is asked")
}

func TestFetchRefusesWhatIsNotOffered(t *testing.T) {
	for _, version := range []myelectricaldata.Version{v1, v2} {
		g, client := newGateway(t, myelectricaldata.Options{Version: version}, nil)
		_, err := client.Fetch(t.Context(), request(meter.Production, meter.MaxPower, "2026-11-14", "2026-11-21"))
		require.Error(t, err)
		require.NotContains(t, err.Error(), string(consumer))
		require.Empty(t, g.requests())
	}
}

func TestTraits(t *testing.T) {
	today := day("2026-11-22")
	for version, want := range map[myelectricaldata.Version]struct {
		lags         bool
		yesterday    time.Duration
		daily, curve string
	}{
		v1: {false, 0, "2023-11-08", "2024-11-08"},
		v2: {true, 10 * time.Hour, "2023-11-23", "2024-11-23"},
	} {
		_, client := newGateway(t, myelectricaldata.Options{Version: version}, nil)
		require.Equal(t, "myelectricaldata", client.Name())
		traits := client.Traits()
		require.Equal(t, []enedis.Limit{{Window: 24 * time.Hour, Scope: enedis.ScopeCredential, Calls: 40}}, traits.Limits)
		require.InDelta(t, 1, traits.Rate, 0)
		require.Equal(t, 1, traits.InFlight)
		require.Equal(t, want.lags, traits.Lags(meter.Consumption))
		require.False(t, traits.Lags(meter.Production))
		require.Equal(t, want.yesterday, traits.Yesterday)
		require.False(t, traits.NoContract)
		require.Equal(t, map[meter.Measure]int{meter.Daily: 365, meter.LoadCurve: 7, meter.MaxPower: 365}, traits.Span)
		require.Equal(t, want.daily, traits.History[meter.Daily].First(today).String())
		require.Equal(t, want.daily, traits.History[meter.MaxPower].First(today).String())
		require.Equal(t, want.curve, traits.History[meter.LoadCurve].First(today).String())
	}
}

func TestAMeterMayHaveATokenOfItsOwn(t *testing.T) {
	const own = "its own"
	seen := ""
	g, client := newGateway(t, myelectricaldata.Options{Version: v1, Tokens: map[meter.PRM]string{producer: own}},
		func(w http.ResponseWriter, r *http.Request) {
			seen = r.Header.Get("Authorization")
			_, _ = io.WriteString(w, `{}`)
		})
	req := daily()
	req.PRM = producer
	_, err := client.Fetch(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, own, seen)

	_, err = client.Fetch(t.Context(), daily())
	refusal := requireRefusal(t, err)
	require.Equal(t, enedis.CodeOtherMeter, refusal.Code)
	require.Equal(t, http.StatusUnauthorized, refusal.Status)
	require.Equal(t, enedis.FixSettings, refusal.Action())
	require.True(t, refusal.Apart, "another meter's trouble is not the source's")
	require.Contains(t, refusal.Detail, "…0987")
	require.Len(t, g.requests(), 1, "nothing is asked")
}

func TestNewChecksItsOptions(t *testing.T) {
	good := myelectricaldata.Options{BaseURL: "https://gateway.example/api", Version: v2, Token: "topsecret"}
	_, err := myelectricaldata.New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*myelectricaldata.Options){
		"no URL":                   func(o *myelectricaldata.Options) { o.BaseURL = "" },
		"no scheme":                func(o *myelectricaldata.Options) { o.BaseURL = "gateway.example" },
		"a query":                  func(o *myelectricaldata.Options) { o.BaseURL = "https://gateway.example/?x=topsecret" },
		"no URL at all":            func(o *myelectricaldata.Options) { o.BaseURL = "https://topsecret@:x y" },
		"another version":          func(o *myelectricaldata.Options) { o.Version = "v3" },
		"no token":                 func(o *myelectricaldata.Options) { o.Token = "" },
		"an id without its secret": func(o *myelectricaldata.Options) { o.Token, o.ClientID = "", "topsecret" },
		"v1 with a secret":         func(o *myelectricaldata.Options) { o.Version, o.Token, o.ClientSecret = v1, "", "topsecret" },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			spoil(&o)
			_, err := myelectricaldata.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "topsecret")
		})
	}
}

func TestTheSecretAloneIsSentAsItIs(t *testing.T) {
	for name, o := range map[string]myelectricaldata.Options{
		"as the token":          {Version: v2, Token: secret},
		"as the client secret":  {Version: v2, ClientSecret: secret},
		"beside an id, a token": {Version: v2, Token: secret, ClientID: "id", ClientSecret: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, o, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "Bearer "+secret, r.Header.Get("Authorization"))
				_, _ = io.WriteString(w, nothing)
			})
			_, err := client.Fetch(t.Context(), daily())
			require.NoError(t, err)
			require.Len(t, g.requests(), 1)
		})
	}
}
