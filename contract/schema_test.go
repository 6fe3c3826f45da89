package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

var schemaFolder = filepath.Join("..", "docs", "schemas")

// schemas compiles all schemas, by the names of their files without the ending.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(schemaFolder, "*.schema.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	all := map[string]*jsonschema.Schema{}
	for _, file := range files {
		schema, err := compiler.Compile(file)
		require.NoError(t, err)
		all[strings.TrimSuffix(filepath.Base(file), ".schema.json")] = schema
	}
	return all
}

func validate(schema *jsonschema.Schema, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// schemaOf names the schema of a topic below topics; empty for a plain payload.
func schemaOf(topic string) string {
	rest := strings.TrimPrefix(topic, topics.Base+"/")
	switch {
	case rest == "bridge/state", strings.HasSuffix(rest, "/freshness"), strings.HasSuffix(rest, "/late"):
		return ""
	case strings.HasPrefix(rest, "bridge/re"): // request, response
		return strings.ReplaceAll(strings.TrimPrefix(rest, "bridge/"), "/", "-")
	case strings.HasPrefix(rest, "bridge/"):
		return strings.ReplaceAll(rest, "/", "-")
	case strings.HasSuffix(rest, "/freshness/detail"):
		return "freshness-detail"
	}
	return rest[strings.LastIndex(rest, "/")+1:]
}

// check validates a document by the schema of its topic.
func check(all map[string]*jsonschema.Schema, doc contract.Document) error {
	name := schemaOf(doc.Topic)
	if name == "" || (name == "load_curve" && len(doc.Body) == 0) {
		return nil
	}
	schema, ok := all[name]
	if !ok {
		return fmt.Errorf("%s: no schema %q", doc.Topic, name)
	}
	if err := validate(schema, doc.Body); err != nil {
		return fmt.Errorf("%s: %w\n%s", doc.Topic, err, doc.Body)
	}
	return nil
}

func TestGoldenFilesKeepTheSchemas(t *testing.T) {
	all := schemas(t)
	files, err := filepath.Glob(filepath.Join("testdata", "*.golden.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	seen := map[string]bool{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		var payloads map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &payloads))
		for topic, payload := range payloads {
			if string(payload) == `""` {
				payload = nil // an emptied topic
			}
			require.NoError(t, check(all, contract.Document{Topic: topic, Body: payload}), file)
			seen[schemaOf(topic)] = true
		}
	}
	for name := range all {
		if name != "common" && !strings.HasPrefix(name, "request-") && !strings.HasPrefix(name, "response-") {
			require.Contains(t, seen, name, "a schema that no golden file has")
		}
	}
}

// drawnMeter is any meter that the store may give.
func drawnMeter(t *rapid.T, now time.Time) contract.Meter {
	today := meter.DayOf(now)
	m := contract.Meter{
		PRM: "09876543210987", Name: rapid.String().Draw(t, "name"),
		Directions: rapid.SampledFrom([][]meter.Direction{
			nil, {consumption}, {production}, {consumption, production},
		}).Draw(t, "directions"),
		Series:  map[contract.Measured]contract.Series{},
		Trouble: rapid.SampledFrom([]contract.Reason{"", "", contract.Storage, contract.Settings}).Draw(t, "trouble"),
	}
	instants := rapid.Map(rapid.Int64Range(-1e6, 1e6), func(s int64) time.Time {
		if s%5 == 0 {
			return time.Time{}
		}
		return now.Add(time.Duration(s) * 1234 * time.Millisecond)
	})
	m.UpdatedAt, m.LastSuccessAt = instants.Draw(t, "updated"), instants.Draw(t, "success")
	m.LastAttemptAt, m.NextAttemptAt = instants.Draw(t, "attempt"), instants.Draw(t, "next")
	m.WasLevel = rapid.SampledFrom([]contract.Level{"", contract.Red, contract.Orange, contract.Green}).Draw(t, "was")
	if m.WasLevel != "" {
		m.WasSince = now.Add(-time.Hour)
	}
	if rapid.Bool().Draw(t, "consent") {
		m.ConsentEnd = today + meter.Day(rapid.IntRange(-10, 1100).Draw(t, "days left"))
	}
	for range rapid.IntRange(0, 20).Draw(t, "arrivals") {
		m.Arrivals = append(m.Arrivals, contract.Arrival{Minutes: rapid.IntRange(0, 5000).Draw(t, "minutes")})
	}
	for _, d := range m.Directions {
		for _, measure := range meter.Measures(d) {
			if measure == meter.LoadCurve && rapid.IntRange(0, 4).Draw(t, "hourly") == 0 {
				continue
			}
			m.Series[contract.Measured{Direction: d, Measure: measure}] = drawnMeasure(t, measure, today)
		}
	}
	return m
}

func drawnMeasure(t *rapid.T, measure meter.Measure, today meter.Day) contract.Series {
	through := today - 1 - meter.Day(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 40}).Draw(t, "lag"))
	var s contract.Series
	switch measure {
	case meter.Daily:
		s, _ = drawnSeries(t, through)
	case meter.LoadCurve:
		run := meter.Days{From: through - meter.Day(rapid.IntRange(0, 8).Draw(t, "curve days")), To: through}
		s = kept(measure, run.From, append(curves(run), curve(through, rapid.SliceOfN(rapid.IntRange(0, 50), 0, 3).Draw(t, "missing")...)))
	default:
		s = kept(measure, through-40, peaks(meter.Days{From: through - 35, To: through + 1}))
	}
	s.Trouble = rapid.SampledFrom([]contract.Reason{
		"", contract.Settings, contract.ConsentMissing, contract.ConsentExpired, contract.Quota, contract.SourceDown,
		contract.Waiting, contract.Waiting, contract.Waiting, contract.Starting, contract.CurveNotCollected, contract.NotOffered,
	}).Draw(t, "trouble of "+string(measure))
	return s
}

