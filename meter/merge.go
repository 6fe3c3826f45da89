package meter

import (
	"errors"
	"slices"
	"time"
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

// Merged is what a day holds after an answer.
type Merged struct {
	DayValues
	Changed   bool // the day holds something else than before
	Differing bool // the answer and what was stored, of two sources and equal standing, do not say the same
}

// Merge gives what a day of measure m holds after an answer. The zero DayValues stands for a day that is not stored yet. The
// newer answer wins, but raw never replaces corrected, and a less preferred source never a preferred one. What an answer
// lacks stays. An answer of a curve whose intervals overlap stored ones with other bounds replaces the whole day if it
// covers at least as many seconds; else it is refused with ErrOtherBounds, and the stored day stands.
func Merge(m Measure, stored, answer DayValues, rank Ranking) (Merged, error) {
	if m == LoadCurve {
		return mergeCurve(stored, answer, rank)
	}
	if stored.Source == "" && stored.Value == 0 && stored.At.IsZero() { // a first value may be 0 Wh, and computed
		return Merged{DayValues: answer, Changed: true}, nil
	}
	was := Reading{Quality: stored.Quality, Source: stored.Source}
	is := Reading{Quality: answer.Quality, Source: answer.Source}
	same := sameValue(stored, answer)
	differing := rivals(was, is) && !same
	if rank.outranked(was, is) || same && was.Quality == is.Quality {
		return Merged{DayValues: stored, Differing: differing}, nil
	}
	return Merged{DayValues: answer, Changed: true, Differing: differing}, nil
}

// sameValue tells whether two values of a day are the same. Sources give the instant of a peak more or less exactly, so that
// one that is less than a second away is no other.
func sameValue(a, b DayValues) bool {
	return a.Value == b.Value && a.At.Sub(b.At).Abs() < time.Second
}

// rivals tells whether neither of two sources' words stands above the other but by preference: where they say different
// things, one of them is wrong. A value that was computed is no source's word.
func rivals(stored, incoming Reading) bool {
	return stored.Source != incoming.Source && stored.Quality == incoming.Quality && stored.Quality != Computed
}

func mergeCurve(stored, answer DayValues, rank Ranking) (Merged, error) {
	old, fresh := present(stored.Readings), present(answer.Readings)
	var merged []Reading
	changed, differing, outranked, bounds := false, false, false, false
	for len(old) > 0 && len(fresh) > 0 {
		o, f := old[0], fresh[0]
		switch {
		case !o.End.After(f.Start):
			merged, old = append(merged, o), old[1:]
		case !f.End.After(o.Start):
			merged, fresh, changed = append(merged, f), fresh[1:], true
		case o.Start.Equal(f.Start) && o.End.Equal(f.End):
			differing = differing || rivals(o, f) && o.Watts != f.Watts
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
	stands := Merged{DayValues: stored, Differing: differing}
	if bounds {
		if outranked || answer.Covered() < stored.Covered() {
			return stands, ErrOtherBounds
		}
		answer.normalise()
		return Merged{DayValues: answer, Changed: true, Differing: differing}, nil
	}
	if !changed && len(fresh) == 0 {
		return stands, nil
	}
	result := DayValues{Day: answer.Day, Readings: slices.Concat(merged, old, fresh)}
	result.normalise()
	return Merged{DayValues: result, Changed: true, Differing: differing}, nil
}

func present(rs []Reading) []Reading {
	return slices.DeleteFunc(slices.Clone(rs), func(r Reading) bool { return r.Missing })
}
