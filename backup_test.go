package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBackupBesideARunningBridgeAndItsRestore(t *testing.T) {
	dir, _ := exportable(t)
	_, before, _ := call(t, "export", "--format", "jsonl")

	code, out, log := call(t, "backup")
	require.Zero(t, code, log)
	byDefault := strings.TrimSpace(out)
	require.Equal(t, filepath.Join(dir, "backup"), filepath.Dir(byDefault))
	named := filepath.Join(t.TempDir(), "mine.db")
	code, out, log = call(t, "backup", named)
	require.Zero(t, code, log)
	require.Equal(t, named+"\n", out)

	for _, name := range []string{byDefault, named} {
		folder := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(folder, "enedis2mqtt.db"), []byte(text(t, name)), 0o600))
		openStore(t, folder)
		t.Setenv("DATA_DIR", folder)
		code, restored, log := call(t, "export", "--format", "jsonl")
		require.Zero(t, code, log)
		require.Equal(t, before, restored)
	}
}

func TestBackupSaysWhatIsWrong(t *testing.T) {
	dir, _ := exportable(t)
	tests := map[string]struct{ file, says string }{
		"a file that is there":     {filepath.Join(dir, "enedis2mqtt.db"), "is there already"},
		"a folder that is nowhere": {filepath.Join(dir, "x", "y.db"), "no such file or directory"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			code, out, log := call(t, "backup", tc.file)
			require.Equal(t, exitFailure, code)
			require.Empty(t, out)
			require.Contains(t, log, tc.says)
		})
	}
	environ(t, map[string]string{"DATA_DIR": t.TempDir()})
	code, _, log := call(t, "backup")
	require.Equal(t, exitFailure, code)
	require.Contains(t, log, "there is no data of enedis2mqtt")
}
