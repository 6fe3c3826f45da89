package myelectricaldata

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

const (
	tokenPath     = "accounts/token"
	tokenLifetime = 30 * 24 * time.Hour // the gateway does not say; its source does
	tokenMargin   = time.Hour           // a token is not used this close to its end
)

// jwts keeps the one token that client credentials are exchanged for. golang.org/x/oauth2 would take a token that does not
// say how long it lives for one that lives for ever.
type jwts struct {
	caller     *enedis.Caller
	target     string
	id, secret string
	now        func() time.Time

	turn    chan struct{} // holds one value; who has taken it may look at the fields below
	value   string
	expires time.Time
}

func newJWTs(caller *enedis.Caller, target, id, secret string, now func() time.Time) *jwts {
	t := &jwts{
		caller: caller, target: target, id: id, secret: secret, now: now,
		turn: make(chan struct{}, 1),
	}
	t.turn <- struct{}{}
	return t
}

// get gives the token that is kept, or a new one. Its errors are *enedis.TokenError.
func (t *jwts) get(ctx context.Context) (string, error) { return t.renew(ctx, "") }

// renew gives another token than the one that was refused, or the same one again if the gateway insists.
func (t *jwts) renew(ctx context.Context, refused string) (string, error) {
	select {
	case <-t.turn:
	case <-ctx.Done():
		return "", &enedis.TokenError{Err: ctx.Err()}
	}
	defer func() { t.turn <- struct{}{} }()
	if t.value != "" && t.value != refused && t.now().Before(t.expires) {
		return t.value, nil
	}
	value, err := t.fetch(ctx)
	if err != nil {
		return "", &enedis.TokenError{Err: err}
	}
	return value, nil
}

// fetch asks the gateway for a token.
func (t *jwts) fetch(ctx context.Context) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.target, strings.NewReader(form.Encode()))
	if err != nil {
		return "", errors.New("the request cannot be made")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := t.caller.Do(req, enedis.Call{API: Name, Credential: numbered(1)}, "token")
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusOK {
		refusal := detailed(answer)
		refusal.Apart = refusal.Action() == enedis.FixSettings || refusal.Status == http.StatusForbidden
		return "", refusal
	}
	var granted struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}
	if err := answer.Decode(&granted); err != nil {
		return "", err
	}
	if granted.AccessToken == "" {
		if _, err := unwrapV2(answer); err != nil { // it says no with HTTP 200 here as elsewhere
			return "", err
		}
		return "", answer.Unreadable(errors.New("the answer holds no access token"))
	}
	life := cmp.Or(time.Duration(max(0, granted.ExpiresIn))*time.Second, tokenLifetime)
	t.value, t.expires = granted.AccessToken, answer.At.Add(life-tokenMargin)
	return t.value, nil
}
