package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// outcome is what a page of the consent says.
type outcome string

// The outcomes: before the way to Enedis, at its end, and where what came back is not used.
const (
	begin       outcome = "begin"
	unavailable outcome = "unavailable" // nobody can consent here

	granted outcome = outcome(contract.ConsentGranted)
	pending outcome = outcome(contract.ConsentPending)
	refused outcome = outcome(contract.ConsentRefused)
	failed  outcome = outcome(contract.ConsentFailed)

	unreadable outcome = "unreadable" // no address, or a broken one
	early      outcome = "early"      // it is the one of Enedis's page, where nobody has decided yet
	incomplete outcome = "incomplete" // it lacks its state
	unknown    outcome = "unknown"    // its state is not of this page
	expired    outcome = "expired"
	used       outcome = "used"
)

// account is where customers accept terms of use and delete sharings.
const account = "https://mon-compte-particulier.enedis.fr/"

// consents tells whether anybody can consent here.
func (s *Server) consents() bool { return s.bridge.ConsentURL("state") != "" }

// consentPage says how a customer consents. It changes nothing.
func (s *Server) consentPage(w http.ResponseWriter, r *http.Request) {
	if !s.consents() {
		s.sayConsent(w, r, http.StatusNotFound, consentView{Outcome: unavailable})
		return
	}
	s.sayConsent(w, r, http.StatusOK, consentView{Outcome: begin})
}

// startConsent sends the customer to Enedis. Another site that sends a browser here gets the page instead, on which the
// customer decides.
func (s *Server) startConsent(w http.ResponseWriter, r *http.Request) {
	site := r.Header.Get("Sec-Fetch-Site") // browsers tell it over HTTPS and to loopback addresses
	if !s.consents() || site == "cross-site" || site == "same-site" || r.Method != http.MethodGet {
		s.consentPage(w, r)
		return
	}
	http.Redirect(w, r, s.bridge.ConsentURL(s.states.begin(s.Now())), http.StatusFound)
}

// endConsent is where Enedis sends the browser back. That this comes from another site is meant; the state tells that it is
// the end of a way that began here.
func (s *Server) endConsent(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD
		s.consentPage(w, r)
		return
	}
	s.consented(w, r, r.URL.RawQuery)
}

// pasteConsent takes the address on which a browser ended that could not come back.
func (s *Server) pasteConsent(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	s.consented(w, r, queryOf(r.PostFormValue("address")))
}

// consented hands what came back to the bridge, once for each way, and says what came of it.
func (s *Server) consented(w http.ResponseWriter, r *http.Request, query string) {
	if !s.consents() {
		s.consentPage(w, r)
		return
	}
	back, why, ok := s.accept(query)
	if !ok {
		status := http.StatusBadRequest
		if why == refused || why == failed {
			status = http.StatusOK
		}
		s.sayConsent(w, r, status, consentView{Outcome: why})
		return
	}
	c := s.bridge.Consented(r.Context(), back)
	v := consentView{Outcome: outcome(c.Status), Detail: c.Detail}
	var tails []string
	for _, p := range c.Meters {
		tails = append(tails, p.Short())
	}
	v.Meters = strings.Join(tails, ", ")
	s.sayConsent(w, r, http.StatusOK, v)
}

// accept gives the parameters that came back but for their state, when that is of a way that began here and is not over. An
// error without a state is told and no more: anybody may send one, and Enedis does leave the state out.
func (s *Server) accept(query string) (back url.Values, why outcome, ok bool) {
	back, err := parametersOf(query)
	if err != nil || len(back) == 0 {
		return nil, unreadable, false
	}
	state := back["state"]
	switch {
	case back.Has("response_type"):
		return nil, early, false
	case len(state) == 0 && strings.EqualFold(back.Get("error"), "access_denied"):
		return nil, refused, false
	case len(state) == 0 && back.Has("error"):
		return nil, failed, false
	case len(state) == 0:
		return nil, incomplete, false
	case len(state) > 1:
		return nil, unknown, false
	}
	why, ok = s.states.end(state[0], s.Now())
	delete(back, "state")
	return back, why, ok
}

// queryOf finds the query in what somebody pasted: an address on any host, or its query alone.
func queryOf(pasted string) string {
	pasted = strings.Join(strings.Fields(pasted), "") // an address has no blanks, but it may be broken into lines
	if _, query, ok := strings.Cut(pasted, "?"); ok {
		pasted = query
	}
	query, _, _ := strings.Cut(pasted, "#")
	return query
}

// parametersOf reads a query, the names in lower case. A semicolon belongs to a value: Enedis writes it between the meters
// of one consent.
func parametersOf(query string) (url.Values, error) {
	read, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if err != nil {
		return nil, err
	}
	back := make(url.Values, len(read))
	for name, values := range read {
		name = strings.ToLower(name)
		back[name] = append(back[name], values...)
	}
	return back, nil
}

// consentView is what a page of the consent shows.
type consentView struct {
	Outcome  outcome
	Meters   string // that the consent opens, by their last digits
	Detail   string // for people who look closer
	Locale   contract.Locale
	Version  string
	Words    consentWords
	Said     saying
	Account  string
	Begin    bool   // the way to Enedis and the box for an address are on the page
	Away     string // why the browser may not come back by itself; empty when it does
	Callback string // the address to register at Enedis; empty when unknown
	Awaited  string
}

// sayConsent answers with a page of the consent; v says what came about, and the rest is filled in.
func (s *Server) sayConsent(w http.ResponseWriter, r *http.Request, status int, v consentView) {
	v.Locale, v.Version, v.Words, v.Account = s.Locale, s.Version, consentWordsOf(s.Locale), account
	said, ok := v.Words.said[v.Outcome]
	if !ok {
		v.Outcome = failed
		said = v.Words.said[failed]
	}
	v.Said = said
	v.Begin = v.Outcome != unavailable && v.Outcome != granted && v.Outcome != pending
	v.Away = s.away(r, v.Words)
	if s.PublicURL != "" {
		v.Callback = strings.TrimRight(s.PublicURL, "/") + "/consent/callback"
	}
	if v.Outcome == begin {
		if b, _, err := s.bridge.Overview(r.Context()); err == nil {
			v.Awaited = v.Words.awaited(b)
		}
	}
	s.render(w, status, "consent.html", v)
}

// away says why the browser may not come back here by itself; it is empty when the browser reads the page where Enedis
// sends it.
func (s *Server) away(r *http.Request, say consentWords) string {
	if s.PublicURL == "" {
		return say.noPublicURL
	}
	if r.Header.Get("X-Ingress-Path") != "" {
		return say.ingress
	}
	public, err := url.Parse(s.PublicURL)
	here, _, _ := strings.Cut(cmp.Or(r.Header.Get("X-Forwarded-Host"), r.Host), ",")
	if err != nil || !strings.EqualFold(hostOf(public.Host), hostOf(here)) {
		return say.elsewhere
	}
	return ""
}

// hostOf leaves out a port that goes without saying.
func hostOf(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(host), ":443"), ":80")
}
