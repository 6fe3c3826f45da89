package contract_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestValidateHistory(t *testing.T) {
	tests := map[string]struct {
		from, to string
		edit     func(*contract.Command)
		want     string // empty when all is well
		days     string
	}{
		"from a day":                    {from: "2026-01-01", days: "2026-01-01..2026-11-22"},
		"through a day":                 {from: "2026-01-01", to: "2026-01-31", days: "2026-01-01..2026-02-01"},
		"a single day":                  {from: "2026-01-01", to: "2026-01-01", days: "2026-01-01..2026-01-02"},
		"yesterday":                     {from: "2026-11-21", days: "2026-11-21..2026-11-22"},
		"through today":                 {from: "2026-11-20", to: "2026-11-22", days: "2026-11-20..2026-11-22"},
		"through the year":              {from: "2026-11-20", to: "2026-12-31", days: "2026-11-20..2026-11-22"},
		"as far back as history goes":   {from: "2023-11-08", days: "2023-11-08..2026-11-22"},
		"a day before that":             {from: "2023-11-07", want: "from 2023-11-07 is too early: history reaches back to 2023-11-08, 36 months and 14 days"},
		"long before, through long ago": {from: "1999-01-01", to: "1999-12-31", want: "from 1999-01-01 is too early: history reaches back to 2023-11-08, 36 months and 14 days"},
		"the wrong way round":           {from: "2026-02-01", to: "2026-01-31", want: "from 2026-02-01 is after to 2026-01-31"},
		"today":                         {from: "2026-11-22", want: "from 2026-11-22 is too late: yesterday, 2026-11-21, is the last day that can be there"},
		"tomorrow through next week":    {from: "2026-11-23", to: "2026-11-30", want: "from 2026-11-23 is too late: yesterday, 2026-11-21, is the last day that can be there"},
		"without a first day":           {from: "1970-01-01", want: "history needs from, the first day as YYYY-MM-DD"},
		"without a meter":               {from: "2026-01-01", edit: func(c *contract.Command) { c.PRM = "" }, want: "history needs prm, the 14 digits of the meter"},
		"registers":                     {from: "2026-01-01", edit: func(c *contract.Command) { c.Measures = []meter.Measure{meter.Register} }, want: `measure "register" has no history: want daily, load_curve or max_power`},
		"maximum power of production": {
			from: "2026-01-01", want: "production has no max_power: want daily or load_curve",
			edit: func(c *contract.Command) {
				c.Direction, c.Measures = meter.Production, []meter.Measure{meter.Daily, meter.MaxPower}
			},
		},
		"another command": {from: "2026-01-01", edit: func(c *contract.Command) { c.Name = "reboot" }, want: `unknown command "reboot": want refresh, history, history/stop, republish, coverage`},
	}
	now := instant(t, "2026-11-22T00:00:00+01:00")
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := contract.Command{Name: contract.History, PRM: "09876543210987", From: day(t, tc.from)}
			if tc.to != "" {
				c.To = day(t, tc.to)
			}
			if tc.edit != nil {
				tc.edit(&c)
			}
			if err := c.Validate(now); tc.want != "" {
				require.EqualError(t, err, tc.want)
				return
			}
			require.NoError(t, c.Validate(now))
			require.Equal(t, tc.days, c.Days(now).String())
		})
	}
	require.NoError(t, contract.Command{Name: contract.Refresh}.Validate(now))
	require.EqualError(t, contract.Command{Name: contract.CoverageReport}.Validate(now), "coverage needs prm, the 14 digits of the meter")
}

func TestHistoryFirst(t *testing.T) {
	require.Equal(t, "2023-11-08", contract.HistoryFirst(meter.Daily, day(t, "2026-11-22")).String())
	require.Equal(t, "2023-11-08", contract.HistoryFirst(meter.MaxPower, day(t, "2026-11-22")).String())
	require.Equal(t, "2024-11-08", contract.HistoryFirst(meter.LoadCurve, day(t, "2026-11-22")).String())
	require.Equal(t, "2022-02-14", contract.HistoryFirst(meter.LoadCurve, day(t, "2024-02-28")).String())
	require.Equal(t, "2022-02-14", contract.HistoryFirst(meter.LoadCurve, day(t, "2024-02-29")).String(), "no 29 February in 2022")
}

