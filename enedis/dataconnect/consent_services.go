package dataconnect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// The states of a service. One that is requested, "demandé", is not active yet.
const (
	stateActive  = "ACTIF"
	stateEnded   = "TERMINE"
	stateDeleted = "SUPPRIME"
)

// codeNoService is how the API of 2026 refuses when there is no service.
const codeNoService = "Bad request"

// The answer of subscribed_services; a consent has a row for each measure and direction.
type (
	subscribed struct {
		Total    *int      `json:"nbTotalServices"`
		Services []service `json:"serviceSouscrit"` // null just after a consent
	}
	service struct {
		PRM         string `json:"pointId"`
		State       string `json:"etatCode"`
		Consumption bool   `json:"soutirage"`
		Production  bool   `json:"injection"`
		End         string `json:"dateFin"`
		Consent     struct {
			ID json.Number `json:"autorisationId"`
		} `json:"autorisation"`
	}
)

// services asks which meters an authorisation opens. Those of the grants whose end no row tells have no Until.
//
// A refusal for want of anything is taken for ErrNotReady as well: who comes from the consent page has consented a
// moment ago.
func (c *Client) services(ctx context.Context, authorisation int64) ([]enedis.Grant, error) {
	body, err := json.Marshal(map[string]any{
		"autorisationId": authorisation, "autorisation": true, "comptage": false, "serviceType": "ACCES",
	})
	if err != nil {
		return nil, err
	}
	var answer subscribed
	var grants []enedis.Grant
	r := resource{path: "subscribed_services/v1/", op: "subscribed_services", body: body}
	err = c.ask(ctx, r, nil, func(a enedis.Answer) (blank bool, err error) {
		answer = subscribed{}
		if err := json.Unmarshal(a.Body, &answer); err != nil {
			return false, a.Unreadable(err)
		}
		if grants, err = answer.grants(authorisation); err != nil {
			return false, a.Unreadable(err)
		}
		return answer.Total == nil && answer.Services == nil, nil
	})
	switch {
	case err != nil:
		return nil, notReady(err)
	case len(grants) > 0:
		return grants, nil
	case answer.over():
		return nil, &enedis.ConsentError{Code: "the services of this consent have ended"}
	}
	return nil, enedis.ErrNotReady
}

// notReady makes ErrNotReady of a refusal that says no more than that there is nothing.
func notReady(err error) error {
	if _, ok := errors.AsType[*enedis.TokenError](err); ok {
		return err
	}
	refusal, ok := errors.AsType[*enedis.Error](err)
	if ok && (refusal.Action() == enedis.Wait || strings.EqualFold(refusal.Code, codeNoService)) {
		return enedis.ErrNotReady
	}
	return err
}

// grants has each meter with an active service once, in the order of the rows. It refuses an answer about another
// authorisation, and an active service of what is no PRM.
func (s subscribed) grants(authorisation int64) ([]enedis.Grant, error) {
	var grants []enedis.Grant
	for _, row := range s.Services {
		if id := row.Consent.ID; id != "" && string(id) != strconv.FormatInt(authorisation, 10) {
			return nil, errors.New("the answer is about another authorisation")
		}
		if !strings.EqualFold(row.State, stateActive) {
			continue
		}
		prm, err := meter.ParsePRM(row.PRM)
		if err != nil {
			return nil, fmt.Errorf("pointId: %w", err)
		}
		i := slices.IndexFunc(grants, func(g enedis.Grant) bool { return g.PRM == prm })
		if i < 0 {
			i = len(grants)
			grants = append(grants, enedis.Grant{PRM: prm})
		}
		grants[i] = row.extend(grants[i])
	}
	return grants, nil
}

// extend adds what one more row says of a meter.
func (s service) extend(g enedis.Grant) enedis.Grant {
	g.Until = max(g.Until, parseEnd(s.End))
	if s.Consumption || s.Production {
		said := map[meter.Direction]bool{meter.Consumption: s.Consumption, meter.Production: s.Production}
		g.Directions = slices.DeleteFunc(meter.Directions(), func(d meter.Direction) bool {
			return !said[d] && !slices.Contains(g.Directions, d)
		})
	}
	return g
}

// over tells whether there are services, and none of them is to come.
func (s subscribed) over() bool {
	for _, row := range s.Services {
		if !strings.EqualFold(row.State, stateEnded) && !strings.EqualFold(row.State, stateDeleted) {
			return false
		}
	}
	return len(s.Services) > 0
}

// parseEnd reads dateFin, the last day of a service. It is a date in public samples; should it come with a time, the day
// is that of the instant in Paris, since the contract APIs of 2026 write a date as its midnight there.
func parseEnd(s string) meter.Day {
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, meter.Paris()); err == nil {
			return meter.DayOf(t)
		}
	}
	return 0
}
