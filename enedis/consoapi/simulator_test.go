package consoapi_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// simulate gives a gateway in front of an Enedis with the meters, and a client whose token names them all, and a stranger.
func simulate(
	t *testing.T, format consoapi.Format, meters ...enedistest.Meter,
) (*enedistest.Enedis, *enedistest.ConsoAPI, *consoapi.Client) {
	t.Helper()
	sim := enedistest.New(enedistest.Options{
		Now: noon, Meters: meters, PublishedAtOnce: true,
		Limits: enedistest.Limits{
			CallsPerSecond: enedistest.Unlimited, CallsPerHour2026: enedistest.Unlimited, CallsPerHourV5: enedistest.Unlimited,
		},
	})
	conso := enedistest.NewConsoAPI(sim)
	prms := []meter.PRM{stranger}
	for _, m := range meters {
		prms = append(prms, m.PRM)
	}
	client, err := consoapi.New(consoapi.Options{
		BaseURL: "http://conso.test/api", Format: format, Tokens: []string{conso.Token(prms...)}, UserAgent: userAgent,
		HTTP: &http.Client{Transport: conso.Transport()}, Now: noon, Log: slog.New(slog.DiscardHandler),
		Gate: func(context.Context, enedis.Call) error { return nil },
	})
	require.NoError(t, err)
	return sim, conso, client
}

// TestSimulatorsTruthArrives asks for every series in both formats, over both changes of the clock.
func TestSimulatorsTruthArrives(t *testing.T) {
	home := enedistest.Meter{PRM: selfConsumer, Kind: enedistest.SelfConsumer}
	for format, dates := range map[consoapi.Format][]string{
		consoapi.Format2026: {"2026-03-26", "2026-10-22", "2026-11-15"},
		consoapi.FormatV5:   {"2026-03-26", "2025-10-23", "2026-11-15"},
	} {
		_, conso, client := simulate(t, format, home)
		series := 0
		for d, measures := range client.Traits().Measures {
			for _, m := range measures {
				for _, from := range dates {
					req := enedis.Request{
						PRM: home.PRM, Direction: d, Measure: m, Days: meter.Days{From: day(from), To: day(from) + 7},
					}
					batch, err := client.Fetch(t.Context(), req)
					require.NoError(t, err, req.String())
					require.Equal(t, req, batch.Request)
					require.Equal(t, truth(home, req), batch.Days, req.String())
					series++
				}
			}
		}
		require.Equal(t, series, conso.Requests(), "one call each")
		require.Equal(t, 15, series)
	}
}

// truth is what the simulator has of a request, as it comes through the gateway.
func truth(m enedistest.Meter, req enedis.Request) []meter.DayValues {
	var days []meter.DayValues
	for day := range req.Days.All() {
		v, ok := m.Day(req.Direction, req.Measure, day)
		if !ok {
			continue
		}
		v.Source = consoapi.Name
		for i := range v.Readings {
			if !v.Readings[i].Missing {
				v.Readings[i].Source = consoapi.Name
			}
		}
		days = append(days, v)
	}
	return days
}

