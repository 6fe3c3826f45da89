// Package wire reads what Enedis sends, in both formats: that of 2026 and that of v5, which gateways hand on. Answers become
// days of the ground, contracts a profile. It makes no call, and knows nothing of who handed an answer on: what a gateway
// does to it is undone before.
//
// Names, addresses and e-mails, which contracts bring along, are read by nobody here.
package wire

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Decoded is what an answer to a request holds. Both formats, that of 2026 and that of v5, come down to it.
type Decoded struct {
	Days    []meter.DayValues // in order, all of them asked for; a day without any value is absent
	Dropped int               // points left out: they overlap others, or their stamp means no time that ever was
	Blank   bool              // the answer is an empty shell, as {} is: not even its frame is there
}

// point is one value of either format.
type point struct {
	value   integer
	stamp   string // local time in Paris without offset; of a curve, the end of the interval
	step    string // of a curve, an ISO 8601 duration
	quality meter.Quality
}

// assemble sorts points into the days of the request. An error means that the answer cannot be read: one odd point leaves
// no trust in the others.
func assemble(source string, req enedis.Request, points []point) (Decoded, error) {
	switch req.Measure {
	case meter.LoadCurve:
		return curve(source, req, points)
	case meter.MaxPower:
		return days(req, points, func(p point) (meter.DayValues, bool, error) { return peak(source, p) })
	default:
		return days(req, points, func(p point) (meter.DayValues, bool, error) { return total(source, p) })
	}
}

// days reads one value a day. Of two values of a day the first one stands; the second is dropped when it differs.
func days(
	req enedis.Request, points []point, read func(point) (v meter.DayValues, ok bool, err error),
) (Decoded, error) {
	var decoded Decoded
	found := make(map[meter.Day]meter.DayValues, len(points))
	for _, p := range points {
		if !p.value.present {
			continue
		}
		v, ok, err := read(p)
		if err != nil {
			return Decoded{}, err
		}
		former, twice := found[v.Day]
		switch {
		case !ok, twice && former.Value != v.Value:
			decoded.Dropped++
		case !twice && req.Days.Contains(v.Day):
			found[v.Day] = v
			decoded.Days = append(decoded.Days, v)
		}
	}
	slices.SortFunc(decoded.Days, func(a, b meter.DayValues) int { return cmp.Compare(a.Day, b.Day) })
	return decoded, nil
}

// total reads the energy of a day in Wh, or the meter's register at the day's first instant. The stamp is the day, perhaps
// with a time behind it.
func total(source string, p point) (meter.DayValues, bool, error) {
	date, _, _ := strings.Cut(strings.Replace(p.stamp, "T", " ", 1), " ")
	day, err := meter.ParseDay(date)
	return meter.DayValues{Day: day, Source: source, Quality: p.quality, Value: p.value.n}, err == nil, err
}

// peak reads the highest power of a day in VA. Its stamp is the moment of the peak, so the day is the stamp's own; one in
// the hour that March skips is dropped.
func peak(source string, p point) (meter.DayValues, bool, error) {
	wall, err := parseStamp(p.stamp)
	if err != nil {
		return meter.DayValues{}, false, err
	}
	at, ok := meter.EarliestInstant(wall)
	v := meter.DayValues{
		Day: meter.NewDay(wall.Date()), Source: source, Quality: p.quality, Value: p.value.n, At: at,
	}
	return v, ok, nil
}

// parseStamp reads a wall-clock time, to the second.
func parseStamp(s string) (meter.Wall, error) {
	t, err := time.Parse(time.DateTime, strings.Replace(s, "T", " ", 1))
	if err != nil {
		return t, fmt.Errorf("stamp %q: want YYYY-MM-DD HH:MM:SS", s)
	}
	return t.Truncate(time.Second), nil
}

// integer is a JSON string or number that holds a whole number from 0 to 10⁹; null leaves it absent.
type integer struct {
	n       int64
	present bool
}

const maxInteger = 1_000_000_000 // W, Wh or VA: more than any meter of Data Connect can show

var errInteger = errors.New("want a whole number from 0 to 10⁹")

// UnmarshalJSON refuses what the answer must not hold: signs, fractions, exponents, text.
func (v *integer) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if text == "null" {
		return nil
	}
	n, err := strconv.ParseUint(strings.Trim(text, `"`), 10, 32)
	if err != nil || n > maxInteger {
		return fmt.Errorf("value %s: %w", text, errInteger)
	}
	*v = integer{n: int64(n), present: true}
	return nil
}

// blank tells an answer without any content, {} or nothing but nulls, from one that speaks of something else, which cannot
// be read.
func blank(body []byte) (Decoded, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return Decoded{}, err
	}
	for _, value := range fields {
		if string(value) != "null" {
			return Decoded{}, errors.New("the answer has none of the expected fields")
		}
	}
	return Decoded{Blank: true}, nil
}

// checkPRM refuses an answer that names another meter.
func checkPRM(asked meter.PRM, named string) error {
	if named != "" && named != string(asked) {
		return errors.New("the answer is about another meter")
	}
	return nil
}

// checkUnit refuses another unit than that of the measure. Enedis's Swagger calls the unit of maximum power W, its data
// say VA.
func checkUnit(m meter.Measure, unit string) error {
	want := map[meter.Measure][]string{
		meter.LoadCurve: {"W", ""},
		meter.Daily:     {"Wh", ""},
		meter.MaxPower:  {"VA", "W", ""},
		meter.Register:  {"Wh", ""},
	}[m]
	if !slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(w, unit) }) {
		return fmt.Errorf("unit %q: want %s", unit, want[0])
	}
	return nil
}
