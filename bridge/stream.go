package bridge

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// cursorReadings is the store's cursor of the event stream: the last revision that the broker has acknowledged.
const cursorReadings = "readings"

const (
	// eventsAtOnce bounds what is read of the event stream at a time.
	eventsAtOnce = 32
	// eventsPerSecond is how fast a backlog goes out, after a burst of eventsInBurst. A broker keeps so many messages for a
	// subscriber that is slower than we are, and drops what is beyond without a word: Mosquitto 1000, and Node-RED writing files took
	// some 250 days a second. The fastest source gives 32 days a second.
	eventsPerSecond = 50
	eventsInBurst   = 100
	// streamRetry is when the stream tries again what neither a new connection nor a new event revives (a broker that stays
	// connected and does not acknowledge, a store that fails); twice as long each time, up to streamRetryAtMost.
	streamRetry       = time.Minute
	streamRetryAtMost = time.Hour
)

// stream publishes each revision of a curve day at least once, in the order of revisions: each when the broker has acknowledged
// the one before. The cursor moves when the broker has acknowledged.
func (b *Bridge) stream(ctx context.Context) error {
	pace := rate.NewLimiter(eventsPerSecond, eventsInBurst)
	pause := streamRetry
	retry := time.NewTimer(pause)
	defer retry.Stop()
	atFirst := eventsAtOnce
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.pump:
		case <-retry.C:
		}
		retry.Stop()
		err := b.drain(ctx, pace, atFirst)
		if err == nil {
			pause, atFirst = streamRetry, eventsAtOnce
			continue
		}
		atFirst = 1 // enough to find out whether the broker takes it
		if ctx.Err() == nil {
			b.Log.Debug("event stream waits", "pause", pause, "err", err)
		}
		retry.Reset(pause)
		pause = min(2*pause, streamRetryAtMost)
	}
}

// drain publishes what lies behind the cursor, at a pace: so many at first, then more at once.
func (b *Bridge) drain(ctx context.Context, pace *rate.Limiter, atFirst int) error {
	for n := atFirst; ; n = eventsAtOnce {
		cursor, err := b.Store.Cursor(ctx, cursorReadings)
		if err != nil {
			return err
		}
		events, err := b.Store.Events(ctx, cursor, n)
		if err != nil {
			return err
		}
		sent, err := b.forward(ctx, pace, events)
		if sent > cursor {
			if err := b.Store.SetCursor(context.WithoutCancel(ctx), cursorReadings, sent); err != nil {
				return err
			}
		}
		if err != nil || len(events) < n || sent != events[len(events)-1].Revision {
			return err
		}
	}
}

// forward publishes events as far as they are not held back, and gives the last revision that the broker has taken; 0 for none.
func (b *Bridge) forward(ctx context.Context, pace *rate.Limiter, events []store.Event) (sent int64, err error) {
	for _, e := range events {
		if b.held(e.Revision) {
			return sent, nil
		}
		if err := pace.Wait(ctx); err != nil {
			return sent, err
		}
		err := b.send(ctx, e)
		switch {
		case errors.Is(err, ErrRefused):
			b.Log.Error("the broker refuses a day of the event stream; it is left out", "series", e.Series, "day", e.Day.String())
		case err != nil:
			return sent, err
		}
		sent = e.Revision
	}
	return sent, nil
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
