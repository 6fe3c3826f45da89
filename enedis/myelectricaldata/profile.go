package myelectricaldata

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Profile reads what the contract says of a meter, in one call. Directions is open unless the contract is of the form of
// 2026 and Enedis's own: that of v5 knows of one contract, and so does what v2 makes out of it.
func (c *Client) Profile(ctx context.Context, prm meter.PRM) (enedis.Profile, error) {
	answer, err := c.ask(ctx, c.dialect.contract(prm))
	if err != nil {
		return enedis.Profile{}, err
	}
	p, err := readContract(prm, answer.Body)
	if err != nil {
		return enedis.Profile{}, answer.Unreadable(err)
	}
	return p, nil
}

// readContract reads a contract in either form: v5's customer, or what v2 collects from the contract APIs of 2026.
func readContract(prm meter.PRM, body []byte) (enedis.Profile, error) {
	var forms struct {
		Customer  json.RawMessage `json:"customer"`
		Situation json.RawMessage `json:"situation_contrat"`
		Synthesis json.RawMessage `json:"synthese_contrat"`
		Metering  json.RawMessage `json:"comptage"`
	}
	if err := json.Unmarshal(body, &forms); err != nil {
		return enedis.Profile{}, err
	}
	var p enedis.Profile
	switch {
	case present(forms.Customer):
		err := wire.ReadContractV5(&p, prm, body)
		return p, err
	case !present(forms.Situation):
		return enedis.Profile{}, errors.New("the answer holds no contract")
	}
	for _, part := range []struct {
		body json.RawMessage
		read func(*enedis.Profile, meter.PRM, []byte) error
	}{
		{forms.Situation, wire.ReadSituation}, {forms.Synthesis, wire.ReadSynthesis}, {forms.Metering, wire.ReadMetering},
	} {
		if !present(part.body) {
			continue
		}
		if err := part.read(&p, prm, part.body); err != nil {
			return enedis.Profile{}, err
		}
	}
	p.Open = len(p.Directions) > 0 && madeOutOfV5(forms.Situation)
	return p, nil
}

// present tells whether a field is there and not null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// madeOutOfV5 tells whether v2 has made up a list of contracts, which then do not name their meter.
func madeOutOfV5(situation json.RawMessage) bool {
	type contract struct {
		PRM string `json:"usage_point_id"`
	}
	var contracts []contract
	err := json.Unmarshal(situation, &contracts)
	return err == nil && slices.ContainsFunc(contracts, func(c contract) bool { return c.PRM == "" })
}
