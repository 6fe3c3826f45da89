package enedistest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// consoInvalid is what the gateway's validator, zod, says of parameters.
type consoInvalid struct {
	Issues []consoIssue `json:"issues"`
	Name   string       `json:"name"`
}

type consoIssue struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Path    []string `json:"path"`
}

// consoInput is what a request asks for.
type consoInput struct {
	resource      resource // of Enedis
	known         bool     // there is such a resource
	prm           string
	from, to      string
	pas, physique string // of a maximum power
}

// consoInput reads a request. The former names of parameters go with the types of 2026 as well, and the other way round.
func (e *Enedis) consoInput(kind string, params url.Values) consoInput {
	in := consoInput{
		prm:      cmp.Or(params.Get("pointId"), params.Get("prm")),
		from:     cmp.Or(params.Get("dateDebut"), params.Get("start")),
		to:       cmp.Or(params.Get("dateFin"), params.Get("end")),
		pas:      cmp.Or(params.Get("mesuresPas"), stepDay),
		physique: cmp.Or(params.Get("grandeurPhysique"), "PMA"),
	}
	in.resource, in.known = e.ofConso(kind)
	return in
}

// ofConso is the resource behind one of the gateway's types, which have Enedis's names but for one.
func (e *Enedis) ofConso(kind string) (res resource, ok bool) {
	const peak, peakV5 = "consumption_max_power", "daily_consumption_max_power"
	switch kind {
	case peakV5:
		return resource{}, false
	case peak:
		kind = peakV5
	}
	for _, res := range e.resources() {
		if res.measure != "" && res.name == kind {
			return res, true
		}
	}
	return resource{}, false
}

// validate reads the type and the parameters, and says what is wrong with them.
func (c *ConsoAPI) validate(kind string, r *http.Request) (in consoInput, issues []consoIssue) {
	params, err := url.ParseQuery(r.URL.RawQuery)
	in = c.enedis.consoInput(kind, params)
	refuse := func(wrong bool, path, code, message string) {
		if wrong {
			issues = append(issues, consoIssue{code, message, []string{path}})
		}
	}
	known := []string{"pointId", "dateDebut", "dateFin", "prm", "start", "end", "mesuresPas", "grandeurPhysique"}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		refuse(!slices.Contains(known, name) || len(params[name]) > 1, name, "unrecognized_keys", "Unrecognized key")
	}
	refuse(err != nil, "", "custom", "Invalid query string")
	refuse(!in.known, "type", "invalid_enum_value", "Invalid enum value")
	_, err = meter.ParsePRM(in.prm)
	refuse(err != nil, "pointId", "too_small", "String must contain exactly 14 character(s)")
	_, err = meter.ParseDay(in.from)
	refuse(err != nil, "dateDebut", "invalid_string", "Invalid")
	_, err = meter.ParseDay(in.to)
	refuse(err != nil, "dateFin", "invalid_string", "Invalid")
	refuse(in.pas != stepDay && in.pas != stepMonth, "mesuresPas", "invalid_enum_value", "Invalid enum value")
	refuse(in.physique != "PMA" && in.physique != "TOUT", "grandeurPhysique", "invalid_enum_value", "Invalid enum value")
	return in, issues
}

// query is the request's for Enedis.
func (in consoInput) query() url.Values {
	if in.resource.dialect == v5 {
		return url.Values{"usage_point_id": {in.prm}, "start": {in.from}, "end": {in.to}}
	}
	q := url.Values{"pointId": {in.prm}, "dateDebut": {in.from}, "dateFin": {in.to}}
	if in.resource.measure == meter.MaxPower {
		q.Set("mesuresPas", in.pas)
		q.Set("grandeurPhysique", in.physique)
	}
	return q
}
