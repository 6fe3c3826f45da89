package main

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// parseMeters takes PRMs separated by commas, or a JSON array of objects of which only prm is required.
func parseMeters(text string, p *problems) []bridge.Meter {
	text = strings.TrimSpace(text)
	var meters []bridge.Meter
	if strings.HasPrefix(text, "[") {
		meters = parseMeterList(text, p)
	} else {
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				meters = append(meters, bridge.Meter{PRM: parsePRM(part, p), Hourly: true})
			}
		}
	}
	seen := make(map[meter.PRM]bool)
	for i, m := range meters {
		if seen[m.PRM] && m.PRM != "" {
			p.add("METERS", "the meter %s stands in it twice", m.PRM.Short())
		}
		seen[m.PRM] = true
		if m.Name == "" {
			meters[i].Name = "Linky " + m.PRM.Tail()
		}
	}
	return meters
}

// parsePRM says what a person may have mistaken, and shows no more of it than the last four characters.
func parsePRM(text string, p *problems) meter.PRM {
	prm, err := meter.ParsePRM(text)
	digits := strings.Trim(text, "0123456789") == ""
	switch shown := meter.PRM(text).Short(); {
	case err == nil:
	case len(text) == 13 && digits:
		p.add("METERS", "%s has 13 digits, a PRM has 14: did a spreadsheet take its leading 0 away?", shown)
	case len(text) > 40 && !strings.ContainsAny(text, " ;"):
		p.add("METERS", "%s, of %d characters, looks like a token: want the 14 digits of the PRM", shown, len(text))
	case strings.ContainsAny(text, " ;"):
		p.add("METERS", "%s: write the 14 digits of a PRM without spaces, and a comma between two of them", shown)
	case digits:
		p.add("METERS", "%s has %d digits, a PRM has exactly 14", shown, len(text))
	default:
		p.add("METERS", "%s is no PRM: that has exactly 14 digits", shown)
	}
	return prm
}

// meterSetting is one object of the JSON form.
type meterSetting struct {
	PRM        string   `json:"prm"`
	Name       string   `json:"name"`
	Directions []string `json:"directions"`
	Hourly     *bool    `json:"hourly"`
	Source     string   `json:"source"`
	Token      string   `json:"token"`
}

func parseMeterList(text string, p *problems) []bridge.Meter {
	var list []meterSetting
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&list); err != nil {
		p.add("METERS", "want PRMs separated by commas, or a JSON array of objects with prm, name, directions, hourly: %v", err)
		return nil
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		p.add("METERS", "something follows the JSON array")
	}
	meters := make([]bridge.Meter, 0, len(list))
	for _, one := range list {
		m := bridge.Meter{PRM: parsePRM(strings.TrimSpace(one.PRM), p), Name: strings.TrimSpace(one.Name)}
		m.Hourly = one.Hourly == nil || *one.Hourly
		if one.Source != "" && one.Source != dataconnect.Name || one.Token != "" {
			p.add("METERS", "the only source of this version is %s; gateways and tokens come with a later one", dataconnect.Name)
		}
		m.Directions = parseDirections(one.Directions, p)
		meters = append(meters, m)
	}
	return meters
}

// parseDirections gives each direction once, consumption first; nil when none is given.
func parseDirections(given []string, p *problems) (directions []meter.Direction) {
	for _, text := range given {
		if _, err := meter.ParseDirection(text); err != nil {
			p.add("METERS", "%v", err)
		}
	}
	for _, d := range meter.Directions() {
		if slices.Contains(given, string(d)) {
			directions = append(directions, d)
		}
	}
	return directions
}
