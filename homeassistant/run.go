package homeassistant

import (
	"context"
	"time"
)

const (
	// shortestRest lies between two passes that went well, and is the first back-off.
	shortestRest = 5 * time.Second
	// restRatio is how many times its duration follows a pass that went well: while history comes in, each pass moves the
	// sums of years.
	restRatio = 4
	// longestBackoff is the most that lies between two tries.
	longestBackoff = 5 * time.Minute
	// tokenBackoff follows a token that is refused, or not of an administrator: Home Assistant logs each attempt, tells its
	// users of a refused one, and may ban us.
	tokenBackoff = time.Hour
	// lookAgain lies between two looks whether a backfill that holds older days has ended.
	lookAgain = 5 * time.Second
)

// Changed says that the store has, or may have, something else for the statistics. It never blocks.
func (i *Importer) Changed() { signal(i.changed) }

// Updated signals that there is a new Outcome. It holds one signal: who is late gets one for many.
func (i *Importer) Updated() <-chan struct{} { return i.updated }

// Online says that Home Assistant has started: what waits for a next try is tried at once, unless the token was refused. It
// never blocks.
func (i *Importer) Online() { signal(i.online) }

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run brings the statistics up to date at once and then after each change, until ctx ends; then it returns nil. Trouble is
// tried again in its own time: Outcome says when.
func (i *Importer) Run(ctx context.Context) error {
	i.due = i.o.Now()
	for rested := i.due; i.wait(ctx, rested); {
		rested = i.round(ctx)
	}
	return nil
}

// round makes a pass, tells what came of it, and gives the time before which no other is to follow one that went well.
func (i *Importer) round(ctx context.Context) (rested time.Time) {
	began := i.o.Now()
	series := i.o.Series()
	if len(series) == 0 {
		i.due, i.held = time.Time{}, nil
		return began
	}
	done, version, err := i.pass(ctx, series)
	if ctx.Err() != nil {
		return began // what failed, failed because of that
	}
	ended := i.o.Now()
	i.plan(ended, err)
	i.held = holds(done)
	i.conclude(done, version, ended, err)
	signal(i.updated)
	return ended.Add(max(shortestRest, restRatio*ended.Sub(began)))
}

// plan sets when the next pass is due.
func (i *Importer) plan(now time.Time, err error) {
	if err == nil {
		i.failures, i.due = 0, time.Time{}
		return
	}
	backoff := longestBackoff
	if i.failures < 6 { // 5 s · 2⁶ is more than 5 minutes
		backoff = min(backoff, shortestRest<<i.failures)
	}
	if stateOf(err) == Auth {
		backoff = tokenBackoff
	}
	i.failures++
	i.due = now.Add(backoff)
}

// wait returns true when a pass is due, false when ctx has ended. After a pass that went well it waits for a change, and for
// what is held to be let go.
func (i *Importer) wait(ctx context.Context, rested time.Time) bool {
	for i.due.IsZero() {
		select {
		case <-ctx.Done():
			return false
		case <-i.changed:
		case <-i.online:
		case <-i.look():
			if !i.released() {
				continue
			}
		}
		i.due = rested
	}
	timer := time.NewTimer(i.due.Sub(i.o.Now()))
	defer timer.Stop()
	online := i.online
	if i.Outcome().State == Auth {
		online = nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-online:
	}
	drain(i.changed) // the pass sees what has changed so far
	drain(i.online)
	return true
}

func drain(c <-chan struct{}) {
	select {
	case <-c:
	default:
	}
}
