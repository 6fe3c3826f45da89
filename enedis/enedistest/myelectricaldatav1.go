package enedistest

import (
	"maps"
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// MyElectricalDataV1 is the former gateway for individuals in front of an Enedis. A token is bound to one delivery point
// and stands alone in the Authorization header. What Enedis answers is handed on: its data as they are, its refusals as
// text in a detail. Faults of its own are injected here, those of Enedis there. It is an http.Handler, safe for concurrent use.
type MyElectricalDataV1 struct {
	*medGateway
	tokens map[meter.PRM]string
	mux    *http.ServeMux
}

// NewMyElectricalDataV1 makes one with the tokens of its delivery points.
func NewMyElectricalDataV1(e *Enedis, tokens map[meter.PRM]string) *MyElectricalDataV1 {
	g := &MyElectricalDataV1{medGateway: newMEDGateway(e), tokens: maps.Clone(tokens), mux: http.NewServeMux()}
	g.says = medV1Fault
	const days = "/{prm}/start/{start}/end/{end}"
	for name := range medPathsV5() {
		path := "GET /" + name + days
		if name == "contracts" {
			path = "GET /" + name + "/{prm}"
		}
		g.mux.HandleFunc(path, g.data(name, false))
		g.mux.HandleFunc(path+"/cache", g.data(name, true))
	}
	g.mux.HandleFunc("GET /valid_access/{prm}", g.validAccess)
	g.mux.HandleFunc("/", g.nowhere)
	return g
}

// ServeHTTP answers as the gateway does.
func (g *MyElectricalDataV1) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }

// Transport answers requests in memory, as Enedis.Transport does.
func (g *MyElectricalDataV1) Transport() http.RoundTripper { return transport{g} }

// medV1Fault is the gateway's own words for a fault.
func medV1Fault(name string) (answer, bool) {
	switch name {
	case "429":
		return medV1OverQuota(), true
	case "unauthorized":
		return medRefusal(http.StatusUnauthorized, "Consentement expiré."), true
	}
	return medFault(name)
}

func medV1OverQuota() answer { return medRefusal(http.StatusConflict, "Quota d'appel atteint.") }

// data hands on one of Enedis's resources.
func (g *MyElectricalDataV1) data(name string, cached bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		call := Call{Resource: name, PRM: medPRM(r)}
		call.Days, _ = medDays(r.PathValue("start"), r.PathValue("end"))
		g.serve(w, r, call, func() answer { return g.answer(r, call, cached) })
	}
}

func (g *MyElectricalDataV1) answer(r *http.Request, c Call, cached bool) answer {
	query := medRange(c.PRM, c.Days)
	switch {
	case !g.knows(r):
		return medRefusal(http.StatusForbidden, "Le token et le PDL ne correspondent pas.")
	case r.URL.RawQuery != "":
		return medMalformed("query")
	case c.Resource == "contracts":
		query.Del("start")
		query.Del("end")
	case c.Days == meter.Days{}:
		return medMalformed("path")
	}
	if _, ok := g.admit(r.Header.Get("Authorization"), cached, medQuota); !ok {
		return medV1OverQuota()
	}
	status, body, err := g.ask(r.Context(), medPathsV5()[c.Resource], query)
	switch {
	case err != nil:
		return medRefusal(http.StatusInternalServerError, "Enedis ne répond pas.")
	case status != http.StatusOK:
		return medRefusal(status, string(body))
	}
	return answer{status: http.StatusOK, contentType: typeJSON, body: body}
}

// knows tells whether the token is the delivery point's.
func (g *MyElectricalDataV1) knows(r *http.Request) bool {
	token, ok := g.tokens[medPRM(r)]
	return ok && token != "" && r.Header.Get("Authorization") == token
}

// medAccess is v1's account status.
type medAccess struct {
	Valid        bool   `json:"valid"`
	Information  string `json:"information"`
	Consent      string `json:"consent_expiration_date"`
	Calls        int    `json:"call_number"`
	Limit        int    `json:"quota_limit"`
	QuotaReached bool   `json:"quota_reached"`
	QuotaReset   string `json:"quota_reset_at"`
	LastCall     string `json:"last_call"`
	Ban          bool   `json:"ban"`
}

// validAccess answers the account status, whose times have no zone.
func (g *MyElectricalDataV1) validAccess(w http.ResponseWriter, r *http.Request) {
	call := Call{Resource: "valid_access", PRM: medPRM(r)}
	g.serve(w, r, call, func() answer { return g.access(r, call) })
}

func (g *MyElectricalDataV1) access(r *http.Request, call Call) answer {
	m, known := g.enedis.Meter(call.PRM)
	if !known || !g.knows(r) {
		return medRefusal(http.StatusForbidden, "Le token et le PDL ne correspondent pas.")
	}
	const zoneless = "2006-01-02T15:04:05.000000"
	_, end := m.consent(g.today())
	body := medAccess{
		Valid: m.consented(g.now()), Consent: end.String() + "T09:12:33", Limit: medQuota,
		QuotaReset: utcDay(g.now()) + "T23:59:59.999999", LastCall: g.now().UTC().Format(zoneless),
	}
	g.mu.Lock()
	body.Calls = g.spent[medCounter{day: utcDay(g.now()), token: r.Header.Get("Authorization")}]
	g.mu.Unlock()
	body.QuotaReached = body.Calls >= medQuota
	return success(body)
}
