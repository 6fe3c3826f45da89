package discovery

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// TestNodeREDExamplesImport checks what Node-RED's import wants of a flow, and that each subscription meets a topic of ours.
func TestNodeREDExamplesImport(t *testing.T) {
	files, err := filepath.Glob("../examples/node-red/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			checkFlow(t, body)
		})
	}
}

// flowNode is what all nodes of a flow have, and what those that we use must have.
type flowNode struct {
	ID     string     `json:"id"`
	Type   string     `json:"type"`
	Tab    string     `json:"z"`
	Broker string     `json:"broker"` // of a broker its host, else the id of a broker
	Topic  string     `json:"topic"`
	Wires  [][]string `json:"wires"`
}

// coreNodes are the types of Node-RED's own nodes that the examples use.
var coreNodes = []string{
	"tab", "mqtt-broker", "mqtt in", "change", "split", "debug", "function", "delay", "file", "http request",
}

func checkFlow(t *testing.T, body []byte) {
	t.Helper()
	var nodes []flowNode
	require.NoError(t, json.Unmarshal(body, &nodes))
	hex16 := regexp.MustCompile(`^[0-9a-f]{16}$`)
	types := map[string]string{} // by id
	for _, n := range nodes {
		require.Regexp(t, hex16, n.ID)
		require.NotContains(t, types, n.ID, "two nodes with one id")
		require.Contains(t, coreNodes, n.Type, "core nodes alone")
		types[n.ID] = n.Type
	}
	for _, n := range nodes {
		if n.Type == "tab" || n.Type == "mqtt-broker" {
			continue
		}
		require.Equal(t, "tab", types[n.Tab], "%s is on no tab", n.ID)
		for _, output := range n.Wires {
			for _, target := range output {
				require.Contains(t, types, target, "%s is wired to nothing", n.ID)
			}
		}
		if n.Type == "mqtt in" {
			require.Equal(t, "mqtt-broker", types[n.Broker], "%s has no broker", n.ID)
			require.True(t, meetsATopic(n.Topic), "%s meets no topic", n.Topic)
		}
	}
	require.NotRegexp(t, `(?i)"(credentials|user|username|password)"`, string(body))
}

// meetsATopic tells whether a subscription without "#" matches a topic of a meter.
func meetsATopic(filter string) bool {
	topics := contract.Topics{Base: "enedis2mqtt"}
	pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(filter), `\+`, "[^/]+") + "$")
	return slices.ContainsFunc([]string{
		topics.State(prm), topics.Freshness(prm), topics.Late(prm), topics.Readings(prm, meter.Consumption),
	}, pattern.MatchString)
}
