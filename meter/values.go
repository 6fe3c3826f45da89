package meter

import "time"

// Quality tells how a value came about. A higher one is never replaced by a lower one.
type Quality uint8

// The qualities, lowest first.
const (
	Computed  Quality = iota // summed up by us, until Enedis's own value comes
	Raw                      // as the meter sent it, "BRUT"
	Corrected                // corrected by Enedis, "BEST"
)

// String is the name of contract documents: computed, raw or corrected.
func (q Quality) String() string {
	return [...]string{"computed", "raw", "corrected"}[q]
}

// Joules is an exact energy: whole watts over whole seconds.
type Joules int64

// WattHours is an energy in whole watt-hours.
type WattHours int64

// Joules converts exactly.
func (w WattHours) Joules() Joules { return Joules(w) * 3600 }

// WattHours rounds half up, as every published energy does.
func (j Joules) WattHours() WattHours { return WattHours((j + 1800) / 3600) }

// Interval is the half-open span of time from Start to End.
type Interval struct {
	Start, End time.Time
}

// Seconds is the length; ends of intervals are whole seconds.
func (i Interval) Seconds() int64 { return int64(i.End.Sub(i.Start) / time.Second) }

// Reading is the mean power of one interval, or the word that it is missing.
type Reading struct {
	Interval
	Watts   int64 // mean power; 0 when Missing
	Missing bool
	Quality Quality
	Source  string
}

// Energy is exact; that of a missing reading is 0.
func (r Reading) Energy() Joules { return Joules(r.Watts * r.Seconds()) }

// DayValues is one measure of one local day: the unit that is asked for, stored, revised and published.
type DayValues struct {
	Day      Day
	Source   string    // name of the source; of a curve, the readings' own
	Quality  Quality   // of a curve, the readings' own
	Value    int64     // Daily: Wh. MaxPower: VA. Unused for LoadCurve.
	At       time.Time // MaxPower: the instant of the peak
	Readings []Reading // LoadCurve: in order, without overlap, what is missing said as missing
}

// Complete tells whether a day of measure m lacks nothing: a curve covers each second of its 23, 24 or 25 h, any other
// measure has its value by being there.
func (v DayValues) Complete(m Measure) bool {
	return m != LoadCurve || v.Covered() == int64(v.Day.Length()/time.Second)
}

// Covered is the number of seconds for which a curve day has readings.
func (v DayValues) Covered() int64 {
	var s int64
	for _, r := range v.Readings {
		if !r.Missing {
			s += r.Seconds()
		}
	}
	return s
}

// Energy is the sum of a curve day's readings, exact; of a daily value its own.
func (v DayValues) Energy() Joules {
	if v.Readings == nil {
		return WattHours(v.Value).Joules()
	}
	var sum Joules
	for _, r := range v.Readings {
		sum += r.Energy()
	}
	return sum
}

// Summed gives the daily value that a curve day adds up to: of quality Computed, from the curve's source. ok is false while
// the curve lacks anything.
func (v DayValues) Summed() (daily DayValues, ok bool) {
	if !v.Complete(LoadCurve) {
		return DayValues{}, false
	}
	return DayValues{Day: v.Day, Source: v.Source, Quality: Computed, Value: int64(v.Energy().WattHours())}, true
}
