package enedistest

import (
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The answer of v5, in the order of keys of recorded answers.
type (
	v5Body struct {
		Reading v5Reading `json:"meter_reading"`
	}
	v5Reading struct {
		PRM       meter.PRM    `json:"usage_point_id"`
		Start     meter.Day    `json:"start"` // as asked
		End       meter.Day    `json:"end"`
		Quality   string       `json:"quality"`
		Type      v5Type       `json:"reading_type"`
		Intervals []v5Interval `json:"interval_reading"`
	}
	v5Type struct {
		Unit      string `json:"unit"`
		Kind      string `json:"measurement_kind"`
		Aggregate string `json:"aggregate"`
		Period    string `json:"measuring_period,omitempty"`
	}
	v5Interval struct {
		Value  any    `json:"value"`
		Date   string `json:"date"`
		Length string `json:"interval_length,omitempty"` // curve only
		Nature string `json:"measure_type,omitempty"`    // curve only
	}
)

// checkV5 checks the parameters of a request for measures.
func (q *query) checkV5() *refusal {
	person, start, end := q.params.Get("person_id"), q.params.Get("start"), q.params.Get("end")
	switch {
	case !q.knowsOnly("usage_point_id", "start", "end", "person_id"):
		return invalidRequest("The request has an unknown or repeated parameter.")
	case q.params.Has("person_id") && (len(person) != 10 || strings.Trim(person, "0123456789") != ""):
		return invalidRequest("person_id parameter must have 10 digits.")
	case start == "" || end == "":
		return invalidRequest("start and end parameters are required.")
	}
	if no := q.checkPointV5(); no != nil {
		return no
	}
	if !q.dated {
		return invalidRequest("start and end parameters must be dates (YYYY-MM-DD).")
	}
	return q.checkDays()
}

// checkPointV5 checks usage_point_id.
func (q *query) checkPointV5() *refusal {
	switch {
	case q.params.Get("usage_point_id") == "":
		return invalidRequest("usage_point_id parameter is required.")
	case q.prm == "":
		return invalidRequest("usage_point_id parameter must have 14 digits.")
	}
	return nil
}

// writeV5 writes values in the form of v5. It knows raw values alone, whatever was corrected.
func (q *query) writeV5(vs values) answer {
	reading := v5Reading{PRM: q.prm, Start: q.days.From, End: q.days.To, Quality: "BRUT", Type: q.typeV5(vs.unit)}
	for _, v := range vs.list {
		i := v5Interval{Value: v.json(), Date: v.stamp}
		if v.step != 0 {
			i.Length, i.Nature = stepText(v.step), "B"
		}
		reading.Intervals = append(reading.Intervals, i)
	}
	return success(v5Body{reading})
}

func (q *query) typeV5(unit string) v5Type {
	switch q.measure {
	case meter.LoadCurve:
		return v5Type{Unit: unit, Kind: "power", Aggregate: "average"}
	case meter.MaxPower:
		return v5Type{Unit: unit, Kind: "power", Aggregate: "maximum", Period: "P1D"}
	}
	return v5Type{Unit: unit, Kind: "energy", Aggregate: "sum", Period: "P1D"}
}
