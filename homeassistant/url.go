package homeassistant

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errPlain refuses to send a token in the clear over the internet.
var errPlain = errors.New("plain http is allowed to private and loopback addresses only: use https")

// Endpoint is the WebSocket address of the Home Assistant at an address as a browser has it, such as
// http://homeassistant.local:8123 or, for an add-on, http://supervisor/core. A path is kept: a proxy may want it. Errors are
// one sentence for people and do not show the address, which may hold a password.
//
// Plain http is allowed to private and loopback addresses alone, since the token travels in the clear. Of a name this is
// checked when its address is known, by Dial.
func Endpoint(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("want an address such as http://homeassistant.local:8123")
	case u.User != nil:
		return nil, errors.New("must not hold a user name or password")
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return nil, fmt.Errorf("scheme %q: want http or https", u.Scheme)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && u.Scheme == "ws" && !private(ip) {
		return nil, errPlain
	}
	u.Path, u.RawPath = socketPath(u), ""
	return u, nil
}

// socketPath completes the path. The Supervisor's proxy has the socket beside its /core/api, Home Assistant below /api.
func socketPath(u *url.URL) string {
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/websocket")
	path = strings.TrimSuffix(path, "/api")
	if u.Hostname() == "supervisor" && path == "/core" {
		return path + "/websocket"
	}
	return path + "/api/websocket"
}

// shared is the address space of carriers and of overlay networks such as Tailscale (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// private tells whether an address is of this machine, of a home or of an overlay network.
func private(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || shared.Contains(ip)
}

// localSuffixes are those of names that no public name server knows.
var localSuffixes = []string{".local", ".localhost", ".lan", ".home", ".home.arpa", ".internal"}

// localName tells whether a name is by its form one of the home: its address may then be any, for homes have global IPv6.
func localName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return !strings.ContainsAny(host, ".:") ||
		slices.ContainsFunc(localSuffixes, func(suffix string) bool { return strings.HasSuffix(host, suffix) })
}

// newHTTPClient makes the client of the handshake. It follows no redirect: the token would go wherever it points.
func newHTTPClient(u *url.URL) *http.Client {
	dialer := &net.Dialer{Timeout: callTimeout}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext}
	if u.Scheme == "ws" {
		transport.Proxy = nil
		if !localName(u.Hostname()) {
			dialer.ControlContext = refusePublic
		}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// refusePublic is asked for each address before it is connected to.
func refusePublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !private(to.Addr()) {
		return errPlain
	}
	return nil
}

// callTimeout is how long one question may take: every request outwards is given up after 30 s.
const callTimeout = 30 * time.Second
