package bridge

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

const (
	exchanges = 10                 // how often the services of a consent are asked for before it is given up
	mourning  = 7 * 24 * time.Hour // for how long the page tells of one that was
)

// ConsentURL is the page on which a customer consents, for a state that comes back with the customer; empty when nobody
// can consent here.
func (b *Bridge) ConsentURL(state string) string {
	if b.Consent == nil {
		return ""
	}
	return b.Consent.ConsentURL(state)
}

// Consented takes over what came of a customer's way to the consent page, from the parameters with which it sent the
// browser back. Where Enedis does not answer, or does not know the services of the consent yet, the consent is kept and
// asked about again after the retry interval.
func (b *Bridge) Consented(ctx context.Context, back url.Values) contract.Consented {
	if b.Consent == nil {
		return contract.Consented{Status: contract.ConsentFailed}
	}
	given := store.Authorisation{Source: b.Consent.Name(), Back: back.Encode(), GivenAt: b.Now()}
	result, err := b.exchange(context.WithoutCancel(ctx), given, back) // a browser that leaves takes no consent away
	if result.Status != contract.ConsentPending {
		return result
	}
	given.Tries, given.NextAt = 1, b.Now().Add(b.Schedule.RetryInterval)
	if saveErr := b.Store.SaveAuthorisation(ctx, given); saveErr != nil {
		b.storageFailed(saveErr)
		return contract.Consented{Status: contract.ConsentFailed, Detail: "the store fails"}
	}
	b.Log.Info("a consent waits for its services", "err", err)
	b.mu.Lock()
	b.awaited++
	b.mu.Unlock()
	b.board.forget(b.Topics.BridgeHealth())
	signal(b.wake)
	signal(b.dirty)
	return result
}

// exchange asks what a consent opens, and takes its meters among those that are served. The error is why it is pending.
func (b *Bridge) exchange(ctx context.Context, a store.Authorisation, back url.Values) (contract.Consented, error) {
	src := b.road(a.Source)
	leave, err := src.enter(ctx)
	if err != nil {
		return contract.Consented{Status: contract.ConsentPending}, err
	}
	grants, err := b.Consent.Grants(ctx, back)
	leave()
	if none, ok := errors.AsType[*enedis.ConsentError](err); ok {
		b.Log.Info("no consent", "refused", none.Refused, "why", none.Code)
		if none.Refused {
			return contract.Consented{Status: contract.ConsentRefused, Detail: none.Code}, nil
		}
		return contract.Consented{Status: contract.ConsentFailed, Detail: none.Code}, nil
	}
	if err != nil {
		if !errors.Is(err, enedis.ErrNotReady) {
			b.judgeCall(ctx, src, b.Now(), err)
		}
		return contract.Consented{Status: contract.ConsentPending, Detail: err.Error()}, err
	}
	result := contract.Consented{Status: contract.ConsentGranted}
	for _, g := range grants {
		if err := b.granted(ctx, a, g); err != nil {
			b.storageFailed(err)
			return contract.Consented{Status: contract.ConsentPending, Detail: "the store fails"}, err
		}
		result.Meters = append(result.Meters, g.PRM)
	}
	return result, nil
}

