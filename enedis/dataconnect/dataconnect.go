// Package dataconnect reads Enedis's Data Connect as an application that Enedis knows: the API of 2026, "mesures
// synchrones", and the one before it, v5. One access token of the application serves all meters; the consent of each meter's
// holder is kept at Enedis.
//
// It makes the calls, and turns refusals into enedis.Error; package wire reads the answers. When something is asked, and what
// a refusal means for the round, is the bridge's business.
package dataconnect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/wire"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Name is the name of the source, as SOURCES has it.
const Name = "dataconnect"

// Version is one of the two APIs, spelled as the setting.
type Version string

// The versions.
const (
	V2026 Version = "2026" // since 28 September 2026
	V5    Version = "v5"   // before; the measures were announced to stop in October 2026
)

// Options is what a Client needs. HTTP may be nil, AuthorizeURL and Duration empty; all else is required.
type Options struct {
	BaseURL      string // http or https, perhaps with a path; also of the token
	Version      Version
	ClientID     string
	ClientSecret string
	AuthorizeURL string // the consent page, http or https; empty: Enedis's own, of the version
	Duration     string // for which customers are asked to consent, see ParseDuration; empty: DefaultDuration
	UserAgent    string
	HTTP         *http.Client // whose transport is used
	Gate         enedis.Gate
	Now          func() time.Time
	Log          *slog.Logger
}

// Client is the source. It is safe for concurrent use.
type Client struct {
	base         *url.URL
	authorize    *url.URL
	duration     Duration
	clientID     string
	dialect      dialect
	caller       *enedis.Caller
	tokens       *tokens
	unsubscribed *unsubscribed
	now          func() time.Time
	log          *slog.Logger
	version      Version
}

// New checks the options; it makes no call.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.RawQuery != "" {
		return nil, errors.New("base URL: want http(s)://host, perhaps with a path")
	}
	dialect, ok := dialectOf(o.Version)
	if !ok {
		return nil, fmt.Errorf("version %q: want %s or %s", o.Version, V2026, V5)
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		return nil, errors.New("client id and client secret are both needed")
	}
	authorize, err := parseAuthorizeURL(cmp.Or(o.AuthorizeURL, dialect.authorizeURL))
	if err != nil {
		return nil, err
	}
	duration, err := ParseDuration(cmp.Or(o.Duration, DefaultDuration))
	if err != nil {
		return nil, err
	}
	caller := enedis.NewCaller(o.HTTP, o.Gate, o.UserAgent, o.Now)
	caller.Hide(o.ClientSecret)
	return &Client{
		base:         base,
		authorize:    authorize,
		duration:     duration,
		clientID:     o.ClientID,
		dialect:      dialect,
		caller:       caller,
		tokens:       newTokens(caller, base, o.ClientID, o.ClientSecret, o.Now),
		unsubscribed: newUnsubscribed(),
		now:          o.Now,
		log:          o.Log,
		version:      o.Version,
	}, nil
}

// Name is "dataconnect".
func (c *Client) Name() string { return Name }

// Traits is what the API offers and allows. Enedis counts 1000 calls an hour for each API in 2026, 10 000 over all in v5, and
// five a second over all; of the history one day of its fifteen beyond the months is left as a margin.
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
		Rate:     4.3,
		InFlight: 4,
		Limits:   []enedis.Limit{{Window: time.Hour, Scope: c.dialect.counted, Calls: c.dialect.hourly}},
	}
}

