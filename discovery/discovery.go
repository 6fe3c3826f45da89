// Package discovery tells Home Assistant what stands on the topics of a meter and of the bridge, in the words of its MQTT
// discovery: one device for each meter, one for the bridge, and their entities. It is pure: from the shape of a meter come
// the messages, and from what was published before come the documents that take entities away. When they are sent, and
// whether they were sent before, others decide.
//
// Each entity reads a plain path of a document of package contract, without filters, so that Domoticz and openHAB understand
// it too. An entity exists only once its document shows a value, since Home Assistant logs a warning for a path that leads
// nowhere. No entity has a state class: its long-term statistics stand at the time of arrival, which for yesterday's energy
// is the wrong day.
//
// The rules that the messages keep are those of home-assistant.io/integrations/mqtt and of homeassistant/components/mqtt as
// of Home Assistant 2026.9; the tests check them.
package discovery

import (
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Mode is the form of the messages.
type Mode string

// The modes.
const (
	Device Mode = "device" // one message for each device; Home Assistant since 2024.11
	Single Mode = "single" // one message for each entity; Domoticz and older Home Assistants read nothing else
)

// Settle is the least time between two versions of the same device. Home Assistant drops a part of a message that arrives
// while it is still setting up the one before.
const Settle = 2 * time.Second

// Options is what all messages share.
type Options struct {
	Prefix     string // discovery prefix of Home Assistant, as in "homeassistant"; never empty
	Mode       Mode
	Topics     contract.Topics
	Locale     contract.Locale // of the names of the entities
	Version    string          // of the program; empty leaves it out
	SupportURL string          // where people find help; empty leaves it out
}

// Message is a retained discovery document and the entities in it.
type Message struct {
	contract.Document
	Components []string // sorted, each "<platform>/<key>", as in "sensor/consumption_daily": what Removal wants to know later

	config config // what the body says, for Removal
}

// ObjectPrefix begins the object id of every device of ours.
const ObjectPrefix = program + "_"

// BridgeObject is the object id of the bridge: its name in topics, its identifier as a device, and the beginning of the
// unique ids of its entities.
const BridgeObject = ObjectPrefix + "bridge"

// MeterObject is the object id of a meter, as BridgeObject is that of the bridge.
func MeterObject(p meter.PRM) string { return ObjectPrefix + string(p) }

// Messages describes a meter. In Device mode it is one message, in Single mode one for each entity. The bridge's messages go
// first, since a meter names the bridge as the device that it is reached by.
func Messages(o Options, p contract.Profile) []Message {
	return o.describe(subject{
		object: MeterObject(p.PRM),
		slug:   "linky_" + p.PRM.Tail(),
		device: device{
			Identifiers:  []string{MeterObject(p.PRM)},
			Name:         p.Name,
			Manufacturer: "Enedis",
			Model:        "Linky",
			ViaDevice:    BridgeObject,
		},
		availability: availableWith(o.Topics),
		entities:     meterEntities(o.Topics, p),
	})
}

// BridgeMessages describes the bridge. The sources are named in the order in which the document of BridgeHealth lists them,
// which orders the budgets of each by what is left, the least first. The connection has no availability of its own, so that
// it shows "off" rather than nothing while the bridge is away.
func BridgeMessages(o Options, sources []string) []Message {
	return o.describe(subject{
		object: BridgeObject,
		slug:   program,
		device: device{
			Identifiers:  []string{BridgeObject},
			Name:         program,
			Manufacturer: program,
			Model:        "Bridge",
			SWVersion:    o.Version,
		},
		entities: bridgeEntities(o.Topics, sources),
	})
}

// subject is a device with its entities.
type subject struct {
	object       string // in topics and unique ids
	slug         string // in entity ids
	device       device
	availability []availability // of all entities that have none of their own
	entities     []entity
}

// describe puts a subject into the messages of the mode.
func (o Options) describe(s subject) []Message {
	whole := config{
		Device:       s.device,
		Origin:       origin{Name: program, SWVersion: o.Version, SupportURL: o.SupportURL},
		Availability: s.availability,
		Components:   make(map[string]component, len(s.entities)),
	}
	names := make([]string, 0, len(s.entities))
	for _, e := range s.entities {
		whole.Components[e.key] = e.finish(s, o.Locale)
		names = append(names, e.Platform+"/"+e.key)
	}
	if o.Mode == Single {
		return o.describeSingly(s, whole)
	}
	slices.Sort(names)
	return []Message{{Document: o.document(o.deviceTopic(s.object), whole), Components: names, config: whole}}
}

func (o Options) describeSingly(s subject, whole config) []Message {
	messages := make([]Message, 0, len(s.entities))
	for _, e := range s.entities {
		messages = append(messages, Message{
			Document:   o.document(o.singleTopic(s.object, e.Platform, e.key), whole.single(e.key)),
			Components: []string{e.Platform + "/" + e.key},
		})
	}
	return messages
}

func (o Options) document(topic string, payload any) contract.Document {
	return contract.Document{Topic: topic, Body: encode(payload), Retain: true}
}

func (o Options) deviceTopic(object string) string { return o.Prefix + "/device/" + object + "/config" }

func (o Options) singleTopic(object, platform, key string) string {
	return o.Prefix + "/" + platform + "/" + object + "/" + key + "/config"
}
