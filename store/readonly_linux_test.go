package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAFolderThatCannotBeWritten opens the store as a user who may not write there: another one where the test is root's,
// whom no permission binds.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	tests := map[string]func(t *testing.T, dir string){
		"an empty folder": func(*testing.T, string) {},
		"a folder with a store": func(t *testing.T, dir string) {
			t.Helper()
			filled(t, dir, options())
		},
		"a folder with a lock that all may write": func(t *testing.T, dir string) {
			t.Helper()
			filled(t, dir, options())
			require.NoError(t, os.Chmod(filepath.Join(dir, lockFile), 0o666))
			require.NoError(t, os.Chmod(filepath.Join(dir, databaseFile), 0o444))
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			require.NoError(t, os.Mkdir(dir, 0o755))
			prepare(t, dir)
			for d := filepath.Dir(dir); d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
				_ = os.Chmod(d, 0o755) // the test's own folders are closed to others
			}
			require.NoError(t, os.Chmod(dir, 0o555))
			before := filesOf(t, dir)

			other := exec.CommandContext(t.Context(), "/proc/self/exe") // the test binary lies in a closed folder
			other.Env = append(os.Environ(), tryToOpen+"="+dir)
			other.Dir = "/"
			if os.Getuid() == 0 {
				other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			said, err := other.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(said), dir+" cannot be written (")
			require.Contains(t, string(said), "set DATA_DIR to another folder\n")
			require.Equal(t, before, filesOf(t, dir))
			require.NoError(t, os.Chmod(dir, 0o755)) // so that it can be removed
		})
	}
}
