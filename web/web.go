// Package web shows what contract says of the meters over HTTP: pages for people, an API and metrics for programs, and the word
// on whether the process can do its work. It takes commands as MQTT does, and knows neither how a status comes about nor who
// carries a command out.
//
// Pages show a PRM by its last four digits, and work without scripts. Links are relative (the page may stand below a path of
// Home Assistant's ingress), and nothing is loaded from anywhere else.
package web

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// Bridge is what the page shows, and what it hands commands and consents to.
type Bridge interface {
	// Overview gives the bridge and its meters, in their order.
	Overview(ctx context.Context) (contract.Bridge, []contract.Meter, error)
	// Status gives the bridge alone, which costs little.
	Status() contract.Bridge
	// Profiles lists the meters with the directions that are there, in their order, which costs little.
	Profiles() []contract.Profile
	// Meter gives one meter; ok is false when it is not served.
	Meter(ctx context.Context, p meter.PRM) (m contract.Meter, ok bool, err error)
	// Coverage tells which days of a meter there are, when those that are not are asked for again, and where two values differ.
	Coverage(ctx context.Context, p meter.PRM) (contract.MeterCoverage, error)
	// Do carries a command out and gives the data of its response. The error is one sentence for people.
	Do(ctx context.Context, c contract.Command) (data any, err error)
	// Days streams the stored days of a series, oldest first.
	Days(ctx context.Context, s meter.Series, days meter.Days) iter.Seq2[meter.DayValues, error]
	// Health tells why the process cannot do its work; nil when it can.
	Health() error
	// Ready tells whether everything has been published since the last connection to the broker.
	Ready() bool
	// ConsentURL is the page on which a customer consents, for a state that comes back with the customer; empty when nobody
	// can consent here.
	ConsentURL(state string) string
	// Consented takes over what came of a customer's way to the consent page, from the parameters with which it sent the
	// browser back: the names in lower case, and without the state. A browser that leaves, and ends ctx, undoes nothing.
	Consented(ctx context.Context, back url.Values) contract.Consented
}

// Options shape a Server.
type Options struct {
	Addr               string // host:port
	Username, Password string // both empty: nobody is asked
	PublicURL          string // where a browser reaches the page, for the way back from the consent page; empty: unknown
	Statistics         bool   // the settings name a Home Assistant for its long-term statistics
	Topics             contract.Topics
	Locale             contract.Locale
	Version            string
	Now                func() time.Time
	Log                *slog.Logger
}

// Server answers HTTP.
type Server struct {
	Options
	bridge  Bridge
	states  states
	handler http.Handler
}

// New makes a server; it listens in Run.
func New(o Options, b Bridge) *Server {
	s := &Server{Options: o, bridge: b}
	private := http.NewServeMux()
	private.HandleFunc("GET /{$}", s.page)
	private.HandleFunc("GET /api/v1/meters", s.meters)
	private.HandleFunc("GET /api/v1/meters/{prm}/state", s.state)
	private.HandleFunc("GET /api/v1/meters/{prm}/freshness", s.freshness)
	private.HandleFunc("GET /api/v1/meters/{prm}/readings", s.readings)
	private.HandleFunc("GET /api/v1/meters/{prm}/coverage", s.coverage)
	private.HandleFunc("GET /api/v1/meters/{prm}/history", s.historyOf)
	private.HandleFunc("POST /api/v1/meters/{prm}/history", s.orderHistory)
	private.HandleFunc("POST /api/v1/meters/{prm}/history/stop", s.stopHistory)
	private.HandleFunc("GET /meters/{key}/coverage", s.coveragePage)
	private.HandleFunc("GET /meters/{key}/progress", s.progress)
	private.HandleFunc("POST /meters/{key}/history", s.askHistory)
	private.HandleFunc("POST /meters/{key}/history/stop", s.endHistory)
	private.HandleFunc("GET /metrics", s.metrics)
	private.HandleFunc("GET /consent", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "consent/") // relative, for the page may stand below any path
		w.WriteHeader(http.StatusSeeOther)
	})
	private.HandleFunc("GET /consent/{$}", s.consentPage)
	private.HandleFunc("GET /consent/start", s.startConsent)
	private.HandleFunc("GET /consent/callback", s.endConsent)
	private.HandleFunc("GET /consent/paste", s.consentPage) // for whoever reloads what a pasted address gave
	private.HandleFunc("POST /consent/paste", s.pasteConsent)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("/", s.guarded(private))
	sameOrigin := http.NewCrossOriginProtection()
	if public, err := url.Parse(o.PublicURL); err == nil && public.Host != "" { // a proxy may hand another host on
		_ = sameOrigin.AddTrustedOrigin(public.Scheme + "://" + public.Host) // it is an origin, as the settings were checked
	}
	s.handler = safe(sameOrigin.Handler(mux))
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run listens until ctx ends, and lets the requests under way end.
func (s *Server) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("page: %w (HTTP_ADDR chooses another place)", err)
	}
	s.Log.Info("page", "addr", listener.Addr().String())
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		ended <- server.Shutdown(grace)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("page: %w", err)
	}
	if err := <-ended; err != nil {
		return server.Close() // whoever still reads is cut off
	}
	return nil
}