func drawnNow(t *rapid.T) time.Time {
	d := rapid.OneOf(
		rapid.Int32Range(20000, 21500), rapid.SampledFrom([]int32{20541, 20542, 20751, 20752, 20819}), // changes of the clock, New Year
	).Draw(t, "today")
	return meter.Day(d).Start().Add(time.Duration(rapid.Int64Range(0, 23*3600*1000-1).Draw(t, "ms since midnight")) * time.Millisecond)
}

func TestAnyMetersDocumentsKeepTheSchemas(t *testing.T) {
	all := schemas(t)
	rapid.Check(t, func(t *rapid.T) {
		now := drawnNow(t)
		m := drawnMeter(t, now)
		docs := m.Documents(topics, contract.English, now)
		seen := map[string]bool{}
		for _, doc := range docs {
			require.NoError(t, check(all, doc))
			require.True(t, doc.Retain)
			require.NotContains(t, seen, doc.Topic)
			seen[doc.Topic] = true
		}
		require.Equal(t, docs, m.Documents(topics, contract.English, now), "the same each time")
	})
}

// The light is what the contract says of it, whatever the meter, and it changes when it is said to and not before.
func TestLightOfAnyMeter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := drawnNow(t)
		m := drawnMeter(t, now)
		l := m.Light(contract.English, now)
		current, counted := 0, 0
		for name, s := range l.Series {
			require.Equal(t, s.Current, s.Reason == nil, name)
			require.GreaterOrEqual(t, s.MissingDays, 0, name)
			if s.Current || (*s.Reason != contract.CurveNotCollected && *s.Reason != contract.NotOffered) {
				counted++
			}
			if s.Current {
				require.GreaterOrEqual(t, *s.Last, meter.DayOf(now)-1, name)
				current++
			}
		}
		require.Equal(t, counted > 0 && current == counted, l.Level == contract.Green)
		require.Equal(t, current == 0, l.Level == contract.Red)
		require.Equal(t, m.Trouble == contract.Storage, l.Reason == contract.Storage)
		require.False(t, l.Late && l.Level == contract.Green)
		require.False(t, l.Late && now.Before(l.ExpectedAt.Add(2*time.Hour)))
		require.GreaterOrEqual(t, l.ExpectedAt.In(meter.Paris()).Hour()+24*int(meter.DayOf(l.ExpectedAt.Time)-meter.DayOf(now)), 8)

		next := m.NextChange(now)
		require.True(t, next.After(now))
		m.WasLevel, m.WasSince = l.Level, l.Since.Time
		before := encodedDocuments(m, next.Add(-time.Nanosecond))
		require.Equal(t, encodedDocuments(m, now), before, "nothing changes before")
		if meter.DayOf(next) == meter.DayOf(now) {
			require.NotEqual(t, before, encodedDocuments(m, next), "something changes then")
		}
	})
}

func encodedDocuments(m contract.Meter, now time.Time) string {
	var all strings.Builder
	for _, doc := range m.Documents(topics, contract.French, now) {
		fmt.Fprintf(&all, "%s %s\n", doc.Topic, doc.Body)
	}
	return all.String()
}

