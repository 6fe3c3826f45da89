package contract

import (
	"fmt"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The days left from which on the message tells of a consent that ends, the more urgently the fewer they are.
const (
	soonFrom   = 60
	urgentFrom = 30
	lastFrom   = 7
)

// endingWords say that a consent ends. In the sentences, %[1]s is the day and %[2]s how far away it is.
type endingWords struct {
	day                   string // layout
	today, tomorrow, days string
	soon, urgent, last    string
}

var endings = map[Locale]endingWords{
	French: {
		day: "02/01/2006", today: "aujourd'hui", tomorrow: "demain", days: "dans %d jours",
		soon: "Le consentement prend fin le %[1]s, %[2]s : pensez à le faire renouveler par son titulaire " +
			"(page du pont → Consentement, ou chez votre passerelle).",
		urgent: "Le consentement prend fin le %[1]s, %[2]s seulement : faites-le renouveler dès maintenant par son titulaire " +
			"(page du pont → Consentement, ou chez votre passerelle).",
		last: "Attention, le consentement prend fin %[2]s, le %[1]s, et plus rien n'arrivera ensuite : faites-le renouveler " +
			"aujourd'hui même par son titulaire (page du pont → Consentement, ou chez votre passerelle).",
	},
	English: {
		day: "2 January 2006", today: "today", tomorrow: "tomorrow", days: "in %d days",
		soon: "The consent ends on %[1]s, %[2]s: remember to have it renewed by its holder " +
			"(page of the bridge → Consent, or at your gateway).",
		urgent: "The consent ends on %[1]s, only %[2]s: have it renewed by its holder now " +
			"(page of the bridge → Consent, or at your gateway).",
		last: "Attention, the consent ends %[2]s, on %[1]s, and nothing comes after that: have it renewed " +
			"this very day by its holder (page of the bridge → Consent, or at your gateway).",
	},
}

// ending is the sentence on a consent that ends within 60 days. It is empty for one that lasts longer, for one that is
// over, since the reason says so once Enedis does, and where nobody knows the end.
func ending(loc Locale, end, today meter.Day) string {
	left := int(end - today)
	if end == 0 || left < 0 || left > soonFrom {
		return ""
	}
	say, ok := endings[loc]
	if !ok {
		say = endings[French]
	}
	sentence := say.soon
	switch {
	case left <= lastFrom:
		sentence = say.last
	case left <= urgentFrom:
		sentence = say.urgent
	}
	return fmt.Sprintf(sentence, end.Start().Format(say.day), say.away(left))
}

// away says how many days there are to go.
func (w endingWords) away(left int) string {
	switch left {
	case 0:
		return w.today
	case 1:
		return w.tomorrow
	}
	return fmt.Sprintf(w.days, left)
}
