// Package check tries each setting for real, with as few calls as possible, and says what to do about what is not well:
// folder, sources, meters, clock, broker, Home Assistant, page. Its calls pass the same ledger as those of the bridge, so that the budget
// holds and no call is forgotten; of what comes back nothing is kept. While a bridge runs on the same data it makes no
// call at all, and tells what that bridge has met.
//
// It shows a meter by its last four digits, and no secret.
package check

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
)

// Status is how a check ended.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, and could be better
	Failed  Status = "failed"
	Skipped Status = "skipped" // not tried, the message says why
)

// Result is one check, in the words of the locale.
type Result struct {
	Name    string `json:"name"`    // what is checked, as in "broker"; the same in each locale
	Subject string `json:"subject"` // which one of several; empty where there is one
	Status  Status `json:"status"`
	Message string `json:"message"` // one sentence
	Remedy  string `json:"remedy"`  // what to do; empty where all is well
}

// Report is what came of all checks, in the order in which they are read.
type Report struct {
	OK     bool     `json:"ok"` // nothing failed
	Checks []Result `json:"checks"`
}

// The names of the checks.
const (
	nameSettings      = "settings"
	nameData          = "data"
	nameSource        = "source"
	nameMeters        = "meters"
	nameConsent       = "consent"
	nameHourly        = "hourly"
	nameDuration      = "duration"
	nameClock         = "clock"
	nameBroker        = "broker"
	nameTopics        = "topics"
	nameDiscovery     = "discovery"
	nameHomeAssistant = "home_assistant"
	nameEnergy        = "energy"
	namePage          = "page"
)

// Options are the settings, checked, as far as they can be tried. DiscoveryPrefix, HomeAssistant, HTTPAddr and PublicURL may
// be empty; all else but Warnings, Meters and Broker's credentials is required.
type Options struct {
	Locale   contract.Locale
	Warnings []string // about the settings, in the locale
	DataDir  string
	Meters   []bridge.Meter // of the settings; none: those that the store and the sources know
	// Sources makes the sources, in order of preference, behind gates, with a client to send through.
	Sources         func(gate func(source string) enedis.Gate, client *http.Client) ([]bridge.Source, error)
	Broker          mqtt.Options // without will and subscriptions; ClientID may be empty
	BaseTopic       string
	DiscoveryPrefix string // empty: no discovery
	HomeAssistant   HomeAssistant
	HTTPAddr        string // where the page listens; empty: no page
	HealthURL       string // of the page's /healthz
	PublicURL       string // where a browser reaches the page
	Built           time.Time
	Now             func() time.Time
	Log             *slog.Logger
}

// Run tries everything. It takes some seconds, and at the worst half a minute for each source that does not answer.
func Run(ctx context.Context, o Options) Report {
	c := &checker{Options: o, curves: make(map[meter.Series]bool)}
	c.settings()
	kept, running := c.data(ctx)
	c.sources(ctx, kept, running)
	if kept != nil {
		_ = kept.Close() // whatever was written is on disk, and a bridge may start
	}
	c.clock()
	c.broker(ctx)
	c.homeAssistant(ctx)
	c.page(ctx, running)
	return c.report()
}

// checker gathers the results.
type checker struct {
	Options
	watch   *clockWatch           // of the answers of the sources; nil without any request
	curves  map[meter.Series]bool // those of which something was said, by any source
	results []Result
}

func (c *checker) add(results ...Result) { c.results = append(c.results, results...) }

// say puts a phrase in the locale's words.
func (c *checker) say(p phrase, args ...any) string { return p.in(c.Locale, args...) }

var (
	longDigits = regexp.MustCompile(`[0-9]{14,}`)
	webToken   = regexp.MustCompile(`\beyJ[\w-]*\.[\w-]+(\.[\w-]*)?`)
)

// clean is for texts of others: a PRM or a token in them does not go out.
func clean(text string) string {
	return longDigits.ReplaceAllString(webToken.ReplaceAllString(text, "…"), "…")
}

func (c *checker) report() Report {
	r := Report{OK: true, Checks: c.results}
	for i, one := range r.Checks {
		r.Checks[i].Message = strings.ReplaceAll(clean(one.Message), "..", ".") // what is quoted may end its sentence itself
		r.Checks[i].Remedy = clean(one.Remedy)
		r.OK = r.OK && one.Status != Failed
	}
	return r
}

// count tells how many checks ended so.
func (r Report) count(s Status) (n int) {
	for _, one := range r.Checks {
		if one.Status == s {
			n++
		}
	}
	return n
}

func (c *checker) settings() {
	for _, warning := range c.Warnings {
		c.add(Result{Name: nameSettings, Status: Warning, Message: warning, Remedy: c.say(settingsRemedy)})
	}
	if len(c.Warnings) == 0 {
		c.add(Result{Name: nameSettings, Status: OK, Message: c.say(settingsRead)})
	}
}

// subject names a meter at a source, or one of its directions.
func subject(parts ...string) string { return strings.Join(parts, " ") }
