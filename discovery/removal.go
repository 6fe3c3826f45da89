package discovery

import (
	"maps"
	"slices"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// Removal gives the documents that take away the entities that a device had and has no more. They go out before the
// messages of now, and in Device mode at least Settle before them.
//
// The object is the device's, was lists the Components that were published last in the mode of o, now are the messages that
// replace them: none when the whole device goes. So a change of mode is the removal of everything in the former mode, and
// after Settle the messages of the other one. An entity that comes back with the same unique id gets the name and the icon
// back that its user gave it, but not a changed entity id (measured on Home Assistant 2026.11.0).
//
// In Device mode leaving an entity out is not enough: Home Assistant keeps it until the next restart. It goes when it is
// reduced to its platform.
func Removal(o Options, object string, was []string, now []Message) []contract.Document {
	gone := missing(was, now)
	switch {
	case len(gone) == 0:
		return nil
	case o.Mode == Single:
		return o.emptySingles(object, gone)
	case len(now) == 0:
		return []contract.Document{empty(o.deviceTopic(object))}
	}
	reduced := now[0].config
	reduced.Components = maps.Clone(reduced.Components)
	for _, name := range gone {
		platform, key, _ := strings.Cut(name, "/")
		reduced.Components[key] = component{Platform: platform}
	}
	return []contract.Document{o.document(o.deviceTopic(object), reduced)}
}

// missing lists what was there and is in none of the messages.
func missing(was []string, now []Message) []string {
	return slices.DeleteFunc(slices.Clone(was), func(name string) bool {
		return slices.ContainsFunc(now, func(m Message) bool { return slices.Contains(m.Components, name) })
	})
}

func (o Options) emptySingles(object string, names []string) []contract.Document {
	documents := make([]contract.Document, 0, len(names))
	for _, name := range names {
		platform, key, _ := strings.Cut(name, "/")
		documents = append(documents, empty(o.singleTopic(object, platform, key)))
	}
	return documents
}

// empty removes a retained document.
func empty(topic string) contract.Document { return contract.Document{Topic: topic, Retain: true} }
