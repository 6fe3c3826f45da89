package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/go-co-op/gocron/v2"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Schedule is when something may be asked, in Paris time of day.
type Schedule struct {
	WindowStart, WindowEnd int           // minutes of the day; a day's first round is at a minute between them
	RetryInterval          time.Duration // between rounds while yesterday is missing
	RetryUntil             int           // minute of the day; no round after it for a meter that has delivered before
}

// wholeDay tells whether the window is open at all hours.
func (s Schedule) wholeDay() bool { return s.WindowStart == 0 && s.WindowEnd >= 24*60 }

// History is how far back the first day wanted lies. The zero value is 1 January of yesterday's year, and 7 days of curve.
type History struct {
	From meter.Day // a date, for the curve too
	Max  bool      // as far as the sources reach
}

// at is a minute of a Paris day by the wall clock.
func at(d meter.Day, minute int) time.Time {
	y, m, day := d.Date()
	return time.Date(y, m, day, 0, minute, 0, 0, meter.Paris())
}

// heartbeat is how often the bridge says that it lives, and how it fares.
const heartbeat = 5 * time.Minute

// clock is the bridge's schedule: gocron's jobs only signal, so that a suspended machine or a slow round shifts nothing.
type clock struct {
	scheduler gocron.Scheduler
}

// startSchedule has the day's first round, midnight and the heartbeat wake the bridge.
func (b *Bridge) startSchedule(ctx context.Context) (*clock, error) {
	scheduler, err := gocron.NewScheduler(gocron.WithLocation(meter.Paris()), gocron.WithStopTimeout(3*time.Second))
	if err != nil {
		return nil, fmt.Errorf("scheduler: %w", err)
	}
	jobs := []struct {
		definition gocron.JobDefinition
		task       func()
	}{
		{daily(b.plan.minute), func() { signal(b.wake) }},
		{daily(0), func() { b.touchAll(); signal(b.wake) }},
		{gocron.DurationJob(heartbeat), func() { b.beat(ctx) }},
	}
	for _, j := range jobs {
		_, err := scheduler.NewJob(j.definition, gocron.NewTask(j.task), gocron.WithSingletonMode(gocron.LimitModeReschedule))
		if err != nil {
			return nil, fmt.Errorf("scheduler: %w", err)
		}
	}
	scheduler.Start()
	b.beat(ctx)
	return &clock{scheduler}, nil
}

func daily(minute int) gocron.JobDefinition {
	return gocron.DailyJob(1, gocron.NewAtTimes(gocron.NewAtTime(uint(minute/60%24), uint(minute%60), 0)))
}

func (c *clock) stop() {
	_ = c.scheduler.Shutdown() // nothing to mend when jobs that only signal do not end in time
}

// rest takes the last sign of life back, so that nobody takes a bridge that has ended for one that lives.
func (b *Bridge) rest(ctx context.Context) {
	if !b.Heartbeat {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := b.Store.Rest(ctx); err != nil {
		b.Log.Warn("the heartbeat stays behind", "err", err)
	}
}

// beat says that the schedule is alive, and has health published. It goes into the store only for a bridge without a page:
// elsewhere it would wear out an SD card for nobody.
func (b *Bridge) beat(ctx context.Context) {
	if b.Heartbeat {
		if err := b.Store.Beat(ctx); err != nil && ctx.Err() == nil {
			b.storageFailed(err)
		}
	}
	b.mu.Lock()
	b.beatAt = b.Now()
	b.mu.Unlock()
	b.warnOfConsents(b.Now())
	b.board.forget(b.Topics.BridgeHealth())
	signal(b.dirty)
	signal(b.wake)
}
