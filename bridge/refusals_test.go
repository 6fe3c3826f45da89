package bridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// noContracts are the contract APIs of 2026, for an application that has subscribed none.
var noContracts = []string{"situation_contrat_auto", "synth_contrat_auto", "comptage_auto"}

func (w *world) inject(fault string) {
	w.t.Helper()
	f, err := enedistest.ParseFault(fault)
	require.NoError(w.t, err)
	w.sim.Inject(f)
}

func TestRevokedConsentIsProbedOnceADay(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-20", "13:00")
		w.inject("revoked:72h")
		w.at("2026-11-21", "12:00")
		w.calls()
		require.Equal(t, contract.ConsentExpired, w.light(home).Reason, "it had delivered under this consent")
		w.at("2026-11-22", "06:30")
		require.Empty(t, w.calls())
		w.at("2026-11-22", "23:00")
		require.Len(t, w.calls(), 1, "one probe a day")
		w.sim.Heal()
		w.bridge.Receive(w.t.Context(), "e/bridge/request/refresh", nil, false)
		w.at("2026-11-22", "23:10")
		require.Equal(t, contract.Green, w.light(home).Level, "a refresh goes past a remembered refusal")
	})
}

func TestConsentThatNeverWasIsMissing(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, NoService: true, ConsentFrom: meter.NewDay(2027, 1, 1)}}}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-20", "23:00")
		require.LessOrEqual(t, len(w.calls()), 1)
		light := w.light(home)
		require.Equal(t, contract.Red, light.Level)
		require.Equal(t, contract.ConsentMissing, light.Reason)
	})
}

func TestQuotaGivesTheSourceGrowingRest(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
		w.inject("429:3h")
		w.start()
		w.at("2026-11-20", "14:59")
		require.LessOrEqual(t, len(w.sim.Calls()), 24, "30 s, 1 min, 2 min, … 30 min, each with its token or contract")
		require.Equal(t, contract.Quota, w.light(home).Reason)
		require.Contains(t, w.broker.topic("e/bridge/health"), `"state":"quota"`)
		w.at("2026-11-20", "15:31")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.Contains(t, w.broker.topic("e/bridge/health"), `"state":"ok"`)
	})
}

func TestRestartsDoNotHammerASourceInTrouble(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"500", "hang"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
			inWorld(t, paris(2026, 11, 20, 12, 0), o, func(w *world) {
				w.inject(fault + ":3h")
				for range 50 {
					w.start()
					time.Sleep(time.Second) // of the world
					w.stop()
				}
				require.LessOrEqual(t, len(w.sim.Calls()), 10)
			})
		})
	}
}

func TestUnknownActivationIsFoundInSteps(t *testing.T) {
	t.Parallel()
	activation := meter.NewDay(2026, 10, 1)
	o := enedistest.Options{NotSubscribed: noContracts, Meters: []enedistest.Meter{{
		PRM: home, Activation: map[meter.Direction]meter.Day{meter.Consumption: activation},
	}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		var daily []string
		for _, c := range w.calls() {
			if len(c) > 35 && c[len("…0987 "):len("…0987 consommation")] == "consommation" {
				daily = append(daily, c[len("…0987 consommation_quotidienne "):])
			}
		}
		require.Equal(t, []string{
			"2026-01-01..2026-11-22", "2026-10-22..2026-11-22", "2026-09-21..2026-10-22",
		}, daily, "the newest 31 days, then 31-day steps back until one is refused")
		light := w.light(home)
		require.Equal(t, contract.Green, light.Level)
		require.Zero(t, light.Series["consumption/daily"].MissingDays, "the bound stands for the activation")
		require.Zero(t, light.Series["consumption/yearly"].MissingDays)
		w.stop()
		w.start()
		w.at("2026-11-22", "18:00")
		require.Empty(t, w.calls(), "the bound is kept")
	})
}

func TestProductionIsFoundByOneCallWithoutAContract(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{NotSubscribed: noContracts, Meters: []enedistest.Meter{
		{PRM: home}, {PRM: shared, Kind: enedistest.SelfConsumer},
	}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.Equal(t, contract.Green, w.light(shared).Level)
		require.Equal(t, 1, w.sim.Count(enedistest.Call{PRM: home, Resource: "production_quotidienne"}))
		require.Zero(t, w.sim.Count(enedistest.Call{PRM: home, Resource: "courbe_de_charge_production"}))
		require.NotContains(t, w.broker.topics(home), "production/daily")
		require.Contains(t, w.broker.topics(shared), "production/daily")
		w.at("2026-12-20", "18:00")
		require.LessOrEqual(t, w.sim.Count(enedistest.Call{PRM: home, Resource: "production_quotidienne"}), 1)
	})
}

