package mqtt

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	longestTopic = 65_535      // bytes: its length is sent in two
	largestBody  = 256<<20 - 1 // bytes: the largest remaining length of MQTT 3.1.1, of which the topic takes a part
)

var prm = regexp.MustCompile(`[0-9]{10}([0-9]{4})`)

// short is the topic as a log may show it: of each PRM in it, the last four digits.
func short(topic string) string {
	return prm.ReplaceAllString(topic, "…$1")
}

// valid checks what paho v1.5.1 sends without a look, and what brokers answer by hanging up.
func valid(topic string, body []byte) error {
	switch {
	case topic == "":
		return fmt.Errorf("%w: its topic is empty", ErrInvalid)
	case strings.ContainsAny(topic, "+#\x00"):
		return fmt.Errorf("%w: its topic has one of +, # or NUL", ErrInvalid)
	case !utf8.ValidString(topic):
		return fmt.Errorf("%w: its topic is not UTF-8", ErrInvalid)
	case len(topic) > longestTopic:
		return fmt.Errorf("%w: its topic has more than %d bytes", ErrInvalid, longestTopic)
	case len(body) > largestBody-longestTopic-4:
		return fmt.Errorf("%w: its body has %d bytes", ErrInvalid, len(body))
	}
	return nil
}
