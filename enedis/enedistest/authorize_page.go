package enedistest

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

//go:embed authorize.html
var authorizeHTML string

var consentTemplates = template.Must(template.New("authorize").Parse(authorizeHTML))

// consentHTML writes one of the pages of authorize.html.
func consentHTML(status int, name string, data any) answer {
	var b bytes.Buffer
	if err := consentTemplates.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // our own templates take our own data
	}
	return answer{status: status, contentType: typeHTML + "; charset=utf-8", body: b.Bytes()}
}

// The page on which the customer decides.
type (
	consentForm struct {
		ClientID string
		Until    meter.Day
		Input    string // radio in 2026, where a consent is for one meter; checkbox in v5
		Again    bool   // what was sent is no decision
		Meters   []consentMeter
	}
	consentMeter struct {
		PRM     meter.PRM
		Kind    string
		Shared  bool // its consent holds already
		Checked bool
	}
)

// consentForm shows the page. The first meter that is not shared yet is chosen; of meters that all are, the first.
func (e *Enedis) consentForm(c consentRequest, status int) answer {
	form := consentForm{ClientID: c.clientID, Until: c.end, Input: "checkbox", Again: status != http.StatusOK}
	if c.dialect == v2026 {
		form.Input = "radio"
	}
	first := 0
	for i, m := range e.Meters() {
		form.Meters = append(form.Meters, consentMeter{PRM: m.PRM, Kind: frenchKind(m.Kind), Shared: m.consented(c.now)})
		if form.Meters[first].Shared && !form.Meters[i].Shared {
			first = i
		}
	}
	if len(form.Meters) > 0 {
		form.Meters[first].Checked = true
	}
	return consentHTML(status, "form", form)
}

// frenchKind names a kind of meter for the customer.
func frenchKind(k Kind) string {
	return [...]string{"consommation", "autoconsommation", "production seule", "consommation sans courbe"}[k]
}
