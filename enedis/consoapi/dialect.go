package consoapi

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Format is one of the two families of types that the gateway has, spelled as the version of Data Connect it hands through.
type Format string

// The formats.
const (
	Format2026 Format = "2026" // Enedis's body as it is
	FormatV5   Format = "v5"   // the former types, announced to fail from October 2026 on
)

// dialect is what sets one format apart.
type dialect struct {
	kinds  map[measured]string // the gateway's types: the last segment of the path
	query  func(enedis.Request, meter.Days) url.Values
	decode func(source string, req enedis.Request, body []byte) (wire.Decoded, error)
}

// measured is what a type is about.
type measured struct {
	direction meter.Direction
	measure   meter.Measure
}

func dialectOf(f Format) (dialect, bool) {
	switch f {
	case Format2026, "":
		return dialect2026(), true
	case FormatV5:
		return dialectV5(), true
	}
	return dialect{}, false
}

// dialect2026 is that of the gateway's documentation.
func dialect2026() dialect {
	return dialect{
		kinds: map[measured]string{
			{meter.Consumption, meter.Daily}:     "consommation_quotidienne",
			{meter.Consumption, meter.LoadCurve}: "courbe_de_charge_consommation",
			{meter.Consumption, meter.MaxPower}:  "puissance_conso_max_quotidienne",
			{meter.Consumption, meter.Register}:  "index_consommation",
			{meter.Production, meter.Daily}:      "production_quotidienne",
			{meter.Production, meter.LoadCurve}:  "courbe_de_charge_production",
			{meter.Production, meter.Register}:   "index_production",
		},
		query: func(req enedis.Request, days meter.Days) url.Values {
			q := url.Values{
				"pointId":   {string(req.PRM)},
				"dateDebut": {days.From.String()},
				"dateFin":   {days.To.String()}, // excluded
			}
			if req.Measure == meter.MaxPower { // the gateway's defaults, said so that nobody has to know them
				q.Set("mesuresPas", "P1D")
				q.Set("grandeurPhysique", "PMA")
			}
			return q
		},
		decode: wire.Decode2026,
	}
}

// dialectV5 is that of the page "Migration 2026", column of the former types; it has no registers.
func dialectV5() dialect {
	return dialect{
		kinds: map[measured]string{
			{meter.Consumption, meter.Daily}:     "daily_consumption",
			{meter.Consumption, meter.LoadCurve}: "consumption_load_curve",
			{meter.Consumption, meter.MaxPower}:  "consumption_max_power",
			{meter.Production, meter.Daily}:      "daily_production",
			{meter.Production, meter.LoadCurve}:  "production_load_curve",
		},
		query: func(req enedis.Request, days meter.Days) url.Values {
			return url.Values{
				"prm":   {string(req.PRM)},
				"start": {days.From.String()},
				"end":   {days.To.String()}, // excluded
			}
		},
		decode: decodeV5,
	}
}

// decodeV5 reads the inner object of an answer of v5: the gateway has taken it out of meter_reading, and here it is put
// back. What has no interval_reading goes to the decoder as it is, which tells an empty shell from something else.
func decodeV5(source string, req enedis.Request, body []byte) (wire.Decoded, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return wire.Decoded{}, err
	}
	if _, inner := fields["interval_reading"]; inner {
		body = slices.Concat([]byte(`{"meter_reading":`), body, []byte(`}`))
	}
	return wire.DecodeV5(source, req, body)
}
