//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// authorizePath is where the consent page of Enedis is.
const authorizePath = "/dataconnect/v2/oauth2/authorize"

// consentPageOf is Enedis's consent page for an application that has registered a redirect address. It stands on another site
// than the page of the bridge, as the real one does.
func consentPageOf(t *testing.T, s *simulator, redirect string) (authorizeURL string) {
	t.Helper()
	target, err := url.Parse(s.url())
	require.NoError(t, err)
	page := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		query := r.Out.URL.Query()
		query.Set("redirect_uri", redirect)
		r.Out.URL.RawQuery = query.Encode()
	}})
	t.Cleanup(page.Close)
	return strings.Replace(page.URL, "127.0.0.1", "localhost", 1) + authorizePath
}

// consentWorld is a bridge that knows no meter, an Enedis with two, and a browser.
type consentWorld struct {
	browser
	simulator *simulator
	broker    *mosquitto
	bridge    *process
	page      string // its port on this machine
	meters    []truth
}

// startConsentWorld starts it; redirect is the address registered at Enedis; without one it is that of the page, which then
// knows its PUBLIC_URL.
func startConsentWorld(t *testing.T, redirect string) *consentWorld {
	t.Helper()
	w := &consentWorld{simulator: startSimulator(t, 2), broker: startMosquitto(t), meters: household(2, lastDays(7))}
	w.page = freePort(t)
	more := map[string]string{
		"METERS": "", "ENEDIS_CONSENT_DURATION": "P1Y", "LOCALE": "en", "HTTP_ADDR": "127.0.0.1:" + w.page,
	}
	if redirect == "" {
		more["PUBLIC_URL"] = "http://127.0.0.1:" + w.page
		redirect = more["PUBLIC_URL"] + "/consent/callback"
	}
	more["ENEDIS_AUTHORIZE_URL"] = consentPageOf(t, w.simulator, redirect)
	env := settings(t, w.simulator, w.broker, w.meters, more)
	w.bridge = startBridge(t, env)
	await(t, "the page answers", 20*time.Second, func() error {
		_, _, err := get(t, "http://127.0.0.1:"+w.page+"/readyz")
		return err
	})
	w.browser = openBrowser(t)
	return w
}

// home is the page of the bridge under a name of this machine.
func (w *consentWorld) home(host string) string { return "http://" + host + ":" + w.page + "/" }

// goToEnedis goes from the bridge's page to the consent page, and chooses a meter there.
func (w *consentWorld) goToEnedis(t *testing.T, m truth) {
	t.Helper()
	w.do(t, chromedp.Navigate(w.home("127.0.0.1")), chromedp.Click(chromedp.ID("consent")), chromedp.Click(chromedp.ID("start")))
	w.do(t, choose(m)...)
}

// choose picks a meter on the consent page.
func choose(m truth) []chromedp.Action[chromedp.Void] {
	return []chromedp.Action[chromedp.Void]{
		chromedp.WaitReady(chromedp.ID("accept")),
		chromedp.Click(chromedp.CSS(fmt.Sprintf("input[value=%q]", m.PRM))),
	}
}

// requireOutcome waits for the page that says what came of it, in words of which some are given.
func (w *consentWorld) requireOutcome(t *testing.T, outcome string, words ...string) {
	t.Helper()
	w.do(t, chromedp.WaitReady(chromedp.CSS(fmt.Sprintf("h1[data-outcome=%q]", outcome))))
	text := w.text(t)
	for _, s := range words {
		require.Contains(t, text, s)
	}
	require.NotRegexp(t, `[0-9]{14}`, text)
	require.NotRegexp(t, `[0-9]{14}`, read(t, w.browser, chromedp.Title()))
}

// served are the meters of bridge/info.
func (w *consentWorld) served(t *testing.T) []string {
	t.Helper()
	var prms []string
	for _, m := range decode[infoDocument](t, retained(t, w.broker)["enedis2mqtt/bridge/info"]).Meters {
		prms = append(prms, m.PRM)
	}
	return prms
}

