package bridge

import (
	"context"
	"errors"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// cursorReadings is the store's cursor of the event stream: the last revision that the broker has acknowledged.
const cursorReadings = "readings"

// eventsAtOnce bounds what is read of the event stream at a time.
const eventsAtOnce = 32

// stream publishes each revision of a curve day at least once, in the order of revisions. The cursor moves when the broker
// has acknowledged.
func (b *Bridge) stream(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.pump:
		}
		if err := b.drain(ctx); err != nil && ctx.Err() == nil {
			b.Log.Debug("event stream waits", "err", err) // for the next connection, or the next event
		}
	}
}

// drain publishes what lies behind the cursor.
func (b *Bridge) drain(ctx context.Context) error {
	for {
		cursor, err := b.Store.Cursor(ctx, cursorReadings)
		if err != nil {
			return err
		}
		events, err := b.Store.Events(ctx, cursor, eventsAtOnce)
		if err != nil {
			return err
		}
		sent := cursor
		for _, e := range events {
			if b.held(e.Revision) {
				events = nil
				break
			}
			if err = b.send(ctx, e); errors.Is(err, ErrRefused) {
				b.Log.Error("the broker refuses a day of the event stream; it is left out", "series", e.Series, "day", e.Day.String())
				err = nil
			}
			if err != nil {
				break
			}
			sent = e.Revision
		}
		if sent != cursor {
			if err := b.Store.SetCursor(context.WithoutCancel(ctx), cursorReadings, sent); err != nil {
				return err
			}
		}
		if err != nil || len(events) < eventsAtOnce {
			return err
		}
	}
}

func (b *Bridge) send(ctx context.Context, e store.Event) error {
	return deliver(ctx, b.Broker, contract.Document{
		Topic: b.Topics.Readings(e.Series.PRM, e.Series.Direction),
		Body:  contract.ReadingsEvent(e.Revision, e.DayValues, e.Former),
	})
}

// holdBack keeps an incomplete day of a round, and in the order of revisions what comes after it, until the round's end;
// b.mu is held.
func (b *Bridge) holdBack(changed []store.Stored, inRound bool) {
	for _, day := range changed {
		if inRound && b.holdFrom == 0 && !day.Complete(day.Series.Measure) {
			b.holdFrom = day.Revision
		}
	}
}

func (b *Bridge) held(revision int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.holdFrom != 0 && revision >= b.holdFrom
}
