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
	op    string    // its name in errors and logs
	prm   meter.PRM // the meter that it is about; empty for the account
	path  string
	query url.Values
}

// ask makes a call. The answer is the one that Enedis itself would have given, and no refusal. What is one token's trouble
// is Apart where there are others.
func (c *Client) ask(ctx context.Context, q call) (enedis.Answer, error) {
	credential, ok := c.credentials.of(q.prm)
	if !ok {
		return enedis.Answer{}, &enedis.Error{
			Op: q.op, Status: http.StatusUnauthorized, Code: enedis.CodeOtherMeter, Apart: true,
			Detail: "no token of MyElectricalData is set for the meter " + q.prm.Short(),
		}
	}
	answer, err := c.askWith(ctx, q, credential)
	if refusal, refused := errors.AsType[*enedis.Error](err); refused && c.credentials.distinct < 2 {
		refusal.Apart = false
	}
	return answer, err
}

// askWith makes a call with a credential, once more with a new token if the gateway refuses the one that it gave out.
func (c *Client) askWith(ctx context.Context, q call, with credential) (enedis.Answer, error) {
	if with.jwt == nil {
		return c.try(ctx, q, with.token, with.label)
	}
	token, err := with.jwt.get(ctx)
	if err != nil {
		return enedis.Answer{}, err
	}
	answer, err := c.try(ctx, q, token, with.label)
	if refusal, ok := errors.AsType[*enedis.Error](err); !ok || refusal.Status != http.StatusUnauthorized {
		return answer, err
	}
	if token, err = with.jwt.renew(ctx, token); err != nil {
		return enedis.Answer{}, err
	}
	return c.try(ctx, q, token, with.label)
}

// try makes one call.
func (c *Client) try(ctx context.Context, q call, token, label string) (enedis.Answer, error) {
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
	answer, err := c.caller.Do(req, enedis.Call{API: Name, Credential: label, PRM: q.prm}, q.op)
	if err != nil {
		return enedis.Answer{}, err
	}
	c.log.DebugContext(ctx, "MyElectricalData answered", "op", q.op, "status", answer.Status, "bytes", len(answer.Body))
	return c.dialect.unwrap(answer)
}
