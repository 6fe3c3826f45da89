package consoapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

const banRest = time.Hour

// refusalOf is the Error of an answer that says no; nil for one that may hold data. The gateway refuses with
// {"status","message"}, and hands Enedis's refusals on with a third field, "error": Enedis's body, or a string where that is
// no JSON. Of those Enedis's own code decides.
func refusalOf(a enedis.Answer) *enedis.Error {
	if a.Status == http.StatusOK {
		return a.Refusal()
	}
	inner, ok := enclosed(a.Body)
	if !ok {
		return ofGateway(a)
	}
	theirs := a
	theirs.Body = inner
	refusal := theirs.Refusal()
	switch {
	case a.Status == http.StatusBadRequest && refusal.Code == enedis.CodeUnreadable && bytes.HasPrefix(inner, []byte("{")):
		return ofGateway(a) // what the gateway's validator has against our parameters
	case a.Status == http.StatusUnauthorized: // Enedis knows the gateway's token alone: nobody here can mend it
		return a.Unreadable(fmt.Errorf("the gateway is refused by Enedis: %s", cmp.Or(refusal.Detail, refusal.Code)))
	}
	return refusal
}

// ofToken tells whether the gateway refuses the token, or the meter with it.
func ofToken(refusal *enedis.Error) bool {
	return refusal.Status == http.StatusUnauthorized && refusal.Code != enedis.CodeUnreadable
}

// enclosed is Enedis's body within the gateway's.
func enclosed(body []byte) (inner []byte, ok bool) {
	var w struct {
		Message string          `json:"message"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &w) != nil || w.Message == "" || w.Error == nil {
		return nil, false
	}
	if !bytes.HasPrefix(w.Error, []byte(`"`)) {
		return w.Error, true
	}
	var text string
	if err := json.Unmarshal(w.Error, &text); err != nil {
		return nil, false
	}
	return []byte(text), true
}

// ofGateway is a refusal of the gateway itself, by its status.
func ofGateway(a enedis.Answer) *enedis.Error {
	refusal := a.Refusal()
	switch a.Status {
	case http.StatusForbidden:
		refusal.Status, refusal.Code = http.StatusTooManyRequests, enedis.CodeBanned
		refusal.Detail = "HTTP 403 from Conso API itself: it bans an address for good at 100 requests in 12 hours"
		if rest := a.At.Add(banRest); refusal.After.Before(rest) {
			refusal.After = rest
		}
	case http.StatusNotFound: // not "no data", which Enedis says: there is no such address
		return a.Unreadable(errors.New("no such address at the gateway: does the base URL end in /api?"))
	}
	return refusal
}
