package enedistest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

const account = "the account's secret"

// gateway is v2 of February 2026 in front of an Enedis with a clock that moves.
func gateway(now *time.Time, meters ...enedistest.Meter) *enedistest.MyElectricalDataV2 {
	return newGateway(now, enedistest.MyElectricalDataV2Options{ClientID: "id", ClientSecret: account}, meters...)
}

// since2 is v2 of October 2026.
func since2(now *time.Time, meters ...enedistest.Meter) *enedistest.MyElectricalDataV2 {
	return newGateway(now, enedistest.MyElectricalDataV2Options{ClientID: "id", ClientSecret: account, Since2: true}, meters...)
}

func newGateway(
	now *time.Time, o enedistest.MyElectricalDataV2Options, meters ...enedistest.Meter,
) *enedistest.MyElectricalDataV2 {
	return enedistest.NewMyElectricalDataV2(fixture(func(e *enedistest.Options) {
		e.Now = func() time.Time { return *now }
		if meters != nil {
			e.Meters = meters
		}
	}), o)
}

func askV2(t *testing.T, g http.Handler, path string, header ...string) reply {
	t.Helper()
	h := map[string]string{"Authorization": "Bearer " + account}
	for i := 0; i < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	return request(t, g, http.MethodGet, "/api"+path, h, "")
}

// measures is the path of a resource of the consumer.
func measures(resource, from, to string, extra ...string) string {
	path := "/enedis/" + resource + "/" + string(consumer) + "?start=" + from + "&end=" + to
	return strings.Join(append([]string{path}, extra...), "&")
}

// wrapped is what the tests read of an envelope with measures.
type wrapped struct {
	Success bool
	Data    struct {
		Reading struct {
			Type struct{ Unit string }          `json:"reading_type"`
			List []struct{ Value, Date string } `json:"interval_reading"`
		} `json:"meter_reading"`
		Grandeur []struct {
			Points []struct{ V, D string }
		}
		Error string
	}
	Error *struct{ Code, Message string }
}

func open(t *testing.T, r reply) wrapped {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	var w wrapped
	require.NoError(t, json.Unmarshal([]byte(r.body), &w), r.body)
	return w
}

// code is that of the envelope's error, empty when it has none.
func (w wrapped) code() string {
	if w.Error == nil {
		return ""
	}
	return w.Error.Code
}

// stamps are those of either format.
func (w wrapped) stamps() []string {
	var list []string
	for _, i := range w.Data.Reading.List {
		list = append(list, i.Date)
	}
	for _, q := range w.Data.Grandeur {
		for _, p := range q.Points {
			list = append(list, p.D)
		}
	}
	return list
}

