package discovery

import (
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const (
	diagnostic = "diagnostic" // left out of the dashboards that Home Assistant makes by itself
	configure  = "config"
)

// entity is one entity before it belongs to a device. Its key is part of its unique id and so never changes.
type entity struct {
	key  string
	name phrase
	component
}

// finish gives the component its name and its ids.
func (e entity) finish(s subject, l contract.Locale) component {
	c := e.component
	c.UniqueID = s.object + "_" + e.key
	c.DefaultEntityID = e.Platform + "." + s.slug + "_" + e.key
	c.Name = e.name.in(l)
	return c
}

// meterEntities lists the entities of a meter: those of the values that its documents show, and those that every meter has.
func meterEntities(t contract.Topics, p contract.Profile) []entity {
	entities := make([]entity, 0, 16)
	state := t.State(p.PRM)
	for _, d := range meter.Directions() {
		if p.Has(d, meter.Daily) {
			entities = append(entities, dailyEntities(state, d)...)
		}
		if p.Has(d, meter.LoadCurve) {
			entities = append(entities, loadCurveEntity(state, d))
		}
		if p.Has(d, meter.MaxPower) {
			entities = append(entities, maxPowerEntity(state, d))
		}
	}
	entities = append(entities, lightEntities(t, p.PRM)...)
	if p.ConsentEnd {
		entities = append(entities, consentEntity(state))
	}
	return entities
}

// dailyEntities reads the energies of the newest day, of its month and of its year, and the day itself.
func dailyEntities(state string, d meter.Direction) []entity {
	words := wordsOf(d)
	energy := func(period string, name phrase) entity {
		return entity{string(d) + "_" + period, name, component{
			Platform: sensor, DeviceClass: "energy", Unit: "kWh", Precision: 2,
			StateTopic: state, ValueTemplate: value(string(d) + "." + period + ".kwh"),
		}}
	}
	return []entity{
		energy("daily", words.daily),
		energy("monthly", words.monthly),
		energy("yearly", words.yearly),
		{string(d) + "_date", phrase{"Jour des données", "Data day"}, component{
			Platform: sensor, DeviceClass: "date", Category: diagnostic,
			StateTopic: state, ValueTemplate: value(string(d) + ".daily.date"),
		}},
	}
}

// loadCurveEntity reads the last point of the last complete day.
func loadCurveEntity(state string, d meter.Direction) entity {
	return entity{string(d) + "_load_curve", wordsOf(d).loadCurve, component{
		Platform: sensor, DeviceClass: "power", Unit: "W",
		StateTopic: state, ValueTemplate: value(string(d) + ".load_curve.w"),
	}}
}

func maxPowerEntity(state string, d meter.Direction) entity {
	return entity{string(d) + "_max_power", phrase{"Puissance maximale", "Maximum power"}, component{
		Platform: sensor, DeviceClass: "apparent_power", Unit: "kVA", Precision: 2,
		StateTopic: state, ValueTemplate: value(string(d) + ".max_power.kva"),
	}}
}

// lightEntities are those that every meter has from the start: how fresh its data are, and the button that asks for more.
func lightEntities(t contract.Topics, p meter.PRM) []entity {
	return []entity{
		{"freshness", phrase{"Fraîcheur des données", "Data freshness"}, component{
			Platform: sensor, DeviceClass: "enum", Icon: "mdi:traffic-light",
			Options:    []string{string(contract.Green), string(contract.Orange), string(contract.Red)},
			StateTopic: t.Freshness(p), JSONAttributesTopic: t.FreshnessDetail(p),
		}},
		{"late", phrase{"Données en retard", "Data late"}, component{
			Platform: binarySensor, DeviceClass: "problem", Category: diagnostic,
			StateTopic: t.Late(p), PayloadOn: "ON", PayloadOff: "OFF",
		}},
		{"updated_at", phrase{"Dernière mise à jour", "Last update"}, component{
			Platform: sensor, DeviceClass: "timestamp", Category: diagnostic,
			StateTopic: t.State(p), ValueTemplate: value("updated_at"),
		}},
		{"refresh", phrase{"Actualiser", "Refresh"}, component{
			Platform: button, Category: configure, Icon: "mdi:refresh",
			CommandTopic: t.RefreshSet(p), PayloadPress: "PRESS", QoS: 1,
		}},
	}
}

func consentEntity(state string) entity {
	return entity{"consent_days_left", phrase{"Consentement, jours restants", "Consent, days left"}, component{
		Platform: sensor, DeviceClass: "duration", Unit: "d", Category: diagnostic,
		StateTopic: state, ValueTemplate: value("consent.days_left"),
	}}
}

// bridgeEntities lists the connection of the bridge, and for each source the calls left in its tightest budget.
func bridgeEntities(t contract.Topics, sources []string) []entity {
	entities := []entity{{"connection", phrase{"Connexion", "Connection"}, component{
		Platform: binarySensor, DeviceClass: "connectivity", Category: diagnostic,
		StateTopic: t.BridgeState(), PayloadOn: contract.Online, PayloadOff: contract.Offline,
	}}}
	for i, source := range sources {
		entities = append(entities, entity{"calls_left_" + source, phrase{"Appels restants", "Calls left"}, component{
			Platform: sensor, Category: diagnostic, Icon: "mdi:counter",
			StateTopic: t.BridgeHealth(), ValueTemplate: value("sources[" + strconv.Itoa(i) + "].budgets[0].left"),
			Availability: availableWith(t),
		}})
	}
	return entities
}

// value is the template that reads a path of a JSON document.
func value(path string) string { return "{{ value_json." + path + " }}" }
