package bridge

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// unit is a meter with what the store keeps of it, in memory: what the planner decides on.
type unit struct {
	Meter
	kept       store.Meter
	coverage   map[meter.Series]meter.Coverage
	tries      map[meter.Series][]tries      // one for each source that was asked
	computed   map[meter.Series][]meter.Day  // days whose daily value waits for Enedis's own, oldest first
	holes      map[meter.Series][]store.Hole // days that were asked for and are not complete, oldest first
	orders     []*order                      // history that the user asked for
	failures   map[meter.Series][]failure    // ranges of history that failed
	busy       map[meter.Series]bool         // series of which a request of the backfill is under way
	filled     int                           // calls that were made for it since the start
	behind     *contract.HistoryProgress     // what the settings want and is not there yet; nil: to be counted anew
	consents   map[string]store.Consent      // by source
	arrivals   []store.Arrival
	light      store.Light
	nextChange time.Time // when a document changes by the clock alone; zero before the first publication
	forced     bool      // a refresh waits: past schedule, holds and remembered refusals
	contractAt time.Time // when its contract was last asked for, since the start
	probedAt   time.Time // when a refresh last asked for absent directions
	warned     int       // how many of the warnings that its consent ends were given
}

// newUnit is a meter with what the store keeps of it.
func newUnit(m Meter, kept store.Meter) *unit {
	return &unit{
		Meter: m, kept: kept.Clone(), coverage: make(map[meter.Series]meter.Coverage),
		tries: make(map[meter.Series][]tries), consents: make(map[string]store.Consent),
		computed: make(map[meter.Series][]meter.Day), holes: make(map[meter.Series][]store.Hole),
		busy: make(map[meter.Series]bool), failures: make(map[meter.Series][]failure),
	}
}

// tries are the last attempts of a series at one source.
type tries struct {
	source    string
	yesterday store.Attempt // the last one whose range held the yesterday of its time
	history   store.Attempt // the last other one
}

// last is the newer of the two.
func (t tries) last() store.Attempt {
	if t.history.At.After(t.yesterday.At) {
		return t.history
	}
	return t.yesterday
}

// same is the last attempt for the very same days.
func (t tries) same(days meter.Days) store.Attempt {
	for _, a := range [...]store.Attempt{t.yesterday, t.history} {
		if a.Days == days {
			return a
		}
	}
	return store.Attempt{}
}

// isYesterdays tells whether an attempt was for the yesterday of its time.
func isYesterdays(a store.Attempt) bool { return a.Days.Contains(meter.DayOf(a.At) - 1) }

// note files an attempt. One that reaches to the end of the day before it began is for yesterday.
func (t *tries) note(a store.Attempt) {
	slot := &t.history
	if isYesterdays(a) {
		slot = &t.yesterday
	}
	if !a.At.Before(slot.At) {
		*slot = a
	}
}

// note files an attempt of the meter.
func (u *unit) note(a store.Attempt) {
	list := u.tries[a.Series]
	i := slices.IndexFunc(list, func(t tries) bool { return t.source == a.Source })
	if i < 0 {
		i = len(list)
		list = append(list, tries{source: a.Source})
	}
	list[i].note(a)
	u.tries[a.Series] = list
	if !isYesterdays(a) {
		u.noteFailure(a)
	}
}

// via gives the last attempts of a series at one source.
func (u *unit) via(s meter.Series, source string) tries {
	for _, t := range u.tries[s] {
		if t.source == source {
			return t
		}
	}
	return tries{}
}

// last is the last attempt of a series, wherever it was made.
func (u *unit) last(s meter.Series) store.Attempt {
	var newest store.Attempt
	for _, t := range u.tries[s] {
		if a := t.last(); a.At.After(newest.At) {
			newest = a
		}
	}
	return newest
}

// word is the last attempt of a series that holds for all sources.
func (u *unit) word(s meter.Series) store.Attempt {
	var newest store.Attempt
	for _, t := range u.tries[s] {
		for _, a := range [...]store.Attempt{t.yesterday, t.history} {
			if !bindsSource(a.Outcome) && a.At.After(newest.At) {
				newest = a
			}
		}
	}
	return newest
}

// answered tells whether a source has given its word on the yesterday of a series.
func (u *unit) answered(s meter.Series, source string, now time.Time) bool {
	a := u.via(s, source).yesterday
	return a.Outcome.Settled() && a.Days.Contains(yesterday(now))
}

func (u *unit) id(d meter.Direction, m meter.Measure) meter.Series {
	return meter.Series{PRM: u.PRM, Direction: d, Measure: m}
}

// exists lists the directions that are there, consumption first.
func (u *unit) exists() []meter.Direction {
	return slices.DeleteFunc(meter.Directions(), func(d meter.Direction) bool {
		return u.kept.Directions[d].Standing != store.Exists
	})
}

// begins is the first day that a series can have: the activation by the contract; without a contract the day after the latest
// start that was refused as too early. It is 0 when nothing tells.
func (u *unit) begins(s meter.Series) meter.Day {
	if day := u.kept.Directions[s.Direction].Activation; day != 0 {
		return day
	}
	if refused := u.kept.Series[s].RefusedStart; refused != 0 {
		return refused + 1
	}
	return 0
}