// days are those of the stamps, each once.
func (w wrapped) days() []string {
	var list []string
	for _, stamp := range w.stamps() {
		list = append(list, stamp[:len("2006-01-02")])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// times are the hours and minutes of the stamps.
func (w wrapped) times() []string {
	var list []string
	for _, stamp := range w.stamps() {
		list = append(list, stamp[len("2006-01-02 "):len("2006-01-02 15:04")])
	}
	return list
}

func TestV2HasTheKeysOfTheSamples(t *testing.T) {
	now := noon()
	g := gateway(&now)
	for name, path := range map[string]string{
		"200_consumption_daily_v5format":                  measures("consumption/daily", "2026-11-14", "2026-11-21"),
		"200_consumption_daily_empty":                     measures("consumption/daily", "2018-11-14", "2018-11-21"),
		"200_power_v5format":                              measures("power", "2026-11-14", "2026-11-21"),
		"200_consumption_detail_v5format_start_stamped":   measures("consumption/detail", "2026-11-14", "2026-11-21"),
		"200_consumption_detail_batch_dst_october_sorted": measures("consumption/detail/batch", "2026-11-14", "2026-11-21"),
		"200_success_with_embedded_error":                 measures("power", "2018-11-14", "2018-11-21"),
		"200_error_ENEDIS_ERROR":                          measures("power", "2026-11-14", "2026-11-14"),
		"200_error_ACCESS_DENIED":                         "/enedis/contract/" + string(nobody),
	} {
		if strings.Contains(path, "2018") { // within the gateway's reach and before the activation
			young := enedistest.Meter{PRM: consumer, Activation: map[meter.Direction]meter.Day{meter.Consumption: day(t, "2026-11-20")}}
			path = strings.ReplaceAll(path, "2018", "2025")
			r := askV2(t, gateway(&now, young), path)
			require.Equal(t, shape(t, sample(t, "med-v2/"+name)), shape(t, r.body), name)
			continue
		}
		require.Equal(t, shape(t, sample(t, "med-v2/"+name)), shape(t, askV2(t, g, path).body), name)
	}
}

func TestV2ShiftsStampsByTheWallClock(t *testing.T) {
	now := noon()
	asSent := []string{"01:00", "01:30", "02:00", "01:30", "02:00", "02:30"}
	asSorted := []string{"01:00", "01:30", "01:30", "02:00", "02:00", "02:30"}
	tests := map[string]struct {
		gateway       *enedistest.MyElectricalDataV2
		day, resource string
		want          []string // from 01:00 on
	}{
		"March": {
			gateway(&now), "2026-03-29", "consumption/detail",
			[]string{"01:00", "02:30", "03:00", "03:30"},
		},
		"March, a batch": {
			gateway(&now), "2026-03-29", "consumption/detail/batch",
			[]string{"01:00", "02:30", "03:00", "03:30"},
		},
		"October":             {gateway(&now), "2026-10-25", "consumption/detail", asSent},
		"October, a batch":    {gateway(&now), "2026-10-25", "consumption/detail/batch", asSorted},
		"October, 2.0":        {since2(&now), "2026-10-25", "consumption/detail", asSorted},
		"October, 2.0, batch": {since2(&now), "2026-10-25", "consumption/detail/batch", asSorted},
	}
	for name, test := range tests {
		next := (day(t, test.day) + 1).String()
		got := open(t, askV2(t, test.gateway, measures(test.resource, test.day, next, "use_cache=false"))).times()
		require.Equal(t, test.want, got[2:2+len(test.want)], name)
	}
}

func TestV2LosesADoubledHourInItsCache(t *testing.T) {
	now := noon()
	path := measures("consumption/detail", "2026-10-25", "2026-10-26")
	fresh, cached := open(t, askV2(t, gateway(&now), path)), open(t, askV2(t, gateway(&now), path+"&use_cache=true"))
	require.Len(t, fresh.Data.Reading.List, 50)
	require.Len(t, cached.Data.Reading.List, 48)
	require.Equal(t, fresh.Data.Reading.List[5], cached.Data.Reading.List[3], "the last one is kept, where the first one stood")
}

func TestV2CapsEnds(t *testing.T) {
	now := noon()
	tests := map[string]struct {
		resource, from, to string
		february, october  []string // the first and the last day
	}{
		"daily, to today": {
			"consumption/daily", "2026-11-15", "2026-11-22",
			[]string{"2026-11-15", "2026-11-20"},
			[]string{"2026-11-15", "2026-11-21"},
		},
		"daily, to next week": {
			"consumption/daily", "2026-11-15", "2026-11-29",
			[]string{"2026-11-15", "2026-11-20"},
			[]string{"2026-11-15", "2026-11-21"},
		},
		"daily, in the past": {
			"consumption/daily", "2026-11-01", "2026-11-03",
			[]string{"2026-11-01", "2026-11-02"},
			[]string{"2026-11-01", "2026-11-02"},
		},
		"daily, yesterday alone": {
			"consumption/daily", "2026-11-21", "2026-11-22",
			[]string{"2026-11-20", "2026-11-20"},
			[]string{"2026-11-21", "2026-11-21"},
		},
		"curve, to today": {
			"consumption/detail", "2026-11-16", "2026-11-22",
			[]string{"2026-11-16", "2026-11-20"},
			[]string{"2026-11-16", "2026-11-21"},
		},
		"batch, to today": {
			"consumption/detail/batch", "2026-11-01", "2026-11-22",
			[]string{"2026-11-01", "2026-11-21"},
			[]string{"2026-11-01", "2026-11-21"},
		},
		"batch, to yesterday": {
			"consumption/detail/batch", "2026-11-15", "2026-11-21",
			[]string{"2026-11-15", "2026-11-21"},
			[]string{"2026-11-15", "2026-11-20"},
		},
		"batch, in the past": {
			"consumption/detail/batch", "2026-11-01", "2026-11-03",
			[]string{"2026-11-01", "2026-11-03"},
			[]string{"2026-11-01", "2026-11-02"},
		},
		"power, to today": {
			"power", "2026-11-15", "2026-11-22",
			[]string{"2026-11-15", "2026-11-21"},
			[]string{"2026-11-15", "2026-11-21"},
		},
	}
	for name, test := range tests {
		ends := func(g http.Handler) []string {
			days := open(t, askV2(t, g, measures(test.resource, test.from, test.to))).days()
			require.NotEmpty(t, days, name)
			return []string{days[0], days[len(days)-1]}
		}
		require.Equal(t, test.february, ends(gateway(&now)), name)
		require.Equal(t, test.october, ends(since2(&now)), name)
	}
}

func TestV2SaysNoWithTwoHundred(t *testing.T) {
	now := noon()
	young := enedistest.Meter{PRM: consumer, Activation: map[meter.Direction]meter.Day{meter.Consumption: day(t, "2026-11-18")}}
	revoked := enedistest.Meter{PRM: consumer, RevokedAt: noon().Add(-time.Hour)}
	self := enedistest.Meter{PRM: consumer}
	tests := map[string]struct {
		meter         enedistest.Meter
		path          string
		code, message string
	}{
		"another account's meter": {
			self, "/enedis/power/" + string(nobody) + "?start=2026-11-01&end=2026-11-02",
			"ACCESS_DENIED", "Access denied",
		},
		"no date": {
			self, measures("power", "yesterday", "2026-11-02"),
			"INVALID_DATE_FORMAT", "YYYY-MM-DD",
		},
		"end before start": {
			self, measures("power", "2026-11-03", "2026-11-02"),
			"INVALID_DATE_RANGE", "before",
		},
		"daily, too old": {
			self, measures("consumption/daily", "2023-11-21", "2023-12-01"),
			"DATE_TOO_OLD", "2023-11-22",
		},
		"curve, too old": {
			self, measures("consumption/detail", "2024-11-21", "2024-11-24"),
			"DATE_TOO_OLD", "2024-11-22",
		},
		"power, before the history": {
			self, measures("power", "2023-11-01", "2023-11-04"),
			"ENEDIS_ERROR", "ADAM-ERR0125: ",
		},
		"no consent": {
			revoked, measures("power", "2026-11-01", "2026-11-02"),
			"ENEDIS_ERROR", "ADAM-DC-0008: No consent",
		},
		"no consent, daily": {
			revoked, measures("consumption/daily", "2026-11-01", "2026-11-02"),
			"ENEDIS_ERROR", "Failed to fetch 2026-11-01 to 2026-11-02: ADAM-DC-0008: ",
		},
		"no consent, a curve": {
			revoked, measures("consumption/detail", "2026-11-01", "2026-11-02"),
			"NO_DATA", "No consumption data",
		},
		"no consent, a batch": {
			revoked, measures("consumption/detail/batch", "2026-11-01", "2026-11-02"),
			"NO_DATA", "No consumption data",
		},
		"no consent, the contract": {revoked, "/enedis/contract/" + string(consumer), "ENEDIS_ERROR", "ADAM-DC-0008: "},
		"more than a week of a curve": {
			self, measures("consumption/detail", "2026-11-01", "2026-11-09"),
			"NO_DATA", "No consumption data",
		},
		"a curve too early": {
			young, measures("consumption/detail", "2026-11-15", "2026-11-21"),
			"ADAM-ERR0123", "anterior",
		},
		"the other direction": {
			self, measures("production/daily", "2026-11-01", "2026-11-02"),
			"ENEDIS_ERROR", "ADAM-ERR0069: ",
		},
		"nothing there": {
			self, measures("power", "2026-11-21", "2026-11-21"),
			"ENEDIS_ERROR", "Invalid_request: ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := open(t, askV2(t, gateway(&now, test.meter), test.path))
			require.False(t, w.Success)
			require.Equal(t, test.code, w.code())
			require.Contains(t, w.Error.Message, test.message)
		})
	}

	early := open(t, askV2(t, gateway(&now, young), measures("power", "2026-11-15", "2026-11-22")))
	require.True(t, early.Success)
	require.Equal(t, "ADAM-ERR0123", early.Data.Error, "a success with a refusal for data")
	early = open(t, askV2(t, gateway(&now, young), measures("consumption/daily", "2026-11-15", "2026-11-22")))
	require.True(t, early.Success)
	require.Empty(t, early.days(), "a success without values")
	early = open(t, askV2(t, gateway(&now, young), measures("consumption/detail/batch", "2026-11-08", "2026-11-21")))
	require.Equal(t, []string{"2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"}, early.days(), "the batch looks for a start")
	require.Equal(t, "PARTIAL_DATA", early.code())
}

func TestV2PutsDaysOnItsBlacklist(t *testing.T) {
	now := meter.NewDay(2026, 11, 22).Start().Add(7 * time.Hour) // before yesterday is out
	g := gateway(&now)
	yesterday := measures("consumption/detail/batch", "2026-11-21", "2026-11-21")
	require.Equal(t, "NO_DATA", open(t, askV2(t, g, yesterday)).code())
	now = now.Add(24*time.Hour - time.Second)
	require.Empty(t, open(t, askV2(t, g, yesterday)).days(), "it is out, and not asked for")
	now = now.Add(time.Second)
	require.Equal(t, []string{"2026-11-21"}, open(t, askV2(t, g, yesterday)).days())

	now = meter.NewDay(2026, 11, 22).Start().Add(7 * time.Hour)
	g = gateway(&now)
	week := measures("consumption/detail/batch", "2026-11-15", "2026-11-21")
	require.Len(t, open(t, askV2(t, g, week)).days(), 6)
	now = now.Add(time.Hour)
	require.Len(t, open(t, askV2(t, g, week)).days(), 7, "a range that has something does no harm")

	revoked := enedistest.Meter{PRM: consumer, RevokedAt: now}
	g = gateway(&now, revoked)
	for range 7 {
		require.Equal(t, http.StatusOK, askV2(t, g, yesterday).status)
	}
	require.Empty(t, open(t, askV2(t, g, yesterday)).code(), "after too many failures it is not asked for either")
}

func TestV2CountsUntilMidnightUTC(t *testing.T) {
	now := time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC)
	g := gateway(&now)
	path := measures("power", "2026-11-14", "2026-11-21")
	g.Spend(account, 49)
	require.Empty(t, open(t, askV2(t, g, path)).code())
	over := open(t, askV2(t, g, path))
	require.Equal(t, "RATE_LIMIT_EXCEEDED", over.code())
	require.Contains(t, over.Error.Message, "(50/50)")
	require.Empty(t, open(t, askV2(t, g, path+"&use_cache=true")).code(), "the cache has a counter of its own")
	require.Contains(t, askV2(t, g, "/pdl/").body, `"success":true`, "the list does not count")
	now = now.Add(time.Second)
	require.Empty(t, open(t, askV2(t, g, path)).code())
}

