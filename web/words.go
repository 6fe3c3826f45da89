package web

import (
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// words are the page's own, by language; what the light says comes from contract.
func words(l contract.Locale) map[string]string {
	if l == contract.English {
		return map[string]string{
			"green": "green", "orange": "orange", "red": "red", "colon": ":",
			"title": "Electricity", "late": "late", "next": "Next attempt", "sources": "Sources", "left": "calls left",
			"none": "No meter yet.", "consent": "Consent: give or renew it", "broken": "The data cannot be read at the moment.",
			"consumption": "Consumption of the day", "consumption_month": "of the month", "consumption_year": "of the year",
			"max_power":  "Maximum power",
			"production": "Production of the day", "production_month": "of the month", "production_year": "of the year",
		}
	}
	return map[string]string{
		"green": "vert", "orange": "orange", "red": "rouge", "colon": "\u00a0:",
		"title": "Électricité", "late": "en retard", "next": "Prochain essai", "sources": "Sources", "left": "appels restants",
		"none": "Aucun compteur pour l'instant.", "consent": "Consentement\u00a0: le donner ou le renouveler",
		"broken":      "Les données ne peuvent pas être lues pour le moment.",
		"consumption": "Consommation du jour", "consumption_month": "du mois", "consumption_year": "de l'année",
		"max_power":  "Puissance maximale",
		"production": "Production du jour", "production_month": "du mois", "production_year": "de l'année",
	}
}

// kwh writes an energy with its three decimals.
func kwh(wh int64) string { return strconv.FormatFloat(float64(wh)/1000, 'f', 3, 64) + " kWh" }

// kva writes an apparent power likewise.
func kva(va int64) string { return strconv.FormatFloat(float64(va)/1000, 'f', 3, 64) + " kVA" }
