package homeassistant_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/homeassistant"
	"github.com/enedis2mqtt/enedis2mqtt/homeassistant/homeassistanttest"
)

func TestEndpoint(t *testing.T) {
	for name, c := range map[string]struct{ address, want string }{
		"at home":                     {"http://homeassistant.local:8123", "ws://homeassistant.local:8123/api/websocket"},
		"a slash at the end":          {"http://homeassistant.local:8123/", "ws://homeassistant.local:8123/api/websocket"},
		"a blank at the end":          {"http://192.168.1.5:8123 ", "ws://192.168.1.5:8123/api/websocket"},
		"over TLS":                    {"https://ha.example.org", "wss://ha.example.org/api/websocket"},
		"behind a proxy with a path":  {"https://example.org/home", "wss://example.org/home/api/websocket"},
		"the address of the API":      {"http://10.0.0.2:8123/api/", "ws://10.0.0.2:8123/api/websocket"},
		"the address of the socket":   {"ws://localhost:8123/api/websocket", "ws://localhost:8123/api/websocket"},
		"the Supervisor":              {"http://supervisor/core", "ws://supervisor/core/websocket"},
		"the Supervisor's own socket": {"ws://supervisor/core/websocket", "ws://supervisor/core/websocket"},
		"the Supervisor's API":        {"http://supervisor/core/api", "ws://supervisor/core/websocket"},
		"IPv6 at home":                {"http://[fd00::5]:8123", "ws://[fd00::5]:8123/api/websocket"},
		"an overlay network":          {"http://100.100.1.2:8123", "ws://100.100.1.2:8123/api/websocket"},
		"IPv4 in IPv6":                {"http://[::ffff:192.168.1.5]:8123", "ws://[::ffff:192.168.1.5]:8123/api/websocket"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := homeassistant.Endpoint(c.address)
			require.NoError(t, err)
			require.Equal(t, c.want, u.String())
		})
	}
	for name, c := range map[string]struct{ address, want string }{
		"nothing":              {"", "want an address"},
		"no scheme":            {"homeassistant.local:8123", "want an address"},
		"another scheme":       {"ftp://homeassistant.local", `scheme "ftp"`},
		"a password":           {"http://me:secret@192.168.1.5", "user name or password"},
		"a query":              {"http://192.168.1.5?token=secret", "want an address"},
		"plain to the world":   {"http://93.184.216.34:8123", "use https"},
		"plain to the world 6": {"http://[2606:2800:220:1::1]:8123", "use https"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := homeassistant.Endpoint(c.address)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestDialFollowsNoRedirect(t *testing.T) {
	ha := homeassistanttest.New(homeassistanttest.Options{})
	there := httptest.NewServer(ha)
	defer there.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(there.URL+"/api/websocket", http.StatusFound))
	defer elsewhere.Close()

	u, err := homeassistant.Endpoint(elsewhere.URL)
	require.NoError(t, err)
	_, err = homeassistant.Dial(t.Context(), u, homeassistanttest.Token, nil)
	require.ErrorContains(t, err, "302")
	require.Zero(t, ha.SignIns())
}
