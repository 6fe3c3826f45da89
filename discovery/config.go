package discovery

import (
	"encoding/json"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// program names the origin of the messages, and begins every identifier: a PRM alone may clash with another bridge's.
const program = "enedis2mqtt"

// The platforms in use. Home Assistant refuses a whole device for one platform that it does not know, so newer ones, as
// date of 2026.5, are left alone.
const (
	sensor       = "sensor"
	binarySensor = "binary_sensor"
	button       = "button"
)

// config is the payload of a device. Keys are written out: other programs read them too.
type config struct {
	Device       device               `json:"device"`
	Origin       origin               `json:"origin"`
	Availability []availability       `json:"availability,omitempty"` // components inherit it
	Components   map[string]component `json:"components"`
}

// singleConfig is the payload of an entity that comes alone.
type singleConfig struct {
	component
	Device device `json:"device"`
	Origin origin `json:"origin"`
}

type device struct {
	Identifiers  []string `json:"identifiers"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"manufacturer"`
	Model        string   `json:"model"`
	SWVersion    string   `json:"sw_version,omitempty"`
	ViaDevice    string   `json:"via_device,omitempty"`
}

type origin struct {
	Name       string `json:"name"`
	SWVersion  string `json:"sw_version,omitempty"`
	SupportURL string `json:"support_url,omitempty"`
}

// availability points to a topic that says online or offline, Home Assistant's own defaults.
type availability struct {
	Topic string `json:"topic"`
}

func availableWith(t contract.Topics) []availability {
	return []availability{{Topic: t.BridgeState()}}
}

// component is one entity. With its platform alone it says that the entity is to go.
type component struct {
	Platform            string         `json:"platform,omitempty"` // in the topic of an entity that comes alone
	UniqueID            string         `json:"unique_id,omitempty"`
	DefaultEntityID     string         `json:"default_entity_id,omitempty"`
	Name                string         `json:"name,omitempty"` // without the device's, which Home Assistant puts before it
	DeviceClass         string         `json:"device_class,omitempty"`
	Unit                string         `json:"unit_of_measurement,omitempty"`
	Precision           int            `json:"suggested_display_precision,omitempty"` // decimals
	Options             []string       `json:"options,omitempty"`                     // of device class enum
	Category            string         `json:"entity_category,omitempty"`
	Icon                string         `json:"icon,omitempty"`
	StateTopic          string         `json:"state_topic,omitempty"`
	ValueTemplate       string         `json:"value_template,omitempty"`
	PayloadOn           string         `json:"payload_on,omitempty"`
	PayloadOff          string         `json:"payload_off,omitempty"`
	JSONAttributesTopic string         `json:"json_attributes_topic,omitempty"`
	CommandTopic        string         `json:"command_topic,omitempty"`
	PayloadPress        string         `json:"payload_press,omitempty"`
	QoS                 int            `json:"qos,omitempty"`
	Availability        []availability `json:"availability,omitempty"`
}

// single is the payload of one component of the device when it comes alone: it carries what it would inherit.
func (c config) single(key string) singleConfig {
	alone := c.Components[key]
	alone.Platform = ""
	if alone.Availability == nil {
		alone.Availability = c.Availability
	}
	return singleConfig{component: alone, Device: c.Device, Origin: c.Origin}
}

// encode cannot fail: the payloads hold strings and numbers alone.
func encode(payload any) []byte {
	body, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	return body
}
