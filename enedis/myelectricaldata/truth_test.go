package myelectricaldata_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// world is an Enedis with one meter, a gateway in front of it, and a client.
type world struct {
	now     time.Time
	meter   enedistest.Meter
	enedis  *enedistest.Enedis
	gateway gateway
	client  *myelectricaldata.Client
	logged  bytes.Buffer // of the client
}

// gateway is one of the fakes.
type gateway interface {
	http.Handler
	Transport() http.RoundTripper
	Calls() []enedistest.Call
	Inject(f enedistest.Fault)
	Heal(names ...string)
}

// gatewayOf makes one of the fakes; the options are those of a client for it.
func gatewayOf(kind string, e *enedistest.Enedis) (gateway, myelectricaldata.Options) {
	if kind == "v1" {
		g := enedistest.NewMyElectricalDataV1(e, map[meter.PRM]string{producer: secret})
		return g, myelectricaldata.Options{Version: v1, Token: secret}
	}
	g := enedistest.NewMyElectricalDataV2(e, enedistest.MyElectricalDataV2Options{
		ClientID: "id", ClientSecret: secret, Since2: kind == "v2 since 2.0",
	})
	return g, myelectricaldata.Options{Version: v2, ClientID: "id", ClientSecret: secret, Format2026: kind == "v2 in 2026"}
}

func newWorld(t *testing.T, kind string, m enedistest.Meter) *world {
	t.Helper()
	w := &world{now: noon(), meter: m}
	w.meter.PRM = producer
	w.enedis = enedistest.New(enedistest.Options{
		Now: func() time.Time { return w.now }, Meters: []enedistest.Meter{w.meter},
		Limits: enedistest.Limits{CallsPerSecond: enedistest.Unlimited},
	})
	var o myelectricaldata.Options
	w.gateway, o = gatewayOf(kind, w.enedis)
	o.BaseURL, o.HTTP = "http://gateway.test", &http.Client{Transport: w.gateway.Transport()}
	o.Now = func() time.Time { return w.now }
	if o.Version == v2 {
		o.BaseURL += "/api"
	}
	o.Gate = func(context.Context, enedis.Call) error { return nil }
	o.Log = slog.New(slog.NewTextHandler(&w.logged, nil))
	client, err := myelectricaldata.New(o)
	require.NoError(t, err)
	w.client = client
	return w
}

func (w *world) request(d meter.Direction, m meter.Measure, from, to string) enedis.Request {
	req := request(d, m, from, to)
	req.PRM = producer
	return req
}

// truth is what the meter has of a request, without the days from last on.
func (w *world) truth(req enedis.Request, last meter.Day) []meter.DayValues {
	var days []meter.DayValues
	for day := range req.Days.All() {
		v, ok := w.meter.DayAt(req.Direction, req.Measure, day, w.now)
		if !ok || day >= last {
			continue
		}
		v.Source = "myelectricaldata"
		for i := range v.Readings {
			if !v.Readings[i].Missing {
				v.Readings[i].Source = "myelectricaldata"
			}
		}
		days = append(days, v)
	}
	return days
}

func kinds() []string { return []string{"v1", "v2", "v2 in 2026", "v2 since 2.0"} }

func TestTheTruthComesThroughEachGateway(t *testing.T) {
	weeks := map[string][2]string{
		"this week":  {"2026-11-15", "2026-11-22"},
		"in March":   {"2026-03-25", "2026-04-01"},
		"in October": {"2026-10-22", "2026-10-29"},
		"a day":      {"2026-10-25", "2026-10-26"},
		"yesterday":  {"2026-11-21", "2026-11-22"},
	}
	for _, kind := range kinds() {
		for _, step := range []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour} {
			w := newWorld(t, kind, enedistest.Meter{Kind: enedistest.SelfConsumer, Step: step})
			for name, week := range weeks {
				if step != 30*time.Minute && name != "a day" {
					continue // the other steps matter where the clock changes
				}
				for _, d := range meter.Directions() {
					for _, m := range meter.Measures(d) {
						t.Run(kind+"/"+name+"/"+string(d)+"/"+string(m)+"/"+step.String(), func(t *testing.T) {
							req := w.request(d, m, week[0], week[1])
							last := meter.DayOf(w.now)
							if m == meter.Daily && d == meter.Consumption && (kind == "v2" || kind == "v2 in 2026") {
								last-- // it lags
								require.True(t, w.client.Traits().Lags(meter.Consumption))
							}
							batch, err := w.client.Fetch(t.Context(), req)
							require.NoError(t, err)
							require.Equal(t, w.truth(req, last), batch.Days)
						})
					}
				}
			}
		}
	}
}

