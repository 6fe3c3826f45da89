package enedistest

import (
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// dialect is the form of an API: of its parameters, its answers and its refusals.
type dialect int

const (
	oauth dialect = iota // the token endpoint, and what is nowhere
	v5
	v2026
)

// APIToken and ResourceToken name the token endpoint in calls and faults.
const (
	APIToken      = "oauth2"
	ResourceToken = "token"
)

// ResourceServices names the exchange of a consent for its meters in calls and faults.
const ResourceServices = "subscribed_services"

// unknownResource names a path that Enedis does not have.
const unknownResource = "unknown"

// resource is one path of one API.
type resource struct {
	dialect   dialect
	api       string // what is subscribed, and what a quota is counted for
	name      string
	method    string
	path      string // a pattern of http.ServeMux
	context   string // path of the API, as its errors name it
	direction meter.Direction
	measure   meter.Measure
	answer    func(*query) answer
}

// resources is the whole of Enedis.
func (e *Enedis) resources() []resource {
	return []resource{
		{
			api: APIToken, name: ResourceToken, method: http.MethodPost, path: "/oauth2/v3/token", context: "/oauth2/v3",
			answer: e.token,
		},

		e.measures2026("consommation_quotidienne", meter.Consumption, meter.Daily),
		e.measures2026("production_quotidienne", meter.Production, meter.Daily),
		e.measures2026("courbe_de_charge_consommation", meter.Consumption, meter.LoadCurve),
		e.measures2026("courbe_de_charge_production", meter.Production, meter.LoadCurve),
		e.measures2026("puissance_conso_max_quotidienne", meter.Consumption, meter.MaxPower),
		e.measures2026("index_consommation", meter.Consumption, meter.Register),
		e.measures2026("index_production", meter.Production, meter.Register),

		contract2026("situation_contrat_auto", e.contract(situation)),
		contract2026("synth_contrat_auto", e.contract(synthesis)),
		contract2026("comptage_auto", e.contract(metering)),
		contract2026("donnees_generales_auto", e.contract(generalData)),
		{
			dialect: v2026, api: ResourceServices, name: ResourceServices, method: http.MethodPost,
			path: "/subscribed_services/v1/{$}", context: "/subscribed_services/v1", answer: e.services,
		},

		e.measuresV5("metering_data_dc", "daily_consumption", meter.Consumption, meter.Daily),
		e.measuresV5("metering_data_clc", "consumption_load_curve", meter.Consumption, meter.LoadCurve),
		e.measuresV5("metering_data_dcmp", "daily_consumption_max_power", meter.Consumption, meter.MaxPower),
		e.measuresV5("metering_data_dp", "daily_production", meter.Production, meter.Daily),
		e.measuresV5("metering_data_plc", "production_load_curve", meter.Production, meter.LoadCurve),

		contractV5("customers_upc", "usage_points/contracts", e.contract(contracts)),
		contractV5("customers_upa", "usage_points/addresses", e.contract(addresses)),
		contractV5("customers_i", "identity", e.contract(identity)),
		contractV5("customers_cd", "contact_data", e.contract(contact)),
	}
}

func (e *Enedis) measures2026(name string, d meter.Direction, m meter.Measure) resource {
	const api, context = "mesure_synchrone_auto", "/mesure_synchrone_auto/v2"
	return resource{
		dialect: v2026, api: api, name: name, method: http.MethodGet, path: context + "/" + name, context: context,
		direction: d, measure: m, answer: e.measure,
	}
}

func (e *Enedis) measuresV5(api, name string, d meter.Direction, m meter.Measure) resource {
	context := "/" + api + "/v5"
	return resource{
		dialect: v5, api: api, name: name, method: http.MethodGet, path: context + "/" + name, context: context,
		direction: d, measure: m, answer: e.measure,
	}
}

// prmPattern is the rest of a path that should be a PRM.
const prmPattern = "/{prm...}"

// contract2026 is an API of 2026 that takes the PRM as the rest of its path.
func contract2026(api string, answer func(*query) answer) resource {
	context := "/" + api + "/v1"
	return resource{
		dialect: v2026, api: api, name: api, method: http.MethodGet, path: context + prmPattern, context: context, answer: answer,
	}
}

func contractV5(api, path string, answer func(*query) answer) resource {
	context := "/" + api + "/v5"
	return resource{
		dialect: v5, api: api, name: path[lastSlash(path)+1:], method: http.MethodGet,
		path: context + "/" + path, context: context, answer: answer,
	}
}

// handle serves a resource: the quota first, then a fault if one strikes, then the answer that Enedis would give.
func (e *Enedis) handle(res resource) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := e.receive(&res, r)
		call := e.begin(q)
		over := e.admit(q)
		var f *strike
		if over == nil {
			f = e.strikes(q)
		}
		a := e.answerTo(q, over, f)
		status := a.status
		if f.silent() {
			status = 0
		}
		e.end(call, status, f.name())
		w.Header().Set("Date", f.date(q.now.Add(e.options.Skew)))
		f.send(w, r, a)
	}
}

// answerTo is the answer before it is sent.
func (e *Enedis) answerTo(q *query, over *refusal, f *strike) answer {
	if over != nil {
		return over.answer()
	}
	if a, ok := f.instead(q); ok {
		return a
	}
	q.bend = f.bend
	return f.edit(q, e.answer(q))
}

// answer is what Enedis says when nothing is wrong with it.
func (e *Enedis) answer(q *query) answer {
	if q.method != "" && q.request.Method != q.method {
		return methodNotAllowed().answer()
	}
	if q.dialect != oauth {
		if no := e.authorise(q); no != nil {
			return no.answer()
		}
		if !e.subscribed(q.api) {
			return notSubscribed().answer()
		}
	}
	return q.answer(q)
}

// unknown answers a path that is nowhere, as the device in front of Enedis does.
func (e *Enedis) unknown(*query) answer {
	return answer{status: http.StatusNotFound, contentType: typeHTML, body: page("404 Not Found")}
}
