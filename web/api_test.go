package web_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestMetersAreThoseOfBridgeInfo(t *testing.T) {
	status, body := get(t, server(t, home()), "/api/v1/meters")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"meters":[
		{"prm":"09876543210987","name":"<Maison>","directions":["consumption"]},
		{"prm":"11111111112222","name":"<Maison>","directions":["production"]}]}`, body)
}

func TestEveryDocumentedRequestIsAnswered(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "contract.md"))
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `(GET|POST) (/.*?)` \\|").FindAllStringSubmatch(string(text), -1)
	require.Len(t, rows, 11)
	for _, row := range rows {
		path := strings.ReplaceAll(row[2], "<pdl>", string(house))
		w := httptest.NewRecorder()
		body := strings.NewReader("")
		if !strings.HasSuffix(path, "/stop") {
			body = strings.NewReader(`{"from":"2024-01-01"}`)
		}
		server(t, home()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), row[1], path, body))
		require.Equal(t, 2, w.Code/100, path)
	}
}

func TestDocumentsAreThoseOfMQTT(t *testing.T) {
	f := home()
	s := server(t, f)
	topics := contract.Topics{Base: "enedis2mqtt"}
	paths := map[string]string{topics.State(house): "state", topics.FreshnessDetail(house): "freshness"}
	for _, d := range f.meters[0].Documents(topics, contract.French, noon()) {
		if path, ok := paths[d.Topic]; ok {
			status, body := get(t, s, "/api/v1/meters/"+string(house)+"/"+path)
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, string(d.Body), body)
			delete(paths, d.Topic)
		}
	}
	require.Empty(t, paths)
}

func TestUnknownMeter(t *testing.T) {
	for _, path := range []string{"state", "freshness", "readings"} {
		status, body := get(t, server(t, home()), "/api/v1/meters/00000000000000/"+path)
		require.Equal(t, http.StatusNotFound, status)
		require.JSONEq(t, `{"error":"there is no such meter here"}`, body)
	}
}

func TestReadings(t *testing.T) {
	tests := map[string]struct {
		query string
		days  []meter.DayValues
		asked meter.Days
		want  string
	}{
		"of the last seven days without a word": {
			asked: meter.Days{From: day("2026-11-15"), To: day("2026-11-22")},
			days:  []meter.DayValues{halfHours(day("2026-11-21"))},
			want: `{"prm":"09876543210987","direction":"consumption","measure":"load_curve","days":[
				{"date":"2026-11-21","source":"dataconnect","quality":"raw","points":[
					{"start":"2026-11-21T00:00:00+01:00","start_ms":1795215600000,"minutes":30,"w":412},
					{"start":"2026-11-21T00:30:00+01:00","start_ms":1795217400000,"minutes":30,"w":null}]}]}`,
		},
		"of daily values": {
			query: "?measure=daily&from=2026-11-20&to=2026-11-21",
			asked: meter.Days{From: day("2026-11-20"), To: day("2026-11-22")},
			days: []meter.DayValues{
				{Day: day("2026-11-20"), Value: 9500, Source: "dataconnect", Quality: meter.Raw},
				{Day: day("2026-11-21"), Value: 0, Source: "consoapi", Quality: meter.Computed},
			},
			want: `{"prm":"09876543210987","direction":"consumption","measure":"daily","days":[
				{"date":"2026-11-20","wh":9500,"kwh":9.5,"source":"dataconnect","quality":"raw"},
				{"date":"2026-11-21","wh":0,"kwh":0,"source":"consoapi","quality":"computed"}]}`,
		},
		"of maximum powers": {
			query: "?measure=max_power",
			asked: meter.Days{From: day("2026-11-15"), To: day("2026-11-22")},
			days:  []meter.DayValues{peak(), {Day: day("2026-11-22"), Value: 10}},
			want: `{"prm":"09876543210987","direction":"consumption","measure":"max_power","days":[
				{"date":"2026-11-21","at":"2026-11-21T19:12:40+01:00","va":6120,"kva":6.12,"source":"dataconnect","quality":"computed"},
				{"date":"2026-11-22","at":null,"va":10,"kva":0.01,"source":"","quality":"computed"}]}`,
		},
		"of what there is none of": {
			query: "?direction=production&from=2024-01-01&to=2024-12-31",
			asked: meter.Days{From: day("2024-01-01"), To: day("2025-01-01")},
			want:  `{"prm":"09876543210987","direction":"production","measure":"load_curve","days":[]}`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := home()
			f.days = tc.days
			status, body := get(t, server(t, f), "/api/v1/meters/"+string(house)+"/readings"+tc.query)
			require.Equal(t, http.StatusOK, status)
			require.JSONEq(t, tc.want, body)
			require.Equal(t, tc.asked, <-f.asked)
		})
	}
}

func TestReadingsRefuseBadParameters(t *testing.T) {
	for name, query := range map[string]string{
		"direction":     "direction=both",
		"measure":       "measure=voltage",
		"from":          "from=yesterday",
		"to":            "to=2026-13-01",
		"is after":      "from=2026-11-21&to=2026-11-20",
		`"since"`:       "since=2026-11-21",
		`day ""`:        "from=",
		`measure "a&b"`: "measure=a%26b",
	} {
		status, body := get(t, server(t, home()), "/api/v1/meters/"+string(house)+"/readings?"+query)
		require.Equal(t, http.StatusBadRequest, status, query)
		var refusal map[string]string
		require.NoError(t, json.Unmarshal([]byte(body), &refusal))
		require.Contains(t, refusal["error"], name)
	}
}

func TestReadingsOfAStoreThatFailsAtOnce(t *testing.T) {
	f := home()
	f.cut = errors.New("disk I/O error")
	status, body := get(t, server(t, f), "/api/v1/meters/"+string(house)+"/readings")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.JSONEq(t, `{"error":"the store cannot be read"}`, body)
}

// Whoever reads must not take half the days for all of them.
func TestReadingsBreakOffWhenTheStoreFailsOnTheWay(t *testing.T) {
	f := home()
	f.days = []meter.DayValues{halfHours(day("2026-11-20"))}
	f.cut = errors.New("disk I/O error")
	h := httptest.NewServer(server(t, f))
	defer h.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/api/v1/meters/"+string(house)+"/readings", nil)
	require.NoError(t, err)
	answer, err := h.Client().Do(request)
	if err == nil {
		_, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
	}
	require.Error(t, err)
}

// halfHours is a curve of which two points are there to see, one of them missing.
func halfHours(d meter.Day) meter.DayValues {
	at := d.Start()
	step := 30 * time.Minute
	return meter.DayValues{Day: d, Source: "dataconnect", Quality: meter.Raw, Readings: []meter.Reading{
		{Interval: meter.Interval{Start: at, End: at.Add(step)}, Watts: 412, Quality: meter.Raw, Source: "dataconnect"},
		{Interval: meter.Interval{Start: at.Add(step), End: at.Add(2 * step)}, Missing: true},
	}}
}
