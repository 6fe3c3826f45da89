package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// healthcheckCommand is for Docker's HEALTHCHECK and for people.
type healthcheckCommand struct{}

// stale is the age at which a heartbeat, which comes every five minutes, tells of a dead bridge.
const stale = 5*time.Minute + 30*time.Second

// Run asks the running instance's /healthz, or reads its heartbeat in the store when there is no page.
func (healthcheckCommand) Run(ctx context.Context, p *program) error {
	env := rawEnvironment()
	setDefaults(&env) // the rest may be wrong or missing: it is asked for where it is used
	if env.HTTPAddr == "" {
		beat, err := store.Heartbeat(ctx, env.DataDir)
		if err != nil {
			return err
		}
		if age := p.now().Sub(beat); age > stale {
			return fmt.Errorf("the last heartbeat is %s old", age.Round(time.Second))
		}
		return nil
	}
	address, err := healthURL(env.HTTPAddr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Close = true // there is no second one
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // only the status counts
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the bridge cannot do its work: %s", response.Status)
	}
	return nil
}

// healthURL is where the page that listens on an address tells of its health, seen from this machine.
func healthURL(addr string) (string, error) {
	page, err := pageURL(addr)
	return page + "/healthz", err
}

// pageURL is where a browser on this machine reaches the page that listens on an address, without a slash at its end.
func pageURL(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}
