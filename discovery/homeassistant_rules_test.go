package discovery

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// TestHomeAssistantRefuses keeps the checker of all other tests honest.
func TestHomeAssistantRefuses(t *testing.T) {
	type object = map[string]any
	for name, tc := range map[string]struct {
		spoil func(message, daily, button object)
		says  string
	}{
		"a device without identifiers": {
			func(m, _, _ object) { m["device"].(object)["identifiers"] = []string{} }, "device: no identifiers",
		},
		"a device without name": {
			func(m, _, _ object) { delete(m["device"].(object), "name") }, "device: no name",
		},
		"an unknown key of the device": {
			func(m, _, _ object) { m["device"].(object)["vendor"] = "Enedis" }, "device: key vendor is unknown",
		},
		"no origin":               {func(m, _, _ object) { delete(m, "origin") }, "origin: no name"},
		"no components":           {func(m, _, _ object) { delete(m, "components") }, "components: missing"},
		"availability as text":    {func(m, _, _ object) { m["availability"] = "online" }, "is no list of topics"},
		"availability, no topic":  {func(m, _, _ object) { m["availability"] = []object{{}} }, "availability without topic"},
		"a platform of next year": {func(_, d, _ object) { d["platform"] = "tariff" }, `platform "tariff" is not supported`},
		"no platform":             {func(_, d, _ object) { delete(d, "platform") }, `platform "" is not supported`},
		"no unique id":            {func(_, d, _ object) { delete(d, "unique_id") }, "unique_id is required"},
		"one unique id for two":   {func(_, d, b object) { d["unique_id"] = b["unique_id"] }, "is already taken"},
		"an entity id of another domain": {
			func(_, d, _ object) { d["default_entity_id"] = "binary_sensor.linky" }, "is not one of a sensor",
		},
		"an entity id in capitals": {
			func(_, d, _ object) { d["default_entity_id"] = "sensor.Linky" }, "is not one of a sensor",
		},
		"no name":                     {func(_, d, _ object) { delete(d, "name") }, "no name"},
		"the device's name repeated":  {func(_, d, _ object) { d["name"] = "Maison, jour" }, "repeats the device's"},
		"a sensor without its topic":  {func(_, d, _ object) { delete(d, "state_topic") }, "state_topic is required"},
		"a button without its topic":  {func(_, _, b object) { delete(b, "command_topic") }, "command_topic is required"},
		"a topic with a wildcard":     {func(_, d, _ object) { d["state_topic"] = "a/+/b" }, "is no topic"},
		"a state class":               {func(_, d, _ object) { d["state_class"] = "total" }, "key state_class is unknown"},
		"a retained press":            {func(_, _, b object) { b["retain"] = true }, "key retain is unknown"},
		"a misspelt unit":             {func(_, d, _ object) { d["unit_of_measurement"] = "KWh" }, "does not fit"},
		"a class without its unit":    {func(_, d, _ object) { delete(d, "unit_of_measurement") }, "wants a unit"},
		"a date with a unit":          {func(_, d, _ object) { d["device_class"] = "date" }, "does not fit"},
		"a class of another platform": {func(_, d, _ object) { d["device_class"] = "problem" }, "is not one of a sensor"},
		"options without enum":        {func(_, d, _ object) { d["options"] = []string{"a"} }, "options go with"},
		"enum without options": {
			func(_, d, _ object) { d["device_class"] = "enum"; delete(d, "unit_of_measurement") }, "options go with",
		},
		"half a decimal":        {func(_, d, _ object) { d["suggested_display_precision"] = 0.5 }, "suggested_display_precision 0.5"},
		"a sensor to configure": {func(_, d, _ object) { d["entity_category"] = "config" }, "entity_category config"},
		"an unheard category":   {func(_, _, b object) { b["entity_category"] = "system" }, "entity_category system"},
		"a filter in a template": {
			func(_, d, _ object) { d["value_template"] = "{{ value_json.a | float }}" }, "is not a plain path",
		},
		"an icon of nowhere": {func(_, _, b object) { b["icon"] = "refresh" }, `icon "refresh"`},
		"a QoS of 3":         {func(_, _, b object) { b["qos"] = 3 }, "qos 3"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(Device, contract.French)
			good := Messages(o, shapes()["consumption"])[0]
			var message object
			require.NoError(t, json.Unmarshal(good.Body, &message))
			components := message["components"].(object)
			tc.spoil(message, components["consumption_daily"].(object), components["refresh"].(object))
			var err error
			good.Body, err = json.Marshal(message)
			require.NoError(t, err)

			require.Contains(t, strings.Join(faultsOf(o, good), "\n"), tc.says)
		})
	}
}

func TestHomeAssistantRefusesDocuments(t *testing.T) {
	const device = "homeassistant/device/enedis2mqtt_bridge/config"
	empty := []byte(`{}`)
	for name, tc := range map[string]struct {
		doc  contract.Document
		says string
	}{
		"another prefix":      {contract.Document{Topic: "ha/device/a/config", Body: empty, Retain: true}, "not below"},
		"a dot in the topic":  {contract.Document{Topic: "homeassistant/device/a.b/config", Body: empty, Retain: true}, "dropped"},
		"a level too many":    {contract.Document{Topic: "homeassistant/sensor/a/b/c/config", Body: empty, Retain: true}, "dropped"},
		"not retained":        {contract.Document{Topic: device, Body: empty}, "not retained"},
		"not JSON":            {contract.Document{Topic: device, Body: []byte(`online`), Retain: true}, "invalid character"},
		"larger than 256 KiB": {contract.Document{Topic: device, Body: make([]byte, 256<<10), Retain: true}, "262144 bytes"},
		"the platform, double": {
			contract.Document{Topic: "homeassistant/sensor/a/b/config", Body: []byte(`{"platform":"sensor"}`), Retain: true},
			"stands in the topic already",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(Device, contract.French)
			require.Contains(t, strings.Join(faultsOf(o, Message{Document: tc.doc}), "\n"), tc.says)
		})
	}
}
