package contract

// activationPage is where a customer switches the recording and the collection of the curve on.
const activationPage = "https://mon-compte-particulier.enedis.fr/donnees"

// messages says each reason to people, with what to do about it.
var messages = map[Locale]map[Reason]string{
	French: {
		Storage: "Le disque du pont est plein ou en panne : libérez de la place ou vérifiez le dossier des données ; " +
			"le pont réessaie de lui-même.",
		Settings: "Les réglages ne conviennent pas (identifiants, adresse, source ou horloge) : " +
			"corrigez-les ; la dernière erreur sur bridge/health nomme la cause.",
		ConsentMissing: "Enedis ne connaît pas de consentement pour ce compteur : le titulaire le donne sur la page de " +
			"consentement d'Enedis de votre application, puis vous appuyez sur « Actualiser ».",
		ConsentExpired: "Le consentement n'est plus valable : le titulaire le renouvelle sur la page de consentement " +
			"d'Enedis de votre application, puis vous appuyez sur « Actualiser ».",
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
		Settings: "The settings do not work (credentials, address, source or clock): " +
			"correct them; the last error on bridge/health names the cause.",
		ConsentMissing: "Enedis knows no consent for this meter: its holder gives it on Enedis's consent page of your " +
			"application, then you press \"Refresh\".",
		ConsentExpired: "The consent is no longer valid: its holder renews it on Enedis's consent page of your application, " +
			"then you press \"Refresh\".",
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

// message says the reason of a meter, and beside it where a curve that is not collected is switched on. French is spoken
// where the locale is unknown.
func message(loc Locale, r Reason, notCollected bool) string {
	said, ok := messages[loc]
	if !ok {
		said = messages[French]
	}
	if notCollected {
		return said[r] + " " + said[CurveNotCollected]
	}
	return said[r]
}
