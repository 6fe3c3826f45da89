package contract

import (
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Topics names every topic below a base topic, which has one level.
type Topics struct {
	Base string
}

// The payloads of BridgeState.
const (
	Online  = "online"
	Offline = "offline"
)

// BridgeState says online or offline, the last will.
func (t Topics) BridgeState() string { return t.Base + "/bridge/state" }

// BridgeInfo tells version, sources and meters.
func (t Topics) BridgeInfo() string { return t.Base + "/bridge/info" }

// BridgeHealth tells how the sources and the rounds fare.
func (t Topics) BridgeHealth() string { return t.Base + "/bridge/health" }

// Request takes commands.
func (t Topics) Request(command string) string { return t.Base + "/bridge/request/" + command }

// Response answers the command; it is not retained.
func (t Topics) Response(command string) string { return t.Base + "/bridge/response/" + command }

// Freshness is the light's level, plain.
func (t Topics) Freshness(p meter.PRM) string { return t.meter(p, "freshness") }

// FreshnessDetail tells why.
func (t Topics) FreshnessDetail(p meter.PRM) string { return t.meter(p, "freshness/detail") }

// Late is ON or OFF.
func (t Topics) Late(p meter.PRM) string { return t.meter(p, "late") }

// State is the meter in one document.
func (t Topics) State(p meter.PRM) string { return t.meter(p, "state") }

// RefreshSet takes the button's press.
func (t Topics) RefreshSet(p meter.PRM) string { return t.meter(p, refreshSet) }

// Daily lists the last 31 days.
func (t Topics) Daily(p meter.PRM, d meter.Direction) string { return t.series(p, d, "daily") }

// Monthly lists the last 13 months.
func (t Topics) Monthly(p meter.PRM, d meter.Direction) string { return t.series(p, d, "monthly") }

// Yearly lists all years.
func (t Topics) Yearly(p meter.PRM, d meter.Direction) string { return t.series(p, d, "yearly") }

// LoadCurve holds the last complete day.
func (t Topics) LoadCurve(p meter.PRM, d meter.Direction) string { return t.series(p, d, "load_curve") }

// MaxPower lists the last 31 peaks.
func (t Topics) MaxPower(p meter.PRM) string { return t.series(p, meter.Consumption, "max_power") }

// Readings is the event stream of a direction's curve.
func (t Topics) Readings(p meter.PRM, d meter.Direction) string { return t.series(p, d, "readings") }

// Commands lists the filters to subscribe to: each message that they let through is for ParseTopic.
func (t Topics) Commands() []string {
	return []string{t.Request("#"), t.Base + "/+/" + refreshSet}
}

// ParseTopic gives the command that a message on the topic asks for, known or not, with its payload for ParseCommand. On a
// meter's refresh topic the command is Refresh, prm is the meter, and the payload says nothing. Any other topic is not ok.
func (t Topics) ParseTopic(topic string) (command string, prm meter.PRM, ok bool) {
	if command, ok = strings.CutPrefix(topic, t.Request("")); ok {
		return command, "", command != ""
	}
	rest, ok := strings.CutPrefix(topic, t.Base+"/")
	if !ok {
		return "", "", false
	}
	digits, ok := strings.CutSuffix(rest, "/"+refreshSet)
	if !ok {
		return "", "", false
	}
	prm, err := meter.ParsePRM(digits)
	if err != nil {
		return "", "", false
	}
	return Refresh, prm, true
}

const refreshSet = "refresh/set"

func (t Topics) meter(p meter.PRM, rest string) string { return t.Base + "/" + string(p) + "/" + rest }

func (t Topics) series(p meter.PRM, d meter.Direction, rest string) string {
	return t.meter(p, string(d)+"/"+rest)
}
