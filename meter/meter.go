// Package meter is the ground that every other package stands on: the words of the field as small values. It knows
// delivery points (PRM), directions, measures, local days and what one day of one series holds. It does no I/O, reads no
// clock and knows nobody's JSON; a quirk of a wire format stops before it gets here.
//
// The local day of Europe/Paris is the unit of everything: asked for, stored, revised and published by day. Such a day has
// 23, 24 or 25 hours. Powers are whole watts over whole seconds, so energies are whole joules: add in integers, and
// convert once, at the edge.
package meter

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// PRM is a delivery point, "point de livraison" (PDL), which Enedis calls PRM: 14 digits, of which the first may be 0.
// It is personal data: logs show its last four digits, see LogValue and Short.
type PRM string

// ParsePRM takes exactly 14 digits.
func ParsePRM(s string) (PRM, error) {
	if len(s) != 14 || strings.Trim(s, "0123456789") != "" {
		return "", errors.New("a PRM has exactly 14 digits")
	}
	return PRM(s), nil
}

// Short is "…" and the last four digits: what a person sees.
func (p PRM) Short() string {
	return "…" + p.Tail()
}

// prms finds what may be a PRM in a text.
var prms = regexp.MustCompile(`[0-9]{14}`)

// Shortened is a text of somebody else's in which each PRM is Short.
func Shortened(text string) string {
	return prms.ReplaceAllStringFunc(text, func(prm string) string { return PRM(prm).Short() })
}

// Tail is the last four digits, as entity ids and default names have them.
func (p PRM) Tail() string {
	return string(p[max(0, len(p)-4):])
}

// LogValue keeps all but the last four digits out of logs.
func (p PRM) LogValue() slog.Value {
	return slog.StringValue(p.Short())
}

// Direction tells energy drawn from the grid, "soutirage", from energy fed into it, "injection".
type Direction string

// The directions, in the order in which every list has them.
const (
	Consumption Direction = "consumption"
	Production  Direction = "production"
)

// Directions lists both, consumption first.
func Directions() []Direction { return []Direction{Consumption, Production} }

// ParseDirection takes "consumption" or "production".
func ParseDirection(s string) (Direction, error) {
	switch d := Direction(s); d {
	case Consumption, Production:
		return d, nil
	}
	return "", fmt.Errorf("direction %q: want consumption or production", s)
}

// Measure is what is measured.
type Measure string

// The measures. Units: LoadCurve W per slot, Daily Wh, MaxPower VA, Register Wh.
const (
	LoadCurve Measure = "load_curve" // mean power of each slot of a day, "courbe de charge"
	Daily     Measure = "daily"      // energy of a day, Enedis's own value
	MaxPower  Measure = "max_power"  // highest apparent power of a day, with its instant
	Register  Measure = "register"   // the meter's absolute index; decoded, not planned
)

// Measures lists what is asked for of a direction, the cheapest and most telling first.
func Measures(d Direction) []Measure {
	if d == Production {
		return []Measure{Daily, LoadCurve}
	}
	return []Measure{Daily, LoadCurve, MaxPower}
}

// ParseMeasure takes "daily", "load_curve", "max_power" or "register".
func ParseMeasure(s string) (Measure, error) {
	switch m := Measure(s); m {
	case LoadCurve, Daily, MaxPower, Register:
		return m, nil
	}
	return "", fmt.Errorf("measure %q: want daily, load_curve, max_power or register", s)
}

// Series names the days of one measure in one direction of one delivery point.
type Series struct {
	PRM       PRM
	Direction Direction
	Measure   Measure
}

// Name is the series within its meter, as in "consumption/daily".
func (s Series) Name() string {
	return string(s.Direction) + "/" + string(s.Measure)
}

// LogValue keeps the PRM short.
func (s Series) LogValue() slog.Value {
	return slog.StringValue(s.PRM.Short() + "/" + s.Name())
}
