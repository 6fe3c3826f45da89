package enedis

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Answer is what a source sent back, read to its end.
type Answer struct {
	Op     string // the resource that was asked for, as in Error
	Status int
	Header http.Header
	Body   []byte
	At     time.Time // when it came, by our clock
}

// Refusal is the Error of an answer that says no: any status but 200, and a 200 whose body is an error all the same. It
// is nil for an answer that may hold data. An error that cannot be read is CodeUnreadable (a page of HTML with a 404
// comes from a security device, not from the API), but a 401 and a 429 keep their meaning.
func (a Answer) Refusal() *Error {
	code, detail, readable := readRefusal(a.Body)
	switch {
	case readable && (a.Status != http.StatusOK || code != ""):
		return a.refusal(code, detail)
	case readable: // a 200 with a description of trouble, and nothing to tell which
		return a.refusal(CodeUnreadable, detail)
	case a.Status == http.StatusOK:
		return nil
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusTooManyRequests:
		return a.refusal("", string(a.Body))
	}
	return a.Unreadable(errors.New("not an error of the API: " + string(a.Body)))
}

// Unreadable is the Error of an answer that says something else than it should. The cause is for people.
func (a Answer) Unreadable(cause error) *Error {
	return a.refusal(CodeUnreadable, cause.Error())
}

// Decode reads the JSON of an answer that is no refusal into v. Its error is an *Error.
func (a Answer) Decode(v any) error {
	if refusal := a.Refusal(); refusal != nil {
		return refusal
	}
	if err := json.Unmarshal(a.Body, v); err != nil {
		return a.Unreadable(err)
	}
	return nil
}

func (a Answer) refusal(code, detail string) *Error {
	return &Error{Op: a.Op, Status: a.Status, Code: Clean(code), Detail: Clean(detail), After: a.retryAfter()}
}

// retryAfter is the time that Retry-After names, in seconds or as a date; else zero.
func (a Answer) retryAfter() time.Time {
	value := a.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds > 0 {
		return a.At.Add(time.Duration(seconds) * time.Second)
	}
	if date, err := http.ParseTime(value); err == nil && date.After(a.At) {
		return date
	}
	return time.Time{}
}

// wireError has the shapes in which Enedis refuses: the API's {"error","error_description"}, the {"code","message"} of
// the 2026 Swagger, and those of the WSO2 gateway, {"fault":{"code","message","description"}} and the same without fault.
type wireError struct {
	Fault            *wireError `json:"fault"`
	Error            scalar     `json:"error"`
	Code             scalar     `json:"code"`
	ErrorDescription scalar     `json:"error_description"`
	Description      scalar     `json:"description"`
	Message          scalar     `json:"message"`
}

// readRefusal finds code and description; it is not ok when the body has neither. A code that is but the HTTP status is
// none.
func readRefusal(body []byte) (code, detail string, ok bool) {
	var w wireError
	if json.Unmarshal(body, &w) != nil {
		return "", "", false
	}
	if w.Fault != nil {
		w = *w.Fault
	}
	code = string(cmp.Or(w.Error, w.Code))
	detail = string(cmp.Or(w.ErrorDescription, w.Description, w.Message))
	ok = code != "" || detail != ""
	if httpStatus.MatchString(code) {
		code = ""
	}
	return code, detail, ok
}

// scalar is a JSON string or number; anything else is taken for absent.
type scalar string

// UnmarshalJSON never fails, so that an odd field does not hide the others.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	var text string
	var number json.Number
	switch {
	case json.Unmarshal(raw, &text) == nil:
		*s = scalar(strings.TrimSpace(text))
	case json.Unmarshal(raw, &number) == nil:
		*s = scalar(number)
	}
	return nil
}

var (
	httpStatus = regexp.MustCompile(`^[1-5][0-9][0-9]$`)
	longDigits = regexp.MustCompile(`[0-9]{14,}`) // a PRM, alone or within something longer
	private    = regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|[\w.+-]+@[\w-]+\.[\w.-]+`)
)

const maxDetail = 200 // characters

// Clean makes one short line, without a PRM, a token and an e-mail address, of what a source sent.
func Clean(s string) string {
	if len(s) > 10*maxDetail {
		s = strings.TrimRight(s[:10*maxDetail], "0123456789") // not the beginning of a PRM either
	}
	s = private.ReplaceAllString(longDigits.ReplaceAllString(s, "…"), "$1…")
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), isSpaceOrControl), " ")
	if runes := []rune(s); len(runes) > maxDetail {
		s = string(runes[:maxDetail-1]) + "…"
	}
	return s
}

func isSpaceOrControl(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
