package enedistest_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// callback is where the application of these tests wants the browser back.
const callback = "https://application.example/consent/callback"

// application is a fixture that knows the callback.
func application(o *enedistest.Options) { o.RedirectURI = callback }

// unconsented are two meters whose customer has not consented yet.
func unconsented(o *enedistest.Options) {
	application(o)
	o.Meters = []enedistest.Meter{
		{PRM: consumer, NoConsent: true},
		{PRM: selfConsumer, Kind: enedistest.SelfConsumer, NoConsent: true},
	}
}

// consentURL is a request of a consent page that is in order, but for the changes "name=value"; without a value the name is
// left out.
func consentURL(path string, changes ...string) string {
	q := url.Values{"client_id": {"id"}, "response_type": {"code"}, "duration": {"P1Y"}, "state": {"a&b"}}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		q.Del(name)
		if value != "" {
			q.Set(name, value)
		}
	}
	return path + "?" + q.Encode()
}

// browse opens a page as a browser that stops at a redirect.
func browse(t *testing.T, e *enedistest.Enedis) *client {
	t.Helper()
	return &client{Client: &http.Client{
		Transport:     e.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// decide sends the form of a consent page.
func decide(t *testing.T, e *enedistest.Enedis, page, decision string, prms ...meter.PRM) reply {
	t.Helper()
	form := url.Values{"decision": {decision}}
	for _, prm := range prms {
		form.Add("prm", string(prm))
	}
	return browse(t, e).post(t, page, "application/x-www-form-urlencoded", form.Encode())
}

// sentBack are the parameters with which a reply sends the browser to the callback.
func sentBack(t *testing.T, r reply) map[string]string {
	t.Helper()
	require.Equal(t, http.StatusSeeOther, r.status, r.body)
	address, query, _ := strings.Cut(r.header.Get("Location"), "?")
	require.Equal(t, callback, address)
	params, err := url.ParseQuery(query)
	require.NoError(t, err)
	back := map[string]string{}
	for name := range params {
		require.Len(t, params[name], 1)
		back[name] = params.Get(name)
	}
	return back
}

func TestTheConsentPage(t *testing.T) {
	e := fixture(application)
	e.SetMeter(enedistest.Meter{PRM: nobody, NoConsent: true})
	for path, input := range map[string]string{
		enedistest.AuthorizePath2026: "radio", enedistest.AuthorizePathV5: "checkbox",
	} {
		r := browse(t, e).get(t, consentURL(path))
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
		require.Contains(t, r.body, `<strong id="application">id</strong>`)
		require.Contains(t, r.body, `<strong id="until">2027-11-21</strong>`)
		require.Contains(t, r.body, `<button type="submit" id="accept" name="decision" value="accept">J'accepte</button>`)
		require.Contains(t, r.body, `<button type="submit" id="refuse" name="decision" value="refuse">Je refuse</button>`)
		require.Contains(t, r.body, `<input type="`+input+
			`" name="prm" id="prm-33000000000033" value="33000000000033"> 33000000000033 – autoconsommation (déjà partagé)`)
		require.Contains(t, r.body, `<input type="`+input+
			`" name="prm" id="prm-11111111111111" value="11111111111111" checked> 11111111111111 – consommation</label>`)
		require.Equal(t, 5, strings.Count(r.body, `name="prm"`))
		require.Equal(t, 1, strings.Count(r.body, ` checked`))
		require.NotContains(t, r.body, `id="error"`)
	}
	require.Zero(t, e.Count(enedistest.Call{}), "what a browser loads is no call")
	require.Contains(t, browse(t, fixture(application)).get(t, consentURL(enedistest.AuthorizePath2026)).body,
		`value="09876543210987" checked>`, "the first one, when all are shared")
	require.Equal(t, http.StatusOK, browse(t, fixture(func(o *enedistest.Options) { o.Meters = nil })).
		get(t, consentURL(enedistest.AuthorizePath2026)).status)
}

func TestAConsentOpensTheData(t *testing.T) {
	e := fixture(unconsented)
	c := dial(t, e)
	id := strconv.FormatInt(enedistest.Meter{PRM: consumer}.AuthorisationID(), 10)
	exchange := `{"comptage":false,"autorisationId":` + id + `}`
	contract := "/situation_contrat_auto/v1/" + string(consumer)
	require.JSONEq(t, sample(t, "errors/2026_400_no_subscribed_service"), c.get(t, daily2026).body)
	require.Equal(t, http.StatusBadRequest, c.get(t, contract).status)
	r := c.get(t, dailyV5)
	require.Equal(t, http.StatusForbidden, r.status)
	require.JSONEq(t, sample(t, "errors/403_ADAM-DC-0008_no_consent"), r.body)
	require.Empty(t, services(t, c, exchange))
	require.Contains(t, c.get(t, "/simulator/meters").body, `"consented":false`)

	back := sentBack(t, decide(t, e, consentURL(enedistest.AuthorizePath2026), "accept", consumer))

	require.Equal(t, map[string]string{"autorisation_id": id, "state": "a&b"}, back)
	for _, path := range []string{daily2026, dailyV5, contract} {
		require.Equal(t, http.StatusOK, c.get(t, path).status, path)
	}
	require.Len(t, services(t, c, exchange), 5)
	require.Contains(t, c.post(t, "/subscribed_services/v1/", "application/json", exchange).body,
		`"dateDebut":"2026-11-22","dateFin":"2027-11-21","etatCode":"ACTIF"`)
	require.Contains(t, c.get(t, "/simulator/meters").body, `"consented":true`)
	require.Equal(t, http.StatusBadRequest, c.get(t, path2026(
		"consommation_quotidienne", selfConsumer, "2026-11-20", "2026-11-22")).status, "the other meter is as it was")
}

func TestAConsentOfV5IsForSeveralMeters(t *testing.T) {
	e := fixture(unconsented)
	back := sentBack(t, decide(t, e, consentURL(enedistest.AuthorizePathV5, "state"), "accept", selfConsumer, consumer))
	require.NotEmpty(t, back["code"])
	delete(back, "code")
	require.Equal(t, map[string]string{"usage_point_id": "09876543210987;33000000000033"}, back)
	require.Equal(t, http.StatusOK, dial(t, e).get(t, dailyV5).status)
}

func TestARevokedConsentIsGivenAgain(t *testing.T) {
	e := fixture(application, func(o *enedistest.Options) {
		o.Meters = []enedistest.Meter{
			{PRM: consumer, RevokedAt: noon()},
			{PRM: selfConsumer, ConsentEnd: meter.DayOf(noon()) - 1, RevokedAt: noon().Add(time.Hour)},
		}
	})
	c := dial(t, e)
	require.Equal(t, http.StatusForbidden, c.get(t, daily2026).status)
	sentBack(t, decide(t, e, consentURL(enedistest.AuthorizePath2026, "duration=P1D"), "accept", consumer))
	require.Equal(t, http.StatusOK, c.get(t, daily2026).status)
	m, _ := e.Meter(consumer)
	require.Equal(t, meter.DayOf(noon()), m.ConsentEnd)

	sentBack(t, decide(t, e, consentURL(enedistest.AuthorizePath2026), "accept", selfConsumer))
	m, _ = e.Meter(selfConsumer)
	require.Equal(t, noon().Add(time.Hour), m.RevokedAt, "what is to come, comes")
}

func TestTheCustomerRefuses(t *testing.T) {
	refused := map[string]string{
		"error": "access_denied", "error_description": "authorization_request_refused", "state": "a&b",
	}
	e := fixture(unconsented)
	require.Equal(t, refused, sentBack(t, decide(t, e, consentURL(enedistest.AuthorizePath2026), "refuse", consumer)))
	withCode := maps.Clone(refused)
	withCode["code"] = "403"
	require.Equal(t, withCode, sentBack(t, decide(t, e, consentURL(enedistest.AuthorizePathV5), "refuse")))
	require.Equal(t, http.StatusForbidden, dial(t, e).get(t, dailyV5).status)
}

func TestDecisionsThatAreNone(t *testing.T) {
	tests := map[string]struct {
		path     string
		decision string
		prms     []meter.PRM
	}{
		"no decision":              {enedistest.AuthorizePathV5, "", []meter.PRM{consumer}},
		"another decision":         {enedistest.AuthorizePathV5, "perhaps", []meter.PRM{consumer}},
		"no meter":                 {enedistest.AuthorizePathV5, "accept", nil},
		"an unknown meter":         {enedistest.AuthorizePathV5, "accept", []meter.PRM{consumer, nobody}},
		"a meter twice":            {enedistest.AuthorizePathV5, "accept", []meter.PRM{consumer, consumer}},
		"two meters for the other": {enedistest.AuthorizePath2026, "accept", []meter.PRM{consumer, selfConsumer}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := fixture(unconsented)
			r := decide(t, e, consentURL(test.path), test.decision, test.prms...)
			require.Equal(t, http.StatusBadRequest, r.status)
			require.Contains(t, r.body, `id="error"`)
			require.Contains(t, r.body, `id="accept"`, "the customer can decide again")
			require.Equal(t, http.StatusForbidden, dial(t, e).get(t, dailyV5).status)
		})
	}
}

func TestConsentPageRefusesARequest(t *testing.T) {
	tests := map[string]struct {
		url    string
		status int
		says   string
	}{
		"no client":              {consentURL("", "client_id"), 400, "400 invalid_request: missing_parameter"},
		"another client":         {consentURL("", "client_id=other"), 400, "400 invalid_request: unknown_client_id"},
		"no response type":       {consentURL("", "response_type"), 400, "400 invalid_request: missing_parameter"},
		"another response type":  {consentURL("", "response_type=token"), 400, "400 invalid_request: invalid_response_type"},
		"no duration":            {consentURL("", "duration"), 400, "400 invalid_request: missing_parameter"},
		"a duration that is bad": {consentURL("", "duration=-P1Y"), 400, "400 invalid_request: invalid_duration_format"},
		"a state too long": {
			consentURL("", "state="+strings.Repeat("é", 101)), 400, "400 invalid_request: state_too_long",
		},
		"an unexpected argument": {consentURL("", "scope=all"), 404, "404 Not Found"},
		"an argument twice":      {consentURL("") + "&state=c", 404, "404 Not Found"},
		"a broken query":         {consentURL("") + "&a=%zz", 404, "404 Not Found"},
		"a redirect that is a script": {
			consentURL("", "redirect_uri=javascript://x/"), 400, "400 invalid_request: invalid_redirect_uri",
		},
		"a redirect that is no address": {
			consentURL("", "redirect_uri=/consent/callback"), 400, "400 invalid_request: invalid_redirect_uri",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{enedistest.AuthorizePath2026, enedistest.AuthorizePathV5} {
				e := fixture(unconsented, func(o *enedistest.Options) { o.RedirectURI = "" })
				for _, r := range []reply{
					browse(t, e).get(t, path+test.url),
					decide(t, e, path+test.url, "accept", consumer),
				} {
					require.Equal(t, test.status, r.status)
					require.Contains(t, r.body, test.says)
				}
				m, _ := e.Meter(consumer)
				require.True(t, m.NoConsent, "a request that is not in order opens nothing")
			}
		})
	}
	e := fixture(application)
	require.Equal(t, http.StatusOK,
		browse(t, e).get(t, consentURL(enedistest.AuthorizePath2026, "state="+strings.Repeat("é", 100))).status)
	require.Equal(t, http.StatusNotFound, browse(t, e).get(t, consentURL(enedistest.AuthorizePath2026+"/")).status)
	open := fixture(application, func(o *enedistest.Options) { o.ClientID, o.ClientSecret = "", "" })
	require.Equal(t, http.StatusOK, browse(t, open).get(t, consentURL(enedistest.AuthorizePath2026, "client_id=x")).status)
}

func TestDurationsOfAConsent(t *testing.T) {
	for duration, until := range map[string]string{
		"P3Y": "2029-11-21", "P36M": "2029-11-21", "P1095D": "2029-11-20", "P156W": "2029-11-17", "P1Y4M": "2028-03-21",
		"P1D": "2026-11-22",
	} {
		r := browse(t, fixture(application)).get(t, consentURL(enedistest.AuthorizePath2026, "duration="+duration))
		require.Contains(t, r.body, `<strong id="until">`+until+`</strong>`, duration)
	}
	for duration, description := range map[string]string{
		"3Y": "invalid_duration_format", "P": "invalid_duration_format", "P0D": "invalid_duration_format",
		"P-1Y": "invalid_duration_format", "p1y": "invalid_duration_format",
		"P4Y": "maximum_duration_exceeded", "P37M": "maximum_duration_exceeded", "P157W": "maximum_duration_exceeded",
		"P1097D": "maximum_duration_exceeded", "P20000Y": "maximum_duration_exceeded",
		"P99999999999999999999Y": "maximum_duration_exceeded",
	} {
		r := browse(t, fixture(application)).get(t, consentURL(enedistest.AuthorizePath2026, "duration="+duration))
		require.Equal(t, http.StatusBadRequest, r.status, duration)
		require.Contains(t, r.body, description, duration)
	}
	for _, duration := range []string{"PT1H", "P1YT1H", "P1H", "P1Q"} {
		r := browse(t, fixture(application)).get(t, consentURL(enedistest.AuthorizePathV5, "duration="+duration))
		require.Equal(t, map[string]string{
			"code": "500", "error": "server_error", "error_description": "lincs-internal-server-error", "state": "a&b",
		}, sentBack(t, r), duration)
	}
}

func TestWhereTheBrowserIsSent(t *testing.T) {
	tests := map[string]struct {
		registered, param string
		want              string // the address to copy, when there is no redirect
		copied            bool
	}{
		"to the registered address":           {"http://127.0.0.1:8099/cb", "", "http://127.0.0.1:8099/cb?", false},
		"not to another that is asked for":    {"http://127.0.0.1:8099/cb", "https://x.example/", "http://127.0.0.1:8099/cb?", false},
		"to the one that is asked for":        {"", "http://x.example/cb", "http://x.example/cb?", false},
		"to an address with a query":          {"https://x.example/?a=1", "", "https://x.example/?a=1&", false},
		"nowhere: a person takes the address": {"", "", "https://application.example/?", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := fixture(func(o *enedistest.Options) { o.RedirectURI = test.registered })
			r := decide(t, e, consentURL(enedistest.AuthorizePathV5, "redirect_uri="+test.param), "refuse")
			query := "code=403&error=access_denied&error_description=authorization_request_refused&state=a%26b"
			if test.copied {
				require.Equal(t, http.StatusOK, r.status)
				require.Contains(t, r.body, `<code id="address">`+test.want+strings.ReplaceAll(query, "&", "&amp;")+`</code>`)
				return
			}
			require.Equal(t, http.StatusSeeOther, r.status)
			require.Equal(t, test.want+query, r.header.Get("Location"))
		})
	}
	for _, uri := range []string{"/consent/callback", "ftp://x/", "https://x/#y"} {
		require.Panics(t, func() { fixture(func(o *enedistest.Options) { o.RedirectURI = uri }) })
	}
}

