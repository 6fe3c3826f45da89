package mqtt

import (
	"context"
	"time"
)

const (
	firstPause = time.Second
	// hintAfter is how many connections in a row break young before the log asks for another client with our id.
	hintAfter = 3
)

// Run connects, and connects again whenever the connection is gone, until ctx ends. Then it says Offline, disconnects, and
// returns nil within about three seconds. The broker being away is no error. It is called once.
func (c *Client) Run(ctx context.Context) error {
	var p pace
	for ctx.Err() == nil {
		next := time.NewTimer(p.pause(c.o.RetryInterval)) // counts from the start of the attempt, which may be a slow one
		o := c.session(ctx)
		p.note(o)
		if o == brokeIdle && p.idle == hintAfter {
			c.log.Warn("connection lost again and again within seconds: does another client use the same client id?",
				"client_id", c.o.ClientID)
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
		}
	}
	return nil
}

// outcome is how a connection came to its end.
type outcome int

const (
	notReached outcome = iota
	brokeBusy          // young, while messages were in flight
	brokeIdle          // young, while nothing was
	broke              // after it was a good one, or at our own wish
)

// session is one connection, from its attempt to its end.
func (c *Client) session(ctx context.Context) outcome {
	l, err := c.connect(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.complain(err)
		}
		return notReached
	}
	c.complaint = ""
	c.log.Info("connected to the broker")
	c.link.Store(l)
	select {
	case c.connected <- struct{}{}:
	default:
	}
	select {
	case <-ctx.Done():
		c.link.Store(nil)
		c.leave(ctx, l)
		return broke
	case <-l.down:
		c.link.Store(nil)
	}
	busy := c.lost(l)
	select {
	case <-l.good:
		return broke
	default:
		if busy {
			return brokeBusy
		}
		return brokeIdle
	}
}

// connect gives a link on which everything is ready.
func (c *Client) connect(ctx context.Context) (*link, error) {
	l, err := connect(ctx, c.o, c.receive)
	if err != nil {
		return nil, err
	}
	refused, err := l.greet(ctx, c.o.Subscribe, c.o.Will)
	if err != nil {
		l.abandon()
		return nil, err
	}
	for _, filter := range refused {
		c.log.Warn("subscription refused by the broker", "topic", short(filter))
	}
	return l, nil
}

// leave ends a link although ctx has ended.
func (c *Client) leave(ctx context.Context, l *link) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	if err := l.close(ctx, c.o.Will); err != nil {
		c.log.Warn("the broker did not take our farewell", "err", err)
	}
}

// lost looks for the message that the broker may have hung up on, and tells whether any was in flight.
func (c *Client) lost(l *link) (busy bool) {
	suspected := l.unacknowledged()
	c.log.Warn("connection to the broker lost", "unacknowledged", len(suspected), "err", l.cause)
	sums := make([]sum, len(suspected))
	for i, d := range suspected {
		sums[i] = d.sum
	}
	if c.suspects.strike(sums) {
		c.log.Error("message refused until it changes: the broker hangs up whenever it gets it; does it limit the size?",
			"topic", short(suspected[0].topic), "bytes", len(suspected[0].body))
	}
	return len(suspected) > 0
}

// complain warns of a broker that cannot be reached once for each reason, not at each attempt.
func (c *Client) complain(err error) {
	log := c.log.Debug
	if err.Error() != c.complaint {
		c.complaint, log = err.Error(), c.log.Warn
	}
	log("broker not reached", "err", err)
}

// pace decides how far apart attempts are: a second, and twice as far each time, as long as no connection is a good one.
// Connections that break young count as failures: two clients with the same id throw each other out for ever.
type pace struct {
	failures int
	idle     int // connections in a row that broke young, and without a message that may have been the cause
}

func (p *pace) pause(longest time.Duration) time.Duration {
	return min(firstPause<<min(p.failures, 10), longest)
}

func (p *pace) note(o outcome) {
	p.failures++
	switch o {
	case brokeIdle:
		p.idle++
	case broke:
		*p = pace{}
	case brokeBusy, notReached:
	}
}
