package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
)

const (
	medPrefix = "myelectricaldata" // of its topics, unless its config.yaml says another

	// inboxOfCleanup takes all topics that MyElectricalData may have left: some 600 for each meter and year.
	inboxOfCleanup = 1 << 16
	// quiet is how long nothing comes when everything that is retained has come, where the broker does not let us ask.
	quiet = 3 * time.Second
	// mostPasses bounds how often the broker is asked for what is left.
	mostPasses = 50
)

// cleanupCommand clears what MyElectricalData left on the broker. Of the settings it needs those of the broker.
type cleanupCommand struct {
	Yes             bool          `help:"Clear the topics; without it, they are listed."`
	Prefix          string        `default:"myelectricaldata" placeholder:"TOPIC" help:"The prefix of MyElectricalData's topics, as its config.yaml has it."`
	DiscoveryPrefix string        `default:"homeassistant" placeholder:"TOPIC" help:"The prefix of its topics for Home Assistant."`
	Wait            time.Duration `default:"15s" help:"How long to wait for the broker."`
}

// Run lists the topics, and clears them when that was asked for.
func (c cleanupCommand) Run(ctx context.Context, p *program) error {
	m, err := brokerSettings()
	if err != nil {
		return fmt.Errorf("%w:\n%w", errSettings, err)
	}
	var wrong problems
	checkTopic("--prefix", c.Prefix, &wrong)
	checkTopic("--discovery-prefix", c.DiscoveryPrefix, &wrong)
	if len(wrong) > 0 {
		return fmt.Errorf("%w:\n%w", errSettings, errors.Join(wrong...))
	}
	b := broom{cleanupCommand: c, broker: m, theirs: medTopics(c.Prefix, c.DiscoveryPrefix)}
	found, whole, err := b.list(ctx)
	if err != nil {
		return err
	}
	for _, topic := range found {
		fmt.Fprintln(p.out, topic)
	}
	if !c.Yes || len(found) == 0 {
		sayFound(p.out, len(found), whole)
		return nil
	}
	cleared, err := b.clear(ctx, found)
	fmt.Fprintf(p.out, "%d retained topics of MyElectricalData were cleared.\n", cleared)
	return err
}

func sayFound(out io.Writer, n int, whole bool) {
	switch {
	case n == 0:
		fmt.Fprintln(out, "The broker holds no retained topic of MyElectricalData.")
		return
	case !whole:
		fmt.Fprint(out, "At least ")
	}
	fmt.Fprintf(out, "%d retained topics of MyElectricalData. Nothing was cleared: --yes clears them.\n", n)
}

// brokerSettings reads the settings of the broker. The others may be wrong or missing.
func brokerSettings() (mqttSettings, error) {
	env := rawEnvironment()
	var wrong problems
	readFiles(&env, &wrong)
	setDefaults(&env)
	var s settings
	env.checkMQTT(&s, &wrong)
	return s.mqtt, errors.Join(wrong...)
}

// medTopics matches the topics that myelectricaldata_import publishes, up to its version 1, and no others: the states by meter,
// those of RTE and EDF, and Home Assistant's sensors with their states. Ours differ from them below the same prefix too.
func medTopics(prefix, discovery string) *regexp.Regexp {
	states := `\d{14}/(status|contract|address|power_max|(consumption|production)/(annual|linear))/.+|(ecowatt|tempo)/.+`
	sensors := `myelectricaldata_((consumption|production)(_last_\d+_day|_history)?/\d{14}|(rte|edf)/[^/]+)/(config|state|attributes)`
	return regexp.MustCompile(`^(` + regexp.QuoteMeta(prefix) + `/(` + states + `)|` + regexp.QuoteMeta(discovery) + `/sensor/` + sensors + `)$`)
}

// broom finds and clears retained topics.
type broom struct {
	cleanupCommand
	broker mqttSettings
	theirs *regexp.Regexp
}

// list gives the topics that are retained, in alphabetical order. Whether they are all is known when the message comes back that
// is sent after the subscription: a Mosquitto that has no room for more, with 1000 of QoS 1 by default, drops it like the rest.
func (b broom) list(ctx context.Context) (found []string, whole bool, err error) {
	marker := b.broker.base + "/bridge/cleanup/" + rand.Text()
	filters := []string{b.Prefix + "/#", b.DiscoveryPrefix + "/sensor/#", marker}
	err = b.visit(ctx, filters, func(ctx context.Context, client *mqtt.Client) error {
		topics := make(map[string]bool)
		asked := make(chan error, 1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var asking sync.WaitGroup
		defer asking.Wait()
		defer cancel()
		asking.Go(func() { asked <- client.Publish(ctx, marker, []byte("cleanup"), false) })
		still := time.NewTimer(quiet)
		defer still.Stop()
		for {
			select {
			case m := <-client.Messages():
				if m.Topic == marker { // what is retained comes before it
					found, whole = slices.Sorted(maps.Keys(topics)), true
					return nil
				}
				if m.Retained && len(m.Body) > 0 && b.theirs.MatchString(m.Topic) {
					topics[m.Topic] = true
				}
				still.Reset(quiet)
			case err := <-asked:
				if errors.Is(err, mqtt.ErrOffline) {
					return err
				}
			case <-still.C:
				found = slices.Sorted(maps.Keys(topics))
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return found, whole, err
}

// clear empties the topics, and looks again until none is left: a broker may hand on a part of what it retains. It counts what
// was cleared.
func (b broom) clear(ctx context.Context, topics []string) (cleared int, err error) {
	for range mostPasses {
		err := b.visit(ctx, nil, func(ctx context.Context, client *mqtt.Client) error {
			for _, topic := range topics {
				if err := client.Publish(ctx, topic, nil, true); err != nil {
					return err
				}
				cleared++
			}
			return nil
		})
		if err != nil {
			return cleared, err
		}
		if topics, _, err = b.list(ctx); err != nil || len(topics) == 0 {
			return cleared, err
		}
	}
	return cleared, fmt.Errorf("%d topics come back whenever they are cleared: stop MyElectricalData first", len(topics))
}

// visit connects, under a name that no bridge has, and ends the connection after do.
func (b broom) visit(ctx context.Context, filters []string, do func(context.Context, *mqtt.Client) error) error {
	client, err := mqtt.New(mqtt.Options{
		URL: b.broker.url, Username: b.broker.username, Password: string(b.broker.password), TLS: b.broker.tls,
		ClientID: "enedis2mqtt-cleanup-" + rand.Text()[:8], Subscribe: filters, Inbox: inboxOfCleanup,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = client.Run(inner) }) // it gives no error
	defer running.Wait()
	defer cancel()
	late := time.NewTimer(b.Wait)
	defer late.Stop()
	select {
	case <-client.Connected():
	case <-late.C:
		return fmt.Errorf("the broker %s cannot be reached, or does not let us in: enedis2mqtt check says why", b.broker.url.Host)
	case <-ctx.Done():
		return ctx.Err()
	}
	err = do(ctx, client)
	if errors.Is(err, mqtt.ErrOffline) {
		return fmt.Errorf("the broker %s ended the connection: %w", b.broker.url.Host, err)
	}
	return err
}
