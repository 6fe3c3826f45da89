package mqtt

import (
	"errors"
	"net"
)

// line is the network connection as paho sees it. It is the first to know of a break, and tells the link at once; paho is told
// when nobody waits in its Publish any more. Otherwise paho v1.5.1, which stops its writer without a look at who waits for
// it, would keep a Publish until its own timeout.
type line struct {
	net.Conn
	link *link
}

// Read holds an error back until the last Publish is through, which is at once, since Write takes everything then.
func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, net.ErrClosed) {
		l.link.end(errNoPing) // paho's reason to close; our own wish comes before, and is not overwritten
	}
	l.link.end(err)
	<-l.link.idle
	if l.link.cause != nil {
		err = l.link.cause // paho takes a connection that is closed on our side for its own doing, and would not notice
	}
	return n, err
}

// Write never fails: what breaks while writing is reported by Read.
func (l *line) Write(p []byte) (int, error) {
	if l.link.broke() {
		return len(p), nil
	}
	n, err := l.Conn.Write(p)
	if err != nil {
		l.link.end(err)
		l.link.cut()
		return len(p), nil
	}
	return n, nil
}
