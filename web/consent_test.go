package web_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/web"
)

const public = "https://linky.example:8443/bridge"

// customer is somebody with a browser at a page with a bridge behind it and a clock beside it.
type customer struct {
	*fake
	server *web.Server
	now    time.Time
	log    bytes.Buffer
}

func newCustomer(t *testing.T, change ...func(*web.Options)) *customer {
	t.Helper()
	c := &customer{fake: home(), now: noon()}
	c.outcome = contract.Consented{Status: contract.ConsentGranted, Meters: []meter.PRM{house, barn}}
	c.server = server(t, c.fake, append([]func(*web.Options){func(o *web.Options) {
		o.PublicURL, o.Now = public, func() time.Time { return c.now }
		o.Log = slog.New(slog.NewTextHandler(&c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}}, change...)...)
	return c
}

// visit asks for a page in the way of a browser that stands at PUBLIC_URL.
func (c *customer) visit(t *testing.T, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return c.do(t, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil), header...)
}

// paste sends the form with what stands in its box.
func (c *customer) paste(t *testing.T, address string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	body := strings.NewReader(url.Values{"address": {address}}.Encode())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/consent/paste", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(t, r, header...)
}

func (c *customer) do(t *testing.T, r *http.Request, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r.Host = "linky.example:8443"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, r)
	return w
}

// start begins the way to Enedis and gives its state.
func (c *customer) start(t *testing.T) string {
	t.Helper()
	w := c.visit(t, "/consent/start")
	require.Equal(t, http.StatusFound, w.Code)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	state, ok := strings.CutPrefix(w.Header().Get("Location"), c.authorize)
	require.True(t, ok, w.Header())
	require.Regexp(t, `^[A-Z2-7]{26,100}$`, state)
	return state
}

// outcomeOf is what a page of the consent says, for programs.
func outcomeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	found := regexp.MustCompile(`<h1 data-outcome="(.*?)">`).FindStringSubmatch(w.Body.String())
	require.Len(t, found, 2, w.Body.String())
	return found[1]
}

func TestConsent(t *testing.T) {
	tests := map[string]struct {
		status          contract.ConsentStatus
		french, english string
		again           bool // the way to begin is on the page
	}{
		"granted":              {contract.ConsentGranted, "commencent à arriver dès maintenant", "begin to arrive now", false},
		"its services pending": {contract.ConsentPending, "10 fois au plus", "at most 10 times", false},
		"refused":              {contract.ConsentRefused, "rien n&#39;a changé", "nothing has changed", true},
		"failed":               {contract.ConsentFailed, "conditions d&#39;utilisation", "terms of use", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for locale, want := range map[contract.Locale]string{contract.French: tc.french, contract.English: tc.english} {
				c := newCustomer(t, func(o *web.Options) { o.Locale = locale })
				c.outcome.Status, c.outcome.Detail = tc.status, "<demande_non_aboutie>"
				state := c.start(t)
				w := c.visit(t, "/consent/callback?Autorisation_Id=4711&State="+state,
					"Sec-Fetch-Site", "cross-site")
				require.Equal(t, http.StatusOK, w.Code)
				require.Equal(t, string(tc.status), outcomeOf(t, w))
				require.Equal(t, []url.Values{{"autorisation_id": {"4711"}}}, c.handed)
				body := w.Body.String()
				require.Contains(t, body, want)
				require.Contains(t, body, "…0987, …2222")
				require.Contains(t, body, "&lt;demande_non_aboutie&gt;")
				require.Equal(t, tc.again, strings.Contains(body, `href="start"`))
				require.Equal(t, tc.again, strings.Contains(body, `action="paste"`))
				require.Contains(t, body, `href="../"`)
				requirePrivate(t, w, state)
				require.NotContains(t, c.log.String(), state)
			}
		})
	}
}

