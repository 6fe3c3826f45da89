package bridge

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// The keys of the store's installation values.
const (
	keyMinute = "window_minute" // a random number that chooses the minute of the window
	keyRound  = "last_round"    // the last round, as JSON
	keySpan   = "span/"         // and source, slash and measure: a span narrower than the source's traits say

	keyCredential = "credential/" // and source: a word that changes with its credentials
	keyMeters     = "meters/"     // and source: the meters that it lists, as JSON
)

// load reads the store into memory and settles what the settings say.
func (b *Bridge) load(ctx context.Context) error {
	if err := b.loadPlan(ctx); err != nil {
		return err
	}
	if err := b.loadSources(ctx); err != nil {
		return err
	}
	if err := b.loadUnits(ctx); err != nil {
		return err
	}
	waiting, err := b.Store.Authorisations(ctx)
	if err != nil {
		return err
	}
	for _, a := range waiting {
		if b.awaited++; a.Tries >= exchanges {
			b.awaited, b.lost = b.awaited-1, b.lost+1
		}
	}
	b.board, err = newBoard(ctx, b.Options)
	return err
}

// loadPlan sets up the planner with the installation's minute.
func (b *Bridge) loadPlan(ctx context.Context) error {
	text, ok, err := b.Store.Value(ctx, keyMinute)
	if err != nil {
		return err
	}
	if !ok {
		text = strconv.Itoa(rand.IntN(24 * 60))
		if err := b.Store.SetValue(ctx, keyMinute, text); err != nil {
			return err
		}
	}
	random, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	window := max(1, b.Schedule.WindowEnd-b.Schedule.WindowStart)
	b.plan = planner{Schedule: b.Schedule, minute: b.Schedule.WindowStart + random%window, started: b.started}
	text, ok, err = b.Store.Value(ctx, keyRound)
	if ok && err == nil {
		b.lastRound = new(contract.Round)
		err = json.Unmarshal([]byte(text), b.lastRound)
	}
	return err
}

// keepRound keeps the last round for bridge/health after a restart.
func (b *Bridge) keepRound(ctx context.Context, r contract.Round) {
	text, err := json.Marshal(r)
	if err == nil {
		err = b.Store.SetValue(ctx, keyRound, string(text))
	}
	if err != nil {
		b.storageFailed(err)
	}
}

