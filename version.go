package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// What the build says of itself, by -ldflags -X.
var (
	version = "dev"
	built   = "" // RFC 3339
)

// written is when this version was written: the least that a sane clock shows, for builds that say nothing else.
var written = time.Date(2026, time.November, 22, 0, 0, 0, 0, time.UTC)

// versionCommand shows what runs.
type versionCommand struct{}

// Run prints version, commit and Go.
func (versionCommand) Run(p *program) error {
	_, err := fmt.Fprintf(p.out, "enedis2mqtt %s, commit %s, %s %s/%s\n",
		version, cmp.Or(commit(), "unknown"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// commit is the revision that was built; empty when the build does not say.
func commit() string { return buildSetting("vcs.revision") }

// builtAt is when the program was built; no call is made while the clock shows an earlier time.
func builtAt() time.Time {
	t, err := time.Parse(time.RFC3339, cmp.Or(built, buildSetting("vcs.time")))
	if err != nil || t.Before(written) {
		return written
	}
	return t
}

func buildSetting(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