// Fetch asks for the days of a request, in one call but for the token. Days from today on are not asked for, since Enedis
// refuses them. A clear "no data" of a 200 is a batch without days; that of a 404 is an *enedis.Error with action Wait.
// An answer that cannot be read as a whole is an *enedis.Error with enedis.CodeUnreadable.
func (c *Client) Fetch(ctx context.Context, req enedis.Request) (enedis.Batch, error) {
	res, ok := c.dialect.resources[measured{req.Direction, req.Measure}]
	if !ok {
		return enedis.Batch{}, fmt.Errorf("%s: Data Connect %s does not offer it", req, c.version)
	}
	days := req.Days.Intersect(meter.Days{From: req.Days.From, To: meter.DayOf(c.now())})
	if days.Empty() {
		return enedis.Batch{}, fmt.Errorf("%s: no day before today is asked for", req)
	}

	res.prm = req.PRM
	var decoded wire.Decoded
	err := c.ask(ctx, res, c.dialect.query(req, days), func(a enedis.Answer) (blank bool, err error) {
		decoded, err = c.dialect.decode(Name, req, a.Body)
		if err != nil {
			return false, a.Unreadable(err)
		}
		return decoded.Blank, nil
	})
	if err != nil {
		return enedis.Batch{}, err
	}
	if decoded.Dropped > 0 {
		c.log.WarnContext(ctx, "points that overlap others or mean no certain time are dropped",
			"request", req, "points", decoded.Dropped)
	}
	return enedis.Batch{Request: req, Days: decoded.Days, Source: Name}, nil
}

// Authenticate gets an access token, in one call unless there is one. Its errors are *enedis.TokenError.
func (c *Client) Authenticate(ctx context.Context) error {
	_, err := c.tokens.get(ctx)
	return err
}

// resource is what one URL below the base gives.
type resource struct {
	path string    // its first segment names the API, for Enedis's quota and ours
	op   string    // its name in errors and logs
	prm  meter.PRM // the meter that it is about; empty when it is about none
	body []byte    // JSON, which is posted; nil to get the resource
}

// metering is a resource that is named by the last segment of its path.
func metering(p string) resource { return resource{path: p, op: path.Base(p)} }

func (r resource) api() string {
	api, _, _ := strings.Cut(r.path, "/")
	return api
}

// blankTokenAge is how old a token must be for a blank answer to be taken for its fault.
const blankTokenAge = time.Hour

// ask gets a resource and hands the answer to read, once more with a new token if the first try shows that the token is
// worn out: by a 401, or by a 200 without any content, which is how Enedis met expired tokens in October 2023. Only a
// token older than an hour is suspected of the latter, so that an ordinary "no data" costs one call.
func (c *Client) ask(ctx context.Context, r resource, query url.Values, read reader) error {
	tok, err := c.tokens.get(ctx)
	if err != nil {
		return err
	}
	blank, err := c.try(ctx, r, query, tok, read)
	refusal, refused := errors.AsType[*enedis.Error](err)
	switch {
	case refused && refusal.Status == http.StatusUnauthorized:
	case blank && c.now().Sub(tok.obtained) > blankTokenAge:
	default:
		return err
	}
	if tok, err = c.tokens.renew(ctx, tok); err != nil {
		return err
	}
	_, err = c.try(ctx, r, query, tok, read)
	return err
}

// reader reads an answer that is no refusal, and tells whether it is blank.
type reader func(enedis.Answer) (blank bool, err error)

// try makes one call.
func (c *Client) try(ctx context.Context, r resource, query url.Values, tok token, read reader) (bool, error) {
	target := c.base.JoinPath(r.path)
	target.RawQuery = query.Encode()
	method, body := http.MethodGet, io.Reader(nil)
	if r.body != nil {
		method, body = http.MethodPost, bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return false, fmt.Errorf("%s: the request cannot be made", r.op) // the cause would show the URL
	}
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+tok.value)
	answer, err := c.caller.Do(req, enedis.Call{API: r.api(), PRM: r.prm}, r.op)
	if err != nil {
		return false, err
	}
	c.log.DebugContext(ctx, "Enedis answered", "op", r.op, "status", answer.Status, "bytes", len(answer.Body))
	if refusal := answer.Refusal(); refusal != nil {
		return false, refusal
	}
	return read(answer)
}
