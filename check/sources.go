package check

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/consoapi"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// mostMeters is how many meters are tried at each source, so that a check of a fleet costs no fleet of calls.
const mostMeters = 5

// sources tries each source and its meters; beside a bridge that runs it tells what that one has met.
func (c *checker) sources(ctx context.Context, kept *store.Store, running bool) {
	if kept == nil {
		c.add(Result{Name: nameSource, Status: Skipped, Message: c.say(sourceNoStore)})
		return
	}
	ledger, err := bridge.NewLedger(ctx, kept, c.Built, c.Now)
	if err != nil {
		c.add(c.storeFails(err))
		return
	}
	watch := newClockWatch(c.Now)
	calls := make(map[string]int) // let through, by source; nothing runs at the same time here
	gate := func(source string) enedis.Gate {
		next := ledger.Gate(source)
		return func(ctx context.Context, call enedis.Call) error {
			err := next(ctx, call)
			if err == nil {
				calls[source]++
			}
			return err
		}
	}
	list, err := c.Sources(gate, &http.Client{Transport: watch})
	if err != nil {
		c.add(Result{Name: nameSource, Status: Failed, Message: c.say(sourceUnusable, err), Remedy: c.say(settingsRemedy)})
		return
	}
	k, err := know(ctx, kept, list)
	if err != nil {
		c.add(c.storeFails(err))
		return
	}
	for _, s := range list {
		ledger.Limit(s.Name(), s.Traits())
		if running {
			c.told(k, s, ledger)
			continue
		}
		c.watch = watch
		t := &trial{checker: c, source: s, kept: kept, ledger: ledger, known: k, alone: len(list) == 1}
		t.run(ctx, func() bool { return calls[s.Name()] > 0 })
	}
	if len(c.Meters) == 0 && !slices.ContainsFunc(list, func(s bridge.Source) bool {
		return len(k.targets(c.Options, s.Name(), k.listed[s.Name()])) > 0
	}) {
		c.add(Result{Name: nameMeters, Status: Warning, Message: c.say(metersNone), Remedy: c.say(metersNoneRemedy)})
	}
	c.durations(k, list)
}

func (c *checker) storeFails(err error) Result {
	return Result{Name: nameData, Status: Failed, Message: c.say(dataUnusable, err), Remedy: c.say(dataFolderRemedy)}
}

// trial is one source that is tried.
type trial struct {
	*checker
	source bridge.Source
	kept   *store.Store
	ledger *bridge.Ledger
	known  knowledge
	alone  bool // it is the only source

	trouble error // of the whole source: nothing more is asked then
}

// run tries the source and its meters; called tells whether that has cost a call so far.
func (t *trial) run(ctx context.Context, called func() bool) {
	name := t.source.Name()
	if rest := t.known.backoffs[name]; rest.NotBefore.After(t.Now()) {
		t.add(Result{
			Name: nameSource, Subject: name, Status: Warning,
			Message: t.say(sourceHeld, clockTime(rest.NotBefore), rest.Detail), Remedy: t.say(waitRemedy),
		})
		return
	}
	listed := t.list(ctx)
	if listed != nil {
		t.known.listed[name] = listed
	}
	targets := t.known.targets(t.Options, name, listed)
	var results []Result
	for _, m := range targets[:min(mostMeters, len(targets))] {
		if t.trouble == nil && ctx.Err() == nil {
			results = append(results, t.meter(ctx, m)...)
		}
	}
	tried := len(results) > 0 || t.authenticate(ctx)
	t.add(t.verdict(listed, tried, called()))
	t.add(results...)
	if more := len(targets) - mostMeters; more > 0 && t.trouble == nil {
		t.add(Result{Name: nameConsent, Subject: name, Status: Skipped, Message: t.say(consentMore, mostMeters, more)})
	}
	t.remember(ctx)
}

// list asks a source that tells which meters its credentials open.
func (t *trial) list(ctx context.Context) []meter.PRM {
	lister, ok := t.source.(bridge.Lister)
	if !ok {
		return nil
	}
	listed, err := lister.Meters(ctx)
	if err != nil {
		t.trouble = err
		return nil
	}
	return listed
}

