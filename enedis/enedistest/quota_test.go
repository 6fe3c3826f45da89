package enedistest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
)

// limited is a fixture with a clock that moves and limits of calls.
func limited(now *time.Time, limits enedistest.Limits) *enedistest.Enedis {
	return fixture(func(o *enedistest.Options) {
		o.Now, o.Limits = func() time.Time { return *now }, limits
	})
}

func TestFiveCallsASecond(t *testing.T) {
	now := noon()
	e := limited(&now, enedistest.Limits{})
	c := dial(t, e) // the token is the first call
	contract := "/comptage_auto/v1/" + string(consumer)
	for range 4 {
		require.Equal(t, http.StatusOK, c.get(t, contract).status)
	}
	r := c.get(t, contract)
	require.Equal(t, http.StatusTooManyRequests, r.status)
	require.JSONEq(t, sample(t, "errors/2026_429_swagger_shape_sla"), r.body)
	r = c.get(t, "/customers_i/v5/identity?usage_point_id="+string(consumer))
	require.JSONEq(t, sample(t, "errors/429_quota_Q3_per_second"), r.body)
	now = now.Add(time.Second)
	require.Equal(t, http.StatusOK, c.get(t, contract).status, "refused calls are not counted")
}

func TestFourAndAHalfCallsASecondPass(t *testing.T) {
	now := noon()
	c := dial(t, limited(&now, enedistest.Limits{CallsPerHour2026: enedistest.Unlimited}))
	for range 100 {
		now = now.Add(time.Second * 10 / 45)
		require.Equal(t, http.StatusOK, c.get(t, "/comptage_auto/v1/"+string(consumer)).status)
	}
}

func TestAThousandCallsAnHourOfEachAPI(t *testing.T) {
	now := noon()
	e := limited(&now, enedistest.Limits{CallsPerSecond: enedistest.Unlimited})
	c := dial(t, e)
	path := "/comptage_auto/v1/" + string(consumer)
	for range 1000 {
		require.Equal(t, http.StatusOK, c.get(t, path).status)
	}
	require.Equal(t, http.StatusTooManyRequests, c.get(t, path).status)
	require.Equal(t, http.StatusOK, c.get(t, "/donnees_generales_auto/v1/"+string(consumer)).status, "another API")
	require.Equal(t, 1000, e.Count(enedistest.Call{API: "comptage_auto", Status: http.StatusOK}))
	require.Equal(t, 1, e.Count(enedistest.Call{API: "comptage_auto", Status: http.StatusTooManyRequests}))
	now = now.Add(time.Hour)
	require.Equal(t, http.StatusOK, c.get(t, path).status)
}

func TestCallsAnHourOfAllAPIsOfV5(t *testing.T) {
	now := noon()
	e := limited(&now, enedistest.Limits{CallsPerSecond: enedistest.Unlimited, CallsPerHourV5: 2})
	c := dial(t, e)
	prm := "?usage_point_id=" + string(consumer)
	require.Equal(t, http.StatusOK, c.get(t, "/customers_i/v5/identity"+prm).status)
	require.Equal(t, http.StatusOK, c.get(t, "/customers_cd/v5/contact_data"+prm).status)
	now = now.Add(47*time.Minute + 26*time.Second)
	r := c.get(t, "/customers_i/v5/identity"+prm)
	require.Equal(t, http.StatusTooManyRequests, r.status)
	require.JSONEq(t, sample(t, "errors/429_quota_Q4_per_hour"), r.body)
}

func TestCallsAreRecorded(t *testing.T) {
	e := fixture()
	c := dial(t, e)
	c.get(t, path2026("consommation_quotidienne", consumer, "2026-11-15", "2026-11-22"))
	c.get(t, path2026("consommation_quotidienne", nobody, "2026-11-15", "2026-11-22"))
	c.get(t, "/synth_contrat_auto/v1/"+string(consumer))
	c.get(t, "/favicon.ico")
	days := e.Calls()[1].Days
	require.Equal(t, "2026-11-15..2026-11-22", days.String())
	require.Equal(t, []enedistest.Call{
		{At: noon(), API: enedistest.APIToken, Resource: enedistest.ResourceToken, Status: 200},
		{At: noon(), API: "mesure_synchrone_auto", Resource: "consommation_quotidienne", PRM: consumer, Days: days, Status: 200},
		{At: noon(), API: "mesure_synchrone_auto", Resource: "consommation_quotidienne", PRM: nobody, Days: days, Status: 403},
		{At: noon(), API: "synth_contrat_auto", Resource: "synth_contrat_auto", PRM: consumer, Status: 200},
		{At: noon(), API: "favicon.ico", Resource: "unknown", Status: 404},
	}, e.Calls())
	require.Equal(t, 2, e.Count(enedistest.Call{Resource: "consommation_quotidienne"}))
	require.Equal(t, 1, e.Count(enedistest.Call{Resource: "consommation_quotidienne", PRM: consumer, Days: days}))
	require.Equal(t, 5, e.Count(enedistest.Call{}))
	e.ForgetCalls()
	require.Empty(t, e.Calls())
}
