package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/store"
	"github.com/enedis2mqtt/enedis2mqtt/web"
)

// homepage is where people find help.
const homepage = "https://github.com/enedis2mqtt/enedis2mqtt"

// runCommand is the bridge.
type runCommand struct{}

// Run reads the settings and runs the bridge until ctx ends.
func (runCommand) Run(ctx context.Context, p *program) error {
	s, err := readEnvironment(p.now())
	if err != nil {
		return fmt.Errorf("%w:\n%w", errSettings, err)
	}
	return run(ctx, s, p.logger(s.logLevel, s.logJSON), p.now)
}

// run is the program: the settings become parts, the parts are wired, and all of them work until ctx ends.
func run(ctx context.Context, s settings, log *slog.Logger, now func() time.Time) error {
	for _, warning := range s.warnings {
		log.Warn("setting", "warning", warning.en)
	}
	kept, err := store.Open(ctx, s.dataDir, store.Options{Now: now, Log: log})
	if err != nil {
		return err
	}
	defer closeStore(kept, log)

	ledger, err := bridge.NewLedger(ctx, kept, builtAt(), now)
	if err != nil {
		return err
	}
	sources, err := newSources(s, ledger.Gate, nil, now, log)
	if err != nil {
		return err
	}
	credentials, err := credentialWords(ctx, s, kept)
	if err != nil {
		return err
	}
	topics := contract.Topics{Base: s.mqtt.base}
	client, err := newClient(ctx, s, topics, kept, log)
	if err != nil {
		return err
	}
	imports := newStatistics(s, kept, now, log)
	o := bridge.Options{
		Store: kept, Ledger: ledger, Sources: sources, Broker: publisher{client},
		Meters: s.meters, ListMeters: len(s.meters) == 0, Consent: consenter(sources), Credential: credentials,
		Schedule: s.schedule, History: s.history, Topics: topics, Locale: s.locale,
		Discovery: s.discoveryOptions(topics), StatusTopic: s.statusTopic,
		Heartbeat: s.httpAddr == "", Version: version, Commit: commit(), Now: now, Log: log,
	}
	if imports != nil {
		o.Statistics = imports
	}
	b, err := bridge.New(ctx, o)
	if err != nil {
		return err
	}
	limitMemory(len(b.Profiles()))
	log.Info("enedis2mqtt starts", "version", version, "sources", strings.Join(s.sources, ","), "meters", len(s.meters))

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return client.Run(ctx) })
	group.Go(func() error { return b.Run(ctx) })
	group.Go(func() error { return receive(ctx, client, b) })
	if imports != nil {
		imports.bridge = b
		group.Go(func() error { return imports.Run(ctx) })
	}
	if s.httpAddr != "" {
		page := web.New(web.Options{
			Addr: s.httpAddr, Username: s.httpUsername, Password: string(s.httpPassword), PublicURL: s.publicURL,
			Statistics: imports != nil, Topics: topics, Locale: s.locale, Version: version, Now: now, Log: log,
		}, b)
		group.Go(func() error { return page.Run(ctx) })
	}
	return group.Wait()
}

// limitMemory has the garbage collector work sooner than it would by itself: it may let the heap double, which a small board
// feels. While three years come in, that keeps 5 MiB, and costs nothing that can be measured. GOMEMLIMIT has its own say.
func limitMemory(meters int) {
	const base, each = 20 << 20, 64 << 10 // bytes: what a household needs, and twice what a meter more takes
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(base + each*int64(meters))
	}
}

// newClient makes the connection to the broker out of the settings; it does not connect yet.
func newClient(
	ctx context.Context, s settings, topics contract.Topics, kept *store.Store, log *slog.Logger,
) (*mqtt.Client, error) {
	id := s.mqtt.clientID
	if id == "" {
		var err error
		if id, err = clientID(ctx, kept); err != nil {
			return nil, err
		}
	}
	filters := topics.Commands()
	if s.discovery || s.statistics.endpoint != nil {
		filters = append(filters, s.statusTopic)
	}
	return mqtt.New(mqtt.Options{
		URL: s.mqtt.url, Username: s.mqtt.username, Password: string(s.mqtt.password), ClientID: id, TLS: s.mqtt.tls,
		Will:      mqtt.Will{Topic: topics.BridgeState(), Online: contract.Online, Offline: contract.Offline},
		Subscribe: filters, Log: log,
	})
}

// publisher is the client in the words of the bridge.
type publisher struct{ *mqtt.Client }

// Publish tells the bridge of a message that no connection will ever take.
func (p publisher) Publish(ctx context.Context, topic string, body []byte, retain bool) error {
	err := p.Client.Publish(ctx, topic, body, retain)
	if errors.Is(err, mqtt.ErrRefused) || errors.Is(err, mqtt.ErrInvalid) {
		return errors.Join(bridge.ErrRefused, err)
	}
	return err
}

// clientID is enedis2mqtt- and eight characters that the store keeps: two installations on one broker stay apart.
func clientID(ctx context.Context, kept *store.Store) (string, error) {
	const key, letters = "client_id", "abcdefghijkmnpqrstuvwxyz23456789"
	id, ok, err := kept.Value(ctx, key)
	if err != nil || ok {
		return id, err
	}
	id = "enedis2mqtt-"
	for range 8 {
		id += string(letters[rand.IntN(len(letters))])
	}
	return id, kept.SetValue(ctx, key, id)
}

// discoveryOptions is nil when Home Assistant is not to discover anything.
func (s settings) discoveryOptions(topics contract.Topics) *discovery.Options {
	if !s.discovery {
		return nil
	}
	return &discovery.Options{
		Prefix: s.prefix, Mode: s.mode, Topics: topics, Locale: s.locale, Version: version, SupportURL: homepage,
	}
}

// receive hands what comes from the broker to the bridge, one message at a time.
func receive(ctx context.Context, client *mqtt.Client, b *bridge.Bridge) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-client.Messages():
			b.Receive(ctx, m.Topic, m.Body, m.Retained)
		}
	}
}

func closeStore(kept *store.Store, log *slog.Logger) {
	if err := kept.Close(); err != nil {
		log.Error("close the store", "err", err)
	}
}
