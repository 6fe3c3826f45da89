package enedistest

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// MyElectricalDataV2Options say what account the gateway has. ClientID and ClientSecret are required.
type MyElectricalDataV2Options struct {
	ClientID, ClientSecret string
	// Since2 makes it the gateway of October 2026: the end of each range is excluded and may be today, and the batch speaks
	// the format of 2026 to everyone. Without it, it is that of February, 1.22.
	Since2 bool
}

// medTokenLife is how long a token of v2 lives, which its answer does not say.
const medTokenLife = 30 * 24 * time.Hour

// MyElectricalDataV2 is the gateway for individuals in front of an Enedis, below the path /api. All meters of the Enedis
// are in its one account. It stamps the slots of a curve at their start, by the wall clock, and says no with HTTP 200.
// Faults of its own are injected here, those of Enedis there. It is an http.Handler, safe for concurrent use.
type MyElectricalDataV2 struct {
	*medGateway
	options MyElectricalDataV2Options
	mux     *http.ServeMux

	tokens  map[string]time.Time // with the end of their life; guarded by the relay's mutex, as are the two below
	failed  map[medDay]medFailure
	blocked map[medDay]time.Time // the blacklist: days that are not asked for until then
}

// medDay is a day of a delivery point, of both directions: the gateway does not tell them apart.
type medDay struct {
	prm meter.PRM
	day meter.Day
}

// medFailure counts how often a day has failed in the 24 h since it failed first.
type medFailure struct {
	times int
	since time.Time
}

// NewMyElectricalDataV2 makes one. It panics without credentials.
func NewMyElectricalDataV2(e *Enedis, o MyElectricalDataV2Options) *MyElectricalDataV2 {
	if o.ClientID == "" || o.ClientSecret == "" {
		panic("enedistest: the gateway needs the credentials of its account")
	}
	g := &MyElectricalDataV2{
		medGateway: newMEDGateway(e), options: o, mux: http.NewServeMux(),
		tokens: map[string]time.Time{}, failed: map[medDay]medFailure{}, blocked: map[medDay]time.Time{},
	}
	g.says = g.fault
	g.mux.HandleFunc("POST /api/accounts/token", g.token)
	g.mux.HandleFunc("GET /api/pdl/{$}", g.pdl)
	g.mux.Handle("GET /api/pdl", http.RedirectHandler("/api/pdl/", http.StatusTemporaryRedirect))
	for _, res := range medResources() {
		g.mux.HandleFunc("GET /api/enedis/"+res.name+"/{prm}", g.data(res))
	}
	g.mux.HandleFunc("/", g.nowhere)
	return g
}

// ServeHTTP answers as the gateway does.
func (g *MyElectricalDataV2) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }

// Transport answers requests in memory, as Enedis.Transport does.
func (g *MyElectricalDataV2) Transport() http.RoundTripper { return transport{g} }

// fault is the gateway's own words for one.
func (g *MyElectricalDataV2) fault(name string) (answer, bool) {
	switch name {
	case "429":
		return g.overQuota(medQuota, medQuota), true
	case "unauthorized":
		return medRefusal(http.StatusUnauthorized, medBadToken), true
	}
	return medFault(name)
}

// medBadToken refuses who is not known.
const medBadToken = "Invalid authentication credentials"

func (g *MyElectricalDataV2) overQuota(spent, limit int) answer {
	return g.no("RATE_LIMIT_EXCEEDED", fmt.Sprintf("Daily rate limit exceeded (%d/%d).", spent, limit))
}

// ExpireTokens makes every token that is out invalid.
func (g *MyElectricalDataV2) ExpireTokens() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.tokens)
}

// token answers the exchange of client credentials, in the form or in the header.
func (g *MyElectricalDataV2) token(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, Call{Resource: ResourceToken}, func() answer { return g.grant(r) })
}

func (g *MyElectricalDataV2) grant(r *http.Request) answer {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" || r.URL.RawQuery != "" {
		return medMalformed("body")
	}
	if r.PostFormValue("grant_type") != "client_credentials" {
		return medMalformed("grant_type")
	}
	id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	if id == "" && secret == "" {
		id, secret, _ = r.BasicAuth()
	}
	switch {
	case id == "" || secret == "":
		return medRefusal(http.StatusUnprocessableEntity,
			"client_id and client_secret are required (provide in form data or Basic Auth header)")
	case id != g.options.ClientID || secret != g.options.ClientSecret:
		return medRefusal(http.StatusUnauthorized, "Invalid client credentials")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	token := fmt.Sprintf("HEADER.PAYLOAD.%d", g.now().UnixNano()+int64(len(g.calls)))
	g.tokens[token] = g.now().Add(medTokenLife)
	return success(map[string]string{"access_token": token, "token_type": "bearer"})
}