// requireServed waits for a meter that is green and says how long its consent lasts, in MQTT and on the page.
func (w *consentWorld) requireServed(t *testing.T, m truth) {
	t.Helper()
	var topics map[string]string
	await(t, "the meter is complete", 90*time.Second, func() error {
		topics = retained(t, w.broker)
		return complete(t, topics, m)
	})
	requireDocuments(t, topics, m)
	consent := decode[stateDocument](t, topics["enedis2mqtt/"+string(m.PRM)+"/state"]).Consent
	require.NotNil(t, consent.DaysLeft)
	require.InDelta(t, 365, *consent.DaysLeft, 2)
	require.Contains(t, topics["homeassistant/device/enedis2mqtt_"+string(m.PRM)+"/config"], `"consent_days_left"`)
	w.do(t, chromedp.Navigate(w.home("127.0.0.1")), chromedp.WaitVisible(chromedp.CSS(".light.green")))
	require.Contains(t, w.text(t), "Consent until "+*consent.Until)
}

// exchanges counts the calls that ask Enedis what a consent opens.
func (w *consentWorld) exchanges(t *testing.T) (n int) {
	t.Helper()
	_, body, err := get(t, w.simulator.url()+"/simulator/calls")
	require.NoError(t, err)
	var counts struct {
		Calls []struct {
			Resource string
			Count    int
		}
	}
	require.NoError(t, json.Unmarshal(body, &counts))
	for _, c := range counts.Calls {
		if c.Resource == "subscribed_services" {
			n += c.Count
		}
	}
	return n
}

// TestConsent has a customer consent with a browser. The bridge has no meter before, and is not restarted.
func TestConsent(t *testing.T) {
	w := startConsentWorld(t, "")
	house := w.meters[0]

	t.Run("without a consent there is no meter", func(t *testing.T) {
		w.do(t, chromedp.Navigate(w.home("127.0.0.1")))
		require.Contains(t, w.text(t), "No meter yet.")
		await(t, "the bridge tells of itself", 20*time.Second, func() error {
			return want(retained(t, w.broker), "enedis2mqtt/bridge/state", "online")
		})
		require.Empty(t, w.served(t))
	})

	t.Run("the page says which address to register", func(t *testing.T) {
		w.do(t, chromedp.Click(chromedp.ID("consent")), chromedp.WaitReady(chromedp.CSS(`h1[data-outcome="begin"]`)))
		require.Contains(t, w.text(t), w.home("127.0.0.1")+"consent/callback")
	})

	t.Run("refused", func(t *testing.T) {
		w.goToEnedis(t, house)
		w.do(t, chromedp.Click(chromedp.ID("refuse")))
		w.requireOutcome(t, "refused", "nothing has changed")
		require.Empty(t, w.served(t))
	})

	t.Run("broken", func(t *testing.T) {
		w.simulator.inject(t, "consent_error")
		w.do(t, chromedp.Navigate(w.home("127.0.0.1")), chromedp.Click(chromedp.ID("consent")), chromedp.Click(chromedp.ID("start")))
		w.requireOutcome(t, "failed", "accept its new terms of use", "cookies", "already shared")
		w.simulator.heal(t, "consent_error")
		require.Empty(t, w.served(t))
		require.Zero(t, w.exchanges(t))
	})

	var back string
	t.Run("accepted", func(t *testing.T) {
		w.goToEnedis(t, house)
		w.do(t, chromedp.Click(chromedp.ID("accept")))
		w.requireOutcome(t, "granted", "begin to arrive now", "…"+house.PRM.Tail())
		back = w.address(t)
		require.True(t, strings.HasPrefix(back, w.home("127.0.0.1")+"consent/callback?"), back)
		w.requireServed(t, house)
		require.Equal(t, []string{string(house.PRM)}, w.served(t))
	})

	t.Run("replayed", func(t *testing.T) {
		exchanges := w.exchanges(t)
		w.do(t, chromedp.Navigate(back))
		w.requireOutcome(t, "used")
		require.Equal(t, exchanges, w.exchanges(t))
		require.Equal(t, []string{string(house.PRM)}, w.served(t))
	})

	t.Run("no state and no secret is in the log", func(t *testing.T) {
		u, err := url.Parse(back)
		require.NoError(t, err)
		state := u.Query().Get("state")
		require.NotEmpty(t, state)
		require.NotContains(t, w.bridge.said(t), state)
		require.NotContains(t, w.bridge.said(t), string(house.PRM))
	})
	require.Zero(t, w.bridge.stop(t))
}

