package consoapi_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestFetchAsksEachTypeAsDocumented(t *testing.T) {
	type asked struct {
		format    consoapi.Format
		direction meter.Direction
		measure   meter.Measure
	}
	of2026 := url.Values{"pointId": {"09876543210987"}, "dateDebut": {"2026-11-14"}, "dateFin": {"2026-11-21"}}
	former := url.Values{"prm": {"09876543210987"}, "start": {"2026-11-14"}, "end": {"2026-11-21"}}
	peak := url.Values{"mesuresPas": {"P1D"}, "grandeurPhysique": {"PMA"}}
	maps.Copy(peak, of2026)
	tests := map[asked]struct {
		kind  string
		query url.Values
	}{
		{"", meter.Consumption, meter.Daily}:                      {"consommation_quotidienne", of2026},
		{consoapi.Format2026, meter.Consumption, meter.LoadCurve}: {"courbe_de_charge_consommation", of2026},
		{consoapi.Format2026, meter.Consumption, meter.MaxPower}:  {"puissance_conso_max_quotidienne", peak},
		{consoapi.Format2026, meter.Consumption, meter.Register}:  {"index_consommation", of2026},
		{consoapi.Format2026, meter.Production, meter.Daily}:      {"production_quotidienne", of2026},
		{consoapi.Format2026, meter.Production, meter.LoadCurve}:  {"courbe_de_charge_production", of2026},
		{consoapi.Format2026, meter.Production, meter.Register}:   {"index_production", of2026},
		{consoapi.FormatV5, meter.Consumption, meter.Daily}:       {"daily_consumption", former},
		{consoapi.FormatV5, meter.Consumption, meter.LoadCurve}:   {"consumption_load_curve", former},
		{consoapi.FormatV5, meter.Consumption, meter.MaxPower}:    {"consumption_max_power", former},
		{consoapi.FormatV5, meter.Production, meter.Daily}:        {"daily_production", former},
		{consoapi.FormatV5, meter.Production, meter.LoadCurve}:    {"production_load_curve", former},
	}
	for a, want := range tests {
		t.Run(want.kind, func(t *testing.T) {
			g, client := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, want.query, r.URL.Query())
				_, _ = io.WriteString(w, `{}`)
			}, inFormat(a.format))
			req := daily()
			req.Direction, req.Measure = a.direction, a.measure
			batch, err := client.Fetch(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, enedis.Batch{Request: req, Source: "consoapi"}, batch)
			require.Equal(t, []string{want.kind}, g.requests())
		})
	}
}

// TestFetchAgainstTheOracle reads both formats, with both days of a change of the clock, and compares with what is known of
// the samples.
func TestFetchAgainstTheOracle(t *testing.T) {
	tests := map[string]struct {
		format consoapi.Format
		sample string
		oracle string // its name in EXPECTED.json
		from   string
		unwrap bool // the sample is Enedis's: the gateway takes the object out of meter_reading
	}{
		"2026": {
			"", "answers/200_2026_courbe_de_charge_consommation.json",
			"2026/courbe_de_charge_consommation_day.json", "2026-11-20", false,
		},
		"2026 in March":   {"", "2026/courbe_de_charge_consommation_dst_march.json", "", "2026-03-29", false},
		"2026 in October": {"", "2026/courbe_de_charge_consommation_dst_october.json", "", "2026-10-25", false},
		"former": {
			consoapi.FormatV5, "answers/200_legacy_consumption_load_curve.json",
			"v5/consumption_load_curve_day.json", "2026-09-13", false,
		},
		"former in March":   {consoapi.FormatV5, "v5/consumption_load_curve_dst_march.json", "", "2026-03-29", true},
		"former in October": {consoapi.FormatV5, "v5/consumption_load_curve_dst_october.json", "", "2025-10-26", true},
	}
	type expected struct {
		Points             int             `json:"points"`
		FirstIntervalStart time.Time       `json:"first_interval_start"`
		FirstIntervalEnd   time.Time       `json:"first_interval_end"`
		LastIntervalStart  time.Time       `json:"last_interval_start"`
		LastIntervalEnd    time.Time       `json:"last_interval_end"`
		TotalWh            meter.WattHours `json:"total_wh"`
	}
	var oracle map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(sample(t, "EXPECTED.json")), &oracle))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.oracle == "" {
				test.oracle = test.sample
			}
			var want expected
			require.NoError(t, json.Unmarshal(oracle[test.oracle], &want))
			body := sample(t, test.sample)
			if test.unwrap {
				body = unwrap(t, body)
			}
			g, client := newGateway(t, answer(http.StatusOK, body), inFormat(test.format))
			from := day(test.from)

			batch, err := client.Fetch(t.Context(), curve(from.String(), (from+1).String()))

			require.NoError(t, err)
			require.Equal(t, "consoapi", batch.Source)
			require.Len(t, batch.Days, 1)
			got := batch.Days[0]
			require.Equal(t, from, got.Day)
			require.Equal(t, "consoapi", got.Source)
			require.True(t, got.Complete(meter.LoadCurve))
			require.Len(t, got.Readings, want.Points)
			for _, r := range got.Readings {
				require.Equal(t, "consoapi", r.Source)
				require.Equal(t, meter.Raw, r.Quality)
			}
			first, last := got.Readings[0], got.Readings[want.Points-1]
			requireInstant(t, want.FirstIntervalStart, first.Start)
			requireInstant(t, want.FirstIntervalEnd, first.End)
			requireInstant(t, want.LastIntervalStart, last.Start)
			requireInstant(t, want.LastIntervalEnd, last.End)
			require.Equal(t, want.TotalWh.Joules(), got.Energy())
			require.Empty(t, g.log())
		})
	}
}

