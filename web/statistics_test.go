package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/web"
)

// atHome has the settings name a Home Assistant.
func atHome(o *web.Options) { o.Statistics = true }

// imported are statistics of both meters, of which the dashboard uses one.
func imported() *contract.Statistics {
	return &contract.Statistics{
		State: contract.StatisticsOK, LastImportAt: noon(),
		Series: []contract.StatisticSeries{
			{PRM: house, Direction: meter.Consumption, ID: "enedis2mqtt:09876543210987_consumption", InEnergy: true},
			{PRM: barn, Direction: meter.Production, ID: "enedis2mqtt:11111111112222_production"},
		},
	}
}

func TestPageTellsOfStatistics(t *testing.T) {
	const choose = "Paramètres → Énergie"
	tests := map[string]struct {
		change    func(*contract.Statistics)
		says      []string
		saysNot   []string
		statistic bool // something was tried
	}{
		"that are not tried yet": {says: []string{"rien n&#39;est encore écrit"}, saysNot: []string{choose, "HOMEASSISTANT_URL"}},
		"that are well": {
			statistic: true, change: func(*contract.Statistics) {},
			says: []string{
				"<p>à jour<br>", "2026-11-22 12:00", "<code>enedis2mqtt:…0987_consumption</code></td><td>oui",
				"<code>enedis2mqtt:…2222_production</code></td><td>non", "Dans le tableau Énergie\u00a0: 1 sur 2", choose, "14 chiffres du PRM",
			},
			saysNot: []string{"Erreur"},
		},
		"that are all in use": {
			statistic: true, change: func(s *contract.Statistics) { s.Series[1].InEnergy = true },
			says: []string{"2 sur 2"}, saysNot: []string{choose},
		},
		"that wait":        {statistic: true, change: func(s *contract.Statistics) { s.State = contract.StatisticsWaiting }, says: []string{"en attente"}},
		"that are stored":  {statistic: true, change: func(s *contract.Statistics) { s.State = contract.StatisticsStorage }, says: []string{"base de données du pont"}},
		"with a new state": {statistic: true, change: func(s *contract.Statistics) { s.State = "<odd>" }, says: []string{"<p>&lt;odd&gt;"}},
		"that are nowhere to be sent": {
			statistic: true, change: func(s *contract.Statistics) {
				*s = contract.Statistics{State: contract.StatisticsDown, Error: "dial <tcp>"}
			},
			says: []string{"ne répond pas", "dial &lt;tcp&gt;"}, saysNot: []string{"Dernière écriture", "<code>", choose},
		},
		"with a token that is refused": {
			statistic: true, change: func(s *contract.Statistics) { s.State, s.Error = contract.StatisticsAuth, "auth_invalid" },
			says: []string{"HOMEASSISTANT_TOKEN", "auth_invalid"},
		},
		"of which one is refused": {
			statistic: true, change: func(s *contract.Statistics) {
				s.State, s.Series[0].Error = contract.StatisticsRefused, "<b>enedis2mqtt:09876543210987_consumption"
				s.Error = "enedis2mqtt:09876543210987_consumption has another unit"
			},
			says: []string{"n&#39;a pas tout pris", "&lt;b&gt;enedis2mqtt:…0987_consumption", "enedis2mqtt:…0987_consumption has another unit"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := home()
			if tc.statistic {
				f.bridge.Statistics = imported()
				tc.change(f.bridge.Statistics)
			}
			_, body := get(t, server(t, f, atHome), "/")
			for _, want := range tc.says {
				require.Contains(t, body, want)
			}
			for _, not := range tc.saysNot {
				require.NotContains(t, body, not)
			}
			requireHomely(t, body)
		})
	}
}

func TestPageTellsOfStatisticsInBothLanguages(t *testing.T) {
	for file, locale := range map[string]contract.Locale{"statistics.fr.golden.html": contract.French, "statistics.en.golden.html": contract.English} {
		f := home()
		f.bridge.Statistics = imported()
		_, body := get(t, server(t, f, atHome, func(o *web.Options) { o.Locale = locale }), "/")
		golden(t, file, body[strings.LastIndex(body, "<h2>"):])
	}
}

func TestPageWithoutHomeAssistantHasOneLineOnIt(t *testing.T) {
	_, body := get(t, server(t, home()), "/")
	require.Equal(t, 1, strings.Count(body, "Home Assistant"))
	require.Contains(t, body, "HOMEASSISTANT_URL")
}
