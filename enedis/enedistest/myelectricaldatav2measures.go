package enedistest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// medResource is one of v2's resources below /enedis.
type medResource struct {
	name      string
	direction meter.Direction
	measure   meter.Measure                                     // empty for the contract
	v5        string                                            // Enedis's, as v1 names it
	years     int                                               // how far back it goes; 0: as Enedis has it
	bend      func(days meter.Days, today meter.Day) meter.Days // what 1.22 makes of a range; nil: hands it on
	serve     func(*MyElectricalDataV2, *medQuery) answer
}

// medResources lists them.
func medResources() []medResource {
	handedOn := (*MyElectricalDataV2).handOn
	return []medResource{
		{
			"consumption/daily", meter.Consumption, meter.Daily, "daily_consumption", 3, medCapped,
			(*MyElectricalDataV2).daily,
		},
		{
			"consumption/detail", meter.Consumption, meter.LoadCurve, "consumption_load_curve", 2, medCapped,
			(*MyElectricalDataV2).detail,
		},
		{
			"consumption/detail/batch", meter.Consumption, meter.LoadCurve, "consumption_load_curve", 2, medInclusive,
			(*MyElectricalDataV2).batch,
		},
		{
			"production/detail/batch", meter.Production, meter.LoadCurve, "production_load_curve", 2, medInclusive,
			(*MyElectricalDataV2).batch,
		},
		{"production/daily", meter.Production, meter.Daily, "daily_production", 0, nil, handedOn},
		{"production/detail", meter.Production, meter.LoadCurve, "production_load_curve", 0, nil, handedOn},
		{"power", meter.Consumption, meter.MaxPower, "daily_consumption_max_power", 0, nil, handedOn},
		{"contract", "", "", "contracts", 0, nil, (*MyElectricalDataV2).contract},
	}
}

// medCapped keeps yesterday back: the end is capped to it and then excluded. An empty range begins a day earlier.
func medCapped(days meter.Days, today meter.Day) meter.Days {
	days.To = min(days.To, today-1)
	days.From = min(days.From, days.To-1)
	return days
}

// medInclusive takes the end in, up to yesterday.
func medInclusive(days meter.Days, today meter.Day) meter.Days {
	days.To = min(days.To+1, today)
	days.From = min(days.From, days.To-1)
	return days
}

// bent is the range that is asked of Enedis. Since 2.0 every end is excluded and capped to today.
func (q *medQuery) bent(since2 bool, today meter.Day) meter.Days {
	if !since2 {
		return q.bend(q.days, today)
	}
	days := meter.Days{From: q.days.From, To: min(q.days.To, today)}
	days.From = min(days.From, days.To-1)
	return days
}

// medEnedisError is a refusal of Enedis as the gateway keeps it.
type medEnedisError struct {
	code, description string
	status            int
}

func (e *medEnedisError) Error() string {
	if e.code == "" { // in the words of the gateway's HTTP library
		side := "Client"
		if e.status >= http.StatusInternalServerError {
			side = "Server"
		}
		const text = "%s error '%d %s' for url 'https://gw.ext.prod.api.enedis.fr/'"
		return fmt.Sprintf(text, side, e.status, http.StatusText(e.status))
	}
	return e.code + ": " + cmp.Or(e.description, "Unknown error")
}

// beforeActivation tells the one refusal that the gateway treats in its own way.
func (e *medEnedisError) beforeActivation() bool { return e != nil && e.code == "ADAM-ERR0123" }

// measures asks Enedis for a range. The stamps of a curve are moved to the start of their slots.
func (g *MyElectricalDataV2) measures(q *medQuery, days meter.Days) (v5Reading, *medEnedisError) {
	body, refusal := g.body(q, medPathsV5()[q.v5], medRange(q.prm, days))
	if refusal != nil {
		return v5Reading{}, refusal
	}
	var read struct {
		Reading *v5Reading `json:"meter_reading"`
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return v5Reading{}, &medEnedisError{status: http.StatusBadGateway}
	}
	if read.Reading == nil {
		return v5Reading{}, nil
	}
	for i := range read.Reading.Intervals {
		read.Reading.Intervals[i].toStart()
	}
	return *read.Reading, nil
}

// body is what Enedis answers with 200.
func (g *MyElectricalDataV2) body(q *medQuery, path string, query url.Values) ([]byte, *medEnedisError) {
	status, body, err := g.ask(q.Context(), path, query)
	if err != nil {
		return nil, &medEnedisError{status: http.StatusBadGateway}
	}
	if status == http.StatusOK {
		return body, nil
	}
	var coded codedBody
	if json.Unmarshal(body, &coded) != nil || coded.Error == "" {
		return nil, &medEnedisError{status: status}
	}
	return nil, &medEnedisError{code: coded.Error, description: coded.Description, status: status}
}

// toStart takes the step off the stamp, as the wall clock shows it: around a clock change the result names no slot.
func (i *v5Interval) toStart() {
	minutes, err := strconv.Atoi(strings.Trim(i.Length, "PTM"))
	if err != nil {
		return
	}
	if at, err := time.Parse(stampLayout, i.Date); err == nil {
		i.Date = at.Add(-time.Duration(minutes) * time.Minute).Format(stampLayout)
	}
}

// sorted orders by stamp, as text: October's doubled stamps come to stand side by side.
func sorted(list []v5Interval) []v5Interval {
	slices.SortStableFunc(list, func(a, b v5Interval) int { return strings.Compare(a.Date, b.Date) })
	return list
}

