package enedistest

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// The rule of Conso API's script ipban.mjs: who makes so many requests in so long a time is banned for good. IPv6 addresses
// are counted by their /64.
const (
	ConsoBanCalls = 100
	ConsoBanSpan  = 12 * time.Hour
)

// consoCaller is an address and what it did.
type consoCaller struct {
	requests window
	banned   bool
}

// Requests is how many requests came, from whatever address.
func (c *ConsoAPI) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received
}

// Banned tells whether any address is banned.
func (c *ConsoAPI) Banned() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, caller := range c.callers {
		if caller.banned {
			return true
		}
	}
	return false
}

// banned counts a request, whatever its answer will be, and tells whether its address is banned.
func (c *ConsoAPI) banned(r *http.Request) bool {
	now, address := c.enedis.options.Now(), addressOf(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received++
	caller, known := c.callers[address]
	if !known {
		caller = &consoCaller{requests: window{span: ConsoBanSpan, limit: ConsoBanCalls}}
		c.callers[address] = caller
	}
	if caller.banned {
		return true
	}
	caller.requests.take(now)
	caller.banned = caller.requests.room(now) > 0
	return caller.banned
}

// addressOf is what a request is counted for; requests in memory have all the same address.
func addressOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 64
	if address = address.Unmap(); address.Is4() {
		bits = 32
	}
	prefix, _ := address.WithZone("").Prefix(bits) // both lengths are good
	return prefix
}

// anonymous tells whether the client keeps its name to itself.
func anonymous(r *http.Request) bool {
	name := r.Header.Get("User-Agent")
	return name == "" || strings.HasPrefix(name, "Go-http-client/")
}