func requireInstant(t *testing.T, want, got time.Time) {
	t.Helper()
	require.Equal(t, want.Format(time.RFC3339), got.Format(time.RFC3339)) // the offset counts as well
}

// unwrap does what the gateway does to an answer of v5.
func unwrap(t *testing.T, body string) string {
	t.Helper()
	var answer struct {
		Reading json.RawMessage `json:"meter_reading"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return string(answer.Reading)
}

func TestFetchGivesTheDailyValues(t *testing.T) {
	for name, test := range map[string]struct {
		format consoapi.Format
		sample string
		from   string
		first  int64
	}{
		"2026":   {consoapi.Format2026, "answers/200_2026_consommation_quotidienne.json", "2026-11-14", 16600},
		"former": {consoapi.FormatV5, "answers/200_legacy_daily_consumption.json", "2026-09-07", 16338},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := newGateway(t, answer(http.StatusOK, sample(t, test.sample)), inFormat(test.format))
			req := daily()
			req.Days = meter.Days{From: day(test.from), To: day(test.from) + 7}
			batch, err := client.Fetch(t.Context(), req)
			require.NoError(t, err)
			require.Len(t, batch.Days, 7)
			require.Equal(t, meter.DayValues{
				Day: day(test.from), Source: "consoapi", Quality: meter.Raw, Value: test.first,
			}, batch.Days[0])
		})
	}
}

func TestFetchOfNothingAndOfSomethingElse(t *testing.T) {
	tests := map[string]struct {
		format   consoapi.Format
		body     string
		readable bool
	}{
		"2026: an empty object":          {"", `{}`, true},
		"2026: null":                     {"", `null`, true},
		"2026: no points":                {"", `{"idPrm":"09876543210987","grandeur":[]}`, true},
		"2026: something else":           {"", `{"hello":"world"}`, false},
		"2026: another meter":            {"", `{"idPrm":"33000000000033","grandeur":[]}`, false},
		"2026: the former format":        {"", `{"usage_point_id":"09876543210987","interval_reading":[]}`, false},
		"2026: HTML":                     {"", `<html>`, false},
		"2026: an error with status 200": {"", `{"status":500,"message":"Erreur inconnue. Réessayez plus tard"}`, false},
		"former: an empty object":        {consoapi.FormatV5, `{}`, true},
		"former: null":                   {consoapi.FormatV5, `null`, true},
		"former: no points":              {consoapi.FormatV5, `{"usage_point_id":"09876543210987","interval_reading":[]}`, true},
		"former: null points":            {consoapi.FormatV5, `{"usage_point_id":"09876543210987","interval_reading":null}`, true},
		"former: not unwrapped":          {consoapi.FormatV5, `{"meter_reading":{"interval_reading":[]}}`, true},
		"former: something else":         {consoapi.FormatV5, `{"hello":"world"}`, false},
		"former: another meter":          {consoapi.FormatV5, `{"usage_point_id":"33000000000033","interval_reading":[]}`, false},
		"former: more than one object":   {consoapi.FormatV5, `{"interval_reading":[]},"x":{"a":1}`, false},
		"former: a list":                 {consoapi.FormatV5, `[]`, false},
		"former: the format of 2026":     {consoapi.FormatV5, `{"idPrm":"09876543210987","grandeur":[]}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, client := newGateway(t, answer(http.StatusOK, test.body), inFormat(test.format))
			batch, err := client.Fetch(t.Context(), daily())
			require.Len(t, g.requests(), 1, "nothing is asked twice")
			if test.readable {
				require.NoError(t, err)
				require.Empty(t, batch.Days)
				return
			}
			refusal, ok := errors.AsType[*enedis.Error](err)
			require.True(t, ok)
			require.Equal(t, enedis.CodeUnreadable, refusal.Code)
			require.Equal(t, enedis.Retry, enedis.ActionOf(err))
		})
	}
}

