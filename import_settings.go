package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/files"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// hidden stands where a secret would.
const hidden = "[redacted]"

// medSettingLines gives MyElectricalData's config.yaml as lines of an environment file, with its secrets or without them.
func medSettingLines(s files.Settings, secrets bool) []string {
	reveal := func(text string) string {
		if text == "" || secrets {
			return text
		}
		return hidden
	}
	var lines []string
	set := func(name, value string) {
		if value != "" {
			lines = append(lines, name+"="+quoted(value))
		}
	}
	set("METERS", medMeters(s.Meters, reveal))
	if len(s.Meters) == 1 {
		set("MYELECTRICALDATA_TOKEN", reveal(s.Meters[0].Token))
	}
	lines = append(lines,
		"# A token of config.yaml is one of the former gateway, v1. For v2, which lives, give MYELECTRICALDATA_API=v2 and the",
		"# secret of your account there as MYELECTRICALDATA_TOKEN instead.")
	set("MYELECTRICALDATA_API", "v1")
	lines = append(lines, medBroker(s, reveal)...)
	if !secrets {
		lines = append(lines, "# Tokens and passwords are not shown: --secrets shows them.")
	}
	return lines
}

// medMeters is METERS as JSON. The token of a single meter has a variable of its own.
func medMeters(all []files.SettingsMeter, reveal func(string) string) string {
	type entry struct {
		PRM        meter.PRM         `json:"prm"`
		Name       string            `json:"name,omitempty"`
		Directions []meter.Direction `json:"directions,omitempty"`
		Hourly     *bool             `json:"hourly,omitempty"`
		Token      string            `json:"token,omitempty"`
	}
	var list []entry
	for _, m := range all {
		e := entry{PRM: m.PRM, Name: m.Name, Directions: m.Directions}
		if !m.Hourly {
			e.Hourly = &m.Hourly
		}
		if len(all) > 1 {
			e.Token = reveal(m.Token)
		}
		list = append(list, e)
	}
	if list == nil {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(list) // texts, and nothing that JSON has no word for
	return strings.TrimSpace(text.String())
}

// medBroker gives the settings of the broker.
func medBroker(s files.Settings, reveal func(string) string) []string {
	var lines []string
	set := func(name, value string) {
		if value != "" {
			lines = append(lines, name+"="+quoted(value))
		}
	}
	if m := s.MQTT; m.Host != "" {
		scheme, port := "mqtt", cmp.Or(m.Port, 1883)
		if m.CAFile != "" {
			scheme = "mqtts"
		}
		set("MQTT_URL", scheme+"://"+net.JoinHostPort(m.Host, strconv.Itoa(port)))
		set("MQTT_USERNAME", m.Username)
		set("MQTT_PASSWORD", reveal(m.Password))
		set("MQTT_CA_FILE", m.CAFile)
	}
	if prefix := s.MQTT.DiscoveryPrefix; prefix != "" && prefix != "homeassistant" {
		set("HOMEASSISTANT_DISCOVERY_PREFIX", prefix)
	}
	if prefix := s.MQTT.Prefix; prefix != "" && prefix != medPrefix {
		lines = append(lines, fmt.Sprintf("# Its topics on the broker: enedis2mqtt cleanup --prefix %s", quoted(prefix)))
	}
	return lines
}

// quoted puts single quotes around what a shell would not take as it is.
func quoted(value string) string {
	plain := strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+=,%[]") == ""
	if plain && !strings.HasPrefix(value, "[{") {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
