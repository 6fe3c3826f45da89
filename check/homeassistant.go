package check

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
)

// HomeAssistant is where the statistics are kept.
type HomeAssistant struct {
	Endpoint *url.URL // of its WebSocket API; nil: no statistics
	Token    string
}

// homeAssistantWithin bounds the trial, for who waits before a screen.
const homeAssistantWithin = 15 * time.Second

// homeAssistant signs in, asks what the token allows, and whether the Energy dashboard uses our statistics. It writes
// nothing; a bridge that runs does not mind.
func (c *checker) homeAssistant(ctx context.Context) {
	if c.HomeAssistant.Endpoint == nil {
		c.add(Result{Name: nameHomeAssistant, Status: Skipped, Message: c.say(homeAssistantOff)})
		return
	}
	ctx, cancel := context.WithTimeout(ctx, homeAssistantWithin)
	defer cancel()
	one := Result{Name: nameHomeAssistant, Subject: c.HomeAssistant.Endpoint.Host, Status: OK}
	client, err := homeassistant.Dial(ctx, c.HomeAssistant.Endpoint, c.HomeAssistant.Token, nil)
	if err != nil {
		one.Status, one.Message, one.Remedy = Failed, c.say(homeAssistantRefused, err), c.remedyOf(err)
		c.add(one)
		return
	}
	defer func() { _ = client.Close() }() // all was said
	c.add(c.rights(ctx, client, one))
	c.add(c.energy(ctx, client))
}

// rights says whether the token may write statistics, and whether they can be written now.
func (c *checker) rights(ctx context.Context, client *homeassistant.Client, one Result) Result {
	admin, err := client.Admin(ctx)
	if err == nil && !admin {
		err = homeassistant.ErrAdmin
	}
	if err == nil {
		var recorder homeassistant.Recorder
		if recorder, err = client.Recorder(ctx); err == nil {
			err = recorder.Ready()
		}
	}
	switch {
	case err == nil:
		one.Message = c.say(homeAssistantAnswers, client.Version())
	case errors.Is(err, homeassistant.ErrNotReady):
		one.Status, one.Message = Warning, c.say(homeAssistantNotReady, client.Version(), err)
		one.Remedy = c.say(homeAssistantWaitRemedy)
	default:
		one.Status, one.Message, one.Remedy = Failed, c.say(homeAssistantRefused, err), c.remedyOf(err)
	}
	return one
}

// energy says which of our statistics the Energy dashboard uses.
func (c *checker) energy(ctx context.Context, client *homeassistant.Client) Result {
	one := Result{Name: nameEnergy, Status: OK}
	ids, err := client.InEnergy(ctx)
	switch {
	case err != nil:
		one.Status, one.Message = Skipped, c.say(energyUnknown, err)
	case len(ids) == 0:
		one.Status, one.Message, one.Remedy = Warning, c.say(energyUnused), c.say(energyRemedy)
	default:
		names := make([]string, len(ids))
		for i, id := range ids {
			names[i] = id.Short()
		}
		one.Message = c.say(energyUses, strings.Join(names, ", "))
	}
	return one
}

// remedyOf is homeAssistantRemedy in words.
func (c *checker) remedyOf(err error) string {
	return c.say(homeAssistantRemedy(c.HomeAssistant.Endpoint, err))
}

// homeAssistantRemedy is what to do about a Home Assistant that does not let us in.
func homeAssistantRemedy(endpoint *url.URL, err error) phrase {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[*net.DNSError](err)
	_, network := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, homeassistant.ErrNotReady):
		return homeAssistantWaitRemedy
	case endpoint.Hostname() == "supervisor": // an add-on's user has set neither address nor token
		return homeAssistantAddOnRemedy
	case errors.Is(err, homeassistant.ErrToken):
		return homeAssistantTokenRemedy
	case errors.Is(err, homeassistant.ErrAdmin):
		return homeAssistantAdminRemedy
	case untrusted:
		return homeAssistantCertificateRemedy
	case unknown:
		return homeAssistantHostRemedy
	case network, errors.Is(err, context.DeadlineExceeded):
		return homeAssistantAwayRemedy
	case endpoint.Path != "/api/websocket":
		return homeAssistantPathRemedy
	}
	return homeAssistantOtherRemedy
}
