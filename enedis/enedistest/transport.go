package enedistest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
)

// Transport answers requests in memory, without sockets, so that fake time can pass (testing/synctest). What a fault does
// to a connection the client sees as it would on a real one: a request that is held ends with its context, a reset is
// syscall.ECONNRESET, and a body that is shorter than declared ends with io.ErrUnexpectedEOF.
func (e *Enedis) Transport() http.RoundTripper { return transport{e} }

type transport struct {
	handler http.Handler
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // RoundTripper's duty; its error is nobody's
	}
	w := &recorder{header: http.Header{}}
	if err := t.serve(w, r); err != nil {
		return nil, err
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.response(r), nil
}

// serve calls the handler. Its wish to break the connection comes back as an error.
func (t transport) serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = fmt.Errorf("read: %w", syscall.ECONNRESET)
		default:
			panic(p)
		}
	}()
	in := r.Clone(r.Context())
	if in.Header == nil {
		in.Header = http.Header{}
	}
	in.RequestURI = r.URL.RequestURI()
	t.handler.ServeHTTP(w, in)
	return nil
}

// recorder is an http.ResponseWriter that keeps what is written.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// response is what a client makes of it.
func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	var body io.Reader = &w.body
	length := int64(w.body.Len())
	if declared, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil && declared > length {
		body, length = io.MultiReader(body, broken{}), declared
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(body), ContentLength: length, Request: r,
	}
}

// broken is the end of a connection that ended too early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
