package meter

import (
	"errors"
	"slices"
)

// ErrOtherBounds refuses an answer whose intervals overlap stored ones with other bounds while it covers less of the day,
// or is of lesser standing.
var ErrOtherBounds = errors.New("intervals overlap stored ones with other bounds and cover less of the day")

// Ranking orders sources by preference: the lower, the more preferred.
type Ranking func(source string) int

// outranked tells whether a stored value stands above an incoming one: corrected above raw above computed, and within
// values from a meter, a preferred source above any other.
func (rank Ranking) outranked(stored, incoming Reading) bool {
	if stored.Quality == Computed || incoming.Quality == Computed {
		return stored.Quality > incoming.Quality
	}
	return stored.Quality > incoming.Quality || rank(stored.Source) < rank(incoming.Source)
}

// Merge gives what a day of measure m holds after an answer, and whether it differs from what was stored. The zero
// DayValues stands for a day that is not stored yet. The newer answer wins, but raw never replaces corrected, and a less preferred source never a preferred one. What an answer lacks stays.
// An answer of a curve whose intervals overlap stored ones with other bounds replaces the whole day if it covers at
// least as many seconds; else it is refused with ErrOtherBounds, and the stored day stands.
func Merge(m Measure, stored, answer DayValues, rank Ranking) (DayValues, bool, error) {
	if m == LoadCurve {
		return mergeCurve(stored, answer, rank)
	}
	if stored.Source == "" && stored.Value == 0 && stored.At.IsZero() { // a first value may be 0 Wh, and computed
		return answer, true, nil
	}
	was := Reading{Quality: stored.Quality, Source: stored.Source}
	if rank.outranked(was, Reading{Quality: answer.Quality, Source: answer.Source}) {
		return stored, false, nil
	}
	if stored.Value == answer.Value && stored.Quality == answer.Quality && stored.At.Equal(answer.At) {
		return stored, false, nil
	}
	return answer, true, nil
}

func mergeCurve(stored, answer DayValues, rank Ranking) (DayValues, bool, error) {
	old, fresh := present(stored.Readings), present(answer.Readings)
	var merged []Reading
	changed, outranked, bounds := false, false, false
	for len(old) > 0 && len(fresh) > 0 {
		o, f := old[0], fresh[0]
		switch {
		case !o.End.After(f.Start):
			merged, old = append(merged, o), old[1:]
		case !f.End.After(o.Start):
			merged, fresh, changed = append(merged, f), fresh[1:], true
		case o.Start.Equal(f.Start) && o.End.Equal(f.End):
			switch {
			case rank.outranked(o, f):
				f, outranked = o, true
			case o.Watts == f.Watts && o.Quality == f.Quality:
				f = o
			default:
				changed = true
			}
			merged, old, fresh = append(merged, f), old[1:], fresh[1:]
		default: // other bounds: the day is decided as a whole
			bounds = true
			outranked = outranked || rank.outranked(o, f)
			if o.End.Before(f.End) {
				old = old[1:]
			} else {
				fresh = fresh[1:]
			}
		}
	}
	if bounds {
		if outranked || answer.Covered() < stored.Covered() {
			return stored, false, ErrOtherBounds
		}
		answer.normalise()
		return answer, true, nil
	}
	changed = changed || len(fresh) > 0
	result := DayValues{Day: answer.Day, Readings: slices.Concat(merged, old, fresh)}
	if !changed {
		return stored, false, nil
	}
	result.normalise()
	return result, true, nil
}

func present(rs []Reading) []Reading {
	return slices.DeleteFunc(slices.Clone(rs), func(r Reading) bool { return r.Missing })
}
