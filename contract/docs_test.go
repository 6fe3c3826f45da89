package contract_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
	"github.com/enedis2mqtt/enedis2mqtt/meter"
)

// row is a line of a table of docs/contract.md.
type row []string

// table reads the table below a heading of docs/contract.md, without its head.
func table(t *testing.T, heading string) []row {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "docs", "contract.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(body), "\n## "+heading+"\n")
	require.True(t, ok, "no heading %q", heading)
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []row
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var cells row
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	require.Greater(t, len(rows), 2)
	return rows[2:]
}

// codeTopics calls each method of Topics that names a topic, with the placeholders of the document for its parameters.
func codeTopics(t *testing.T) []string {
	t.Helper()
	placeholders := map[reflect.Type]reflect.Value{
		reflect.TypeFor[meter.PRM]():       reflect.ValueOf(meter.PRM("<pdl>")),
		reflect.TypeFor[meter.Direction](): reflect.ValueOf(meter.Direction("<dir>")),
		reflect.TypeFor[string]():          reflect.ValueOf("<command>"),
	}
	var names []string
	receiver := reflect.ValueOf(contract.Topics{Base: "<base>"})
	for _, method := range receiver.Methods() {
		if of := method.Type(); of.NumOut() != 1 || of.Out(0) != reflect.TypeFor[string]() {
			continue // ParseTopic, Commands
		}
		var arguments []reflect.Value
		for parameter := range method.Type().Ins() {
			value, ok := placeholders[parameter]
			require.True(t, ok, "no placeholder for %s", parameter)
			arguments = append(arguments, value)
		}
		names = append(names, method.Call(arguments)[0].String())
	}
	return names
}

func TestTheTableOfTopicsIsTheCodes(t *testing.T) {
	var documented []string
	retained := map[string]string{}
	for _, cells := range table(t, "Topics") {
		require.Len(t, cells, 4)
		topic := strings.Trim(cells[0], "`")
		documented = append(documented, topic)
		retained[topic] = cells[1]
		if link := regexp.MustCompile(`\]\((.*)\)`).FindStringSubmatch(cells[3]); link != nil {
			require.FileExists(t, filepath.Join("..", "docs", link[1]))
		}
	}
	require.ElementsMatch(t, codeTopics(t), documented)

	general := contract.Topics{Base: "<base>"}
	m := meterOf(t, run(t, "2026-11-01", "2026-11-21"), consumption, production)
	m.PRM = "<pdl>"
	docs := m.Documents(general, contract.French, instant(t, "2026-11-22T09:00:00+01:00"))
	docs = append(docs, contract.Bridge{}.Documents(general, nil)...)
	docs = append(docs,
		contract.Document{Topic: general.BridgeState(), Retain: true},
		contract.Document{Topic: general.Readings("<pdl>", consumption)},
		contract.Response{}.Document(general, "<command>"),
	)
	published := map[string]bool{}
	for _, doc := range docs {
		topic := strings.Replace(doc.Topic, "/consumption/", "/<dir>/", 1)
		topic = strings.Replace(topic, "/production/", "/<dir>/", 1)
		topic = strings.Replace(topic, "/<dir>/max_power", "/consumption/max_power", 1)
		require.Contains(t, retained, topic, "a document without a row")
		require.Equal(t, map[bool]string{true: "yes", false: "no"}[doc.Retain], retained[topic], topic)
		published[topic] = true
	}
	for topic, word := range retained {
		require.Equal(t, word == "–", !published[topic], "%s is for others to send", topic)
	}
}

func TestTheTableOfCommandsIsTheCodes(t *testing.T) {
	_, err := contract.ParseCommand("", nil)
	_, list, ok := strings.Cut(err.Error(), "want ")
	require.True(t, ok)
	var documented []string
	for _, cells := range table(t, "Commands") {
		require.Len(t, cells, 4)
		name := strings.Trim(cells[0], "`")
		documented = append(documented, name)
		for _, link := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(cells[3], -1) {
			require.FileExists(t, filepath.Join("..", "docs", link[1]))
			require.Contains(t, link[1], "-"+strings.ReplaceAll(name, "/", "-")+".schema.json")
		}
		payload := strings.NewReplacer("`", "", "?", "", `"prm"`, `"prm":null`).Replace(cells[1])
		for _, field := range regexp.MustCompile(`"([a-z]+)"`).FindAllStringSubmatch(payload, -1) {
			_, err := contract.ParseCommand(name, []byte(`{"`+field[1]+`":"?"}`))
			require.NotContains(t, err.Error(), "unknown field", "%s of %s", field[1], name)
		}
	}
	require.Equal(t, strings.Split(list, ", "), documented)
}

func TestTheTableOfReasonsIsTheCodes(t *testing.T) {
	want := []contract.Reason{
		contract.Storage, contract.Settings, contract.ConsentMissing, contract.ConsentExpired, contract.Quota,
		contract.SourceDown, contract.Waiting, contract.Starting, contract.Complete,
	}
	var documented []contract.Reason
	for _, cells := range table(t, "The light") {
		if len(cells) == 2 && strings.HasPrefix(cells[0], "`") {
			documented = append(documented, contract.Reason(strings.Trim(cells[0], "`")))
		}
	}
	require.Equal(t, want, documented)
}
