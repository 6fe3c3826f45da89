package myelectricaldata

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// dialectV1 hands on Enedis's v5: its ranges, whose end is excluded, its stamps and its bodies. Below each path there is
// one more, /cache, which is not used: what it holds may be incomplete.
func dialectV1() dialect {
	return dialect{
		resources: map[measured]string{
			{meter.Consumption, meter.Daily}:     "daily_consumption",
			{meter.Consumption, meter.LoadCurve}: "consumption_load_curve",
			{meter.Consumption, meter.MaxPower}:  "daily_consumption_max_power",
			{meter.Production, meter.Daily}:      "daily_production",
			{meter.Production, meter.LoadCurve}:  "production_load_curve",
		},
		measures: func(resource string, prm meter.PRM, days meter.Days) (string, url.Values) {
			return resource + "/" + string(prm) + "/start/" + days.From.String() + "/end/" + days.To.String(), nil
		},
		contract: func(prm meter.PRM) call {
			return call{op: "contracts", prm: prm, path: "contracts/" + string(prm)}
		},
		decode: func(req enedis.Request, body []byte) (wire.Decoded, error) {
			return wire.DecodeV5(Name, req, body)
		},
		unwrap: unwrapV1,
		scheme: "", // the token stands alone
	}
}

// unwrapV1 reads the refusals, {"detail": …}. With 409 the gateway says that the quota is spent until tomorrow, with 403
// that token and delivery point do not go together, with 401 that the consent is missing: all of one token, which is bound
// to one meter.
func unwrapV1(a enedis.Answer) (enedis.Answer, error) {
	refusal := a.Refusal()
	if a.Status != http.StatusOK {
		refusal = detailed(a)
	}
	switch {
	case refusal == nil:
		return a, nil
	case a.Status == http.StatusOK:
		return enedis.Answer{}, ofTheGateway(refusal, a)
	case refusal.Code == "" && refusal.Status == http.StatusConflict:
		refusal.Status = http.StatusTooManyRequests
	case refusal.Code == "" && refusal.Status == http.StatusUnauthorized:
		refusal.Code, refusal.Apart = "unauthorized_user", true // Enedis's own word for it
	case refusal.Code == "" && refusal.Status == http.StatusForbidden && inWords(a):
		refusal.Code, refusal.Apart = enedis.CodeOtherMeter, true
	}
	return enedis.Answer{}, untilMidnight(refusal, a)
}

// inWords tells whether the detail of a refusal is a sentence of the gateway's own, not what Enedis sent it.
func inWords(a enedis.Answer) bool {
	var body struct {
		Detail string `json:"detail"`
	}
	return json.Unmarshal(a.Body, &body) == nil && body.Detail != "" && !strings.HasPrefix(strings.TrimSpace(body.Detail), "{")
}
