package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/discovery"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// forgetCommand erases a meter. Of the settings it needs DATA_DIR and those of the broker.
type forgetCommand struct {
	PRM        string        `arg:"" name:"prm" help:"The meter."`
	Yes        bool          `help:"Erase; without it, what would go is listed."`
	Backups    bool          `help:"Delete the backups in DATA_DIR that hold the meter too."`
	KeepTopics bool          `help:"Leave the meter's retained topics on the broker."`
	Wait       time.Duration `default:"15s" help:"How long to wait for the broker."`
}

// Run lists what is kept of the meter, and erases it when that was asked for.
func (c forgetCommand) Run(ctx context.Context, p *program) error {
	prm, err := meter.ParsePRM(withoutBlanks(c.PRM))
	if err != nil {
		return fmt.Errorf("%w: forget: %w", errSettings, err)
	}
	s, err := oblivionSettings()
	if err != nil {
		return fmt.Errorf("%w:\n%w", errSettings, err)
	}
	o := oblivion{forgetCommand: c, program: p, settings: s, prm: prm}
	if err := o.find(ctx); err != nil {
		return err
	}
	o.list()
	if !c.Yes {
		fmt.Fprintln(p.out, "Nothing was erased: --yes erases it.")
		return nil
	}
	if err := o.erase(ctx); err != nil {
		return err
	}
	o.farewell()
	return nil
}

// oblivionSettings reads the settings that forgetting needs. The others may be wrong or missing.
func oblivionSettings() (settings, error) {
	env := rawEnvironment()
	var wrong, ignored problems
	readFiles(&env, &wrong)
	setDefaults(&env)
	s := settings{dataDir: env.DataDir}
	env.checkMQTT(&s, &wrong)
	s.meters, _ = parseMeters(string(env.Meters), &ignored)
	return s, errors.Join(wrong...)
}

// oblivion is one meter on its way out.
type oblivion struct {
	forgetCommand
	program  *program
	settings settings
	prm      meter.PRM

	traces  []store.Trace
	topics  []string // retained, with those of the bridge that name meters, which it writes anew at its start
	backups []string
}

// find looks for what is kept of the meter, beside a running bridge too.
func (o *oblivion) find(ctx context.Context) error {
	kept, err := store.OpenReader(ctx, o.settings.dataDir, store.Options{Now: o.program.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }() // nothing was written
	if o.traces, err = kept.Traces(ctx, o.prm); err != nil {
		return err
	}
	known, err := kept.Topics(ctx)
	if err != nil {
		return err
	}
	all := contract.Topics{Base: o.settings.mqtt.base}
	for topic := range maps.Keys(known) {
		if strings.Contains(topic, string(o.prm)) || topic == all.BridgeInfo() || topic == all.BridgeHealth() {
			o.topics = append(o.topics, topic)
		}
	}
	slices.Sort(o.topics)
	o.backups, err = store.BackupsNaming(o.settings.dataDir, o.prm)
	return err
}

// list says what would go.
func (o *oblivion) list() {
	out := o.program.out
	if len(o.traces) == 0 {
		fmt.Fprintf(out, "Nothing is kept of the meter %s.\n", o.prm.Short())
	} else {
		fmt.Fprintf(out, "Kept of the meter %s:\n", o.prm.Short())
	}
	for _, t := range o.traces {
		fmt.Fprintf(out, "  %s: %d\n", t.What, t.Rows)
	}
	for _, name := range o.backups {
		fmt.Fprintf(out, "  in the backup %s, which --backups deletes with all that it holds\n", name)
	}
}

// erase clears the topics first: the store alone knows them, and forgets them too.
func (o *oblivion) erase(ctx context.Context) error {
	log := o.program.logger(slog.LevelWarn, false)
	kept, err := store.Open(ctx, o.settings.dataDir, store.Options{Now: o.program.now, Log: log})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("the bridge uses the data in %s: stop the bridge first, nothing was erased", o.settings.dataDir)
	}
	if err != nil {
		return err
	}
	defer closeStore(kept, log)
	if err := o.clear(ctx, kept, log); err != nil {
		return err
	}
	if err := kept.Forget(ctx, o.prm); err != nil {
		return err
	}
	if !o.Backups {
		return nil
	}
	for _, name := range o.backups {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// clear empties the meter's topics on the broker.
func (o *oblivion) clear(ctx context.Context, kept *store.Store, log *slog.Logger) error {
	if o.KeepTopics || len(o.topics) == 0 {
		return nil
	}
	m := o.settings.mqtt
	id := m.clientID
	if id == "" {
		var err error
		if id, err = clientID(ctx, kept); err != nil {
			return err
		}
	}
	client, err := mqtt.New(mqtt.Options{
		URL: m.url, Username: m.username, Password: string(m.password), ClientID: id, TLS: m.tls, Log: log,
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	ctx, leave := context.WithTimeout(ctx, o.Wait+discovery.Settle)
	group.Go(func() error { return client.Run(ctx) })
	group.Go(func() error {
		defer leave()
		return o.empty(ctx, client)
	})
	return group.Wait()
}

// empty sends an empty retained message to each topic, once the broker is there. The entities go before what they show: Home
// Assistant logs an error for each one that finds its document empty.
func (o *oblivion) empty(ctx context.Context, client *mqtt.Client) error {
	away := func(err error) error {
		return fmt.Errorf("the broker %s does not take the topics back (%w): nothing was erased; --keep-topics goes on without it",
			o.settings.mqtt.url.Host, err)
	}
	select {
	case <-client.Connected():
	case <-ctx.Done():
		return away(mqtt.ErrOffline)
	}
	var entities, documents []string
	for _, topic := range o.topics {
		if strings.HasPrefix(topic, o.settings.mqtt.base+"/") {
			documents = append(documents, topic)
		} else {
			entities = append(entities, topic)
		}
	}
	for _, topic := range entities {
		if err := client.Publish(ctx, topic, nil, true); err != nil {
			return away(err)
		}
	}
	if len(entities) > 0 {
		select {
		case <-time.After(discovery.Settle):
		case <-ctx.Done():
			return away(ctx.Err())
		}
	}
	for _, topic := range documents {
		if err := client.Publish(ctx, topic, nil, true); err != nil {
			return away(err)
		}
	}
	return nil
}

// farewell says what is gone, and what is beyond us.
func (o *oblivion) farewell() {
	out := o.program.out
	fmt.Fprintf(out, "The meter %s is forgotten.\n", o.prm.Short())
	if o.KeepTopics && len(o.topics) > 0 {
		fmt.Fprintf(out, "%d retained topics stay on the broker, and are not known here any more.\n", len(o.topics))
	}
	if !o.Backups && len(o.backups) > 0 {
		fmt.Fprintf(out, "%d backups in the data folder still hold it: enedis2mqtt forget again with --yes --backups deletes them.\n",
			len(o.backups))
	}
	fmt.Fprintln(out, "Home Assistant keeps what it recorded: there, delete the device's entities, and in Developer tools, Statistics,")
	fmt.Fprintln(out, "the statistics whose ids begin with enedis2mqtt: and the number of the meter.")
	if slices.ContainsFunc(o.settings.meters, func(m bridge.Meter) bool { return m.PRM == o.prm }) {
		fmt.Fprintln(out, "METERS still names it: it comes back at the next start of the bridge, unless you take it out.")
		return
	}
	fmt.Fprintln(out, "It comes back if METERS, a gateway's token or a new consent names it at a start of the bridge.")
}
