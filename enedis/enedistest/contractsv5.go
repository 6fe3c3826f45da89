package enedistest

import (
	"fmt"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// offsetDay is how v5 writes a day of a contract: with the offset of its midnight.
const offsetDay = "2006-01-02Z07:00"

// The answers of the customer APIs of v5. They exist for consumption points alone.
type (
	v5CustomerBody struct {
		Customer struct {
			ID     string         `json:"customer_id"`
			Points []v5UsagePoint `json:"usage_points"`
		} `json:"customer"`
	}
	v5UsagePoint struct {
		Point     v5Point      `json:"usage_point"`
		Contracts *v5Contracts `json:"contracts,omitempty"` // an object, not a list
	}
	v5Point struct {
		PRM       meter.PRM  `json:"usage_point_id"`
		Status    string     `json:"usage_point_status"`
		MeterType string     `json:"meter_type"`
		Address   *v5Address `json:"usage_point_addresses,omitempty"`
	}
	v5Contracts struct {
		Segment      string  `json:"segment"`
		Power        string  `json:"subscribed_power"`
		Activation   string  `json:"last_activation_date"`
		Tariff       string  `json:"distribution_tariff"`
		OffPeak      *string `json:"offpeak_hours"` // null with a flat tariff
		Type         string  `json:"contract_type"`
		Status       string  `json:"contract_status"`
		TariffChange string  `json:"last_distribution_tariff_change_date"`
	}
	v5Address struct {
		Street   string    `json:"street"`
		Locality *string   `json:"locality"`
		Postal   string    `json:"postal_code"`
		Insee    string    `json:"insee_code"`
		City     string    `json:"city"`
		Country  string    `json:"country"`
		Geo      geoPoints `json:"geo_points"`
	}
	geoPoints struct {
		Latitude  string `json:"latitude"`
		Longitude string `json:"longitude"`
		Altitude  string `json:"altitude"`
	}
	v5IdentityBody struct {
		ID       string `json:"customer_id"`
		Identity struct {
			Person v5Person `json:"natural_person"`
		} `json:"identity"`
	}
	v5Person struct {
		Title     string `json:"title"`
		FirstName string `json:"firstname"`
		LastName  string `json:"lastname"`
	}
	v5ContactBody struct {
		ID      string `json:"customer_id"`
		Contact struct {
			Phone string `json:"phone"`
			Email string `json:"email"`
		} `json:"contact"`
	}
)

func contracts(m Meter) (any, bool) {
	c := m.Contract.withDefaults()
	activation := m.ActivationOf(meter.Consumption).Start().Format(offsetDay)
	details := v5Contracts{
		Segment: segmentC5, Power: fmt.Sprintf("%d kVA", c.KVA), Activation: activation, Tariff: c.TariffCode,
		Type: withdrawal, Status: "SERVC", TariffChange: activation,
	}
	if c.OffPeak != "" {
		details.OffPeak = &c.OffPeak
	}
	return customerOf(v5UsagePoint{Point: pointOf(m), Contracts: &details}), m.has(meter.Consumption)
}

func addresses(m Meter) (any, bool) {
	p := pointOf(m)
	p.Address = &v5Address{
		Street: street, Postal: postalCode, Insee: inseeCode, City: city, Country: "France",
		Geo: geoPoints{Latitude: "45.1885", Longitude: "5.7245", Altitude: "212"},
	}
	return customerOf(v5UsagePoint{Point: p}), m.has(meter.Consumption)
}

func customerOf(p v5UsagePoint) v5CustomerBody {
	var body v5CustomerBody
	body.Customer.ID, body.Customer.Points = customerID, []v5UsagePoint{p}
	return body
}

func pointOf(m Meter) v5Point { return v5Point{PRM: m.PRM, Status: "com", MeterType: "AMM"} }

func identity(m Meter) (any, bool) {
	body := v5IdentityBody{ID: customerID}
	body.Identity.Person = v5Person{Title: "Mme", FirstName: firstName, LastName: lastName}
	return body, m.has(meter.Consumption)
}

func contact(m Meter) (any, bool) {
	body := v5ContactBody{ID: customerID}
	body.Contact.Phone, body.Contact.Email = phone, email
	return body, m.has(meter.Consumption)
}