func TestV2KnowsItsAccount(t *testing.T) {
	now := noon()
	g := gateway(&now)
	path := measures("power", "2026-11-14", "2026-11-21")
	for token, name := range map[string]string{
		"": "401_not_authenticated", account: "401_not_authenticated", "Bearer wrong": "401_detail",
	} {
		r := request(t, g, http.MethodGet, "/api"+path, map[string]string{"Authorization": token}, "")
		require.Equal(t, http.StatusUnauthorized, r.status)
		require.JSONEq(t, sample(t, "med-v2/"+name), r.body)
	}

	const form = "application/x-www-form-urlencoded"
	good := "grant_type=client_credentials&client_id=id&client_secret=the+account%27s+secret"
	tests := map[string]struct {
		path, contentType, body string
		status                  int
	}{
		"good":               {"/api/accounts/token", form, good, 200},
		"another secret":     {"/api/accounts/token", form, good + "x", 401},
		"no secret":          {"/api/accounts/token", form, "grant_type=client_credentials&client_id=id", 422},
		"no grant type":      {"/api/accounts/token", form, "client_id=id&client_secret=x", 422},
		"JSON":               {"/api/accounts/token", "application/json", `{}`, 422},
		"a query":            {"/api/accounts/token?client_id=id", form, good, 422},
		"without the prefix": {"/accounts/token", form, good, 404},
	}
	for name, test := range tests {
		r := request(t, g, http.MethodPost, test.path, map[string]string{"Content-Type": test.contentType}, test.body)
		require.Equal(t, test.status, r.status, name)
	}

	r := request(t, g, http.MethodPost, "/api/accounts/token", map[string]string{"Content-Type": form}, good)
	require.Equal(t, shape(t, sample(t, "med-v2/200_token")), shape(t, r.body), "it does not say how long it lives")
	var granted struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &granted))
	bearer := []string{"Authorization", "Bearer " + granted.Token}
	require.Equal(t, 200, askV2(t, g, path, bearer...).status)
	now = now.Add(30*24*time.Hour - time.Second)
	require.Equal(t, 200, askV2(t, g, path, bearer...).status)
	now = now.Add(time.Second)
	require.Equal(t, 401, askV2(t, g, path, bearer...).status)

	now = noon()
	require.Equal(t, 200, askV2(t, g, path, bearer...).status)
	g.ExpireTokens()
	require.Equal(t, 401, askV2(t, g, path, bearer...).status)
}

