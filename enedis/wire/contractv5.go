package wire

import (
	"encoding/json"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// ReadContractV5 adds to a profile what v5's contracts say, which are one object in spite of their name. Directions is open
// then, since v5 knows of one contract and says nothing of the other direction. An error means that the answer cannot be
// read.
func ReadContractV5(p *enedis.Profile, prm meter.PRM, body []byte) error {
	var answer struct {
		Customer struct {
			UsagePoints []struct {
				UsagePoint struct {
					PRM string `json:"usage_point_id"`
				} `json:"usage_point"`
				Contract struct {
					Type       string `json:"contract_type"`
					Segment    string `json:"segment"`
					Power      kva    `json:"subscribed_power"`
					Activation string `json:"last_activation_date"`
					Tariff     text   `json:"distribution_tariff"`
					OffPeak    text   `json:"offpeak_hours"`
				} `json:"contracts"`
			} `json:"usage_points"`
		} `json:"customer"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	for _, u := range answer.Customer.UsagePoints {
		if err := checkPRM(prm, u.UsagePoint.PRM); err != nil {
			return err
		}
	}
	for _, u := range answer.Customer.UsagePoints {
		c := u.Contract
		d, known := directionOf(c.Segment, c.Type)
		if known {
			addDirection(p, d)
			p.Open = true
		}
		if d == meter.Production {
			addActivation(p, d, activationDay(c.Activation))
			continue
		}
		addActivation(p, meter.Consumption, activationDay(c.Activation))
		p.Tariff, p.SubscribedKVA, p.OffPeak = string(c.Tariff), c.Power.value, string(c.OffPeak)
	}
	return nil
}
