package enedistest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"slices"
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The states of a service.
const (
	stateActive    = "ACTIF"
	stateRequested = "DEMANDE"
	stateEnded     = "TERMINE"
)

// The request and the answer of subscribed_services, which exchanges a consent for its PRMs.
type (
	servicesQuery struct {
		AuthorisationID int64    `json:"autorisationId"`
		Count           *bool    `json:"comptage"` // required; true: the count alone
		States          []string `json:"etatCode"`
		Type            string   `json:"serviceType"`
		Authorised      *bool    `json:"autorisation"`
		Points          []string `json:"pointId"`
		Sirens          []string `json:"siren"`
		From            string   `json:"dateDebut"`
		To              string   `json:"dateFin"`
		Measures        []string `json:"mesureTypeCode"`
		Consumption     *bool    `json:"soutirage"`
		Production      *bool    `json:"injection"`
		Page            *int     `json:"page"`
	}
	servicesBody struct {
		Total    int       `json:"nbTotalServices"`
		Services []service `json:"serviceSouscrit"` // null just after a consent
	}
	servicesCount struct {
		Total int `json:"nbTotalServices"`
	}
	service struct {
		ID          string        `json:"id"`
		Production  bool          `json:"injection"`
		Consumption bool          `json:"soutirage"`
		Code        string        `json:"serviceCode"`
		From        meter.Day     `json:"dateDebut"`
		To          meter.Day     `json:"dateFin"`
		State       string        `json:"etatCode"`
		StateText   string        `json:"etatLibelle"`
		PRM         meter.PRM     `json:"pointId"`
		Measure     string        `json:"mesuresTypeCode"`
		Step        string        `json:"mesuresPas"`
		Corrected   bool          `json:"mesuresCorrigees"`
		Space       bool          `json:"espaceDynamique"`
		Publication bool          `json:"publicationDonnees"`
		Consent     authorisation `json:"autorisation"`
	}
	authorisation struct {
		ID    int64  `json:"autorisationId"`
		Label string `json:"autorisationLibelle"`
		Type  string `json:"autorisationType"`
		State string `json:"autorisationStatut"`
	}
)

// services answers POST /subscribed_services/v1/.
func (e *Enedis) services(q *query) answer {
	ask, valid := q.servicesQuery()
	if !valid {
		return malformed().answer()
	}
	var found []service
	for _, m := range e.Meters() {
		if !ask.wants(m) || m.NoConsent || q.now.Before(m.ServicesFrom) {
			continue
		}
		for _, s := range servicesOf(q, m) {
			if ask.takes(s) {
				found = append(found, s)
			}
		}
	}
	if *ask.Count {
		return success(servicesCount{len(found)})
	}
	return success(servicesBody{Total: len(found), Services: found})
}

// servicesQuery reads the body as strictly as the Swagger file.
func (q *query) servicesQuery() (ask servicesQuery, valid bool) {
	kind, _, err := mime.ParseMediaType(q.request.Header.Get("Content-Type"))
	if err != nil || kind != typeJSON || !q.knowsOnly() {
		return ask, false
	}
	dec := json.NewDecoder(bytes.NewReader(q.body))
	dec.DisallowUnknownFields()
	if dec.Decode(&ask) != nil || ask.Count == nil {
		return ask, false
	}
	if _, err := dec.Token(); err != io.EOF {
		return ask, false
	}
	if len(ask.States) == 0 {
		ask.States = []string{stateActive, stateRequested}
	}
	return ask, ask.AuthorisationID != 0 || len(ask.Points) > 0 || len(ask.Sirens) > 0
}

// wants tells whether the meter is asked for.
func (ask servicesQuery) wants(m Meter) bool {
	if ask.AuthorisationID != 0 && ask.AuthorisationID != m.AuthorisationID() {
		return false
	}
	if ask.AuthorisationID == 0 && len(ask.Points) == 0 {
		return false // a company's number: all customers here are persons
	}
	return len(ask.Points) == 0 || slices.Contains(ask.Points, string(m.PRM))
}

// takes tells whether the service passes the filters.
func (ask servicesQuery) takes(s service) bool {
	return slices.Contains(ask.States, s.State) &&
		(ask.Type == "" || ask.Type == s.Code) &&
		(ask.Authorised == nil || *ask.Authorised) &&
		(len(ask.Measures) == 0 || slices.Contains(ask.Measures, s.Measure)) &&
		(ask.Consumption == nil || *ask.Consumption == s.Consumption) &&
		(ask.Production == nil || *ask.Production == s.Production)
}

// servicesOf lists a row for each measure of each direction.
func servicesOf(q *query, m Meter) []service {
	from, to := m.consent(q.today)
	state, text := stateActive, "Actif"
	switch {
	case q.today > to || m.revoked(q.now):
		state, text = stateEnded, "Terminé"
	case q.today < from:
		state, text = stateRequested, "Demandé"
	}
	label := "DATACONNECT_" + segmentOf(m.Directions()[0]) + "_ACTIF"
	var list []service
	for _, d := range m.Directions() {
		for _, measured := range servedMeasures(m, d) {
			list = append(list, service{
				ID:         strconv.FormatInt(80_000_000+m.AuthorisationID()%1_000_000*10+int64(len(list)), 10),
				Production: d == meter.Production, Consumption: d == meter.Consumption,
				Code: "ACCES", From: from, To: to, State: state, StateText: text, PRM: m.PRM,
				Measure: measured[0], Step: measured[1], Space: true,
				Consent: authorisation{ID: m.AuthorisationID(), Label: label, Type: "EXPLICITE", State: "ACTIVE"},
			})
		}
	}
	return list
}

// servedMeasures are the measures of a direction, each with its step.
func servedMeasures(m Meter, d meter.Direction) [][2]string {
	var list [][2]string
	if m.curveFrom(d) != Never {
		list = append(list, [2]string{"CDC", stepText(m.stepAt(m.ActivationOf(d).Start()))})
	}
	if d == meter.Production {
		return append(list, [2]string{"ENERGIE", stepDay})
	}
	return append(list,
		[2]string{"PMAX", stepDay}, [2]string{"IDX", stepDay}, [2]string{"ENERGIE", stepDay}, [2]string{"ITC", "NA"})
}