func TestV2IsStrictAboutRequests(t *testing.T) {
	now := noon()
	g := gateway(&now)
	for path, status := range map[string]int{
		"/enedis/power/" + string(consumer) + "?start=2026-11-14":        422,
		measures("power", "2026-11-14", "2026-11-21", "use_cache=maybe"): 422,
		measures("power", "2026-11-14", "2026-11-21", "cache=1"):         422,
		measures("power", "2026-11-14", "2026-11-21", "end=2026-11-22"):  422,
		"/enedis/contract/" + string(consumer) + "?start=2026-11-14":     422,
		"/enedis/weather/" + string(consumer):                            404,
		"/pdl":                                                           307,
		"/enedis/contract/" + string(consumer) + "?use_cache=false":      200,
		measures("power", "2026-11-14", "2026-11-21", "use_cache=false"): 200,
	} {
		require.Equal(t, status, askV2(t, g, path).status, path)
	}
	list := askV2(t, g, "/pdl/")
	require.Subset(t, shape(t, sample(t, "med-v2/200_pdl_list")), shape(t, list.body))
	require.Equal(t, 4, strings.Count(list.body, "usage_point_id"))
	require.Equal(t, 401, request(t, g, http.MethodGet, "/api/pdl/", nil, "").status)
}

func TestV2SpeaksBothFormats(t *testing.T) {
	now := noon()
	for name, g := range map[string]*enedistest.MyElectricalDataV2{"February": gateway(&now), "October": since2(&now)} {
		for _, resource := range []string{"consumption/daily", "consumption/detail", "consumption/detail/batch", "power"} {
			path := measures(resource, "2026-11-16", "2026-11-21")
			former, latter := askV2(t, g, path), askV2(t, g, path, "X-MED-Format", "2026")
			require.Equal(t, "@1791153780", former.header.Get("Deprecation"))
			require.Empty(t, latter.header.Get("Deprecation"))
			require.NotEmpty(t, open(t, latter).Data.Grandeur, resource)
			require.Equal(t, open(t, former).days(), open(t, latter).days(), resource)
			untranslated := name == "October" && strings.HasSuffix(resource, "batch")
			require.Equal(t, untranslated, len(open(t, former).Data.Grandeur) > 0, resource)
		}
		r := askV2(t, g, "/enedis/contract/"+string(consumer), "X-MED-Format", "2026")
		require.Contains(t, r.body, `"situation_contrat":[{"contract_start"`)
		require.Contains(t, r.body, `"plageHeuresCreuses":"HC (22H00-6H00)"`)
		require.NotContains(t, r.body, "EXEMPLE CAMILLE", "the person stays out")
	}
}

func TestV2PassesTroubleOn(t *testing.T) {
	e := fixture()
	g := enedistest.NewMyElectricalDataV2(e, enedistest.MyElectricalDataV2Options{ClientID: "id", ClientSecret: account})
	path := measures("power", "2026-11-14", "2026-11-21")
	for fault, message := range map[string]string{
		"500":       "technical_error: ",
		"503":       "Server error '503 Service Unavailable' for url",
		"html404":   "Client error '404 Not Found' for url",
		"reset":     "Server error '502 Bad Gateway' for url",
		"truncated": "Server error '502 Bad Gateway' for url",
		"html":      "Server error '502 Bad Gateway' for url",
	} {
		e.Inject(enedistest.Fault{Name: fault})
		w := open(t, askV2(t, g, path))
		require.Equal(t, "ENEDIS_ERROR", w.code(), fault)
		require.Contains(t, w.Error.Message, message, fault)
		e.Heal()
	}
	require.True(t, open(t, askV2(t, g, path)).Success)
}
