package files_test

import (
	"fmt"
	"os"
	"strconv"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// decimal writes watts as kW with a comma, as French tables do.
func decimal(watts int64) string { return fmt.Sprintf("%d,%03d", watts/1000, watts%1000) }

func watts(n int64) string { return strconv.FormatInt(n, 10) }

// rewrite puts other content into a file.
func rewrite(tb rapid.TB, path string, content []byte) {
	require.NoError(tb, os.WriteFile(path, content, 0o600))
}
