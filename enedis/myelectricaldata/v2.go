package myelectricaldata

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// dialectV2 asks each measure where the gateway does least to it, and never for what its cache holds: that may be
// incomplete for a day, and knows one of October's doubled hours.
//
// The curve of consumption comes from the batch: the plain resource keeps yesterday back in 1.22. The batch sorts by
// stamp, which the decoder undoes. Its end is included in 1.22 and excluded in 2.x; with the day after the last one for
// its end both hold what is asked for, and a day too many is left out. The curve of production is handed on as Enedis
// sends it, and so are its refusals, which the batch hides.
func dialectV2() dialect {
	return dialect{
		resources: map[measured]string{
			{meter.Consumption, meter.Daily}:     "consumption/daily",
			{meter.Consumption, meter.LoadCurve}: "consumption/detail/batch",
			{meter.Consumption, meter.MaxPower}:  "power",
			{meter.Production, meter.Daily}:      "production/daily",
			{meter.Production, meter.LoadCurve}:  "production/detail",
		},
		measures: func(resource string, prm meter.PRM, days meter.Days) (string, url.Values) {
			return path.Join("enedis", resource, string(prm)), url.Values{
				"start": {days.From.String()}, "end": {days.To.String()}, "use_cache": {"false"},
			}
		},
		contract: func(prm meter.PRM) call {
			return call{
				op: "contract", prm: prm, path: path.Join("enedis/contract", string(prm)),
				query: url.Values{"use_cache": {"false"}},
			}
		},
		decode: decodeV2,
		unwrap: unwrapV2,
		scheme: "Bearer ",
	}
}

// envelope is the frame of v2's answers.
type envelope struct {
	Success *bool           `json:"success"`
	Data    json.RawMessage `json:"data"`
	Error   *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// partialData is the error that comes beside data: some are missing.
const partialData = "PARTIAL_DATA"

// unwrapV2 takes an answer out of its envelope. A refusal may stand in the envelope, whether that says success or not, and
// in the data, as Enedis sends it. Only those of the gateway's own door come with another status than 200 and without
// an envelope.
func unwrapV2(a enedis.Answer) (enedis.Answer, error) {
	if a.Status != http.StatusOK {
		refusal := untilMidnight(detailed(a), a)
		switch refusal.Status {
		case http.StatusUnauthorized:
			refusal.Apart = true
		case http.StatusForbidden: // the account's e-mail is not verified: nothing of one meter
			refusal.Apart = true
			return enedis.Answer{}, &enedis.TokenError{Err: refusal}
		}
		return enedis.Answer{}, refusal
	}
	var e envelope
	if err := json.Unmarshal(a.Body, &e); err != nil {
		return enedis.Answer{}, a.Unreadable(err)
	}
	switch {
	case e.Success == nil, !*e.Success && e.Error == nil:
		return enedis.Answer{}, a.Unreadable(errors.New("the answer has not the gateway's envelope"))
	case !*e.Success, e.Error != nil && e.Error.Code != partialData:
		return enedis.Answer{}, worded(a, e.Error.Code, e.Error.Message)
	}
	data := a
	if data.Body = e.Data; e.Data == nil {
		data.Body = []byte("null")
	}
	if refusal := data.Refusal(); refusal != nil {
		return enedis.Answer{}, ofTheGateway(refusal, a)
	}
	return data, nil
}
