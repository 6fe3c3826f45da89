package myelectricaldata

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// call is one GET below the base URL.
type call struct {
	op    string // its name in errors and logs
	path  string
	query url.Values
}

// ask makes a call for a meter, once more with a new token if the gateway refuses the one that it gave out. The answer is
// the one that Enedis itself would have given, and no refusal.
func (c *Client) ask(ctx context.Context, prm meter.PRM, q call) (enedis.Answer, error) {
	if token := c.tokenOf(prm); token != "" || c.jwt == nil {
		if token == "" {
			return enedis.Answer{}, &enedis.Error{
				Op: q.op, Status: http.StatusForbidden, Detail: "no token of MyElectricalData is set for this meter",
			}
		}
		return c.try(ctx, q, token)
	}
	token, err := c.jwt.get(ctx)
	if err != nil {
		return enedis.Answer{}, err
	}
	answer, err := c.try(ctx, q, token)
	if refusal, ok := errors.AsType[*enedis.Error](err); !ok || refusal.Status != http.StatusUnauthorized {
		return answer, err
	}
	if token, err = c.jwt.renew(ctx, token); err != nil {
		return enedis.Answer{}, err
	}
	return c.try(ctx, q, token)
}

// tokenOf is the token that is set for a meter, or for all of them.
func (c *Client) tokenOf(prm meter.PRM) string {
	if token, ok := c.tokens[prm]; ok {
		return token
	}
	return c.token
}

// try makes one call.
func (c *Client) try(ctx context.Context, q call, token string) (enedis.Answer, error) {
	target := c.base.JoinPath(q.path)
	target.RawQuery = q.query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return enedis.Answer{}, fmt.Errorf("%s: the request cannot be made", q.op) // the cause would show the URL
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", c.dialect.scheme+token)
	if c.format2026 {
		req.Header.Set("X-MED-Format", "2026")
	}
	answer, err := c.caller.Do(req, Name, q.op)
	if err != nil {
		return enedis.Answer{}, err
	}
	c.log.DebugContext(ctx, "MyElectricalData answered", "op", q.op, "status", answer.Status, "bytes", len(answer.Body))
	return c.dialect.unwrap(answer)
}
