package dataconnect

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// profileV5 asks for the contract, of which v5 knows one a meter.
func (c *Client) profileV5(ctx context.Context, prm meter.PRM) (enedis.Profile, error) {
	var p enedis.Profile
	r := metering("customers_upc/v5/usage_points/contracts")
	err := c.contract(ctx, r, url.Values{"usage_point_id": {string(prm)}}, func(body []byte) error {
		return readContract(&p, prm, body)
	})
	if err != nil {
		return enedis.Profile{}, err
	}
	return p, nil
}

// readContract reads contracts, which is one object in spite of its name.
func readContract(p *enedis.Profile, prm meter.PRM, body []byte) error {
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
					Activation string `json:"last_activation_date"` // with offset, as in 2013-08-14+01:00
					Tariff     string `json:"distribution_tariff"`
					OffPeak    string `json:"offpeak_hours"`
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
		activation, _ := meter.ParseDay(u.Contract.Activation[:min(len(u.Contract.Activation), len("2006-01-02"))])
		d, known := directionOf(u.Contract.Segment, u.Contract.Type)
		if known {
			addDirection(p, d)
			p.Open = true
		}
		if d == meter.Production {
			addActivation(p, d, activation)
			continue
		}
		addActivation(p, meter.Consumption, activation)
		p.Tariff = strings.TrimSpace(u.Contract.Tariff)
		p.SubscribedKVA = u.Contract.Power.value
		p.OffPeak = strings.TrimSpace(u.Contract.OffPeak)
	}
	return nil
}