// loadSources reads what is kept of the sources, and releases what waits for credentials that have changed.
func (b *Bridge) loadSources(ctx context.Context) error {
	kept, err := b.Store.Backoffs(ctx)
	if err != nil {
		return err
	}
	attempts, err := b.Store.Attempts(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(attempts, func(x, y store.Attempt) int { return y.At.Compare(x.At) })
	for _, s := range b.Sources {
		backoff := kept[s.Name()]
		renewed, err := b.credentialRenewed(ctx, s.Name())
		if err != nil {
			return err
		}
		if renewed && backoff.Outcome == store.BadSettings {
			backoff = store.Backoff{}
		}
		r, err := b.newRoad(ctx, s, backoff, attempts)
		if err != nil {
			return err
		}
		b.roads = append(b.roads, r)
		b.Ledger.Limit(s.Name(), s.Traits())
	}
	return nil
}

// credentialRenewed tells whether the credentials of a source are others than at the last start. Then nothing waits any more
// for what they may have mended.
func (b *Bridge) credentialRenewed(ctx context.Context, source string) (bool, error) {
	word, given := b.Credential[source]
	if !given {
		return false, nil
	}
	was, known, err := b.Store.Value(ctx, keyCredential+source)
	if err != nil || known && was == word {
		return false, err
	}
	if known {
		b.Log.Info("the credentials have changed: what waited for it is asked again", "source", source)
		if err := b.Store.Release(ctx, source, ""); err != nil {
			return false, err
		}
		b.renewed = true
	}
	return known, b.Store.SetValue(ctx, keyCredential+source, word)
}

// loadUnits puts the meters of the settings, those that gave their consent and those that the sources list together with
// what is kept of them.
func (b *Bridge) loadUnits(ctx context.Context) error {
	kept, err := b.recollect(ctx)
	if err != nil {
		return err
	}
	meters, consents, err := b.wantedMeters(ctx)
	if err != nil {
		return err
	}
	for _, m := range meters {
		if err := b.enlist(ctx, kept.unit(m)); err != nil {
			return err
		}
	}
	for _, c := range consents {
		b.units[c.PRM].consents[c.Source] = c
	}
	return nil
}

// enlist takes a meter among those that are served.
func (b *Bridge) enlist(ctx context.Context, u *unit) error {
	b.units[u.PRM] = u
	b.prms = append(b.prms, u.PRM)
	if !b.settle(u) {
		return nil
	}
	return b.Store.SaveMeter(ctx, u.kept)
}

// saveMeter keeps what is known of a meter as it is now.
func (b *Bridge) saveMeter(ctx context.Context, u *unit) error {
	b.saving.Lock() // what is written last must be the newest
	defer b.saving.Unlock()
	b.mu.Lock()
	kept := u.kept.Clone()
	b.mu.Unlock()
	return b.Store.SaveMeter(ctx, kept)
}

// settle brings what is kept of a meter into line with the settings: its directions when they are given, and the first days
// wanted, which move only back. It tells whether anything changed.
func (b *Bridge) settle(u *unit) (changed bool) {
	now := b.Now()
	k := &u.kept
	if k.PRM == "" {
		*k = store.Meter{PRM: u.PRM, FirstSeen: now}
		changed = true
	}
	if k.Directions == nil {
		k.Directions = make(map[meter.Direction]store.DirectionState)
	}
	if k.Wanted == nil {
		k.Wanted = make(map[meter.Measure]store.Wanted)
	}
	if k.Series == nil {
		k.Series = make(map[meter.Series]store.SeriesState)
	}
	for _, d := range meter.Directions() {
		state := k.Directions[d]
		switch given := slices.Contains(u.Directions, d); {
		case given && (state.Standing != store.Exists || state.How != "settings"):
			state.Standing, state.How, state.At = store.Exists, "settings", now
		case u.Directions != nil && !given && state.Standing != store.Absent:
			state.Standing, state.How, state.At, state.AskAgain = store.Absent, "settings", now, time.Time{}
		case u.Directions == nil && state.How == "settings": // the settings say nothing any more
			state = store.DirectionState{Activation: state.Activation}
		case u.Directions == nil && state.Standing != store.Exists && state.How != "contract" && u.hasOf(d): // as from a file
			state.Standing, state.How, state.At = store.Exists, "data", now
		case b.renewed && state.Standing == store.Absent && state.How != "contract":
			state.AskAgain = time.Time{}
		}
		if state != k.Directions[d] {
			k.Directions[d] = state
			changed = true
		}
	}
	for _, m := range []meter.Measure{meter.Daily, meter.LoadCurve, meter.MaxPower} {
		day := b.History.first(m, now, b.ways(u, now))
		was, known := k.Wanted[m]
		if is := was.Back(day); !known {
			k.Wanted[m], changed = store.Wanted{First: day}, true
		} else if b.History.given() && is != was {
			k.Wanted[m], changed = is, true
		}
	}
	return changed
}

// given tells whether the settings say how far back.
func (h History) given() bool { return h.Max || h.From != 0 }

// first is the first day wanted of a measure for a meter that is first seen at now.
func (h History) first(m meter.Measure, now time.Time, ways []way) meter.Day {
	today := meter.DayOf(now)
	switch {
	case h.Max:
		return reach(ways, m, today)
	case h.From != 0:
		return max(h.From, reach(ways, m, today))
	case m == meter.LoadCurve:
		return today - ride
	}
	return (today - 1).Year().From
}