// TestConsentByHand has a customer whose browser cannot come back, in a home's network over plain HTTP: the address goes
// into the box.
func TestConsentByHand(t *testing.T) {
	parked := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(parked.Close)
	w := startConsentWorld(t, parked.URL+"/elsewhere")
	barn := w.meters[1]

	w.do(t, chromedp.Navigate(w.home(lan)+"consent/"), chromedp.WaitReady(chromedp.CSS(`h1[data-outcome="begin"]`)))
	require.Contains(t, w.text(t), "PUBLIC_URL")
	enedis := w.openInNewTab(t, "start")
	enedis.do(t, choose(barn)...)
	enedis.do(t, chromedp.Click(chromedp.ID("accept")))
	await(t, "the browser ends elsewhere", patience, func() error {
		if address := enedis.address(t); !strings.HasPrefix(address, parked.URL+"/elsewhere?") {
			return fmt.Errorf("it is at %s", address)
		}
		return nil
	})

	w.paste(t, " \n"+enedis.address(t)+" ")
	w.requireOutcome(t, "granted", "…"+barn.PRM.Tail())
	w.paste(t, enedis.address(t))
	w.requireOutcome(t, "used")
	w.requireServed(t, barn)
	w.askHistory(t, barn)
}

// askHistory asks for a meter's history on the page, sees it under way without a reload, and stops it.
func (w *consentWorld) askHistory(t *testing.T, m truth) {
	t.Helper()
	section := "#meter-" + m.PRM.Tail()
	w.do(t, chromedp.Navigate(w.home(lan)),
		chromedp.Click(chromedp.CSS(section+" summary")), chromedp.Click(chromedp.CSS(section+" form button")),
		chromedp.WaitReady(chromedp.CSS(section+" iframe")))
	progress := "document.querySelector('" + section + " iframe').contentDocument"
	says := func() string { return read(t, w.browser, chromedp.Evaluate[string](progress+".body?.innerText ?? ''")) }
	var first string
	await(t, "history is under way", patience, func() error {
		if first = says(); !strings.Contains(first, "calls left: ") {
			return fmt.Errorf("the page says %q", first)
		}
		return nil
	})
	await(t, "history comes forward", patience, func() error {
		if is := says(); is == first || is == "" {
			return fmt.Errorf("the page still says %q", is)
		}
		return nil
	})
	w.do(t, chromedp.Evaluate[chromedp.Void](progress+".querySelector('button').click()"),
		chromedp.WaitNotPresent(chromedp.CSS(section+" iframe")))
	w.do(t, chromedp.Click(chromedp.CSS(section+" > p > a")), chromedp.WaitReady(chromedp.CSS(".days")))
	require.Contains(t, w.text(t), "not asked: ")
	require.NotRegexp(t, `[0-9]{14}`, w.text(t))
}

// paste puts an address into the box of the start page.
func (w *consentWorld) paste(t *testing.T, address string) {
	t.Helper()
	w.do(t, chromedp.Navigate(w.home(lan)+"consent/"), chromedp.SetValue(chromedp.ID("address"), address), chromedp.Click(chromedp.ID("paste")))
}

// inject makes Enedis misbehave until heal.
func (s *simulator) inject(t *testing.T, fault string) {
	t.Helper()
	s.faults(t, http.MethodPost, fault)
}

// heal ends a fault.
func (s *simulator) heal(t *testing.T, fault string) {
	t.Helper()
	s.faults(t, http.MethodDelete, fault)
}

func (s *simulator) faults(t *testing.T, method, fault string) {
	t.Helper()
	address := s.url() + "/simulator/faults?duration=1h&name=" + fault
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}
