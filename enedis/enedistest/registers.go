package enedistest

import "github.com/enedis2mqtt/enedis2mqtt/meter"

// The registers of an answer of 2026. Their shape is the Swagger file's; no recorded answer is public.
type (
	contexte struct {
		Etape     string     `json:"etapeMetier"`
		Releve    string     `json:"contexteReleve"`
		Type      string     `json:"typeReleve"`
		Grandeurs []grandeur `json:"grandeur"`
	}
	calendrier struct {
		ID      string   `json:"idCalendrier"`
		Libelle string   `json:"libelleCalendrier"`
		Classes []classe `json:"classeTemporelle"`
	}
	classe struct {
		ID      string  `json:"idClasseTemporelle"`
		Libelle string  `json:"libelleClasseTemporelle"`
		Code    string  `json:"codeCadran"`
		Valeurs []index `json:"valeur"`
	}
	cadran struct {
		Code    string  `json:"codeCadran"`
		Valeurs []index `json:"valeur"`
	}
	index struct {
		D  string `json:"d"`
		V  int64  `json:"v"` // Wh; an integer, unlike all other values of Enedis
		IV int    `json:"iv"`
	}
)

// registers answers with the indexes at the first instant of each day.
func (e *Enedis) registers(q *query, m Meter) answer {
	var total, peak, offPeak []index
	t, o := m.register(q.direction, q.days.From)
	for day := range q.days.All() {
		if m.published(q.direction, meter.Register, day, q.now) {
			at := day.String() + " 00:00:00"
			total = append(total, index{D: at, V: t})
			offPeak = append(offPeak, index{D: at, V: o})
			peak = append(peak, index{D: at, V: t - o})
		}
		dt, do := m.consumed(q.direction, day)
		t, o = t+dt, o+do
	}
	if len(total) == 0 {
		return noData(q.dialect, e.options.NoDataFound).answer()
	}
	g := grandeur{
		Metier: metier(q.direction), Physique: "EA", Unite: "Wh", Points: []point{}, Calendriers: []calendrier{},
		Totalisateur: &cadran{Code: "0", Valeurs: total},
	}
	if q.direction == meter.Consumption && m.Contract.withDefaults().OffPeak != "" {
		g.Calendriers = append(g.Calendriers, calendrier{
			ID: "FC000000", Libelle: "Heures pleines / heures creuses",
			Classes: []classe{
				{ID: "HC", Libelle: "Heures creuses", Code: "1", Valeurs: offPeak},
				{ID: "HP", Libelle: "Heures pleines", Code: "2", Valeurs: peak},
			},
		})
	}
	return success(mesure{
		PRM: q.prm, Periode: periode{q.days.From, q.days.To}, Grandeurs: []grandeur{},
		Contextes: []contexte{{Etape: "BRUT", Releve: "COL", Type: "AQ", Grandeurs: []grandeur{g}}},
	})
}