func TestAnyReadingsEventKeepsTheSchema(t *testing.T) {
	all := schemas(t)
	rapid.Check(t, func(t *rapid.T) {
		d := meter.Day(rapid.SampledFrom([]int32{20541, 20600, 20751}).Draw(t, "day"))
		numbers := rapid.SliceOfN(rapid.IntRange(0, 50), 0, 5)
		former, revised := curve(d, numbers.Draw(t, "missing before")...), curve(d, numbers.Draw(t, "missing")...)
		for _, n := range numbers.Draw(t, "revised") {
			if n < len(revised.Readings) && !revised.Readings[n].Missing {
				revised.Readings[n].Watts = 5000
			}
		}
		body := contract.ReadingsEvent(1, revised, &former)
		require.NoError(t, check(all, contract.Document{Topic: topics.Readings("09876543210987", consumption), Body: body}))
		var event contract.Readings
		require.NoError(t, json.Unmarshal(body, &event))
		require.Len(t, event.Points, len(revised.Readings))
		for i, p := range event.Points {
			was, is := former.Readings[i], revised.Readings[i]
			require.Equal(t, is.Missing, p.W == nil)
			require.Equal(t, !was.Missing && (is.Missing || is.Watts != was.Watts), p.Corrected)
			require.Equal(t, is.Start.UnixMilli(), p.StartMS)
			require.True(t, is.Start.Equal(p.Start.Time))
		}
	})
}

func TestACorrectionHasTheSameBounds(t *testing.T) {
	d := day(t, "2026-11-21")
	former, hours := curve(d), meter.DayValues{Day: d}
	for i := 0; i < len(former.Readings); i += 2 {
		r := former.Readings[i]
		r.End, r.Watts = r.End.Add(30*time.Minute), 9999
		hours.Readings = append(hours.Readings, r)
	}
	require.NotContains(t, string(contract.ReadingsEvent(1, hours, &former)), `"corrected":true`)
}

func TestCommandsKeepTheSchemas(t *testing.T) {
	all := schemas(t)
	now := instant(t, "2026-11-22T09:00:00+01:00")
	requests := map[string][]string{
		contract.Refresh:        {`{}`, `{"prm":"09876543210987"}`, `{"prm":null,"transaction":[1]}`},
		contract.History:        {`{"prm":"09876543210987","from":"2026-01-01"}`, `{"prm":"09876543210987","from":"2026-01-01","to":null,"direction":"consumption","measures":["daily"],"transaction":"a"}`},
		contract.HistoryStop:    {`{}`, `{"prm":"09876543210987","transaction":null}`},
		contract.Republish:      {`{}`, `{"transaction":{"a":1}}`},
		contract.CoverageReport: {`{"prm":"09876543210987"}`},
	}
	bad := []string{`{"prm":"1"}`, `{"meter":"09876543210987"}`, `[]`, `{"prm":"09876543210987","from":"2026-01-01","measures":[]}`}
	cut := day(t, "2024-11-08")
	data := map[string][]any{
		contract.Refresh: {nil}, contract.HistoryStop: {nil}, contract.Republish: {nil},
		contract.History: {
			contract.HistoryProgress{PRM: "09876543210987", Calls: 10, Days: 900, EndsAt: contract.Time{Time: now}, CutTo: &cut},
			contract.HistoryProgress{PRM: "09876543210987", Calls: 10, Done: 10, Days: 900, DaysDone: 900, Holes: 3},
		},
		contract.CoverageReport: {meterOf(t, run(t, "2026-01-01", "2026-11-21"), consumption, production).Coverage(now)},
	}
	for name, payloads := range requests {
		schema := all[schemaOf(topics.Request(name))]
		require.NotNil(t, schema, name)
		for _, payload := range payloads {
			require.NoError(t, validate(schema, []byte(payload)))
			_, err := contract.ParseCommand(name, []byte(payload))
			require.NoError(t, err)
		}
		for _, payload := range bad {
			_, err := contract.ParseCommand(name, []byte(payload))
			require.Error(t, err, "%s %s", name, payload)
			require.Error(t, validate(schema, []byte(payload)), "%s %s", name, payload)
		}
		c := contract.Command{Name: name, Transaction: json.RawMessage(`"a"`)}
		for _, d := range data[name] {
			require.NoError(t, check(all, c.OK(d).Document(topics, name)))
		}
		require.NoError(t, check(all, c.Failed(errors.New("no such meter")).Document(topics, name)))
		require.Error(t, check(all, c.OK("something else").Document(topics, name)))
	}
}

// Each schema says all keys: a key that nobody wrote down is found.
func TestSchemasAreStrict(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(schemaFolder, "*.schema.json"))
	require.NoError(t, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		var schema any
		require.NoError(t, json.Unmarshal(body, &schema))
		require.Equal(t, "https://json-schema.org/draft/2020-12/schema", schema.(map[string]any)["$schema"], file)
		walk(schema, func(object map[string]any) {
			if object["type"] == "object" {
				require.Equal(t, false, object["additionalProperties"], "%s: %v", file, object)
			}
		})
	}
}

func walk(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		visit(v)
		for _, child := range v {
			walk(child, visit)
		}
	case []any:
		for _, child := range v {
			walk(child, visit)
		}
	}
}
