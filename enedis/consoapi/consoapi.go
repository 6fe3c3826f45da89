// Package consoapi reads Enedis's data through Conso API (github.com/bokub/conso-api), a gateway for individuals. The
// user's consent at the gateway gives a token that names the meters it opens; the gateway passes a request on to Data
// Connect and hands Enedis's answer back as it is, stamps at the end of their intervals included.
//
// An address with 100 requests in 12 hours is banned for good, so nothing is asked that our own knowledge can refuse: a
// meter that no token names, a token that has expired. The gateway has no contract API.
package consoapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Name is the name of the source, as SOURCES has it.
const Name = "consoapi"

// DefaultURL is the public address.
const DefaultURL = "https://conso.boris.sh/api"

// Options is what a Client needs. Format and HTTP may be empty; all else is required.
type Options struct {
	BaseURL   string // http or https, with the gateway's /api
	Format    Format // empty: Format2026
	Tokens    []string
	UserAgent string       // must tell the gateway who we are, else it may block us
	HTTP      *http.Client // whose transport is used
	Gate      enedis.Gate
	Now       func() time.Time
	Log       *slog.Logger
}

// Client is the source. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	dialect dialect
	tokens  tokens
	caller  *enedis.Caller
	now     func() time.Time
	log     *slog.Logger
}

// New checks the options; it makes no call. A token that has expired is no error here: the requests that need it say so.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.RawQuery != "" {
		return nil, errors.New("base URL: want http(s)://host/api")
	}
	dialect, ok := dialectOf(o.Format)
	if !ok {
		return nil, fmt.Errorf("format %q: want %s or %s", o.Format, Format2026, FormatV5)
	}
	tokens, err := newTokens(o.Tokens)
	if err != nil {
		return nil, err
	}
	if o.UserAgent == "" {
		return nil, errors.New("a user agent is needed: the gateway may block who does not say its name")
	}
	caller := enedis.NewCaller(o.HTTP, o.Gate, o.UserAgent, o.Now)
	caller.Hide(o.Tokens...)
	return &Client{
		base:    base,
		dialect: dialect,
		tokens:  tokens,
		caller:  caller,
		now:     o.Now,
		log:     o.Log,
	}, nil
}

// Name is "consoapi".
func (c *Client) Name() string { return Name }

// Traits is what the gateway offers and allows. It hands through what Data Connect has, with Data Connect's limits of days.
// It bans the address that makes 100 requests in 12 hours (.github/scripts/ipban.mjs); we stop at 60, whatever they ask
// for, and whoever else shares the address has the rest.
func (c *Client) Traits() enedis.Traits {
	days := enedis.History{Months: 36, Days: 14}
	return enedis.Traits{
		Measures: map[meter.Direction][]meter.Measure{
			meter.Consumption: {meter.Daily, meter.LoadCurve, meter.MaxPower},
			meter.Production:  {meter.Daily, meter.LoadCurve},
		},
		Span: map[meter.Measure]int{meter.LoadCurve: 7, meter.Daily: 365, meter.MaxPower: 365, meter.Register: 365},
		History: map[meter.Measure]enedis.History{
			meter.LoadCurve: {Months: 24, Days: 14},
			meter.Daily:     days,
			meter.MaxPower:  days,
			meter.Register:  days,
		},
		NoContract: true,
		Rate:       1,
		InFlight:   1,
		Limits:     []enedis.Limit{{Window: 12 * time.Hour, Scope: enedis.ScopeAddress, Calls: 60}},
	}
}

// Fetch asks for the days of a request, in one call. Days from today on are not asked for, since Enedis refuses them. A
// clear "no data" of a 200 is a batch without days; that of a 404 is an *enedis.Error with action Wait. An answer that
// cannot be read as a whole is an *enedis.Error with enedis.CodeUnreadable. Those with enedis.CodeOtherMeter and
// enedis.CodeTokenExpired are refusals of our own, without a call. What is one token's trouble is Apart.
func (c *Client) Fetch(ctx context.Context, req enedis.Request) (enedis.Batch, error) {
	kind, ok := c.dialect.kinds[measured{req.Direction, req.Measure}]
	if !ok {
		return enedis.Batch{}, fmt.Errorf("%s: Conso API does not offer it", req)
	}
	now := c.now()
	days := req.Days.Intersect(meter.Days{From: req.Days.From, To: meter.DayOf(now)})
	if days.Empty() {
		return enedis.Batch{}, fmt.Errorf("%s: no day before today is asked for", req)
	}
	token, err := c.tokens.of(req.PRM, kind, now)
	if err != nil {
		return enedis.Batch{}, err
	}

	answer, err := c.ask(ctx, kind, req.PRM, c.dialect.query(req, days), token)
	if err != nil {
		return enedis.Batch{}, err
	}
	decoded, err := c.decode(ctx, req, answer)
	if err != nil {
		return enedis.Batch{}, err
	}
	return enedis.Batch{Request: req, Days: decoded.Days, Source: Name}, nil
}

// Profile knows nothing, makes no call and has no error: the gateway has no contract API, which Traits tells, so that
// directions and activation have to be found out by asking for data.
func (c *Client) Profile(context.Context, meter.PRM) (enedis.Profile, error) {
	return enedis.Profile{}, nil
}

// Meters lists the meters that the tokens name, in their order, each once. It makes no call and has no error.
func (c *Client) Meters(context.Context) ([]meter.PRM, error) {
	return slices.Clone(c.tokens.meters), nil
}

// ConsentUntil is the day in Paris on which the token of a meter ends, 1094 days after that of the consent; ok is false for a meter that no token names, and for a token that does not say when it ends.
func (c *Client) ConsentUntil(p meter.PRM) (last meter.Day, ok bool) {
	token, known := c.tokens.byMeter[p]
	if !known || token.expires.IsZero() {
		return 0, false
	}
	return meter.DayOf(token.expires), true
}

// ask makes one call. The kind of data is the name of the API, for the gate, and that of the operation, in errors.
func (c *Client) ask(
	ctx context.Context, kind string, prm meter.PRM, query url.Values, token credential,
) (enedis.Answer, error) {
	target := c.base.JoinPath(kind)
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return enedis.Answer{}, fmt.Errorf("%s: the request cannot be made", kind) // the cause would show the URL
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+token.value)
	answer, err := c.caller.Do(req, enedis.Call{API: kind, Credential: token.label, PRM: prm}, kind)
	if err != nil {
		return enedis.Answer{}, err
	}
	c.log.DebugContext(ctx, "Conso API answered", "op", kind, "status", answer.Status, "bytes", len(answer.Body))
	if refusal := refusalOf(answer); refusal != nil {
		refusal.Apart = ofToken(refusal) && len(c.tokens.all) > 1
		return enedis.Answer{}, refusal
	}
	return answer, nil
}

// decode reads an answer that is no refusal.
func (c *Client) decode(ctx context.Context, req enedis.Request, a enedis.Answer) (wire.Decoded, error) {
	decoded, err := c.dialect.decode(Name, req, a.Body)
	if err != nil {
		return wire.Decoded{}, a.Unreadable(err)
	}
	if decoded.Dropped > 0 {
		c.log.WarnContext(ctx, "points that overlap others or mean no certain time are dropped",
			"request", req, "points", decoded.Dropped)
	}
	return decoded, nil
}
