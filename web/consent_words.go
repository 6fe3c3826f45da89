package web

import (
	"fmt"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// consentWords are what the pages of the consent say, in one language.
type consentWords struct {
	Colon, Meters, Detail, Back                  string
	Begin, Start, Astray                         string
	Steps                                        []string // after the start, where the browser may not come back
	Address, Paste                               string
	Register, Unregistered                       string
	noPublicURL, ingress, elsewhere              string
	ends, ended                                  string // of a day, and of what is left
	days, lastDay, awaitedOne, awaitedMore, lost string
	said                                         map[outcome]saying
}

// saying is an outcome in words.
type saying struct {
	Title    string
	Text     []string
	Remedies []string // of which one helps, the likeliest first
}

func consentWordsOf(l contract.Locale) consentWords {
	if l == contract.English {
		return englishConsent
	}
	return frenchConsent
}

// until says when a consent ends; empty when nobody knows.
func (w consentWords) until(c contract.Consent, today meter.Day) string {
	switch {
	case c.Until == nil || c.DaysLeft == nil:
		return ""
	case *c.Until < today:
		return fmt.Sprintf(w.ended, *c.Until)
	case *c.DaysLeft == 0:
		return fmt.Sprintf(w.ends, *c.Until, w.lastDay)
	}
	return fmt.Sprintf(w.ends, *c.Until, fmt.Sprintf(w.days, *c.DaysLeft))
}

// awaited says how many consents are not served yet, and that some came to nothing; empty when none is.
func (w consentWords) awaited(b contract.Bridge) string {
	var said []string
	switch n := b.ConsentsAwaited; n {
	case 0:
	case 1:
		said = append(said, w.awaitedOne)
	default:
		said = append(said, fmt.Sprintf(w.awaitedMore, n))
	}
	if b.ConsentsLost > 0 {
		said = append(said, w.lost)
	}
	return strings.Join(said, " ")
}
