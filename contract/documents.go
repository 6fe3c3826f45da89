package contract

import (
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Documents gives everything that stands retained below the meter's topics, in the same order each time. The load curve
// of a direction without a complete day has an empty body. Topics that a former shape of the meter had and this one lacks
// are not among them: the caller removes those.
func (m Meter) Documents(t Topics, loc Locale, now time.Time) []Document {
	light := m.Light(loc, now)
	docs := []Document{
		retained(t.Freshness(m.PRM), []byte(light.Level)),
		retained(t.Late(m.PRM), onOff(light.Late)),
		retained(t.FreshnessDetail(m.PRM), encode(light)),
		retained(t.State(m.PRM), encode(m.State(now))),
	}
	for _, d := range m.Directions {
		docs = append(docs,
			retained(t.Daily(m.PRM, d), encode(m.Daily(d))),
			retained(t.Monthly(m.PRM, d), encode(m.Monthly(d))),
			retained(t.Yearly(m.PRM, d), encode(m.Yearly(d))),
			retained(t.LoadCurve(m.PRM, d), m.loadCurveBody(d)),
		)
		if d == meter.Consumption {
			docs = append(docs, retained(t.MaxPower(m.PRM), encode(m.MaxPower())))
		}
	}
	return docs
}

func retained(topic string, body []byte) Document {
	return Document{Topic: topic, Body: body, Retain: true}
}

func onOff(on bool) []byte {
	if on {
		return []byte("ON")
	}
	return []byte("OFF")
}
