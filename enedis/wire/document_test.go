package wire

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSourcesDocumentNamesTestsThatExist looks for each test that docs/sources.md names in the package of its row.
func TestSourcesDocumentNamesTestsThatExist(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "sources.md"))
	require.NoError(t, err)
	tests := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`")
	found := 0
	for line := range strings.Lines(string(document)) {
		row := regexp.MustCompile("^\\| `enedis/([a-z]+)` \\|").FindStringSubmatch(line)
		if row == nil {
			require.NotRegexp(t, tests, line, "a test without its package")
			continue
		}
		code := codeOf(t, row[1])
		for _, name := range tests.FindAllStringSubmatch(line, -1) {
			require.Contains(t, code, "\nfunc "+name[1]+"(", row[1])
			found++
		}
	}
	require.Positive(t, found)
}

// codeOf is that of all tests of a package below enedis.
func codeOf(t *testing.T, name string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", name, "*_test.go"))
	require.NoError(t, err)
	var code strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		code.Write(text)
	}
	return code.String()
}