// authenticate tries the credentials of a source alone, where there is no meter to try them with. It tells whether it could.
func (t *trial) authenticate(ctx context.Context) bool {
	source, ok := t.source.(interface {
		Authenticate(ctx context.Context) error
	})
	if !ok || t.trouble != nil {
		return false
	}
	t.trouble = source.Authenticate(ctx)
	return true
}

// verdict says how the source as a whole took it: whether any meter was tried, and whether that took a call.
func (t *trial) verdict(listed []meter.PRM, tried, called bool) Result {
	one := Result{Name: nameSource, Subject: t.source.Name(), Status: Failed}
	switch err := t.trouble; {
	case err != nil:
		one.Message, one.Remedy = t.say(sourceTrouble, err), t.say(t.troubleRemedy(err))
		if errors.Is(err, enedis.ErrBudget) {
			one.Status = Warning
		}
	case !tried && !called:
		one.Status, one.Message, one.Remedy = Skipped, t.say(sourceNotTried), t.say(sourceNotTriedRemedy)
	case !called:
		one.Status, one.Message = Skipped, t.say(sourceNoCall)+t.opens(listed)+"."
	default:
		one.Status = OK
		one.Message = t.say(sourceAnswers) + t.opens(listed) + t.budget(t.ledger.Budgets(t.source.Name())) + "."
	}
	return one
}

// opens names the meters that the credentials open.
func (c *checker) opens(listed []meter.PRM) string {
	if len(listed) == 0 {
		return ""
	}
	names := make([]string, 0, mostMeters)
	for _, prm := range listed[:min(mostMeters, len(listed))] {
		names = append(names, prm.Short())
	}
	if len(listed) > mostMeters {
		names = append(names, "…")
	}
	return c.say(sourceOpens, len(listed), strings.Join(names, ", "))
}

// budget tells what is left of the scarcest budget.
func (c *checker) budget(budgets []contract.Budget) string {
	if len(budgets) == 0 {
		return ""
	}
	b := budgets[0]
	return c.say(sourceBudget, max(0, b.Limit-b.Calls), b.Limit, shortly(b.Window))
}

// troubleRemedy is what to do about trouble of a whole source.
func (t *trial) troubleRemedy(err error) phrase {
	if _, ok := errors.AsType[*enedis.ClockError](err); ok {
		return clockRemedy
	}
	switch enedis.ActionOf(err) {
	case enedis.Quota:
		return waitRemedy
	case enedis.FixSettings, enedis.RenewConsent:
		return credentialRemedies[t.source.Name()]
	}
	if _, ok := errors.AsType[*enedis.Error](err); ok {
		return laterRemedy
	}
	return networkRemedy
}

// remember keeps the source's own word on when to come back, which binds the bridge as well.
func (t *trial) remember(ctx context.Context) {
	refusal, ok := errors.AsType[*enedis.Error](t.trouble)
	if !ok || refusal.Apart || !refusal.After.After(t.Now()) {
		return
	}
	rest := t.known.backoffs[t.source.Name()]
	err := t.kept.SaveBackoff(ctx, store.Backoff{
		Source: t.source.Name(), Failures: rest.Failures + 1, Until: refusal.After, NotBefore: refusal.After,
		Outcome: store.OverQuota, Detail: refusal.Error(),
	})
	if err != nil {
		t.add(t.storeFails(err))
	}
}

// clockTime is an instant as people in France read it.
func clockTime(t time.Time) string { return t.In(meter.Paris()).Format("2006-01-02 15:04") }

// consentPage is where a meter's holder consents for a source.
func (c *checker) consentPage(source string) string {
	switch {
	case source == consoapi.Name:
		return "https://conso.boris.sh"
	case source != dataconnect.Name:
		return "https://www.v2.myelectricaldata.fr (v1: https://myelectricaldata.fr)"
	case c.PublicURL != "":
		return c.PublicURL + "/consent/start"
	case c.HTTPAddr != "":
		return strings.TrimSuffix(c.HealthURL, "/healthz") + "/consent/start"
	}
	return "HTTP_ADDR, /consent/start"
}
