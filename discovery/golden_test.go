package discovery

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden keeps the exact messages of each shape of meter, and of the bridge, in testdata/golden.
func TestGolden(t *testing.T) {
	var files []string
	compare := func(name string, m []Message) {
		files = append(files, name)
		t.Run(name, func(t *testing.T) { compareGolden(t, name, m) })
	}
	for _, mode := range modes() {
		for _, locale := range locales() {
			o, suffix := options(mode, locale), "_"+string(mode)+"_"+string(locale)+".json"
			for name, profile := range shapes() {
				compare(name+suffix, Messages(o, profile))
			}
			compare("bridge"+suffix, BridgeMessages(o, sources()[:2]))
		}
	}

	entries, err := os.ReadDir("testdata/golden")
	require.NoError(t, err)
	for _, entry := range entries {
		require.True(t, slices.Contains(files, entry.Name()), "%s belongs to no shape", entry.Name())
	}
}

func compareGolden(t *testing.T, name string, messages []Message) {
	t.Helper()
	type golden struct {
		Topic      string          `json:"topic"`
		Retain     bool            `json:"retain"`
		Components []string        `json:"components"`
		Body       json.RawMessage `json:"body"`
	}
	shown := make([]golden, 0, len(messages))
	for _, m := range messages {
		shown = append(shown, golden{m.Topic, m.Retain, m.Components, m.Body})
	}
	got, err := json.MarshalIndent(shown, "", "  ")
	require.NoError(t, err)
	got = append(got, '\n')

	path := filepath.Join("testdata", "golden", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./discovery -update writes it")
	require.Equal(t, string(want), string(got))
}