func TestFaultsOfTheConsentPage(t *testing.T) {
	failed := map[string]string{
		"error": "server_error", "error_description": "lincs-internal-server-error", "state": "a&b",
	}
	terms := map[string]string{"error": "invalid_request", "error_description": "demande_non_aboutie", "state": "a&b"}
	page := consentURL(enedistest.AuthorizePath2026)

	e := fixture(unconsented)
	require.Equal(t, http.StatusOK, browse(t, e).post(t, "/simulator/faults?name=consent_error", "", "").status)
	require.Equal(t, failed, sentBack(t, browse(t, e).get(t, page)))
	require.Equal(t, failed, sentBack(t, decide(t, e, page, "accept", consumer)))
	require.Equal(t, http.StatusBadRequest, browse(t, e).get(t, consentURL(enedistest.AuthorizePath2026, "duration=1Y")).status,
		"a request that is not in order stays so")

	e.Heal()
	e.Inject(enedistest.Fault{Name: "consent_terms", Count: 1})
	r := browse(t, e).get(t, page)
	require.Equal(t, http.StatusOK, r.status)
	require.Contains(t, r.body, `<button type="submit" id="terms" name="decision" value="terms">`)
	require.NotContains(t, r.body, `id="accept"`)
	require.Equal(t, terms, sentBack(t, decide(t, e, page, "terms")), "though the fault is over by then")
	e.Inject(enedistest.Fault{Name: "consent_terms"})
	require.Equal(t, terms, sentBack(t, decide(t, e, page, "accept", consumer)))
	back := sentBack(t, decide(t, e, consentURL(enedistest.AuthorizePathV5), "terms"))
	require.Equal(t, "400", back["code"])

	e.Heal()
	e.Inject(enedistest.Fault{Name: "503"})
	e.Inject(enedistest.Fault{Name: "clock"})
	require.Equal(t, http.StatusOK, browse(t, e).get(t, page).status, "a fault of the data is none of the page")
	e.Inject(enedistest.Fault{Name: "503", Resource: enedistest.ResourceAuthorize})
	require.Equal(t, http.StatusServiceUnavailable, browse(t, e).get(t, page).status)

	e.Heal()
	m, _ := e.Meter(consumer)
	require.True(t, m.NoConsent)
	e.Inject(enedistest.Fault{Name: "consent_error"})
	sentBack(t, browse(t, e).get(t, page))
	sent := dial(t, e).get(t, daily2026)
	require.Equal(t, http.StatusBadRequest, sent.status, "a fault of the page is none of the data")
	require.Zero(t, e.Count(enedistest.Call{Fault: "consent_error"}))
}

func TestServicesAreNotReadyForAWhile(t *testing.T) {
	now := noon()
	e := fixture(func(o *enedistest.Options) { o.Now = func() time.Time { return now } })
	c := dial(t, e)
	ask := fmt.Sprintf(`{"comptage":false,"autorisationId":%d}`, enedistest.Meter{PRM: consumer}.AuthorisationID())
	notReady := func() bool {
		r := c.post(t, "/subscribed_services/v1/", "application/json", ask)
		require.Equal(t, http.StatusOK, r.status)
		return strings.Contains(r.body, `"serviceSouscrit":null`)
	}
	require.False(t, notReady())
	e.Inject(enedistest.Fault{Name: "not_ready", Count: 2})
	require.Equal(t, http.StatusOK, c.get(t, daily2026).status, "the data are as they were")
	require.JSONEq(t, sample(t, "2026/subscribed_services_response_not_ready"),
		c.post(t, "/subscribed_services/v1/", "application/json", ask).body)
	require.True(t, notReady())
	require.False(t, notReady())
	e.Inject(enedistest.Fault{Name: "not_ready", Duration: time.Minute})
	require.True(t, notReady())
	now = now.Add(time.Minute)
	require.False(t, notReady())
}
