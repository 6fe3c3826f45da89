package enedistest

import (
	"hash/fnv"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// wattsByHour is what a household draws in each hour of the local day, before season, size and chance.
func wattsByHour() [24]int64 {
	return [24]int64{
		180, 160, 150, 150, 160, 220, 520, 980, 760, 420, 380, 560,
		900, 620, 380, 360, 420, 760, 1350, 1720, 1380, 900, 520, 300,
	}
}

// season is what a month makes of a household and of a roof of solar panels.
type season struct {
	heating  int64 // consumption, in percent
	sunrise  int64 // minutes of the local day
	sunset   int64
	strength int64 // of the sun at noon, in percent
}

func seasonOf(month time.Month) season {
	return [...]season{
		time.January - 1:   {135, 8*60 + 40, 17*60 + 20, 35},
		time.February - 1:  {125, 8 * 60, 18*60 + 10, 50},
		time.March - 1:     {110, 7*60 + 15, 19*60 + 10, 65},
		time.April - 1:     {95, 7*60 + 10, 20*60 + 30, 85},
		time.May - 1:       {85, 6*60 + 15, 21*60 + 20, 95},
		time.June - 1:      {80, 5*60 + 50, 21*60 + 50, 100},
		time.July - 1:      {75, 6*60 + 5, 21*60 + 45, 100},
		time.August - 1:    {75, 6*60 + 45, 21 * 60, 92},
		time.September - 1: {85, 7*60 + 30, 20 * 60, 80},
		time.October - 1:   {100, 8*60 + 10, 18*60 + 50, 60},
		time.November - 1:  {120, 8*60 + 5, 17*60 + 15, 40},
		time.December - 1:  {135, 8*60 + 40, 16*60 + 55, 30},
	}[month-1]
}

// household is a power drawn in W: little at night, a peak in the morning and a higher one in the evening, more in winter,
// and now and then an appliance.
func household(prm meter.PRM, day meter.Day, slot int64, start time.Time) int64 {
	_, month, _ := day.Date()
	size := 80 + int64(chance(prm, "size", 0, 0)%41)
	c := chance(prm, "household", day, slot)
	watts := wattsByHour()[start.Hour()] * seasonOf(month).heating * size * (70 + int64(c%61)) / 1_000_000
	if h := start.Hour(); h >= 7 && h < 22 && c>>16%16 == 0 {
		watts += 1000 + int64(c>>32%1000)
	}
	return watts
}

// sun is a power fed in, in W: a parabola from sunrise to sunset, under the clouds of the day, and 0 in the dark.
func sun(prm meter.PRM, day meter.Day, slot int64, middle time.Time) int64 {
	_, month, _ := day.Date()
	s := seasonOf(month)
	minute := int64(middle.Hour()*60 + middle.Minute())
	if minute <= s.sunrise || minute >= s.sunset {
		return 0
	}
	panels := 2000 + int64(chance(prm, "panels", 0, 0)%3000)
	sky := 20 + int64(chance(prm, "sky", day, 0)%81)
	flicker := 85 + int64(chance(prm, "flicker", day, slot)%31)
	length := s.sunset - s.sunrise
	height := 4 * (minute - s.sunrise) * (s.sunset - minute) * 1000 / (length * length) // per mille
	return panels * s.strength * sky * flicker / 1_000_000 * height / 1000
}

// chance is a number that is the same for ever for the same arguments, and looks like any other.
func chance(prm meter.PRM, about string, day meter.Day, slot int64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(prm)) // a hash takes all that is written
	_, _ = h.Write([]byte(about))
	x := h.Sum64() + uint64(day)<<32 + uint64(slot) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
