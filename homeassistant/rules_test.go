package homeassistant

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

func TestPlainConnections(t *testing.T) {
	for name, c := range map[string]struct {
		host    string
		address string
		allowed bool
	}{
		"a public name with a private address":     {"ha.example.org", "192.168.1.5:8123", true},
		"a public name with a public address":      {"ha.example.org", "93.184.216.34:8123", false},
		"a public name with a public address, 6":   {"ha.example.org", "[2606:2800:220:1::1]:8123", false},
		"a public name with a loopback address":    {"ha.example.org", "[::1]:8123", true},
		"a name of the home with a global address": {"homeassistant.local", "[2606:2800:220:1::1]:8123", true},
		"a name without dots":                      {"homeassistant", "93.184.216.34:8123", true},
		"a name of the home with a dot at its end": {"ha.home.arpa.", "[2606:2800:220:1::1]:8123", true},
		"a public IPv6 address is no local name":   {"2606:2800:220:1::1", "[2606:2800:220:1::1]:8123", false},
	} {
		t.Run(name, func(t *testing.T) {
			allowed := localName(c.host) || refusePublic(t.Context(), "tcp", c.address, nil) == nil
			require.Equal(t, c.allowed, allowed)
		})
	}
}

func TestStyleOf(t *testing.T) {
	for version, want := range map[string]style{
		"2025.10.4": legacy, "2024.12.0": legacy, "2025.9.0b1": legacy,
		"2025.11.0": modern, "2025.11.0b2": modern, "2025.12.0.dev202511010214": modern, "2026.2.3": modern, "2027.1": modern,
		"": modern, "next": modern,
	} {
		require.Equal(t, want, styleOf(version), version)
	}
}

func TestIDs(t *testing.T) {
	for id, ok := range map[ID]bool{
		"enedis2mqtt:09876543210987_consumption":      true,
		"enedis2mqtt:09876543210987_consumption_cost": true,
		"linky:09876543210987":                        false,
		"sensor.linky_0987":                           false,
		"enedis2mqtt:09876543210987__consumption":     false,
		"enedis2mqtt:09876543210987_":                 false,
		"enedis2mqtt:Consumption":                     false,
		"enedis2mqtt:":                                false,
		"xenedis2mqtt:09876543210987_consumption":     false,
	} {
		require.Equal(t, ok, id.check() == nil, string(id))
	}
	s := Series{PRM: "09876543210987", Direction: meter.Production}
	require.Equal(t, ID("enedis2mqtt:09876543210987_production"), s.ID())
	require.Equal(t, "enedis2mqtt:…0987_production", s.ID().Short())
	require.NotContains(t, ID("linky:09876543210987").check().Error(), "09876543210987")
}

func TestJoulesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := meter.Joules(rapid.Int64Range(0, 250e6*joulesPerKWh).Draw(t, "joules"))
		require.Equal(t, j, joules(kWh(j)))
	})
	require.InDelta(t, 0.0005, kWh(1800), 0)
}

func TestDifference(t *testing.T) {
	d := meter.NewDay(2026, 11, 21)
	rows := make([]Row, 6)
	for i := range rows {
		rows[i] = Row{Start: d.Start().Add(time.Duration(i) * time.Hour), State: 1, Sum: meter.Joules(i + 1)}
	}
	other := func(i int) []Row {
		changed := slices.Clone(rows)
		changed[i].State++
		return changed
	}
	require.Empty(t, difference(rows, rows))
	require.Empty(t, difference(nil, nil))
	require.Equal(t, rows, difference(rows, nil))
	require.Equal(t, rows[2:3], difference(rows, other(2)))
	require.Equal(t, rows[2:5], difference(rows, slices.Concat(rows[:2], rows[3:4], rows[5:])), "two are not there")
	require.Equal(t, rows[4:], difference(rows, rows[:4]))
}
