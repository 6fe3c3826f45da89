package dataconnect

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Profile reads what the contract says of a meter: three calls in 2026, one in v5. In 2026 an API that refuses leaves what
// the others say; the error is the first refusal when none says anything. Trouble with the network, the token or a
// quota ends it at once. In v5 Directions is open, since that API knows of one contract: it says nothing of the other
// direction. A meter that only produces may well be refused there.
func (c *Client) Profile(ctx context.Context, prm meter.PRM) (enedis.Profile, error) {
	return c.dialect.profile(c, ctx, prm)
}

// contract asks a contract API, unless the application is known not to have subscribed it.
func (c *Client) contract(ctx context.Context, r resource, query url.Values, read func(body []byte) error) error {
	if refusal := c.unsubscribed.refusal(r.api(), c.now()); refusal != nil {
		return refusal
	}
	err := c.ask(ctx, r, query, func(a enedis.Answer) (blank bool, err error) {
		if err := read(a.Body); err != nil {
			return false, a.Unreadable(err)
		}
		return false, nil
	})
	refusal, ok := errors.AsType[*enedis.Error](err)
	if ok && refusal.Code == enedis.CodeNotSubscribed && !endsProfile(err) {
		if c.unsubscribed.remember(r.api(), refusal, c.now()) {
			c.log.WarnContext(ctx, "the application has not subscribed this API at Enedis: it is left out for a day",
				"api", r.api())
		}
	}
	return err
}

// endsProfile tells trouble that the other contract APIs would meet as well: that of the source, and a consent that is refused.
func endsProfile(err error) bool {
	if _, ok := errors.AsType[*enedis.TokenError](err); ok {
		return true
	}
	refusal, ok := errors.AsType[*enedis.Error](err)
	return !ok || refusal.Action() == enedis.Quota || refusal.Action() == enedis.RenewConsent ||
		refusal.Status == http.StatusUnauthorized
}

// unsubscribed remembers the APIs that the application has not subscribed.
type unsubscribed struct {
	mu   sync.Mutex
	apis map[string]notSubscribed
}

type notSubscribed struct {
	refusal *enedis.Error
	until   time.Time
}

const unsubscribedFor = 24 * time.Hour

func newUnsubscribed() *unsubscribed { return &unsubscribed{apis: make(map[string]notSubscribed)} }

// refusal is what Enedis said of the API, or nil when it may be asked.
func (u *unsubscribed) refusal(api string, now time.Time) *enedis.Error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if known := u.apis[api]; now.Before(known.until) {
		return known.refusal
	}
	return nil
}

// remember notes the refusal, and tells whether it is news.
func (u *unsubscribed) remember(api string, refusal *enedis.Error, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Before(u.apis[api].until) {
		return false
	}
	u.apis[api] = notSubscribed{refusal: refusal, until: now.Add(unsubscribedFor)}
	return true
}
