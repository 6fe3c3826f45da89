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
	setAt     time.Time // when the rest was last decided on: attempts that began earlier decide nothing more
	failed    meter.PRM // the meter whose request failed last, without a success since
	lastError string
}

// rest is the length of the n-th rest in a row.
func (s Schedule) rest(n int) time.Duration {
	d := min(shortestRest, s.RetryInterval)
	for range n - 1 {
		d = min(2*d, s.RetryInterval)
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
// strikes two meters in a row, or the only one.
func (h *health) judge(s Schedule, p meter.PRM, alone bool, begun, now time.Time, err error) (changed bool) {
	o := outcome(enedis.Batch{}, err)
	h.lastError = ""
	if o.Troubled() && o != store.WrongDirection {
		h.lastError = err.Error()
	}
	if failed := o == store.SourceDown || o == store.OverQuota || o == store.BadSettings && wholeSource(err); !failed {
		h.failed = ""
		if h.Failures == 0 || begun.Before(h.setAt) {
			return false
		}
		h.Backoff = store.Backoff{Source: h.Source}
		return true
	}
	first := h.failed == "" || h.failed == p
	h.failed = p
	if begun.Before(h.setAt) || !wholeSource(err) && first && !alone {
		return false
	}
	h.Failures++
	h.Until, h.Outcome, h.Detail, h.setAt = now.Add(s.rest(h.Failures)), o, err.Error(), now
	if refusal, ok := errors.AsType[*enedis.Error](err); ok && refusal.After.After(now) {
		h.NotBefore = refusal.After
	}
	if spent, ok := errors.AsType[*enedis.BudgetError](err); ok {
		h.Until, h.NotBefore = spent.Until, spent.Until
	}
	h.Until = later(h.Until, h.NotBefore)
	return true
}

// wholeSource tells whether an error is the whole source's and not one request's.
func wholeSource(err error) bool {
	if _, ok := errors.AsType[*enedis.TokenError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*enedis.ClockError](err); ok {
		return true
	}
	refusal, ok := errors.AsType[*enedis.Error](err)
	return !ok || refusal.Status == 401 || refusal.Action() == enedis.Quota
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
