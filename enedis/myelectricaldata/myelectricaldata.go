// Package myelectricaldata reads Enedis's data through MyElectricalData, a gateway for individuals, in its two forms: v1,
// the former one, whose token is bound to one delivery point and which hands on what Enedis sends in the format of v5; and
// v2, whose account holds several, which wraps all answers, says no with HTTP 200, and stamps the slots of a curve at their
// start.
//
// It undoes what the gateway does to Enedis's answers, and leaves their reading to package wire. What the
// gateway does is documented in part; the rest is read in its source, MyElectricalData/myelectricaldata_new, of version
// 1.22 (February 2026) and of October 2026, 2.x, which differ in the days that a range holds.
package myelectricaldata

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Name is the name of the source, as SOURCES has it, and that under which the gate counts its calls: the gateway counts
// all that a token asks for together.
const Name = "myelectricaldata"

// Version is one of the two gateways, spelled as the setting.
type Version string

// The versions.
const (
	V1 Version = "v1" // https://myelectricaldata.fr, the former one
	V2 Version = "v2" // https://www.v2.myelectricaldata.fr/api
)

// YesterdayFrom is the time of day in Paris before which v2 should not be asked for yesterday: a range of a curve for
// which Enedis has nothing yet is kept from being asked for again, by anybody, for 24 h. Enedis publishes from 08:00.
const YesterdayFrom = 10 * time.Hour

// Options is what a Client needs. HTTP may be nil; of the credentials those of the version are needed; all else but
// Format2026 is required.
type Options struct {
	BaseURL string // http or https, perhaps with a path; of v2 with its /api
	Version Version

	Token        string               // v1: the token of the delivery point; v2: the account's secret, sent as it is
	Tokens       map[meter.PRM]string // tokens of single meters, instead of Token
	ClientID     string               // v2: with ClientSecret, instead of Token
	ClientSecret string               // v2: without ClientID it is sent as it is
	Format2026   bool                 // v2: asks for Enedis's format of 2026, not for that of v5

	UserAgent string
	HTTP      *http.Client // whose transport is used
	Gate      enedis.Gate
	Now       func() time.Time
	Log       *slog.Logger
}

// Client is the source. It is safe for concurrent use.
type Client struct {
	base        *url.URL
	dialect     dialect
	caller      *enedis.Caller
	credentials credentials
	format2026  bool
	now         func() time.Time
	log         *slog.Logger
	version     Version
}

// New checks the options; it makes no call.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.RawQuery != "" {
		return nil, errors.New("base URL: want http(s)://host, perhaps with a path")
	}
	dialect, ok := dialectOf(o.Version)
	if !ok {
		return nil, fmt.Errorf("version %q: want %s or %s", o.Version, V1, V2)
	}
	caller := enedis.NewCaller(o.HTTP, o.Gate, o.UserAgent, o.Now)
	caller.Hide(o.Token, o.ClientSecret)
	caller.Hide(slices.Collect(maps.Values(o.Tokens))...)
	credentials := newCredentials(o, caller, base.JoinPath(tokenPath).String())
	if credentials.distinct == 0 {
		return nil, fmt.Errorf("%s: want a token, or for %s a client id and a client secret", o.Version, V2)
	}
	return &Client{
		base:        base,
		dialect:     dialect,
		caller:      caller,
		credentials: credentials,
		format2026:  o.Format2026,
		now:         o.Now,
		log:         o.Log,
		version:     o.Version,
	}, nil
}

// Name is "myelectricaldata".
func (c *Client) Name() string { return Name }

// Traits is what the gateway offers and allows. It counts 50 calls a day for each token, of which 40 are taken. Enedis
// allows seven days of a curve in one call; v2 would cut a longer range itself for consumption, and not for production.
// Its reach is three years, and two for a curve, of which one day is left as a margin.
func (c *Client) Traits() enedis.Traits {
	curve, days := enedis.History{Months: 24, Days: 14}, enedis.History{Months: 36, Days: 14}
	if c.version == V2 {
		curve.Days, days.Days = -1, -1
	}
	traits := enedis.Traits{
		Measures: map[meter.Direction][]meter.Measure{
			meter.Consumption: {meter.Daily, meter.LoadCurve, meter.MaxPower},
			meter.Production:  {meter.Daily, meter.LoadCurve},
		},
		Span:     map[meter.Measure]int{meter.LoadCurve: 7, meter.Daily: 365, meter.MaxPower: 365},
		History:  map[meter.Measure]enedis.History{meter.LoadCurve: curve, meter.Daily: days, meter.MaxPower: days},
		Rate:     1,
		InFlight: 1,
		Limits:   []enedis.Limit{{Window: 24 * time.Hour, Scope: enedis.ScopeCredential, Calls: 40}},
	}
	if c.version == V2 {
		traits.DailyLags, traits.Yesterday = []meter.Direction{meter.Consumption}, YesterdayFrom
	}
	return traits
}

// Fetch asks for the days of a request, in one call but for v2's token. Days from today on are not asked for. A clear "no
// data" of a 200 is a batch without days; any other is an *enedis.Error with action Wait. An answer that cannot be read as
// a whole is an *enedis.Error with enedis.CodeUnreadable.
//
// Of a consumption curve v2 says "no data" for whatever went wrong at Enedis, a consent that ended too: the daily values
// tell that. Of daily consumption it gives an empty answer where Enedis refuses a start before the activation.
func (c *Client) Fetch(ctx context.Context, req enedis.Request) (enedis.Batch, error) {
	res, ok := c.dialect.resources[measured{req.Direction, req.Measure}]
	if !ok {
		return enedis.Batch{}, fmt.Errorf("%s: MyElectricalData %s does not offer it", req, c.version)
	}
	days := req.Days.Intersect(meter.Days{From: req.Days.From, To: meter.DayOf(c.now())})
	if days.Empty() {
		return enedis.Batch{}, fmt.Errorf("%s: no day before today is asked for", req)
	}
	path, query := c.dialect.measures(res, req.PRM, days)
	answer, err := c.ask(ctx, call{op: res, prm: req.PRM, path: path, query: query})
	if err != nil {
		return enedis.Batch{}, err
	}
	decoded, err := c.dialect.decode(req, answer.Body)
	if err != nil {
		return enedis.Batch{}, answer.Unreadable(err)
	}
	if decoded.Dropped > 0 {
		c.log.WarnContext(ctx, "points that overlap others or mean no certain time are dropped",
			"request", req, "points", decoded.Dropped)
	}
	return enedis.Batch{Request: req, Days: decoded.Days, Source: Name}, nil
}

// dialect is what sets one version of the gateway apart.
type dialect struct {
	resources map[measured]string // paths, which are the names in errors and logs too
	measures  func(resource string, prm meter.PRM, days meter.Days) (path string, query url.Values)
	contract  func(prm meter.PRM) call
	decode    func(req enedis.Request, body []byte) (wire.Decoded, error)
	unwrap    func(enedis.Answer) (enedis.Answer, error) // gives the answer that Enedis itself would have given
	scheme    string                                     // of the Authorization header, before the token
}

// measured is what a resource is about.
type measured struct {
	direction meter.Direction
	measure   meter.Measure
}

func dialectOf(v Version) (dialect, bool) {
	switch v {
	case V1:
		return dialectV1(), true
	case V2:
		return dialectV2(), true
	}
	return dialect{}, false
}
