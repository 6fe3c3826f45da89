package main

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// ownToken is a token that METERS gives to a single meter.
type ownToken struct {
	prm    meter.PRM
	source string // empty: of the one gateway that there is
	token  secret
}

// parseMeters takes PRMs separated by commas, or a JSON array of objects of which only prm is required. Whether the sources
// are in use is for others to check.
func parseMeters(text string, p *problems) (meters []bridge.Meter, own []ownToken) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		meters, own = parseMeterList(text, p)
	} else {
		for part := range strings.SplitSeq(text, ",") {
			if part = withoutBlanks(part); part != "" {
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
	return meters, own
}

// withoutBlanks takes all white space away: bills write a PRM as 09 876 543 210 987.
func withoutBlanks(text string) string { return strings.Join(strings.Fields(text), "") }

// parsePRM takes a text without blanks and says what a person may have mistaken. It shows no more than the last four
// characters, and nothing of what may be a token.
func parsePRM(text string, p *problems) meter.PRM {
	prm, err := meter.ParsePRM(text)
	digits := strings.Trim(text, "0123456789") == ""
	switch shown := meter.PRM(text).Short(); {
	case err == nil:
	case strings.Contains(text, ";"), digits && len(text) > 14 && len(text)%14 == 0:
		p.add("METERS", "%s: write a comma between two PRMs", shown)
	case len(text) == 13 && digits:
		p.add("METERS", "%s has 13 digits, a PRM has 14: did a spreadsheet take its leading 0 away?", shown)
	case digits:
		p.add("METERS", "%s has %d digits, a PRM has exactly 14", shown, len(text))
	case len(text) > 40 || strings.Count(text, ".") == 2:
		p.add("METERS", "a text of %d characters looks like a token, which goes to CONSO_API_TOKEN or MYELECTRICALDATA_TOKEN: "+
			"want the 14 digits of the PRM", len(text))
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
	Source     string   `json:"source"` // the only one that is asked for it
	Token      string   `json:"token"`  // its own at that source
}

func parseMeterList(text string, p *problems) (meters []bridge.Meter, own []ownToken) {
	var list []meterSetting
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&list); err != nil {
		p.add("METERS", "want PRMs separated by commas, or a JSON array of objects with prm, name, directions, hourly, "+
			"source, token: %v", err)
		return nil, nil
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		p.add("METERS", "something follows the JSON array")
	}
	for _, one := range list {
		m := bridge.Meter{
			PRM: parsePRM(withoutBlanks(one.PRM), p), Name: strings.TrimSpace(one.Name),
			Directions: parseDirections(one.Directions, p), Hourly: one.Hourly == nil || *one.Hourly,
			Source: strings.TrimSpace(one.Source),
		}
		if m.Source != "" && !slices.Contains(sourceNames(), m.Source) {
			p.add("METERS", "source %q: allowed are %s", m.Source, strings.Join(sourceNames(), ", "))
			m.Source = ""
		}
		if token := strings.TrimSpace(one.Token); token != "" {
			own = append(own, ownToken{prm: m.PRM, source: m.Source, token: secret(token)})
		}
		meters = append(meters, m)
	}
	return meters, own
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
