package shell_test

import (
	"os/exec"
	"strings"
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

// TestOnlyPlainCharactersStayAsTheyAre: letters, digits and a few marks; all else may mean something to a shell, at
// the beginning of a word or within it.
func TestOnlyPlainCharactersStayAsTheyAre(t *testing.T) {
	t.Parallel()
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@-"
	assert.Equal(t, plain, shell.Quote(plain))
	for c := rune(1); c <= 0x17f; c++ {
		value := "x" + string(c)
		if strings.ContainsRune(plain, c) {
			assert.Equal(t, value, shell.Quote(value))
			continue
		}
		assert.NotEqual(t, value, shell.Quote(value), "%q", c)
	}
}
