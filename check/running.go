package check

import (
	"cmp"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// told says what the running bridge has met at a source and with its meters.
func (c *checker) told(k knowledge, s bridge.Source, ledger *bridge.Ledger) {
	c.add(c.sourceTold(k, s.Name(), c.budget(ledger.Budgets(s.Name()))))
	for _, m := range k.targets(c.Options, s.Name(), k.listed[s.Name()]) {
		c.add(c.consentTold(k, s, m))
		for _, d := range k.directions(m.Meter) {
			curve := meter.Series{PRM: m.PRM, Direction: d, Measure: meter.LoadCurve}
			if one, known := c.hourlyKnown(m, curve, k); known && !c.curves[curve] {
				c.curves[curve] = true
				c.add(one)
			}
		}
	}
}

// sourceTold gives a source's last success, its last error, and the rest that it is given.
func (c *checker) sourceTold(k knowledge, source, budget string) Result {
	one := Result{Name: nameSource, Subject: source, Status: OK}
	answered, failed := k.met(source, "")
	one.Message = c.answeredAt(answered)
	rest := k.backoffs[source]
	switch {
	case rest.Failures > 0:
		one.Status = Failed
		if rest.Outcome == store.OverQuota {
			one.Status = Warning
		}
		one.Message += c.say(toldResting, clockTime(rest.Until), rest.Detail)
		one.Remedy = c.outcomeRemedy(rest.Outcome, source)
	case failed.At.After(answered):
		one.Status, one.Remedy = Warning, c.outcomeRemedy(failed.Outcome, source)
		one.Message += c.say(toldError, clockTime(failed.At), whatFailed(failed))
	case answered.IsZero():
		one.Status = Skipped
	}
	one.Message += budget + "."
	return one
}

// consentTold says how the last requests for a meter ended at a source.
func (c *checker) consentTold(k knowledge, s bridge.Source, m target) Result {
	one := Result{Name: nameConsent, Subject: subject(m.PRM.Short(), s.Name())}
	answered, failed := k.met(s.Name(), m.PRM)
	one.Message = c.answeredAt(answered)
	switch {
	case failed.At.After(answered):
		one.Status, one.Remedy = Failed, c.outcomeRemedy(failed.Outcome, s.Name())
		if failed.Outcome == store.OverQuota {
			one.Status = Warning
		}
		one.Message += c.say(toldError, clockTime(failed.At), whatFailed(failed))
	case answered.IsZero():
		one.Status = Skipped
	default:
		c.holds(&one, one.Message, k.until(s, m.PRM))
		return one
	}
	one.Message += "."
	return one
}

func (c *checker) answeredAt(t time.Time) string {
	if t.IsZero() {
		return c.say(toldNever)
	}
	return c.say(toldAnswered, clockTime(t))
}

// met tells when a source last answered, for a meter or for any where prm is empty, and the last attempt that somebody has
// to mend.
func (k knowledge) met(source string, prm meter.PRM) (answered time.Time, failed store.Attempt) {
	for _, a := range k.attempts {
		switch {
		case a.Source != source, prm != "" && a.Series.PRM != prm:
		case a.Outcome == store.Unfinished:
		case !a.Outcome.Troubled(), a.Outcome == store.WrongDirection: // the source gave a clear word
			if a.EndedAt.After(answered) {
				answered = a.EndedAt
			}
		default:
			failed = a
		}
	}
	return answered, failed
}

// whatFailed is the source's word on an attempt.
func whatFailed(a store.Attempt) string {
	if a.Code != "" && a.Detail != "" {
		return a.Code + ": " + a.Detail
	}
	return cmp.Or(a.Code, a.Detail, string(a.Outcome))
}

// outcomeRemedy is what to do about an attempt that ended in trouble.
func (c *checker) outcomeRemedy(o store.Outcome, source string) string {
	switch o {
	case store.NoConsent:
		return c.say(consentRemedy, c.consentPage(source))
	case store.BadSettings:
		return c.say(credentialRemedies[source])
	case store.OverQuota:
		return c.say(waitRemedy)
	}
	return c.say(laterRemedy)
}