func TestHolesStayHolesInEachGateway(t *testing.T) {
	holes := []enedistest.Hole{
		{Days: meter.Days{From: day("2026-11-17"), To: day("2026-11-18")}},
		{Days: meter.Days{From: day("2026-11-19"), To: day("2026-11-20")}, Slots: enedistest.Slots{From: 46, To: 48}},
	}
	for _, kind := range kinds() {
		w := newWorld(t, kind, enedistest.Meter{Kind: enedistest.SelfConsumer, Holes: holes})
		for _, d := range meter.Directions() {
			req := w.request(d, meter.LoadCurve, "2026-11-15", "2026-11-22")
			batch, err := w.client.Fetch(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, w.truth(req, meter.DayOf(w.now)), batch.Days, kind)
		}
	}
}

func TestAHoleInOctobersHourIsNeverFilledWithTheOther(t *testing.T) {
	for slot := 2; slot < 7; slot++ { // 01:00 to 02:30 winter time
		hole := enedistest.Hole{
			Days: meter.Days{From: day("2026-10-25"), To: day("2026-10-26")}, Slots: enedistest.Slots{From: slot, To: slot + 1},
		}
		for _, kind := range kinds() {
			w := newWorld(t, kind, enedistest.Meter{Kind: enedistest.SelfConsumer, Holes: []enedistest.Hole{hole}})
			for _, d := range meter.Directions() {
				req := w.request(d, meter.LoadCurve, "2026-10-25", "2026-10-26")
				batch, err := w.client.Fetch(t.Context(), req)
				require.NoError(t, err)
				truth := w.truth(req, meter.DayOf(w.now))[0]
				for i, r := range batch.Days[0].Readings {
					if !r.Missing {
						require.Equal(t, truth.Readings[i], r, "%s, slot %d", kind, slot)
					}
				}
				require.GreaterOrEqual(t, batch.Days[0].Covered(), truth.Covered()-1800)
			}
		}
	}
}

// TestAnHourThatIsLostInOctoberIsSaid takes the hour of winter away, so that nothing tells which hour the rest belongs to.
func TestAnHourThatIsLostInOctoberIsSaid(t *testing.T) {
	hole := enedistest.Hole{
		Days: meter.Days{From: day("2026-10-25"), To: day("2026-10-26")}, Slots: enedistest.Slots{From: 5, To: 7},
	}
	for _, kind := range kinds() {
		w := newWorld(t, kind, enedistest.Meter{Kind: enedistest.SelfConsumer, Holes: []enedistest.Hole{hole}})
		for _, d := range meter.Directions() {
			w.logged.Reset()
			req := w.request(d, meter.LoadCurve, "2026-10-25", "2026-10-26")
			batch, err := w.client.Fetch(t.Context(), req)
			require.NoError(t, err)
			got, truth := batch.Days[0].Readings, w.truth(req, meter.DayOf(w.now))[0].Readings
			require.Len(t, got, 50)
			for i := range got {
				require.Equal(t, 3 <= i && i < 7, got[i].Missing, "%s, slot %d", kind, i)
				if !got[i].Missing {
					require.Equal(t, truth[i], got[i], "%s, slot %d", kind, i)
				}
			}
			require.Regexp(t, `level=WARN .* request="…0033 [^"]+" points=2\n$`, w.logged.String())
		}
	}
}

func TestRefusalsComeThroughEachGateway(t *testing.T) {
	activated := map[meter.Direction]meter.Day{meter.Consumption: day("2026-11-21")}
	tests := map[string]struct {
		meter   enedistest.Meter
		fault   string
		measure meter.Measure
		action  enedis.Action
		v1      bool // v2 finds a better start by itself
	}{
		"no consent":    {meter: enedistest.Meter{RevokedAt: noon().Add(-time.Hour)}, measure: meter.Daily, action: enedis.RenewConsent},
		"moved":         {meter: enedistest.Meter{Moved: true}, measure: meter.Daily, action: enedis.RenewConsent},
		"trouble":       {fault: "500", measure: meter.Daily, action: enedis.Retry},
		"a broken line": {fault: "reset", measure: meter.Daily, action: enedis.Retry},
		"its token":     {fault: "unauthorized", measure: meter.Daily, action: enedis.Retry},
		"its quota":     {fault: "429", measure: meter.Daily, action: enedis.Quota},
		"no data":       {fault: "nodata", measure: meter.Daily, action: enedis.Wait},
		"mistyped":      {fault: "mistyped", measure: meter.MaxPower, action: enedis.Retry},
		"no curve":      {meter: enedistest.Meter{Kind: enedistest.NoCurve}, measure: meter.LoadCurve, action: enedis.Wait},
		"too early":     {meter: enedistest.Meter{Activation: activated}, measure: meter.MaxPower, action: enedis.NarrowStart},
		"too early, of a curve": {
			meter: enedistest.Meter{Activation: activated}, measure: meter.LoadCurve, action: enedis.NarrowStart, v1: true,
		},
	}
	for name, test := range tests {
		for _, kind := range kinds() {
			t.Run(kind+"/"+name, func(t *testing.T) {
				w := newWorld(t, kind, test.meter)
				if test.fault != "" {
					w.enedis.Inject(enedistest.Fault{Name: test.fault})
				}
				batch, err := w.client.Fetch(t.Context(), w.request(meter.Consumption, test.measure, "2026-11-15", "2026-11-22"))
				if test.v1 && kind != "v1" {
					require.NoError(t, err)
					require.Len(t, batch.Days, 1)
					return
				}
				require.Equal(t, test.action, enedis.ActionOf(err), err)
				require.Error(t, err)
			})
		}
	}
}

