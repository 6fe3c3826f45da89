package check

import (
	"fmt"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/myelectricaldata"
)

// phrase is a sentence, or a part of one, in both languages, with the same verbs of package fmt in the same order.
type phrase struct{ fr, en string }

// in puts the phrase in the words of a locale; French is spoken where that is unknown.
func (p phrase) in(loc contract.Locale, args ...any) string {
	text := p.fr
	if loc == contract.English {
		text = p.en
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// activationPage is where a customer switches the recording and the collection of the curve on.
const activationPage = "https://mon-compte-particulier.enedis.fr/donnees"

// Settings and data folder.
var (
	settingsRead   = phrase{"Les réglages sont lus, sans avertissement.", "The settings are read, without a warning."}
	settingsRemedy = phrase{
		"Corrigez la variable d'environnement ; le README les décrit toutes.",
		"Correct the environment variable; the README describes them all.",
	}

	dataWritable = phrase{
		"Le dossier %s est accessible en écriture et la base est à jour ; %s.",
		"The folder %s can be written and the database is up to date; %s.",
	}
	dataInUse = phrase{
		"Un pont tourne sur les données de %s : ce qu'il a constaté est dit ici, et rien n'est demandé à Enedis ; %s.",
		"A bridge runs on the data in %s: what it has met is told here, and nothing is asked of Enedis; %s.",
	}
	dataUnusable      = phrase{"Les données ne peuvent pas être utilisées : %v.", "The data cannot be used: %v."}
	dataVersionRemedy = phrase{
		"Utilisez la même version du programme que celle qui a écrit les données, ou une plus récente.",
		"Use the same version of the program that wrote the data, or a later one.",
	}
	dataDamagedRemedy = phrase{
		"Arrêtez le pont, écartez les fichiers enedis2mqtt.db* et remettez une copie du dossier backup, s'il y en a une.",
		"Stop the bridge, move the files enedis2mqtt.db* away and put a copy of the folder backup back, if there is one.",
	}
	dataFolderRemedy = phrase{
		"Laissez cet utilisateur écrire dans le dossier, faites de la place, ou choisissez un autre DATA_DIR.",
		"Let this user write in the folder, make room, or choose another DATA_DIR.",
	}
	spaceFree    = phrase{"%s libres", "%s free"}
	spaceUnknown = phrase{"place libre inconnue", "free space unknown"}
	spaceRemedy  = phrase{"Libérez de la place sur ce disque.", "Make room on this disk."}
)

// Clock.
var (
	clockAgrees = phrase{
		"Il est %s à Paris, et l'horloge s'accorde avec celle de %s.",
		"It is %s in Paris, and the clock agrees with that of %s.",
	}
	clockAlone = phrase{
		"Il est %s à Paris ; aucune réponse n'est venue à laquelle comparer l'horloge.",
		"It is %s in Paris; no answer came to compare the clock with.",
	}
	clockDiffers = phrase{
		"L'horloge dit %s à Paris, et diffère de %s de celle de %s ; au-delà de 10 min aucune réponse n'est utilisée.",
		"The clock says %s in Paris, and differs by %s from that of %s; beyond 10 min no answer is used.",
	}
	clockBeforeBuild = phrase{
		"L'horloge dit %s à Paris, mais le programme date du %s : aucun appel n'est fait.",
		"The clock says %s in Paris, but the program is of %s: no call is made.",
	}
	clockRemedy = phrase{
		"Réglez l'horloge de cette machine, par exemple avec NTP (timedatectl set-ntp true).",
		"Set this machine's clock, for example with NTP (timedatectl set-ntp true).",
	}
)

// Sources.
var (
	sourceNoStore = phrase{
		"Sans base de données aucun appel n'est fait : il ne serait pas compté.",
		"Without a database no call is made: it would not be counted.",
	}
	sourceUnusable = phrase{"La source ne peut pas être utilisée : %v.", "The source cannot be used: %v."}
	sourceHeld     = phrase{
		"Elle ne doit pas être appelée avant le %s (%s).",
		"It must not be called before %s (%s).",
	}
	sourceAnswers  = phrase{"Elle répond et accepte les identifiants", "It answers and accepts the credentials"}
	sourceOpens    = phrase{" ; ils ouvrent %d compteur(s) : %s", "; they open %d meter(s): %s"}
	sourceBudget   = phrase{" ; il reste %d appels sur %d en %s", "; %d calls of %d in %s are left"}
	sourceNotTried = phrase{
		"Il n'y a pas encore de compteur avec lequel l'essayer.",
		"There is no meter yet to try it with.",
	}
	sourceNoCall = phrase{
		"Aucun appel n'a été fait, voir ses compteurs",
		"No call was made, see its meters",
	}
	sourceNotTriedRemedy = phrase{
		"Mettez un compteur dans METERS, ou donnez un consentement sur la page.",
		"Put a meter into METERS, or give a consent on the page.",
	}
	sourceTrouble = phrase{"Elle refuse ou ne répond pas : %v.", "It refuses or does not answer: %v."}
	waitRemedy    = phrase{
		"Rien à faire : attendez, le pont reprend dès qu'il en a le droit.",
		"Nothing to do: wait, the bridge goes on as soon as it may.",
	}
	laterRemedy = phrase{
		"Rien à faire : l'ennui est chez la source, le pont réessaie de lui-même ; refaites cet essai plus tard.",
		"Nothing to do: the trouble is the source's, the bridge retries by itself; try this again later.",
	}
	networkRemedy = phrase{
		"Vérifiez l'accès à Internet, le DNS, et l'adresse de la source dans les réglages.",
		"Check the access to the internet, the DNS, and the source's address in the settings.",
	}
	subscribeRemedy = phrase{
		"Abonnez l'application à cette API sur datahub-enedis.fr.",
		"Subscribe the application to this API on datahub-enedis.fr.",
	}
)

// credentialRemedies tell for each source which credentials to look at.
var credentialRemedies = map[string]phrase{
	dataconnect.Name: {
		"Vérifiez ENEDIS_CLIENT_ID et ENEDIS_CLIENT_SECRET sur datahub-enedis.fr, et ENEDIS_BASE_URL et ENEDIS_API.",
		"Check ENEDIS_CLIENT_ID and ENEDIS_CLIENT_SECRET on datahub-enedis.fr, and ENEDIS_BASE_URL and ENEDIS_API.",
	},
	consoapi.Name: {
		"Consentez à nouveau sur https://conso.boris.sh et mettez le nouveau jeton dans CONSO_API_TOKEN.",
		"Consent again on https://conso.boris.sh and set the new token as CONSO_API_TOKEN.",
	},
	myelectricaldata.Name: {
		"Vérifiez MYELECTRICALDATA_TOKEN, ou _CLIENT_ID et _CLIENT_SECRET, et que MYELECTRICALDATA_API (v1, v2) est celle du compte.",
		"Check MYELECTRICALDATA_TOKEN, or _CLIENT_ID and _CLIENT_SECRET, and that MYELECTRICALDATA_API (v1, v2) is the account's.",
	},
}

// Meters.
var (
	consentValue = phrase{
		"Le consentement est valable ; dernière valeur du %s",
		"The consent holds; the last value is of %s",
	}
	consentNoValue = phrase{
		"Le consentement est valable ; pas encore de valeur des derniers jours",
		"The consent holds; there is no value of the last days yet",
	}
	consentAnswers   = phrase{"La source répond pour ce compteur", "The source answers for this meter"}
	metersNone       = phrase{"Aucun compteur n'est connu.", "No meter is known."}
	metersNoneRemedy = phrase{
		"Donnez METERS, ou un consentement sur la page du pont (Consentement).", "Give METERS, or a consent on the bridge's page (Consent).",
	}
	consentUntil      = phrase{" ; valable jusqu'au %s", "; it holds until %s"}
	consentEnded      = phrase{" ; il s'est terminé le %s", "; it ended on %s"}
	consentSoonRemedy = phrase{
		"Renouvelez le consentement avant ce jour.",
		"Renew the consent before that day.",
	}
	consentExpired      = phrase{"Le jeton de ce compteur a expiré après le %s.", "The token of this meter expired after %s."}
	consentUnknownMeter = phrase{
		"Aucun jeton de cette source n'ouvre ce compteur : aucun appel n'a été fait.",
		"No token of this source opens this meter: no call was made.",
	}
	consentTokenRemedy = phrase{
		"Consentez pour ce compteur sur %s, puis mettez le nouveau jeton dans les réglages.",
		"Consent for this meter on %s, then set the new token.",
	}
	consentRefused = phrase{"La source refuse ce compteur : %v.", "The source refuses this meter: %v."}
	consentRemedy  = phrase{
		"Vérifiez les 14 chiffres ; sinon le titulaire du compteur (re)donne son consentement : %s",
		"Check the 14 digits; else the meter's holder consents (again): %s",
	}
	consentNotSubscribed = phrase{
		"L'application n'est pas abonnée à cette API : %v.",
		"The application has not subscribed this API: %v.",
	}
	consentMore = phrase{
		"Pour épargner les appels, seuls %d compteurs sont essayés ; %d autres ne le sont pas.",
		"To spare calls, only %d meters are tried; %d more are not.",
	}

	hourlyOn       = phrase{"La courbe de charge est collectée, jusqu'au %s.", "The load curve is collected, through %s."}
	hourlyOff      = phrase{"La courbe de charge n'est pas collectée.", "The load curve is not collected."}
	hourlyOffSince = phrase{
		"La courbe de charge n'est pas collectée, constaté le %s.",
		"The load curve is not collected, as was found on %s.",
	}
	hourlyRemedy = phrase{
		"Le titulaire active l'enregistrement et la collecte des données horaires : " + activationPage,
		"The holder switches the recording and the collection of hourly data on: " + activationPage,
	}
	hourlyUnknown = phrase{
		"On ne peut pas encore le dire : la source n'a rien des derniers jours.",
		"It cannot be told yet: the source has nothing of the last days.",
	}
	hourlyUnwanted = phrase{"METERS n'en veut pas (hourly).", "METERS does not want it (hourly)."}
	hourlyNotAsked = phrase{"La source ne l'a pas dit : %v.", "The source did not tell: %v."}

	durationTakes = phrase{
		"Un jour de %d compteur(s) coûte %d appels, ce qui prend %s.",
		"A day of %d meter(s) costs %d calls, which takes %s.",
	}
	durationRemedy = phrase{
		"Les derniers compteurs auront leurs données le soir : répartissez-les sur plusieurs applications ou sources.",
		"The last meters get their data in the evening: share them out among several applications or sources.",
	}
)

// What a running bridge has met.
var (
	toldNever    = phrase{"Le pont ne l'a pas encore appelée avec succès", "The bridge has not yet called it with success"}
	toldAnswered = phrase{"Dernière réponse le %s", "Last answer on %s"}
	toldResting  = phrase{" ; laissée au repos jusqu'au %s (%s)", "; given rest until %s (%s)"}
	toldError    = phrase{" ; dernière erreur le %s : %s", "; last error on %s: %s"}
)

// Broker.
var (
	brokerReached   = phrase{"Le courtier répond (%s, %s).", "The broker answers (%s, %s)."}
	brokerTLS       = phrase{"chiffré", "encrypted"}
	brokerPlain     = phrase{"sans chiffrement", "not encrypted"}
	brokerLogin     = phrase{"mot de passe accepté", "password accepted"}
	brokerAnonymous = phrase{"sans mot de passe", "without a password"}
	brokerRefused   = phrase{"Pas de connexion au courtier : %v.", "No connection to the broker: %v."}
	brokerAway      = phrase{"Pas essayé, faute de connexion.", "Not tried for want of a connection."}

	brokerHostRemedy = phrase{"Vérifiez le nom de l'hôte dans MQTT_URL.", "Check the host's name in MQTT_URL."}
	brokerAwayRemedy = phrase{
		"Vérifiez que le courtier tourne, et l'hôte et le port de MQTT_URL.",
		"Check that the broker runs, and the host and the port of MQTT_URL.",
	}
	brokerCertificateRemedy = phrase{
		"Donnez dans MQTT_CA_FILE l'autorité qui a signé le certificat du courtier, et dans MQTT_URL le nom qu'il porte.",
		"Give in MQTT_CA_FILE the authority that signed the broker's certificate, and in MQTT_URL the name that it bears.",
	}
	brokerNoTLSRemedy = phrase{
		"Ce port ne parle pas TLS : utilisez mqtt:// au lieu de mqtts://, ou le port chiffré (souvent 8883).",
		"This port does not speak TLS: use mqtt:// instead of mqtts://, or the encrypted port (often 8883).",
	}
	brokerProtocolRemedy = phrase{
		"Vérifiez que le courtier tourne et que ce port parle le protocole de MQTT_URL : mqtt, ou mqtts s'il est chiffré, ws, wss.",
		"Check that the broker runs and that this port speaks the protocol of MQTT_URL: mqtt, or mqtts if it is encrypted, ws, wss.",
	}
	brokerLoginRemedy = phrase{
		"Vérifiez MQTT_USERNAME et MQTT_PASSWORD, et les droits de cet utilisateur chez le courtier.",
		"Check MQTT_USERNAME and MQTT_PASSWORD, and what this user may do at the broker.",
	}

	topicWritable = phrase{
		"Un message retenu y a été écrit, relu et retiré.",
		"A retained message was written there, read back and removed.",
	}
	topicHangUp = phrase{
		"Le courtier raccroche à ce message : sa façon de dire que l'utilisateur n'a pas le droit d'écrire là.",
		"The broker hangs up on this message: its way of saying that the user may not write there.",
	}
	topicNoAck = phrase{
		"Le courtier n'accuse pas réception du message (%v) : l'utilisateur n'a sans doute pas le droit d'écrire là.",
		"The broker does not acknowledge the message (%v): the user probably may not write there.",
	}
	topicNoEcho = phrase{
		"Le courtier accuse réception du message, qui ne revient pas : une règle (ACL) interdit d'écrire là, ou seulement d'y lire.",
		"The broker acknowledges the message, which does not come back: a rule (ACL) forbids writing there, or only reading.",
	}
	topicRemedy = phrase{
		"Donnez à l'utilisateur le droit d'écrire et de lire autour de %s dans les règles (ACL) du courtier.",
		"Let the user write and read around %s in the rules (ACL) of the broker.",
	}
	discoveryOff = phrase{
		"La découverte de Home Assistant est désactivée.",
		"Home Assistant's discovery is switched off.",
	}
)

// Home Assistant.
var (
	homeAssistantOff = phrase{
		"HOMEASSISTANT_URL n'est pas donné : pas de statistiques pour le tableau Énergie.",
		"HOMEASSISTANT_URL is not given: no statistics for the Energy dashboard.",
	}
	homeAssistantAnswers = phrase{
		"Home Assistant %s répond, et le jeton est celui d'un administrateur.",
		"Home Assistant %s answers, and the token is an administrator's.",
	}
	homeAssistantRefused  = phrase{"Home Assistant ne nous laisse pas entrer : %v.", "Home Assistant does not let us in: %v."}
	homeAssistantNotReady = phrase{
		"Home Assistant %s répond, mais ne prend pas encore de statistiques : %v.",
		"Home Assistant %s answers, but takes no statistics yet: %v.",
	}
	homeAssistantWaitRemedy = phrase{
		"Rien à faire s'il démarre ou met sa base à jour, le pont réessaie de lui-même ; sinon activez son intégration « recorder ».",
		"Nothing to do while it starts or migrates its database, the bridge retries by itself; else set up its recorder integration.",
	}
	homeAssistantTokenRemedy = phrase{
		"Créez un jeton d'accès de longue durée dans Home Assistant (votre profil → Sécurité) et mettez-le dans HOMEASSISTANT_TOKEN.",
		"Make a long-lived access token in Home Assistant (your profile → Security) and set it as HOMEASSISTANT_TOKEN.",
	}
	homeAssistantAdminRemedy = phrase{
		"Créez le jeton depuis un compte d'administrateur de Home Assistant : les autres ne peuvent pas écrire de statistiques.",
		"Make the token from an administrator's account in Home Assistant: others cannot write statistics.",
	}
	homeAssistantAddOnRemedy = phrase{
		"Vérifiez que Home Assistant tourne, puis redémarrez le module : le Supervisor lui donne l'adresse et un nouveau jeton.",
		"Check that Home Assistant runs, then restart the add-on: the Supervisor gives it the address and a new token.",
	}
	homeAssistantCertificateRemedy = phrase{
		"Donnez dans HOMEASSISTANT_URL le nom pour lequel le certificat est établi, et vérifiez sa date et son autorité.",
		"Give in HOMEASSISTANT_URL the name that the certificate was made for, and check its date and its authority.",
	}
	homeAssistantPathRemedy = phrase{
		"Retirez le chemin de HOMEASSISTANT_URL : l'adresse finit après l'hôte et le port, sauf derrière un proxy qui veut un chemin.",
		"Remove the path from HOMEASSISTANT_URL: the address ends after host and port, unless a proxy wants a path.",
	}
	homeAssistantHostRemedy = phrase{
		"Vérifiez le nom de l'hôte dans HOMEASSISTANT_URL, ou donnez son adresse IP : un conteneur ne connaît pas les noms en .local.",
		"Check the host's name in HOMEASSISTANT_URL, or give its IP address: a container does not know names in .local.",
	}
	homeAssistantAwayRemedy = phrase{
		"Vérifiez que Home Assistant tourne, et l'hôte et le port de HOMEASSISTANT_URL (souvent 8123).",
		"Check that Home Assistant runs, and the host and the port of HOMEASSISTANT_URL (often 8123).",
	}
	homeAssistantOtherRemedy = phrase{
		"Vérifiez que HOMEASSISTANT_URL est l'adresse de Home Assistant dans un navigateur, http ou https compris.",
		"Check that HOMEASSISTANT_URL is the address of Home Assistant in a browser, http or https included.",
	}
	energyUses = phrase{
		"Le tableau Énergie de Home Assistant utilise nos statistiques : %s.",
		"Home Assistant's Energy dashboard uses our statistics: %s.",
	}
	energyUnused = phrase{
		"Le tableau Énergie de Home Assistant n'utilise aucune de nos statistiques.",
		"Home Assistant's Energy dashboard uses none of our statistics.",
	}
	energyRemedy = phrase{
		"Pour les y voir : Paramètres → Énergie → Réseau électrique, puis choisissez la statistique au nom du compteur.",
		"To see them there: Settings → Energy → Electricity grid, then choose the statistic with the meter's name.",
	}
	energyUnknown = phrase{
		"Home Assistant n'a pas dit ce qu'utilise son tableau Énergie : %v.",
		"Home Assistant did not say what its Energy dashboard uses: %v.",
	}
)

// Page.
var (
	pageOff     = phrase{"Il n'y a pas de page (HTTP_ADDR est vide).", "There is no page (HTTP_ADDR is empty)."}
	pageFree    = phrase{"L'adresse est libre.", "The address is free."}
	pageAnswers = phrase{"La page du pont qui tourne y répond (version %s).", "The page of the running bridge answers there (version %s)."}
	pageSilent  = phrase{
		"Un pont tourne sur ces données, mais sa page n'y répond pas comme il faut : %v.",
		"A bridge runs on these data, but its page does not answer there as it should: %v.",
	}
	pageSilentRemedy = phrase{
		"Lisez le journal du pont ; HTTP_ADDR doit être ici le même que le sien.",
		"Read the bridge's log; HTTP_ADDR must be the same here as its own.",
	}
	pageTaken       = phrase{"La page ne peut pas y écouter : %v.", "The page cannot listen there: %v."}
	pageTakenRemedy = phrase{
		"Arrêtez l'autre programme, ou donnez à HTTP_ADDR une autre adresse ou un autre port.",
		"Stop the other program, or give HTTP_ADDR another address or port.",
	}
)

// titles are the names of the checks for people.
var titles = map[string]phrase{
	nameSettings:      {"réglages", "settings"},
	nameData:          {"données", "data"},
	nameSource:        {"source", "source"},
	nameMeters:        {"compteurs", "meters"},
	nameConsent:       {"consentement", "consent"},
	nameHourly:        {"courbe", "curve"},
	nameDuration:      {"durée", "duration"},
	nameClock:         {"horloge", "clock"},
	nameBroker:        {"courtier", "broker"},
	nameTopics:        {"topics", "topics"},
	nameDiscovery:     {"découverte", "discovery"},
	nameHomeAssistant: {"Home Assistant", "Home Assistant"},
	nameEnergy:        {"tableau Énergie", "Energy dashboard"},
	namePage:          {"page", "page"},
}

var (
	allWell = phrase{"Tout va bien.", "All is well."}
	warned  = phrase{"Rien n'a échoué ; %d point(s) à regarder.", "Nothing failed; %d thing(s) to look at."}
	notWell = phrase{"%d essai(s) sur %d ont échoué.", "%d of %d checks failed."}
)
