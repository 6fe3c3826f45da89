package contract

import (
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// activationPage is where a customer switches the recording and the collection of the curve on.
const activationPage = "https://mon-compte-particulier.enedis.fr/donnees"

// messages says each reason to people, with what to do about it.
var messages = map[Locale]map[Reason]string{
	French: {
		Storage: "Le disque du pont est plein ou en panne : libérez de la place ou vérifiez le dossier des données ; " +
			"le pont réessaie de lui-même.",
		Settings: "Les réglages ne conviennent pas (identifiants, adresse, source ou horloge) : la commande " +
			"« enedis2mqtt check » dit lequel et que faire ; la dernière erreur est sur bridge/health.",
		ConsentMissing: "Aucun consentement n'est connu pour ce compteur : son titulaire le donne (page du pont → " +
			"Consentement ; avec une passerelle, chez elle, puis son nouveau jeton va dans les réglages). " +
			"Si rien ne vient ensuite, appuyez sur « Actualiser ».",
		ConsentExpired: "Le consentement n'est plus valable : son titulaire le renouvelle (page du pont → Consentement ; " +
			"avec une passerelle, chez elle, puis son nouveau jeton va dans les réglages). " +
			"Si rien ne vient ensuite, appuyez sur « Actualiser ».",
		Quota: "La limite d'appels est atteinte : rien à faire, le pont reprend dès qu'il en a le droit.",
		SourceDown: "Enedis ou la passerelle ne répond pas comme il faut : rien à faire, le pont réessaie de lui-même ; " +
			"si cela dure, vérifiez la connexion à Internet.",
		Waiting:  "Enedis n'a pas encore publié toutes les données d'hier : rien à faire, le pont les redemande de lui-même.",
		Starting: "Le pont n'a pas encore demandé toutes les données de ce compteur : rien à faire, il va le faire.",
		Complete: "Toutes les données d'hier sont là.",
		CurveNotCollected: "La courbe de charge n'est pas collectée : pour l'avoir, activez l'enregistrement et la collecte " +
			"des données horaires dans votre espace Enedis, " + activationPage + ".",
	},
	English: {
		Storage: "The bridge's disk is full or failing: free some space or check the data folder; " +
			"the bridge retries by itself.",
		Settings: "The settings do not work (credentials, address, source or clock): the command " +
			"\"enedis2mqtt check\" tells which one and what to do; the last error is on bridge/health.",
		ConsentMissing: "No consent is known for this meter: its holder gives it (page of the bridge → Consent; " +
			"with a gateway, there, and its new token goes into the settings). If nothing comes after that, press \"Refresh\".",
		ConsentExpired: "The consent is no longer valid: its holder renews it (page of the bridge → Consent; " +
			"with a gateway, there, and its new token goes into the settings). If nothing comes after that, press \"Refresh\".",
		Quota: "The limit of calls is reached: nothing to do, the bridge goes on as soon as it may.",
		SourceDown: "Enedis or the gateway does not answer as it should: nothing to do, the bridge retries by itself; " +
			"if it lasts, check the connection to the internet.",
		Waiting:  "Enedis has not yet published all of yesterday's data: nothing to do, the bridge asks again by itself.",
		Starting: "The bridge has not yet asked for all data of this meter: nothing to do, it is about to.",
		Complete: "All of yesterday's data are there.",
		CurveNotCollected: "The load curve is not collected: to have it, switch its recording and hourly collection on " +
			"in your Enedis account, " + activationPage + ".",
	},
}

// said has the messages of a locale; French is spoken where it is unknown.
func said(loc Locale) map[Reason]string {
	if texts, ok := messages[loc]; ok {
		return texts
	}
	return messages[French]
}

// begins says that history ends at the activation of the contract.
func begins(loc Locale, activation meter.Day) string {
	if loc == English {
		return "Enedis has nothing of this contract before " + activation.String() + "."
	}
	return "Enedis n'a rien de ce contrat avant le " + activation.String() + "."
}

// message says the reason of a meter, beside it where a curve that is not collected is switched on, that the consent ends
// when it soon does, and that Home Assistant's statistics fail when they have for long. French is spoken where the locale is
// unknown.
func (m Meter) message(loc Locale, r Reason, notCollected bool, now time.Time) string {
	said := said(loc)
	sentences := []string{said[r]}
	if notCollected {
		sentences = append(sentences, said[CurveNotCollected])
	}
	if r != ConsentMissing && r != ConsentExpired { // what no longer works does not end
		if s := ending(loc, m.ConsentEnd, meter.DayOf(now)); s != "" {
			sentences = append(sentences, s)
		}
	}
	if s := m.neglect(loc, now); s != "" {
		sentences = append(sentences, s)
	}
	return strings.Join(sentences, " ")
}