// TestTroubleOfEachGatewayItself has the gateway misbehave, with Enedis well behind it.
func TestTroubleOfEachGatewayItself(t *testing.T) {
	for fault, want := range map[string]enedis.Action{
		"500": enedis.Retry, "503": enedis.Retry, "html": enedis.Retry, "html404": enedis.Retry, "hang": enedis.Retry,
		"slow": enedis.Retry, "reset": enedis.Retry, "truncated": enedis.Retry, "huge": enedis.Retry,
		"429": enedis.Quota, "clock": enedis.FixSettings,
	} {
		for _, kind := range kinds() {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, kind, enedistest.Meter{})
				req := w.request(meter.Consumption, meter.Daily, "2026-11-14", "2026-11-21")
				_, err := w.client.Fetch(t.Context(), req)
				require.NoError(t, err)
				before := len(w.gateway.Calls())
				w.gateway.Inject(enedistest.Fault{Name: fault})
				_, err = w.client.Fetch(t.Context(), req)
				require.Error(t, err, fault)
				require.Equal(t, want, enedis.ActionOf(err), err)
				require.Len(t, w.gateway.Calls(), before+1, "nothing is repeated")

				w.gateway.Heal()
				batch, err := w.client.Fetch(t.Context(), req)
				require.NoError(t, err, fault)
				require.Len(t, batch.Days, 7)
			})
		}
	}
}

func TestProfilesComeThroughEachGateway(t *testing.T) {
	activation := map[meter.Direction]meter.Day{meter.Production: day("2021-04-15")}
	for _, kind := range kinds() {
		w := newWorld(t, kind, enedistest.Meter{Kind: enedistest.SelfConsumer, Activation: activation})
		p, err := w.client.Profile(t.Context(), producer)
		require.NoError(t, err)
		require.InDelta(t, 9, *p.SubscribedKVA, 0)
		require.Equal(t, "HC (22H00-6H00)", p.OffPeak)
		require.Equal(t, day("2019-06-21"), p.Activation[meter.Consumption])
		if kind == "v2 in 2026" {
			require.Equal(t, meter.Directions(), p.Directions)
			require.Equal(t, day("2021-04-15"), p.Activation[meter.Production])
		}
	}
}

func TestTheQuotaOfEachGateway(t *testing.T) {
	for _, kind := range kinds() {
		w := newWorld(t, kind, enedistest.Meter{})
		req := w.request(meter.Consumption, meter.Daily, "2026-11-14", "2026-11-21")
		for range 50 {
			_, err := w.client.Fetch(t.Context(), req)
			require.NoError(t, err)
		}
		_, err := w.client.Fetch(t.Context(), req)
		require.Equal(t, enedis.Quota, enedis.ActionOf(err))
		w.now = requireRefusal(t, err).After
		_, err = w.client.Fetch(t.Context(), req)
		require.NoError(t, err, "a new day has begun")
	}
}

func TestAskedTooEarlyYesterdayIsLostForADay(t *testing.T) {
	w := newWorld(t, "v2", enedistest.Meter{})
	yesterday := w.request(meter.Consumption, meter.LoadCurve, "2026-11-21", "2026-11-22")
	w.now = meter.DayOf(noon()).Start().Add(7 * time.Hour)
	_, err := w.client.Fetch(t.Context(), yesterday)
	require.Equal(t, enedis.Wait, enedis.ActionOf(err))

	w.now = noon()
	batch, err := w.client.Fetch(t.Context(), yesterday)
	require.NoError(t, err)
	require.Empty(t, batch.Days, "the gateway does not even ask")

	w = newWorld(t, "v2", enedistest.Meter{})
	w.now = meter.DayOf(noon()).Start().Add(myelectricaldata.YesterdayFrom)
	batch, err = w.client.Fetch(t.Context(), yesterday)
	require.NoError(t, err)
	require.Len(t, batch.Days, 1)
}
