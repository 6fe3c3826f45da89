package web

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// historyWords are what the pages say of history and of which days there are, in one language.
type historyWords struct {
	Colon, Detail, Back                         string
	History, Since, Measures, Ask, Stored       string
	UnderWay, Ended, Stop                       string
	Refused, NoMeasure, NoMeter                 string
	Coverage, From, To, Status, Days, Day       string
	Holes, Asked, Last, Next, Missing, NoSeries string
	Differences, Differ, DailyValue, CurveSum   string
	Difference                                  string
	days, holes, calls, ends, endless, cut      string // of an order
	begins                                      string // of a direction and the first day of its contract
	rests, rides, nothing                       string
	directions                                  map[meter.Direction]string
	measures                                    map[meter.Measure]string
	statuses                                    map[meter.Status]string
}

func historyWordsOf(l contract.Locale) historyWords {
	if l == contract.English {
		return englishHistory
	}
	return frenchHistory
}

// moment is an instant in Paris, with its year: history and its holes reach far.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(meter.Paris()).Format("2006-01-02 15:04")
}

// frenchHistory is history in French.
var frenchHistory = historyWords{
	Colon: "\u00a0:", Detail: "Détail", Back: "Retour à la page du pont",
	History: "Historique", Since: "Depuis le (vide\u00a0: aussi loin qu'Enedis le garde)", Measures: "Mesures", Ask: "Demander",
	Stored:   "Tous ces jours sont déjà là, ou Enedis ne les a pas\u00a0: aucun appel n'est à faire.",
	UnderWay: "Historique en cours", Ended: "L'historique demandé est là. Rechargez la page pour la mettre à jour.",
	Stop:      "Arrêter l'historique",
	Refused:   "Cette demande n'est pas prise, et rien n'a changé.",
	NoMeasure: "Aucune mesure n'est cochée\u00a0: choisissez-en au moins une. Rien n'a changé.",
	NoMeter:   "Ce compteur n'est pas ou n'est plus ici.",
	Coverage:  "Jours présents et manquants", From: "Du", To: "Au", Status: "État", Days: "Jours", Day: "Jour",
	Holes: "Jours demandés et incomplets", Asked: "Demandé (fois)", Last: "Dernière fois", Next: "Prochaine fois",
	Missing: "Manque à partir de", NoSeries: "Aucune donnée de ce compteur n'est connue pour l'instant.",
	Differences: "Valeur du jour et courbe en désaccord",
	Differ: "Pour ces jours, la valeur du jour d'Enedis et la somme de sa courbe diffèrent de plus qu'un arrondi. Les deux sont " +
		"gardées\u00a0; dans les statistiques de Home Assistant, la courbe l'emporte.",
	DailyValue: "Valeur du jour", CurveSum: "Somme de la courbe", Difference: "Écart",
	days: "%d jours de données sur %d", holes: ", dont %d qu'Enedis n'a pas", calls: "appels restants\u00a0: %d",
	ends: ", fin prévue le %s", endless: ", fin inconnue pour l'instant",
	cut: "La courbe n'est demandée qu'à partir du %s\u00a0: Enedis ne la garde pas plus longtemps.",
	begins: "%s\u00a0: ce contrat commence le %s\u00a0; les jours gardés d'avant, s'il y en a, sont d'un ancien titulaire ou d'un ancien " +
		"compteur, et ne comptent pas dans les totaux.",
	rests: "au repos\u00a0: demandez l'historique", rides: "avec chaque demande d'hier", nothing: "aucun jour voulu",
	directions: map[meter.Direction]string{meter.Consumption: "Consommation", meter.Production: "Production"},
	measures: map[meter.Measure]string{
		meter.Daily: "valeur du jour", meter.LoadCurve: "courbe de charge", meter.MaxPower: "puissance maximale",
	},
	statuses: map[meter.Status]string{
		meter.StatusComplete: "complet", meter.StatusPartial: "partiel",
		meter.StatusAbsent: "demandé, absent chez Enedis", meter.StatusUnasked: "pas demandé",
	},
}

// englishHistory is history in English.
var englishHistory = historyWords{
	Colon: ":", Detail: "Detail", Back: "Back to the page of the bridge",
	History: "History", Since: "From (empty: as far as Enedis keeps it)", Measures: "Measures", Ask: "Ask for it",
	Stored:   "All of these days are here, or Enedis does not have them: no call is to be made.",
	UnderWay: "History under way", Ended: "The history that was asked for is here. Reload the page to bring it up to date.",
	Stop:      "Stop the history",
	Refused:   "This is not taken, and nothing has changed.",
	NoMeasure: "No measure is chosen: choose at least one. Nothing has changed.",
	NoMeter:   "This meter is not here, or no longer.",
	Coverage:  "Days that are there or missing", From: "From", To: "To", Status: "Status", Days: "Days", Day: "Day",
	Holes: "Days asked for and not complete", Asked: "Asked (times)", Last: "Last time", Next: "Next time",
	Missing: "Missing from", NoSeries: "No data of this meter are known yet.",
	Differences: "Daily value and curve disagree",
	Differ: "For these days, Enedis's daily value and the sum of its curve differ by more than rounding. Both are kept; in Home " +
		"Assistant's statistics, the curve stands.",
	DailyValue: "Daily value", CurveSum: "Sum of the curve", Difference: "Difference",
	days: "%d days of data of %d", holes: ", %d of which Enedis does not have", calls: "calls left: %d",
	ends: ", end expected on %s", endless: ", end unknown for now",
	cut: "The curve is asked for from %s on only: Enedis keeps it no longer.",
	begins: "%s: this contract begins on %s; the days kept from before, if any, are a former holder's or a former meter's, and are not " +
		"part of the totals.",
	rests: "at rest: ask for history", rides: "with each request for yesterday", nothing: "no day wanted",
	directions: map[meter.Direction]string{meter.Consumption: "Consumption", meter.Production: "Production"},
	measures: map[meter.Measure]string{
		meter.Daily: "daily value", meter.LoadCurve: "load curve", meter.MaxPower: "maximum power",
	},
	statuses: map[meter.Status]string{
		meter.StatusComplete: "complete", meter.StatusPartial: "partial",
		meter.StatusAbsent: "asked, absent at Enedis", meter.StatusUnasked: "not asked",
	},
}
