package check

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"
)

// healthTimeout is how long the running bridge may take for its word.
const healthTimeout = 5 * time.Second

// page looks whether the page can listen, or whether the bridge that runs answers there.
func (c *checker) page(ctx context.Context, running bool) {
	one := Result{Name: namePage, Subject: c.HTTPAddr, Status: OK}
	switch {
	case c.HTTPAddr == "":
		one.Status, one.Message = Skipped, c.say(pageOff)
	case running:
		if version, err := c.health(ctx); err != nil {
			one.Status, one.Message, one.Remedy = Failed, c.say(pageSilent, err), c.say(pageSilentRemedy)
		} else {
			one.Message = c.say(pageAnswers, version)
		}
	default:
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.HTTPAddr)
		if err != nil {
			one.Status, one.Message, one.Remedy = Failed, c.say(pageTaken, err), c.say(pageTakenRemedy)
		} else {
			_ = listener.Close() // nobody has come yet
			one.Message = c.say(pageFree)
		}
	}
	c.add(one)
}

// health asks the running bridge for its version, which it also tells while it cannot do its work.
func (c *checker) health(ctx context.Context) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.HealthURL, nil)
	if err != nil {
		return "", err
	}
	req.Close = true // there is no second one
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	var body struct{ Status, Version string }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Status == "" {
		return "", errors.New("HTTP " + resp.Status)
	}
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(body.Status)
	}
	return body.Version, nil
}
