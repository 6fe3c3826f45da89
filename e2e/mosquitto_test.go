//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mosquitto is a real broker on a loopback port of its own. It may be stopped and started again on the same port.
type mosquitto struct {
	port string
	conf string // path of its configuration
	*process
}

// startMosquitto starts a broker; config holds the lines of its configuration beside the listener. Without any, anybody may
// come in, and it forgets everything when it stops.
func startMosquitto(t *testing.T, config ...string) *mosquitto {
	t.Helper()
	m := &mosquitto{port: freePort(t), conf: filepath.Join(t.TempDir(), "mosquitto.conf")}
	m.configure(t, config...)
	m.start(t)
	return m
}

// configure writes the configuration, which the next start reads.
func (m *mosquitto) configure(t *testing.T, config ...string) {
	t.Helper()
	if len(config) == 0 {
		config = []string{"allow_anonymous true"}
	}
	lines := append([]string{"user root", "listener " + m.port + " 127.0.0.1"}, config...)
	require.NoError(t, os.WriteFile(m.conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// persistent gives the lines of a configuration that keeps retained messages over a restart, and lets anybody in.
func persistent(t *testing.T) []string {
	t.Helper()
	return []string{"allow_anonymous true", "persistence true", "persistence_location " + t.TempDir() + "/"}
}

// passwordFile makes a file of users for the broker.
func passwordFile(t *testing.T, user, password string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "passwords")
	require.NoError(t, exec.CommandContext(t.Context(), "mosquitto_passwd", "-b", "-c", file, user, password).Run())
	return file
}

// start starts the broker after a stop.
func (m *mosquitto) start(t *testing.T) {
	t.Helper()
	m.process = launch(t, nil, "mosquitto", "-c", m.conf)
	await(t, "Mosquitto listens", 10*time.Second, func() error {
		c, err := net.Dial("tcp", "127.0.0.1:"+m.port)
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// stop ends the broker in peace, so that it keeps what it is configured to keep.
func (m *mosquitto) stop(t *testing.T) {
	t.Helper()
	require.Zero(t, m.process.stop(t), "exit code of Mosquitto")
}

func (m *mosquitto) url() string { return fmt.Sprintf("mqtt://127.0.0.1:%s", m.port) }
