package web

// frenchConsent are the pages of the consent in French.
var frenchConsent = consentWords{
	Colon: "\u00a0:", Meters: "Compteurs", Detail: "Détail", Back: "Retour à la page du pont",
	Begin: "Donner ou renouveler le consentement", Start: "Aller à la page de consentement d'Enedis",
	Astray: "Si le navigateur ne revient pas ici de lui-même, copiez toute l'adresse sur laquelle il s'est arrêté et " +
		"collez-la ci-dessous, dans les 15 minutes.",
	Steps: []string{
		"Acceptez chez Enedis. Le navigateur s'arrête ensuite peut-être sur une page qui ne s'ouvre pas : c'est sans gravité.",
		"Copiez toute l'adresse de cette page, celle qui contient « state= », et collez-la ci-dessous, dans les 15 minutes.",
	},
	Address: "Adresse sur laquelle le navigateur s'est arrêté", Paste: "Valider l'adresse",
	Register: "Adresse de redirection à déclarer pour votre application chez Enedis (DataHub)",
	Unregistered: "PUBLIC_URL n'est pas réglé : avec lui, cette page dit quelle adresse de redirection déclarer pour votre " +
		"application chez Enedis (DataHub), et le navigateur revient de lui-même.",
	noPublicURL: "Le pont ne sait pas à quelle adresse votre navigateur l'atteint (PUBLIC_URL) : le retour d'Enedis se " +
		"fait donc en collant une adresse.",
	ingress: "Vous lisez cette page à travers Home Assistant, où Enedis ne peut pas renvoyer le navigateur : s'il " +
		"n'arrive pas à PUBLIC_URL, le retour se fait en collant une adresse.",
	elsewhere: "Vous lisez cette page à une autre adresse que PUBLIC_URL, où Enedis renvoie le navigateur : s'il n'y " +
		"arrive pas, le retour se fait en collant une adresse.",
	ends: "Consentement jusqu'au %s (%s)", ended: "Consentement terminé le %s",
	days: "jours restants : %d", lastDay: "dernier jour",
	awaitedOne: "Un consentement est donné et Enedis en prépare encore l'accès : rien à faire, le pont redemande de " +
		"lui-même.",
	awaitedMore: "%d consentements sont donnés et Enedis en prépare encore l'accès : rien à faire, le pont redemande de " +
		"lui-même.",
	lost: "Un consentement donné n'a pas abouti : après dix demandes, Enedis n'en connaît toujours pas l'accès. Redonnez-le.",
	said: map[outcome]saying{
		begin: {Title: "Consentement", Text: []string{
			"Le titulaire du compteur donne son accord chez Enedis : il s'y connecte, choisit ses compteurs et accepte. Il " +
				"peut le retirer à tout moment dans son compte Enedis.",
			"Pour renouveler, le chemin est le même. Si Enedis refuse un compteur déjà partagé avec cette application, supprimez " +
				"d'abord l'ancien partage dans le compte Enedis, " + account + ".",
		}},
		unavailable: {Title: "Pas de consentement ici", Text: []string{
			"Ce pont n'a pas d'application Enedis (ENEDIS_CLIENT_ID et ENEDIS_CLIENT_SECRET), et personne ne peut donc lui " +
				"donner de consentement. Avec une passerelle, le consentement se donne chez elle, et son jeton va dans les réglages.",
		}},
		granted: {Title: "Consentement donné", Text: []string{
			"C'est fait : les données commencent à arriver dès maintenant. Vous pouvez fermer cette page.",
		}},
		pending: {Title: "Consentement donné, accès en préparation", Text: []string{
			"Enedis n'ouvre pas encore l'accès aux données, ou ne répond pas pour l'instant. Rien à faire : le " +
				"pont redemande de lui-même, chaque fois après RETRY_INTERVAL (30 minutes sans autre réglage) et 10 fois au plus. " +
				"Vous pouvez fermer cette page.",
			"Si le compteur n'apparaît pas ensuite sur la page du pont, recommencez.",
		}},
		refused: {Title: "Consentement refusé", Text: []string{
			"L'accord n'a pas été donné chez Enedis, et rien n'a changé ici. Si ce n'était pas voulu, recommencez : choisissez " +
				"le compteur et acceptez.",
		}},
		failed: {
			Title: "Le consentement n'a pas abouti", Text: []string{
				"Quelque chose a échoué chez Enedis ou en route, et aucun compteur n'est venu s'ajouter. Ce qui aide, du plus " +
					"probable au moins probable :",
			},
			Remedies: []string{
				"Connectez-vous à votre compte Enedis, acceptez ses nouvelles conditions d'utilisation s'il les demande, puis " +
					"recommencez.",
				"Autorisez les cookies d'enedis.fr (sans navigation privée ni bloqueur), puis recommencez.",
				"Le compteur est déjà partagé avec cette application : supprimez d'abord ce partage dans votre compte Enedis, " +
					"puis recommencez.",
				"Enedis est peut-être en panne : recommencez plus tard.",
				"Si vous gérez le pont : « enedis2mqtt check » dit si les identifiants et la durée demandée conviennent.",
			},
		},
		unreadable: {Title: "Cette adresse est illisible", Text: []string{
			"Ce n'est pas une adresse de retour d'Enedis, ou il en manque un bout. Rien n'a changé : copiez-la en entier, avec " +
				"tout ce qui suit le « ? ».",
		}},
		early: {Title: "Cette adresse est celle de la page d'Enedis", Text: []string{
			"Rien n'a changé : acceptez d'abord sur cette page d'Enedis, puis copiez l'adresse sur laquelle le navigateur " +
				"s'arrête ensuite, et collez-la ici.",
		}},
		incomplete: {Title: "Cette adresse est incomplète", Text: []string{
			"Il y manque « state= », qui dit que ce retour est bien celui d'une demande faite ici. Rien n'a changé : copiez " +
				"l'adresse en entier, ou recommencez.",
		}},
		unknown: {Title: "Cette demande n'est pas connue ici", Text: []string{
			"Ce retour ne répond à aucune demande faite sur cette page : elle l'a été ailleurs, ou le pont a redémarré depuis. " +
				"Rien n'a changé : recommencez.",
		}},
		expired: {Title: "Le délai est passé", Text: []string{
			"Plus de 15 minutes se sont écoulées depuis le départ vers Enedis. Rien n'a changé : recommencez.",
		}},
		used: {Title: "Cette adresse a déjà servi", Text: []string{
			"Elle ne compte qu'une fois, et rien n'a changé. Si le consentement était donné, la page du pont le montre ; sinon, " +
				"recommencez.",
		}},
	},
}
