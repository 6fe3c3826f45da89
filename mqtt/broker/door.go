package broker

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// acceptPause is the rest after a failed Accept, as when the process has run out of file descriptors.
const acceptPause = 50 * time.Millisecond

// door lets connections in. Unlike mochi's own listeners it closes before its connections do, so that nobody slips in
// meanwhile; it knows the connections that have not said who they are, which would keep mochi v2.7.9 from ever closing;
// and it waits for all of them.
type door struct {
	net.Listener
	guests sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func newDoor(l net.Listener) *door {
	return &door{Listener: l, conns: make(map[net.Conn]struct{})}
}

func (d *door) Init(*slog.Logger) error { return nil }

func (d *door) ID() string { return "door" }

func (d *door) Address() string { return d.Addr().String() }

func (d *door) Protocol() string { return d.Addr().Network() }

// Serve hands each connection to establish, which returns when the connection is over.
func (d *door) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := d.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(acceptPause) // out of files, perhaps: no use in asking at once
			continue
		}
		if !d.enter(conn) {
			_ = conn.Close()
			return
		}
		go func() {
			defer d.leave(conn)
			_ = establish(d.ID(), conn) // says why the connection ended, which concerns its client alone
		}()
	}
}

func (d *door) enter(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.conns[conn] = struct{}{}
	d.guests.Add(1)
	return true
}

func (d *door) leave(conn net.Conn) {
	_ = conn.Close()
	d.mu.Lock()
	delete(d.conns, conn)
	d.mu.Unlock()
	d.guests.Done()
}

func (d *door) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for conn := range d.conns {
		_ = conn.Close()
	}
}

// Close closes the door, then the connections, and waits for them. It has no use for mochi's way to close them, which
// sends MQTT 5 farewells to MQTT 3 clients too.
func (d *door) Close(listeners.CloseFn) {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	_ = d.Listener.Close()
	d.drop()
	d.guests.Wait()
}
