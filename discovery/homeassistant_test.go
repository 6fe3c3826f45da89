package discovery

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// homeAssistant receives discovery documents as Home Assistant does, and says what it would refuse, drop or warn of. It is
// stricter in places: it knows only the keys, platforms and classes in use here, and takes plain paths alone as templates.
// The rules are those of homeassistant/components/mqtt (discovery.py, schemas.py, sensor.py) as of 2026.9.
type homeAssistant struct {
	prefix    string
	uniqueIDs map[string]bool
	faults    []string
}

func newHomeAssistant(prefix string) *homeAssistant {
	return &homeAssistant{prefix: prefix, uniqueIDs: map[string]bool{}}
}

// faultsOf gives what Home Assistant finds wrong with the messages, which arrive in order.
func faultsOf(o Options, messages ...Message) []string {
	h := newHomeAssistant(o.Prefix)
	for _, m := range messages {
		h.receive(m.Document)
	}
	return h.faults
}

func (h *homeAssistant) fault(format string, args ...any) {
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

var (
	deviceTopic = regexp.MustCompile(`^device/[a-zA-Z0-9_-]+/config$`)
	singleTopic = regexp.MustCompile(`^([a-z_]+)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config$`)
	entityID    = regexp.MustCompile(`^([a-z_]+)\.[a-z0-9]+(_[a-z0-9]+)*$`)
	plainPath   = regexp.MustCompile(`^\{\{ value_json(\.[a-z_]+|\[[0-9]+\])+ \}\}$`)
	mdiIcon     = regexp.MustCompile(`^mdi:[a-z0-9]+(-[a-z0-9]+)*$`)
)

// required lists for each platform the keys without which an entity is refused.
var required = map[string][]string{
	"sensor":        {"state_topic"},
	"binary_sensor": {"state_topic"},
	"button":        {"command_topic"},
}

// known lists for each platform the keys it reads, beside the common ones.
var known = map[string][]string{
	"": {"platform", "unique_id", "default_entity_id", "name", "device_class", "entity_category", "icon", "availability", "qos"},
	"sensor": {
		"state_topic", "value_template", "unit_of_measurement", "suggested_display_precision", "options", "json_attributes_topic",
	},
	"binary_sensor": {"state_topic", "value_template", "payload_on", "payload_off", "json_attributes_topic"},
	"button":        {"command_topic", "payload_press"},
}

// units lists for each device class of a platform the units that fit it; none means that a unit is refused.
var units = map[string]map[string][]string{
	"sensor": {
		"energy":         {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"},
		"power":          {"mW", "W", "kW", "MW", "GW", "TW"},
		"apparent_power": {"mVA", "VA", "kVA"},
		"duration":       {"d", "h", "min", "s", "ms"},
		"date":           {},
		"timestamp":      {},
		"enum":           {},
	},
	"binary_sensor": {"connectivity": {}, "problem": {}},
}

func (h *homeAssistant) receive(doc contract.Document) {
	if !doc.Retain {
		h.fault("%s: not retained", doc.Topic)
	}
	if len(doc.Body) >= 256<<10 {
		h.fault("%s: %d bytes", doc.Topic, len(doc.Body))
	}
	rest, ok := strings.CutPrefix(doc.Topic, h.prefix+"/")
	if !ok {
		h.fault("%s: not below %s", doc.Topic, h.prefix)
		return
	}
	if len(doc.Body) == 0 {
		return // a removal
	}
	var payload map[string]any
	if err := json.Unmarshal(doc.Body, &payload); err != nil {
		h.fault("%s: %v", doc.Topic, err)
		return
	}
	switch single := singleTopic.FindStringSubmatch(rest); {
	case deviceTopic.MatchString(rest):
		h.device(payload)
	case single != nil:
		h.single(single[1], payload)
	default:
		h.fault("%s: dropped, since the topic has not the form of a discovery topic", doc.Topic)
	}
}

func (h *homeAssistant) device(payload map[string]any) {
	h.keys("device message", payload, "device", "origin", "availability", "components")
	name := h.head(payload)
	components, _ := payload["components"].(map[string]any)
	if len(components) == 0 {
		h.fault("components: missing")
	}
	for _, id := range slices.Sorted(maps.Keys(components)) {
		component, _ := components[id].(map[string]any)
		platform, _ := component["platform"].(string)
		if len(component) == 1 && required[platform] != nil {
			continue // a component that is taken away
		}
		h.component(id, platform, name, component)
	}
}

func (h *homeAssistant) single(platform string, payload map[string]any) {
	name := h.head(payload)
	component := maps.Clone(payload)
	delete(component, "device")
	delete(component, "origin")
	if _, ok := component["platform"]; ok {
		h.fault("platform: stands in the topic already")
	}
	id, _ := component["unique_id"].(string)
	h.component(id, platform, name, component)
}

// head checks what stands beside the entities, and gives the name of the device.
func (h *homeAssistant) head(payload map[string]any) string {
	device, _ := payload["device"].(map[string]any)
	h.keys("device", device, "identifiers", "name", "manufacturer", "model", "sw_version", "via_device")
	if identifiers, _ := device["identifiers"].([]any); len(identifiers) == 0 {
		h.fault("device: no identifiers")
	}
	name, _ := device["name"].(string)
	if name == "" {
		h.fault("device: no name")
	}
	origin, _ := payload["origin"].(map[string]any)
	h.keys("origin", origin, "name", "sw_version", "support_url")
	if origin["name"] == nil {
		h.fault("origin: no name")
	}
	h.availability("message", payload["availability"])
	return name
}

func (h *homeAssistant) component(id, platform, deviceName string, c map[string]any) {
	if required[platform] == nil {
		h.fault("%s: platform %q is not supported", id, platform)
		return
	}
	h.keys(id, c, slices.Concat(known[""], known[platform])...)
	for _, key := range required[platform] {
		if c[key] == nil {
			h.fault("%s: %s is required", id, key)
		}
	}
	h.names(id, platform, deviceName, c)
	h.class(id, platform, c)
	h.category(id, platform, c["entity_category"])
	h.availability(id, c["availability"])
	for key, v := range c {
		if text, _ := v.(string); strings.HasSuffix(key, "_topic") && (text == "" || strings.ContainsAny(text, "+#")) {
			h.fault("%s: %s %q is no topic", id, key, text)
		}
	}
	if template, ok := c["value_template"].(string); ok && !plainPath.MatchString(template) {
		h.fault("%s: value_template %q is not a plain path", id, template)
	}
	if icon, ok := c["icon"].(string); ok && !mdiIcon.MatchString(icon) {
		h.fault("%s: icon %q", id, icon)
	}
	if qos, ok := c["qos"]; ok && qos != 0.0 && qos != 1.0 && qos != 2.0 {
		h.fault("%s: qos %v", id, qos)
	}
}

// names checks the unique id, the entity id and the name.
func (h *homeAssistant) names(id, platform, deviceName string, c map[string]any) {
	switch unique, _ := c["unique_id"].(string); {
	case unique == "":
		h.fault("%s: unique_id is required", id)
	case h.uniqueIDs[unique]:
		h.fault("%s: unique_id %s is already taken", id, unique)
	default:
		h.uniqueIDs[unique] = true
	}
	entity, _ := c["default_entity_id"].(string)
	if parts := entityID.FindStringSubmatch(entity); parts == nil || parts[1] != platform {
		h.fault("%s: default_entity_id %q is not one of a %s", id, entity, platform)
	}
	switch name, _ := c["name"].(string); {
	case name == "":
		h.fault("%s: no name", id)
	case strings.HasPrefix(name, deviceName):
		h.fault("%s: name %q repeats the device's", id, name)
	}
}

// class checks the device class and what must fit it.
func (h *homeAssistant) class(id, platform string, c map[string]any) {
	class, _ := c["device_class"].(string)
	unit, hasUnit := c["unit_of_measurement"].(string)
	fit, ok := units[platform][class]
	switch {
	case class != "" && !ok:
		h.fault("%s: device_class %q is not one of a %s", id, class, platform)
	case hasUnit && !slices.Contains(fit, unit):
		h.fault("%s: unit_of_measurement %q does not fit device_class %q", id, unit, class)
	case !hasUnit && len(fit) > 0:
		h.fault("%s: device_class %q wants a unit_of_measurement", id, class)
	}
	options, hasOptions := c["options"].([]any)
	if (class == "enum") != (hasOptions && len(options) > 0) {
		h.fault("%s: options go with device_class enum, and it with them", id)
	}
	if precision, ok := c["suggested_display_precision"]; ok {
		if p, isNumber := precision.(float64); !isNumber || p != float64(int(p)) || p < 0 || len(fit) == 0 {
			h.fault("%s: suggested_display_precision %v", id, precision)
		}
	}
}

func (h *homeAssistant) category(id, platform string, category any) {
	if category == nil || category == "diagnostic" || (category == "config" && platform == "button") {
		return
	}
	h.fault("%s: entity_category %v is not one of a %s", id, category, platform)
}

func (h *homeAssistant) availability(id string, list any) {
	if list == nil {
		return
	}
	entries, _ := list.([]any)
	if len(entries) == 0 {
		h.fault("%s: availability is no list of topics", id)
	}
	for _, entry := range entries {
		fields, _ := entry.(map[string]any)
		h.keys(id+": availability", fields, "topic")
		if topic, _ := fields["topic"].(string); topic == "" {
			h.fault("%s: availability without topic", id)
		}
	}
}

// keys finds those that nobody reads. Home Assistant ignores them in silence.
func (h *homeAssistant) keys(where string, object map[string]any, known ...string) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, key) {
			h.fault("%s: key %s is unknown", where, key)
		}
	}
}
