package enedis

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is a refusal: Enedis answered, and the answer was no. A network failure is not an Error.
type Error struct {
	Op     string    // resource, as in "consommation_quotidienne"
	Status int       // HTTP status
	Code   string    // Enedis's own code, as in "ADAM-ERR0123", or CodeUnreadable; empty when the answer has none
	Detail string    // error_description, cleaned: for people, never for branching
	After  time.Time // when the source itself says when to come back (Retry-After); else zero
	// Apart tells that the refusal is about the request's own meter or token, though its status looks like the whole source's:
	// requests for other meters may well succeed.
	Apart bool
}

// Error is one line for a log: it holds no PRM, since Answer cleans Code and Detail of runs of 14 digits.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s: HTTP %d", e.Op, e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Action is what a refusal asks of the bridge.
type Action int

// The actions.
const (
	Retry        Action = iota // trouble at the source: again with back-off
	Wait                       // no data in the range: not an alarm, ask again later
	NarrowStart                // the range begins too early: before the activation, the consent or the source's history
	NarrowSpan                 // the range is too long
	RenewConsent               // the customer must consent again, or never did
	FixSettings                // the application's owner must act: credentials, subscription, a malformed request
	Never                      // wrong direction: this will not succeed for 30 days
	NotCollected               // the customer has curve recording switched off
	Quota                      // too many calls
)

// CodeUnreadable is our own code for an answer that says something else than it should: a page of HTML, JSON that is cut
// off or of another type, another meter's data, another unit, more than 8 MiB.
const CodeUnreadable = "unreadable"

// CodeNotSubscribed is the code of an API that the application has not subscribed.
const CodeNotSubscribed = "900908"

// Our own codes of what gateways do, or would do.
const (
	CodeOtherMeter   = "prm_not_in_token" // a meter that no token opens; no call was made
	CodeTokenExpired = "token_expired"    // the token's time has passed, and with it the consent; no call was made
	CodeBanned       = "banned"           // the gateway bans our address
)

// actions is the program's one table from Enedis's codes to decisions. Sources: the error table of Enedis's catalogue,
// what implementations have met, and the error codes of WSO2 API Manager, which is Enedis's gateway. Sources spell some
// codes with underscores and in other cases, so keys are in lower case with hyphens, see codeKey.
var actions = map[string]Action{
	"adam-err0123":           NarrowStart, // before the last commissioning
	"adam-err0125":           NarrowStart, // before the history limit
	"adam-dc-0016":           NarrowStart,
	"adam-dc-0009":           NarrowStart, // before the consent's start
	"adam-err0126":           NarrowSpan,
	"adam-dc-0015":           NarrowSpan,
	"adam-err0069":           Never,
	"adam-err0075":           NotCollected,
	"adam-err0061":           RenewConsent, // the seeker is not the holder
	"adam-dc-0007":           RenewConsent, // documented with 403, met with 400
	"adam-dc-0008":           RenewConsent, // revoked or expired
	"bad-request":            RenewConsent, // 2026: no subscribed service for this point
	"stm-err-0000019":        RenewConsent, // no site tied to the customer
	"unauthorized-user":      RenewConsent,
	"900900":                 Retry, // WSO2: key validation is out of reach
	"900901":                 FixSettings,
	"900907":                 FixSettings, // WSO2: blocked for this application
	"900908":                 FixSettings, // API not subscribed
	"900909":                 FixSettings, // WSO2: subscription inactive
	"900910":                 FixSettings, // WSO2: not within the token's scope
	"invalid-client":         FixSettings,
	"invalid-grant":          FixSettings,
	"invalid-scope":          FixSettings,
	"unauthorized-client":    FixSettings,
	"unsupported-grant-type": FixSettings,
	"invalid-request":        FixSettings,
	"invalid-resquest":       FixSettings, // sic
	"adam-err0002":           FixSettings, // end not after start
	"prm-not-in-token":       FixSettings,
	"token-expired":          RenewConsent,
	"banned":                 Quota,
	"no-data-found":          Wait,
	"stm-err-0000020":        Wait,
	"stm-err-0000014":        Wait,
	"quota-q3-reached":       Quota, // per second
	"quota-q4-reached":       Quota, // per hour
	"adam-dc-0500":           Retry,
	"stm-err-0000001":        Retry,
	"technical-error":        Retry,
	CodeUnreadable:           Retry,
}

