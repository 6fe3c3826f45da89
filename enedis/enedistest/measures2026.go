package enedistest

import (
	"fmt"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The steps of a maximum power, parameter mesuresPas.
const (
	stepDay   = "P1D"
	stepMonth = "P1M"
)

// The answer of 2026, in the order of keys of recorded answers.
type (
	mesure struct {
		PRM       meter.PRM  `json:"idPrm"`
		Etape     string     `json:"etapeMetier,omitempty"` // BRUT: raw; BEST: corrected
		Periode   periode    `json:"periode"`               // as asked
		Type      string     `json:"typeValeur,omitempty"`  // daily only
		Mode      string     `json:"modeCalcul,omitempty"`
		Pas       string     `json:"pas,omitempty"` // not of a curve: there it stands at each point
		Grandeurs []grandeur `json:"grandeur"`
		Contextes []contexte `json:"contexte"`
	}
	periode struct {
		Debut meter.Day `json:"dateDebut"`
		Fin   meter.Day `json:"dateFin"`
	}
	grandeur struct {
		Metier       string       `json:"grandeurMetier"`
		Physique     string       `json:"grandeurPhysique"`
		Unite        string       `json:"unite"`
		Points       []point      `json:"points"`
		Calendriers  []calendrier `json:"calendrier"`
		Totalisateur *cadran      `json:"cadranTotalisateur,omitempty"` // registers only
	}
	point struct {
		V  any    `json:"v"`
		D  string `json:"d"`
		P  string `json:"p,omitempty"`  // the four below: curve only
		N  string `json:"n,omitempty"`  // nature, B: raw
		IV string `json:"iv,omitempty"` // plausibility
		EC string `json:"ec,omitempty"` // state
	}
)

// check2026 checks the parameters of a request for measures.
func (q *query) check2026() *refusal {
	names := []string{"pointId", "dateDebut", "dateFin"}
	if q.measure == meter.MaxPower {
		names = append(names, "mesuresPas", "grandeurPhysique")
		pas, physique := q.params.Get("mesuresPas"), q.params.Get("grandeurPhysique")
		if pas != stepDay && pas != stepMonth || physique != "PMA" && physique != "TOUT" {
			return malformed()
		}
	}
	if !q.knowsOnly(names...) || q.prm == "" || !q.dated {
		return malformed()
	}
	return q.checkDays()
}

// write2026 writes values in the form of 2026. An answer says once for all of its values whether they are corrected; no
// public source tells how Enedis mixes them. Here one corrected value makes it BEST.
func (q *query) write2026(m Meter, vs values) answer {
	body := mesure{
		PRM: q.prm, Etape: "BRUT", Periode: periode{q.days.From, q.days.To}, Mode: "MESURE", Contextes: []contexte{},
	}
	if vs.corrected {
		body.Etape = "BEST"
	}
	g := grandeur{Metier: metier(q.direction), Unite: vs.unit, Calendriers: []calendrier{}}
	switch q.measure {
	case meter.LoadCurve:
		g.Physique = "PA"
	case meter.MaxPower:
		g.Physique, body.Pas = "PMA", q.params.Get("mesuresPas")
		if body.Pas == stepMonth {
			vs.list = monthly(vs.list)
		}
	default:
		g.Physique, body.Type, body.Mode, body.Pas = "EA", "GLOBALE", "DIFF.INDEX", stepDay
	}
	g.Points = points(vs.list)
	body.Grandeurs = []grandeur{g}
	if q.params.Get("grandeurPhysique") == "TOUT" {
		body.Grandeurs = append(body.Grandeurs, phases(m, g, vs.list)...)
	}
	return success(body)
}

func metier(d meter.Direction) string {
	if d == meter.Production {
		return "PROD"
	}
	return "CONS"
}

func points(list []value) []point {
	ps := make([]point, 0, len(list))
	for _, v := range list {
		p := point{V: v.json(), D: v.stamp}
		if v.step != 0 {
			p.P, p.N, p.IV, p.EC = stepText(v.step), "B", "0", "0"
		}
		ps = append(ps, p)
	}
	return ps
}

// phases gives the maximum of each phase of a three-phase meter.
func phases(m Meter, all grandeur, list []value) []grandeur {
	var gs []grandeur
	for i, percent := range m.phases() {
		share := make([]value, 0, len(list))
		for _, v := range list {
			v.number = v.number * percent / 100
			share = append(share, v)
		}
		g := all
		g.Physique = fmt.Sprintf("PMA%d", i+1)
		g.Points = points(share)
		gs = append(gs, g)
	}
	return gs
}

// monthly keeps the highest value of each month.
func monthly(list []value) []value {
	var highest []value
	for _, v := range list {
		last := len(highest) - 1
		switch {
		case last < 0 || highest[last].day.MonthName() != v.day.MonthName():
			highest = append(highest, v)
		case v.number > highest[last].number:
			highest[last] = v
		}
	}
	return highest
}
