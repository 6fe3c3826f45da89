package enedistest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestAdminMeterChanges(t *testing.T) {
	e := fixture()
	c := dial(t, e)
	m := e.Meters()[0]
	day := meter.NewDay(2026, 11, 19)
	daily := func() (wh int64, ok bool) {
		m, _ := e.Meter(m.PRM)
		v, ok := m.DayAt(meter.Consumption, meter.Daily, day, noon())
		return v.Value, ok
	}
	before, ok := daily()
	require.True(t, ok)
	where := "?prm=" + string(m.PRM) + "&day=" + day.String()

	require.Equal(t, http.StatusOK, c.post(t, "/simulator/holes"+where, "", "").status)
	_, ok = daily()
	require.False(t, ok, "a hole is a day that is not there")
	heal, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://enedis.test/simulator/holes?prm="+string(m.PRM), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, c.do(t, heal).status)
	after, ok := daily()
	require.True(t, ok)
	require.Equal(t, before, after)

	require.Equal(t, http.StatusOK, c.post(t, "/simulator/corrections"+where+"&percent=150", "", "").status)
	after, _ = daily()
	require.Greater(t, after, before)

	for name, query := range map[string]string{
		"an unknown meter":   "?prm=00000000000000&day=2026-11-19",
		"no day":             "?prm=" + string(m.PRM),
		"a broken day":       "?prm=" + string(m.PRM) + "&day=today",
		"a percentage below": where + "&percent=-1",
	} {
		t.Run(name, func(t *testing.T) {
			r := c.post(t, "/simulator/corrections"+query, "", "")
			require.Equal(t, http.StatusBadRequest, r.status)
			var body struct{ Error string }
			require.NoError(t, json.Unmarshal([]byte(r.body), &body))
			require.NotEmpty(t, body.Error)
		})
	}
}
