package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// statisticsSettings are where Home Assistant's statistics are kept.
type statisticsSettings struct {
	endpoint *url.URL // of its WebSocket API; nil: no statistics
	token    secret
}

// statistics is the import into Home Assistant in the words of the bridge, which it asks for what there is to import.
type statistics struct {
	*homeassistant.Importer
	bridge *bridge.Bridge // set before the import runs
	locale contract.Locale
}

// newStatistics makes the import out of the settings; nil when there is none.
func newStatistics(s settings, kept *store.Store, now func() time.Time, log *slog.Logger) *statistics {
	if s.statistics.endpoint == nil {
		return nil
	}
	i := &statistics{locale: s.locale}
	i.Importer = homeassistant.New(homeassistant.Options{
		Endpoint: s.statistics.endpoint, Token: string(s.statistics.token), Store: statisticsStore{kept},
		Series:  func() []homeassistant.Series { return statisticsOf(i.bridge.Profiles(), i.locale) },
		Filling: func(p meter.PRM) bool { return i.bridge.Filling(p) },
		Log:     log, Now: now,
	})
	return i
}

// statisticsOf lists the statistics of meters: one for each direction that is there.
func statisticsOf(meters []contract.Profile, locale contract.Locale) (list []homeassistant.Series) {
	words := map[meter.Direction]string{meter.Consumption: "consommation", meter.Production: "production"}
	if locale == contract.English {
		words[meter.Consumption] = "consumption"
	}
	for _, m := range meters {
		for _, d := range m.Directions {
			list = append(list, homeassistant.Series{PRM: m.PRM, Direction: d, Name: m.Name + " " + words[d]})
		}
	}
	return list
}

// Fare tells how the import fares; nil before its first pass has ended.
func (i *statistics) Fare() *contract.Statistics {
	o := i.Outcome()
	if o.State == "" {
		return nil
	}
	fare := &contract.Statistics{
		State: contract.StatisticsState(o.State), LastImportAt: o.LastImportAt, Error: o.Error, FailingSince: o.FailingSince,
	}
	for _, s := range o.Series {
		series := contract.StatisticSeries{PRM: s.PRM, Direction: s.Direction, ID: string(s.ID()), InEnergy: s.InEnergy}
		if s.Err != nil {
			series.Error = s.Err.Error()
		}
		fare.Series = append(fare.Series, series)
	}
	return fare
}

// keyMark and an id of a statistic are the key under which the store keeps how far the statistic follows it.
const keyMark = "statistics/"

// statisticsStore is the store in the words of the import.
type statisticsStore struct{ *store.Store }

// Mark reads what SetMark kept. One that cannot be read counts as none: then all rows are compared.
func (s statisticsStore) Mark(ctx context.Context, id homeassistant.ID) (m homeassistant.Mark, err error) {
	text, ok, err := s.Value(ctx, keyMark+string(id))
	if err != nil || !ok || json.Unmarshal([]byte(text), &m) != nil {
		return homeassistant.Mark{}, err
	}
	return m, nil
}

// SetMark keeps a mark.
func (s statisticsStore) SetMark(ctx context.Context, id homeassistant.ID, m homeassistant.Mark) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.SetValue(ctx, keyMark+string(id), string(text))
}
