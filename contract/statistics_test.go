package contract_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

func TestMessageTellsOfStatisticsThatFailForLong(t *testing.T) {
	now := instant(t, "2026-11-22T12:00:00+01:00")
	const other = "33000000000033"
	for name, tc := range map[string]struct {
		state  contract.StatisticsState
		since  time.Time
		series []contract.StatisticSeries
		says   string // in the sentence; empty: there is none
	}{
		"they are off":                   {},
		"they are well":                  {state: contract.StatisticsOK},
		"down for an hour":               {state: contract.StatisticsDown, since: now.Add(-time.Hour), says: "HOMEASSISTANT_URL"},
		"down for less":                  {state: contract.StatisticsDown, since: now.Add(-time.Hour + time.Second)},
		"a token that is refused":        {state: contract.StatisticsAuth, since: now.Add(-25 * time.Hour), says: "HOMEASSISTANT_TOKEN"},
		"a statistic that is refused":    {state: contract.StatisticsRefused, since: now.Add(-2 * time.Hour), says: "bridge/health"},
		"a migration mends itself":       {state: contract.StatisticsWaiting, since: now.Add(-2 * time.Hour)},
		"the store is told of elsewhere": {state: contract.StatisticsStorage, since: now.Add(-2 * time.Hour)},
		"another meter's is refused": {
			state: contract.StatisticsRefused, since: now.Add(-2 * time.Hour),
			series: []contract.StatisticSeries{{PRM: other, Error: "unit Wh"}, {PRM: "09876543210987"}},
		},
		"this meter's is refused": {
			state: contract.StatisticsRefused, since: now.Add(-2 * time.Hour), says: "bridge/health",
			series: []contract.StatisticSeries{{PRM: other}, {PRM: "09876543210987", Error: "unit Wh"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, loc := range []contract.Locale{contract.French, contract.English} {
				m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
				plain := m.Light(loc, now)
				if tc.state != "" {
					m.Statistics = &contract.Statistics{State: tc.state, FailingSince: tc.since, Series: tc.series}
				}
				l := m.Light(loc, now)
				sentence, ok := strings.CutPrefix(l.Message, plain.Message)
				require.True(t, ok, "one more sentence: %s", l.Message)
				require.Contains(t, sentence, tc.says)
				require.Equal(t, tc.says == "", sentence == "", sentence)
				l.Message = plain.Message
				require.Equal(t, plain, l, "nothing else changes")
			}
		})
	}
}

func TestTheClockAloneTellsOfStatisticsThatFail(t *testing.T) {
	now := instant(t, "2026-11-22T12:00:00+01:00")
	midnight := instant(t, "2026-11-23T00:00:00+01:00")
	m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption)
	require.True(t, midnight.Equal(m.NextChange(now)))
	m.Statistics = &contract.Statistics{State: contract.StatisticsDown, FailingSince: now.Add(-time.Minute)}
	require.True(t, now.Add(59*time.Minute).Equal(m.NextChange(now)))
	m.Statistics.FailingSince = now.Add(-time.Hour)
	require.True(t, midnight.Equal(m.NextChange(now)), "it is told")
}
