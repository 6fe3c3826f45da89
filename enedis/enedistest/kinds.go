package enedistest

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// kind is what a fault does: it answers in place of Enedis, bends values, edits the answer, or sends it badly.
type kind struct {
	name, about string

	only       string                                           // it is one of this resource alone
	everywhere bool                                             // it strikes the token endpoint as well
	silent     bool                                             // the request gets no answer
	skew       time.Duration                                    // of the Date header
	spares     func(*active, *query) bool                       // requests that it lets pass
	instead    func(*query) answer                              // answers in place of Enedis
	consent    func(consentRequest) answer                      // answers a request of the consent page that is in order
	bend       func(*values)                                    // bends the values of a measure
	edit       func(*query, answer) answer                      // edits the finished answer
	send       func(http.ResponseWriter, *http.Request, answer) // sends it badly
}

// kinds are all faults, in the order in which they are listed.
func kinds() []kind {
	return []kind{
		{name: "500", about: "a technical error, HTTP 500", instead: func(q *query) answer {
			return technicalError(q.dialect).answer()
		}},
		{name: "503", about: "unavailable, HTTP 503 with a page", instead: html(503, "Service Unavailable")},
		{name: "html", about: "HTTP 200 with a page of HTML", instead: html(200, "Maintenance en cours")},
		{name: "html404", about: "HTTP 404 with a page, as from a security device", instead: html(404, "404 Not Found")},
		{name: "hang", about: "no answer until the client gives up", silent: true, send: hang},
		{name: "reset", about: "the connection is reset", silent: true, send: reset},
		{name: "truncated", about: "half of the body that was declared", send: truncated},
		{name: "huge", about: "the answer behind more than 8 MiB of blanks", send: huge},
		{name: "slow", about: "the answer trickles, one byte a second", send: slow},
		{name: "429", about: "the quota is spent, HTTP 429", instead: func(q *query) answer {
			return overSecond(q.dialect, time.Second).answer()
		}},
		{name: "revoked", about: "no consent, HTTP 403 ADAM-DC-0008", instead: always(noConsent)},
		{name: "bad_request", about: "no subscribed service, HTTP 400 Bad request", instead: always(noService)},
		{name: "not_subscribed", about: "the API is not subscribed, HTTP 403 900908", instead: always(notSubscribed)},
		{name: "unauthorized", about: "no token is good enough, HTTP 401 900901", instead: badToken},
		{
			name: "expired", about: "the tokens that are out have expired, HTTP 401 900901; a renewed one is good",
			spares: func(a *active, q *query) bool { return q.serial > a.serial }, instead: badToken,
		},
		{
			name: "token400", about: "the token endpoint: HTTP 400 invalid_request",
			only: ResourceToken, instead: always(missingParameter),
		},
		{
			name: "token401", about: "the token endpoint: HTTP 401 invalid_client",
			only: ResourceToken, instead: always(invalidClient),
		},
		{name: "token500", about: "the token endpoint: HTTP 500", only: ResourceToken, instead: func(*query) answer {
			return technicalError(v5).answer()
		}},
		{name: "clock", about: "the Date header is an hour ahead", everywhere: true, skew: time.Hour},
		{name: "empty", about: "HTTP 200 with {}", instead: func(*query) answer { return success(struct{}{}) }},
		{name: "null", about: "HTTP 200 with null where the data would be", instead: null},
		{name: "nodata", about: "no measure in the range, HTTP 404", instead: func(q *query) answer {
			return noData(q.dialect, false).answer()
		}},
		{name: "partial", about: "the last slots of the newest day are missing", bend: partial},
		{name: "mistyped", about: "values are words and objects", bend: mistyped},
		{name: "negative", about: "values are below zero", bend: negative},
		{name: "swapped_units", about: "values in kW, kWh and kVA", bend: swappedUnits},
		{
			name: "consent_error", about: "the consent page sends the browser back with server_error",
			only: ResourceAuthorize, consent: consentRequest.serverError,
		},
		{
			name: "consent_terms", about: "the consent page demands new terms of use, and ends in demande_non_aboutie",
			only: ResourceAuthorize, consent: consentRequest.newTerms,
		},
		{
			name: "not_ready", about: "a consent has no services yet, null in subscribed_services",
			only: ResourceServices, instead: func(*query) answer { return success(servicesBody{}) },
		},
		{name: "wrongprm", about: "the answer is another meter's", edit: wrongPRM},
	}
}

func always(no func() *refusal) func(*query) answer {
	return func(*query) answer { return no().answer() }
}

func html(status int, title string) func(*query) answer {
	return func(*query) answer { return answer{status: status, contentType: typeHTML, body: page(title)} }
}

func badToken(q *query) answer { return invalidCredentials(q.resource).answer() }

func null(q *query) answer {
	if q.dialect == v5 && q.measure != "" {
		return success(map[string]any{"meter_reading": nil})
	}
	return success(nil)
}

// otherPRM is nobody's meter.
const otherPRM = "99999999999999"

func wrongPRM(q *query, a answer) answer {
	if q.prm != "" {
		a.body = bytes.ReplaceAll(a.body, []byte(q.prm), []byte(otherPRM))
	}
	return a
}

// missingSlots is how many slots of the newest day a partial answer lacks.
const missingSlots = 4

func partial(vs *values) {
	for range missingSlots {
		last := len(vs.list) - 1
		if last < 0 || vs.list[last].step == 0 {
			return // one number a day has no part to lose
		}
		vs.list = vs.list[:last]
	}
}

func mistyped(vs *values) {
	for i := range vs.list {
		vs.list[i].written = "abc"
		if i%2 == 1 {
			vs.list[i].written = struct{}{}
		}
	}
}

func negative(vs *values) {
	for i := range vs.list {
		vs.list[i].number = -vs.list[i].number - 1 // a zero too
	}
}

func swappedUnits(vs *values) {
	vs.unit = "k" + vs.unit
	for i := range vs.list {
		vs.list[i].written = strconv.FormatFloat(float64(vs.list[i].number)/1000, 'f', 3, 64)
	}
}