// refuseCaller refuses who is neither the account's secret nor a token of it.
func (g *MyElectricalDataV2) refuseCaller(r *http.Request) (answer, bool) {
	token := bearer(r)
	if token == "" {
		return medRefusal(http.StatusUnauthorized, "Not authenticated"), true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if until, ok := g.tokens[token]; token == g.options.ClientSecret || ok && g.now().Before(until) {
		return answer{}, false
	}
	return medRefusal(http.StatusUnauthorized, medBadToken), true
}

// The envelope of all answers but those of the front door.
type (
	medEnvelope struct {
		Success   bool      `json:"success"`
		Data      any       `json:"data"`
		Error     *medError `json:"error"`
		Timestamp string    `json:"timestamp"` // UTC, without saying so
	}
	medError struct {
		Code    string  `json:"code"`
		Message string  `json:"message"`
		Field   *string `json:"field"`
	}
)

// envelope wraps data, or an error, or both.
func (g *MyElectricalDataV2) envelope(data any, e *medError) answer {
	return success(medEnvelope{
		Success: data != nil || e == nil, Data: data, Error: e,
		Timestamp: g.now().UTC().Format("2006-01-02T15:04:05.000000"),
	})
}

func (g *MyElectricalDataV2) no(code, message string) answer {
	return g.envelope(nil, &medError{Code: code, Message: message})
}

// medPoint is a delivery point of the account.
type medPoint struct {
	ID          string    `json:"id"`
	PRM         meter.PRM `json:"usage_point_id"`
	Name        string    `json:"name"`
	Power       int       `json:"subscribed_power"`
	Consumption bool      `json:"has_consumption"`
	Production  bool      `json:"has_production"`
	Active      bool      `json:"is_active"`
	Activation  meter.Day `json:"activation_date"`
}

// pdl lists the delivery points. It counts against no quota.
func (g *MyElectricalDataV2) pdl(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, Call{Resource: "pdl"}, func() answer { return g.points(r) })
}

func (g *MyElectricalDataV2) points(r *http.Request) answer {
	if no, refused := g.refuseCaller(r); refused {
		return no
	}
	points := []medPoint{}
	for i, m := range g.enedis.Meters() {
		points = append(points, medPoint{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i+1), PRM: m.PRM, Name: "Linky " + m.PRM.Tail(),
			Power: m.Contract.withDefaults().KVA, Consumption: m.has(meter.Consumption), Production: m.has(meter.Production),
			Active: true, Activation: m.ActivationOf(m.Directions()[0]),
		})
	}
	return g.envelope(points, nil)
}

// medQuery is a request for data.
type medQuery struct {
	*http.Request
	medResource
	prm     meter.PRM
	days    meter.Days
	dateErr error
	cached  bool
	of2026  bool
}

// data serves a resource below /enedis: the front door first, then the account, the dates, the quota, and Enedis.
func (g *MyElectricalDataV2) data(res medResource) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := medQuery{Request: r, medResource: res, prm: medPRM(r), of2026: r.Header.Get("X-MED-Format") == "2026"}
		q.days, q.dateErr = medDays(r.URL.Query().Get("start"), r.URL.Query().Get("end"))
		if !q.of2026 {
			w.Header().Set("Deprecation", "@1791153780")
		}
		g.serve(w, r, Call{Resource: res.name, PRM: q.prm, Days: q.days}, func() answer {
			if no, refused := g.refuseCaller(r); refused {
				return no
			}
			return g.answer(&q)
		})
	}
}

func (g *MyElectricalDataV2) answer(q *medQuery) answer {
	if !q.readParams() {
		return medMalformed("query")
	}
	if _, owned := g.enedis.Meter(q.prm); !owned {
		return g.no("ACCESS_DENIED", "Access denied: no valid token for this PDL")
	}
	if q.years > 0 || q.measure != "" {
		if e := g.checkDates(q); e != nil {
			return g.envelope(nil, e)
		}
	}
	limit := medQuota
	if q.cached {
		limit = medQuotaCached
	}
	if spent, ok := g.admit(g.options.ClientSecret, q.cached, limit); !ok { // a token counts for its account
		return g.overQuota(spent, limit)
	}
	return q.serve(g, q)
}

// readParams reads use_cache, and tells whether all parameters are there and no others.
func (q *medQuery) readParams() bool {
	params := q.URL.Query()
	for name, values := range params {
		if len(values) != 1 || name != "use_cache" && (name != "start" && name != "end" || q.measure == "") {
			return false
		}
	}
	if q.measure != "" && (!params.Has("start") || !params.Has("end")) {
		return false
	}
	if !params.Has("use_cache") {
		q.cached = strings.HasSuffix(q.name, "/batch") // its default
		return true
	}
	cached, err := strconv.ParseBool(params.Get("use_cache"))
	q.cached = cached
	return err == nil
}

// checkDates bends the range to what the gateway asks Enedis for, and refuses what lies too far back.
func (g *MyElectricalDataV2) checkDates(q *medQuery) *medError {
	if q.dateErr != nil {
		return &medError{Code: "INVALID_DATE_FORMAT", Message: "Invalid date format. Expected YYYY-MM-DD."}
	}
	if q.days.From > q.days.To {
		return &medError{Code: "INVALID_DATE_RANGE", Message: "Start date must be before or equal to end date"}
	}
	if q.bend != nil || g.options.Since2 {
		q.days = q.bent(g.options.Since2, g.today())
	}
	if oldest := g.today().MonthsBack(12 * q.years); q.years > 0 && q.days.From < oldest {
		return &medError{Code: "DATE_TOO_OLD", Message: "Start date is too old. Oldest allowed date: " + oldest.String()}
	}
	return nil
}
