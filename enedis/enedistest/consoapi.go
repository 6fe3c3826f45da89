package enedistest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// ConsoAPI is the gateway Conso API as an http.Handler, below /api/. It is in front of an Enedis, whose meters, quotas and
// faults it shows as the real one does: each request that passes the gateway's own checks is one to Enedis, with a token of
// the gateway's application. The Date is the gateway's own, so that a clock of Enedis's that is wrong does not show. What it
// checks, in which order and words, is that of functions/api/[type].ts of github.com/bokub/conso-api.
//
// It is stricter where a client should be: a parameter that is unknown or there twice is refused, as is another scheme than
// Bearer; who does not say its name in User-Agent is blocked; and the request that fills the measure of the ban gets the
// ban. Faults of its own are injected here, those of Enedis there. It is safe for concurrent use.
type ConsoAPI struct {
	relay
	client *http.Client // to Enedis

	token    string // of the gateway's application; guarded by the relay's mutex, as are those below
	until    time.Time
	received int
	callers  map[netip.Prefix]*consoCaller
}

// NewConsoAPI puts a gateway in front of an Enedis, whose clock it shares.
func NewConsoAPI(e *Enedis) *ConsoAPI {
	return &ConsoAPI{
		relay:   relay{enedis: e, name: "consoapi", says: consoFault},
		client:  &http.Client{Transport: e.Transport()},
		callers: map[netip.Prefix]*consoCaller{},
	}
}

// ServeHTTP answers as the gateway does, or the device in front of it that keeps banned addresses out.
func (c *ConsoAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, found := consoType(r)
	kept := c.banned(r) || anonymous(r)
	c.serve(w, r, c.callOf(kind, r), func() answer {
		switch {
		case kept:
			return answer{status: http.StatusForbidden, contentType: typeHTML, body: page("Access denied")}
		case !found:
			return answer{status: http.StatusNotFound, contentType: typeHTML, body: page("404 Not Found")}
		}
		return c.answer(kind, r)
	})
}

// Transport answers requests in memory, as Enedis.Transport does.
func (c *ConsoAPI) Transport() http.RoundTripper { return transport{c} }

// consoType is the type of data that a path names: what stands behind /api/.
func consoType(r *http.Request) (kind string, ok bool) {
	kind, ok = strings.CutPrefix(r.URL.Path, "/api/")
	return kind, ok && kind != "" && !strings.Contains(kind, "/")
}

// callOf is a request as far as it can be read.
func (c *ConsoAPI) callOf(kind string, r *http.Request) Call {
	in := c.enedis.consoInput(kind, r.URL.Query())
	call := Call{Resource: unknownResource}
	if in.known {
		call.Resource = kind
	}
	if prm, err := meter.ParsePRM(in.prm); err == nil {
		call.PRM = prm
	}
	if from, err := meter.ParseDay(in.from); err == nil {
		if to, err := meter.ParseDay(in.to); err == nil {
			call.Days = meter.Days{From: from, To: to}
		}
	}
	return call
}

// consoFault is the gateway's own words for a fault.
func consoFault(name string) (answer, bool) {
	switch name {
	case "500":
		return consoSays(http.StatusInternalServerError, "Erreur inconnue. Réessayez plus tard"), true
	case "429":
		return consoSays(http.StatusTooManyRequests, "Too many requests"), true
	case "unauthorized":
		return consoSays(http.StatusUnauthorized, consoNoAccess), true
	}
	return answer{}, false
}

// consoRefusal is the gateway's no. Error is Enedis's body, or the validator's complaint.
type consoRefusal struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	Error   any    `json:"error,omitempty"`
}

func (r consoRefusal) answer() answer { return jsonAnswer(r.Status, typeJSON, r) }

// consoSays is a refusal of the gateway itself.
func consoSays(status int, message string) answer {
	return consoRefusal{Status: status, Message: message}.answer()
}

// consoNoAccess refuses a token.
const consoNoAccess = "Votre token est invalide ou ne permet pas d'accéder à ce PRM"

// answer is that of one type of data.
func (c *ConsoAPI) answer(kind string, r *http.Request) answer {
	switch r.Method {
	case http.MethodOptions:
		return answer{status: http.StatusOK, contentType: typeJSON}
	case http.MethodGet:
	default:
		return consoSays(http.StatusMethodNotAllowed, "Seule la méthode GET est autorisée")
	}
	in, issues := c.validate(kind, r)
	if len(issues) > 0 {
		return consoRefusal{http.StatusBadRequest, "Paramètres invalides", consoInvalid{issues, "ZodError"}}.answer()
	}
	token := bearer(r)
	if token == "" {
		return consoSays(http.StatusBadRequest, "Le header 'Authorization' est manquant ou invalide")
	}
	if !c.opens(token, meter.PRM(in.prm)) {
		return consoSays(http.StatusUnauthorized, consoNoAccess)
	}
	application, err := c.application(r.Context())
	if err != nil {
		return consoSays(http.StatusInternalServerError, "Impossible de rafraîchir le token. Réessayez plus tard")
	}
	a, err := c.handOn(r.Context(), in, application)
	if err != nil {
		return consoSays(http.StatusInternalServerError, "Erreur inconnue. Réessayez plus tard")
	}
	return a
}

// consoEnedisTokenLife is how long the gateway uses a token of Enedis; it lives 3 h 30 min.
const consoEnedisTokenLife = 3 * time.Hour

// application gives the gateway's own token at Enedis.
func (c *ConsoAPI) application(ctx context.Context) (string, error) {
	now, o := c.enedis.options.Now(), c.enedis.options
	c.mu.Lock()
	former, holds := c.token, now.Before(c.until)
	c.mu.Unlock()
	if holds {
		return former, nil
	}
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {cmp.Or(o.ClientID, "conso-api")},
		"client_secret": {cmp.Or(o.ClientSecret, "conso-api")},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://enedis.test/oauth2/v3/token",
		strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, err := c.do(req)
	if err != nil {
		return "", err
	}
	var token tokenBody
	if err := json.Unmarshal(body, &token); err != nil || status != http.StatusOK {
		return "", errors.New("no token")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.until = token.AccessToken, now.Add(consoEnedisTokenLife)
	return token.AccessToken, nil
}

// handOn asks Enedis and hands its answer on: of v5 what stands in meter_reading, of 2026 all of it, of a refusal its body
// within the gateway's.
func (c *ConsoAPI) handOn(ctx context.Context, in consoInput, token string) (answer, error) {
	target := "http://enedis.test" + in.resource.path + "?" + in.query().Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	status, body, err := c.do(req)
	if err != nil {
		return answer{}, err
	}
	if status != http.StatusOK {
		refusal := consoRefusal{Status: status, Message: "The Enedis API returned an error", Error: string(body)}
		if json.Valid(body) {
			refusal.Error = json.RawMessage(body)
		}
		return refusal.answer(), nil
	}
	if in.resource.dialect == v2026 {
		return compact(body)
	}
	var reading struct {
		Inner json.RawMessage `json:"meter_reading"`
	}
	if err := json.Unmarshal(body, &reading); err != nil {
		return answer{}, err
	}
	if reading.Inner == nil {
		return answer{}, errors.New("no meter_reading")
	}
	return compact(reading.Inner)
}

// compact sends JSON as the gateway writes it anew.
func compact(body []byte) (answer, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, body); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, contentType: typeJSON, body: b.Bytes()}, nil
}

// do makes a request to Enedis and reads its answer to the end.
func (c *ConsoAPI) do(req *http.Request) (status int, body []byte, err error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it is in memory
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}