// granted takes a consent over: the meter is served from now on, and nothing waits any more for what the consent mends.
func (b *Bridge) granted(ctx context.Context, a store.Authorisation, g enedis.Grant) error {
	c := store.Consent{PRM: g.PRM, Source: a.Source, GrantedAt: a.GivenAt, Until: g.Until, Directions: g.Directions}
	if err := b.Store.SaveConsent(ctx, c); err != nil {
		return err
	}
	if err := b.Store.Release(ctx, a.Source, g.PRM); err != nil {
		return err
	}
	u := b.welcome(ctx, defaultMeter(g.PRM))
	if u == nil {
		return errStorage
	}
	if err := b.forgetLost(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	u.consents[a.Source] = c
	u.release(a.Source)
	u.kept.Contract.NotBefore = time.Time{}
	for d, state := range u.kept.Directions {
		if state.Standing == store.Absent && state.How != "settings" {
			state.AskAgain = time.Time{}
			u.kept.Directions[d] = state
		}
	}
	b.touch(g.PRM)
	b.mu.Unlock()
	b.Log.Info("consent", "prm", g.PRM, "source", a.Source, "until", g.Until.String())
	signal(b.wake)
	return b.saveMeter(ctx, u)
}

// awaitConsents asks again after the services of consents that Enedis did not know yet. It tells when it wants to be called
// again; zero for never.
func (b *Bridge) awaitConsents(ctx context.Context, now time.Time) time.Time {
	b.mu.Lock()
	none := b.awaited+b.lost == 0
	b.mu.Unlock()
	if none || b.Consent == nil {
		return time.Time{}
	}
	waiting, err := b.Store.Authorisations(ctx)
	if err != nil {
		return b.storageFailed(err)
	}
	var next time.Time
	left, lost := 0, 0
	for _, a := range waiting {
		if a.Tries >= exchanges {
			if now.Sub(a.GivenAt) < mourning {
				lost++
			} else if err := b.Store.DeleteAuthorisation(ctx, a.Source, a.Back); err != nil {
				return b.storageFailed(err)
			}
			continue
		}
		when := later(a.NextAt, b.road(b.Consent.Name()).NotBefore)
		if a.Source == b.Consent.Name() && !when.After(now) {
			if when = b.askServices(ctx, a, now); when.IsZero() {
				continue
			}
		}
		left++
		if next.IsZero() || when.Before(next) {
			next = when
		}
	}
	b.mu.Lock()
	changed := b.awaited != left || b.lost != lost
	b.awaited, b.lost = left, lost
	b.mu.Unlock()
	if changed {
		b.board.forget(b.Topics.BridgeHealth())
		signal(b.dirty)
	}
	return next
}

// askServices asks once more what a consent opens, and tells when to do so again; zero when it is settled or given up.
func (b *Bridge) askServices(ctx context.Context, a store.Authorisation, now time.Time) time.Time {
	a.Tries++
	a.NextAt = now.Add(b.Schedule.RetryInterval)
	if err := b.Store.SaveAuthorisation(ctx, a); err != nil { // before the call: a crash must not repeat it
		return b.storageFailed(err)
	}
	back, err := url.ParseQuery(a.Back)
	result := contract.Consented{Status: contract.ConsentFailed}
	if err == nil {
		result, err = b.exchange(ctx, a, back)
	}
	if result.Status == contract.ConsentPending {
		if a.Tries >= exchanges {
			b.Log.Warn("a consent is given up: it has to be given again", "tries", a.Tries, "err", err)
		}
		return a.NextAt
	}
	if err := b.Store.DeleteAuthorisation(ctx, a.Source, a.Back); err != nil {
		return b.storageFailed(err)
	}
	return time.Time{}
}

// consentEnd is the last day of a meter's consent, at the most preferred source that knows it; b.mu is held.
func (b *Bridge) consentEnd(u *unit) meter.Day {
	for _, r := range b.roads {
		if u.Source != "" && u.Source != r.Name() {
			continue
		}
		if a, refused := u.refused(r.Name()); refused && !u.early(a, b.Now()) {
			continue // it has ended, whatever its day
		}
		if c, ok := u.consents[r.Name()]; ok && c.Until != 0 {
			return c.Until
		}
		if holder, ok := r.Source.(TokenHolder); ok {
			if last, ok := holder.ConsentUntil(u.PRM); ok {
				return last
			}
		}
	}
	return 0
}

// warnings are how many days before its end a consent is spoken of.
var warnings = [...]int{60, 30, 7}

// warnOfConsents logs once for each threshold that a consent is about to end.
func (b *Bridge) warnOfConsents(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.prms {
		u := b.units[p]
		end := b.consentEnd(u)
		if end == 0 {
			continue
		}
		left := int(end - meter.DayOf(now))
		passed := len(slices.DeleteFunc(slices.Clone(warnings[:]), func(days int) bool { return left > days }))
		if passed > u.warned {
			b.Log.Warn("a consent ends: renew it where it was given", "prm", p, "days_left", max(0, left), "last", end.String())
		}
		u.warned = passed
	}
}

// forgetLost forgets the consents that were given up: one was given again.
func (b *Bridge) forgetLost(ctx context.Context) error {
	waiting, err := b.Store.Authorisations(ctx)
	if err != nil {
		return err
	}
	for _, a := range waiting {
		if a.Tries < exchanges {
			continue
		}
		if err := b.Store.DeleteAuthorisation(ctx, a.Source, a.Back); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = 0
	return nil
}
