package homeassistant

import (
	"context"
	"errors"
	"strings"
	"time"
)

// State is how the import fares.
type State string

// The states.
const (
	OK      State = "ok"      // the statistics say what the store says
	Waiting State = "waiting" // Home Assistant starts, migrates its database or is busy
	Down    State = "down"    // no connection, or one that broke
	Auth    State = "auth"    // the token is refused, or not of an administrator
	Refused State = "refused" // a statistic is not like ours, or Home Assistant did not take its rows
	Storage State = "storage" // our own store fails
)

// Outcome is what there is to say of the import.
type Outcome struct {
	State        State     // empty before the first pass has ended
	Version      string    // Home Assistant's; empty before the first connection
	LastImportAt time.Time // when rows were last written, in this process or a former one; zero for never
	Error        string    // one line for people, in English, without whole PRMs; empty when there is none
	FailingSince time.Time // the first of the passes in a row that did not end well; zero when the last one did
	NextTryAt    time.Time // zero when all is well: then the next pass comes with the next change
	Series       []SeriesOutcome
}

// SeriesOutcome is how one series fared in the last pass that came to it.
type SeriesOutcome struct {
	Series
	Mark
	Written  int  // rows
	InEnergy bool // the Energy dashboard uses it
	// HeldUntil is when older days that have changed are brought at the latest, though a backfill brings still older ones;
	// zero when none wait.
	HeldUntil time.Time
	Err       error
}

// stateOf is what an error of a pass says.
func stateOf(err error) State {
	_, ours := errors.AsType[*storeError](err)
	_, refusal := errors.AsType[*Error](err)
	_, other := errors.AsType[*MetadataError](err)
	switch {
	case err == nil:
		return OK
	case ours:
		return Storage
	case errors.Is(err, ErrToken), errors.Is(err, ErrAdmin):
		return Auth
	case errors.Is(err, ErrNotReady), errors.Is(err, errUnwritten):
		return Waiting
	case refusal, other, errors.Is(err, ErrForeign):
		return Refused
	}
	return Down
}

// Outcome is how the import fares, at the end of the last pass.
func (i *Importer) Outcome() Outcome {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.outcome
}

// recollect takes from the marks when rows were last written: a former process may have written them, and this one may never
// be let in.
func (i *Importer) recollect(ctx context.Context, series []Series) error {
	for _, s := range series {
		mark, err := i.o.Store.Mark(ctx, s.ID())
		if err != nil {
			return &storeError{err}
		}
		i.mu.Lock()
		if mark.ImportedAt.After(i.outcome.LastImportAt) {
			i.outcome.LastImportAt = mark.ImportedAt
		}
		i.mu.Unlock()
	}
	return nil
}

// reached takes back that there is no connection, once there is one: the pass may take minutes until it is concluded.
func (i *Importer) reached() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.outcome.State != Down {
		return
	}
	i.outcome.State, i.outcome.NextTryAt = Waiting, time.Time{}
	i.outcome.Error = "Home Assistant is there again, and the statistics are brought up to date"
	signal(i.updated)
}

// conclude keeps what a pass has come to, and logs it when it is news.
func (i *Importer) conclude(done []SeriesOutcome, version string, now time.Time, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	before := i.outcome
	o := Outcome{State: stateOf(err), Version: version, LastImportAt: before.LastImportAt, NextTryAt: i.due, Series: done}
	if o.Version == "" {
		o.Version = before.Version
	}
	if len(done) == 0 {
		o.Series = before.Series
	}
	for _, s := range done {
		if s.ImportedAt.After(o.LastImportAt) {
			o.LastImportAt = s.ImportedAt
		}
		if s.Written > 0 && s.Err == nil {
			i.o.Log.Info("statistics written", "statistic", s.ID(), "rows", s.Written, "through", s.Last)
		}
	}
	if err != nil {
		o.Error = clean(strings.ReplaceAll(err.Error(), "\n", "; "))
		o.FailingSince = before.FailingSince
		if o.FailingSince.IsZero() {
			o.FailingSince = now
		}
	}
	if o.State != before.State || o.Error != before.Error {
		i.o.logNews(o)
	}
	i.outcome = o
}

func (o Options) logNews(news Outcome) {
	if news.State == OK {
		o.Log.Info("statistics are up to date", "homeassistant", news.Version)
		return
	}
	o.Log.Warn("statistics are not up to date", "state", string(news.State), "err", news.Error, "next_try_at", news.NextTryAt)
}
