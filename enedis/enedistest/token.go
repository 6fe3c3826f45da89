package enedistest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// tokens are the access tokens that are out.
type tokens struct {
	last  int // serial of the newest
	alive map[string]issued
}

type issued struct {
	serial int // from 1
	until  time.Time
}

// tokenBody is the answer of the token endpoint.
type tokenBody struct {
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
}

// tokenError is RFC 6749's error.
func tokenError(status int, code, description string) *refusal {
	return coded(status, code, description)
}

func invalidClient() *refusal {
	return tokenError(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
}

func missingParameter() *refusal {
	return tokenError(http.StatusBadRequest, "invalid_request", "missing_parameter")
}

// token answers POST /oauth2/v3/token.
func (e *Enedis) token(q *query) answer {
	if no := e.refuseToken(q); no != nil {
		return no.answer()
	}
	return jsonAnswer(http.StatusOK, typeJSON, tokenBody{
		AccessToken: e.issue(q.now),
		Scope:       "am_application_scope default",
		TokenType:   "Bearer",
		ExpiresIn:   int(e.options.TokenLife / time.Second),
	})
}

// refuseToken checks a request for a token. Enedis takes nothing in the query string since July 2026.
func (e *Enedis) refuseToken(q *query) *refusal {
	kind, _, err := mime.ParseMediaType(q.request.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return tokenError(http.StatusUnsupportedMediaType, "invalid_request", "unsupported_media_type")
	}
	form, err := url.ParseQuery(string(q.body))
	if err != nil || q.request.URL.RawQuery != "" {
		return missingParameter()
	}
	if form.Has("scope") {
		return tokenError(http.StatusBadRequest, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
	}
	switch form.Get("grant_type") {
	case "":
		return missingParameter()
	case "client_credentials":
	default:
		return tokenError(http.StatusBadRequest, "unsupported_grant_type",
			"The authorization grant type is not supported by the authorization server")
	}
	return e.authenticate(q.request, form)
}

// authenticate takes the credentials from the header or from the body, and not from both.
func (e *Enedis) authenticate(r *http.Request, form url.Values) *refusal {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if r.Header.Get("Authorization") != "" {
		if id != "" || secret != "" {
			return tokenError(http.StatusBadRequest, "invalid_request", "more than one client authentication")
		}
		var ok bool
		if id, secret, ok = basicAuth(r); !ok {
			return invalidClient()
		}
	}
	if id == "" || secret == "" {
		return missingParameter()
	}
	o := e.options
	if o.ClientID == "" && o.ClientSecret == "" {
		return nil
	}
	if id != o.ClientID || secret != o.ClientSecret {
		return invalidClient()
	}
	return nil
}

// basicAuth undoes the escapes that RFC 6749 asks for in both parts.
func basicAuth(r *http.Request) (id, secret string, ok bool) {
	id, secret, ok = r.BasicAuth()
	if !ok {
		return "", "", false
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	return id, secret, err1 == nil && err2 == nil
}

// issue makes a token and forgets those that have expired.
func (e *Enedis) issue(now time.Time) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for token, i := range e.tokens.alive {
		if !now.Before(i.until) {
			delete(e.tokens.alive, token)
		}
	}
	e.tokens.last++
	until := now.Add(e.options.TokenLife)
	token := e.jwt(now, until, e.tokens.last)
	e.tokens.alive[token] = issued{serial: e.tokens.last, until: until}
	return token
}

// ExpireTokens makes every token that is out invalid.
func (e *Enedis) ExpireTokens() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.tokens.alive)
}

// serialOf is the serial of a token that is valid, 0 for any other.
func (e *Enedis) serialOf(token string, now time.Time) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i, ok := e.tokens.alive[token]; ok && now.Before(i.until) {
		return i.serial
	}
	return 0
}

// authorise refuses a request without a valid token.
func (e *Enedis) authorise(q *query) *refusal {
	if q.request.Header.Get("Authorization") == "" {
		return missingCredentials()
	}
	if q.serial == 0 {
		return invalidCredentials(q.resource)
	}
	return nil
}

// claims is what Enedis's access tokens say.
type claims struct {
	Sub            string          `json:"sub"`
	Application    application     `json:"application"`
	Scope          string          `json:"scope"`
	TierInfo       map[string]tier `json:"tierInfo"`
	KeyType        string          `json:"keytype"`
	SubscribedAPIs []subscription  `json:"subscribedAPIs"`
	IssuedAt       int64           `json:"iat"`
	ExpiresAt      int64           `json:"exp"`
}

type application struct {
	Owner string `json:"owner"`
	Tier  string `json:"tier"`
	Name  string `json:"name"`
	ID    int    `json:"id"`
}

type tier struct {
	QuotaType        string `json:"tierQuotaType"`
	StopOnQuotaReach bool   `json:"stopOnQuotaReach"`
	SpikeLimit       int    `json:"spikeArrestLimit"`
	SpikeUnit        string `json:"spikeArrestUnit"`
}

type subscription struct {
	Name    string `json:"name"`
	Context string `json:"context"`
	Version string `json:"version"`
	Tier    string `json:"subscriptionTier"`
}

// jwt has the three parts of a JSON Web Token. Its signature verifies with nothing: it makes each token another.
func (e *Enedis) jwt(now, until time.Time, serial int) string {
	c := claims{
		Sub:         "app-owner",
		Application: application{Owner: "app-owner", Tier: "Unlimited", Name: "example-app", ID: 1},
		Scope:       "am_application_scope default",
		TierInfo: map[string]tier{
			"Bronze": {QuotaType: "requestCount", StopOnQuotaReach: true, SpikeLimit: 5, SpikeUnit: "sec"},
		},
		KeyType:        "PRODUCTION",
		SubscribedAPIs: e.subscriptions(),
		IssuedAt:       now.Unix(),
		ExpiresAt:      until.Unix(),
	}
	payload, err := json.Marshal(c)
	if err != nil {
		panic(err) // our own wire types always marshal
	}
	part := base64.RawURLEncoding.EncodeToString
	signed := part([]byte(`{"alg":"RS256","typ":"at+jwt"}`)) + "." + part(payload)
	signature := sha256.Sum256(fmt.Appendf(nil, "%s#%d", signed, serial))
	return signed + "." + part(signature[:])
}

// subscriptions lists the APIs of the application, each once.
func (e *Enedis) subscriptions() []subscription {
	var list []subscription
	for _, res := range e.resources() {
		if res.dialect == oauth || !e.subscribed(res.api) || len(list) > 0 && list[len(list)-1].Name == res.api {
			continue
		}
		version := res.context[lastSlash(res.context)+1:]
		list = append(list, subscription{Name: res.api, Context: res.context, Version: version, Tier: "Bronze"})
	}
	return list
}
