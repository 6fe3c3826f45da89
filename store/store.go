// Package store keeps what must outlive the process: the days of every series with their revisions, what was asked and
// answered, and the little that makes a restart exact. It is SQLite in one folder, with one writer and one process; others
// may read beside it, see OpenReader.
//
// It knows nothing of where days come from or who reads them. Every method that writes is one transaction, durable when
// it returns: after kill -9 the store holds all of it or nothing of it.
package store

import (
	"maps"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Stored is a day as it is kept.
type Stored struct {
	meter.DayValues
	Series   meter.Series
	Revision int64     // strictly growing over the whole store; a revision belongs to one day of one series for ever
	StoredAt time.Time // whole milliseconds
}

// Event is a revision of a curve day, for the event stream.
type Event struct {
	Stored
	Former *meter.DayValues // what the day held in its former revision; nil for its first
}

// Answer is what a source had of an attempt.
type Answer struct {
	Days      []meter.DayValues
	Rank      meter.Ranking
	DailyLags bool // the source's own daily values come later than its curves: complete curve days give them meanwhile
	// Missed says what is to be remembered of a day that was asked for and is not complete, from what was remembered of it: its
	// Day alone at first. false: nothing. Nil remembers nothing.
	Missed func(was Hole) (is Hole, remember bool)
}

// Merged tells what an answer changed, and where it was contradicted.
type Merged struct {
	// Changed are the days that hold something else, in revision order: those of the answer's series in day order, then
	// the daily values that were computed from it in day order.
	Changed   []Stored
	Refused   []meter.Day  // days that stand as they were because the answer's intervals have other bounds (meter.ErrOtherBounds)
	Differing []meter.Day  // days of which another source had said something else in the same quality; preference decided
	Apart     []Difference // days whose daily value and curve now differ, and did not or otherwise before
}

// Outcome is how an attempt ended.
type Outcome string

// The outcomes. An attempt that is not ended has Unfinished.
const (
	Unfinished     Outcome = ""
	Answered       Outcome = "answered"        // with values, for some of its days at least
	NoData         Outcome = "no_data"         // a clear answer without any value
	Refused        Outcome = "refused"         // the range was refused: too early or too long
	WrongDirection Outcome = "wrong_direction" // will not succeed for 30 days
	NotCollected   Outcome = "not_collected"   // curve recording is switched off, said so by the source
	NoConsent      Outcome = "no_consent"
	BadSettings    Outcome = "settings"
	OverQuota      Outcome = "quota"
	SourceDown     Outcome = "source_down"
)

// Settled tells whether the source gave a clear word on the data asked for, with values or without.
func (o Outcome) Settled() bool { return o == Answered || o == NoData }

// Troubled tells whether somebody has to mend something: the source, the customer or we.
func (o Outcome) Troubled() bool {
	switch o {
	case WrongDirection, NoConsent, BadSettings, OverQuota, SourceDown:
		return true
	}
	return false
}

// Attempt is one request to one source, remembered from before its call. There is one for each series, source and range of
// days: a repeated request takes the place of its predecessor.
type Attempt struct {
	Source    string
	Series    meter.Series
	Days      meter.Days
	At        time.Time // when it began
	EndedAt   time.Time // zero while unfinished
	Outcome   Outcome
	Lost      int       // how many times in a row this request began and never ended
	NotBefore time.Time // when the same request may be repeated
	Code      string    // the source's own code, for people
	Detail    string    // one line, for people
}

// Standing tells whether a direction of a meter is there.
type Standing string

// The standings.
const (
	Unknown Standing = ""
	Exists  Standing = "exists"
	Absent  Standing = "absent" // asked again at DirectionState.AskAgain
)

// DirectionState is what is known of one direction of a meter.
type DirectionState struct {
	Standing   Standing
	How        string    // settings, contract, data, no_data or refused
	At         time.Time // when it was found
	AskAgain   time.Time // of an absent direction
	Activation meter.Day // from the contract; 0 when unknown
}

// SeriesState is what is known of one series beside its days.
type SeriesState struct {
	RefusedStart meter.Day // the latest start that the source refused as too early; 0 when none: days after it may be asked for
	NotCollected time.Time // since when the curve is known not to be collected; zero when it is, or nobody knows
}

// Meter is what is kept of a meter beside its days.
type Meter struct {
	PRM        meter.PRM
	FirstSeen  time.Time
	UpdatedAt  time.Time // when its newest revision was stored; zero before the first; SaveMeter leaves it alone
	Directions map[meter.Direction]DirectionState
	Wanted     map[meter.Measure]Wanted
	Series     map[meter.Series]SeriesState
	Contract   Contract
}

// Wanted is how far back the days of a measure are wanted.
type Wanted struct {
	First   meter.Day // the first day wanted, which moves only back
	Floor   meter.Day // the first day that is asked for without an order, where that is a later one; else 0
	Stopped meter.Day // where the settings had history begin when it was stopped; 0 when it was not
}

// Back is what is wanted where the settings have history begin with a day: as far back as they reach, but not what was stopped
// under settings that reached as far.
func (w Wanted) Back(day meter.Day) Wanted {
	switch {
	case w.Stopped != 0 && day >= w.Stopped:
		return w
	case day < w.First:
		return Wanted{First: day}
	case day <= w.Floor:
		return Wanted{First: w.First, Floor: day}
	}
	return w
}

// Base is the first day that is asked for without an order.
func (w Wanted) Base() meter.Day { return max(w.First, w.Floor) }

// Contract is what the source's contract API says of a meter, and when it was read.
type Contract struct {
	ReadAt        time.Time // the last success; zero when never read
	NotBefore     time.Time // when it may be read again
	Directions    []meter.Direction
	SubscribedKVA *float64
	Tariff        string
	OffPeak       string
}

// Arrival is when the data of a day were complete.
type Arrival struct {
	Day     meter.Day
	Minutes int // after the day's end
}

// Call is one HTTP request that was about to be made.
type Call struct {
	Source     string
	API        string
	Credential string    // which one of the source's; empty where there is one
	PRM        meter.PRM // empty for a call that was for no meter
	At         time.Time
}

// Consent is a customer's word that a source may give us the data of a meter.
type Consent struct {
	PRM        meter.PRM
	Source     string
	GrantedAt  time.Time         // whole milliseconds
	Until      meter.Day         // the last day; 0 when unknown
	Directions []meter.Direction // named by its services; nil when unknown
}

// Authorisation is a consent that was given and whose services Enedis does not know yet.
type Authorisation struct {
	Source  string
	Back    string    // the parameters of the way back, url-encoded, which hold PRMs; unique with Source
	GivenAt time.Time // whole milliseconds
	Tries   int       // how often its services were asked for
	NextAt  time.Time // when they are asked for again
}

// Backoff is the rest that a source is given.
type Backoff struct {
	Source    string
	Failures  int       // in a row
	Until     time.Time // no call before; a refresh asks all the same
	NotBefore time.Time // no call before, by the source's own word or our budget; a refresh waits too
	Outcome   Outcome   // why
	Detail    string    // one line, for people
}

// Light is a meter's light as it was last computed.
type Light struct {
	Level string // green, orange or red
	Since time.Time
}

// Clone copies the meter so that its maps may be changed.
func (m Meter) Clone() Meter {
	m.Directions, m.Wanted, m.Series = maps.Clone(m.Directions), maps.Clone(m.Wanted), maps.Clone(m.Series)
	return m
}
