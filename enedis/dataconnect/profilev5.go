package dataconnect

import (
	"context"
	"net/url"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// profileV5 asks for the contract, of which v5 knows one a meter.
func (c *Client) profileV5(ctx context.Context, prm meter.PRM) (enedis.Profile, error) {
	var p enedis.Profile
	r := metering("customers_upc/v5/usage_points/contracts")
	r.prm = prm
	err := c.contract(ctx, r, url.Values{"usage_point_id": {string(prm)}}, func(body []byte) error {
		return wire.ReadContractV5(&p, prm, body)
	})
	if err != nil {
		return enedis.Profile{}, err
	}
	return p, nil
}
