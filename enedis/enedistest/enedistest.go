// Package enedistest is Enedis as an http.Handler: Data Connect in its form of 2026 and in its former one, v5, with the
// token endpoint both share, and the pages on which a customer consents. It serves our tests, the commands demo and
// simulator, and whoever writes a client of their own.
//
// It is stricter than the real one. A request that Enedis is only documented to refuse is refused here, and every call
// counts against the quota. What it publishes is a pure function of the meters it is given and of Options.Now, so Meter.Day
// tells a test what must have arrived in the end. Faults make it misbehave in the ways that have been met in the field.
//
// The shapes of its answers follow Enedis's Swagger files and catalogue, and recorded answers where public projects have
// them. All persons, addresses and delivery points are invented.
package enedistest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Options say how Enedis behaves. Only Now is required.
type Options struct {
	Now func() time.Time // the clock of publication, tokens, quotas and faults

	// ClientID and ClientSecret are the application's credentials. When both are empty, any that are not empty will do.
	ClientID, ClientSecret string
	// NotSubscribed names the APIs that the application has not subscribed, as in "comptage_auto": 403 with 900908.
	NotSubscribed []string
	TokenLife     time.Duration // of an access token; 0: 12600 s

	Meters []Meter
	// PublishedAtOnce publishes a day at the midnight that ends it, not at 08:00.
	PublishedAtOnce bool

	Limits Limits
	Skew   time.Duration // how far the Date header is ahead of Now
	// RedirectURI is the address that the application has registered: the consent page sends the browser there, http or https.
	// When it is empty, the page takes a parameter redirect_uri, and else shows an address to copy.
	RedirectURI string
	// NoDataFound makes the API of 2026 answer an empty range with v5's no_data_found, not with its Swagger's own 404.
	NoDataFound bool
}

// Limits bound the calls. The zero value has Enedis's own.
type Limits struct {
	CallsPerSecond   int // over all APIs, the token's included; 0: 5
	CallsPerHour2026 int // of each API of 2026; 0: 1000
	CallsPerHourV5   int // of all APIs of v5 together; 0: 10 000
	CurveDays        int // the most days of one request for a curve; 0: 7; some applications have met 6
}

// Unlimited switches a limit of calls off.
const Unlimited = -1

// Enedis is an http.Handler. It is safe for concurrent use and has no goroutine of its own.
type Enedis struct {
	options Options
	mux     *http.ServeMux

	mu      sync.Mutex
	prms    []meter.PRM // in the order in which they came
	meters  map[meter.PRM]Meter
	tokens  tokens
	quota   quota
	faults  []*active // the newest last
	calls   []*Call
	tallies map[tally]int
}

// New makes an Enedis. It panics without Options.Now, when a meter's PRM has not 14 digits, and on a RedirectURI that is no
// address.
func New(o Options) *Enedis {
	if o.Now == nil {
		panic("enedistest: Options.Now is required")
	}
	if _, ok := parseRedirectURI(o.RedirectURI); !ok && o.RedirectURI != "" {
		panic("enedistest: RedirectURI: want http(s)://host, perhaps with a path and a query")
	}
	o.TokenLife = cmp.Or(o.TokenLife, 12600*time.Second)
	o.Limits.CallsPerSecond = cmp.Or(o.Limits.CallsPerSecond, 5)
	o.Limits.CallsPerHour2026 = cmp.Or(o.Limits.CallsPerHour2026, 1000)
	o.Limits.CallsPerHourV5 = cmp.Or(o.Limits.CallsPerHourV5, 10_000)
	o.Limits.CurveDays = cmp.Or(o.Limits.CurveDays, 7)
	e := &Enedis{
		options: o,
		mux:     http.NewServeMux(),
		meters:  map[meter.PRM]Meter{},
		tokens:  tokens{alive: map[string]issued{}},
		quota:   quota{},
		tallies: map[tally]int{},
	}
	for _, m := range o.Meters {
		e.SetMeter(m)
	}
	for _, res := range e.resources() {
		e.mux.Handle(res.path, e.handle(res))
		if withoutPRM, ok := strings.CutSuffix(res.path, prmPattern); ok {
			e.mux.Handle(withoutPRM, e.handle(res)) // refused there: a redirect would be no answer of Enedis's
		}
	}
	e.consentPage(v2026, AuthorizePath2026)
	e.consentPage(v5, AuthorizePathV5)
	e.mux.Handle("/", e.handle(resource{name: unknownResource, answer: e.unknown}))
	e.admin()
	return e
}

// ServeHTTP answers as Enedis does.
func (e *Enedis) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// SetMeter adds a meter, or puts it in the place of the one with its PRM: to revoke a consent, to correct a day, while
// Enedis runs. It panics when the PRM has not 14 digits.
func (e *Enedis) SetMeter(m Meter) {
	if _, err := meter.ParsePRM(string(m.PRM)); err != nil {
		panic("enedistest: " + err.Error())
	}
	m.atOnce = e.options.PublishedAtOnce
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.meters[m.PRM]; !known {
		e.prms = append(e.prms, m.PRM)
	}
	e.meters[m.PRM] = m
}

// Meter gives a meter as Enedis has it, publication policy included.
func (e *Enedis) Meter(prm meter.PRM) (m Meter, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, ok = e.meters[prm]
	return m, ok
}

// Meters lists the meters in the order in which they came.
func (e *Enedis) Meters() []Meter {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]Meter, 0, len(e.prms))
	for _, prm := range e.prms {
		list = append(list, e.meters[prm])
	}
	return list
}

// subscribed tells whether the application has subscribed the API.
func (e *Enedis) subscribed(api string) bool { return !slices.Contains(e.options.NotSubscribed, api) }
