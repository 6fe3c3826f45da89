// Package contract is what we say of a meter and what may be asked of us: totals, the light, the topics and documents, and
// the commands, both ways. MQTT, the page and the API all say the same because all of them say this. It is pure: each
// function works on what is kept and a time, reads no clock and does no I/O. What may change without a new contract
// number is said in docs/contract.md.
package contract

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Version is the number of this contract, on <base>/bridge/info.
const Version = 1

// Document is one topic with what stands on it. An empty body removes a retained topic.
type Document struct {
	Topic  string
	Body   []byte
	Retain bool
}

// Locale is the language of what people read.
type Locale string

// The locales.
const (
	French  Locale = "fr"
	English Locale = "en"
)

// Reason is why a series or a meter is not current.
type Reason string

// The reasons of a meter, the worst first.
const (
	Storage        Reason = "storage"
	Settings       Reason = "settings"
	ConsentMissing Reason = "consent_missing"
	ConsentExpired Reason = "consent_expired"
	Quota          Reason = "quota"
	SourceDown     Reason = "source_down"
	Waiting        Reason = "waiting"
	Starting       Reason = "starting"
	Complete       Reason = "complete"
)

// The reasons of a series that does not count.
const (
	CurveNotCollected Reason = "curve_not_collected"
	NotOffered        Reason = "not_offered"
)

// Level is the colour of a light.
type Level string

// The levels.
const (
	Red    Level = "red"
	Orange Level = "orange"
	Green  Level = "green"
)

// Measured names a series within its meter.
type Measured struct {
	Direction meter.Direction
	Measure   meter.Measure
}

// Name is as in "consumption/daily".
func (m Measured) Name() string {
	return meter.Series{Direction: m.Direction, Measure: m.Measure}.Name()
}

// Series is what is kept of one series, as the documents need it.
type Series struct {
	First      meter.Day      // first day wanted, never before the activation
	Activation meter.Day      // of the direction; 0 when unknown
	Coverage   meter.Coverage // all months with any day
	// Recent holds the newest days, oldest first: of Daily and MaxPower the last 31 that exist, of LoadCurve the last
	// complete day alone.
	Recent []meter.DayValues
	// Trouble is what the last attempt says: Waiting when it was answered or is under way, Starting when there was none,
	// CurveNotCollected or NotOffered for a series that does not count.
	Trouble Reason
}

// Meter is what is kept of one meter, as the documents need it.
type Meter struct {
	PRM        meter.PRM
	Name       string
	Directions []meter.Direction   // that exist, consumption first
	Series     map[Measured]Series // of those directions: Daily; LoadCurve unless hourly collection is off; MaxPower of consumption
	Contract   Contract
	ConsentEnd meter.Day // last day of the consent; 0 when unknown

	UpdatedAt     time.Time // when the newest revision was stored; zero before the first
	LastSuccessAt time.Time // zero for never, as the two below
	LastAttemptAt time.Time
	NextAttemptAt time.Time
	Arrivals      []Arrival // newest last; the last 14 count

	Statistics *Statistics // Home Assistant's; nil while there are none

	Trouble  Reason    // Storage while the store fails; Starting, Settings … while no series is known; else empty
	WasLevel Level     // the light as it was last computed; empty at first
	WasSince time.Time // and since when
}

// Arrival is when the data of a day were complete.
type Arrival struct {
	Day     meter.Day
	Minutes int // after the day's end
}

// Contract is the customer's contract for consumption. What is not known is nil.
type Contract struct {
	SubscribedKVA *float64 `json:"subscribed_kva"`
	Tariff        *string  `json:"tariff"`
	OffPeak       *string  `json:"off_peak"`
}

// Bridge is what is said of the bridge itself.
type Bridge struct {
	Version, Commit string
	StartedAt       time.Time
	Sources         []Source // in order of preference
	ConsentsAwaited int      // consents given whose services Enedis does not know yet
	ConsentsLost    int      // consents given up in the last days: Enedis never came to know their services
	LastRound       *Round
	NextRoundAt     time.Time   // zero when none is planned
	Statistics      *Statistics // Home Assistant's; nil while there are none
	History         []HistoryProgress
}

// Source is one way in, with its health.
type Source struct {
	Name          string
	State         SourceState
	Budgets       []Budget
	NextAllowedAt time.Time // zero when a call may be made at once
	LastError     string    // empty when there is none
	Differences   int       // days of which it said something else than another source, since the start
}

// SourceState is how a source fares.
type SourceState string

// The states of a source.
const (
	SourceOK      SourceState = "ok"
	SourceBackoff SourceState = "backoff"
	SourceQuota   SourceState = "quota"
	SourceIsDown  SourceState = "down"
	SourceAuth    SourceState = "auth"
)

// SourceStates lists the states.
func SourceStates() []SourceState {
	return []SourceState{SourceOK, SourceBackoff, SourceQuota, SourceIsDown, SourceAuth}
}

// Budget is one limit of a source and what was used of it in the window that ends now.
type Budget struct {
	Window time.Duration
	Scope  string // what the limit counts, as in "mesure_synchrone_auto"
	Calls  int
	Limit  int
}

// Round is the last pass over all meters.
type Round struct {
	StartedAt, EndedAt time.Time
	OK                 bool
}