// codeKey is how actions spells a code.
func codeKey(code string) string {
	return strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(strings.TrimSpace(code)))
}

// Action decides by the code, and where there is none that is known, by the status.
func (e *Error) Action() Action {
	if a, ok := actions[codeKey(e.Code)]; ok {
		return a
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType:
		return FixSettings
	case http.StatusForbidden:
		return RenewConsent
	case http.StatusNotFound:
		return Wait
	case http.StatusTooManyRequests:
		return Quota
	}
	return Retry
}

// ErrNotReady tells that Enedis does not know the services of a fresh consent yet.
var ErrNotReady = errors.New("the services of this consent are not known yet")

// ConsentError is a customer's way to the consent page that ended without a consent.
type ConsentError struct {
	Refused bool   // by the customer; else the page failed, or what came back cannot be read
	Code    string // error and error_description as they came, cleaned; for people
}

func (e *ConsentError) Error() string {
	if e.Refused {
		return "the customer refused: " + e.Code
	}
	return "the consent was not given: " + e.Code
}

// MayBeEarly tells of a code whether Enedis may answer it for a consent of the last hours, which it does not let through yet.
func MayBeEarly(code string) bool {
	switch codeKey(code) {
	case "bad-request", "adam-dc-0007":
		return true
	}
	return false
}

// ErrBudget is the gate's refusal: our own budget is spent.
var ErrBudget = errors.New("our own budget of calls is spent")

// BudgetError is an ErrBudget that says when the budget has room again.
type BudgetError struct {
	API   string
	Scope Scope // of the budget that is spent
	Until time.Time
}

func (e *BudgetError) Error() string { return e.API + ": " + ErrBudget.Error() }

// Is makes errors.Is(err, ErrBudget) hold.
func (e *BudgetError) Is(target error) bool { return target == ErrBudget }

// Apart tells that the budget is that of one token or one meter: others may be asked for all the same.
func (e *BudgetError) Apart() bool { return e.Scope == ScopeCredential || e.Scope == ScopeMeter }

// ClockError is an answer whose Date differs from our clock by more than ten minutes; the answer is not used.
type ClockError struct {
	Ours, Theirs time.Time
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("our clock says %s and the source's %s",
		e.Ours.UTC().Format(time.RFC3339), e.Theirs.UTC().Format(time.RFC3339))
}

// TokenError is a failure to get an access token. Its cause is an Error when the token endpoint refused.
type TokenError struct {
	Err error
}

func (e *TokenError) Error() string { return "access token: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *TokenError) Unwrap() error { return e.Err }

// ActionOf tells what an error asks of the bridge: that of an Error; Quota for our own budget; FixSettings for a clock that
// is wrong; Retry for the rest, which is the network's or an answer that could not be read. A TokenError is never about
// one meter: what is neither Retry nor Quota is FixSettings.
func ActionOf(err error) Action {
	action := actionOf(err)
	if _, ok := errors.AsType[*TokenError](err); ok && action != Retry && action != Quota {
		return FixSettings
	}
	return action
}

// Apart tells whether an error is one token's or one meter's alone: it says nothing of the source.
func Apart(err error) bool {
	if spent, ok := errors.AsType[*BudgetError](err); ok {
		return spent.Apart()
	}
	refusal, ok := errors.AsType[*Error](err)
	return ok && refusal.Apart
}

// WholeSource tells whether an error is the whole source's, so that other requests would meet it as well: the network, the
// clock, the token, a quota.
func WholeSource(err error) bool {
	if err == nil || Apart(err) {
		return false
	}
	if _, ok := errors.AsType[*TokenError](err); ok {
		return true
	}
	refusal, ok := errors.AsType[*Error](err)
	return !ok || refusal.Status == http.StatusUnauthorized || refusal.Action() == Quota
}

func actionOf(err error) Action {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Action()
	}
	if _, ok := errors.AsType[*ClockError](err); ok {
		return FixSettings
	}
	if errors.Is(err, ErrBudget) {
		return Quota
	}
	return Retry
}
