package enedistest

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"time"
)

// hang holds the request until its context ends.
func hang(_ http.ResponseWriter, r *http.Request, _ answer) {
	<-r.Context().Done()
	giveUp(r)
}

// giveUp breaks a real connection, so that the client does not take the end of its context for an answer. Without a server
// there is no connection to break, and the caller sees the end of the context itself.
func giveUp(r *http.Request) {
	if r.Context().Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler)
	}
}

// reset breaks the connection with RST. Where that cannot be done it panics with http.ErrAbortHandler, which net/http's
// server takes for the wish to break it.
func reset(w http.ResponseWriter, _ *http.Request, _ answer) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the connection ends with FIN: less rude, broken all the same
	}
	_ = conn.Close()
}

// truncated declares the whole length and sends half of it.
func truncated(w http.ResponseWriter, _ *http.Request, a answer) {
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	a.body = a.body[:len(a.body)/2]
	a.write(w)
}

// hugeBlanks is more than any client should read, in bytes.
const hugeBlanks = 9 << 20

// huge sends blanks, which JSON allows, before the answer.
func huge(w http.ResponseWriter, r *http.Request, a answer) {
	w.Header().Set("Content-Type", a.contentType)
	w.WriteHeader(a.status)
	blanks := bytes.Repeat([]byte{' '}, 64<<10)
	for range hugeBlanks / len(blanks) {
		if _, err := w.Write(blanks); err != nil || r.Context().Err() != nil {
			return // the client has seen enough
		}
	}
	_, _ = w.Write(a.body)
}

// trickle is the time between two bytes of a slow answer.
const trickle = time.Second

// slow sends a byte a second.
func slow(w http.ResponseWriter, r *http.Request, a answer) {
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	c := http.NewResponseController(w)
	for i := range a.body {
		_ = c.Flush() // a recorder may not know how, and loses nothing
		if !wait(r.Context(), trickle) {
			giveUp(r)
			return
		}
		if _, err := w.Write(a.body[i : i+1]); err != nil {
			return
		}
	}
}

// wait tells whether the time passed before the context ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
