package problem_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

var update = flag.Bool("update", false, "write the golden file instead of comparing with it")

// TestStatusOfEveryCode: a released code keeps its status. A new code gets a line by -update.
func TestStatusOfEveryCode(t *testing.T) {
	golden := filepath.Join("testdata", "statuses.txt")
	var is strings.Builder
	for _, e := range diagnosis.Entries() {
		_, _ = fmt.Fprintf(&is, "%s %d\n", e.Code, problem.StatusOf(e.Code))
	}
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(is.String()), 0o600))
	}
	was, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(was), is.String())
	assert.Equal(t, 500, problem.StatusOf("no-such-code"))
}
