package dataconnect

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// profile2026 asks the three contract APIs, which take the PRM in the path: as a parameter Enedis answers 500.
func (c *Client) profile2026(ctx context.Context, prm meter.PRM) (enedis.Profile, error) {
	var p enedis.Profile
	var refusal error
	answered := false
	for _, part := range []struct {
		api  string
		read func(*enedis.Profile, meter.PRM, []byte) error
	}{
		{"situation_contrat_auto", readSituation},
		{"synth_contrat_auto", readSynthesis},
		{"comptage_auto", readMetering},
	} {
		r := resource{path: part.api + "/v1/" + string(prm), op: part.api}
		err := c.contract(ctx, r, nil, func(body []byte) error { return part.read(&p, prm, body) })
		switch {
		case err == nil:
			answered = true
		case endsProfile(err):
			return enedis.Profile{}, err
		case refusal == nil:
			refusal = err
		}
	}
	if !answered {
		return enedis.Profile{}, refusal
	}
	return p, nil
}

// readSituation reads situation_contrat_auto: the contracts of a meter, one for each direction.
func readSituation(p *enedis.Profile, prm meter.PRM, body []byte) error {
	var contracts []struct {
		PRM     string `json:"usage_point_id"`
		Type    string `json:"contract_type"`
		Segment string `json:"segment"`
		Tariff  string `json:"distribution_tariff"`
		Power   kva    `json:"subscribed_power"`
	}
	if err := json.Unmarshal(body, &contracts); err != nil {
		return err
	}
	for _, c := range contracts {
		if err := checkPRM(prm, c.PRM); err != nil {
			return err
		}
	}
	for _, c := range contracts {
		d, ok := directionOf(c.Segment, c.Type)
		if !ok {
			continue
		}
		addDirection(p, d)
		if d == meter.Consumption && p.Tariff == "" && p.SubscribedKVA == nil {
			p.Tariff, p.SubscribedKVA = strings.TrimSpace(c.Tariff), c.Power.value
		}
	}
	return nil
}

// readSynthesis reads synth_contrat_auto: segments, and since when each direction is there.
func readSynthesis(p *enedis.Profile, _ meter.PRM, body []byte) error {
	var synthesis struct {
		Segments []struct {
			Segment string `json:"segment"`
		} `json:"segments"`
		Consumption string `json:"consumption_last_activation_date"`
		Production  string `json:"generation_last_activation_date"`
	}
	if err := json.Unmarshal(body, &synthesis); err != nil {
		return err
	}
	for _, s := range synthesis.Segments {
		if d, ok := directionOf(s.Segment, ""); ok {
			addDirection(p, d)
		}
	}
	for d, date := range map[meter.Direction]string{
		meter.Consumption: synthesis.Consumption,
		meter.Production:  synthesis.Production,
	} {
		if day, ok := parseActivation(date); ok {
			addDirection(p, d)
			addActivation(p, d, day)
		}
	}
	return nil
}

// readMetering reads comptage_auto, of which the Swagger gives no example of the off-peak hours.
func readMetering(p *enedis.Profile, _ meter.PRM, body []byte) error {
	var metering struct {
		Relays struct {
			OffPeak string `json:"plageHeuresCreuses"`
		} `json:"relais"`
	}
	if err := json.Unmarshal(body, &metering); err != nil {
		return err
	}
	p.OffPeak = strings.TrimSpace(metering.Relays.OffPeak)
	return nil
}

// parseActivation reads a date of the contract APIs of 2026, an instant as in 2024-07-31T00:00:00+0200.
func parseActivation(s string) (meter.Day, bool) {
	t, err := time.Parse("2006-01-02T15:04:05Z0700", s)
	return meter.DayOf(t), err == nil
}
