package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// profile reads a meter's contract when it is due: at the first start, after a new consent, monthly. It is put off before
// the call, so that a crash does not repeat it. The first source that has contracts and may be asked is asked. The error is
// errTrouble when that source as a whole is in trouble, which stops no lane.
func (b *Bridge) profile(ctx context.Context, u *unit) error {
	now := b.Now()
	b.mu.Lock()
	src := b.contractDue(u, now)
	if src == nil || !src.admit(now, u.forced) {
		b.mu.Unlock()
		return nil
	}
	u.contractAt = now
	u.kept.Contract.NotBefore = now.Add(b.Schedule.RetryInterval)
	b.mu.Unlock()
	defer b.probed(src)
	if err := b.saveMeter(ctx, u); err != nil {
		return b.storageStops(ctx, err)
	}
	leave, err := src.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	p, err := src.Profile(ctx, u.PRM)
	if _, ok := errors.AsType[*ledgerError](err); ok {
		return b.storageStops(ctx, err)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	ctx = context.WithoutCancel(ctx)
	again := b.contractAgain(ctx, u, src, now, err)
	if err != nil {
		b.Log.Info("contract not read", "prm", u.PRM, "source", src.Name(), "err", err)
	} else {
		b.Log.Info("contract read", "prm", u.PRM, "source", src.Name())
	}
	b.mu.Lock()
	u.kept.Contract.NotBefore = again
	if err == nil {
		b.contractRead(u, p, now)
	}
	b.touch(u.PRM)
	b.mu.Unlock()
	if err := b.saveMeter(ctx, u); err != nil {
		return b.storageStops(ctx, err)
	}
	if enedis.WholeSource(err) {
		return errTrouble
	}
	return nil
}

// contractDue is the source to ask for a meter's contract; nil when it is not due, or there is none now. b.mu is held.
func (b *Bridge) contractDue(u *unit, now time.Time) *road {
	if u.kept.Contract.NotBefore.After(now) {
		return nil
	}
	for _, w := range b.ways(u, now) {
		if !w.traits.NoContract && !w.probing && !later(w.history, u.refusedUntil(w.name)).After(now) {
			return b.road(w.name)
		}
	}
	return nil
}

// contractAgain is when a contract may be asked for again after an answer.
func (b *Bridge) contractAgain(ctx context.Context, u *unit, src *road, now time.Time, err error) time.Time {
	o := outcome(enedis.Batch{}, err)
	switch spent, ok := errors.AsType[*enedis.BudgetError](err); {
	case err == nil:
		return now.AddDate(0, 0, month)
	case ok && spent.Apart():
		return spent.Until
	case enedis.WholeSource(err):
		b.judge(ctx, u, store.Attempt{Source: src.Name(), At: now}, err)
		return time.Time{} // the source's rest decides, or another source is asked
	case o == store.SourceDown:
		return now.Add(max(time.Hour, b.Schedule.RetryInterval))
	}
	return b.tomorrow(now)
}

// contractRead takes a contract over: it decides the directions, unless the settings do. b.mu is held.
func (b *Bridge) contractRead(u *unit, p enedis.Profile, now time.Time) {
	kept := &u.kept
	was := kept.Contract
	kept.Contract = store.Contract{
		ReadAt: now, NotBefore: was.NotBefore, Directions: p.Directions,
		SubscribedKVA: p.SubscribedKVA, Tariff: p.Tariff, OffPeak: p.OffPeak,
	}
	if !was.ReadAt.IsZero() && !sameTerms(was, kept.Contract) {
		b.Log.Info("contract changed", "prm", u.PRM, "was", termsText(was), "is", termsText(kept.Contract))
	}
	for _, d := range meter.Directions() {
		state := kept.Directions[d]
		if day, ok := p.Activation[d]; ok && day != state.Activation {
			state.Activation = day
			u.forgetRefusedStarts(d)
		}
		if u.Directions == nil && len(p.Directions) > 0 {
			standing := store.Absent
			switch {
			case slices.Contains(p.Directions, d):
				standing = store.Exists
			case p.Open:
				standing = state.Standing
			}
			if state.Standing != standing {
				state.Standing, state.How, state.At, state.AskAgain = standing, "contract", now, time.Time{}
			}
			if standing == store.Absent && !p.Open {
				state.AskAgain = now.AddDate(0, 0, month+1) // the contract is read again before
			}
		}
		kept.Directions[d] = state
	}
}

func sameTerms(a, b store.Contract) bool {
	return slices.Equal(a.Directions, b.Directions) && termsText(a) == termsText(b)
}

func termsText(c store.Contract) string {
	kva := 0.0
	if c.SubscribedKVA != nil {
		kva = *c.SubscribedKVA
	}
	return fmt.Sprintf("%v %g kVA %s %s", c.Directions, kva, c.Tariff, c.OffPeak)
}
