package enedistest

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"unicode/utf8"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// consentRequest is a request of the consent page that is in order.
type consentRequest struct {
	*query
	clientID string
	state    string
	redirect string     // where the browser goes in the end; empty: nobody knows
	end      meter.Day  // last day of the consent that is asked for
	sent     url.Values // the form, when it is posted
}

func (c consentRequest) posted() bool { return c.request.Method == http.MethodPost }

// consentRefusal is what the page shows to a request that is not in order.
type consentRefusal struct {
	Status      int
	Code        string
	Description string
	failed      bool // the page itself fails, and sends the browser back
}

func (r *consentRefusal) answer(c consentRequest) answer {
	switch {
	case r.Status == http.StatusNotFound:
		return answer{status: r.Status, contentType: typeHTML, body: page("404 Not Found")}
	case r.failed:
		return c.serverError()
	}
	return consentHTML(r.Status, "refusal", r)
}

func refuseConsent(description string) *consentRefusal {
	return &consentRefusal{Status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

// maxState is the most characters of a state.
const maxState = 100

// consentRequest checks a request of the page. What nobody has documented is refused as invalid_request; an argument that
// is unexpected, or there twice, gets a 404 from the security device. Who cannot be known as the application is sent nowhere.
func (e *Enedis) consentRequest(q *query) (c consentRequest, no *consentRefusal) {
	c = consentRequest{
		query: q, clientID: q.params.Get("client_id"), state: q.params.Get("state"), redirect: e.options.RedirectURI,
	}
	if !q.knowsOnly("client_id", "response_type", "duration", "state", "redirect_uri") {
		return c, &consentRefusal{Status: http.StatusNotFound}
	}
	for _, name := range []string{"client_id", "response_type", "duration"} {
		if q.params.Get(name) == "" {
			return c, refuseConsent("missing_parameter")
		}
	}
	if known := e.options.ClientID; known != "" && c.clientID != known {
		return c, refuseConsent("unknown_client_id")
	}
	if uri := q.params.Get("redirect_uri"); uri != "" && c.redirect == "" {
		if _, ok := parseRedirectURI(uri); !ok {
			return c, refuseConsent("invalid_redirect_uri")
		}
		c.redirect = uri
	}
	switch {
	case q.params.Get("response_type") != "code":
		return c, refuseConsent("invalid_response_type")
	case utf8.RuneCountInString(c.state) > maxState:
		return c, refuseConsent("state_too_long")
	}
	if c.end, no = consentEnd(q.params.Get("duration"), q.today); no != nil {
		return c, no
	}
	if c.posted() {
		c.sent, _ = url.ParseQuery(string(q.body)) // what cannot be read is no decision
	}
	return c, nil
}

var (
	consentDuration = regexp.MustCompile(`^P(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?$`)
	otherDuration   = regexp.MustCompile(`^P(?:[0-9]+[A-Z]|T)+$`) // ISO 8601, in units that Enedis does not know
)

// consentEnd is the last day of a consent that is given today for a duration of ISO 8601: years, months, weeks and days,
// three years at most.
func consentEnd(duration string, today meter.Day) (meter.Day, *consentRefusal) {
	parts := consentDuration.FindStringSubmatch(duration)
	switch {
	case parts != nil:
	case otherDuration.MatchString(duration):
		return 0, &consentRefusal{failed: true}
	default:
		return 0, refuseConsent("invalid_duration_format")
	}
	var n [4]int
	for i := range n {
		if parts[i+1] == "" {
			continue
		}
		number, err := strconv.Atoi(parts[i+1])
		if err != nil || number > 10_000 {
			return 0, refuseConsent("maximum_duration_exceeded")
		}
		n[i] = number
	}
	end := today.MonthsBack(-12*n[0]-n[1]) + meter.Day(7*n[2]+n[3]) - 1
	switch {
	case end < today:
		return 0, refuseConsent("invalid_duration_format")
	case end >= today.MonthsBack(-36):
		return 0, refuseConsent("maximum_duration_exceeded")
	}
	return end, nil
}
