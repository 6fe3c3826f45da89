package discovery

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// TestEveryEntityFindsItsValue follows each entity into the documents of package contract, as Home Assistant will.
func TestEveryEntityFindsItsValue(t *testing.T) {
	for name, profile := range shapes() {
		t.Run(name, func(t *testing.T) {
			o, m := options(Device, contract.French), kept(profile)
			require.ElementsMatch(t, profile.Shows, m.Profile().Shows)
			require.Equal(t, profile.ConsentEnd, m.Profile().ConsentEnd)

			docs := bodies(m.Documents(o.Topics, o.Locale, morning()))
			for key, c := range Messages(o, m.Profile())[0].config.Components {
				if c.Platform == button {
					command, pressed, ok := o.Topics.ParseTopic(c.CommandTopic)
					require.True(t, ok, "%s: nobody listens to %s", key, c.CommandTopic)
					require.Equal(t, "refresh", command)
					require.Equal(t, prm, pressed)
					continue
				}
				value := valueOf(t, key, c, docs)
				if value == nil && key == "updated_at" && len(profile.Shows) == 0 {
					continue // unknown, until the first value is there
				}
				requireFit(t, key, c, value)
			}
		})
	}
}

func TestTheBridgesEntitiesFindTheirValues(t *testing.T) {
	o := options(Device, contract.French)
	b := contract.Bridge{StartedAt: morning()}
	for i, name := range sources() {
		b.Sources = append(b.Sources, contract.Source{Name: name, State: contract.SourceOK, Budgets: []contract.Budget{
			{Window: time.Hour, Scope: "mesure_synchrone_auto", Calls: 990, Limit: 1000 + i},
			{Window: time.Hour, Scope: "other", Limit: 1000},
		}})
	}
	docs := bodies(b.Documents(o.Topics, nil))
	components := BridgeMessages(o, sources())[0].config.Components
	for i, name := range sources() {
		c := components["calls_left_"+name]
		require.InDelta(t, 10+i, valueOf(t, name, c, docs), 0)
	}
	require.Equal(t, o.Topics.BridgeState(), components["connection"].StateTopic)
}

// valueOf is what an entity shows. A path that leads nowhere fails, as it makes Home Assistant log a warning.
func valueOf(t *testing.T, key string, c component, docs map[string]string) any {
	t.Helper()
	body, ok := docs[c.StateTopic]
	require.True(t, ok, "%s: nothing stands on %s", key, c.StateTopic)
	if c.JSONAttributesTopic != "" {
		var attributes map[string]any
		require.NoError(t, json.Unmarshal([]byte(docs[c.JSONAttributesTopic]), &attributes), key)
		require.Less(t, len(docs[c.JSONAttributesTopic]), 16<<10, "%s: the recorder drops the attributes", key)
		for _, taken := range []string{"device_class", "icon", "unit_of_measurement", "friendly_name", "entity_picture"} {
			require.NotContains(t, attributes, taken, key)
		}
	}
	if c.ValueTemplate == "" {
		return body
	}
	path, _ := strings.CutPrefix(strings.TrimSuffix(c.ValueTemplate, " }}"), "{{ value_json.")
	value, ok := lookUp(body, strings.Split(indices.ReplaceAllString(path, ".$1"), "."))
	require.True(t, ok, "%s: %s leads nowhere in %s", key, path, body)
	return value
}

var indices = regexp.MustCompile(`\[([0-9]+)\]`)

// lookUp follows keys and indices into a JSON document.
func lookUp(body string, path []string) (value any, ok bool) {
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		return nil, false
	}
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			if value, ok = v[step]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// requireFit checks that Home Assistant takes the value for the class of the entity.
func requireFit(t *testing.T, key string, c component, value any) {
	t.Helper()
	text, _ := value.(string)
	switch {
	case c.Platform == binarySensor:
		require.Contains(t, []string{c.PayloadOn, c.PayloadOff}, text, key)
	case c.DeviceClass == "enum":
		require.Contains(t, c.Options, text, key)
	case c.DeviceClass == "date":
		_, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err, key)
	case c.DeviceClass == "timestamp":
		_, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err, key)
	default:
		require.IsType(t, 0.0, value, key)
	}
}

func bodies(docs []contract.Document) map[string]string {
	by := make(map[string]string, len(docs))
	for _, doc := range docs {
		by[doc.Topic] = string(doc.Body)
	}
	return by
}

func yesterday() meter.Day { return meter.NewDay(2026, time.November, 21) }

func morning() time.Time { return (yesterday() + 1).Start().Add(9 * time.Hour) }

// kept is a meter of the shape with yesterday complete.
func kept(p contract.Profile) contract.Meter {
	m := contract.Meter{
		PRM: p.PRM, Name: p.Name, Directions: p.Directions, Series: map[contract.Measured]contract.Series{},
		LastAttemptAt: morning(), NextAttemptAt: morning().Add(time.Hour),
	}
	if p.ConsentEnd {
		m.ConsentEnd = yesterday() + 1000
	}
	for _, d := range p.Directions {
		for _, measure := range meter.Measures(d) {
			m.Series[contract.Measured{Direction: d, Measure: measure}] = contract.Series{First: yesterday(), Trouble: contract.Starting}
		}
	}
	for _, shown := range p.Shows {
		s := m.Series[shown]
		v := valuesOf(shown.Measure)
		_, _, dom := v.Day.Date()
		month := s.Coverage.Edit(v.Day)
		month.Present, month.Complete, month.Asked, month.Sum = 1<<dom, 1<<dom, 1<<dom, v.Value
		s.Recent, s.Trouble = []meter.DayValues{v}, contract.Waiting
		m.Series[shown] = s
		m.UpdatedAt = morning()
	}
	return m
}

func valuesOf(measure meter.Measure) meter.DayValues {
	v := meter.DayValues{Day: yesterday(), Source: "dataconnect", Quality: meter.Raw}
	switch measure {
	case meter.Daily:
		v.Value = 12_345
	case meter.MaxPower:
		v.Value, v.At = 6120, v.Day.Start().Add(19*time.Hour)
	case meter.LoadCurve:
		for start := range 48 {
			from := v.Day.Start().Add(time.Duration(start) * 30 * time.Minute)
			v.Readings = append(v.Readings, meter.Reading{
				Interval: meter.Interval{Start: from, End: from.Add(30 * time.Minute)}, Watts: 412, Quality: meter.Raw, Source: v.Source,
			})
		}
	}
	return v
}

// TestJeedomsPathsLeadToValues follows the topics of docs/jeedom.md, where levels and JSON keys chain alike.
func TestJeedomsPathsLeadToValues(t *testing.T) {
	o := options(Device, contract.French)
	docs := bodies(kept(everything()).Documents(o.Topics, o.Locale, morning()))
	rows := tableRows(t, "../docs/jeedom.md", "")
	require.GreaterOrEqual(t, len(rows), 5)
	for _, row := range rows {
		path := strings.Trim(row[0], "`")
		whole := o.Topics.Base + "/" + string(prm) + "/" + path
		if body, ok := docs[whole]; ok {
			require.False(t, json.Valid([]byte(body)), "%s is a document, not a value", path)
			continue
		}
		head, rest, _ := strings.Cut(path, "/")
		value, ok := lookUp(docs[o.Topics.Base+"/"+string(prm)+"/"+head], strings.Split(rest, "/"))
		require.True(t, ok, "%s leads nowhere", path)
		switch value.(type) {
		case string, float64:
		default:
			require.Fail(t, "no single value", path)
		}
	}
}
