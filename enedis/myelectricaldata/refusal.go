package myelectricaldata

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
)

// inEnedisTerms is the Error of an answer that Enedis would have given, so that it is cleaned as any other.
func inEnedisTerms(a enedis.Answer, status int, code, text string) *enedis.Error {
	body, err := json.Marshal(map[string]string{"error": code, "error_description": text})
	if err != nil {
		return a.Unreadable(err)
	}
	a.Status, a.Body = status, body
	return cmp.Or(a.Refusal(), a.Unreadable(errors.New("an error without a name")))
}

// detailed reads {"detail": …}, which both versions send with another status than 200. The detail is a sentence, or an
// error of Enedis's: as an object, as the JSON of one in a string, or as a text that begins with its code. What is no
// such answer comes from elsewhere, and is read as any other.
func detailed(a enedis.Answer) *enedis.Error {
	var body struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(a.Body, &body) != nil || len(body.Detail) == 0 {
		return a.Refusal()
	}
	text, inner := string(body.Detail), a
	if err := json.Unmarshal(body.Detail, &text); err == nil {
		inner.Body = []byte(text)
	} else {
		inner.Body = body.Detail
	}
	if strings.HasPrefix(strings.TrimSpace(string(inner.Body)), "{") && json.Valid(inner.Body) {
		return ofTheGateway(inner.Refusal(), a)
	}
	if a.Status == http.StatusUnprocessableEntity { // the gateway's framework: a parameter is missing or malformed
		return inEnedisTerms(a, a.Status, "invalid_request", text)
	}
	code, description := codeOf(text)
	if (&enedis.Error{Code: code}).Action() == enedis.Retry { // a sentence that has a colon, and the status says more
		code, description = "", text
	}
	return ofTheGateway(inEnedisTerms(a, a.Status, code, description), a)
}

// words are v2's own errors, each with the status that it should have had, and where there is one, Enedis's code that
// means the same.
var words = map[string]struct {
	status int
	code   string
}{
	"ACCESS_DENIED":       {status: http.StatusForbidden}, // not the account's delivery point, or no consent
	"ENEDIS_UNAVAILABLE":  {status: http.StatusServiceUnavailable},
	"RATE_LIMIT_EXCEEDED": {status: http.StatusTooManyRequests},
	"NO_DATA":             {status: http.StatusNotFound, code: "no_data_found"},
	"DATE_TOO_OLD":        {status: http.StatusBadRequest, code: "ADAM-ERR0125"},
	"INVALID_DATE_RANGE":  {status: http.StatusBadRequest, code: "invalid_request"},
	"INVALID_DATE_FORMAT": {status: http.StatusBadRequest, code: "invalid_request"},
}

// enedisError is the word that stands before Enedis's own error.
const enedisError = "ENEDIS_ERROR"

// worded is the Error of one of v2's. A word that is none of its own is a code of Enedis's.
func worded(a enedis.Answer, word, message string) *enedis.Error {
	if word == enedisError {
		return relayed(a, message)
	}
	if own, ok := words[word]; ok {
		return untilMidnight(inEnedisTerms(a, own.status, cmp.Or(own.code, word), message), a)
	}
	return ofTheGateway(inEnedisTerms(a, a.Status, word, message), a)
}

var (
	failedToFetch = regexp.MustCompile(`(?:^|; )Failed to fetch [^:]*: `)
	statusOf      = regexp.MustCompile(`^(?:Client|Server) error '([45][0-9][0-9]) `)
	codeLike      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_ -]{2,39}$`)
)

// relayed reads what Enedis told the gateway: "<code>: <description>", or several of them, each behind "Failed to fetch
// … : ". It is "no data" only when all of them are.
func relayed(a enedis.Answer, message string) *enedis.Error {
	var first *enedis.Error
	for _, text := range failedToFetch.Split(message, -1) {
		if text == "" {
			continue
		}
		refusal := relayedOne(a, text)
		if refusal.Action() != enedis.Wait {
			return refusal
		}
		first = cmp.Or(first, refusal)
	}
	if first == nil {
		return inEnedisTerms(a, http.StatusBadGateway, enedisError, message)
	}
	return first
}

// relayedOne reads one error. Where the gateway found no code in it, it names Enedis's status in the words of its HTTP
// library, with the URL. Of those, the ones that mean the same whoever asks are kept.
func relayedOne(a enedis.Answer, text string) *enedis.Error {
	if found := statusOf.FindStringSubmatch(text); found != nil {
		switch status, _ := strconv.Atoi(found[1]); status {
		case http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
			return inEnedisTerms(a, status, enedisError, text)
		}
		return inEnedisTerms(a, http.StatusBadGateway, enedisError, text)
	}
	code, description := codeOf(text)
	if code == "" {
		return inEnedisTerms(a, http.StatusBadGateway, enedisError, text)
	}
	return ofTheGateway(inEnedisTerms(a, a.Status, code, description), a)
}

// codeOf splits "<code>: <description>"; the code is empty when the text has none.
func codeOf(text string) (code, description string) {
	code, description, found := strings.Cut(text, ": ")
	if !found || !codeLike.MatchString(code) {
		return "", text
	}
	return code, description
}

// applications are the codes with which Enedis refuses an application, not a customer: those of its token and its
// subscriptions.
var applications = regexp.MustCompile(
	`^(9009[0-9][0-9]|invalid_(client|grant|scope)|unauthorized_client|unsupported_grant_type)$`)

// ofTheGateway tells the trouble that the gateway has with Enedis from ours: its token and its subscriptions are nothing
// that our settings could mend, so such a refusal has no code and is a bad gateway's.
func ofTheGateway(refusal *enedis.Error, a enedis.Answer) *enedis.Error {
	if !applications.MatchString(refusal.Code) {
		return refusal
	}
	return inEnedisTerms(a, http.StatusBadGateway, "", refusal.Code+": "+refusal.Detail)
}

// untilMidnight says of the gateway's own quota, which is that of a token, that it lasts until midnight UTC. The time at
// which v1 begins a new day stands in its account status alone, without a zone; midnight UTC is not before any that could
// be meant.
func untilMidnight(refusal *enedis.Error, a enedis.Answer) *enedis.Error {
	enedisOwn := (&enedis.Error{Code: refusal.Code}).Action() == enedis.Quota
	if refusal.Action() != enedis.Quota || enedisOwn {
		return refusal
	}
	refusal.Apart = true
	if refusal.After.IsZero() {
		const day = 24 * time.Hour
		refusal.After = a.At.UTC().Truncate(day).Add(day)
	}
	return refusal
}
