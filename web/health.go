package web

import (
	"encoding/json"
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

// healthz is 200 while the process can do its work: the store is open and the schedule alive. That Enedis, the broker or
// Home Assistant is away is no reason to be restarted; the body tells of it.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	body := struct {
		Status  string           `json:"status"`
		Error   *string          `json:"error"`
		Version string           `json:"version"`
		Ready   bool             `json:"ready"`
		Bridge  *contract.Health `json:"bridge"`
	}{Status: "ok", Version: s.Version, Ready: s.bridge.Ready()}
	status := http.StatusOK
	if err := s.bridge.Health(); err != nil {
		text := err.Error()
		body.Status, body.Error, status = "failing", &text, http.StatusServiceUnavailable
	}
	if b, _, err := s.bridge.Overview(r.Context()); err == nil {
		health := b.Health()
		health.History = nil // it names meters, and anybody may read this
		body.Bridge = &health
	}
	writeJSON(w, status, body)
}

// readyz is 200 once everything has been published since the last connection to the broker.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.bridge.Ready() {
		writeJSON(w, http.StatusServiceUnavailable, map[string]bool{"ready": false})
		return
	}
	writeJSON(w, http.StatusOK, map[string]bool{"ready": true})
}

const contentJSON = "application/json; charset=utf-8"

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader is gone: there is nobody to tell
}
