package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/dataconnect"
	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/broker"
)

// demoCommand is the whole product with nothing else installed.
type demoCommand struct {
	MQTTAddr string `name:"mqtt-addr" default:"127.0.0.1:18883" help:"Where the broker listens."`
	HTTPAddr string `name:"http-addr" default:"127.0.0.1:8099" help:"Where the page listens; empty for none."`
	Meters   int    `default:"4" help:"How many meters the simulator has: consumption, self-consumption, production, no curve, then more."`
	Fault    string `placeholder:"NAME[:DURATION]" help:"A fault that the simulator begins with, for 60s if not said; see the simulator's --list-faults."`
	DataDir  string `placeholder:"DIR" help:"Keep the data here, not in a temporary folder."`
	Locale   string `enum:"fr,en" default:"fr" help:"Language of names and messages: fr or en."`
	LogLevel string `enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
}

// demoCredential is the simulator's client id and secret in the demo.
const demoCredential = "demo"

// Run starts simulator, broker, bridge and page, prints their addresses, and works until ctx ends.
func (c demoCommand) Run(ctx context.Context, p *program) error {
	if c.Meters < 1 {
		return fmt.Errorf("%w: --meters %d: want 1 or more", errSettings, c.Meters)
	}
	dir := c.DataDir
	if dir == "" {
		temporary, err := os.MkdirTemp("", "enedis2mqtt-demo-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(temporary) }() // a folder left behind in the system's temporary one harms nobody
		dir = temporary
	}
	page, err := c.page()
	if err != nil {
		return fmt.Errorf("%w: --http-addr: %w", errSettings, err)
	}
	sim := c.simulator(page, p.now)
	if c.Fault != "" {
		fault, err := enedistest.ParseFault(c.Fault)
		if err != nil {
			return fmt.Errorf("%w: --fault: %w", errSettings, err)
		}
		sim.Inject(fault)
	}
	enedis, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	mqttBroker, err := broker.New(ctx, broker.Options{Addr: c.MQTTAddr})
	if err != nil {
		_ = enedis.Close() // nobody knows of it yet
		return fmt.Errorf("%w (another one listens there? --mqtt-addr chooses another place)", err)
	}
	s := c.settings(dir, "http://"+enedis.Addr().String(), mqttBroker.Addr())
	s.publicURL = page
	c.announce(p.out, s)

	group, ctx := errgroup.WithContext(ctx)
	around, end := context.WithCancel(context.WithoutCancel(ctx)) // the bridge says farewell to a broker that still listens
	group.Go(func() error { return serve(around, enedis, sim) })
	group.Go(func() error { return mqttBroker.Run(around) })
	group.Go(func() error {
		defer end()
		return run(ctx, s, p.logger(s.logLevel, false), p.now)
	})
	return group.Wait()
}

// page is where a browser on this machine reaches the page; empty when there is none.
func (c demoCommand) page() (string, error) {
	if c.HTTPAddr == "" {
		return "", nil
	}
	return pageURL(c.HTTPAddr)
}

// simulator is Enedis with the demo's meters, and one more whose holder can consent on the page.
func (c demoCommand) simulator(page string, now func() time.Time) *enedistest.Enedis {
	meters := enedistest.Household(c.Meters + 1)
	meters[c.Meters].NoConsent = true
	o := enedistest.Options{
		Now: now, ClientID: demoCredential, ClientSecret: demoCredential, Meters: meters, PublishedAtOnce: true,
	}
	if page != "" {
		o.RedirectURI = page + "/consent/callback"
	}
	return enedistest.New(o)
}

// announce says where everything is.
func (c demoCommand) announce(out io.Writer, s settings) {
	fmt.Fprintf(out, "Enedis (simulated)  %s/simulator/faults\nMQTT broker         %s\n", s.enedis.baseURL, s.mqtt.url)
	if s.publicURL != "" {
		fmt.Fprintf(out, "Page                %s/\nConsent to a meter  %[1]s/consent/start\n", s.publicURL)
	}
	fmt.Fprintf(out, "\nWatch it arrive:    mosquitto_sub -h %s -p %s -v -t '%s/#'\n\n",
		s.mqtt.url.Hostname(), s.mqtt.url.Port(), s.mqtt.base)
}

// settings are the demo's: a window of all day and quick retries.
func (c demoCommand) settings(dir, enedisURL, mqttAddr string) settings {
	s := settings{
		sources: []string{dataconnect.Name},
		enedis: enedisSettings{
			clientID: demoCredential, clientSecret: demoCredential, baseURL: enedisURL, api: dataconnect.V2026,
			authorizeURL: enedisURL + enedistest.AuthorizePath2026, consentDuration: dataconnect.DefaultDuration,
		},
		mqtt:      mqttSettings{url: &url.URL{Scheme: "mqtt", Host: mqttAddr}, base: "enedis2mqtt"},
		discovery: true, prefix: "homeassistant", mode: discovery.Device, statusTopic: "homeassistant/status",
		httpAddr: c.HTTPAddr, dataDir: dir, locale: contract.Locale(c.Locale),
		schedule: bridge.Schedule{WindowEnd: 24 * 60, RetryInterval: 5 * time.Second, RetryUntil: 24 * 60},
	}
	if err := s.logLevel.UnmarshalText([]byte(c.LogLevel)); err != nil {
		s.logLevel = slog.LevelInfo // not to be met: kong checks the flag
	}
	for _, m := range enedistest.Household(c.Meters) {
		s.meters = append(s.meters, bridge.Meter{PRM: m.PRM, Name: "Linky " + m.PRM.Tail(), Hourly: true})
	}
	return s
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// serve answers HTTP until ctx ends, and lets what is under way end.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			err = server.Close() // a fault that hangs is cut off
			closed <- err
			return
		}
		closed <- nil
	})
	err := server.Serve(l)
	if stop() {
		return err // ctx lives: the server failed
	}
	return <-closed
}
