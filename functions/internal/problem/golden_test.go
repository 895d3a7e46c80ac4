package problem_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheWordsOfARefusal, whole: a caller reads these words.
func TestTheWordsOfARefusal(t *testing.T) {
	t.Parallel()
	var is strings.Builder
	for _, name := range slices.Sorted(maps.Keys(refusals)) {
		c := refusals[name]
		method := c.method
		if method == "" {
			method = "PUT"
		}
		_, p := call(t, server(t, nil), method, c.target, c.body, c.header...)
		p.RequestID, p.Type, p.Title, p.Remedy = "", "", "", nil // of this request, and the catalogue's
		line, err := json.Marshal(p)
		require.NoError(t, err)
		is.WriteString(name + ": " + string(line) + "\n")
	}
	golden := filepath.Join("testdata", "refusals.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(is.String()), 0o600))
	}
	was, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(was), is.String())
}
