package dataconnect

import (
	"context"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
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
		{"situation_contrat_auto", wire.ReadSituation},
		{"synth_contrat_auto", wire.ReadSynthesis},
		{"comptage_auto", wire.ReadMetering},
	} {
		r := resource{path: part.api + "/v1/" + string(prm), op: part.api, prm: prm}
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
