package wire

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// directionOf reads a contract's segment, C1 to C5 or P1 to P4, and its type, as in "Contrat GRD-F" ("fourniture") and
// "Contrat GRD-A" ("achat").
func directionOf(segment, contractType string) (meter.Direction, bool) {
	switch segment, kind := strings.ToUpper(segment), strings.ToUpper(contractType); {
	case strings.HasPrefix(segment, "C"), strings.Contains(kind, "GRD-F"):
		return meter.Consumption, true
	case strings.HasPrefix(segment, "P"), strings.Contains(kind, "GRD-A"):
		return meter.Production, true
	}
	return "", false
}

// addDirection keeps consumption first, and each direction once.
func addDirection(p *enedis.Profile, found meter.Direction) {
	p.Directions = slices.DeleteFunc(meter.Directions(), func(d meter.Direction) bool {
		return d != found && !slices.Contains(p.Directions, d)
	})
}

// addActivation notes since when a direction is there, if that is known.
func addActivation(p *enedis.Profile, d meter.Direction, day meter.Day) {
	if day == 0 {
		return
	}
	if p.Activation == nil {
		p.Activation = make(map[meter.Direction]meter.Day)
	}
	p.Activation[d] = day
}

// activationDay reads a date of a contract: in 2026 an instant, as in 2024-07-31T00:00:00+0200, in v5 a day, perhaps with an
// offset, as in 2013-08-14+01:00. It is zero for anything else.
func activationDay(s string) meter.Day {
	if t, err := time.Parse("2006-01-02T15:04:05Z0700", s); err == nil {
		return meter.DayOf(t)
	}
	day, err := meter.ParseDay(s[:min(len(s), len(time.DateOnly))])
	if err != nil {
		return 0
	}
	return day
}

// kva is a subscribed power: "9 kVA" in v5, {"unit":"kVA","value":"12"} in 2026; nil when it is neither.
type kva struct{ value *float64 }

// UnmarshalJSON never fails: a contract is worth reading without its power.
func (k *kva) UnmarshalJSON(raw []byte) error {
	var text string
	var parts struct {
		Unit  string          `json:"unit"`
		Value json.RawMessage `json:"value"`
	}
	switch {
	case json.Unmarshal(raw, &parts) == nil:
		text = strings.Trim(string(parts.Value), `"`) + parts.Unit
	case json.Unmarshal(raw, &text) == nil:
	}
	number := strings.TrimSuffix(strings.ToLower(text), "kva")
	power, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(number), ",", ".", 1), 64)
	if err == nil && power > 0 && power < 1e6 {
		k.value = &power
	}
	return nil
}

// text is a JSON string without the white space around it; anything else, as the objects of off-peak hours that a gateway
// knows, is taken for absent.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	var said string
	if json.Unmarshal(raw, &said) == nil {
		*t = text(strings.TrimSpace(said))
	}
	return nil
}
