package wire

import (
	"encoding/json"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// ReadSituation adds to a profile what an answer of situation_contrat_auto says: the contracts of a meter, one for each
// direction. An error, here and below, means that the answer cannot be read.
func ReadSituation(p *enedis.Profile, prm meter.PRM, body []byte) error {
	var contracts []struct {
		PRM     string `json:"usage_point_id"`
		Type    string `json:"contract_type"`
		Segment string `json:"segment"`
		Tariff  text   `json:"distribution_tariff"`
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
			p.Tariff, p.SubscribedKVA = string(c.Tariff), c.Power.value
		}
	}
	return nil
}

// ReadSynthesis adds what an answer of synth_contrat_auto says: segments, and since when each direction is there.
func ReadSynthesis(p *enedis.Profile, _ meter.PRM, body []byte) error {
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
		if day := activationDay(date); day != 0 {
			addDirection(p, d)
			addActivation(p, d, day)
		}
	}
	return nil
}

// ReadMetering adds what an answer of comptage_auto says, of which the Swagger gives no example of the off-peak hours.
func ReadMetering(p *enedis.Profile, _ meter.PRM, body []byte) error {
	var metering struct {
		Relays struct {
			OffPeak text `json:"plageHeuresCreuses"`
		} `json:"relais"`
	}
	if err := json.Unmarshal(body, &metering); err != nil {
		return err
	}
	p.OffPeak = string(metering.Relays.OffPeak)
	return nil
}