func TestRefusalsOfTheSimulator(t *testing.T) {
	november := meter.NewDay(2026, time.November, 20)
	tests := map[string]struct {
		meter  enedistest.Meter
		fault  string
		req    func(*enedis.Request)
		action enedis.Action
		code   string
	}{
		"a consent that was revoked": {
			meter: enedistest.Meter{RevokedAt: noon()}, action: enedis.RenewConsent, code: "ADAM-DC-0008",
		},
		"a customer who has moved": {meter: enedistest.Meter{Moved: true}, action: enedis.RenewConsent, code: "ADAM-DC-0007"},
		"no service at Enedis": {
			meter: enedistest.Meter{RevokedAt: noon(), NoService: true}, action: enedis.RenewConsent, code: "Bad request",
		},
		"a meter that Enedis does not know": {
			req: func(r *enedis.Request) { r.PRM = stranger }, action: enedis.RenewConsent,
		},
		"before the activation": {
			meter: enedistest.Meter{
				Activation: map[meter.Direction]meter.Day{meter.Consumption: november},
			}, action: enedis.NarrowStart, code: "ADAM-ERR0123",
		},
		"the wrong direction": {
			meter: enedistest.Meter{Kind: enedistest.Producer}, action: enedis.Never, code: "ADAM-ERR0069",
		},
		"too long a curve": {
			req:    func(r *enedis.Request) { r.Measure, r.Days.To = meter.LoadCurve, r.Days.From+8 },
			action: enedis.NarrowSpan, code: "ADAM-ERR0126",
		},
		"no curve": {
			meter: enedistest.Meter{Kind: enedistest.NoCurve}, req: func(r *enedis.Request) { r.Measure = meter.LoadCurve },
			action: enedis.Wait,
		},
		"an objection to the curve": {
			meter:  enedistest.Meter{Kind: enedistest.NoCurve, CurveObjection: true},
			req:    func(r *enedis.Request) { r.Measure = meter.LoadCurve },
			action: enedis.NotCollected, code: "ADAM-ERR0075",
		},
		"Enedis's quota":         {fault: "429", action: enedis.Quota},
		"Enedis down":            {fault: "503", action: enedis.Retry, code: enedis.CodeUnreadable},
		"a page from Enedis":     {fault: "html404", action: enedis.Retry, code: enedis.CodeUnreadable},
		"the gateway's token":    {fault: "unauthorized", action: enedis.Retry, code: enedis.CodeUnreadable},
		"no token for it":        {fault: "token500", action: enedis.Retry},
		"a broken connection":    {fault: "reset", action: enedis.Retry},
		"another meter's answer": {fault: "wrongprm", action: enedis.Retry, code: enedis.CodeUnreadable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.meter.PRM = consumer
			sim, _, client := simulate(t, consoapi.Format2026, test.meter)
			if test.fault != "" {
				sim.Inject(enedistest.Fault{Name: test.fault})
			}
			req := daily()
			if test.req != nil {
				test.req(&req)
			}
			_, err := client.Fetch(t.Context(), req)
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok, err)
			require.Equal(t, test.action, enedis.ActionOf(err), err.Error())
			require.Equal(t, test.code, refusal.Code)
		})
	}
}

// TestTroubleOfTheGatewayItself has the gateway misbehave, with Enedis well behind it.
func TestTroubleOfTheGatewayItself(t *testing.T) {
	for fault, want := range map[string]enedis.Action{
		"500": enedis.Retry, "503": enedis.Retry, "html": enedis.Retry, "html404": enedis.Retry, "hang": enedis.Retry,
		"slow": enedis.Retry, "reset": enedis.Retry, "truncated": enedis.Retry, "huge": enedis.Retry,
		"429": enedis.Quota, "unauthorized": enedis.FixSettings, "clock": enedis.FixSettings,
	} {
		synctest.Test(t, func(t *testing.T) {
			_, conso, client := simulate(t, "", enedistest.Meter{PRM: consumer})
			conso.Inject(enedistest.Fault{Name: fault})
			_, err := client.Fetch(t.Context(), daily())
			require.Error(t, err, fault)
			require.Equal(t, want, enedis.ActionOf(err), err)
			require.Len(t, conso.Calls(), 1, "nothing is repeated")

			conso.Heal()
			batch, err := client.Fetch(t.Context(), daily())
			require.NoError(t, err, fault)
			require.Len(t, batch.Days, 7)
		})
	}
}

func TestBudgetKeepsFarFromTheBan(t *testing.T) {
	_, conso, client := simulate(t, "", enedistest.Meter{PRM: consumer})
	limit := client.Traits().Limits[0]
	require.LessOrEqual(t, enedistest.ConsoBanSpan, limit.Window)
	for range limit.Calls {
		_, err := client.Fetch(t.Context(), daily())
		require.NoError(t, err)
	}
	require.False(t, conso.Banned())
	require.Equal(t, limit.Calls, enedistest.MostWithin(limit.Window, conso.Calls()))
	for range enedistest.ConsoBanCalls - limit.Calls - 1 {
		_, err := client.Fetch(t.Context(), daily())
		require.NoError(t, err)
	}
	_, err := client.Fetch(t.Context(), daily())
	require.True(t, conso.Banned())
	refusal, ok := errors.AsType[*enedis.Error](err)
	require.True(t, ok)
	require.Equal(t, enedis.CodeBanned, refusal.Code)
	require.Equal(t, enedis.Quota, enedis.ActionOf(err))
}
