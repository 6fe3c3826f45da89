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
			letIn(t, dir)
			require.NoError(t, os.Chmod(dir, 0o555))
			before := filesOf(t, dir)

			other := exec.CommandContext(t.Context(), os.Args[0])
			other.Env = append(os.Environ(), tryToOpen+"="+dir)
			asOther(other)
			said, err := other.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(said), dir+" cannot be written (")
			require.Contains(t, string(said), "set DATA_DIR to another folder\n")
			require.Equal(t, before, filesOf(t, dir))
			require.NoError(t, os.Chmod(dir, 0o755)) // so that it can be removed
		})
	}
}

// TestAReaderWhoMayNotWrite reads as another user where the test is root's, and else in a folder that is closed to all.
func TestAReaderWhoMayNotWrite(t *testing.T) {
	tests := map[string]func(t *testing.T, dir string){
		"a store that was closed": func(t *testing.T, dir string) {
			t.Helper()
			filled(t, dir, options())
		},
		"a store whose process was killed": killed,
		"a store that is open": func(t *testing.T, dir string) {
			t.Helper()
			filled(t, dir, options())
			merge(t, open(t, dir), curve, halfHours(yesterday, 7))
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			require.NoError(t, os.Mkdir(dir, 0o755))
			prepare(t, dir)
			letIn(t, dir)
			require.NoError(t, os.Chmod(dir, 0o555))
			before := filesOf(t, dir)
			r := startReader(t, dir, asOther)
			require.Equal(t, "100", r.days(t))
			r.end(t)
			require.Equal(t, before, filesOf(t, dir))
			require.NoError(t, os.Chmod(dir, 0o755)) // so that it can be removed
		})
	}
}

// letIn opens the test's own folders above dir, which are closed to others.
func letIn(t *testing.T, dir string) {
	t.Helper()
	for d := filepath.Dir(dir); d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755)
	}
}

// asOther makes cmd another user's where the test is root's, whom no permission binds.
func asOther(cmd *exec.Cmd) {
	cmd.Path, cmd.Dir = "/proc/self/exe", "/" // the test binary lies in a closed folder
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}