// requirePrivate looks for what no page of the consent shows: a whole PRM, a state, a link of ours that leaves its folder.
func requirePrivate(t *testing.T, w *httptest.ResponseRecorder, state string) {
	t.Helper()
	body := w.Body.String()
	requireNoPRM(t, body)
	require.NotContains(t, body, state)
	require.NotContains(t, body, "<script")
	for _, link := range regexp.MustCompile(`(?:src|href|action)="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		require.Contains(t, []string{"start", "paste", "../", "https://mon-compte-particulier.enedis.fr/"}, link[1])
	}
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "same-origin", w.Header().Get("Referrer-Policy"), "else a form sends no origin")
}

func TestWhatComesBackFromNoWayOfOursChangesNothing(t *testing.T) {
	tests := map[string]struct {
		query  func(state string) string
		status int
		want   string
	}{
		"nothing":                       {func(string) string { return "" }, 400, "unreadable"},
		"a broken address":              {func(s string) string { return "autorisation_id=4%&state=" + s }, 400, "unreadable"},
		"no state":                      {func(string) string { return "autorisation_id=4711" }, 400, "incomplete"},
		"an empty state":                {func(string) string { return "autorisation_id=4711&state=" }, 400, "unknown"},
		"a forged state":                {func(string) string { return "autorisation_id=4711&state=AAAAAAAAAAAAAAAAAAAAAAAAAA" }, 400, "unknown"},
		"the state in other letters":    {func(s string) string { return "autorisation_id=4711&state=" + strings.ToLower(s) }, 400, "unknown"},
		"the state with an end":         {func(s string) string { return "autorisation_id=4711&state=" + s + "1" }, 400, "unknown"},
		"the state beside a forged one": {func(s string) string { return "autorisation_id=4711&STATE=x&state=" + s }, 400, "unknown"},
		"Enedis's own page":             {func(s string) string { return "client_id=demo&response_type=code&duration=P3Y&state=" + s }, 400, "early"},
		"a refusal without a state": {func(string) string {
			return "code=403&error=access_denied&error_description=authorization_request_refused"
		}, 200, "refused"},
		"a failure without a state": {func(string) string {
			return "code=500&error=server_error&error_description=lincs-internal-server-error"
		}, 200, "failed"},
		"a refusal with a forged state": {func(string) string { return "error=access_denied&state=AAAAAAAAAAAAAAAAAAAAAAAAAA" }, 400, "unknown"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCustomer(t)
			state := c.start(t)
			for _, w := range []*httptest.ResponseRecorder{
				c.visit(t, "/consent/callback?"+tc.query(state)),
				c.paste(t, "http://localhost/?"+tc.query(state)),
			} {
				require.Equal(t, tc.status, w.Code)
				require.Equal(t, tc.want, outcomeOf(t, w))
				require.Contains(t, w.Body.String(), `href="start"`)
				require.Contains(t, w.Body.String(), `action="paste"`)
				require.NotContains(t, w.Body.String(), "authorization_request_refused", "anybody may have written it")
				requirePrivate(t, w, state)
			}
			require.Empty(t, c.handed)
			require.Equal(t, "granted", outcomeOf(t, c.visit(t, "/consent/callback?autorisation_id=4711&state="+state)), "the way goes on")
		})
	}
}

func TestAStateLivesFifteenMinutes(t *testing.T) {
	for after, want := range map[time.Duration]string{
		15 * time.Minute: "granted", 15*time.Minute + time.Second: "expired", 48 * time.Hour: "expired",
	} {
		c := newCustomer(t)
		back := "/consent/callback?autorisation_id=4711&state=" + c.start(t)
		c.now = c.now.Add(after)
		require.Equal(t, want, outcomeOf(t, c.visit(t, back)))
		require.Equal(t, want == "granted", len(c.handed) == 1)
	}
}

func TestAStateLivesOnce(t *testing.T) {
	for _, status := range []contract.ConsentStatus{contract.ConsentGranted, contract.ConsentRefused, contract.ConsentFailed} {
		c := newCustomer(t)
		c.outcome.Status = status
		back := "/consent/callback?autorisation_id=4711&state=" + c.start(t)
		require.Equal(t, string(status), outcomeOf(t, c.visit(t, back)))
		for range 2 {
			w := c.visit(t, back)
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Equal(t, "used", outcomeOf(t, w))
			require.Equal(t, "used", outcomeOf(t, c.paste(t, public+back)))
		}
		c.now = c.now.Add(time.Hour)
		require.Equal(t, "used", outcomeOf(t, c.visit(t, back)), "however late")
		require.Len(t, c.handed, 1)
	}
}

func TestManyWaysBegunAtOnce(t *testing.T) {
	c := newCustomer(t)
	first, second := c.start(t), c.start(t)
	require.NotEqual(t, first, second)
	for range 999 {
		c.start(t)
	}
	require.Equal(t, "unknown", outcomeOf(t, c.visit(t, "/consent/callback?autorisation_id=1&state="+first)), "pushed out by a flood")
	require.Equal(t, "granted", outcomeOf(t, c.visit(t, "/consent/callback?autorisation_id=1&state="+second)))
}

func TestPastedAddress(t *testing.T) {
	tests := map[string]func(query string) string{
		"whole":                      func(q string) string { return public + "/consent/callback?" + q },
		"of another host":            func(q string) string { return "http://localhost:8080/?" + q },
		"without a scheme":           func(q string) string { return "localhost/callback?" + q },
		"with a fragment":            func(q string) string { return "https://example.org/?" + q + "#top" },
		"with blanks around it":      func(q string) string { return " \t" + public + "?" + q + " \r\n" },
		"broken into lines":          func(q string) string { return public + "?" + q[:9] + "\n  " + q[9:] },
		"as its query alone":         func(q string) string { return q },
		"as its query with its mark": func(q string) string { return "?" + q },
	}
	for name, shape := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCustomer(t)
			state := c.start(t)
			w := c.paste(t, shape("usage_point_id=09876543210987;11111111112222&code=Abc&state="+state),
				"Sec-Fetch-Site", "same-origin", "Origin", "https://linky.example:8443")
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, "granted", outcomeOf(t, w))
			require.Equal(t, []url.Values{{"usage_point_id": {"09876543210987;11111111112222"}, "code": {"Abc"}}}, c.handed)
			requirePrivate(t, w, state)
		})
	}
}

func TestPasteOfAnythingElse(t *testing.T) {
	c := newCustomer(t)
	for pasted, want := range map[string]string{
		"": "unreadable", " \n": "unreadable", "09876543210987": "incomplete", "https://enedis.fr/": "incomplete",
		strings.Repeat("a", 70_000): "unreadable",
	} {
		w := c.paste(t, pasted)
		require.Equal(t, http.StatusBadRequest, w.Code)
		require.Equal(t, want, outcomeOf(t, w))
		requireNoPRM(t, w.Body.String())
	}
	require.Empty(t, c.handed)
	require.Equal(t, "begin", outcomeOf(t, c.visit(t, "/consent/paste")), "somebody reloads")
}

func TestPasteFromAnotherSiteIsRefused(t *testing.T) {
	for name, header := range map[string][]string{
		"as a browser tells over HTTPS":      {"Sec-Fetch-Site", "cross-site"},
		"as a browser tells over plain HTTP": {"Origin", "http://elsewhere.example"},
		"without an origin":                  {"Origin", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCustomer(t)
			w := c.paste(t, "autorisation_id=4711&state="+c.start(t), header...)
			require.Equal(t, http.StatusForbidden, w.Code)
			require.Empty(t, c.handed)
		})
	}
}

// Another site may send a browser anywhere: no way begins by that.
func TestStartFromAnotherSiteIsAQuestion(t *testing.T) {
	for site, want := range map[string]int{"cross-site": 200, "same-site": 200, "same-origin": 302, "none": 302} {
		c := newCustomer(t)
		w := c.visit(t, "/consent/start", "Sec-Fetch-Site", site)
		require.Equal(t, want, w.Code, site)
		if want == http.StatusOK {
			require.Equal(t, "begin", outcomeOf(t, w))
		}
	}
}

func TestAskingForTheHeadChangesNothing(t *testing.T) {
	c := newCustomer(t)
	back := "/consent/callback?autorisation_id=4711&state=" + c.start(t)
	for _, path := range []string{"/consent/start", back} {
		w := c.do(t, httptest.NewRequestWithContext(t.Context(), http.MethodHead, path, nil))
		require.Equal(t, http.StatusOK, w.Code)
		require.Empty(t, w.Header().Get("Location"))
	}
	require.Empty(t, c.handed)
	require.Equal(t, "granted", outcomeOf(t, c.visit(t, back)))
}

func TestNobodyCanConsentWithoutAnApplication(t *testing.T) {
	for path, method := range map[string]string{
		"/consent/": http.MethodGet, "/consent/start": http.MethodGet,
		"/consent/callback?autorisation_id=4711&state=x": http.MethodGet, "/consent/paste": http.MethodPost,
	} {
		c := newCustomer(t)
		c.authorize = ""
		w := c.do(t, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.Equal(t, "unavailable", outcomeOf(t, w))
		require.Contains(t, w.Body.String(), "ENEDIS_CLIENT_ID")
		require.NotContains(t, w.Body.String(), `href="start"`)
		require.Empty(t, c.handed)
	}
}

func TestConsentPageSaysWhereTheBrowserComesBack(t *testing.T) {
	const register = "<code>https://linky.example:8443/bridge/consent/callback</code>"
	tests := map[string]struct {
		public, host string
		header       []string
		away         string // why; empty: it comes back by itself
		register     bool
	}{
		"at PUBLIC_URL":                      {public: public, host: "linky.example:8443", register: true},
		"at PUBLIC_URL with a slash":         {public: public + "/", host: "Linky.Example:8443", register: true},
		"at a port that goes without saying": {public: "https://linky.example:443", host: "linky.example"},
		"behind a proxy of another name":     {public: public, host: "127.0.0.1:8099", header: []string{"X-Forwarded-Host", "linky.example:8443, inner"}, register: true},
		"at another address":                 {public: public, host: "127.0.0.1:8099", away: "à une autre adresse", register: true},
		"at another port":                    {public: public, host: "linky.example", away: "à une autre adresse", register: true},
		"through Home Assistant":             {public: public, host: "linky.example:8443", header: []string{"X-Ingress-Path", "/api/hassio_ingress/x"}, away: "à travers Home Assistant", register: true},
		"without PUBLIC_URL":                 {host: "127.0.0.1:8099", away: "ne sait pas à quelle adresse"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCustomer(t, func(o *web.Options) { o.PublicURL = tc.public })
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/consent/", nil)
			r.Host = tc.host
			for i := 0; i < len(tc.header); i += 2 {
				r.Header.Set(tc.header[i], tc.header[i+1])
			}
			w := httptest.NewRecorder()
			c.server.ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code)
			body := w.Body.String()
			require.Contains(t, body, tc.away)
			require.Equal(t, tc.away != "", strings.Contains(body, "<strong>"), "a warning")
			require.Equal(t, tc.away != "", strings.Contains(body, `href="start" target="_blank"`), "this page stays, for the address")
			require.Equal(t, tc.register, strings.Contains(body, register))
			require.Equal(t, tc.public == "", strings.Contains(body, "PUBLIC_URL n&#39;est pas réglé"))
			require.Contains(t, body, `action="paste"`)
		})
	}
}

// Below a path of Home Assistant's, each link leads where it should: none of them leaves that path.
func TestConsentBelowAnyPath(t *testing.T) {
	c := newCustomer(t)
	const below = "/api/hassio_ingress/token"
	follow := func(from, link string, form url.Values) *httptest.ResponseRecorder {
		base, err := url.Parse("http://homeassistant.local:8123" + from)
		require.NoError(t, err)
		target, err := base.Parse(link)
		require.NoError(t, err)
		method, body := http.MethodGet, ""
		if form != nil {
			method, body = http.MethodPost, form.Encode()
		}
		r := httptest.NewRequestWithContext(t.Context(), method, target.String(), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://homeassistant.local:8123")
		r.Header.Set("X-Ingress-Path", below)
		w := httptest.NewRecorder()
		http.StripPrefix(below, c.server).ServeHTTP(w, r)
		return w
	}
	link := func(w *httptest.ResponseRecorder, pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(w.Body.String())
		require.Len(t, found, 2, pattern)
		return found[1]
	}
	home := follow(below+"/", "", nil)
	page := follow(below+"/", link(home, `id="consent" href="(.*?)"`), nil)
	require.Equal(t, "begin", outcomeOf(t, page))
	start := follow(below+"/consent/", link(page, `id="start" href="(.*?)"`), nil)
	require.Equal(t, http.StatusFound, start.Code)
	state := strings.TrimPrefix(start.Header().Get("Location"), c.authorize)
	form := url.Values{"address": {"https://elsewhere.example/?autorisation_id=4711&state=" + state}}
	end := follow(below+"/consent/", link(page, `action="(.*?)"`), form)
	require.Equal(t, "granted", outcomeOf(t, end))
	back := follow(below+"/consent/paste", link(end, `href="(\.\./)"`), nil)
	require.Equal(t, home.Body.String(), back.Body.String())
}

func TestConsentPages(t *testing.T) {
	for file, locale := range map[string]contract.Locale{"consent.fr.golden.html": contract.French, "consent.en.golden.html": contract.English} {
		t.Run(file, func(t *testing.T) {
			c := newCustomer(t, func(o *web.Options) { o.Locale, o.PublicURL = locale, "" })
			golden(t, file, c.visit(t, "/consent/").Body.String())
			c.outcome = contract.Consented{Status: contract.ConsentFailed, Detail: "invalid_request: demande_non_aboutie"}
			golden(t, "failed_"+file, c.visit(t, "/consent/callback?error=invalid_request&state="+c.start(t)).Body.String())
		})
	}
}

// Every outcome is said in both languages, and each in its own words.
func TestConsentIsSaidInBothLanguages(t *testing.T) {
	titles := map[string]string{}
	for _, locale := range []contract.Locale{contract.French, contract.English} {
		for _, path := range []string{
			"/consent/", "/consent/callback", "/consent/callback?error=access_denied", "/consent/callback?error=x",
			"/consent/callback?response_type=code", "/consent/callback?a=b", "/consent/callback?state=x",
			"granted", "pending", "refused", "expired", "used", "unavailable",
		} {
			c := newCustomer(t, func(o *web.Options) { o.Locale = locale })
			switch path {
			case "granted", "pending", "refused":
				c.outcome.Status = contract.ConsentStatus(path)
				path = "/consent/callback?state=" + c.start(t)
			case "used":
				path = "/consent/callback?state=" + c.start(t)
				c.visit(t, path)
			case "expired":
				path = "/consent/callback?state=" + c.start(t)
				c.now = c.now.Add(time.Hour)
			case "unavailable":
				c.authorize, path = "", "/consent/"
			}
			w := c.visit(t, path)
			title := regexp.MustCompile(`<title>(.+) – enedis2mqtt</title>`).FindStringSubmatch(w.Body.String())
			require.Len(t, title, 2, path)
			key := fmt.Sprintf("%s %s", title[1], locale)
			require.Contains(t, []string{"", outcomeOf(t, w)}, titles[key], "one title, one outcome")
			titles[key] = outcomeOf(t, w)
			other := map[contract.Locale]contract.Locale{contract.French: contract.English, contract.English: contract.French}[locale]
			require.NotContains(t, titles, fmt.Sprintf("%s %s", title[1], other))
			require.NotContains(t, w.Body.String(), "<p></p>")
		}
	}
	require.Len(t, titles, 2*12)
}

func TestAnOutcomeOfNoNameIsAFailure(t *testing.T) {
	c := newCustomer(t)
	c.outcome.Status = "else"
	require.Equal(t, "failed", outcomeOf(t, c.visit(t, "/consent/callback?state="+c.start(t))))
}

func TestPageLeadsToTheConsent(t *testing.T) {
	f := home()
	f.bridge.ConsentsAwaited = 2
	f.meters[0].ConsentEnd, f.meters[1].ConsentEnd = day("2026-11-22"), day("2026-11-21")
	_, body := get(t, server(t, f), "/")
	require.Contains(t, body, `<a id="consent" href="consent/">`)
	require.Contains(t, body, "2 consentements sont donnés")
	require.Contains(t, body, "Consentement jusqu&#39;au 2026-11-22 (dernier jour)")
	require.Contains(t, body, "Consentement terminé le 2026-11-21")

	f.bridge.ConsentsLost = 1
	_, body = get(t, server(t, f), "/")
	require.Contains(t, body, "Redonnez-le")

	f.authorize, f.bridge.ConsentsAwaited, f.bridge.ConsentsLost = "", 0, 0
	f.meters[0].ConsentEnd, f.meters[1].ConsentEnd = 0, 0
	_, body = get(t, server(t, f), "/")
	require.NotContains(t, strings.ToLower(body), "consent")
}

func TestConsentIsGuarded(t *testing.T) {
	c := newCustomer(t, func(o *web.Options) { o.Username, o.Password = "linky", "secret" })
	for _, path := range []string{"/consent/", "/consent/start", "/consent/callback?autorisation_id=4711&state=x"} {
		require.Equal(t, http.StatusUnauthorized, c.visit(t, path).Code)
	}
	require.Equal(t, http.StatusUnauthorized, c.paste(t, "state=x").Code)
	require.Empty(t, c.handed)
}

func TestPasteBehindAProxyThatHandsAnotherHostOn(t *testing.T) {
	for origin, want := range map[string]int{public: http.StatusOK, "https://elsewhere.example": http.StatusForbidden} {
		c := newCustomer(t)
		form := url.Values{"address": {public + "/consent/callback?autorisation_id=4711&state=" + c.start(t)}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://10.0.0.7:8099/consent/paste", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		site, err := url.Parse(origin)
		require.NoError(t, err)
		r.Header.Set("Origin", site.Scheme+"://"+site.Host)
		w := httptest.NewRecorder()
		c.server.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, origin)
	}
}

func TestConsentWithoutASlashLeadsToThePage(t *testing.T) {
	w := newCustomer(t).visit(t, "/consent")
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "consent/", w.Header().Get("Location"), "relative: the page may stand below any path")
}
