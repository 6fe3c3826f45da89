package web

import (
	"fmt"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// statisticsView is how the import into Home Assistant's long-term statistics fares.
type statisticsView struct {
	Words      statisticsWords
	On         bool // the settings name a Home Assistant
	State      string
	LastImport string // empty before the first
	Error      string
	Summary    string // how many series the Energy dashboard uses
	Choose     string // how to choose the others there; empty when all are used
	Series     []statisticView
}

// statisticView is one of the statistics.
type statisticView struct {
	Name, ID, Use, Error string
}

// showStatistics puts it in words. Whole PRMs stand in the ids, and are shortened.
func (s *Server) showStatistics(b contract.Bridge, meters []contract.Meter) statisticsView {
	say := statisticsWordsOf(s.Locale)
	v := statisticsView{Words: say, On: s.Statistics, State: say.states[""]}
	is := b.Statistics
	if !v.On || is == nil {
		return v
	}
	v.Error = is.Error
	v.State = say.states[is.State]
	if v.State == "" {
		v.State = string(is.State)
	}
	if !is.LastImportAt.IsZero() {
		v.LastImport = moment(is.LastImportAt)
	}
	names := make(map[meter.PRM]string, len(meters))
	for _, m := range meters {
		names[m.PRM] = nameOf(m)
	}
	used := 0
	for _, one := range is.Series {
		short := strings.NewReplacer(string(one.PRM), one.PRM.Short())
		row := statisticView{Name: names[one.PRM], ID: short.Replace(one.ID), Use: say.unused, Error: short.Replace(one.Error)}
		v.Error = short.Replace(v.Error)
		if one.InEnergy {
			used++
			row.Use = say.used
		}
		v.Series = append(v.Series, row)
	}
	v.Summary = fmt.Sprintf(say.summary, used, len(is.Series))
	if used < len(is.Series) {
		v.Choose = say.choose
	}
	return v
}

// statisticsWords are what the page says of Home Assistant's statistics, in one language.
type statisticsWords struct {
	Title, Off, LastImport, Name, ID, Use, Note, Error string
	summary, choose, used, unused                      string
	states                                             map[contract.StatisticsState]string // "": nothing was tried yet
}

func statisticsWordsOf(l contract.Locale) statisticsWords {
	if l == contract.English {
		return englishStatistics
	}
	return frenchStatistics
}

// frenchStatistics are Home Assistant's statistics in French.
var frenchStatistics = statisticsWords{
	Title: "Statistiques de Home Assistant",
	Off: "Pour son tableau Énergie, le pont peut écrire l'énergie dans les statistiques de Home Assistant\u00a0: réglez " +
		"HOMEASSISTANT_URL et HOMEASSISTANT_TOKEN.",
	LastImport: "Dernière écriture", Name: "Compteur", ID: "Identifiant", Use: "Tableau Énergie", Error: "Erreur",
	Note: "L'identifiant est fait de «\u00a0enedis2mqtt:\u00a0», des 14 chiffres du PRM (ici «\u00a0…\u00a0» et les quatre " +
		"derniers), puis de «\u00a0_consumption\u00a0» ou «\u00a0_production\u00a0».",
	summary: "Dans le tableau Énergie\u00a0: %d sur %d",
	choose: "Pour les y mettre, dans Home Assistant\u00a0: Paramètres → Énergie (avant 2026\u00a0: Paramètres → Tableaux de bord → " +
		"Énergie) → Réseau électrique, puis choisissez la statistique au nom du compteur.",
	used: "oui", unused: "non",
	states: map[contract.StatisticsState]string{
		"":                         "rien n'est encore écrit\u00a0: rien à faire, le pont va le faire",
		contract.StatisticsOK:      "à jour",
		contract.StatisticsWaiting: "en attente\u00a0: Home Assistant démarre, migre sa base ou est occupé\u00a0; rien à faire",
		contract.StatisticsDown:    "Home Assistant ne répond pas\u00a0: vérifiez qu'il tourne, et HOMEASSISTANT_URL",
		contract.StatisticsAuth:    "le jeton est refusé, ou n'est pas d'un administrateur\u00a0: changez HOMEASSISTANT_TOKEN",
		contract.StatisticsRefused: "Home Assistant n'a pas tout pris\u00a0: l'erreur dit quoi",
		contract.StatisticsStorage: "la base de données du pont ne répond pas\u00a0: libérez de la place ou vérifiez son dossier",
	},
}

// englishStatistics are Home Assistant's statistics in English.
var englishStatistics = statisticsWords{
	Title: "Home Assistant's statistics",
	Off: "For its Energy dashboard, the bridge can write the energy into Home Assistant's statistics: set HOMEASSISTANT_URL and " +
		"HOMEASSISTANT_TOKEN.",
	LastImport: "Last written", Name: "Meter", ID: "Id", Use: "Energy dashboard", Error: "Error",
	Note: "The id is made of \"enedis2mqtt:\", the 14 digits of the PRM (here \"…\" and the last four), then \"_consumption\" or " +
		"\"_production\".",
	summary: "In the Energy dashboard: %d of %d",
	choose: "To put them there, in Home Assistant: Settings → Energy (before 2026: Settings → Dashboards → Energy) → Electricity " +
		"grid, then choose the statistic with the meter's name.",
	used: "yes", unused: "no",
	states: map[contract.StatisticsState]string{
		"":                         "nothing is written yet: nothing to do, the bridge is about to",
		contract.StatisticsOK:      "up to date",
		contract.StatisticsWaiting: "waiting: Home Assistant starts, migrates its database or is busy; nothing to do",
		contract.StatisticsDown:    "Home Assistant does not answer: check that it runs, and HOMEASSISTANT_URL",
		contract.StatisticsAuth:    "the token is refused, or not of an administrator: change HOMEASSISTANT_TOKEN",
		contract.StatisticsRefused: "Home Assistant has not taken all of it: the error says what",
		contract.StatisticsStorage: "the bridge's database fails: free some space or check its folder",
	},
}
