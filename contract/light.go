package contract

import (
	"cmp"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Light is <base>/<pdl>/freshness/detail: whether to trust the numbers, and if not, why.
type Light struct {
	Level         Level                     `json:"level"`
	Number        int                       `json:"number"` // red 0, orange 1, green 2
	Reason        Reason                    `json:"reason"`
	Message       string                    `json:"message"` // for people, with what to do
	Late          bool                      `json:"late"`
	Since         Time                      `json:"since"` // of the level
	LastSuccessAt Time                      `json:"last_success_at"`
	LastAttemptAt Time                      `json:"last_attempt_at"`
	NextAttemptAt Time                      `json:"next_attempt_at"`
	ExpectedAt    Time                      `json:"expected_at"`
	Directions    map[meter.Direction]Level `json:"directions"`
	Series        map[string]SeriesLight    `json:"series"` // by name, as in "consumption/daily"
}

// SeriesLight is the freshness of one series.
type SeriesLight struct {
	Current     bool       `json:"current"`
	Last        *meter.Day `json:"last"` // the newest day with any value
	MissingDays int        `json:"missing_days"`
	Reason      *Reason    `json:"reason"` // nil when current
}

// Light computes the light of the meter. A series is current when its newest day is yesterday or later and lacks nothing.
// Green: all series are current; red: none, or no series is known; orange: otherwise. A series that is not collected or
// not offered is listed and does not count.
func (m Meter) Light(loc Locale, now time.Time) Light {
	yesterday := meter.DayOf(now) - 1
	l := Light{
		Since:         Time{now},
		LastSuccessAt: Time{m.LastSuccessAt},
		LastAttemptAt: Time{m.LastAttemptAt},
		NextAttemptAt: Time{m.NextAttemptAt},
		Directions:    make(map[meter.Direction]Level, len(m.Directions)),
		Series:        make(map[string]SeriesLight, 5*len(m.Directions)),
	}
	var all tally
	for _, d := range m.Directions {
		var one tally
		for measure, s := range m.lights(d, yesterday) {
			l.Series[string(d)+"/"+measure] = s
			one.add(s)
		}
		l.Directions[d] = one.level()
		all.merge(one)
	}
	l.Level = all.level()
	l.Number = slices.Index([]Level{Red, Orange, Green}, l.Level)
	l.Reason = m.reason(l.Level, all)
	l.Message = m.message(loc, l.Reason, all.notCollected, now)
	if l.Level == m.WasLevel && !m.WasSince.IsZero() {
		l.Since = Time{m.WasSince}
	}
	expected := yesterday
	if l.Level == Green {
		expected++
	}
	l.ExpectedAt = Time{m.expectedAt(expected)}
	l.Late = l.Level != Green && !now.Before(l.lateAt())
	return l
}

// lateAfter is how long after the expected instant a light that is not green is late.
const lateAfter = 2 * time.Hour

func (l Light) lateAt() time.Time { return l.ExpectedAt.Add(lateAfter) }

// NextChange is the next instant after now at which the clock alone changes a field: midnight in Paris, or the instant at
// which the light becomes late or its message tells of statistics that fail.
func (m Meter) NextChange(now time.Time) time.Time {
	next := meter.DayOf(now).End()
	l := m.Light(French, now)
	if late := l.lateAt(); l.Level != Green && late.After(now) && late.Before(next) {
		next = late
	}
	if told := m.Statistics.toldFrom(m.PRM); told.After(now) && told.Before(next) {
		next = told
	}
	return next
}

// lights gives the series of a direction by their names: day, month and year are all of Daily.
func (m Meter) lights(d meter.Direction, yesterday meter.Day) map[string]SeriesLight {
	daily := m.Series[Measured{d, meter.Daily}]
	one := daily.light(yesterday, daily.missing(meter.Daily))
	month, year := one, one
	if newest, ok := daily.newest(); ok {
		month.MissingDays = daily.total(newest.Month(), newest).missing
		year.MissingDays = daily.total(newest.Year(), newest).missing
	}
	lights := map[string]SeriesLight{"daily": one, "monthly": month, "yearly": year}
	if curve, ok := m.Series[Measured{d, meter.LoadCurve}]; ok {
		lights["load_curve"] = curve.light(yesterday, curve.missing(meter.LoadCurve))
	}
	if d == meter.Consumption {
		power := m.Series[Measured{d, meter.MaxPower}]
		lights["max_power"] = power.light(yesterday, power.missing(meter.MaxPower))
	}
	return lights
}

func (s Series) light(yesterday meter.Day, missing int) SeriesLight {
	l := SeriesLight{MissingDays: missing}
	if newest, ok := s.newest(); ok {
		l.Last = &newest
		l.Current = newest >= yesterday && s.Coverage.Complete(newest)
	}
	if !l.Current {
		reason := cmp.Or(s.Trouble, Starting) // a series that the store does not know was never asked for
		l.Reason = &reason
	}
	return l
}

// missing counts the days from the first one wanted through the newest one with any value: those without a value, for a
// curve those that are not complete.
func (s Series) missing(measure meter.Measure) int {
	newest, ok := s.newest()
	if !ok {
		return 0
	}
	wanted := meter.Days{From: s.wantedFrom(), To: newest + 1}
	if measure == meter.LoadCurve {
		return wanted.Len() - s.Coverage.CountComplete(wanted)
	}
	return wanted.Len() - s.Coverage.CountPresent(wanted)
}

// tally counts the series that count.
type tally struct {
	listed, counted, current int
	worst                    Reason // over those that are not current; empty when there is none
	notCollected             bool   // of any series
}

func (t *tally) add(s SeriesLight) {
	one := tally{listed: 1}
	switch {
	case s.Current:
		one.counted, one.current = 1, 1
	case *s.Reason == CurveNotCollected:
		one.notCollected = true
	case *s.Reason == NotOffered:
	default:
		one.counted, one.worst = 1, *s.Reason
	}
	t.merge(one)
}

func (t *tally) merge(o tally) {
	t.listed += o.listed
	t.counted += o.counted
	t.current += o.current
	t.worst = worse(t.worst, o.worst)
	t.notCollected = t.notCollected || o.notCollected
}

func (t *tally) level() Level {
	switch {
	case t.current == 0:
		return Red
	case t.current < t.counted:
		return Orange
	}
	return Green
}

// reason is the worst over the series that are not current. A store that fails is worse than all, and is told of a green
// meter too: what comes next may be lost.
func (m Meter) reason(level Level, t tally) Reason {
	switch {
	case m.Trouble == Storage:
		return Storage
	case level == Green:
		return Complete
	case t.counted > 0 || m.Trouble != "":
		return worse(t.worst, m.Trouble)
	case t.listed > 0: // no source offers any series that would count
		return Settings
	}
	return Starting
}

// worse gives the worse of two reasons; an empty one is better than any.
func worse(a, b Reason) Reason {
	order := [...]Reason{Storage, Settings, ConsentMissing, ConsentExpired, Quota, SourceDown, Waiting, Starting}
	for _, r := range order {
		if a == r || b == r {
			return r
		}
	}
	return cmp.Or(a, b)
}