// medReading is v5's answer as 1.22 makes it up of parts: daily consumption has a unit besides, a curve not even that.
type medReading struct {
	Reading struct {
		Intervals []v5Interval `json:"interval_reading"`
		Type      any          `json:"reading_type,omitempty"`
	} `json:"meter_reading"`
}

// write wraps measures in the format that was asked for.
func (g *MyElectricalDataV2) write(q *medQuery, reading v5Reading, e *medError) answer {
	if reading.Intervals == nil {
		reading.Intervals = []v5Interval{}
	}
	if !q.of2026 && q.bend != nil && !g.options.Since2 {
		var bare medReading
		bare.Reading.Intervals = reading.Intervals
		switch {
		case q.measure == meter.LoadCurve:
		case reading.Type == medUnknown():
			bare.Reading.Type = map[string]string{"unit": reading.Type.Unit, "measurement_kind": reading.Type.Kind}
		default:
			bare.Reading.Type = reading.Type
		}
		return g.envelope(bare, e)
	}
	if !q.of2026 {
		return g.envelope(v5Body{reading}, e)
	}
	list := grandeur{Metier: metier(q.direction), Unite: reading.Type.Unit, Points: []point{}, Calendriers: []calendrier{}}
	list.Physique = map[meter.Measure]string{meter.LoadCurve: "PA", meter.Daily: "EA", meter.MaxPower: "PMA"}[q.measure]
	for _, i := range reading.Intervals {
		list.Points = append(list.Points, point{V: i.Value, D: i.Date, P: i.Length, N: i.Nature})
	}
	body := mesure{
		PRM: q.prm, Etape: reading.Quality, Periode: periode{q.days.From, q.days.To},
		Grandeurs: []grandeur{list}, Contextes: []contexte{},
	}
	return g.envelope(body, e)
}

// handOn gives what Enedis gives. A start before the activation comes as a success, with Enedis's refusal for data.
func (g *MyElectricalDataV2) handOn(q *medQuery) answer {
	reading, refusal := g.measures(q, q.days)
	switch {
	case refusal.beforeActivation():
		return g.envelope(codedBody{Error: refusal.code, Description: refusal.description}, nil)
	case refusal != nil:
		return g.no("ENEDIS_ERROR", refusal.Error())
	}
	return g.write(q, reading, nil)
}

// medUnknown is what the gateway says of values of which it does not know the unit.
func medUnknown() v5Type { return v5Type{Unit: "W", Kind: "power"} }

// daily gives daily consumption. A start before the activation gives an empty list; of an empty list, and of what comes
// from the cache, the gateway does not know the unit and says that it is power.
func (g *MyElectricalDataV2) daily(q *medQuery) answer {
	reading, refusal := g.measures(q, q.days)
	if refusal != nil && !refusal.beforeActivation() {
		return g.no("ENEDIS_ERROR", fmt.Sprintf("Failed to fetch %s to %s: %s", q.days.From, q.days.To, refusal.Error()))
	}
	if len(reading.Intervals) == 0 || q.cached {
		reading.Type = medUnknown()
	}
	return g.write(q, reading, nil)
}

// detail gives the curve of consumption. Whatever goes wrong at Enedis is "no data". The cache keeps one point a stamp.
func (g *MyElectricalDataV2) detail(q *medQuery) answer {
	reading, refusal := g.measures(q, q.days)
	switch {
	case refusal.beforeActivation():
		return g.no(refusal.code, refusal.description)
	case len(reading.Intervals) == 0:
		return g.no("NO_DATA", "No consumption data available for this period")
	}
	if q.cached {
		reading.Intervals = onePerStamp(reading.Intervals)
	}
	if g.options.Since2 {
		reading.Intervals = sorted(reading.Intervals)
	}
	return g.write(q, reading, nil)
}

// onePerStamp keeps the last point of each stamp.
func onePerStamp(list []v5Interval) []v5Interval {
	place := map[string]int{}
	var kept []v5Interval
	for _, i := range list {
		if at, twice := place[i.Date]; twice {
			kept[at] = i
			continue
		}
		place[i.Date] = len(kept)
		kept = append(kept, i)
	}
	return kept
}

// contract gives v5's contract, or the three parts that the APIs of 2026 have, without the person.
func (g *MyElectricalDataV2) contract(q *medQuery) answer {
	if !q.of2026 {
		body, refusal := g.body(q, medPathsV5()[q.v5], url.Values{"usage_point_id": {string(q.prm)}})
		if refusal != nil {
			return g.no("ENEDIS_ERROR", refusal.Error())
		}
		return g.envelope(json.RawMessage(body), nil)
	}
	parts := map[string]any{"comptage": nil}
	for name, api := range map[string]string{
		"situation_contrat": "situation_contrat_auto", "synthese_contrat": "synth_contrat_auto", "comptage": "comptage_auto",
	} {
		body, refusal := g.body(q, "/"+api+"/v1/"+string(q.prm), nil)
		switch {
		case refusal != nil && name == "comptage": // not every application has subscribed it
			continue
		case refusal != nil:
			return g.no("ENEDIS_ERROR", refusal.Error())
		case name != "situation_contrat":
			parts[name] = json.RawMessage(body)
			continue
		}
		var contracts []map[string]any
		if json.Unmarshal(body, &contracts) != nil {
			return g.no("ENEDIS_ERROR", "the contract cannot be read")
		}
		for _, c := range contracts {
			delete(c, "customer")
			delete(c, "contact_data")
			delete(c, "person")
		}
		parts[name] = contracts
	}
	return g.envelope(parts, nil)
}
