package meter

import (
	"slices"
	"time"
)

// Wall is a wall-clock time in Paris without its offset, as Enedis stamps curves and peaks: a time.Time in UTC whose fields
// are those of the wall clock.
type Wall = time.Time

// Instants gives the instants at which a clock in Paris shows w: one; none in the hour that March skips; two, in order, in
// the hour that October repeats.
func Instants(w Wall) []time.Time {
	var found []time.Time
	for _, offset := range [...]time.Duration{2 * time.Hour, time.Hour} { // summer first: it is the earlier instant
		t := w.Add(-offset).In(paris)
		if _, seconds := t.Zone(); time.Duration(seconds)*time.Second == offset {
			found = append(found, t)
		}
	}
	return found
}

// EarliestInstant resolves a stamp that stands alone, as that of a maximum power: in October's doubled hour it is the
// first of the two; in March's gap there is none, and ok is false.
func EarliestInstant(w Wall) (t time.Time, ok bool) {
	if at := Instants(w); len(at) > 0 {
		return at[0], true
	}
	return time.Time{}, false
}

// Stamp is one point of a curve as a source sends it.
type Stamp struct {
	At   Wall          // the end of its interval
	Step time.Duration // the length of its interval
}

// ResolveEnds gives the end of each interval. It reads the stamps as a whole and in order. A stamp that comes twice in
// October's doubled hour means the first instant the first time and the second one the second time, in whatever order
// the others stand: gateways that sort by stamp put the two side by side. Any other stamp means, of its instants that are
// free, the one a step after its predecessor, else the earliest one later than that, else the earliest. A stamp that means
// no instant, or only instants that are taken, gets the zero time: it is an anomaly, which the caller drops and reports.
//
// Enedis's last Sunday of October reads 01:30 02:00 02:30 02:00 02:30 03:00, of March 01:30 03:00.
func ResolveEnds(stamps []Stamp) []time.Time {
	times := make(map[int64]int, len(stamps)) // by wall clock
	for _, s := range stamps {
		times[s.At.Unix()]++
	}
	ends := make([]time.Time, len(stamps))
	taken := make(map[int64]bool, len(stamps))
	var previous time.Time
	for i, s := range stamps {
		free := slices.DeleteFunc(Instants(s.At), func(t time.Time) bool { return taken[t.Unix()] })
		if len(free) == 0 {
			continue
		}
		end := free[0]
		if times[s.At.Unix()] == 1 {
			end = following(previous, s.Step, free)
		}
		ends[i], previous = end, end
		taken[end.Unix()] = true
	}
	return ends
}

// following picks the instant a step after previous, else the earliest one later than previous, else the earliest.
func following(previous time.Time, step time.Duration, instants []time.Time) time.Time {
	if i := slices.IndexFunc(instants, previous.Add(step).Equal); i >= 0 {
		return instants[i]
	}
	if i := slices.IndexFunc(instants, previous.Before); i >= 0 {
		return instants[i]
	}
	return instants[0]
}
