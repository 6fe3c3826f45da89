package bridge

import (
	"errors"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// shortestRest is a source's first rest; each further failure doubles it, up to the retry interval.
const shortestRest = 30 * time.Second

// health is how a source fares.
type health struct {
	store.Backoff
	setAt       time.Time // when the rest was last decided on: attempts that began earlier decide nothing more
	failed      meter.PRM // the meter whose request failed last, without a success since
	lastError   string
	lastOutcome store.Outcome // of the last request
	probing     bool          // a request is under way that finds out whether the source is well again
	differs     int           // days that differed from those of another source, since the start
}

// neverEnded counts two attempts in a row that never ended as failures, of the attempts of all sources, the newest first.
func (h *health) neverEnded(s Schedule, attempts []store.Attempt) {
	lost := 0
	var last time.Time
	for _, a := range attempts {
		if a.Source != h.Source {
			continue
		}
		if a.Outcome != store.Unfinished {
			break
		}
		lost += a.Lost
		last = later(last, a.At)
	}
	if rest := last.Add(s.rest(lost-1, 0)); lost >= 2 && rest.After(h.Until) {
		h.Failures, h.Until, h.Outcome = max(h.Failures, lost-1), rest, store.SourceDown
		h.Detail = "attempts in a row were never ended"
	}
}

// rest is the length of the n-th rest in a row: it doubles up to the retry interval, or to the longer distance with which the
// source's budget lasts.
func (s Schedule) rest(n int, lasting time.Duration) time.Duration {
	d := min(shortestRest, s.RetryInterval)
	for range n - 1 {
		d = min(2*d, max(s.RetryInterval, lasting))
	}
	return d
}

// outcome files an answer of a source.
func outcome(batch enedis.Batch, err error) store.Outcome {
	if err == nil {
		if len(batch.Days) == 0 {
			return store.NoData
		}
		return store.Answered
	}
	switch enedis.ActionOf(err) {
	case enedis.Wait:
		return store.NoData
	case enedis.NarrowStart, enedis.NarrowSpan:
		return store.Refused
	case enedis.Never:
		return store.WrongDirection
	case enedis.NotCollected:
		return store.NotCollected
	case enedis.RenewConsent:
		return store.NoConsent
	case enedis.FixSettings:
		return store.BadSettings
	case enedis.Quota:
		return store.OverQuota
	}
	return store.SourceDown
}

// judge draws the consequence of an answer for the source: its rest after a failure, the end of it after a success. A
// failure of the token, the connection, the clock or the quota concerns the whole source at once; any other one when it
// strikes two meters in a row, or the only one. What concerns one token or one meter says nothing of the source.
func (h *health) judge(rest time.Duration, p meter.PRM, alone bool, begun, now time.Time, err error) (changed bool) {
	o := outcome(enedis.Batch{}, err)
	h.lastError, h.lastOutcome, h.probing = "", o, false
	if o.Troubled() && o != store.WrongDirection {
		h.lastError = err.Error()
	}
	if enedis.Apart(err) {
		return false
	}
	if failed := o == store.SourceDown || o == store.OverQuota || o == store.BadSettings && enedis.WholeSource(err); !failed {
		h.failed = ""
		if h.Failures == 0 || begun.Before(h.setAt) {
			return false
		}
		h.Backoff = store.Backoff{Source: h.Source}
		return true
	}
	first := h.failed == "" || h.failed == p
	h.failed = p
	if begun.Before(h.setAt) || !enedis.WholeSource(err) && first && !alone {
		return false
	}
	h.Failures++
	h.Until, h.Outcome, h.Detail, h.setAt = now.Add(rest), o, err.Error(), now
	if refusal, ok := errors.AsType[*enedis.Error](err); ok && refusal.After.After(now) {
		h.NotBefore = refusal.After
	}
	if spent, ok := errors.AsType[*enedis.BudgetError](err); ok {
		h.Until, h.NotBefore = spent.Until, spent.Until
	}
	h.Until = later(h.Until, h.NotBefore)
	return true
}

// state is what bridge/health says.
func (h *health) state() contract.SourceState {
	if h.Failures == 0 {
		return contract.SourceOK
	}
	switch h.Outcome {
	case store.OverQuota:
		return contract.SourceQuota
	case store.BadSettings:
		return contract.SourceAuth
	}
	if h.Failures > 3 {
		return contract.SourceIsDown
	}
	return contract.SourceBackoff
}

// describe tells how the source fares, with its budgets, the scarcest first, and until when one of them is spent for everybody.
func (r *road) describe(budgets []contract.Budget, spent, now time.Time) contract.Source {
	s := contract.Source{
		Name: r.Name(), State: r.state(), Budgets: budgets, LastError: r.lastError, Differences: r.differs,
	}
	if r.Until.After(now) {
		s.NextAllowedAt = r.Until
	}
	switch {
	case spent.After(now):
		s.State, s.NextAllowedAt = contract.SourceQuota, later(spent, r.Until)
	case s.State == contract.SourceOK && r.lastOutcome == store.OverQuota: // of one token
		s.State = contract.SourceQuota
	case s.State == contract.SourceOK && r.lastOutcome == store.BadSettings: // of one meter, or of one measure
		s.State = contract.SourceAuth
	}
	return s
}

// reason is the word of the light for an outcome.
func reason(o store.Outcome, delivered bool) contract.Reason {
	switch o {
	case store.NoConsent:
		if delivered {
			return contract.ConsentExpired
		}
		return contract.ConsentMissing
	case store.BadSettings, store.WrongDirection:
		return contract.Settings
	case store.OverQuota:
		return contract.Quota
	case store.SourceDown:
		return contract.SourceDown
	}
	return contract.Waiting
}