// forgetRefusedStarts has the starts that were refused bind no more: the contract tells where the direction begins.
func (u *unit) forgetRefusedStarts(d meter.Direction) {
	for s, state := range u.kept.Series {
		if s.Direction == d && state.RefusedStart != 0 {
			state.RefusedStart = 0
			u.kept.Series[s] = state
		}
	}
}

// unknown tells whether a direction is to be found out by asking.
func (u *unit) unknown(d meter.Direction, now time.Time) bool {
	if u.Directions != nil {
		return false
	}
	s := u.kept.Directions[d]
	return s.Standing == store.Unknown || s.Standing == store.Absent && !s.AskAgain.After(now)
}

// first is the direction whose daily value is asked for while nothing of yesterday has come.
func (u *unit) first(now time.Time) meter.Direction {
	if there := u.exists(); len(there) > 0 {
		return there[0]
	}
	for _, d := range meter.Directions() {
		if u.unknown(d, now) {
			return d
		}
	}
	return meter.Consumption // nothing was found anywhere: keep asking for what a meter most likely has
}

// all lists the series of the directions that are there, as far as anybody offers them.
func (u *unit) all(ways []way) []meter.Series {
	var list []meter.Series
	for _, d := range u.exists() {
		for _, m := range meter.Measures(d) {
			if s := u.id(d, m); offers(ways, s) && (m != meter.LoadCurve || u.Hourly) {
				list = append(list, s)
			}
		}
	}
	return list
}

// collected tells whether a series counts: a curve that is not collected does not.
func (u *unit) collected(s meter.Series) bool { return u.kept.Series[s].NotCollected.IsZero() }

// has tells whether all that counts of the day is there.
func (u *unit) has(day meter.Day, ways []way) bool {
	list := u.all(ways)
	for _, s := range list {
		if u.collected(s) && !u.coverage[s].Complete(day) {
			return false
		}
	}
	return len(list) > 0
}

// hasAny tells whether anything of the day is there.
func (u *unit) hasAny(day meter.Day) bool {
	for _, c := range u.coverage {
		if c.Present(day) {
			return true
		}
	}
	return false
}

// hasOf tells whether anything of a direction is there.
func (u *unit) hasOf(d meter.Direction) bool {
	for s, c := range u.coverage {
		if _, ever := c.Newest(); ever && s.Direction == d {
			return true
		}
	}
	return false
}

// known is what binds the planner of a series: its coverage once a day has come. Before that an empty answer may be a consent
// that is not ready yet, and no day counts as asked for.
func (u *unit) known(s meter.Series) meter.Coverage {
	if _, ever := u.coverage[s].Newest(); !ever {
		return nil
	}
	return u.coverage[s]
}

// attempted tells whether anything was asked on the day after the given one, for that day.
func (u *unit) attempted(day meter.Day) bool {
	for _, list := range u.tries {
		for _, t := range list {
			if t.yesterday.Days.Contains(day) {
				return true
			}
		}
	}
	return false
}

// delivered tells whether the meter has ever had a value.
func (u *unit) delivered() bool {
	for _, c := range u.coverage {
		if _, ok := c.Newest(); ok {
			return true
		}
	}
	return false
}

// wrongUntil is until when a direction that was refused as wrong holds all its series: one wasted call tells of them all.
func (u *unit) wrongUntil(d meter.Direction) time.Time {
	var until time.Time
	for _, m := range meter.Measures(d) {
		if last := u.last(u.id(d, m)); last.Outcome == store.WrongDirection {
			until = later(until, last.NotBefore)
		}
	}
	return until
}

// refused tells whether the last word of a source was that it has no consent for the meter. That attempt then holds all requests
// of the meter there.
func (u *unit) refused(source string) (a store.Attempt, refused bool) {
	var newest store.Attempt
	for _, list := range u.tries {
		for _, t := range list {
			if a := t.last(); t.source == source && a.Outcome != store.Unfinished && a.At.After(newest.At) {
				newest = a
			}
		}
	}
	if newest.Outcome != store.NoConsent {
		return store.Attempt{}, false
	}
	return newest, true
}

func (u *unit) refusedUntil(source string) time.Time {
	a, _ := u.refused(source)
	return a.NotBefore
}

// early tells whether an attempt was refused under a consent of the last day, under which nothing has come yet: Enedis may take
// that long until it lets it through.
func (u *unit) early(a store.Attempt, now time.Time) bool {
	c, ok := u.consents[a.Source]
	return ok && a.Outcome == store.NoConsent && enedis.MayBeEarly(a.Code) &&
		now.Sub(c.GrantedAt) < 24*time.Hour && !u.deliveredUnder(c)
}

// deliveredUnder tells whether anything has come since a consent was given.
func (u *unit) deliveredUnder(c store.Consent) bool { return u.kept.UpdatedAt.After(c.GrantedAt) }

// everDelivered tells whether anything has come under the consents that hold, or ever where none is known.
func (u *unit) everDelivered() bool {
	for _, c := range u.consents {
		if !u.deliveredUnder(c) {
			return false
		}
	}
	return u.delivered()
}

// release has whatever holds requests of the meter at a source hold no longer; an empty source stands for all.
func (u *unit) release(source string) {
	for _, list := range u.tries {
		for i := range list {
			if source == "" || list[i].source == source {
				list[i].yesterday.NotBefore, list[i].history.NotBefore = time.Time{}, time.Time{}
			}
		}
	}
}
