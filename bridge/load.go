package bridge

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// The keys of the store's installation values.
const (
	keyMinute = "window_minute" // a random number that chooses the minute of the window
	keyRound  = "last_round"    // the last round, as JSON
	keySpan   = "span/"         // and source, slash and measure: a span narrower than the source's traits say
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
	var err error
	b.board, err = newBoard(ctx, b.Options)
	return err
}

// loadPlan sets up the planner: the installation's minute, and the spans that the source has taught us.
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
	traits := b.source().Traits()
	traits.Span = maps.Clone(traits.Span)
	for m := range traits.Span {
		text, ok, err := b.Store.Value(ctx, b.spanKey(m))
		if err != nil {
			return err
		}
		if n, err := strconv.Atoi(text); ok && err == nil {
			traits.Span[m] = min(traits.Span[m], n)
		}
	}
	b.plan = planner{Schedule: b.Schedule, minute: b.Schedule.WindowStart + random%window, started: b.started, traits: traits}
	text, ok, err = b.Store.Value(ctx, keyRound)
	if ok && err == nil {
		b.lastRound = new(contract.Round)
		err = json.Unmarshal([]byte(text), b.lastRound)
	}
	return err
}

func (b *Bridge) spanKey(m meter.Measure) string {
	return keySpan + b.source().Name() + "/" + string(m)
}

// spanLearned keeps a span that the source has taught us.
func (b *Bridge) spanLearned(ctx context.Context, m meter.Measure, days int) {
	b.Log.Info("source takes shorter ranges", "measure", string(m), "days", days)
	if err := b.Store.SetValue(ctx, b.spanKey(m), strconv.Itoa(days)); err != nil {
		b.storageFailed(err)
	}
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

// loadSources reads the rest that sources were given. Two attempts in a row that never ended count as failures.
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
	b.sources = make(map[string]*health)
	for _, s := range b.Sources {
		h := &health{Backoff: kept[s.Name()]}
		h.Source, h.lastError = s.Name(), h.Detail
		lost := 0
		var last time.Time
		for _, a := range attempts {
			if a.Source != s.Name() {
				continue
			}
			if a.Outcome != store.Unfinished {
				break
			}
			lost += a.Lost
			last = later(last, a.At)
		}
		if rest := last.Add(b.Schedule.rest(lost - 1)); lost >= 2 && rest.After(h.Until) {
			h.Failures, h.Until, h.Outcome = max(h.Failures, lost-1), rest, store.SourceDown
			h.Detail = "attempts in a row were never ended"
		}
		b.sources[s.Name()] = h
		b.Ledger.limit(s.Name(), s.Traits())
	}
	return nil
}

// loadUnits puts the meters of the settings together with what is kept of them.
func (b *Bridge) loadUnits(ctx context.Context) error {
	known, err := b.Store.Meters(ctx)
	if err != nil {
		return err
	}
	coverage, err := b.Store.Coverage(ctx)
	if err != nil {
		return err
	}
	attempts, err := b.Store.Attempts(ctx)
	if err != nil {
		return err
	}
	arrivals, err := b.Store.Arrivals(ctx)
	if err != nil {
		return err
	}
	lights, err := b.Store.Lights(ctx)
	if err != nil {
		return err
	}
	kept := make(map[meter.PRM]store.Meter, len(known))
	for _, m := range known {
		kept[m.PRM] = m
	}
	for _, m := range b.Meters {
		u := &unit{
			Meter: m, kept: kept[m.PRM].Clone(), arrivals: arrivals[m.PRM], light: lights[m.PRM],
			coverage: make(map[meter.Series]meter.Coverage), tries: make(map[meter.Series]tries),
		}
		if b.settle(u) {
			if err := b.Store.SaveMeter(ctx, u.kept); err != nil {
				return err
			}
		}
		b.units[m.PRM] = u
		b.order = append(b.order, m.PRM)
	}
	for s, c := range coverage {
		if u, ok := b.units[s.PRM]; ok {
			u.coverage[s] = c
		}
	}
	for _, a := range attempts {
		if u, ok := b.units[a.Series.PRM]; ok {
			t := u.tries[a.Series]
			t.note(a)
			u.tries[a.Series] = t
		}
	}
	return nil
}

// settle brings what is kept of a meter into line with the settings: its directions when they are given, and the first days
// wanted, which move only back. It tells whether anything changed.
func (b *Bridge) settle(u *unit) (changed bool) {
	now := b.started
	k := &u.kept
	if k.PRM == "" {
		*k = store.Meter{PRM: u.PRM, FirstSeen: now}
		changed = true
	}
	if k.Directions == nil {
		k.Directions = make(map[meter.Direction]store.DirectionState)
	}
	if k.FirstWanted == nil {
		k.FirstWanted = make(map[meter.Measure]meter.Day)
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
		}
		if state != k.Directions[d] {
			k.Directions[d] = state
			changed = true
		}
	}
	for _, m := range []meter.Measure{meter.Daily, meter.LoadCurve, meter.MaxPower} {
		day := b.History.first(m, now, b.plan.traits)
		if was, ok := k.FirstWanted[m]; !ok || day < was && b.History.given() {
			k.FirstWanted[m] = day
			changed = true
		}
	}
	return changed
}

// given tells whether the settings say how far back.
func (h History) given() bool { return h.Max || h.From != 0 }

// first is the first day wanted of a measure for a meter that is first seen at now.
func (h History) first(m meter.Measure, now time.Time, traits enedis.Traits) meter.Day {
	today := meter.DayOf(now)
	switch {
	case h.Max:
		return traits.History[m].First(today)
	case h.From != 0:
		return h.From
	case m == meter.LoadCurve:
		return today - ride
	}
	return (today - 1).Year().From
}
