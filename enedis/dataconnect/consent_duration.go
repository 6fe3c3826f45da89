package dataconnect

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// DefaultDuration is the longest for which a customer can consent.
const DefaultDuration = "P3Y"

// Duration is for how long customers are asked to consent.
type Duration struct {
	text         string
	months, days int
}

var durationText = regexp.MustCompile(`^P(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,4})W)?(?:([0-9]{1,4})D)?$`)

// ParseDuration takes an ISO 8601 duration of years, months, weeks and days, above zero and of three years at most, on
// whatever day it begins: P3Y, P36M, P156W and P1095D are the longest of each unit. Enedis's consent page takes no other.
func ParseDuration(text string) (Duration, error) {
	bad := fmt.Errorf(
		"duration %q: want years, months, weeks or days, at most three years in all, as in P3Y, P6M or P1095D", text)
	parts := durationText.FindStringSubmatch(text)
	if parts == nil {
		return Duration{}, bad
	}
	var numbers [4]int
	for i := range numbers {
		numbers[i], _ = strconv.Atoi(parts[i+1]) // a unit that is absent is 0
	}
	d := Duration{text: text, months: 12*numbers[0] + numbers[1], days: 7*numbers[2] + numbers[3]}
	if d.months == 0 && d.days == 0 {
		return Duration{}, bad
	}
	leapCycle := meter.Days{From: meter.NewDay(2024, time.January, 1), To: meter.NewDay(2028, time.January, 1)}
	for start := range leapCycle.All() {
		if d.LastDay(start) >= start.MonthsBack(-36) {
			return Duration{}, bad
		}
	}
	return d, nil
}

// String is the duration as it was written.
func (d Duration) String() string { return d.text }

// LastDay is the last day of a consent that is given on a day: that of P1D is the day itself.
func (d Duration) LastDay(granted meter.Day) meter.Day {
	return granted.MonthsBack(-d.months) + meter.Day(d.days) - 1
}
