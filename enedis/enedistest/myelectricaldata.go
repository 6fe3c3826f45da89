package enedistest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The calls that MyElectricalData allows a token each day, which begins at midnight UTC.
const (
	medQuota       = 50
	medQuotaCached = 1000 // of v2; v1 has been seen with 500
)

// medGateway is what both versions of MyElectricalData share: they ask Enedis as an application of theirs, and have a quota
// for each token.
type medGateway struct {
	relay
	spent map[medCounter]int // guarded by the relay's mutex
}

// medCounter is what a quota is counted for.
type medCounter struct {
	day    string
	token  string
	cached bool
}

func newMEDGateway(e *Enedis) *medGateway {
	if e == nil {
		panic("enedistest: the gateway needs an Enedis")
	}
	return &medGateway{relay: relay{enedis: e, name: "myelectricaldata"}, spent: map[medCounter]int{}}
}

func (g *medGateway) today() meter.Day { return meter.DayOf(g.now()) }

// Spend counts calls of a token as made, so that a test need not make them.
func (g *medGateway) Spend(token string, calls int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spent[medCounter{day: utcDay(g.now()), token: token}] += calls
}

func utcDay(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// admit counts a call, or tells how many there were when there is no room for one more.
func (g *medGateway) admit(token string, cached bool, limit int) (spent int, ok bool) {
	key := medCounter{day: utcDay(g.now()), token: token, cached: cached}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.spent[key] >= limit {
		return g.spent[key], false
	}
	g.spent[key]++
	return g.spent[key], true
}

// ask asks Enedis as the gateway does. The error is a connection that broke.
func (g *medGateway) ask(ctx context.Context, path string, query url.Values) (status int, body []byte, err error) {
	target := url.URL{Scheme: "http", Host: "enedis.test", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+g.enedis.issue(g.now()))
	resp, err := g.enedis.Transport().RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// nowhere answers a path that there is not.
func (g *medGateway) nowhere(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, Call{Resource: unknownResource}, func() answer { return medRefusal(http.StatusNotFound, "Not Found") })
}

// medFault is how the gateways' web framework fails.
func medFault(name string) (answer, bool) {
	if name == "500" {
		return medRefusal(http.StatusInternalServerError, "Internal Server Error"), true
	}
	return answer{}, false
}

// medDetail is how the gateways' web framework says no.
type medDetail struct {
	Detail any `json:"detail"`
}

func medRefusal(status int, detail any) answer {
	return jsonAnswer(status, typeJSON, medDetail{detail})
}

// medMalformed refuses parameters that the framework cannot read.
func medMalformed(place string) answer {
	return medRefusal(http.StatusUnprocessableEntity, []map[string]any{
		{"type": "value_error", "loc": []string{place}, "msg": "Field required, or malformed"},
	})
}

// medPRM reads the delivery point of a path; it is empty when that is none.
func medPRM(r *http.Request) meter.PRM {
	prm, err := meter.ParsePRM(r.PathValue("prm"))
	if err != nil {
		return ""
	}
	return prm
}

// medPathsV5 are Enedis's paths of v5 behind v1's names.
func medPathsV5() map[string]string {
	return map[string]string{
		"daily_consumption":           "/metering_data_dc/v5/daily_consumption",
		"consumption_load_curve":      "/metering_data_clc/v5/consumption_load_curve",
		"daily_consumption_max_power": "/metering_data_dcmp/v5/daily_consumption_max_power",
		"daily_production":            "/metering_data_dp/v5/daily_production",
		"production_load_curve":       "/metering_data_plc/v5/production_load_curve",
		"contracts":                   "/customers_upc/v5/usage_points/contracts",
	}
}

// medRange is the query of v5 for a range of days, the last one excluded.
func medRange(prm meter.PRM, days meter.Days) url.Values {
	return url.Values{
		"usage_point_id": {string(prm)}, "start": {days.From.String()}, "end": {days.To.String()},
	}
}

// medDays reads two days.
func medDays(from, to string) (meter.Days, error) {
	first, err := meter.ParseDay(from)
	if err != nil {
		return meter.Days{}, err
	}
	last, err := meter.ParseDay(to)
	if err != nil {
		return meter.Days{}, fmt.Errorf("end: %w", err)
	}
	return meter.Days{From: first, To: last}, nil
}
