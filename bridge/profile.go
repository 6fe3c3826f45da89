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
// the call, so that a crash does not repeat it.
func (b *Bridge) profile(ctx context.Context, u *unit) error {
	now := b.Now()
	b.mu.Lock()
	usable, kept := b.usable(u), u.kept.Clone()
	b.mu.Unlock()
	if kept.Contract.NotBefore.After(now) {
		return nil
	}
	if !usable {
		return errSource
	}
	kept.Contract.NotBefore = now.Add(b.Schedule.RetryInterval)
	if err := b.Store.SaveMeter(ctx, kept); err != nil {
		return b.storageStops(ctx, err)
	}
	b.mu.Lock()
	u.contractAt = now
	b.mu.Unlock()
	src := b.source()
	p, err := src.Profile(ctx, u.PRM)
	if _, ok := errors.AsType[*ledgerError](err); ok {
		return b.storageStops(ctx, err)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	ctx = context.WithoutCancel(ctx)
	resting := false
	switch o := outcome(enedis.Batch{}, err); {
	case err == nil:
		b.Log.Info("contract read", "prm", u.PRM)
		kept.Contract.NotBefore = now.AddDate(0, 0, month)
	case wholeSource(err):
		resting = b.judge(ctx, u, store.Attempt{Source: src.Name(), At: now}, err)
		kept.Contract.NotBefore = time.Time{}
	case o == store.SourceDown:
		b.Log.Info("contract not read", "prm", u.PRM, "err", err)
		kept.Contract.NotBefore = now.Add(max(time.Hour, b.Schedule.RetryInterval))
	default:
		b.Log.Info("contract not read", "prm", u.PRM, "err", err)
		kept.Contract.NotBefore = b.tomorrow(now)
	}
	b.mu.Lock()
	if err == nil {
		b.contractRead(u, &kept, p, now)
	}
	u.kept = kept
	b.touch(u.PRM)
	kept = kept.Clone()
	b.mu.Unlock()
	if err := b.Store.SaveMeter(ctx, kept); err != nil {
		return b.storageStops(ctx, err)
	}
	if resting {
		return errSource
	}
	return nil
}

// contractRead takes a contract over: it decides the directions, unless the settings do.
func (b *Bridge) contractRead(u *unit, kept *store.Meter, p enedis.Profile, now time.Time) {
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
		if day, ok := p.Activation[d]; ok {
			state.Activation = day
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
