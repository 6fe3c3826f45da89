package dataconnect

import (
	"context"
	"net/url"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// dialect is what sets one version of the API apart.
type dialect struct {
	hourly       int          // calls an hour
	counted      enedis.Scope // what Enedis counts them for
	authorizeURL string       // of Enedis's consent page
	resources    map[measured]resource
	query        func(enedis.Request, meter.Days) url.Values
	decode       func(source string, req enedis.Request, body []byte) (wire.Decoded, error)
	profile      func(*Client, context.Context, meter.PRM) (enedis.Profile, error)
}

// measured is what a resource is about.
type measured struct {
	direction meter.Direction
	measure   meter.Measure
}

func dialectOf(v Version) (dialect, bool) {
	switch v {
	case V2026:
		return dialect2026(), true
	case V5:
		return dialectV5(), true
	}
	return dialect{}, false
}

// dialect2026 is that of the Swagger files of mesure_synchrone_auto v2.
func dialect2026() dialect {
	const api = "mesure_synchrone_auto/v2/"
	return dialect{
		hourly:       1000,
		counted:      enedis.ScopeAPI,
		authorizeURL: AuthorizeURL2026,
		resources: map[measured]resource{
			{meter.Consumption, meter.Daily}:     metering(api + "consommation_quotidienne"),
			{meter.Consumption, meter.LoadCurve}: metering(api + "courbe_de_charge_consommation"),
			{meter.Consumption, meter.MaxPower}:  metering(api + "puissance_conso_max_quotidienne"),
			{meter.Consumption, meter.Register}:  metering(api + "index_consommation"),
			{meter.Production, meter.Daily}:      metering(api + "production_quotidienne"),
			{meter.Production, meter.LoadCurve}:  metering(api + "courbe_de_charge_production"),
			{meter.Production, meter.Register}:   metering(api + "index_production"),
		},
		query: func(req enedis.Request, days meter.Days) url.Values {
			q := url.Values{
				"pointId":   {string(req.PRM)},
				"dateDebut": {days.From.String()},
				"dateFin":   {days.To.String()}, // excluded
			}
			if req.Measure == meter.MaxPower {
				q.Set("mesuresPas", "P1D")
				q.Set("grandeurPhysique", "PMA")
			}
			return q
		},
		decode:  wire.Decode2026,
		profile: (*Client).profile2026,
	}
}

// dialectV5 is that of the OpenAPI files of v5; it has no registers.
func dialectV5() dialect {
	return dialect{
		hourly:       10_000,
		counted:      enedis.ScopeAddress, // the application: all its users and resources together
		authorizeURL: AuthorizeURLV5,
		resources: map[measured]resource{
			{meter.Consumption, meter.Daily}:     metering("metering_data_dc/v5/daily_consumption"),
			{meter.Consumption, meter.LoadCurve}: metering("metering_data_clc/v5/consumption_load_curve"),
			{meter.Consumption, meter.MaxPower}:  metering("metering_data_dcmp/v5/daily_consumption_max_power"),
			{meter.Production, meter.Daily}:      metering("metering_data_dp/v5/daily_production"),
			{meter.Production, meter.LoadCurve}:  metering("metering_data_plc/v5/production_load_curve"),
		},
		query: func(req enedis.Request, days meter.Days) url.Values {
			return url.Values{
				"usage_point_id": {string(req.PRM)},
				"start":          {days.From.String()},
				"end":            {days.To.String()}, // excluded
			}
		},
		decode:  wire.DecodeV5,
		profile: (*Client).profileV5,
	}
}
