package discovery

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/contract"
)

const guide = "../docs/home-assistant.md"

// TestTheGuideListsTheEntities compares the tables of the guide with the code, row by row.
func TestTheGuideListsTheEntities(t *testing.T) {
	o := options(Device, contract.French)
	rows := func(entities []entity) [][]string {
		table := make([][]string, 0, len(entities))
		for _, e := range entities {
			table = append(table, []string{"`" + e.key + "`", e.Platform, e.DeviceClass, e.Unit, e.name.fr, e.name.en})
		}
		return table
	}
	require.Equal(t, rows(meterEntities(o.Topics, everything())), tableRows(t, guide, "### Of a meter"))
	require.Equal(t, rows(bridgeEntities(o.Topics, []string{"<source>"})), tableRows(t, guide, "### Of the bridge"))
}

// TestTheGuideNamesEntitiesThatExist keeps its examples working.
func TestTheGuideNamesEntitiesThatExist(t *testing.T) {
	body, err := os.ReadFile(guide)
	require.NoError(t, err)
	named := regexp.MustCompile(`\b(sensor|binary_sensor|button)\.linky_0987_[a-z_]+`).FindAllString(string(body), -1)
	require.NotEmpty(t, named)
	ids, err := os.ReadFile("testdata/ids.txt")
	require.NoError(t, err)
	for _, id := range named {
		require.Contains(t, string(ids), " "+id+"\n")
	}
}

// tableRows gives the cells of the rows whose first cell is code, below a heading and above the next one.
func tableRows(t *testing.T, path, heading string) [][]string {
	t.Helper()
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	_, section, found := strings.Cut(string(body), heading+"\n")
	require.True(t, found, "%s has no %s", path, heading)
	section, _, _ = strings.Cut(section, "\n#")
	var rows [][]string
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	return rows
}
