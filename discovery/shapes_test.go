package discovery

import (
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const prm meter.PRM = "09876543210987"

// options are those of the golden files.
func options(m Mode, l contract.Locale) Options {
	return Options{
		Prefix:     "homeassistant",
		Mode:       m,
		Topics:     contract.Topics{Base: "enedis2mqtt"},
		Locale:     l,
		Version:    "1.2.3",
		SupportURL: "https://example.org/enedis2mqtt",
	}
}

func modes() []Mode { return []Mode{Device, Single} }

func locales() []contract.Locale { return []contract.Locale{contract.French, contract.English} }

// shapes are the meters that there are, by what their documents show.
func shapes() map[string]contract.Profile {
	var (
		drawn = []contract.Measured{
			{Direction: meter.Consumption, Measure: meter.Daily},
			{Direction: meter.Consumption, Measure: meter.LoadCurve},
			{Direction: meter.Consumption, Measure: meter.MaxPower},
		}
		fed = []contract.Measured{
			{Direction: meter.Production, Measure: meter.Daily},
			{Direction: meter.Production, Measure: meter.LoadCurve},
		}
		noCurve = []contract.Measured{drawn[0], drawn[2]}
	)
	shape := func(consent bool, directions []meter.Direction, shows ...[]contract.Measured) contract.Profile {
		p := contract.Profile{PRM: prm, Name: "Maison", Directions: directions, ConsentEnd: consent}
		for _, s := range shows {
			p.Shows = append(p.Shows, s...)
		}
		return p
	}
	consumption, production := []meter.Direction{meter.Consumption}, []meter.Direction{meter.Production}
	return map[string]contract.Profile{
		"consumption":      shape(false, consumption, drawn),
		"self_consumption": shape(false, meter.Directions(), drawn, fed),
		"production_only":  shape(false, production, fed),
		"no_curve":         shape(false, consumption, noCurve),
		"with_consent":     shape(true, consumption, drawn),
		"nothing_yet":      shape(false, consumption),
	}
}

// everything is a meter that has all entities there are.
func everything() contract.Profile {
	p := shapes()["self_consumption"]
	p.ConsentEnd = true
	return p
}

func sources() []string { return []string{"dataconnect", "consoapi", "myelectricaldata"} }
