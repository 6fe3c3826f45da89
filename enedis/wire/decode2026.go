package wire

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// answer2026 is an answer of mesure_synchrone_auto v2. Registers stand in the contexts, all else in the quantities.
type answer2026 struct {
	PRM        string         `json:"idPrm"`
	Stage      string         `json:"etapeMetier"`
	Quantities []quantity2026 `json:"grandeur"`
	Contexts   []context2026  `json:"contexte"`
}

// context2026 is one kind of register reading.
type context2026 struct {
	Stage      string         `json:"etapeMetier"`
	Quantities []quantity2026 `json:"grandeur"`
}

// quantity2026 is one physical quantity in one direction.
type quantity2026 struct {
	Direction string `json:"grandeurMetier"`   // CONS or PROD
	Physical  string `json:"grandeurPhysique"` // PA power, EA energy, PMA maximum power, PMA1 to PMA3 that of a phase
	Unit      string `json:"unite"`
	Points    []struct {
		Value integer `json:"v"`
		Stamp string  `json:"d"`
		Step  string  `json:"p"`
	} `json:"points"`
	Totaliser struct {
		Values []struct {
			Value integer `json:"v"`
			Stamp string  `json:"d"`
		} `json:"valeur"`
	} `json:"cadranTotalisateur"`
}

// Decode2026 reads an answer in the format of 2026 to a request. Of a register it takes the totaliser, "cadran
// totalisateur", in Wh as the meter showed it at the day's first instant. An error means that the answer cannot be read.
func Decode2026(source string, req enedis.Request, body []byte) (Decoded, error) {
	var a answer2026
	if err := json.Unmarshal(body, &a); err != nil {
		return Decoded{}, err
	}
	if a.PRM == "" && a.Quantities == nil && a.Contexts == nil {
		return blank(body)
	}
	if err := checkPRM(req.PRM, a.PRM); err != nil {
		return Decoded{}, err
	}
	points, err := a.points(req)
	if err != nil {
		return Decoded{}, err
	}
	return assemble(source, req, points)
}

func (a answer2026) points(req enedis.Request) ([]point, error) {
	if req.Measure != meter.Register {
		return collect(req, a.Stage, a.Quantities)
	}
	var points []point
	for _, c := range a.Contexts {
		more, err := collect(req, c.Stage, c.Quantities)
		if err != nil {
			return nil, err
		}
		points = append(points, more...)
	}
	return points, nil
}

// collect takes the points of the quantity that is asked for. Others may stand beside it, as the phases beside a maximum
// power; but where only others have values, the answer is one to another question.
func collect(req enedis.Request, stage string, quantities []quantity2026) ([]point, error) {
	var points []point
	others := false
	for _, q := range quantities {
		more := q.points(req.Measure, qualityOf(stage))
		if len(more) == 0 {
			continue
		}
		if !q.answers(req) {
			others = true
			continue
		}
		if err := checkUnit(req.Measure, q.Unit); err != nil {
			return nil, err
		}
		points = append(points, more...)
	}
	if others && len(points) == 0 {
		return nil, errors.New("the answer is about another quantity")
	}
	return points, nil
}

func (q quantity2026) points(m meter.Measure, quality meter.Quality) []point {
	var points []point
	if m == meter.Register {
		for _, v := range q.Totaliser.Values {
			points = append(points, point{value: v.Value, stamp: v.Stamp, quality: quality})
		}
		return points
	}
	for _, p := range q.Points {
		points = append(points, point{value: p.Value, stamp: p.Stamp, step: p.Step, quality: quality})
	}
	return points
}

// answers tells whether the quantity is the one that is asked for, as far as it says what it is.
func (q quantity2026) answers(req enedis.Request) bool {
	direction := map[meter.Direction]string{meter.Consumption: "CONS", meter.Production: "PROD"}[req.Direction]
	physical := map[meter.Measure]string{
		meter.LoadCurve: "PA", meter.Daily: "EA", meter.MaxPower: "PMA", meter.Register: "EA",
	}[req.Measure]
	return (q.Direction == "" || strings.EqualFold(q.Direction, direction)) &&
		(q.Physical == "" || strings.EqualFold(q.Physical, physical))
}

// qualityOf reads "étape métier": BRUT is as the meter sent it, BEST corrected by Enedis.
func qualityOf(stage string) meter.Quality {
	if strings.EqualFold(stage, "BEST") {
		return meter.Corrected
	}
	return meter.Raw
}
