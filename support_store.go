package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// Of what may be long the newest are written.
const (
	mostErrors = 40
	mostRuns   = 24 // of one series
)

// kept writes what the store keeps, but for values.
func (b *bundle) kept(ctx context.Context, kept *store.Store, s settings) {
	for _, section := range []struct {
		title string
		write func(ctx context.Context, kept *store.Store) error
	}{
		{"calls of the last day", b.calls},
		{"budgets", func(ctx context.Context, kept *store.Store) error { return b.budgets(ctx, kept, s) }},
		{"back-offs", b.backoffs},
		{"consents", b.consents},
		{"meters", b.keptMeters},
		{"last errors", b.errors},
	} {
		b.title(section.title)
		before := b.text.Len()
		if err := section.write(ctx, kept); err != nil {
			b.line("cannot be read: %s", cleaned(err.Error()))
		}
		if b.text.Len() == before {
			b.line("none")
		}
	}
}

// calls counts them by hour, source, API and credential.
func (b *bundle) calls(ctx context.Context, kept *store.Store) error {
	calls, err := kept.Calls(ctx, b.now.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	counts := make(map[string]int)
	for _, c := range calls {
		hour := c.At.In(meter.Paris()).Format("2006-01-02 15h")
		counts[fmt.Sprintf("%s  %s %s, credential %s", hour, c.Source, c.API, cmp.Or(c.Credential, "–"))]++
	}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		b.line("%s: %d", key, counts[key])
	}
	return nil
}

// budgets asks the ledger, with the limits of the sources in use.
func (b *bundle) budgets(ctx context.Context, kept *store.Store, s settings) error {
	now := func() time.Time { return b.now }
	ledger, err := bridge.NewLedger(ctx, kept, builtAt(), now)
	if err != nil {
		return err
	}
	sources, err := newSources(s, ledger.Gate, nil, now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	for _, source := range sources {
		ledger.Limit(source.Name(), source.Traits())
		for _, budget := range ledger.Budgets(source.Name()) {
			b.line("%s, %s: %d of %d in %s", source.Name(), budget.Scope, budget.Calls, budget.Limit, budget.Window)
		}
	}
	return nil
}

func (b *bundle) backoffs(ctx context.Context, kept *store.Store) error {
	all, err := kept.Backoffs(ctx)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if rest := all[name]; rest.Failures > 0 {
			b.line("%s: %d failures, %s, until %s, not before %s: %s", name, rest.Failures, rest.Outcome,
				inParis(rest.Until), inParis(rest.NotBefore), cleaned(rest.Detail))
		}
	}
	return err
}

func (b *bundle) consents(ctx context.Context, kept *store.Store) error {
	all, err := kept.Consents(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		b.line("%s at %s: given %s, until %s, directions %v", b.who(c.PRM), c.Source, inParis(c.GrantedAt), dayText(c.Until), c.Directions)
	}
	awaited, err := kept.Authorisations(ctx)
	for _, a := range awaited {
		b.line("awaited at %s: given %s, asked for %d times, again %s", a.Source, inParis(a.GivenAt), a.Tries, inParis(a.NextAt))
	}
	return err
}

// keptMeters writes for each meter its light, its directions and which days there are.
func (b *bundle) keptMeters(ctx context.Context, kept *store.Store) error {
	all, err := kept.Meters(ctx)
	if err != nil {
		return err
	}
	lights, err := kept.Lights(ctx)
	if err != nil {
		return err
	}
	coverage, err := kept.Coverage(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		b.line("%s: light %s since %s, first seen %s, newest revision %s", b.who(m.PRM), cmp.Or(lights[m.PRM].Level, "–"),
			inParis(lights[m.PRM].Since), inParis(m.FirstSeen), inParis(m.UpdatedAt))
		b.line("  contract read %s, again %s", inParis(m.Contract.ReadAt), inParis(m.Contract.NotBefore))
		for _, d := range meter.Directions() {
			state := m.Directions[d]
			b.line("  %s: %s (%s), found %s, asked again %s, activation %s", d, cmp.Or(state.Standing, "unknown"),
				cmp.Or(state.How, "–"), inParis(state.At), inParis(state.AskAgain), dayText(state.Activation))
			for _, measure := range meter.Measures(d) {
				b.series(m, meter.Series{PRM: m.PRM, Direction: d, Measure: measure}, coverage)
			}
		}
	}
	return nil
}

// series writes the days of a series in runs of one status, from the first one wanted through yesterday.
func (b *bundle) series(m store.Meter, s meter.Series, coverage map[meter.Series]meter.Coverage) {
	c, known := coverage[s]
	state := m.Series[s]
	if !known && state == (store.SeriesState{}) {
		return
	}
	days := meter.Days{From: m.Wanted[s.Measure].First, To: meter.DayOf(b.now)}
	if oldest, ok := c.Oldest(); ok && (days.From == 0 || oldest < days.From) {
		days.From = oldest
	}
	var runs []string
	if days.From != 0 {
		for run, status := range c.Runs(days) {
			runs = append(runs, fmt.Sprintf("%s..%s %s", run.From, run.To-1, status))
		}
	}
	if more := len(runs) - mostRuns; more > 0 {
		runs = append([]string{fmt.Sprintf("%d earlier runs", more)}, runs[more:]...)
	}
	b.line("    %s, wanted from %s: %s", s.Measure, dayText(m.Wanted[s.Measure].First), strings.Join(runs, ", "))
	if state.RefusedStart != 0 || !state.NotCollected.IsZero() {
		b.line("      refused start %s, not collected since %s", dayText(state.RefusedStart), inParis(state.NotCollected))
	}
}

// errors writes the newest attempts that somebody has to mend, or that never ended.
func (b *bundle) errors(ctx context.Context, kept *store.Store) error {
	all, err := kept.Attempts(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(a store.Attempt) bool { return !a.Outcome.Troubled() && a.Outcome != store.Unfinished })
	for _, a := range all[max(0, len(all)-mostErrors):] {
		b.line("%s  %s %s at %s, %s: %s %s, again %s, lost %d: %s", inParis(a.At), b.who(a.Series.PRM), a.Series.Name(),
			a.Source, a.Days, cmp.Or(a.Outcome, "no outcome"), cleaned(a.Code), inParis(a.NotBefore), a.Lost, cleaned(a.Detail))
	}
	return nil
}

// dayText is a day; a dash for none.
func dayText(d meter.Day) string {
	if d == 0 {
		return "–"
	}
	return d.String()
}
