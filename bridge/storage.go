package bridge

import (
	"context"
	"errors"
	"time"
)

// mend brings the store back to work after a failure: the answers that it could not take come first. It tells when it wants
// to try again, if it does.
func (b *Bridge) mend(ctx context.Context, now time.Time) time.Time {
	b.mu.Lock()
	failing, retry, pending := b.storage != nil, b.retryAt, b.pending
	b.mu.Unlock()
	if !failing {
		return time.Time{}
	}
	if retry.After(now) {
		return retry
	}
	if err := b.Store.Ping(ctx); err != nil {
		return b.storageFailed(err)
	}
	b.mu.Lock()
	b.pending, b.storage = nil, nil
	b.mu.Unlock()
	for _, e := range pending {
		_ = b.finish(ctx, e, false) // what fails again waits again
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.storage != nil {
		return b.retryAt
	}
	b.Log.Info("the store works again")
	b.touchAllLocked()
	return time.Time{}
}

// storageFailed notes that the store fails, says so once, and tells when it is tried again.
func (b *Bridge) storageFailed(err error) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.storage == nil {
		b.Log.Error("the store fails; nothing is asked until it works again", "err", err)
		b.touchAllLocked()
	}
	b.storage = err
	if now := b.Now(); !b.retryAt.After(now) {
		b.retryAt = now.Add(b.Schedule.rest(1, 0))
	}
	return b.retryAt
}

// storageStops is storageFailed for a lane, which it stops; an end of the program is no failure of the store.
func (b *Bridge) storageStops(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.storageFailed(err)
	return errors.Join(errStorage, err)
}

func (b *Bridge) storageWorks() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.storage != nil && len(b.pending) == 0 {
		b.storage = nil
		b.touchAllLocked()
	}
}
