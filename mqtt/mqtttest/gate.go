package mqtttest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// gate keeps the broker's port for the whole test, so that no other process takes it while the broker is stopped: then it
// closes whatever comes in at once. While a broker runs it hands the connections over.
type gate struct {
	listener net.Listener
	running  sync.WaitGroup
	done     context.CancelFunc

	mu   sync.Mutex
	door *door // nil while the broker is stopped
}

func newGate(tb testing.TB, config *tls.Config, webSocket bool) *gate {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	if config != nil {
		config = config.Clone()
		config.NextProtos = nil // WebSockets want HTTP/1.1
		listener = tls.NewListener(listener, config)
	}
	g := &gate{listener: listener}
	if webSocket {
		server := &http.Server{Handler: http.HandlerFunc(g.upgrade), ReadHeaderTimeout: patience}
		g.done = func() { _ = server.Close() }
		g.running.Go(func() { _ = server.Serve(listener) })
		return g
	}
	g.done = func() { _ = listener.Close() }
	g.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.pass(conn)
		}
	})
	return g
}

// upgrade turns a request into a connection.
func (g *gate) upgrade(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	g.pass(&wsConn{Conn: ws.NetConn(), ws: ws})
}

func (g *gate) pass(conn net.Conn) {
	g.mu.Lock()
	door := g.door
	g.mu.Unlock()
	if door == nil || !door.hand(conn) {
		_ = conn.Close()
	}
}

// open gives the door through which a broker gets its connections until it closes it.
func (g *gate) open() *door {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.door = &door{addr: g.listener.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	return g.door
}

func (g *gate) close() {
	g.done()
	g.running.Wait()
}

// door is a net.Listener that is fed.
type door struct {
	addr   net.Addr
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (d *door) hand(conn net.Conn) bool {
	select {
	case d.conns <- conn:
		return true
	case <-d.closed:
		return false
	}
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

func (d *door) Addr() net.Addr { return d.addr }

// wsConn is a WebSocket as a stream of bytes. The broker writes from one goroutine at a time.
type wsConn struct {
	net.Conn
	ws   *websocket.Conn
	rest []byte // of the message that is being read
}

func (c *wsConn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		_, body, err := c.ws.ReadMessage()
		if err != nil {
			return 0, err
		}
		c.rest = body
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *wsConn) Write(p []byte) (int, error) {
	if err := c.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetDeadline is of no use for writing, and a WebSocket takes it from the writing goroutine alone.
func (c *wsConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }
