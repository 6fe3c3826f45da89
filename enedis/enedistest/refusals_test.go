package enedistest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The sizes of history on noon's day, 22 November 2026.
const (
	oldestDay   = "2023-11-07" // 36 months and 15 days
	oldestCurve = "2024-11-07" // 24 months and 15 days
)

func TestRefusalsOf2026(t *testing.T) {
	const malformed = "errors/2026_500_swagger_shape"
	const daily, curve, peak = "consommation_quotidienne", "courbe_de_charge_consommation", "puissance_conso_max_quotidienne"
	cases := map[string]struct {
		path   string
		status int
		body   string // a sample; empty: not minded
	}{
		"the end not after the start": {
			path2026(daily, consumer, "2026-11-20", "2026-11-20"), 400, "errors/2026_400_ADAM-ERR0002_date_order",
		},
		"the end in the future": {
			path2026(daily, consumer, "2026-11-20", "2026-11-23"), 400, "errors/400_invalid_request_end_in_future",
		},
		"the end today": {path2026(daily, consumer, "2026-11-20", "2026-11-22"), 200, ""},
		"eight days of curve": {
			path2026(curve, consumer, "2026-11-14", "2026-11-22"), 400, "errors/400_ADAM-ERR0126_more_than_7_days",
		},
		"seven days of curve": {path2026(curve, consumer, "2026-11-15", "2026-11-22"), 200, ""},
		"366 days":            {path2026(daily, consumer, "2025-11-21", "2026-11-22"), 400, ""},
		"365 days":            {path2026(daily, consumer, "2025-11-22", "2026-11-22"), 200, ""},
		"a day beyond history": {
			path2026(daily, consumer, "2023-11-06", "2023-11-20"), 400, "errors/400_ADAM-ERR0125_history_deadline",
		},
		"the oldest day": {path2026(daily, consumer, oldestDay, "2023-11-20"), 200, ""},
		"a curve beyond history": {
			path2026(curve, consumer, "2024-11-06", "2024-11-09"), 400, "errors/400_ADAM-ERR0125_history_deadline",
		},
		"the oldest curve": {path2026(curve, consumer, oldestCurve, "2024-11-09"), 200, ""},
		"before the activation": {
			path2026(daily, "77000000000077", "2026-10-31", "2026-11-22"), 400, "errors/2026_400_ADAM-ERR0123",
		},
		"from the activation on": {path2026(daily, "77000000000077", "2026-11-01", "2026-11-22"), 200, ""},
		"consumption of a producer": {
			path2026(daily, producer, "2026-11-20", "2026-11-22"), 400, "errors/400_ADAM-ERR0069_wrong_direction",
		},
		"production of a consumer": {
			path2026("production_quotidienne", consumer, "2026-11-20", "2026-11-22"), 400, "errors/400_ADAM-ERR0069_wrong_direction",
		},
		"no curve": {
			path2026(curve, noCurve, "2026-11-20", "2026-11-22"), 404, "errors/2026_404_swagger_shape_no_measure",
		},
		"the customer objects to the curve": {
			path2026(curve, "78000000000078", "2026-11-20", "2026-11-22"), 400, "errors/400_ADAM-ERR0075_curve_objection",
		},
		"no data in the range": {
			path2026(daily, "79000000000079", "2026-11-20", "2026-11-22"), 404, "errors/2026_404_swagger_shape_no_measure",
		},
		"a PRM of nobody": {
			path2026(daily, nobody, "2026-11-20", "2026-11-22"), 403, "errors/2026_403_swagger_shape_not_holder",
		},
		"a consent that was revoked": {
			path2026(daily, "80000000000080", "2026-11-20", "2026-11-22"), 403, "errors/403_ADAM-DC-0008_no_consent",
		},
		"a consent that has ended": {
			path2026(daily, "81000000000081", "2026-11-20", "2026-11-22"), 400, "errors/2026_400_no_subscribed_service",
		},
		"a customer who has moved": {
			path2026(daily, "82000000000082", "2026-11-20", "2026-11-22"), 400, "errors/400_ADAM-DC-0007_not_holder_observed",
		},
		"a contract of nobody": {
			"/situation_contrat_auto/v1/" + string(nobody), 403, "errors/2026_403_swagger_shape_not_holder",
		},
		"a contract without consent": {
			"/synth_contrat_auto/v1/80000000000080", 403, "errors/403_ADAM-DC-0008_no_consent",
		},
		"a PRM of 13 digits":     {path2026(daily, "0987654321098", "2026-11-20", "2026-11-22"), 500, malformed},
		"a date of another form": {path2026(daily, consumer, "20-11-2026", "2026-11-22"), 500, malformed},
		"no dates":               {mesures + daily + "?pointId=" + string(consumer), 500, malformed},
		"the parameters of v5":   {pathV5(mesures+daily, consumer, "2026-11-20", "2026-11-22"), 500, malformed},
		"an unknown parameter": {
			path2026(daily, consumer, "2026-11-20", "2026-11-22", "mesuresPas", "P1D"), 500, malformed,
		},
		"a parameter twice": {
			path2026(daily, consumer, "2026-11-20", "2026-11-22", "pointId", "1"), 500, malformed,
		},
		"a peak without a step": {
			path2026(peak, consumer, "2026-11-20", "2026-11-22", "grandeurPhysique", "PMA"), 500, malformed,
		},
		"a peak without a quantity": {
			path2026(peak, consumer, "2026-11-20", "2026-11-22", "mesuresPas", "P1D"), 500, malformed,
		},
		"a query string that is none": {mesures + daily + "?pointId=%zz", 500, malformed},
		"a PRM in the query string of a contract": {
			"/situation_contrat_auto/v1?usage_point_id=" + string(consumer), 500, malformed,
		},
		"a path that is nowhere": {mesures + "index_consumption", 404, ""},
	}
	e := fixture()
	november := meter.NewDay(2026, 11, 1)
	for _, m := range []enedistest.Meter{
		{PRM: "77000000000077", Activation: map[meter.Direction]meter.Day{meter.Consumption: november}},
		{PRM: "78000000000078", Kind: enedistest.NoCurve, CurveObjection: true},
		{PRM: "79000000000079", Holes: []enedistest.Hole{{Days: november.Month()}}},
		{PRM: "80000000000080", RevokedAt: noon()},
		{PRM: "81000000000081", ConsentEnd: november, NoService: true},
		{PRM: "82000000000082", Moved: true},
	} {
		e.SetMeter(m)
	}
	c := dial(t, e)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := c.get(t, tc.path)
			require.Equal(t, tc.status, r.status, r.body)
			if tc.body != "" {
				require.JSONEq(t, sample(t, tc.body), r.body)
			}
		})
	}
}

func TestRefusalsOfV5(t *testing.T) {
	const daily, curve = "/metering_data_dc/v5/daily_consumption", "/metering_data_clc/v5/consumption_load_curve"
	const contracts = "/customers_upc/v5/usage_points/contracts"
	cases := map[string]struct {
		path   string
		status int
		body   string
	}{
		"the end not after the start": {
			pathV5(daily, consumer, "2026-11-20", "2026-11-20"), 400, "errors/400_invalid_request_date_order",
		},
		"the end in the future": {
			pathV5(daily, consumer, "2026-11-20", "2026-11-23"), 400, "errors/400_invalid_request_end_in_future",
		},
		"eight days of curve": {
			pathV5(curve, consumer, "2026-11-14", "2026-11-22"), 400, "errors/400_ADAM-ERR0126_more_than_7_days",
		},
		"seven days of curve": {pathV5(curve, consumer, "2026-11-15", "2026-11-22"), 200, ""},
		"366 days":            {pathV5(daily, consumer, "2025-11-21", "2026-11-22"), 400, ""},
		"beyond history": {
			pathV5(daily, consumer, "2023-11-06", "2023-11-20"), 400, "errors/400_ADAM-ERR0125_history_deadline",
		},
		"before the activation": {
			pathV5(daily, "77000000000077", "2026-10-31", "2026-11-22"), 400, "errors/400_ADAM-ERR0123_before_activation",
		},
		"consumption of a producer": {
			pathV5(daily, producer, "2026-11-20", "2026-11-22"), 400, "errors/400_ADAM-ERR0069_wrong_direction",
		},
		"no curve": {pathV5(curve, noCurve, "2026-11-20", "2026-11-22"), 404, "errors/404_no_data_found"},
		"a PRM of nobody": {
			pathV5(daily, nobody, "2026-11-20", "2026-11-22"), 403, "errors/403_ADAM-DC-0008_no_consent",
		},
		"a consent revoked": {
			pathV5(daily, "80000000000080", "2026-11-20", "2026-11-22"), 403, "errors/403_ADAM-DC-0008_no_consent",
		},
		"no usage point": {
			daily + "?start=2026-11-20&end=2026-11-22", 400, "errors/400_invalid_request_usage_point_missing",
		},
		"a PRM of 13 digits":   {pathV5(daily, "0987654321098", "2026-11-20", "2026-11-22"), 400, ""},
		"no dates":             {daily + "?usage_point_id=" + string(consumer), 400, ""},
		"a date that is none":  {pathV5(daily, consumer, "2026-02-30", "2026-11-22"), 400, ""},
		"an unknown parameter": {pathV5(daily, consumer, "2026-11-20", "2026-11-22") + "&step=1", 400, ""},
		"a person": {
			pathV5(daily, consumer, "2026-11-20", "2026-11-22") + "&person_id=1234567890", 200, "",
		},
		"a person of 9 digits": {pathV5(daily, consumer, "2026-11-20", "2026-11-22") + "&person_id=123456789", 400, ""},

		"the contract of a producer": {
			contracts + "?usage_point_id=" + string(producer), 404, "errors/404_STM-ERR-0000019_unknown_user",
		},
		"a contract of nobody": {
			contracts + "?usage_point_id=" + string(nobody), 404, "errors/404_STM-ERR-0000019_unknown_user",
		},
		"a contract of no usage point": {contracts, 400, "errors/400_invalid_request_usage_point_missing"},
	}
	e := fixture()
	e.SetMeter(enedistest.Meter{
		PRM: "77000000000077", Activation: map[meter.Direction]meter.Day{meter.Consumption: meter.NewDay(2026, 11, 1)},
	})
	e.SetMeter(enedistest.Meter{PRM: "80000000000080", RevokedAt: noon(), NoService: true})
	c := dial(t, e)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := c.get(t, tc.path)
			require.Equal(t, tc.status, r.status, r.body)
			if tc.body != "" {
				require.JSONEq(t, sample(t, tc.body), r.body)
			}
		})
	}
}