func TestProducerWithoutAContract(t *testing.T) {
	t.Parallel()
	const plant meter.PRM = "22000000000022"
	o := enedistest.Options{NotSubscribed: noContracts, Meters: []enedistest.Meter{{PRM: plant, Kind: enedistest.Producer}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		light := w.light(plant)
		require.Equal(t, contract.Green, light.Level)
		require.Equal(t, map[meter.Direction]contract.Level{meter.Production: contract.Green}, light.Directions)
		require.Len(t, light.Series, 4)
	})
}

func TestCurveWindowOfSevenDaysRefused(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{PublishedAtOnce: true, Meters: []enedistest.Meter{{PRM: home}}, Limits: enedistest.Limits{CurveDays: 6}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "13:00")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.Equal(t, []string{
			"…0987 consommation_quotidienne 2026-01-01..2026-11-22",
			"…0987 courbe_de_charge_consommation 2026-11-15..2026-11-22",
			"…0987 courbe_de_charge_consommation 2026-11-16..2026-11-22",
			"…0987 puissance_conso_max_quotidienne 2026-01-01..2026-11-22",
			"…0987 courbe_de_charge_consommation 2026-11-15..2026-11-16",
		}, w.calls())
		w.at("2026-11-23", "13:00")
		require.Len(t, w.calls(), 3, "the narrower span is kept")
	})
}

func TestCurveThatIsNotCollectedIsAskedOnceADay(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home, Kind: enedistest.NoCurve}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "18:00")
		require.Len(t, w.calls(), 3)
		light := w.light(home)
		require.Equal(t, contract.Green, light.Level)
		require.Equal(t, contract.CurveNotCollected, *light.Series["consumption/load_curve"].Reason)
		w.at("2026-11-23", "18:00")
		require.Len(t, w.calls(), 3)
		require.Equal(t, contract.Green, w.light(home).Level)
	})
}

func TestWrongClockStopsTheSource(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.inject("clock:1h")
		w.start()
		w.at("2026-11-22", "12:50")
		light := w.light(home)
		require.Equal(t, contract.Settings, light.Reason)
		require.Nil(t, light.Series["consumption/daily"].Last, "the answer is not used")
		w.at("2026-11-22", "13:40")
		require.Equal(t, contract.Green, w.light(home).Level)
	})
}

func TestOneMetersTroubleIsNotAnothers(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}, {PRM: shared, RevokedAt: paris(2026, 1, 1, 0, 0)}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.start()
		w.at("2026-11-22", "12:05")
		require.Equal(t, contract.Green, w.light(home).Level)
		require.Equal(t, contract.ConsentMissing, w.light(shared).Reason)
	})
}

func TestMetersOfTheSettingsKeepTheirDirections(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: shared, Kind: enedistest.SelfConsumer}}}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.meters = []bridge.Meter{{PRM: shared, Name: "Toit", Directions: []meter.Direction{meter.Production}}}
		w.start()
		w.at("2026-11-22", "13:00")
		light := w.light(shared)
		require.Equal(t, contract.Green, light.Level)
		require.Len(t, light.Series, 3, "no curve, since it is not hourly, and no consumption")
		require.NotContains(t, w.broker.topics(shared), "consumption/daily")
	})
}

func TestWrongDirectionOfTheSettingsCostsOneCall(t *testing.T) {
	t.Parallel()
	o := enedistest.Options{Meters: []enedistest.Meter{{PRM: home}}, PublishedAtOnce: true}
	inWorld(t, paris(2026, 11, 22, 12, 0), o, func(w *world) {
		w.meters[0].Directions = meter.Directions()
		w.start()
		w.at("2026-11-24", "12:00")
		require.Equal(t, 1, w.sim.Count(enedistest.Call{PRM: home, Resource: "production_quotidienne"})+
			w.sim.Count(enedistest.Call{PRM: home, Resource: "courbe_de_charge_production"}))
		light := w.light(home)
		require.Equal(t, contract.Green, light.Directions[meter.Consumption])
		require.Equal(t, contract.Settings, light.Reason)
	})
}
