package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// guarded asks for the user name and the password, when there are any.
func (s *Server) guarded(next http.Handler) http.Handler {
	if s.Username == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, password, _ := r.BasicAuth()
		known, right := same(username, s.Username), same(password, s.Password) // both, always: the time tells nothing of either
		if !known || !right {
			w.Header().Set("WWW-Authenticate", `Basic realm="enedis2mqtt", charset="UTF-8"`)
			http.Error(w, "user name and password, please", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// same compares in a time that tells nothing, not even the length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// safe sets the headers that keep the page to itself. Home Assistant's ingress shows it in a frame of the same origin.
func safe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; "+ // progress is a frame
			"frame-ancestors 'self'; base-uri 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // with no-referrer a form sends "Origin: null", which plain HTTP must refuse
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
