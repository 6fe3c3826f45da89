package enedistest

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// SourceName is the source that Meter.Day puts on its values: that of Data Connect.
const SourceName = "dataconnect"

// Kind is what a meter measures.
type Kind int

// The kinds.
const (
	Consumer     Kind = iota // consumption alone
	SelfConsumer             // both directions under one PRM
	Producer                 // production alone
	NoCurve                  // consumption, with the recording of the curve switched off
)

// String names the kind for people.
func (k Kind) String() string {
	return [...]string{"consumption", "self-consumption", "production only", "consumption without curve"}[k]
}

// Meter is a delivery point and all that happens to it. Only PRM is required: the zero value of the rest is a household
// with half hours, published each morning, whose consent holds. A meter that Enedis has is read by several goroutines: to
// change it, give SetMeter another one with maps and slices of its own.
type Meter struct {
	PRM        meter.PRM
	Kind       Kind
	Activation map[meter.Direction]meter.Day // last commissioning; a direction that is absent: 21 June 2019
	Contract   Contract
	ThreePhase bool // grandeurPhysique=TOUT then has the three phases

	Step       time.Duration // of the curve: 5, 10, 15, 30 or 60 min; 0: 30 min
	StepChange *StepChange
	CurveFrom  map[meter.Direction]meter.Day // first day with a curve; absent: the activation; Never: none at all
	// CurveObjection answers 400 ADAM-ERR0075, not 404, while there is no curve: the customer objected to it.
	CurveObjection bool
	Zeros          []meter.Day // days on which the production is truly 0 all day, as under snow

	// Published is when a day comes out; nil: at 08:00 of the next day, or as Options.PublishedAtOnce has it.
	Published   func(meter.Day) time.Time
	LateDays    map[meter.Day]time.Duration // how much later than that a day comes out
	Holes       []Hole
	Corrections []Correction

	// NoConsent is a meter whose customer has not consented yet: v5 answers 403 ADAM-DC-0008, the API of 2026 400 "Bad
	// request". The consent page ends it.
	NoConsent               bool
	ConsentFrom, ConsentEnd meter.Day // first and last day; 0: it holds as long as anybody asks
	RevokedAt               time.Time // the customer ends the consent; zero: never
	// NoService makes the API of 2026 answer a consent that does not hold with 400 "Bad request", not with 403 ADAM-DC-0008.
	NoService     bool
	ServicesFrom  time.Time // until then a consent has no services yet (subscribed_services); zero: always
	Authorisation int64     // autorisation_id of the consent; 0: made from the PRM, see AuthorisationID
	Moved         bool      // the customer is no longer the holder: 400 ADAM-DC-0007, as met since July 2026
	atOnce        bool
}

// Never is a day that does not come.
const Never meter.Day = 1 << 30

// StepChange gives the curve another step, from the first slot that starts at or after At.
type StepChange struct {
	At   time.Time
	Step time.Duration
}

// Hole is what a meter lacks.
type Hole struct {
	Days      meter.Days
	Direction meter.Direction // empty: both
	Measure   meter.Measure   // empty: all
	Slots     Slots           // some slots of the curve alone; the daily value has their energy all the same
	Until     time.Time       // when it is filled; zero: never
}

// Correction changes values that are published already.
type Correction struct {
	Day       meter.Day
	Direction meter.Direction // empty: both
	At        time.Time       // from then on
	Slots     Slots           // zero: all
	Percent   int64           // of the former power; 0: 110
}

// Slots is a run of the slots of a day, counted from 0; To is excluded. The zero value stands for all of them.
type Slots struct {
	From, To int
}

func (s Slots) all() bool { return s == Slots{} }

func (s Slots) contains(i int) bool { return s.all() || s.From <= i && i < s.To }

// Contract is what the supplier's contract says. The zero value is 9 kVA with off-peak hours at night.
type Contract struct {
	KVA        int    // subscribed power; 0: 9
	Tariff     string // distribution tariff of 2026: a French sentence
	TariffCode string // distribution tariff of v5: a code
	OffPeak    string // off-peak hours; empty with a Tariff or a TariffCode: a flat tariff, v5's null
}

// withDefaults fills in what is empty.
func (c Contract) withDefaults() Contract {
	if c.KVA == 0 {
		c.KVA = 9
	}
	if c.Tariff == "" && c.TariffCode == "" {
		c.Tariff = "Tarif BT<=36kVA Moyenne Utilisation heures pleines heures creuses"
		c.TariffCode = "BTINFMUDT"
		if c.OffPeak == "" {
			c.OffPeak = "HC (22H00-6H00)"
		}
	}
	return c
}

// Directions that the meter measures, consumption first.
func (m Meter) Directions() []meter.Direction {
	switch m.Kind {
	case SelfConsumer:
		return meter.Directions()
	case Producer:
		return []meter.Direction{meter.Production}
	}
	return []meter.Direction{meter.Consumption}
}

// has tells whether the meter measures a direction.
func (m Meter) has(d meter.Direction) bool {
	return slices.Contains(m.Directions(), d)
}

// ActivationOf is the first day of a direction.
func (m Meter) ActivationOf(d meter.Direction) meter.Day {
	if day, ok := m.Activation[d]; ok {
		return day
	}
	return meter.NewDay(2019, time.June, 21)
}

// curveFrom is the first day with a curve, Never when there is none.
func (m Meter) curveFrom(d meter.Direction) meter.Day {
	if m.Kind == NoCurve {
		return Never
	}
	return max(m.CurveFrom[d], m.ActivationOf(d))
}

// PublishedAt is when a day comes out.
func (m Meter) PublishedAt(day meter.Day) time.Time {
	return m.onTime(day).Add(m.LateDays[day])
}

func (m Meter) onTime(day meter.Day) time.Time {
	switch {
	case m.Published != nil:
		return m.Published(day)
	case m.atOnce:
		return day.End()
	}
	y, month, dom := (day + 1).Date()
	return time.Date(y, month, dom, 8, 0, 0, 0, meter.Paris())
}

// consented tells whether the customer's consent holds.
func (m Meter) consented(now time.Time) bool {
	from, end := m.consent(meter.DayOf(now))
	today := meter.DayOf(now)
	return !m.NoConsent && from <= today && today <= end && !m.revoked(now)
}

func (m Meter) revoked(now time.Time) bool { return !m.RevokedAt.IsZero() && !now.Before(m.RevokedAt) }

// consent gives the first and the last day of the consent. One without given days began with last year and has three years.
func (m Meter) consent(today meter.Day) (from, end meter.Day) {
	from, end = m.ConsentFrom, m.ConsentEnd
	switch {
	case from == 0 && end == 0:
		from = (today.Year().From - 1).Year().From
		end = from.MonthsBack(-36) - 1
	case from == 0:
		from = end.MonthsBack(36) + 1
	case end == 0:
		end = from.MonthsBack(-36) - 1
	}
	return from, end
}

// AuthorisationID is the autorisation_id that the consent page would hand to the application.
func (m Meter) AuthorisationID() int64 {
	if m.Authorisation != 0 {
		return m.Authorisation
	}
	return 100_000_000 + int64(chance(m.PRM, "authorisation", 0, 0)%900_000_000)
}

// phases gives the shares of the three phases in a maximum power, in percent.
func (m Meter) phases() []int64 {
	if !m.ThreePhase {
		return nil
	}
	return []int64{45, 33, 22}
}
