package enedis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	callTimeout   = 30 * time.Second // for one request, from the connection to the end of the body
	maxAnswer     = 8 << 20          // bytes of one body
	maxClockShift = 10 * time.Minute
)

// Caller makes the HTTP requests to a source: there is no other place where one leaves. It asks the gate before each of
// them, gives up after 30 s, reads at most 8 MiB, follows no redirect, and uses no answer whose Date is more than ten
// minutes off our clock. It is safe for concurrent use.
type Caller struct {
	client    http.Client
	gate      Gate
	userAgent string
	now       func() time.Time
	secrets   []string // that no refusal may quote
}

// NewCaller gives a caller that sends through the client's transport; a nil client is Go's default one.
//
// Each request gets a connection of its own: when a kept connection breaks, net/http repeats a GET by itself, which may
// have reached the source, and which the gate has not counted (measured on Go 1.26). A round makes so few calls that
// kept connections would save little.
func NewCaller(client *http.Client, gate Gate, userAgent string, now func() time.Time) *Caller {
	c := &Caller{gate: gate, userAgent: userAgent, now: now}
	if client != nil {
		c.client = *client
	}
	if c.client.Transport == nil {
		c.client.Transport = http.DefaultTransport
	}
	if transport, ok := c.client.Transport.(*http.Transport); ok {
		transport = transport.Clone()
		transport.DisableKeepAlives = true
		c.client.Transport = transport
	}
	c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Hide has a source's secrets taken out of its refusals, which end up in logs and on the page.
func (c *Caller) Hide(secrets ...string) {
	for _, s := range secrets {
		if len(s) >= shortestSecret {
			c.secrets = append(c.secrets, s, url.QueryEscape(s))
		}
	}
}

// shortestSecret is from which length on a secret is hidden: a shorter one would tear holes into other words.
const shortestSecret = 6

// Do sends a request, within its context, and reads the answer to its end, whatever its status is. The
// gate counts it as call; op is the name of the resource in errors. The error is that of the gate, a *ClockError, an *Error for
// an answer above 8 MiB, or else the network's; its text has no URL, since Enedis puts the PRM there.
func (c *Caller) Do(req *http.Request, call Call, op string) (Answer, error) {
	if err := c.gate(req.Context(), call); err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(req.Context(), callTimeout) // the wait at the gate does not count
	defer cancel()
	req = req.Clone(ctx)
	if c.userAgent != "" {
		req.Header.Set("User-Agent", c.userAgent)
	}

	resp, err := c.client.Do(req)
	if err != nil {
		return Answer{}, networkError(req.URL.Host, err)
	}
	defer resp.Body.Close()
	answer := Answer{Op: op, Status: resp.StatusCode, Header: resp.Header, At: c.now()}
	if err := checkClock(answer); err != nil {
		return Answer{}, err
	}
	answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, networkError(req.URL.Host, err)
	}
	if answer.Status != http.StatusOK {
		for _, s := range c.secrets {
			answer.Body = bytes.ReplaceAll(answer.Body, []byte(s), []byte("…"))
		}
	}
	if len(answer.Body) > maxAnswer {
		return Answer{}, answer.Unreadable(errors.New("the answer is larger than 8 MiB"))
	}
	return answer, nil
}

// checkClock compares the answer's Date with our clock; an answer without one passes.
func checkClock(a Answer) error {
	theirs, err := http.ParseTime(a.Header.Get("Date"))
	if err == nil && a.At.Sub(theirs).Abs() > maxClockShift {
		return &ClockError{Ours: a.At, Theirs: theirs}
	}
	return nil
}

// networkError names the host instead of the URL. The rest of the text may quote what a server sent, so a text that holds
// a PRM is cleaned, at the price of the chain of errors.
func networkError(host string, err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if text := err.Error(); longDigits.MatchString(text) {
		err = errors.New(Clean(text))
	}
	return fmt.Errorf("%s: %w", host, err)
}
