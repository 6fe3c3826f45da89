package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/enedis2mqtt/enedis2mqtt/enedis/enedistest"
)

// simulatorCommand is Enedis for people who try things out.
type simulatorCommand struct {
	Addr          string `default:"127.0.0.1:8098" help:"Where it listens."`
	Meters        int    `default:"4" help:"How many meters it has."`
	PublishAtOnce bool   `help:"Publish a day at midnight, not at 08:00."`
	Fault         string `placeholder:"NAME[:DURATION]" help:"A fault to begin with."`
	ListFaults    bool   `help:"List the faults and exit."`
}

// Run serves the simulator until ctx ends.
func (c simulatorCommand) Run(ctx context.Context, p *program) error {
	if c.ListFaults {
		_, err := fmt.Fprintln(p.out, strings.Join(enedistest.Faults(), "\n"))
		return err
	}
	if c.Meters < 1 {
		return fmt.Errorf("%w: --meters %d: want 1 or more", errSettings, c.Meters)
	}
	meters := enedistest.Household(c.Meters)
	sim := enedistest.New(enedistest.Options{
		Now: p.now, ClientID: demoCredential, ClientSecret: demoCredential,
		Meters: meters, PublishedAtOnce: c.PublishAtOnce,
	})
	if c.Fault != "" {
		fault, err := enedistest.ParseFault(c.Fault)
		if err != nil {
			return fmt.Errorf("%w: --fault: %w", errSettings, err)
		}
		sim.Inject(fault)
	}
	l, err := listen(ctx, c.Addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "ENEDIS_BASE_URL=http://%s\nENEDIS_AUTHORIZE_URL=http://%[1]s%s\nENEDIS_CLIENT_ID=%s\n"+
		"ENEDIS_CLIENT_SECRET=%[3]s\nMETERS=", l.Addr(), enedistest.AuthorizePath2026, demoCredential)
	for i, m := range meters {
		if i > 0 {
			fmt.Fprint(p.out, ",")
		}
		fmt.Fprint(p.out, string(m.PRM))
	}
	fmt.Fprintln(p.out)
	return serve(ctx, l, sim)
}
