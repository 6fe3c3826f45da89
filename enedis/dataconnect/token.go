package dataconnect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

const (
	tokenAPI      = "oauth2"    // as the gate counts it
	tokenMargin   = time.Minute // a token is not used this close to its end
	tokenLifetime = time.Hour   // of a token that does not say; Enedis's live 3 h 30 min
	tokenPath     = "oauth2/v3/token"
)

// token is an access token of the application.
type token struct {
	serial   int // grows with each fetch: Enedis may give the same value again
	value    string
	obtained time.Time
	expires  time.Time
}

// tokens keeps the one token. The sources of golang.org/x/oauth2 keep one as well, but cannot be told that it is
// refused, hence this cache of our own. Who needs a token while one is fetched waits for that one.
type tokens struct {
	config clientcredentials.Config
	caller *enedis.Caller
	now    func() time.Time

	mu      sync.Mutex
	serial  int
	current token
	flight  *flight // the fetch under way, or nil
}

// flight is one fetch; its fields may be read once done is closed.
type flight struct {
	done      chan struct{}
	token     token
	err       error
	abandoned bool // its caller went away: the failure says nothing to the others
}

func newTokens(caller *enedis.Caller, base *url.URL, id, secret string, now func() time.Time) *tokens {
	return &tokens{
		config: clientcredentials.Config{
			ClientID:     id,
			ClientSecret: secret,
			TokenURL:     base.JoinPath(tokenPath).String(),
			AuthStyle:    oauth2.AuthStyleInHeader, // the zero value repeats each refused call with another style
		},
		caller: caller,
		now:    now,
	}
}

// get gives the token that is kept, or a new one. Its errors are *enedis.TokenError.
func (t *tokens) get(ctx context.Context) (token, error) { return t.after(ctx, 0) }

// renew gives a token newer than the one that was refused, which nobody gets again.
func (t *tokens) renew(ctx context.Context, refused token) (token, error) {
	t.mu.Lock()
	if t.current.serial == refused.serial {
		t.current = token{}
	}
	t.mu.Unlock()
	return t.after(ctx, refused.serial)
}

// after gives a token with a serial above the given one.
func (t *tokens) after(ctx context.Context, serial int) (token, error) {
	for {
		tok, f, mine := t.join(serial)
		switch {
		case f == nil:
			return tok, nil
		case mine:
			t.fly(ctx, f)
			return f.token, f.err
		}
		select {
		case <-f.done:
			if !f.abandoned {
				return f.token, f.err
			}
		case <-ctx.Done():
			return token{}, &enedis.TokenError{Err: ctx.Err()}
		}
	}
}

// join gives the kept token, or a flight to wait for, or one that is the caller's to fly.
func (t *tokens) join(serial int) (tok token, f *flight, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.current.serial > serial && t.now().Before(t.current.expires):
		return t.current, nil, false
	case t.flight != nil:
		return token{}, t.flight, false
	}
	t.flight = &flight{done: make(chan struct{})}
	return token{}, t.flight, true
}

func (t *tokens) fly(ctx context.Context, f *flight) {
	f.token, f.err = t.fetch(ctx)
	f.abandoned = f.err != nil && ctx.Err() != nil
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.err == nil {
		t.serial++
		f.token.serial = t.serial
		t.current = f.token
	}
	t.flight = nil
	close(f.done)
}

// fetch asks Enedis for a token.
func (t *tokens) fetch(ctx context.Context) (token, error) {
	transport := &tokenTransport{caller: t.caller}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport})
	got, err := t.config.Token(ctx)
	if err != nil {
		return token{}, &enedis.TokenError{Err: transport.cause(err)}
	}
	return token{
		value:    got.AccessToken,
		obtained: transport.answer.At,
		expires:  transport.answer.At.Add(lifetime(got.Extra("expires_in")) - tokenMargin),
	}, nil
}

// lifetime reads expires_in, in seconds: a number in reality, a string in the specification.
func lifetime(expiresIn any) time.Duration {
	seconds, err := strconv.ParseFloat(fmt.Sprint(expiresIn), 64)
	if err != nil || seconds <= 0 || seconds > 1e9 {
		return tokenLifetime
	}
	return time.Duration(seconds) * time.Second
}

// tokenTransport sends the token request of golang.org/x/oauth2 through the caller, and remembers the answer, of which
// the library's errors keep too little.
type tokenTransport struct {
	caller   *enedis.Caller
	answer   enedis.Answer
	answered bool
}

// RoundTrip leaves out the answer's header: with a Content-Type of text/plain, which Enedis is known to send, the library
// would read JSON as a form, and without a Location it follows no redirect.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := t.caller.Do(req, enedis.Call{API: tokenAPI}, "token")
	if err != nil {
		return nil, err
	}
	t.answer, t.answered = answer, true
	return &http.Response{
		StatusCode: answer.Status,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader(answer.Body)),
		Request:    req,
	}, nil
}

// cause says why there is no token: the refusal of an endpoint that answered, else what kept it from answering.
func (t *tokenTransport) cause(err error) error {
	if !t.answered {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			return wrapped.Err
		}
		return err
	}
	if refusal := t.answer.Refusal(); refusal != nil {
		return refusal
	}
	return t.answer.Unreadable(errors.New("the answer holds no access token"))
}
