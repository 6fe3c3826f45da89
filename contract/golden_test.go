package contract_test

import (
	"bytes"
	"encoding/json"
	"flag"
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

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	consumption = meter.Consumption
	production  = meter.Production
)

// goldenMeters has one meter of each shape and fate, and the instant at which it is looked at.
func goldenMeters(t *testing.T) map[string]struct {
	meter  contract.Meter
	locale contract.Locale
	now    time.Time
} {
	t.Helper()
	type golden = struct {
		meter  contract.Meter
		locale contract.Locale
		now    time.Time
	}
	year := run(t, "2026-01-01", "2026-11-21")
	morning := instant(t, "2026-11-22T08:31:07+01:00")
	kva, tariff, offPeak := 9.0, "Tarif BT <= 36kVA Courte utilisation à 4 index", "HC (22H00-6H00)"
	full := meterOf(t, year, consumption)
	full.Contract = contract.Contract{SubscribedKVA: &kva, Tariff: &tariff, OffPeak: &offPeak}
	full.ConsentEnd = day(t, "2029-11-20")
	full.Arrivals = arrivals(day(t, "2026-11-21"), 495, 502, 511, 488, 530, 509, 497, 515, 503, 521)
	full.WasLevel, full.WasSince = contract.Green, morning.Add(-time.Second)

	selfConsumption := meterOf(t, year, consumption, production)
	selfConsumption.ConsentEnd = day(t, "2026-11-22")
	for _, d := range selfConsumption.Directions {
		change(selfConsumption, d, meter.Daily, func(s *contract.Series) { s.Activation = day(t, "2025-06-12") })
	}

	producer := meterOf(t, run(t, "2026-06-12", "2026-11-21"), production)
	producer.Contract = full.Contract // a production contract is not used
	change(producer, production, meter.Daily, func(s *contract.Series) { s.Activation = day(t, "2026-06-12") })

	noCurve := meterOf(t, year, consumption)
	delete(noCurve.Series, contract.Measured{Direction: consumption, Measure: meter.LoadCurve})

	notCollected := meterOf(t, year, consumption)
	change(notCollected, consumption, meter.LoadCurve, func(s *contract.Series) {
		*s = contract.Series{First: day(t, "2026-11-15"), Trouble: contract.CurveNotCollected}
	})

	firstStart := contract.Meter{
		PRM: "09876543210987", Name: "Linky 0987", Directions: []meter.Direction{consumption},
		Series: map[contract.Measured]contract.Series{
			{Direction: consumption, Measure: meter.Daily}:     {First: year.From, Trouble: contract.Waiting},
			{Direction: consumption, Measure: meter.LoadCurve}: {First: day(t, "2026-11-15"), Trouble: contract.Starting},
			{Direction: consumption, Measure: meter.MaxPower}:  {First: year.From, Trouble: contract.Starting},
		},
		LastAttemptAt: morning.Add(-time.Minute), NextAttemptAt: morning.Add(29 * time.Minute),
	}

	yearsTurn := meterOf(t, run(t, "2025-11-03", "2026-12-31"), consumption)

	holes := meterOf(t, year, consumption)
	change(holes, consumption, meter.Daily, func(s *contract.Series) {
		*s = kept(meter.Daily, year.From, dailies(year, day(t, "2026-11-03"), day(t, "2026-11-04"), day(t, "2026-03-29")))
	})
	change(holes, consumption, meter.LoadCurve, func(s *contract.Series) {
		days := append(curves(run(t, "2026-11-15", "2026-11-20"), day(t, "2026-11-17")), curve(day(t, "2026-11-21"), 3, 4, 47))
		*s = kept(meter.LoadCurve, day(t, "2026-11-15"), days)
	})

	late := meterOf(t, run(t, "2026-01-01", "2026-11-20"), consumption)
	late.Arrivals = full.Arrivals
	late.WasLevel, late.WasSince = contract.Red, instant(t, "2026-11-22T00:00:00+01:00")
	change(late, consumption, meter.MaxPower, func(s *contract.Series) { s.Trouble = contract.SourceDown })

	return map[string]golden{
		"consumption":      {meter: full, locale: contract.French, now: morning},
		"self-consumption": {meter: selfConsumption, locale: contract.English, now: morning},
		"production only":  {meter: producer, locale: contract.English, now: morning},
		"hourly off":       {meter: noCurve, locale: contract.French, now: morning},
		"not collected":    {meter: notCollected, locale: contract.French, now: morning},
		"first start":      {meter: firstStart, locale: contract.French, now: morning},
		"unknown": {
			meter:  contract.Meter{PRM: "09876543210987", Name: "Linky 0987", Trouble: contract.ConsentMissing},
			locale: contract.English, now: morning,
		},
		"year's turn": {meter: yearsTurn, locale: contract.French, now: instant(t, "2027-01-01T09:00:00+01:00")},
		"october": {
			meter:  meterOf(t, run(t, "2026-10-01", "2026-10-25"), consumption),
			locale: contract.French, now: instant(t, "2026-10-26T09:00:00+01:00"),
		},
		"march": {
			meter:  meterOf(t, run(t, "2026-03-01", "2026-03-29"), consumption),
			locale: contract.French, now: instant(t, "2026-03-30T09:00:00+02:00"),
		},
		"missing points": {meter: holes, locale: contract.English, now: morning},
		"late":           {meter: late, locale: contract.French, now: instant(t, "2026-11-22T11:00:00+01:00")},
	}
}