func TestOptionsOfRefusal(t *testing.T) {
	path := path2026("courbe_de_charge_consommation", consumer, "2026-11-15", "2026-11-22")
	t.Run("six days of curve at most", func(t *testing.T) {
		c := dial(t, fixture(func(o *enedistest.Options) { o.Limits.CurveDays = 6 }))
		require.JSONEq(t, sample(t, "errors/400_ADAM-ERR0126_more_than_7_days"), c.get(t, path).body)
		six := c.get(t, path2026("courbe_de_charge_consommation", consumer, "2026-11-16", "2026-11-22"))
		require.Equal(t, http.StatusOK, six.status)
	})
	t.Run("no data as v5 says it", func(t *testing.T) {
		c := dial(t, fixture(func(o *enedistest.Options) { o.NoDataFound = true }))
		r := c.get(t, strings.ReplaceAll(path, string(consumer), string(noCurve)))
		require.JSONEq(t, sample(t, "errors/404_no_data_found"), r.body)
	})
	t.Run("an API that is not subscribed", func(t *testing.T) {
		c := dial(t, fixture(func(o *enedistest.Options) { o.NotSubscribed = []string{"comptage_auto"} }))
		r := c.get(t, "/comptage_auto/v1/"+string(consumer))
		require.Equal(t, http.StatusForbidden, r.status)
		require.JSONEq(t, sample(t, "errors/403_fault_900908_not_subscribed"), r.body)
		require.Equal(t, http.StatusOK, c.get(t, path).status)
	})
	t.Run("a skew of the clock", func(t *testing.T) {
		c := dial(t, fixture(func(o *enedistest.Options) { o.Skew = -20 * time.Minute }))
		date, err := http.ParseTime(c.get(t, path).header.Get("Date"))
		require.NoError(t, err)
		require.True(t, date.Equal(noon().Add(-20*time.Minute)))
	})
}

func TestConsentBeginsAndEnds(t *testing.T) {
	m := enedistest.Meter{PRM: consumer, ConsentFrom: meter.NewDay(2023, 11, 23)} // three years: through 22 November 2026
	path := path2026("consommation_quotidienne", consumer, "2026-11-10", "2026-11-12")
	for now, status := range map[time.Time]int{
		noon():                   http.StatusOK,
		noon().AddDate(0, 0, 1):  http.StatusForbidden,
		noon().AddDate(-3, 0, 0): http.StatusForbidden,
	} {
		e := fixture(func(o *enedistest.Options) { o.Now, o.Meters = at(now), []enedistest.Meter{m} })
		path := path
		if now.Year() == 2023 {
			path = path2026("consommation_quotidienne", consumer, "2023-11-10", "2023-11-12")
		}
		require.Equal(t, status, dial(t, e).get(t, path).status, now)
	}
}

func TestWrongMethod(t *testing.T) {
	c := dial(t, fixture())
	for name, r := range map[string]reply{
		"POST of a measure":   c.post(t, mesures+"consommation_quotidienne", "application/json", "{}"),
		"GET of a token":      c.get(t, "/oauth2/v3/token"),
		"GET of the services": c.get(t, "/subscribed_services/v1/"),
	} {
		require.Equal(t, http.StatusMethodNotAllowed, r.status, name)
	}
}

func TestNewRefusesMistakes(t *testing.T) {
	require.PanicsWithValue(t, "enedistest: Options.Now is required", func() { enedistest.New(enedistest.Options{}) })
	require.PanicsWithValue(t, "enedistest: a PRM has exactly 14 digits", func() { with(enedistest.Meter{PRM: "1"}) })
}
