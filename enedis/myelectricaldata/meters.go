package myelectricaldata

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Meters lists the delivery points of v2's account that are switched on, in the account's order, in one call. A token of
// v1 is bound to one delivery point and does not say which.
func (c *Client) Meters(ctx context.Context) ([]meter.PRM, error) {
	if c.version != V2 {
		return nil, fmt.Errorf("MyElectricalData %s does not list delivery points", c.version)
	}
	answer, err := c.ask(ctx, "", call{op: "pdl", path: "pdl/"}) // the slash belongs to it, or a redirect is the answer
	if err != nil {
		return nil, err
	}
	var points []struct {
		PRM    string `json:"usage_point_id"`
		Active *bool  `json:"is_active"`
	}
	if err := json.Unmarshal(answer.Body, &points); err != nil {
		return nil, answer.Unreadable(err)
	}
	var list []meter.PRM
	for _, p := range points {
		prm, err := meter.ParsePRM(p.PRM)
		if err != nil {
			return nil, answer.Unreadable(err)
		}
		if p.Active == nil || *p.Active {
			list = append(list, prm)
		}
	}
	return list, nil
}
