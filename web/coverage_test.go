package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/web"
)

// patchy is a bridge whose first meter has a bit of everything.
func patchy() *fake {
	f := home()
	run := func(from, to string, status meter.Status) contract.CoverageRun {
		days := meter.Days{From: day(from), To: day(to) + 1}
		return contract.CoverageRun{From: days.From, To: days.To - 1, Status: status, Days: days.Len()}
	}
	at := func(s string) contract.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04", s, meter.Paris())
		if err != nil {
			panic(err)
		}
		return contract.Time{Time: when}
	}
	asked := func(date string, n int, last, next contract.Time, missing ...contract.MissingSpan) contract.CoverageHole {
		return contract.CoverageHole{Date: day(date), Asked: n, LastAt: last, NextAt: next, Missing: missing}
	}
	f.covered = contract.MeterCoverage{
		PRM: house,
		Series: map[string][]contract.CoverageRun{
			"consumption/daily": {run("2025-03-01", "2026-11-21", meter.StatusComplete)},
			"consumption/load_curve": {
				run("2025-03-01", "2025-05-31", meter.StatusUnasked), run("2025-06-01", "2025-06-03", meter.StatusAbsent),
				run("2025-06-04", "2026-11-19", meter.StatusComplete), run("2026-11-20", "2026-11-21", meter.StatusPartial),
			},
			"consumption/max_power": {},
		},
		Holes: map[string][]contract.CoverageHole{"consumption/load_curve": {
			asked("2025-06-01", 6, at("2026-01-05 09:00"), contract.Time{}),
			asked("2025-06-02", 6, at("2026-01-05 09:00"), contract.Time{}),
			asked("2025-06-03", 3, at("2026-11-20 08:12"), at("2026-11-24 08:12")),
			asked("2026-11-20", 0, contract.Time{}, at("2026-11-28 00:00"),
				contract.MissingSpan{Start: at("2026-11-20 02:30"), Minutes: 90}, contract.MissingSpan{Start: at("2026-11-20 22:00"), Minutes: 30}),
		}},
		Differences: []contract.Difference{{Date: day("2026-10-25"), Direction: meter.Consumption, DailyWh: 12345, CurveWh: 12000}},
	}
	for measured, s := range f.meters[0].Series {
		s.Activation = day("2025-03-01")
		f.meters[0].Series[measured] = s
	}
	return f
}

func TestCoverage(t *testing.T) {
	f := patchy()
	s := server(t, f)
	status, body := get(t, s, "/api/v1/meters/"+string(house)+"/coverage")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"consumption/daily":[{"from":"2025-03-01","to":"2026-11-21","status":"complete","days":631}]`)
	require.Contains(t, body, `"missing":[{"start":"2026-11-20T02:30:00+01:00","minutes":90}`)
	status, body = get(t, s, "/api/v1/meters/00000000000000/coverage")
	require.Equal(t, http.StatusNotFound, status)
	require.JSONEq(t, `{"error":"there is no such meter here"}`, body)
	f.uncovered = errors.New("disk I/O error")
	status, body = get(t, s, "/api/v1/meters/"+string(house)+"/coverage")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.JSONEq(t, `{"error":"the store cannot be read"}`, body)
}

func TestCoveragePage(t *testing.T) {
	for file, locale := range map[string]contract.Locale{"coverage.fr.golden.html": contract.French, "coverage.en.golden.html": contract.English} {
		t.Run(file, func(t *testing.T) {
			status, body := get(t, server(t, patchy(), func(o *web.Options) { o.Locale = locale }), "/meters/0987/coverage")
			require.Equal(t, http.StatusOK, status)
			golden(t, file, body)
			requireHomely(t, body)
			require.NotContains(t, body, "<details open")
		})
	}
}

func TestCoveragePageOfAMeterWithoutData(t *testing.T) {
	f := home()
	f.covered = contract.MeterCoverage{PRM: barn}
	status, body := get(t, server(t, f), "/meters/2222/coverage")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Aucune donnée de ce compteur")
}

func TestCoveragePageThatCannotBeShown(t *testing.T) {
	f := patchy()
	s := server(t, f)
	status, body := get(t, s, "/meters/0000/coverage")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, body, `href="../../"`)
	f.uncovered = errors.New("disk I/O error")
	status, body = get(t, s, "/meters/0987/coverage")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NotContains(t, body, "disk")
}

// Three years of which every other day is a hole are the most that the page can have to show.
func TestCoveragePageOfTheWorstThreeYears(t *testing.T) {
	f := home()
	today := meter.DayOf(noon())
	days := meter.Days{From: today - 1110, To: today}
	f.covered.Series, f.covered.Holes = map[string][]contract.CoverageRun{}, map[string][]contract.CoverageHole{}
	for _, measure := range meter.Measures(meter.Consumption) {
		name := contract.Measured{Direction: meter.Consumption, Measure: measure}.Name()
		for d := range days.All() {
			status := meter.StatusComplete
			if d%2 == 0 {
				status = meter.StatusAbsent
				f.covered.Holes[name] = append(f.covered.Holes[name], contract.CoverageHole{Date: d, Asked: 6})
			}
			f.covered.Series[name] = append(f.covered.Series[name], contract.CoverageRun{From: d, To: d, Status: status, Days: 1})
		}
	}
	status, body := get(t, server(t, f), "/meters/0987/coverage")
	require.Equal(t, http.StatusOK, status)
	require.Less(t, len(body), 1<<20)
}

func TestMetersWithEqualDigitsHavePagesOfTheirOwn(t *testing.T) {
	f := home()
	twin := f.meters[0]
	twin.PRM, twin.Name = "01234567890987", "Jumeau"
	f.meters = append(f.meters, twin)
	s := server(t, f)
	_, body := get(t, s, "/")
	require.Contains(t, body, `href="meters/0987/coverage"`)
	require.Contains(t, body, `href="meters/0987-2/coverage"`)
	_, body = get(t, s, "/meters/0987-2/coverage")
	require.Contains(t, body, "Jumeau")
	f.answer = contract.HistoryProgress{Calls: 1}
	post(t, s, "/meters/0987-2/history", form, "from=2024-01-01&measures=daily")
	require.Equal(t, twin.PRM, f.ordered[0].PRM)
}

// fleet is a bridge with many meters, all of which fetch history.
func fleet(meters int) *fake {
	f := home()
	one := f.meters[0]
	f.meters = nil
	for i := range meters {
		one.PRM = meter.PRM(fmt.Sprintf("%014d", i))
		f.meters = append(f.meters, one)
		f.bridge.History = append(f.bridge.History, contract.HistoryProgress{PRM: one.PRM, Calls: 9, Days: 1000})
	}
	return f
}

func TestPageOfAFleetReadsNoCoverage(t *testing.T) {
	f := fleet(1000)
	status, body := get(t, server(t, f), "/")
	require.Equal(t, http.StatusOK, status)
	require.Zero(t, f.looked)
	require.Equal(t, 1000, strings.Count(body, "<section"))
	require.Equal(t, 1000, strings.Count(body, `loading="lazy"`), "a browser asks for what is on the screen")
	require.Less(t, len(body), 2<<20)
}

func BenchmarkPageOfAFleet(b *testing.B) {
	s := web.New(web.Options{
		Topics: contract.Topics{Base: "enedis2mqtt"}, Locale: contract.French, Now: noon,
	}, fleet(1000))
	for b.Loop() {
		serve(b, s, "/")
	}
}
