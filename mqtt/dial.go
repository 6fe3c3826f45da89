package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// address checks the broker's URL and completes it with the port of its scheme. It comes back without user and password.
func address(u *url.URL) (*url.URL, error) {
	if u == nil || u.Hostname() == "" {
		return nil, errors.New("a broker's address has a host, as in mqtt://localhost:1883")
	}
	ports := map[string]string{"mqtt": "1883", "tcp": "1883", "mqtts": "8883", "ssl": "8883", "ws": "80", "wss": "443"}
	port, ok := ports[u.Scheme]
	if !ok {
		return nil, fmt.Errorf("a broker's address begins with mqtt, tcp, mqtts, ssl, ws or wss, not %q", u.Scheme)
	}
	complete := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if u.Port() == "" {
		complete.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return complete, nil
}

// dial opens the connection that MQTT is spoken on. It is not paho's own way, which knows no context.
func dial(ctx context.Context, o Options) (net.Conn, error) {
	switch o.URL.Scheme {
	case "mqtts", "ssl":
		return (&tls.Dialer{Config: o.TLS}).DialContext(ctx, "tcp", o.URL.Host)
	case "ws", "wss":
		return dialWebSocket(ctx, o.URL, o.TLS)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", o.URL.Host)
}

func dialWebSocket(ctx context.Context, u *url.URL, config *tls.Config) (net.Conn, error) {
	dialer := websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		TLSClientConfig:  config,
		Subprotocols:     []string{"mqtt"},
		HandshakeTimeout: connectTimeout,
	}
	ws, resp, err := dialer.DialContext(ctx, u.String(), nil)
	if resp != nil {
		_ = resp.Body.Close()
	}
	switch {
	case err != nil && resp != nil:
		return nil, fmt.Errorf("%w: HTTP %s", err, resp.Status)
	case err != nil:
		return nil, err
	}
	return &webSocket{Conn: ws.NetConn(), ws: ws}, nil
}

// webSocket is a WebSocket as a stream of bytes, which is what MQTT makes of it: its packets need not keep to messages
// (MQTT 3.1.1, 6.0.0-4).
type webSocket struct {
	net.Conn
	ws   *websocket.Conn
	rest []byte // of the message that is being read

	writing sync.Mutex // paho v1.5.1 sends its pings from a goroutine of their own
}

func (s *webSocket) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		_, body, err := s.ws.ReadMessage()
		if err != nil {
			return 0, err
		}
		s.rest = body
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *webSocket) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetWriteDeadline is the WebSocket's, which sets its own on the connection at each write.
func (s *webSocket) SetWriteDeadline(t time.Time) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.ws.SetWriteDeadline(t)
}

func (s *webSocket) SetDeadline(t time.Time) error {
	if err := s.SetReadDeadline(t); err != nil {
		return err
	}
	return s.SetWriteDeadline(t)
}