func TestFetchNeverAsksForToday(t *testing.T) {
	req := daily()
	req.Days = meter.Days{From: day("2026-11-20"), To: day("2026-11-25")}
	g, client := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "2026-11-22", r.URL.Query().Get("dateFin"))
		_, _ = io.WriteString(w, `{}`)
	})
	batch, err := client.Fetch(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, req, batch.Request)

	req.Days.From = day("2026-11-22")
	_, err = client.Fetch(t.Context(), req)
	require.Error(t, err)
	require.Len(t, g.requests(), 1, "nothing is asked")
}

func TestFetchRefusesWhatIsNotOffered(t *testing.T) {
	for format, req := range map[consoapi.Format]enedis.Request{
		consoapi.FormatV5:   {PRM: consumer, Direction: meter.Consumption, Measure: meter.Register, Days: daily().Days},
		consoapi.Format2026: {PRM: consumer, Direction: meter.Production, Measure: meter.MaxPower, Days: daily().Days},
	} {
		g, client := newGateway(t, answer(http.StatusOK, `{}`), inFormat(format))
		_, err := client.Fetch(t.Context(), req)
		require.Error(t, err)
		require.NotContains(t, err.Error(), string(consumer))
		require.Empty(t, g.requests())
		require.False(t, client.Traits().Offers(req.Direction, req.Measure))
	}
}

func TestFetchWarnsOnceOfDroppedPoints(t *testing.T) {
	g, client := newGateway(t, answer(http.StatusOK,
		`{"idPrm":"09876543210987","grandeur":[{"unite":"W","points":[{"v":1,"d":"2026-03-29 01:30:00","p":"PT30M"},`+
			`{"v":1,"d":"2026-03-29 02:00:00","p":"PT30M"},{"v":1,"d":"2026-03-29 02:30:00","p":"PT30M"}]}]}`))
	batch, err := client.Fetch(t.Context(), curve("2026-03-29", "2026-03-30"))
	require.NoError(t, err)
	require.Len(t, batch.Days, 1)
	require.Regexp(t, `^time=\S+ level=WARN msg="[^"]+" request="…0987 consumption/load_curve [^"]+" points=2\n$`, g.log())
}

