package contract

import (
	"fmt"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// program is the name on <base>/bridge/info.
const program = "enedis2mqtt"

// Info is <base>/bridge/info.
type Info struct {
	Name      string      `json:"name"`
	Version   string      `json:"version"`
	Commit    string      `json:"commit"`
	Contract  int         `json:"contract"`
	StartedAt Time        `json:"started_at"`
	Sources   []string    `json:"sources"`
	Meters    []InfoMeter `json:"meters"`
}

// InfoMeter names a meter that the bridge serves.
type InfoMeter struct {
	PRM        meter.PRM         `json:"prm"`
	Name       string            `json:"name"`
	Directions []meter.Direction `json:"directions"`
}

// Info tells version, sources and meters; the meters stand in the order given.
func (b Bridge) Info(meters []Profile) Info {
	info := Info{
		Name:      program,
		Version:   b.Version,
		Commit:    b.Commit,
		Contract:  Version,
		StartedAt: Time{b.StartedAt},
		Sources:   []string{},
		Meters:    []InfoMeter{},
	}
	for _, s := range b.Sources {
		info.Sources = append(info.Sources, s.Name)
	}
	for _, p := range meters {
		directions := append([]meter.Direction{}, p.Directions...)
		info.Meters = append(info.Meters, InfoMeter{PRM: p.PRM, Name: p.Name, Directions: directions})
	}
	return info
}

// Health is <base>/bridge/health.
type Health struct {
	Sources     []SourceHealth    `json:"sources"`
	LastRound   *RoundHealth      `json:"last_round"`
	NextRoundAt Time              `json:"next_round_at"`
	Statistics  *StatisticsHealth `json:"statistics"`
	History     []HistoryProgress `json:"history,omitempty"` // what is under way, in the order of the meters: the first 50
}

// historyShown bounds the meters of which bridge/health tells the history: it is published again with each call.
const historyShown = 50

// SourceHealth is how a source fares.
type SourceHealth struct {
	Name          string         `json:"name"`
	State         SourceState    `json:"state"`
	Budgets       []BudgetHealth `json:"budgets"`
	NextAllowedAt Time           `json:"next_allowed_at"`
	LastError     *string        `json:"last_error"`
}

// BudgetHealth is what is left of a budget in the window that ends now.
type BudgetHealth struct {
	Window string `json:"window"` // ISO 8601, as in PT1H
	Scope  string `json:"scope"`
	Calls  int    `json:"calls"`
	Limit  int    `json:"limit"`
	Left   int    `json:"left"`
}

// RoundHealth is how the last pass over all meters went.
type RoundHealth struct {
	StartedAt Time `json:"started_at"`
	EndedAt   Time `json:"ended_at"`
	OK        bool `json:"ok"`
}

// StatisticsHealth is how the import into Home Assistant's statistics fares.
type StatisticsHealth struct {
	State        string  `json:"state"`
	LastImportAt Time    `json:"last_import_at"`
	Error        *string `json:"error"`
}

// Health tells how the sources and the rounds fare.
func (b Bridge) Health() Health {
	h := Health{Sources: []SourceHealth{}, NextRoundAt: Time{b.NextRoundAt}}
	for _, s := range b.Sources {
		h.Sources = append(h.Sources, s.health())
	}
	if r := b.LastRound; r != nil {
		h.LastRound = &RoundHealth{StartedAt: Time{r.StartedAt}, EndedAt: Time{r.EndedAt}, OK: r.OK}
	}
	if s := b.Statistics; s != nil {
		h.Statistics = &StatisticsHealth{State: string(s.State), LastImportAt: Time{s.LastImportAt}, Error: orNull(s.Error)}
	}
	h.History = b.History[:min(len(b.History), historyShown)]
	return h
}

func (s Source) health() SourceHealth {
	h := SourceHealth{
		Name:          s.Name,
		State:         s.State,
		Budgets:       []BudgetHealth{},
		NextAllowedAt: Time{s.NextAllowedAt},
		LastError:     orNull(s.LastError),
	}
	for _, b := range s.Budgets {
		h.Budgets = append(h.Budgets, BudgetHealth{
			Window: iso8601(b.Window),
			Scope:  b.Scope,
			Calls:  b.Calls,
			Limit:  b.Limit,
			Left:   max(0, b.Limit-b.Calls),
		})
	}
	return h
}

// Documents gives what stands retained below <base>/bridge beside the state, which is the connection's own.
func (b Bridge) Documents(t Topics, meters []Profile) []Document {
	return []Document{
		retained(t.BridgeInfo(), encode(b.Info(meters))),
		retained(t.BridgeHealth(), encode(b.Health())),
	}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// iso8601 writes a duration in whole seconds, as in P1D, PT12H or P1DT30M. A day is 24 h.
func iso8601(d time.Duration) string {
	const day = 24 * time.Hour
	var date, clock strings.Builder
	part := func(out *strings.Builder, unit time.Duration, letter string) {
		if n := d / unit; n > 0 {
			fmt.Fprintf(out, "%d%s", n, letter)
			d %= unit
		}
	}
	part(&date, day, "D")
	part(&clock, time.Hour, "H")
	part(&clock, time.Minute, "M")
	part(&clock, time.Second, "S")
	switch {
	case clock.Len() > 0:
		return "P" + date.String() + "T" + clock.String()
	case date.Len() > 0:
		return "P" + date.String()
	}
	return "PT0S"
}
