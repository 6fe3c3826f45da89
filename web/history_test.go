package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/web"
)

const (
	historyAPI = "/api/v1/meters/" + string(house) + "/history"
	form       = "application/x-www-form-urlencoded"
)

// post sends a body to a server, with header fields in pairs.
func post(t *testing.T, s http.Handler, path, contentType, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// busy is a bridge on which history is under way.
func busy() *fake {
	f := home()
	cut := day("2024-11-08")
	f.bridge.History = []contract.HistoryProgress{{
		PRM: house, Calls: 20, Done: 8, Days: 2190, DaysDone: 730, Holes: 3,
		EndsAt: contract.Time{Time: noon().Add(50 * time.Hour)}, CutTo: &cut,
		Reason: contract.Quota, Message: "<La limite> d'appels est atteinte.",
	}, {PRM: barn, Calls: 2, Days: 14}}
	return f
}

func TestHistoryIsOrdered(t *testing.T) {
	all := contract.Command{Name: contract.History, PRM: house, From: day("2024-01-01")}
	some := all
	some.To, some.Direction = day("2024-12-31"), meter.Consumption
	some.Measures = []meter.Measure{meter.Daily, meter.MaxPower}
	echoed := all
	echoed.Transaction = json.RawMessage(`7`)
	tests := map[string]struct {
		contentType, body string
		want              contract.Command
	}{
		"as JSON": {"application/json", `{"from":"2024-01-01"}`, all},
		"as JSON with all fields": {
			"application/json; charset=utf-8",
			`{"from":"2024-01-01","to":"2024-12-31","direction":"consumption","measures":["daily","max_power"]}`, some,
		},
		"as JSON that names the meter, as on MQTT": {
			"application/json", `{"prm":"09876543210987","from":"2024-01-01","to":null,"transaction":7}`, echoed,
		},
		"as JSON that is called a form": {form, ` {"from":"2024-01-01"}`, all},
		"as JSON that is not called so": {"", `{"from":"2024-01-01"}`, all},
		"as a form":                     {form, "from=2024-01-01", all},
		"as a form with all fields": {
			form, "from=2024-01-01&to=2024-12-31&direction=consumption&measures=daily&measures=max_power", some,
		},
		"as a form with empty fields": {form, "from=2024-01-01&to=&direction=&measures=", all},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := home()
			f.answer = contract.HistoryProgress{PRM: house, Calls: 24, Days: 3000}
			w := post(t, server(t, f), historyAPI, tc.contentType, tc.body)
			require.Equal(t, http.StatusAccepted, w.Code, w.Body)
			require.Equal(t, []contract.Command{tc.want}, f.ordered)
			require.JSONEq(t, `{"prm":"09876543210987","calls":24,"done":0,"days":3000,"days_done":0,"holes":0,"ends_at":null}`,
				w.Body.String())
		})
	}
}

func TestHistoryIsRefused(t *testing.T) {
	tests := map[string]struct {
		path, contentType, body string
		change                  func(*fake)
		status                  int
		says                    string
	}{
		"of an unknown meter": {path: "/api/v1/meters/00000000000000/history", status: 404, says: "there is no such meter here"},
		"without a body":      {status: 400, says: "history: the field from is missing"},
		"that is no object":   {body: `["2024-01-01"]`, status: 400, says: "history: the payload is no JSON object"},
		"that is null":        {body: `null`, status: 400, says: "history: the payload is no JSON object"},
		"with something after": {
			body: `{"from":"2024-01-01"} {}`, status: 400, says: "history: something follows the JSON object of the payload",
		},
		"of another meter":      {body: `{"prm":"11111111112222"}`, status: 400, says: "history: prm: the path names another meter"},
		"with an unknown field": {body: `{"since":1}`, status: 400, says: `history: unknown field "since": allowed are prm, from, to, direction, measures, transaction`},
		"with a broken form":    {contentType: form, body: "from=%zz", status: 400, says: "history: the form cannot be read"},
		"with from given twice": {contentType: form, body: "from=2024-01-01&from=2025-01-01", status: 400, says: "history: from: want a string of a day as YYYY-MM-DD"},
		"with an unknown measure": {
			contentType: form, body: "from=2024-01-01&measures=voltage", status: 400,
			says: `history: measures "voltage": want a list of daily, load_curve and max_power`,
		},
		"from too early": {
			body: `{"from":"2020-01-01"}`, status: 400,
			says: "from 2020-01-01 is too early: history reaches back to 2023-11-08, 36 months and 14 days",
		},
		"from after to": {body: `{"from":"2024-02-01","to":"2024-01-01"}`, status: 400, says: "from 2024-02-01 is after to 2024-01-01"},
		"of what the meter lacks": {
			body: `{"from":"2024-01-01"}`, change: func(f *fake) { f.no = errors.New("meter …0987 has no production") },
			status: 400, says: "meter …0987 has no production",
		},
		"while the store fails": {
			body: `{"from":"2024-01-01"}`, status: 503, says: "the store fails: nothing was changed",
			change: func(f *fake) { f.no, f.sick = errors.New("the store fails: nothing was changed"), errors.New("disk") },
		},
		"that is very long": {body: strings.Repeat(" ", 64<<10+1), status: 413, says: "history: the body is longer than 65536 bytes"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := home()
			if tc.change != nil {
				tc.change(f)
			}
			if tc.path == "" {
				tc.path = historyAPI
			}
			w := post(t, server(t, f), tc.path, tc.contentType, tc.body)
			require.Equal(t, tc.status, w.Code)
			var refusal map[string]string
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &refusal))
			require.Equal(t, map[string]string{"error": tc.says}, refusal)
			if f.no == nil {
				require.Empty(t, f.ordered)
			}
		})
	}
}