// TestAnHourThatIsLostInOctoberIsSaid takes the hour of winter away, so that nothing tells which hour the rest belongs to.
func TestAnHourThatIsLostInOctoberIsSaid(t *testing.T) {
	for format, test := range map[consoapi.Format]struct{ sample, list, stamp, from string }{
		consoapi.Format2026: {"2026/courbe_de_charge_consommation_dst_october.json", "points", "d", "2026-10-25"},
		consoapi.FormatV5:   {"v5/consumption_load_curve_dst_october.json", "interval_reading", "date", "2025-10-26"},
	} {
		t.Run(string(format), func(t *testing.T) {
			var body map[string]any
			require.NoError(t, json.Unmarshal([]byte(sample(t, test.sample)), &body))
			var holder map[string]any
			if format == consoapi.FormatV5 {
				body = body["meter_reading"].(map[string]any) // as the gateway hands it on
				holder = body
			} else {
				holder = body["grandeur"].([]any)[0].(map[string]any)
			}
			points := holder[test.list].([]any)
			require.Len(t, points, 50)
			for _, p := range points[3:7] {
				require.Contains(t, p.(map[string]any)[test.stamp], " 02:")
			}
			holder[test.list] = append(points[:5:5], points[7:]...)
			lacking, err := json.Marshal(body)
			require.NoError(t, err)

			g, client := newGateway(t, answer(http.StatusOK, string(lacking)), inFormat(format))
			from := day(test.from)
			batch, err := client.Fetch(t.Context(), curve(from.String(), (from+1).String()))
			require.NoError(t, err)
			require.Len(t, batch.Days[0].Readings, 50)
			for i, r := range batch.Days[0].Readings {
				require.Equal(t, 3 <= i && i < 7, r.Missing, "slot %d", i)
			}
			require.Regexp(t, `level=WARN .* points=2\n$`, g.log())
		})
	}
}

func TestFetchUsesNoAnswerFromAnotherTime(t *testing.T) {
	_, client := newGateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, `{}`)
	})
	_, err := client.Fetch(t.Context(), daily())
	_, ok := errors.AsType[*enedis.ClockError](err)
	require.True(t, ok)
}

func TestProfileKnowsNothingAndAsksNobody(t *testing.T) {
	g, client := newGateway(t, answer(http.StatusOK, `{}`))
	profile, err := client.Profile(t.Context(), consumer)
	require.NoError(t, err)
	require.Equal(t, enedis.Profile{}, profile)
	require.Empty(t, g.requests())
}

func TestTraits(t *testing.T) {
	_, client := newGateway(t, nil)
	require.Equal(t, "consoapi", client.Name())
	traits := client.Traits()
	require.Equal(t, []enedis.Limit{{Window: 12 * time.Hour, Scope: enedis.ScopeAddress, Calls: 60}}, traits.Limits)
	require.InDelta(t, 1, traits.Rate, 0)
	require.Equal(t, 1, traits.InFlight)
	require.True(t, traits.NoContract)
	require.Empty(t, traits.DailyLags)
	require.Zero(t, traits.Yesterday)
	for _, d := range meter.Directions() {
		require.Equal(t, meter.Measures(d), traits.Measures[d])
	}
	require.Equal(t, map[meter.Measure]int{
		meter.LoadCurve: 7, meter.Daily: 365, meter.MaxPower: 365, meter.Register: 365,
	}, traits.Span)
	days := enedis.History{Months: 36, Days: 14}
	require.Equal(t, map[meter.Measure]enedis.History{
		meter.LoadCurve: {Months: 24, Days: 14}, meter.Daily: days, meter.MaxPower: days, meter.Register: days,
	}, traits.History)
}

func TestNewChecksItsOptions(t *testing.T) {
	good := consoapi.Options{
		BaseURL: consoapi.DefaultURL, Tokens: []string{tokenOf(`{"sub":["09876543210987"]}`)}, UserAgent: "enedis2mqtt",
	}
	_, err := consoapi.New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*consoapi.Options){
		"no URL":               func(o *consoapi.Options) { o.BaseURL = "" },
		"no scheme":            func(o *consoapi.Options) { o.BaseURL = "conso.example/api" },
		"another scheme":       func(o *consoapi.Options) { o.BaseURL = "ftp://conso.example/api" },
		"a query":              func(o *consoapi.Options) { o.BaseURL = "https://conso.example/api?x=topsecret" },
		"no URL at all":        func(o *consoapi.Options) { o.BaseURL = "https://topsecret@:x y" },
		"another format":       func(o *consoapi.Options) { o.Format = "v4" },
		"no token":             func(o *consoapi.Options) { o.Tokens = nil },
		"a token that is none": func(o *consoapi.Options) { o.Tokens = append(o.Tokens, "topsecret") },
		"no name":              func(o *consoapi.Options) { o.UserAgent = "" },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			spoil(&o)
			_, err := consoapi.New(o)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "topsecret")
		})
	}
}
