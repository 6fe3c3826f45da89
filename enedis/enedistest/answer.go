package enedistest

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// The content types of Enedis. Contract data have been met as a stream of octets, JSON all the same.
const (
	typeJSON  = "application/json"
	typeOctet = "application/octet-stream"
	typeHTML  = "text/html"
)

// answer is what goes back.
type answer struct {
	status      int
	contentType string
	location    string // of a redirect
	body        []byte
}

// jsonAnswer writes v as Enedis does: no HTML escapes.
func jsonAnswer(status int, contentType string, v any) answer {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // our own wire types always marshal
	}
	return answer{status: status, contentType: contentType, body: b.Bytes()}
}

// write sends the answer as it is.
func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.contentType)
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone has no use for an error
}

// page is what the devices in front of Enedis answer.
func page(title string) []byte {
	return []byte("<!DOCTYPE html>\n<html><head><title>" + title + "</title></head>" +
		"<body><h1>" + title + "</h1></body></html>\n")
}
