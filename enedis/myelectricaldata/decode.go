package myelectricaldata

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// decodeV2 reads what stood in v2's envelope, in either of Enedis's formats: some resources give that of 2026 to whoever
// asks.
func decodeV2(req enedis.Request, body []byte) (wire.Decoded, error) {
	d, err := openDocument(body)
	if err != nil {
		return wire.Decoded{}, err
	}
	lost := 0
	switch {
	case req.Measure == meter.LoadCurve:
		d.stampEnds()
		lost = d.dropLone()
	case req.Measure == meter.Daily && req.Direction == meter.Consumption:
		d.forgetPower()
	}
	if body, err = json.Marshal(d.root); err != nil {
		return wire.Decoded{}, err
	}
	decode := wire.DecodeV5
	if d.of2026 {
		decode = wire.Decode2026
	}
	decoded, err := decode(Name, req, body)
	if err == nil {
		decoded.Dropped += lost
	}
	return decoded, err
}

// document is an answer of either format as far as it must be put right before it is decoded.
type document struct {
	root   map[string]any // nil for null
	of2026 bool
	lists  []*list
}

// list is a list of points, with what tells their unit.
type list struct {
	holder map[string]any // has the points under the key points
	points string
	stamp  string // keys of a point
	step   string
	typed  map[string]any // has the unit under the key unit
	unit   string
}

// openDocument finds the lists of points. What has another shape is left to the decoder, which refuses it.
func openDocument(body []byte) (document, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // numbers are written as they were read
	if err := dec.Decode(&d.root); err != nil {
		return document{}, err
	}
	if reading, ok := d.root["meter_reading"].(map[string]any); ok {
		typed, _ := reading["reading_type"].(map[string]any)
		d.lists = append(d.lists, &list{reading, "interval_reading", "date", "interval_length", typed, "unit"})
	}
	quantities, _ := d.root["grandeur"].([]any)
	for _, q := range quantities {
		if quantity, ok := q.(map[string]any); ok {
			d.lists = append(d.lists, &list{quantity, "points", "d", "p", quantity, "unite"})
		}
	}
	_, named := d.root["idPrm"]
	d.of2026 = named || quantities != nil
	return d, nil
}

// each walks the points that have the shape of one.
func (l *list) each(visit func(point map[string]any)) {
	points, _ := l.holder[l.points].([]any)
	for _, p := range points {
		if point, ok := p.(map[string]any); ok {
			visit(point)
		}
	}
}

// end gives the stamp of a point and its step, when it has both.
func (l *list) end(point map[string]any) (at meter.Wall, step time.Duration, ok bool) {
	stamp, _ := point[l.stamp].(string)
	text, _ := point[l.step].(string)
	at, err := time.Parse(time.DateTime, strings.Replace(stamp, "T", " ", 1))
	if err != nil {
		return at, 0, false
	}
	step, err = time.ParseDuration(strings.ToLower(strings.TrimPrefix(text, "PT")))
	return at, step, err == nil
}

// stampEnds gives the slots of a curve Enedis's stamps back, those of their ends. The gateway takes the step off the wall
// clock, not off the instant, so it is put back on the wall clock: around a clock change its own stamps name no slot.
func (d document) stampEnds() {
	for _, l := range d.lists {
		l.each(func(point map[string]any) {
			if start, step, ok := l.end(point); ok {
				point[l.stamp] = start.Add(step).Format(time.DateTime)
			}
		})
	}
}

// dropLone takes out the points whose stamp means two instants in October and comes once, and tells how many they are. The
// gateway sorts by stamp, and its cache keeps one point a stamp, so nothing tells which of the two is meant.
func (d document) dropLone() (dropped int) {
	for _, l := range d.lists {
		times := map[meter.Wall]int{}
		l.each(func(point map[string]any) {
			if at, _, ok := l.end(point); ok {
				times[at]++
			}
		})
		points, _ := l.holder[l.points].([]any)
		kept := make([]any, 0, len(points))
		for _, p := range points {
			if point, ok := p.(map[string]any); ok {
				if at, _, ok := l.end(point); ok && times[at] == 1 && len(meter.Instants(at)) == 2 {
					dropped++
					continue
				}
			}
			kept = append(kept, p)
		}
		if dropped > 0 {
			l.holder[l.points] = kept
		}
	}
	return dropped
}

// forgetPower takes out the unit W of daily consumption: the gateway says it when it knows no better, of values in Wh.
func (d document) forgetPower() {
	for _, l := range d.lists {
		if l.typed[l.unit] == "W" {
			l.typed[l.unit] = ""
		}
	}
}
