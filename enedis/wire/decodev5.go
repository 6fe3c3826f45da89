package wire

import (
	"encoding/json"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

// answerV5 is an answer of the metering APIs of v5.
type answerV5 struct {
	Reading *struct {
		PRM     string `json:"usage_point_id"`
		Quality string `json:"quality"`
		Type    struct {
			Unit string `json:"unit"`
		} `json:"reading_type"`
		Intervals []struct {
			Value integer `json:"value"`
			Stamp string  `json:"date"`
			Step  string  `json:"interval_length"`
		} `json:"interval_reading"`
	} `json:"meter_reading"`
}

// DecodeV5 reads an answer in the format of v5 to a request. An error means that the answer cannot be read.
func DecodeV5(source string, req enedis.Request, body []byte) (Decoded, error) {
	var a answerV5
	if err := json.Unmarshal(body, &a); err != nil {
		return Decoded{}, err
	}
	if a.Reading == nil {
		return blank(body)
	}
	if err := checkPRM(req.PRM, a.Reading.PRM); err != nil {
		return Decoded{}, err
	}
	points := make([]point, 0, len(a.Reading.Intervals))
	for _, i := range a.Reading.Intervals {
		points = append(points, point{
			value: i.Value, stamp: i.Stamp, step: i.Step, quality: qualityOf(a.Reading.Quality),
		})
	}
	if len(points) > 0 {
		if err := checkUnit(req.Measure, a.Reading.Type.Unit); err != nil {
			return Decoded{}, err
		}
	}
	return assemble(source, req, points)
}
