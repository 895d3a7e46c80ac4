package diagnosis

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pagesWithCommands are the pages for operators, from the root, and how many commands of az each has at least: a page
// whose commands are not found would pass.
func pagesWithCommands() map[string]int {
	return map[string]int{"README.md": 3, "docs/deploy.md": 40, "docs/operate.md": 30, "docs/security.md": 0,
		"infra/README.md": 0}
}

// quotedCommand is a command within a sentence; one with an ellipsis is no whole one.
var quotedCommand = regexp.MustCompile("`(az [^`…]+)`")

// shellComment is what a shell leaves out at the end of a line.
var shellComment = regexp.MustCompile(`(^|\s)#.*$`)

// commandsOfPage are the commands of az in the blocks and sentences of a page. A block's commands end with their line.
func commandsOfPage(text string) []string {
	var found []string
	inBlock := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inBlock = !inBlock
		case inBlock:
			for part := range strings.SplitSeq(shellComment.ReplaceAllString(line, ""), "&&") {
				found = append(found, commandsOf(strings.TrimSpace(part))...)
			}
		default:
			for _, quoted := range quotedCommand.FindAllStringSubmatch(line, -1) {
				found = append(found, commandsOf(quoted[1])...)
			}
		}
	}
	return slices.DeleteFunc(found, func(c string) bool { return !strings.HasPrefix(c, "az ") })
}

func readPage(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(page)))
	require.NoError(t, err)
	return string(text)
}

// TestEveryCommandOfThePagesCanRun: what a person copies from a page, az takes.
func TestEveryCommandOfThePagesCanRun(t *testing.T) {
	t.Parallel()
	known := azureCLI(t)
	for page, atLeast := range pagesWithCommands() {
		commands := commandsOfPage(readPage(t, page))
		assert.GreaterOrEqual(t, len(commands), atLeast, page)
		for _, command := range commands {
			assert.Empty(t, cannotRun(known, command), "%s: %s", page, command)
		}
	}
}

// TestCommandsOfAPageAreFound keeps the search itself honest.
func TestCommandsOfAPageAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a block": {"```sh\naz login\n```\naz is no command here\n", []string{"az login"}},
		"in a sentence": {"Where Bicep is missing: `az bicep install`. See `az … --help`.",
			[]string{"az bicep install"}},
		"a variable": {"```\napp=$(az account show --query id)\n```", []string{"az account show --query id"}},
		"one within another": {"```\naz rest -u \"$(az version)\"\n```",
			[]string{`az rest -u "output"`, "az version"}},
		"after another": {"```\nmake package && az login   # by the operator\n```", []string{"az login"}},
		"indented":      {"1. Do:\n\n   ```sh\n   az login\n   ```\n", []string{"az login"}},
		"a loop":        {"```\nfor x in a; do\n  az login\ndone\n```", []string{"az login"}},
	} {
		assert.Equal(t, c.want, commandsOfPage(c.text), name)
	}
}
