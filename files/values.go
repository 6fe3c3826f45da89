package files

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The years that a file may tell of: Linky came in 2010.
const firstYear, lastYear = 2000, 2100

// most is more than any meter counts, in Wh, W or VA: 36 MW for a year and far beyond.
const most = 1e12

// unit is that of a column.
type unit struct {
	factor int64 // to W, Wh or VA
	energy bool
}

// unitOf reads the unit that ends the header of a column, as in "Valeur (en kW)". ok is false where there is none.
func unitOf(header string) (u unit, ok bool) {
	words := strings.FieldsFunc(fold(header), func(r rune) bool { return r < 'a' || r > 'z' })
	if len(words) == 0 {
		return unit{}, false
	}
	switch words[len(words)-1] {
	case "w", "va":
		return unit{factor: 1}, true
	case "kw", "kva":
		return unit{factor: 1000}, true
	case "wh":
		return unit{factor: 1, energy: true}, true
	case "kwh":
		return unit{factor: 1000, energy: true}, true
	}
	return unit{}, false
}

// number reads a value with a comma or a point, and gives it in the base unit, rounded. ok is false where the file says that
// there is none.
func (u unit) number(text string) (n int64, ok bool, err error) {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "\u00a0", " ")), "")
	switch strings.ToLower(text) {
	case "", "na", "n/a", "null", "nan", "-":
		return 0, false, nil
	}
	value, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", "."), 64)
	value = math.Round(value * float64(u.factor))
	switch {
	case err != nil || math.IsNaN(value):
		return 0, false, fmt.Errorf("%q is no number", excerpt(text))
	case value < 0:
		return 0, false, fmt.Errorf("%q is less than 0", excerpt(text))
	case value > most:
		return 0, false, fmt.Errorf("%q is more than any meter counts", excerpt(text))
	}
	return int64(value), true, nil
}

// watts is the mean power of a value over a time.
func (u unit) watts(value int64, over time.Duration) int64 {
	if !u.energy {
		return value
	}
	seconds := int64(over / time.Second)
	return (value*3600 + seconds/2) / seconds
}

// excerpt keeps an error short, and whole PRMs out of it.
func excerpt(text string) string {
	if len(text) > 40 {
		text = text[:40]
	}
	return strings.ToValidUTF8(shown(text), "?")
}

// wall reads a wall-clock time of Paris.
func wall(text string) (meter.Wall, error) {
	for _, layout := range []string{
		"02/01/2006 15:04:05", "02/01/2006 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04",
		"2006-01-02 15:04", "02/01/2006", time.DateOnly,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return checkedWall(t)
		}
	}
	if serial, err := strconv.ParseFloat(text, 64); err == nil && serial > 30000 && serial < 80000 { // a spreadsheet's days since 1899
		seconds := math.Round(serial * 24 * 3600)
		return checkedWall(time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds) * time.Second))
	}
	return time.Time{}, fmt.Errorf("%q is no date and time", excerpt(text))
}

func checkedWall(t time.Time) (meter.Wall, error) {
	if t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}, fmt.Errorf("%s is not a time of a Linky", t.Format(time.DateOnly))
	}
	return t, nil
}

// wallEnd is wall for the end of a slot, for which the last second of a day may stand.
func wallEnd(text string) (meter.Wall, error) {
	t, err := wall(text)
	if err == nil && t.Hour() == 23 && t.Minute() == 59 && t.Second() == 59 {
		t = t.Add(time.Second)
	}
	return t, err
}

// instant reads a time with its offset, in whole seconds.
func instant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time with an offset", excerpt(text))
	}
	if t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}, fmt.Errorf("%s is not a time of a Linky", t.Format(time.DateOnly))
	}
	return t.UTC(), nil
}

var errNoMidnight = errors.New("a day begins at midnight")

// date reads a day; a time of day, if there is one, is midnight.
func date(text string) (meter.Day, error) {
	t, err := wall(text)
	if err != nil {
		return 0, err
	}
	if t.Hour() != 0 || t.Minute() != 0 || t.Second() != 0 {
		return 0, fmt.Errorf("%q: %w", excerpt(text), errNoMidnight)
	}
	return meter.NewDay(t.Date()), nil
}

// allowed tells whether a slot may have this length: those that Enedis has.
func allowed(step time.Duration) bool {
	switch step {
	case 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour:
		return true
	}
	return false
}
