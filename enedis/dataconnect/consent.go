package dataconnect

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Enedis's consent pages. There is none for the sandbox.
const (
	AuthorizeURL2026 = "https://mon-compte-particulier.enedis.fr/dataconnect/v2/oauth2/authorize"
	AuthorizeURLV5   = "https://mon-compte-particulier.enedis.fr/dataconnect/v1/oauth2/authorize"
)

// parseAuthorizeURL checks the address of a consent page, which may have a query of its own.
func parseAuthorizeURL(text string) (*url.URL, error) {
	page, err := url.Parse(text)
	if err != nil || (page.Scheme != "https" && page.Scheme != "http") || page.Host == "" || page.Fragment != "" {
		return nil, errors.New("authorize URL: want http(s)://host/path, perhaps with a query")
	}
	if _, err := url.ParseQuery(page.RawQuery); err != nil {
		return nil, errors.New("authorize URL: its query cannot be read")
	}
	return page, nil
}

// ConsentURL is the page on which a customer consents. It sends the browser back to the address that the application has
// registered at Enedis, along with the state. Enedis takes one of 100 characters at most.
func (c *Client) ConsentURL(state string) string {
	page := *c.authorize
	query := page.Query()
	query.Set("client_id", c.clientID)
	query.Set("response_type", "code")
	query.Set("duration", c.duration.String())
	query.Set("state", state)
	page.RawQuery = query.Encode()
	return page.String()
}

// Grants reads the parameters with which the consent page sent the browser back. The page of v5 names the meters; that of
// 2026 gives the number of an authorisation, for which the services are asked in one call but for the token. People mix
// the pages, so either version takes both, its own first. The state is the caller's to check.
//
// The error is an *enedis.ConsentError when there is no consent, and then nothing is granted; enedis.ErrNotReady while
// Enedis does not know the services; an *enedis.Error for another refusal; or else the gate's, the token's, the network's.
func (c *Client) Grants(ctx context.Context, back url.Values) ([]enedis.Grant, error) {
	if values := named(back, "error"); len(values) > 0 {
		return nil, consentError(values[0], named(back, "error_description"))
	}
	prms, authorisations := named(back, "usage_point_id"), named(back, "autorisation_id")
	if len(prms) > 0 && (c.version == V5 || len(authorisations) == 0) {
		return c.grantsOfPRMs(prms)
	}
	if len(authorisations) > 0 {
		return c.grantsOfAuthorisation(ctx, authorisations)
	}
	return nil, &enedis.ConsentError{Code: "the consent page sent neither usage_point_id nor autorisation_id back"}
}

// named are the values of a parameter that are not blank, whatever the case of its name: State was met beside state.
func named(back url.Values, name string) []string {
	var values []string
	for _, key := range slices.Sorted(maps.Keys(back)) {
		if !strings.EqualFold(key, name) {
			continue
		}
		for _, value := range back[key] {
			if value = strings.TrimSpace(value); value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

// consentError is what the page says. On an error its parameter code has an HTTP status, which says nothing more.
func consentError(code string, descriptions []string) *enedis.ConsentError {
	return &enedis.ConsentError{
		Refused: strings.EqualFold(code, "access_denied"),
		Code:    cmp.Or(enedis.Clean(strings.Join(append([]string{code}, descriptions...), ": ")), "an error without a name"),
	}
}

// grantsOfPRMs reads usage_point_id: one PRM, or several between semicolons; gateways expect commas as well.
func (c *Client) grantsOfPRMs(values []string) ([]enedis.Grant, error) {
	var grants []enedis.Grant
	until := c.duration.LastDay(meter.DayOf(c.now()))
	for _, value := range values {
		for text := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ';' || r == ',' }) {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			prm, err := meter.ParsePRM(text)
			if err != nil {
				return nil, &enedis.ConsentError{Code: "usage_point_id holds something else than PRMs of 14 digits"}
			}
			if !slices.ContainsFunc(grants, func(g enedis.Grant) bool { return g.PRM == prm }) {
				grants = append(grants, enedis.Grant{PRM: prm, Until: until})
			}
		}
	}
	if len(grants) == 0 {
		return nil, &enedis.ConsentError{Code: "usage_point_id holds no PRM"}
	}
	return grants, nil
}

// grantsOfAuthorisation reads autorisation_id, a number above 0, and asks for its services.
func (c *Client) grantsOfAuthorisation(ctx context.Context, values []string) ([]enedis.Grant, error) {
	id, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil || id == 0 || len(slices.Compact(values)) > 1 {
		return nil, &enedis.ConsentError{Code: "autorisation_id is not one number"}
	}
	grants, err := c.services(ctx, int64(id))
	for i := range grants {
		grants[i].Until = cmp.Or(grants[i].Until, c.duration.LastDay(meter.DayOf(c.now())))
	}
	return grants, err
}
