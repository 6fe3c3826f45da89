package web

import (
	"net/http"
	"strconv"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// keysOf names meters in the addresses of pages, where no whole PRM stands: by their last four digits, and where others before
// have the same ones, by a number too, as in 0987-2.
func keysOf(meters []meter.PRM) []string {
	keys := make([]string, len(meters))
	seen := make(map[string]int, len(meters))
	for i, p := range meters {
		key := p.Tail()
		seen[key]++
		if n := seen[key]; n > 1 {
			key += "-" + strconv.Itoa(n)
		}
		keys[i] = key
	}
	return keys
}

// serves tells whether the meter of an API's path is served here, and answers that it is not.
func (s *Server) serves(w http.ResponseWriter, r *http.Request) (meter.PRM, bool) {
	for _, p := range s.bridge.Profiles() {
		if string(p.PRM) == r.PathValue("prm") {
			return p.PRM, true
		}
	}
	refuse(w, http.StatusNotFound, noMeter)
	return "", false
}

// keyed finds the meter of a page's path, or answers that it is not there.
func (s *Server) keyed(w http.ResponseWriter, r *http.Request) (contract.Profile, bool) {
	profiles := s.bridge.Profiles()
	prms := make([]meter.PRM, len(profiles))
	for i, p := range profiles {
		prms[i] = p.PRM
	}
	for i, key := range keysOf(prms) {
		if key == r.PathValue("key") {
			return profiles[i], true
		}
	}
	s.note(w, http.StatusNotFound, noteView{Text: historyWordsOf(s.Locale).NoMeter, Back: backOf(r)})
	return contract.Profile{}, false
}
