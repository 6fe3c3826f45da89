package enedistest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The paths of the consent pages, below the base URL.
const (
	AuthorizePath2026 = "/dataconnect/v2/oauth2/authorize"
	AuthorizePathV5   = "/dataconnect/v1/oauth2/authorize"
)

// ResourceAuthorize names the consent pages in faults.
const ResourceAuthorize = "authorize"

// The form of the consent page: the meters that the customer shares, and the customer's decision.
const (
	fieldPRM       = "prm"
	fieldDecision  = "decision"
	decisionAccept = "accept"
	decisionRefuse = "refuse"
	decisionTerms  = "terms"
)

// consentPage adds one of the pages on which a customer consents. They are a website: they ask for no token, and what a
// browser loads is no call of the application's.
func (e *Enedis) consentPage(d dialect, path string) {
	res := resource{dialect: d, api: "dataconnect", name: ResourceAuthorize, path: path, context: path}
	serve := func(w http.ResponseWriter, r *http.Request) {
		q := e.receive(&res, r)
		f := e.strikes(q)
		a, struck := f.instead(q)
		if !struck {
			a = f.edit(q, e.authorize(q, f))
		}
		f.send(w, r, a)
	}
	e.mux.HandleFunc("GET "+path, serve)
	e.mux.HandleFunc("POST "+path, serve)
}

// authorize shows the page, and carries out the decision that comes back from it.
func (e *Enedis) authorize(q *query, f *strike) answer {
	c, no := e.consentRequest(q)
	if no != nil {
		return no.answer(c)
	}
	if a, struck := f.consent(c); struck {
		return a
	}
	if !c.posted() {
		return e.consentForm(c, http.StatusOK)
	}
	switch c.sent.Get(fieldDecision) {
	case decisionAccept:
		return e.accept(c)
	case decisionRefuse:
		return c.failed(http.StatusForbidden, "access_denied", "authorization_request_refused")
	case decisionTerms:
		return c.notCompleted()
	}
	return e.consentForm(c, http.StatusBadRequest)
}

// accept gives the consent for the meters that the customer chose: one in 2026, as gateways report it, and any number in v5.
// A consent that was there is replaced.
func (e *Enedis) accept(c consentRequest) answer {
	var chosen []string
	for _, m := range e.Meters() {
		if slices.Contains(c.sent[fieldPRM], string(m.PRM)) {
			chosen = append(chosen, string(m.PRM))
		}
	}
	if len(chosen) == 0 || len(chosen) != len(c.sent[fieldPRM]) || c.dialect == v2026 && len(chosen) > 1 {
		return e.consentForm(c, http.StatusBadRequest)
	}
	for _, prm := range chosen {
		e.consentTo(meter.PRM(prm), c)
	}
	if c.dialect == v5 {
		code := strconv.FormatUint(chance(meter.PRM(chosen[0]), "code", c.today, 0), 36) // good for nothing, as Enedis's
		return c.back(url.Values{"code": {code}, "usage_point_id": {strings.Join(chosen, ";")}})
	}
	m, _ := e.Meter(meter.PRM(chosen[0])) // it is there: no meter ever leaves
	return c.back(url.Values{"autorisation_id": {strconv.FormatInt(m.AuthorisationID(), 10)}})
}

// consentTo makes the consent of a meter hold from today on.
func (e *Enedis) consentTo(prm meter.PRM, c consentRequest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.meters[prm]
	m.NoConsent, m.ConsentFrom, m.ConsentEnd = false, c.today, c.end
	if m.revoked(c.now) {
		m.RevokedAt = time.Time{}
	}
	e.meters[prm] = m
}

// serverError is Enedis's own failure, which also follows a duration in units that it does not know.
func (c consentRequest) serverError() answer {
	return c.failed(http.StatusInternalServerError, "server_error", "lincs-internal-server-error")
}

// newTerms demands that the customer accepts new terms of use first, of which nothing comes.
func (c consentRequest) newTerms() answer {
	if c.posted() {
		return c.notCompleted()
	}
	return consentHTML(http.StatusOK, "terms", nil)
}

func (c consentRequest) notCompleted() answer {
	return c.failed(http.StatusBadRequest, "invalid_request", "demande_non_aboutie")
}

// failed sends the browser back with an error. In v5 the parameter code then is an HTTP status.
func (c consentRequest) failed(status int, code, description string) answer {
	params := url.Values{"error": {code}, "error_description": {description}}
	if c.dialect == v5 {
		params.Set("code", strconv.Itoa(status))
	}
	return c.back(params)
}

// nowhere stands for the address of an application that has registered none.
const nowhere = "https://application.example/"

// back sends the browser back to the application, or shows the address to a person who takes it there.
func (c consentRequest) back(params url.Values) answer {
	target, registered := parseRedirectURI(c.redirect)
	if !registered {
		target, _ = parseRedirectURI(nowhere)
	}
	query := target.Query()
	maps.Copy(query, params)
	if c.state != "" {
		query.Set("state", c.state)
	}
	target.RawQuery = query.Encode()
	if !registered {
		return consentHTML(http.StatusOK, "address", target.String())
	}
	return answer{status: http.StatusSeeOther, contentType: typeHTML, location: target.String()}
}

// parseRedirectURI takes an absolute address of http or https without a fragment.
func parseRedirectURI(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return nil, false
	}
	return u, true
}
