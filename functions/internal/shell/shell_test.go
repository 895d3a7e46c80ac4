package shell_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/shell"
)

// TestAShellReadsWhatWasQuoted: one word, as it was, and plain values stay as they are.
func TestAShellReadsWhatWasQuoted(t *testing.T) {
	t.Parallel()
	for value, quoted := range map[string]string{"": "''", "api://X_y.z@1-2": "api://X_y.z@1-2", "-rf": "'-rf'",
		"two words": "'two words'", "it's": `'it'\''s'`, "$(id) `id` \"\\": "'$(id) `id` \"\\'", "a\nb": "'a\nb'"} {
		assert.Equal(t, quoted, shell.Quote(value))
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quoted).Output()
		require.NoError(t, err, quoted)
		assert.Equal(t, value, string(out))
	}
}
