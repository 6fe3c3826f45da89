package enedistest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// consoTokenLife is that of a user's token.
const consoTokenLife = 1094 * 24 * time.Hour

// consoClaims is the payload of a user's token. Its subject is an array, against the standard.
type consoClaims struct {
	Issued  int64       `json:"iat"`
	Expires int64       `json:"exp"`
	PRMs    []meter.PRM `json:"sub"`
}

// Token gives the token that the gateway would show after the consents for these meters. It is valid for 1094 days.
func (c *ConsoAPI) Token(prms ...meter.PRM) string {
	return c.TokenUntil(c.now().Add(consoTokenLife), prms...)
}

// TokenUntil gives a token for these meters that ends at another time than Token's, to the second. The order of the meters
// is kept.
func (c *ConsoAPI) TokenUntil(expires time.Time, prms ...meter.PRM) string {
	issued := expires.Add(-consoTokenLife)
	payload, err := json.Marshal(consoClaims{Issued: issued.Unix(), Expires: expires.Unix(), PRMs: prms})
	if err != nil {
		panic(err) // our own wire types always marshal
	}
	part := base64.RawURLEncoding.EncodeToString
	signed := part([]byte(`{"alg":"HS256"}`)) + "." + part(payload)
	return signed + "." + part(consoSignature(signed))
}

// consoSignature is the third part of a token: HS256 with a secret that is none.
func consoSignature(signed string) []byte {
	mac := hmac.New(sha256.New, []byte("enedistest"))
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

// opens tells whether a token is the gateway's own, holds, and names the meter.
func (c *ConsoAPI) opens(token string, prm meter.PRM) bool {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil || !hmac.Equal(signature, consoSignature(token[:dot])) {
		return false
	}
	_, part, _ := strings.Cut(token[:dot], ".")
	payload, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return false
	}
	var claims consoClaims
	return json.Unmarshal(payload, &claims) == nil && c.enedis.options.Now().Unix() < claims.Expires &&
		slices.Contains(claims.PRMs, prm)
}