func TestResponses(t *testing.T) {
	c := contract.Command{Name: contract.History, Transaction: json.RawMessage(`{"id": "a<b"}`)}
	ok := c.OK(contract.HistoryProgress{PRM: "09876543210987", Calls: 3, Days: 600}).Document(topics, c.Name)
	require.Equal(t, "enedis2mqtt/bridge/response/history", ok.Topic)
	require.False(t, ok.Retain)
	require.JSONEq(t, `{"status":"ok","error":null,"data":{"prm":"09876543210987","calls":3,"done":0,"days":600,"days_done":0,
		"holes":0,"ends_at":null},"transaction":{"id":"a<b"}}`, string(ok.Body))
	require.Contains(t, string(ok.Body), "a<b", "not escaped for HTML")

	failed := contract.Command{Name: "history/stop"}.Failed(errors.New("no such meter")).Document(topics, "history/stop")
	require.Equal(t, "enedis2mqtt/bridge/response/history/stop", failed.Topic)
	require.JSONEq(t, `{"status":"error","error":"no such meter","data":null,"transaction":null}`, string(failed.Body))
}

func TestCoverageReport(t *testing.T) {
	m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
	change(m, consumption, meter.Daily, func(s *contract.Series) {
		*s = kept(meter.Daily, day(t, "2026-10-28"), dailies(run(t, "2026-10-20", "2026-11-18"), day(t, "2026-11-03"), day(t, "2026-11-04")))
		s.Coverage.MarkAsked(run(t, "2026-10-28", "2026-11-20"))
	})
	change(m, consumption, meter.LoadCurve, func(s *contract.Series) {
		*s = kept(meter.LoadCurve, day(t, "2026-11-19"), []meter.DayValues{curve(day(t, "2026-11-20"), 4), curve(day(t, "2026-11-21"))})
	})
	never(m, consumption, meter.MaxPower, contract.Starting)
	c := contract.Command{Name: contract.CoverageReport}
	doc := c.OK(m.Coverage(instant(t, "2026-11-22T00:00:00+01:00"))).Document(topics, c.Name)
	require.JSONEq(t, `{"status":"ok","error":null,"transaction":null,"data":{"prm":"09876543210987","series":{
		"consumption/daily":[
			{"from":"2026-10-28","to":"2026-11-02","status":"complete","days":6},
			{"from":"2026-11-03","to":"2026-11-04","status":"absent","days":2},
			{"from":"2026-11-05","to":"2026-11-18","status":"complete","days":14},
			{"from":"2026-11-19","to":"2026-11-20","status":"absent","days":2},
			{"from":"2026-11-21","to":"2026-11-21","status":"unasked","days":1}],
		"consumption/load_curve":[
			{"from":"2026-11-19","to":"2026-11-19","status":"unasked","days":1},
			{"from":"2026-11-20","to":"2026-11-20","status":"partial","days":1},
			{"from":"2026-11-21","to":"2026-11-21","status":"complete","days":1}],
		"consumption/max_power":[
			{"from":"2026-11-01","to":"2026-11-21","status":"unasked","days":21}]}}}`, string(doc.Body))
	require.JSONEq(t, `{"prm":"1","series":{"production/daily":[]}}`, encoded(t, contract.Meter{
		PRM: "1", Series: map[contract.Measured]contract.Series{{Direction: production, Measure: meter.Daily}: {}},
	}.Coverage(instant(t, "2026-11-22T00:00:00+01:00"))))
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	require.NoError(t, err)
	return string(body)
}

func TestParseTopic(t *testing.T) {
	require.Equal(t, []string{"enedis2mqtt/bridge/request/#", "enedis2mqtt/+/refresh/set"}, topics.Commands())
	tests := map[string]struct {
		name string
		prm  meter.PRM
		ok   bool
	}{
		topics.Request("refresh"):                    {name: contract.Refresh, ok: true},
		topics.Request("history/stop"):               {name: contract.HistoryStop, ok: true},
		topics.Request("reboot"):                     {name: "reboot", ok: true},
		topics.RefreshSet("09876543210987"):          {name: contract.Refresh, prm: "09876543210987", ok: true},
		"enedis2mqtt/bridge/request/":                {},
		"enedis2mqtt/bridge/request":                 {},
		"enedis2mqtt/bridge/refresh/set":             {},
		"enedis2mqtt/9876543210987/refresh/set":      {},
		"enedis2mqtt/09876543210987/refresh":         {},
		"enedis2mqtt/09876543210987/state":           {},
		"enedis2mqtt2/bridge/request/refresh":        {},
		"x/enedis2mqtt/bridge/request/refresh":       {},
		"enedis2mqtt//refresh/set":                   {},
		"enedis2mqtt/a/09876543210987/refresh/set":   {},
		"enedis2mqtt/09876543210987/a/refresh/set":   {},
		"homeassistant/09876543210987/refresh/set":   {},
		"enedis2mqtt/09876543210987/refresh/set/now": {},
	}
	for topic, want := range tests {
		t.Run(topic, func(t *testing.T) {
			name, prm, ok := topics.ParseTopic(topic)
			require.Equal(t, want.ok, ok)
			if ok {
				require.Equal(t, want.name, name)
				require.Equal(t, want.prm, prm)
			}
		})
	}
}
