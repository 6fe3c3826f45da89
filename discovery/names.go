package discovery

import (
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// phrase is a name in both locales.
type phrase struct {
	fr, en string
}

func (p phrase) in(l contract.Locale) string {
	if l == contract.English {
		return p.en
	}
	return p.fr
}

// words names the values that both directions have.
type words struct {
	daily, monthly, yearly, loadCurve phrase
}

func wordsOf(d meter.Direction) words {
	if d == meter.Production {
		return words{
			daily:     phrase{"Production du jour", "Daily production"},
			monthly:   phrase{"Production du mois", "Monthly production"},
			yearly:    phrase{"Production de l'année", "Yearly production"},
			loadCurve: phrase{"Puissance injectée, dernière demi-heure", "Power fed in, last half hour"},
		}
	}
	return words{
		daily:     phrase{"Consommation du jour", "Daily consumption"},
		monthly:   phrase{"Consommation du mois", "Monthly consumption"},
		yearly:    phrase{"Consommation de l'année", "Yearly consumption"},
		loadCurve: phrase{"Puissance soutirée, dernière demi-heure", "Power drawn, last half hour"},
	}
}