func TestHistoryIsStopped(t *testing.T) {
	f := home()
	s := server(t, f)
	w := post(t, s, historyAPI+"/stop", "", "")
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Equal(t, []contract.Command{{Name: contract.HistoryStop, PRM: house}}, f.ordered)
	w = post(t, s, historyAPI+"/stop", "application/json", `{"from":"2024-01-01"}`)
	require.Equal(t, http.StatusBadRequest, w.Code)
	w = post(t, s, "/api/v1/meters/1/history/stop", "", "")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Len(t, f.ordered, 1)
}

func TestHistoryUnderWayIsListed(t *testing.T) {
	s := server(t, busy())
	status, body := get(t, s, "/api/v1/meters/"+string(barn)+"/history")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"history":[{"prm":"11111111112222","calls":2,"done":0,"days":14,"days_done":0,"holes":0,"ends_at":null}]}`, body)
	_, body = get(t, server(t, home()), historyAPI)
	require.JSONEq(t, `{"history":[]}`, body)
	status, _ = get(t, s, "/api/v1/meters/1/history")
	require.Equal(t, http.StatusNotFound, status)
}

// A command that is half carried out would leave the bridge in doubt about its store.
func TestHistoryIsOrderedThoughTheReaderLeaves(t *testing.T) {
	f := home()
	f.answer = contract.HistoryProgress{PRM: house}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, historyAPI, strings.NewReader(`{"from":"2024-01-01"}`))
	server(t, f).ServeHTTP(httptest.NewRecorder(), r)
	require.Len(t, f.ordered, 1)
}

func TestHistoryFromAnotherSiteIsRefused(t *testing.T) {
	for _, path := range []string{historyAPI, historyAPI + "/stop", "/meters/0987/history", "/meters/0987/history/stop"} {
		for name, header := range map[string][]string{
			"over HTTPS":      {"Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example"},
			"from a sibling":  {"Sec-Fetch-Site", "same-site", "Origin", "https://other.home.example"},
			"over plain HTTP": {"Origin", "http://elsewhere.example"},
			"from a sandbox":  {"Origin", "null"},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				f := home()
				w := post(t, server(t, f), path, form, "from=2024-01-01&measures=daily", header...)
				require.Equal(t, http.StatusForbidden, w.Code)
				require.Empty(t, f.ordered)
			})
		}
	}
}

func TestHistoryNeedsThePassword(t *testing.T) {
	f := home()
	s := server(t, f, func(o *web.Options) { o.Username, o.Password = "linky", "secret" })
	for _, path := range []string{historyAPI, historyAPI + "/stop", "/meters/0987/history", "/meters/0987/history/stop"} {
		require.Equal(t, http.StatusUnauthorized, post(t, s, path, form, "from=2024-01-01&measures=daily").Code)
	}
	for _, path := range []string{historyAPI, "/api/v1/meters/" + string(house) + "/coverage", "/meters/0987/coverage", "/meters/0987/progress"} {
		status, _ := get(t, s, path)
		require.Equal(t, http.StatusUnauthorized, status)
	}
	require.Empty(t, f.ordered)
	require.Zero(t, f.looked)
}

func TestHistoryIsAskedForOnThePage(t *testing.T) {
	f := home()
	f.answer = contract.HistoryProgress{PRM: house, Calls: 5, Days: 800}
	s := server(t, f)
	fields := url.Values{"from": {"2024-01-01"}, "measures": {"daily", "max_power"}}
	w := post(t, s, "/meters/0987/history", form, fields.Encode(), "Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "../../#meter-0987", w.Header().Get("Location"), "it is relative: the page may stand below a path")
	w = post(t, s, "/meters/0987/history", form, "from=&measures=daily")
	require.Equal(t, http.StatusSeeOther, w.Code)
	w = post(t, s, "/meters/2222/history/stop", form, "")
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "../../../#meter-2222", w.Header().Get("Location"))
	require.Equal(t, []contract.Command{
		{Name: contract.History, PRM: house, From: day("2024-01-01"), Measures: []meter.Measure{meter.Daily, meter.MaxPower}},
		{Name: contract.History, PRM: house, From: day("2023-11-08"), Measures: []meter.Measure{meter.Daily}},
		{Name: contract.HistoryStop, PRM: barn},
	}, f.ordered)
}

func TestThePageSaysThatHistoryIsStored(t *testing.T) {
	f := home()
	f.answer = contract.HistoryProgress{PRM: house, Days: 800, DaysDone: 800}
	s := server(t, f)
	w := post(t, s, "/meters/0987/history", form, "from=2024-01-01&measures=daily")
	require.Equal(t, "../../?stored=0987#meter-0987", w.Header().Get("Location"))
	_, body := get(t, s, "/?stored=0987")
	require.Equal(t, 1, strings.Count(body, "aucun appel n&#39;est à faire"))
	_, body = get(t, s, "/")
	require.NotContains(t, body, "aucun appel n&#39;est à faire")
}

func TestThePageSaysWhatIsWrongWithHistory(t *testing.T) {
	tests := map[string]struct {
		path, body string
		no, sick   error
		status     int
		says       string
	}{
		"an unknown meter": {path: "/meters/0000/history", status: 404, says: "Ce compteur n&#39;est pas"},
		"no measure":       {body: "from=2024-01-01", status: 400, says: "Aucune mesure n&#39;est cochée"},
		"a bad day":        {body: "from=%3Cb%3E&measures=daily", status: 400, says: "history: from &#34;&lt;b&gt;&#34;: want a day"},
		"a whole PRM":      {body: "from=09876543210987&measures=daily", status: 400, says: "want a day"},
		"what the bridge refuses": {
			body: "from=2024-01-01&measures=daily", no: errors.New("meter …0987 has no <load_curve>"), status: 400,
			says: "meter …0987 has no &lt;load_curve&gt;",
		},
		"a store that fails": {
			body: "from=2024-01-01&measures=daily", no: errors.New("the store fails"), sick: errors.New("disk"), status: 503,
			says: "the store fails",
		},
		"a form that is too long": {body: "from=" + strings.Repeat("0", 64<<10), status: 400, says: "n&#39;est pas prise"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := home()
			f.no, f.sick = tc.no, tc.sick
			if tc.path == "" {
				tc.path = "/meters/0987/history"
			}
			w := post(t, server(t, f), tc.path, form, tc.body)
			require.Equal(t, tc.status, w.Code)
			require.Contains(t, w.Body.String(), tc.says)
			require.Contains(t, w.Body.String(), `href="../../"`)
			requireNoPRM(t, w.Body.String())
		})
	}
}

func TestProgress(t *testing.T) {
	for file, locale := range map[string]contract.Locale{"progress.fr.golden.html": contract.French, "progress.en.golden.html": contract.English} {
		t.Run(file, func(t *testing.T) {
			s := server(t, busy(), func(o *web.Options) { o.Locale = locale })
			status, body := get(t, s, "/meters/0987/progress")
			require.Equal(t, http.StatusOK, status)
			golden(t, file, body)
			requireHomely(t, body)
			_, body = get(t, s, "/")
			require.Contains(t, body, `<iframe src="meters/0987/progress"`)
			requireHomely(t, body)
		})
	}
}

func TestProgressOfWhatHasEnded(t *testing.T) {
	status, body := get(t, server(t, home()), "/meters/0987/progress")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "L&#39;historique demandé est là")
	require.NotContains(t, body, `http-equiv="refresh"`, "nothing more is to come")
	require.NotContains(t, body, "<form")
	_, body = get(t, server(t, home()), "/")
	require.NotContains(t, body, "<iframe")
	status, _ = get(t, server(t, home()), "/meters/1234/progress")
	require.Equal(t, http.StatusNotFound, status)
}

func TestHealthNamesNoMeter(t *testing.T) {
	_, body := get(t, server(t, busy()), "/healthz")
	requireNoPRM(t, body)
}

// requireHomely looks for what no page has: a whole PRM, a script, an address that leaves the path below which the page may
// stand.
func requireHomely(t *testing.T, body string) {
	t.Helper()
	requireNoPRM(t, body)
	require.NotContains(t, body, "<script")
	require.NotRegexp(t, `(src|href|action)="(/|https?:)`, body)
}
