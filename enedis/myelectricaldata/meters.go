package myelectricaldata

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Meters lists the delivery points that the credentials open: those of v2's account that are switched on, in the account's
// order, in one call, and then those with a token of their own. The common token of v1 is bound to one delivery point and
// does not say which, so that of v1 there are the latter alone, without a call.
func (c *Client) Meters(ctx context.Context) ([]meter.PRM, error) {
	var list []meter.PRM
	if c.version == V2 && c.credentials.common != nil {
		account, err := c.account(ctx)
		if err != nil {
			return nil, err
		}
		list = account
	}
	for _, prm := range c.credentials.meters() {
		if !slices.Contains(list, prm) {
			list = append(list, prm)
		}
	}
	return list, nil
}

// account asks for the delivery points of v2's account.
func (c *Client) account(ctx context.Context) ([]meter.PRM, error) {
	answer, err := c.ask(ctx, call{op: "pdl", path: "pdl/"}) // the slash belongs to it, or a redirect is the answer
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
