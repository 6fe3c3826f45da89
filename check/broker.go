package check

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
)

const (
	connectWithin     = 15 * time.Second // longer than the client itself gives an attempt
	acknowledgeWithin = 5 * time.Second
	echoWithin        = 3 * time.Second
)

// visit is one connection to the broker, on which a message is left and taken away again.
type visit struct {
	refused error // why there was no connection
	lost    error // why the message was not acknowledged
	echoed  bool  // the message came back
}

// broker connects, and tries a topic of ours and one of the discovery. Each has a connection of its own, since a broker that
// does not want a message may hang up.
func (c *checker) broker(ctx context.Context) {
	own, discovery := c.BaseTopic+"/bridge/check", c.DiscoveryPrefix+"/device/enedis2mqtt_check/check"
	v := c.visit(ctx, own)
	one := Result{Name: nameBroker, Subject: c.Broker.URL.Scheme + "://" + c.Broker.URL.Host, Status: OK}
	if v.refused != nil {
		one.Status, one.Message = Failed, c.say(brokerRefused, v.refused)
		one.Remedy = c.say(brokerRemedy(v.refused))
		c.add(one)
		c.add(Result{Name: nameTopics, Subject: c.BaseTopic, Status: Skipped, Message: c.say(brokerAway)})
		return
	}
	one.Message = c.say(brokerReached, c.say(c.encryption()), c.say(c.login()))
	c.add(one, c.written(nameTopics, c.BaseTopic, own, v))
	if c.DiscoveryPrefix == "" {
		c.add(Result{Name: nameDiscovery, Status: Skipped, Message: c.say(discoveryOff)})
		return
	}
	c.add(c.written(nameDiscovery, c.DiscoveryPrefix, discovery, c.visit(ctx, discovery)))
}

func (c *checker) encryption() phrase {
	switch c.Broker.URL.Scheme {
	case "mqtts", "ssl", "wss":
		return brokerTLS
	}
	return brokerPlain
}

func (c *checker) login() phrase {
	if c.Broker.Username == "" {
		return brokerAnonymous
	}
	return brokerLogin
}

// written says what became of a message on a topic. A broker of MQTT 3.1.1 has no word for "you may not": it hangs up, does
// not acknowledge, or acknowledges and drops the message, as Mosquitto does.
func (c *checker) written(name, subject, topic string, v visit) Result {
	one := Result{Name: name, Subject: subject, Status: Failed}
	switch {
	case v.refused != nil:
		one.Message, one.Remedy = c.say(brokerRefused, v.refused), c.say(brokerRemedy(v.refused))
	case errors.Is(v.lost, mqtt.ErrOffline):
		one.Message, one.Remedy = c.say(topicHangUp), c.say(topicRemedy, topic)
	case v.lost != nil:
		one.Message, one.Remedy = c.say(topicNoAck, v.lost), c.say(topicRemedy, topic)
	case !v.echoed:
		one.Message, one.Remedy = c.say(topicNoEcho), c.say(topicRemedy, topic)
		if name == nameDiscovery {
			one.Status = Warning // the topics are there all the same
		}
	default:
		one.Status, one.Message = OK, c.say(topicWritable)
	}
	return one
}

// visit connects, publishes a retained message, waits until it comes back, and removes it.
func (c *checker) visit(ctx context.Context, topic string) visit {
	why := make(complaints, 1)
	o := c.Broker
	o.ClientID += "-check" // beside a bridge that runs, which the same id would throw out
	if c.Broker.ClientID == "" {
		o.ClientID = "enedis2mqtt-check-" + rand.Text()[:8]
	}
	o.Subscribe, o.Log = []string{topic}, slog.New(why)
	client, err := mqtt.New(o)
	if err != nil {
		return visit{refused: err}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = client.Run(ctx) }) // it gives no error
	defer running.Wait()
	defer cancel()

	late := time.NewTimer(connectWithin)
	defer late.Stop()
	select {
	case <-client.Connected():
		return leave(ctx, client, topic)
	case err := <-why:
		return visit{refused: err}
	case <-late.C:
		return visit{refused: errSilent}
	case <-ctx.Done():
		return visit{refused: ctx.Err()}
	}
}

var errSilent = errors.New("no answer within " + connectWithin.String())

// leave publishes a message that nobody else has, waits until it comes back, and removes it.
func leave(ctx context.Context, client *mqtt.Client, topic string) (v visit) {
	body := rand.Text()
	v.lost = publish(ctx, client, topic, []byte(body))
	if v.lost != nil {
		return v
	}
	v.echoed = heard(ctx, client, body)
	v.lost = publish(ctx, client, topic, nil)
	return v
}

func publish(ctx context.Context, client *mqtt.Client, topic string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, acknowledgeWithin)
	defer cancel()
	return client.Publish(ctx, topic, body, true)
}

// heard waits for a message with the body.
func heard(ctx context.Context, client *mqtt.Client, body string) bool {
	ctx, cancel := context.WithTimeout(ctx, echoWithin)
	defer cancel()
	for {
		select {
		case m := <-client.Messages():
			if string(m.Body) == body {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// brokerRemedy is what to do about a connection that was not made. What is neither the network's nor TLS's is the broker's
// own no.
func brokerRemedy(err error) phrase {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return brokerHostRemedy
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return brokerCertificateRemedy
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return brokerNoTLSRemedy
	}
	failure, network := errors.AsType[*net.OpError](err)
	switch {
	case network && failure.Op == "dial", errors.Is(err, errSilent):
		return brokerAwayRemedy
	case network, errors.Is(err, io.EOF):
		return brokerProtocolRemedy
	}
	return brokerLoginRemedy
}

// complaints is a log that keeps the first error of the client, which tells of its trouble there alone.
type complaints chan error

// Enabled takes everything.
func (complaints) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps an error, unless there is one.
func (c complaints) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			select {
			case c <- err:
			default:
			}
		}
		return true
	})
	return nil
}

// WithAttrs minds no attributes.
func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup minds no groups.
func (c complaints) WithGroup(string) slog.Handler { return c }