func TestDocumentsAreGolden(t *testing.T) {
	for name, tc := range goldenMeters(t) {
		t.Run(name, func(t *testing.T) {
			compareGolden(t, name, tc.meter.Documents(topics, tc.locale, tc.now))
		})
	}
}

func TestBridgeDocumentsAreGolden(t *testing.T) {
	for name, b := range goldenBridges(t) {
		t.Run(name, func(t *testing.T) {
			profiles := []contract.Profile{meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption, production).Profile()}
			if b.Sources == nil {
				profiles = []contract.Profile{{PRM: "09876543210987", Name: "Linky 0987"}}
			}
			compareGolden(t, name, b.Documents(topics, profiles))
		})
	}
}

func goldenBridges(t *testing.T) map[string]contract.Bridge {
	t.Helper()
	started := instant(t, "2026-11-22T08:30:00.9+01:00")
	return map[string]contract.Bridge{
		"bridge": {
			Version: "1.2.3", Commit: "0123456789ab", StartedAt: started,
			Sources: []contract.Source{
				{
					Name: "dataconnect", State: contract.SourceQuota, LastError: "consommation_quotidienne: HTTP 429",
					NextAllowedAt: started.Add(29 * time.Minute),
					Budgets: []contract.Budget{
						{Window: time.Hour, Scope: "mesure_synchrone_auto", Calls: 1001, Limit: 1000},
						{Window: time.Hour, Scope: "situation_contrat", Calls: 1, Limit: 1000},
					},
				},
				{
					Name: "consoapi", State: contract.SourceOK,
					Budgets: []contract.Budget{{Window: 12 * time.Hour, Scope: "address", Calls: 17, Limit: 60}},
				},
				{
					Name: "myelectricaldata", State: contract.SourceAuth, LastError: "access token: HTTP 401",
					Budgets: []contract.Budget{
						{Window: 24 * time.Hour, Scope: "…0987", Calls: 12, Limit: 40},
						{Window: 24 * time.Hour, Scope: "token", Calls: 0, Limit: 40},
					},
				},
			},
			LastRound:   &contract.Round{StartedAt: started, EndedAt: started.Add(7 * time.Second), OK: true},
			NextRoundAt: started.Add(time.Hour),
			Statistics:  &contract.Statistics{State: "ok", LastImportAt: started.Add(8 * time.Second)},
		},
		"bridge at its first start": {Version: "dev", Commit: "unknown", StartedAt: started},
	}
}

func TestReadingsEventsAreGolden(t *testing.T) {
	former := curve(day(t, "2026-03-29"), 0, 45)
	revised := curve(day(t, "2026-03-29"), 45)
	revised.Readings[7].Watts = 1000
	compareGolden(t, "readings", []contract.Document{
		{Topic: topics.Readings("09876543210987", consumption), Body: contract.ReadingsEvent(4712, revised, &former)},
		{Topic: topics.Readings("33000000000033", production), Body: contract.ReadingsEvent(4711, former, nil)},
	})
}

// compareGolden compares documents with a golden file: one JSON object, the topics in order, and "" for an empty body.
func compareGolden(t *testing.T, name string, docs []contract.Document) {
	t.Helper()
	file := filepath.Join("testdata", strings.NewReplacer(" ", "_", "'", "").Replace(name)+".golden.json")
	got := layout(t, docs)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "make golden writes it")
	require.Equal(t, string(want), string(got))
}

// innermost finds the objects without objects or lists in them: each stands on a line of its own.
var innermost = regexp.MustCompile(`\{[^{}\[\]]*\}`)

func layout(t *testing.T, docs []contract.Document) []byte {
	t.Helper()
	var all bytes.Buffer
	for i, doc := range docs {
		body := doc.Body
		if !json.Valid(body) {
			var err error
			body, err = json.Marshal(string(body))
			require.NoError(t, err)
		}
		separator := ",\n"
		if i == 0 {
			separator = "{\n"
		}
		all.WriteString(separator + `"` + doc.Topic + `": `)
		require.NoError(t, json.Indent(&all, body, "", "  "))
	}
	all.WriteString("\n}\n")
	return innermost.ReplaceAllFunc(all.Bytes(), func(object []byte) []byte {
		return regexp.MustCompile(`\n\s*`).ReplaceAll(object, []byte(" "))
	})
}
