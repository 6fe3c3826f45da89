package consoapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Token is what the gateway's token says. It is a JSON Web Token, HS256, whose signature only the gateway can verify.
type Token struct {
	PRMs    []meter.PRM // that it opens, in its order, each once
	Issued  time.Time   // zero when it does not say
	Expires time.Time   // 1094 days after Issued; zero when it does not say
}

// jwt is three parts of base64url with dots between. No other character may go into a header.
var jwt = regexp.MustCompile(`^[0-9A-Za-z_-]+\.([0-9A-Za-z_-]+)\.[0-9A-Za-z_-]+$`)

// ParseToken reads the payload of a token; white space around it is not minded. The error is one sentence for people that
// quotes nothing of the token.
func ParseToken(token string) (Token, error) {
	parts := jwt.FindStringSubmatch(strings.TrimSpace(token))
	if parts == nil {
		return Token{}, errNoToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Token{}, errNoToken
	}
	var claims struct {
		Subject subject `json:"sub"`
		Issued  seconds `json:"iat"`
		Expires seconds `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return Token{}, errNoToken
	}
	if len(claims.Subject) == 0 {
		return Token{}, errors.New("the token names no meter: want the one that Conso API shows after the consent")
	}
	return Token{PRMs: claims.Subject, Issued: time.Time(claims.Issued), Expires: time.Time(claims.Expires)}, nil
}

var errNoToken = errors.New(
	"this is no token of Conso API: want the text with two dots that it shows after the consent, whole and unchanged")

// subject is "sub": an array of PRMs, against the standard, which wants a string; that is taken as well.
type subject []meter.PRM

// UnmarshalJSON takes nothing but PRMs, each once.
func (s *subject) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		list = []string{one}
	}
	*s = nil
	for _, text := range list {
		prm, err := meter.ParsePRM(text)
		if err != nil {
			return err
		}
		if !slices.Contains(*s, prm) {
			*s = append(*s, prm)
		}
	}
	return nil
}

// seconds is a NumericDate of RFC 7519: seconds since 1970, perhaps with a fraction, which is cut off.
type seconds time.Time

const year10000 = 253_402_300_800 // the first second that RFC 3339 cannot write

// UnmarshalJSON takes a number from 1 to the end of the year 9999; null leaves it zero.
func (s *seconds) UnmarshalJSON(raw []byte) error {
	var n *float64
	if err := json.Unmarshal(raw, &n); err != nil || n == nil {
		return err
	}
	if *n < 1 || *n >= year10000 {
		return errors.New("no time that a token can have")
	}
	*s = seconds(time.Unix(int64(*n), 0).UTC())
	return nil
}

// tokens are those that a client has.
type tokens struct {
	all     []credential // each once, in the order of the settings
	byMeter map[meter.PRM]credential
	meters  []meter.PRM // in the order of the tokens, each once
}

// credential is a token as it is sent.
type credential struct {
	value   string
	label   string    // for the gate: nothing of the value
	expires time.Time // zero: unknown
}

func (c credential) holds(now time.Time) bool { return c.expires.IsZero() || now.Before(c.expires) }

func (c credential) outlives(o credential) bool {
	return !o.expires.IsZero() && (c.expires.IsZero() || c.expires.After(o.expires))
}

// newTokens reads all tokens. Of two that open a meter the one that expires later is kept. A token of one meter is labelled
// by the meter, as in "…0987"; those of several are "token", "token 2" and so on.
func newTokens(list []string) (tokens, error) {
	if len(list) == 0 {
		return tokens{}, errors.New("a token is needed")
	}
	t := tokens{byMeter: map[meter.PRM]credential{}}
	shared := 0
	for _, text := range list {
		token, err := ParseToken(text)
		if err != nil {
			return tokens{}, err
		}
		c := credential{value: strings.TrimSpace(text), label: "token", expires: token.Expires}
		if slices.ContainsFunc(t.all, func(o credential) bool { return o.value == c.value }) {
			continue
		}
		if len(token.PRMs) == 1 {
			c.label = token.PRMs[0].Short()
		} else if shared++; shared > 1 {
			c.label = fmt.Sprintf("token %d", shared)
		}
		t.add(c, token.PRMs)
	}
	return t, nil
}

func (t *tokens) add(c credential, prms []meter.PRM) {
	t.all = append(t.all, c)
	for _, prm := range prms {
		former, known := t.byMeter[prm]
		if !known {
			t.meters = append(t.meters, prm)
		}
		if !known || c.outlives(former) {
			t.byMeter[prm] = c
		}
	}
}

// of is the token that opens a meter. The error is an *enedis.Error, as of the operation that has need of it. Without a
// token the other meters are well; an expired one is the whole source's trouble when no other token holds.
func (t tokens) of(prm meter.PRM, op string, now time.Time) (credential, error) {
	c, known := t.byMeter[prm]
	switch {
	case !known:
		return credential{}, &enedis.Error{
			Op: op, Status: http.StatusUnauthorized, Code: enedis.CodeOtherMeter, Apart: true,
			Detail: "no token of Conso API names the meter " + prm.Short() + ": consent for it there, and set the new token",
		}
	case c.holds(now):
		return c, nil
	}
	return credential{}, &enedis.Error{
		Op: op, Status: http.StatusUnauthorized, Code: enedis.CodeTokenExpired,
		Detail: fmt.Sprintf("the token of Conso API expired on %s: consent there again, and set the new token",
			meter.DayOf(c.expires)),
		Apart: slices.ContainsFunc(t.all, func(o credential) bool { return o.holds(now) }),
	}
}
