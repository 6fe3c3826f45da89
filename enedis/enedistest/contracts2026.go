package enedistest

import (
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// instantLayout is how the contract APIs of 2026 write an instant.
const instantLayout = "2006-01-02T15:04:05Z0700"

// The answers of the contract APIs of 2026.
type (
	situationBody struct {
		PRM        meter.PRM      `json:"usage_point_id"`
		Start      string         `json:"contract_start"`
		Type       string         `json:"contract_type"`
		Contractor string         `json:"contractor,omitempty"` // the three: consumption only
		Tariff     string         `json:"distribution_tariff,omitempty"`
		Power      *powerBody     `json:"subscribed_power,omitempty"`
		Segment    string         `json:"segment"`
		Customer   customerBody   `json:"customer"`
		Contact    contactDetails `json:"contact_data"`
		Person     personBody     `json:"person"`
	}
	powerBody struct {
		Unit  string `json:"unit"`
		Value string `json:"value"`
	}
	customerBody struct { // twice nested, and with one d
		Customer struct {
			Address addressLines `json:"adress"`
		} `json:"customer"`
	}
	addressLines struct {
		Line1 string `json:"line1"`
		Line4 string `json:"line4"`
		Line6 string `json:"line6"`
		Line7 string `json:"line7"`
	}
	contactDetails struct {
		Email    string `json:"email"`
		Landline string `json:"landline"`
		Phone    string `json:"phone"`
	}
	personBody struct {
		Title     string `json:"title"`
		LastName  string `json:"lastname"`
		FirstName string `json:"firstname"`
	}
	synthesisBody struct {
		Segments    []segmentBody `json:"segments"`
		Generation  string        `json:"generation_last_activation_date,omitempty"`
		Consumption string        `json:"consumption_last_activation_date,omitempty"`
		Level       string        `json:"services_level"`
	}
	segmentBody struct {
		Segment string `json:"segment"`
	}
	meteringBody struct {
		Device struct {
			Type codeBody `json:"typeComptage"`
		} `json:"dispositifComptage"`
		Meters []meterBody `json:"compteurs"`
		Relays *relaysBody `json:"relais,omitempty"`
	}
	codeBody struct {
		Code    string `json:"code"`
		Libelle string `json:"libelle"`
	}
	meterBody struct {
		Serial string   `json:"numeroSerie"`
		Owner  codeBody `json:"regimePropriete"`
	}
	relaysBody struct {
		OffPeak string `json:"plageHeuresCreuses"`
	}
	generalBody struct {
		Address struct {
			Street string `json:"number_street_name"`
			City   string `json:"postal_code_city"`
			Insee  string `json:"insee_code"`
		} `json:"address"`
	}
)

// situation has one contract for each direction.
func situation(m Meter) (any, bool) {
	var list []situationBody
	for _, d := range m.Directions() {
		s := situationBody{
			PRM:     m.PRM,
			Start:   m.activationText(d),
			Type:    injection,
			Segment: segmentOf(d),
			Contact: contactDetails{Email: email, Landline: landline, Phone: phone},
			Person:  personBody{Title: "MME", LastName: lastName, FirstName: firstName},
		}
		s.Customer.Customer.Address = addressLines{
			Line1: lastName + " " + firstName, Line4: street, Line6: postalCode + " " + city, Line7: "FRANCE",
		}
		if d == meter.Consumption {
			c := m.Contract.withDefaults()
			s.Type, s.Contractor, s.Tariff = withdrawal, supplier, c.Tariff
			s.Power = &powerBody{Unit: "kVA", Value: strconv.Itoa(c.KVA)}
		}
		list = append(list, s)
	}
	return list, true
}

// synthesis tells the directions and their activations.
func synthesis(m Meter) (any, bool) {
	body := synthesisBody{Level: "Communicant (ouvert aux services)"}
	for _, d := range m.Directions() {
		body.Segments = append(body.Segments, segmentBody{segmentOf(d)})
		if d == meter.Production {
			body.Generation = m.activationText(d)
		} else {
			body.Consumption = m.activationText(d)
		}
	}
	return body, true
}

func (m Meter) activationText(d meter.Direction) string {
	return m.ActivationOf(d).Start().Format(instantLayout)
}

// metering tells the meter's hardware and its off-peak hours.
func metering(m Meter) (any, bool) {
	body := meteringBody{Meters: []meterBody{{Serial: "000000000000", Owner: codeBody{"LOUE", "Loué"}}}}
	body.Device.Type = codeBody{"AMM", "Compteur Linky"}
	if hours := m.Contract.withDefaults().OffPeak; hours != "" && m.has(meter.Consumption) {
		body.Relays = &relaysBody{hours}
	}
	return body, true
}

// generalData tells where the meter is.
func generalData(Meter) (any, bool) {
	var body generalBody
	body.Address.Street, body.Address.City, body.Address.Insee = street, postalCode+" "+city, inseeCode
	return body, true
}
