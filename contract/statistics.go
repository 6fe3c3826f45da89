package contract

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Statistics is how the import into Home Assistant's long-term statistics fares.
type Statistics struct {
	State        StatisticsState
	LastImportAt time.Time         // zero for never
	Error        string            // empty when there is none
	FailingSince time.Time         // since when the import has not ended well; zero when it has
	Series       []StatisticSeries // of the meters, in their order
}

// StatisticSeries is one direction of a meter in those statistics.
type StatisticSeries struct {
	PRM       meter.PRM
	Direction meter.Direction
	ID        string // as Home Assistant's lists have it; it holds the whole PRM
	InEnergy  bool   // the Energy dashboard uses it
	Error     string // empty when there is none
}

// StatisticsState is how the import fares.
type StatisticsState string

// The states of the import.
const (
	StatisticsOK      StatisticsState = "ok"
	StatisticsWaiting StatisticsState = "waiting" // Home Assistant starts, migrates its database or is busy
	StatisticsDown    StatisticsState = "down"    // no connection
	StatisticsAuth    StatisticsState = "auth"    // the token is refused, or not of an administrator
	StatisticsRefused StatisticsState = "refused" // a statistic is not like ours, or its rows were not taken
	StatisticsStorage StatisticsState = "storage" // our own store fails
)

// tellAfter is how long the import fails before a meter's message tells of it: a restart of Home Assistant takes less.
const tellAfter = time.Hour

// neglected says, by state, that the statistics are not kept up to date. What mends itself, or is the light's own
// business, is not told.
var neglected = map[Locale]map[StatisticsState]string{
	French: {
		StatisticsDown: "Les statistiques de Home Assistant ne sont plus tenues à jour, car il ne répond pas : vérifiez qu'il " +
			"tourne, et HOMEASSISTANT_URL.",
		StatisticsAuth: "Les statistiques de Home Assistant ne sont plus tenues à jour, car il refuse le jeton : créez-en un " +
			"autre avec un compte d'administrateur et mettez-le dans HOMEASSISTANT_TOKEN.",
		StatisticsRefused: "Les statistiques de Home Assistant ne sont plus tenues à jour, car il ne les prend pas : " +
			"bridge/health dit pourquoi.",
	},
	English: {
		StatisticsDown: "Home Assistant's statistics are no longer kept up to date, for it does not answer: check that it " +
			"runs, and HOMEASSISTANT_URL.",
		StatisticsAuth: "Home Assistant's statistics are no longer kept up to date, for it refuses the token: make another one " +
			"as an administrator and set it as HOMEASSISTANT_TOKEN.",
		StatisticsRefused: "Home Assistant's statistics are no longer kept up to date, for it does not take them: " +
			"bridge/health says why.",
	},
}

// toldFrom is from when on a meter's message tells that its statistics fail; zero for never.
func (s *Statistics) toldFrom(p meter.PRM) time.Time {
	if s == nil || s.FailingSince.IsZero() || neglected[French][s.State] == "" {
		return time.Time{}
	}
	others := s.State == StatisticsRefused && len(s.Series) > 0 && !slices.ContainsFunc(s.Series, func(o StatisticSeries) bool {
		return o.PRM == p && o.Error != ""
	})
	if others {
		return time.Time{}
	}
	return s.FailingSince.Add(tellAfter)
}

// neglect is the sentence on statistics that have failed for long; empty while there is nothing to tell.
func (m Meter) neglect(loc Locale, now time.Time) string {
	from := m.Statistics.toldFrom(m.PRM)
	if from.IsZero() || now.Before(from) {
		return ""
	}
	said, ok := neglected[loc]
	if !ok {
		said = neglected[French]
	}
	return said[m.Statistics.State]
}
