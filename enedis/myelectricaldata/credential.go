package myelectricaldata

import (
	"fmt"
	"maps"
	"slices"

	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// credential is what opens a meter: a token that is sent as it is, or the exchange that gives one.
type credential struct {
	token string
	jwt   *jwts  // v2: instead of a token
	label string // for the gate: nothing of the token
}

// credentials are those that a client has.
type credentials struct {
	common   *credential // opens all meters that have none of their own; nil without one
	own      map[meter.PRM]credential
	distinct int // how many there are, a token that opens several meters counted once
}

// newCredentials reads those of the options.
func newCredentials(o Options, caller *enedis.Caller, exchange string) credentials {
	c := credentials{common: commonOf(o, caller, exchange), own: map[meter.PRM]credential{}}
	labels := labelsOf(o.Tokens, c.common)
	for prm, token := range o.Tokens {
		if token != "" {
			c.own[prm] = credential{token: token, label: labels[token]}
		}
	}
	c.distinct = len(labels)
	return c
}

// commonOf is the credential for all meters; nil when the options have none.
func commonOf(o Options, caller *enedis.Caller, exchange string) *credential {
	switch v2 := o.Version == V2; {
	case o.Token != "":
		return &credential{token: o.Token, label: numbered(1)}
	case v2 && o.ClientID != "" && o.ClientSecret != "":
		return &credential{jwt: newJWTs(caller, exchange, o.ClientID, o.ClientSecret, o.Now), label: numbered(1)}
	case v2 && o.ClientID == "" && o.ClientSecret != "":
		return &credential{token: o.ClientSecret, label: numbered(1)}
	}
	return nil
}

// labelsOf names each token once. One of a single meter is labelled by that, as in "…0987"; those that open several are
// "token", "token 2" and so on, the common one first. The common exchange stands under the empty text.
func labelsOf(own map[meter.PRM]string, common *credential) map[string]string {
	opens := map[string]int{} // meters, by token
	for _, token := range own {
		opens[token]++
	}
	labels := map[string]string{}
	shared := 0
	if common != nil {
		labels[common.token], shared = common.label, 1
	}
	for _, prm := range slices.Sorted(maps.Keys(own)) {
		token := own[prm]
		switch _, known := labels[token]; {
		case known, token == "":
		case opens[token] == 1:
			labels[token] = prm.Short()
		default:
			shared++
			labels[token] = numbered(shared)
		}
	}
	return labels
}

// numbered is the label of the nth token that opens several meters.
func numbered(n int) string {
	if n == 1 {
		return "token"
	}
	return fmt.Sprintf("token %d", n)
}

// of is the credential that opens a meter; the empty PRM stands for the account.
func (c credentials) of(prm meter.PRM) (credential, bool) {
	if own, ok := c.own[prm]; ok {
		return own, true
	}
	if c.common == nil {
		return credential{}, false
	}
	return *c.common, true
}

// meters are those with a credential of their own, in the order of their numbers.
func (c credentials) meters() []meter.PRM { return slices.Sorted(maps.Keys(c.own)) }
