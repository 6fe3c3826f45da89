package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/enedis2mqtt/enedis2mqtt/bridge"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
	"github.com/enedis2mqtt/enedis2mqtt/store"
)

// supportCommand writes a bundle of text.
type supportCommand struct {
	Output string `placeholder:"FILE" help:"Write to this file, not to the standard output."`
}

// Run writes the bundle. It makes no call, changes nothing, and works beside a bridge that runs and without one, with wrong
// settings too.
func (c supportCommand) Run(ctx context.Context, p *program) error {
	text := newBundle(ctx, p.now()).String()
	if c.Output == "" {
		_, err := io.WriteString(p.out, text)
		return err
	}
	if err := os.WriteFile(c.Output, []byte(text), 0o600); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.out, "%s holds no secret and no whole number of a meter: read it once before you post it.\n", c.Output)
	return err
}

// bundle is what others need to help: versions, settings and what the store keeps, but for values, secrets and what tells
// whose they are.
type bundle struct {
	now      time.Time
	text     strings.Builder
	redactor redactor
	meters   []meter.PRM // numbered from 1: those of the settings, then those that the store knows
}

func newBundle(ctx context.Context, now time.Time) *bundle {
	env, s, wrong := readSettings(now)
	b := &bundle{now: now, redactor: newRedactor(env, s)}
	for _, m := range s.meters {
		b.number(m.PRM)
	}
	b.title("versions")
	b.line("enedis2mqtt %s, commit %s", version, cmp.Or(commit(), "unknown"))
	b.line("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	b.line("written on %s", inParis(now))
	b.settings(&env, s, wrong)

	log := slog.New(slog.DiscardHandler)
	kept, err := store.OpenReader(ctx, env.DataDir, store.Options{Now: func() time.Time { return now }, Log: log})
	if err != nil {
		b.title("data")
		if errors.Is(err, fs.ErrNotExist) {
			b.line("there are none yet")
		} else {
			b.line("%s", cleaned(err.Error()))
		}
		return b
	}
	defer func() { _ = kept.Close() }() // nothing was written
	b.kept(ctx, kept, s)
	return b
}

// String is the bundle without anything that must not go out.
func (b *bundle) String() string { return b.redactor.redact(b.text.String()) }

func (b *bundle) title(name string) {
	if b.text.Len() > 0 {
		b.text.WriteByte('\n')
	}
	fmt.Fprintf(&b.text, "== %s\n", name)
}

func (b *bundle) line(format string, args ...any) { fmt.Fprintf(&b.text, format+"\n", args...) }

// number gives a meter its number at the first call.
func (b *bundle) number(prm meter.PRM) int {
	for i, known := range b.meters {
		if known == prm {
			return i + 1
		}
	}
	b.meters = append(b.meters, prm)
	return len(b.meters)
}

// who names a meter by its number and its last four digits.
func (b *bundle) who(prm meter.PRM) string {
	if prm == "" {
		return "no meter"
	}
	return fmt.Sprintf("meter %d (%s)", b.number(prm), prm.Short())
}

// settings writes each variable: of what is secret, or names somebody, whether it is set.
func (b *bundle) settings(env *environment, s settings, wrong problems) {
	b.title("settings")
	fields(env, func(f reflect.StructField, v reflect.Value) {
		name, value := f.Tag.Get("envconfig"), v.String()
		switch {
		case name == "METERS":
			b.line("METERS: %d meters%s", len(s.meters), fromFile(name))
			for _, m := range s.meters {
				b.meterSetting(s, m)
			}
		case value == "":
			b.line("%s: not set", name)
		case f.Type == reflect.TypeFor[secret](), strings.HasSuffix(name, "_USERNAME"), strings.HasSuffix(name, "_CLIENT_ID"):
			b.line("%s: set%s", name, fromFile(name))
		case strings.HasSuffix(name, "_URL"):
			b.line("%s: %s", name, bare(value))
		default:
			b.line("%s: %s", name, value)
		}
	})
	b.line("sources in use: %s", strings.Join(s.sources, ", "))
	for _, warning := range s.warnings {
		b.line("warning: %s", cleaned(warning.en))
	}
	for _, err := range wrong {
		b.line("wrong: %s", cleaned(err.Error()))
	}
}

func (b *bundle) meterSetting(s settings, m bridge.Meter) {
	directions := "found out"
	if m.Directions != nil {
		directions = fmt.Sprint(m.Directions)
	}
	own := ""
	if _, ok := s.med.tokens[m.PRM]; ok {
		own = ", a token of its own"
	}
	b.line("  %s: directions %s, hourly %t, source %s%s", b.who(m.PRM), directions, m.Hourly, cmp.Or(m.Source, "any"), own)
}

func fromFile(name string) string {
	if os.Getenv(name+"_FILE") != "" {
		return " (from a file)"
	}
	return ""
}

// bare is an address without user, password and query.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "unreadable"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// inParis is an instant as the log of the bridge has it; a dash for none.
func inParis(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(meter.Paris()).Format("2006-01-02 15:04:05 -07:00")
}
