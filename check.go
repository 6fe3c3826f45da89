package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/check"
	"github.com/enedis2mqtt/enedis2mqtt/enedis"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
)

// checkCommand tries the settings.
type checkCommand struct {
	JSON bool `name:"json" help:"Write JSON, for programs."`
}

// Run reads the settings as the bridge does, tries each of them, and writes what came of it. The error of a check that
// failed is the last word of the report.
func (c checkCommand) Run(ctx context.Context, p *program) error {
	s, err := readEnvironment(p.now())
	if err != nil {
		return fmt.Errorf("%w:\n%w", errSettings, err)
	}
	report := check.Run(ctx, s.checkOptions(p))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.JSON {
		err = json.NewEncoder(p.out).Encode(report)
	} else {
		err = report.Print(p.out, s.locale)
	}
	if err == nil && !report.OK {
		err = errors.New(report.Summary(s.locale))
	}
	return err
}

// checkOptions are the settings as far as they can be tried.
func (s settings) checkOptions(p *program) check.Options {
	log := slog.New(slog.DiscardHandler)
	o := check.Options{
		Locale: s.locale, DataDir: s.dataDir, Meters: s.meters,
		Sources: func(gate func(string) enedis.Gate, client *http.Client) ([]bridge.Source, error) {
			return newSources(s, gate, client, p.now, log)
		},
		Broker: mqtt.Options{
			URL: s.mqtt.url, Username: s.mqtt.username, Password: string(s.mqtt.password), ClientID: s.mqtt.clientID, TLS: s.mqtt.tls,
		},
		BaseTopic: s.mqtt.base, HTTPAddr: s.httpAddr, PublicURL: s.publicURL, Built: builtAt(), Now: p.now, Log: log,
	}
	if s.discovery {
		o.DiscoveryPrefix = s.prefix
	}
	o.HomeAssistant = check.HomeAssistant{Endpoint: s.statistics.endpoint, Token: string(s.statistics.token)}
	if s.httpAddr != "" {
		o.HealthURL, _ = healthURL(s.httpAddr) // the settings were checked
	}
	for _, warning := range s.warnings {
		o.Warnings = append(o.Warnings, warning.in(s.locale))
	}
	return o
}
