package myelectricaldata

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Profile reads what the contract says of a meter, in one call. Directions is nil unless the contract tells all of them:
// that of v5 knows of consumption alone, and v2 makes the form of 2026 out of it when Enedis gave it that one.
func (c *Client) Profile(ctx context.Context, prm meter.PRM) (enedis.Profile, error) {
	answer, err := c.ask(ctx, prm, c.dialect.contract(prm))
	if err != nil {
		return enedis.Profile{}, err
	}
	p, err := readContract(prm, answer.Body)
	if err != nil {
		return enedis.Profile{}, answer.Unreadable(err)
	}
	return p, nil
}

// contracts is a contract in either form: v5's customer, or what v2 collects from the contract APIs of 2026.
type contracts struct {
	Customer *struct {
		UsagePoints []struct {
			UsagePoint struct {
				PRM string `json:"usage_point_id"`
			} `json:"usage_point"`
			Contract struct {
				terms
				Activation string `json:"last_activation_date"`
				OffPeak    text   `json:"offpeak_hours"`
			} `json:"contracts"`
		} `json:"usage_points"`
	} `json:"customer"`

	Situations []struct {
		PRM string `json:"usage_point_id"` // absent where the gateway has made it out of v5
		terms
	} `json:"situation_contrat"`
	Synthesis struct {
		Consumption string `json:"consumption_last_activation_date"`
		Production  string `json:"generation_last_activation_date"`
	} `json:"synthese_contrat"`
	Metering struct {
		Relays struct {
			OffPeak text `json:"plageHeuresCreuses"`
		} `json:"relais"`
	} `json:"comptage"`
}

// terms are the fields that the contracts of both forms share.
type terms struct {
	Type    string `json:"contract_type"` // as in "Contrat GRD-F", and GRD-A for production
	Segment string `json:"segment"`       // C1 to C5, and P1 to P4 for production
	Tariff  string `json:"distribution_tariff"`
	Power   kva    `json:"subscribed_power"`
}

func (t terms) produces() bool {
	return strings.HasPrefix(strings.ToUpper(t.Segment), "P") || strings.Contains(strings.ToUpper(t.Type), "GRD-A")
}

var errOtherMeter = errors.New("the contract is another meter's")

func readContract(prm meter.PRM, body []byte) (enedis.Profile, error) {
	var c contracts
	if err := json.Unmarshal(body, &c); err != nil {
		return enedis.Profile{}, err
	}
	switch {
	case c.Customer != nil:
		return c.profileV5(prm)
	case c.Situations != nil:
		return c.profile2026(prm)
	}
	return enedis.Profile{}, errors.New("the answer holds no contract")
}

// profileV5 reads the one contract that v5 knows.
func (c contracts) profileV5(prm meter.PRM) (enedis.Profile, error) {
	var p enedis.Profile
	for _, u := range c.Customer.UsagePoints {
		if named := u.UsagePoint.PRM; named != "" && named != string(prm) {
			return enedis.Profile{}, errOtherMeter
		}
		if u.Contract.produces() {
			p.Directions = []meter.Direction{meter.Production}
			addActivation(&p, meter.Production, u.Contract.Activation)
			continue
		}
		addActivation(&p, meter.Consumption, u.Contract.Activation)
		p.Tariff, p.SubscribedKVA = strings.TrimSpace(u.Contract.Tariff), u.Contract.Power.value
		p.OffPeak = string(u.Contract.OffPeak)
	}
	return p, nil
}

// profile2026 reads the contracts of a meter, one for each direction.
func (c contracts) profile2026(prm meter.PRM) (enedis.Profile, error) {
	p := enedis.Profile{OffPeak: string(c.Metering.Relays.OffPeak)}
	has := map[meter.Direction]bool{meter.Production: c.Synthesis.Production != ""}
	all := len(c.Situations) > 0 // whether the list is Enedis's own
	for _, s := range c.Situations {
		if s.PRM != "" && s.PRM != string(prm) {
			return enedis.Profile{}, errOtherMeter
		}
		all = all && s.PRM != ""
		if s.produces() {
			has[meter.Production] = true
			continue
		}
		if !has[meter.Consumption] {
			p.Tariff, p.SubscribedKVA = strings.TrimSpace(s.Tariff), s.Power.value
		}
		has[meter.Consumption] = true
	}
	if all || has[meter.Production] {
		p.Directions = slices.DeleteFunc(meter.Directions(), func(d meter.Direction) bool { return !has[d] })
	}
	addActivation(&p, meter.Consumption, c.Synthesis.Consumption)
	addActivation(&p, meter.Production, c.Synthesis.Production)
	return p, nil
}

// addActivation notes since when a direction is there, if that is known. The date stands first in each form: alone, with
// an offset behind it, or as an instant at midnight in Paris.
func addActivation(p *enedis.Profile, d meter.Direction, date string) {
	day, err := meter.ParseDay(date[:min(len(date), len("2006-01-02"))])
	if err != nil {
		return
	}
	if p.Activation == nil {
		p.Activation = make(map[meter.Direction]meter.Day)
	}
	p.Activation[d] = day
}

// kva is a subscribed power: "9 kVA", or {"unit":"kVA","value":"12"}; nil when it is neither.
type kva struct{ value *float64 }

// UnmarshalJSON never fails: a contract is worth reading without its power.
func (k *kva) UnmarshalJSON(raw []byte) error {
	var parts struct {
		Unit  string `json:"unit"`
		Value string `json:"value"`
	}
	var said string
	switch {
	case json.Unmarshal(raw, &parts) == nil:
		said = parts.Value + parts.Unit
	case json.Unmarshal(raw, &said) == nil:
	}
	number := strings.TrimSpace(strings.TrimSuffix(strings.ToLower(said), "kva"))
	if power, err := strconv.ParseFloat(number, 64); err == nil && power > 0 && power < 1e6 {
		k.value = &power
	}
	return nil
}

// text is a JSON string; anything else, as the gateway's former objects of off-peak hours, is taken for absent.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	var said string
	if json.Unmarshal(raw, &said) == nil {
		*t = text(strings.TrimSpace(said))
	}
	return nil
}
