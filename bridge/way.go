package bridge

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// way is a source as the planner sees it for one meter: what it can do, and from when on it may be asked.
type way struct {
	name    string
	traits  *enedis.Traits // with the spans that the source has taught us
	from    time.Time      // no call before: the source is given rest
	history time.Time      // no call for history before: what is left of a budget is kept for yesterday
	probing bool           // one request finds out whether the source is well again; the others wait for its word
}

// opens is when the source may be asked for yesterday.
func (w way) opens(s Schedule, today meter.Day) time.Time {
	if w.traits.Yesterday == 0 || s.wholeDay() {
		return time.Time{}
	}
	return at(today, int(w.traits.Yesterday/time.Minute))
}

// offers tells whether any of the ways has a measure.
func offers(ways []way, s meter.Series) bool {
	return slices.ContainsFunc(ways, func(w way) bool { return w.traits.Offers(s.Direction, s.Measure) })
}

// reach is the first day that any of the ways has of a measure.
func reach(ways []way, m meter.Measure, today meter.Day) meter.Day {
	first := today
	for _, w := range ways {
		first = min(first, w.traits.History[m].First(today))
	}
	return first
}

// bindsSource tells whether an attempt that ended so holds back its source alone: others may be asked for the same. What is
// no trouble, and what is Enedis's own word on the series, holds for all sources.
func bindsSource(o store.Outcome) bool {
	switch o {
	case store.Unfinished, store.NoConsent, store.BadSettings, store.OverQuota, store.SourceDown:
		return true
	}
	return false
}
