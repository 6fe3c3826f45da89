package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// maxCommand is how long a command may be, in bytes.
const maxCommand = 64 << 10

// orderHistory is the command "history" for the meter of the path. The answer is what it takes.
func (s *Server) orderHistory(w http.ResponseWriter, r *http.Request) {
	if progress, ok := s.command(w, r, contract.History); ok {
		writeJSON(w, http.StatusAccepted, progress)
	}
}

// stopHistory is the command "history/stop" for the meter of the path.
func (s *Server) stopHistory(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.command(w, r, contract.HistoryStop); ok {
		w.WriteHeader(http.StatusNoContent)
	}
}

// historyOf lists the history of the meter that is under way.
func (s *Server) historyOf(w http.ResponseWriter, r *http.Request) {
	p, ok := s.serves(w, r)
	if !ok {
		return
	}
	list := underWay(s.bridge.Status())[p]
	if list == nil {
		list = []contract.HistoryProgress{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"history": list})
}

// underWay sorts the history that is under way by meter.
func underWay(b contract.Bridge) map[meter.PRM][]contract.HistoryProgress {
	all := make(map[meter.PRM][]contract.HistoryProgress)
	for _, h := range b.History {
		all[h.PRM] = append(all[h.PRM], h)
	}
	return all
}

// command reads a command for the meter of the path and has it carried out, or answers what is wrong.
func (s *Server) command(w http.ResponseWriter, r *http.Request, name string) (data any, ok bool) {
	p, ok := s.serves(w, r)
	if !ok {
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCommand))
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("%s: the body is longer than %d bytes", name, tooLong.Limit))
		return nil, false
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, name+": the body breaks off")
		return nil, false
	}
	payload, err := payloadOf(r.Header.Get("Content-Type"), body, p)
	if err == nil {
		var status int
		if data, status, err = s.carryOut(r.Context(), name, payload); err == nil {
			return data, true
		}
		refuse(w, status, err.Error())
		return nil, false
	}
	refuse(w, http.StatusBadRequest, name+": "+err.Error())
	return nil, false
}

// carryOut hands a command with the payload that it would have on MQTT to the bridge. The error is one sentence, with the
// status of its answer. A reader who leaves does not undo half of it.
func (s *Server) carryOut(ctx context.Context, name string, payload []byte) (data any, status int, err error) {
	c, err := contract.ParseCommand(name, payload)
	if err == nil {
		err = c.Validate(s.Now())
	}
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	data, err = s.bridge.Do(context.WithoutCancel(ctx), c)
	s.Log.Info("command", "name", name, "prm", c.PRM, "err", err)
	switch {
	case err == nil:
		return data, http.StatusOK, nil
	case s.bridge.Health() != nil: // the store fails: that is not the asker's doing
		return nil, http.StatusServiceUnavailable, err
	}
	return nil, http.StatusBadRequest, err
}

// payloadOf makes the payload of a command for a meter out of a request's body: a JSON object, a form whose fields have the
// names of the object's, or nothing. A tool that sends JSON and calls it a form is understood.
func payloadOf(contentType string, body []byte, p meter.PRM) ([]byte, error) {
	body = bytes.TrimSpace(body)
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind == "application/x-www-form-urlencoded" && !bytes.HasPrefix(body, []byte("{")) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errors.New("the form cannot be read")
		}
		return formPayload(form, p)
	}
	fields := make(map[string]json.RawMessage)
	if len(body) == 0 {
		return withPRM(fields, p)
	}
	if err := json.Unmarshal(body, &fields); err == nil && fields != nil {
		return withPRM(fields, p)
	}
	return body, nil // the parser of commands says what is wrong with it
}

// formPayload makes the payload out of a form. An empty field counts as absent.
func formPayload(form url.Values, p meter.PRM) ([]byte, error) {
	fields := make(map[string]json.RawMessage, len(form))
	for name, values := range form {
		var value any = values
		switch {
		case len(values) == 1 && values[0] == "":
			continue
		case len(values) == 1 && name != "measures":
			value = values[0]
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err // not to be met: these are texts
		}
		fields[name] = text
	}
	return withPRM(fields, p)
}

// withPRM adds the meter of the path. The body may name the same one, and no other.
func withPRM(fields map[string]json.RawMessage, p meter.PRM) ([]byte, error) {
	prm, err := json.Marshal(p)
	if err != nil {
		return nil, err // not to be met: these are digits
	}
	if named, ok := fields["prm"]; ok && string(named) != "null" && !bytes.Equal(named, prm) {
		return nil, errors.New("prm: the path names another meter")
	}
	fields["prm"] = prm
	return json.Marshal(fields)
}
