package functions

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// platformBudgets are the lines that the platform's side may have, tests aside: nothing of it is proved by a real
// organisation yet, so it stays small.
var platformBudgets = []struct {
	lines   int
	folders []string
}{
	{2200, []string{"functions/internal/resource/platform", "functions/internal/ddoe"}},
	{100, []string{"functions/internal/resource/platformlook"}}, // it came with imports, after the budget
	{1400, []string{"infra/sandbox/platform"}},
}

// platformTestLines are the budgets of tests that are about the platform alone: those of the product, and the stories
// that are told end to end. The first was set when the product's had some 8,300 lines, stories not counted: 1,098 of
// the client, 6,981 of what provisioning did with it, 199 of the composition.
const (
	platformTestLines  = 4000
	platformStoryLines = 1000
)

const (
	// platformShare is one line in how many has to name the platform for a file of tests to be about it.
	platformShare = 6
	storyFolder   = "infra/sandbox/story"
)

// namesPlatform matches what names the platform; the module's own path and the prefix of its messages do not.
var (
	namesPlatform   = regexp.MustCompile(`(?i)ddoe|platform|dataloop`)
	namesThisModule = regexp.MustCompile(`github\.com/ddoe-ai|ai\.ddoe`)
)

// isPlatformTest reports whether a file of tests is about the platform alone: it is in the client's or the kinds'
// package, or it is called after the platform, or a good part of its lines names it.
func isPlatformTest(l listing) bool {
	if !l.isTest() || strings.HasPrefix(l.path, "infra/") && l.folder() != storyFolder ||
		strings.HasSuffix(l.path, "_architecture_test.go") {
		return false
	}
	lines := bytes.Count(l.text, []byte("\n"))
	named := 0
	for line := range bytes.Lines(l.text) {
		if namesPlatform.Match(namesThisModule.ReplaceAll(line, nil)) {
			named++
		}
	}
	return slices.Contains(platformBudgets[0].folders, l.folder()) || namesPlatform.MatchString(path.Base(l.path)) ||
		named*platformShare >= lines
}

// platformTests counts the lines of such tests, by file.
func platformTests(all []listing) (product, stories map[string]int) {
	product, stories = map[string]int{}, map[string]int{}
	for _, l := range all {
		counted := product
		if l.folder() == storyFolder {
			counted = stories
		}
		if isPlatformTest(l) {
			counted[l.path] = bytes.Count(l.text, []byte("\n"))
		}
	}
	return product, stories
}

func TestPlatformsSideKeepsItsBudget(t *testing.T) {
	t.Parallel()
	all := listings(t)
	for _, b := range platformBudgets {
		for _, folder := range b.folders {
			assert.Positive(t, linesOf(all, folder), "the search reads nothing any more: %s", folder)
		}
		assert.LessOrEqual(t, linesOf(all, b.folders...), b.lines, "lines of %v, tests aside", b.folders)
	}
	product, stories := platformTests(all)
	for _, file := range []string{"functions/internal/resource/platform/faults_test.go",
		"functions/internal/ddoe/client_test.go", "functions/ddoe_test.go",
		"functions/internal/provision/named_test.go",
		"functions/internal/resource/resourcetest/platform_test.go"} {
		assert.Contains(t, product, file, "the search reads nothing any more")
	}
	assert.Contains(t, stories, "infra/sandbox/story/table_platform_test.go", "the search reads nothing any more")
	assert.LessOrEqual(t, sum(product), platformTestLines, "lines of tests about the platform: %v", product)
	assert.LessOrEqual(t, sum(stories), platformStoryLines, "lines of stories about the platform: %v", stories)
	t.Logf("%d lines of tests, %d of stories", sum(product), sum(stories))
}

func sum(counts map[string]int) int {
	n := 0
	for _, count := range counts {
		n += count
	}
	return n
}

func TestThePlatformsPageIsShort(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "ddoe.md"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(page), "\n"), "\n")
	assert.LessOrEqual(t, len(lines), 60, "lines of docs/ddoe.md")
	for i, line := range lines {
		assert.LessOrEqual(t, utf8.RuneCountInString(line), maxColumn, "columns of docs/ddoe.md:%d", i+1)
	}
}

func TestTestsOfThePlatformAreRecognised(t *testing.T) {
	t.Parallel()
	filled := func(named, other int) string {
		return strings.Repeat("// The platform.\n", named) + strings.Repeat("// Graph.\n", other)
	}
	module9 := strings.Repeat("// github.com/ddoe-ai/azure-wif\n", 9)
	message9 := strings.Repeat("// ai.ddoe.wif.x\n", 9)
	for name, c := range map[string]struct {
		path, text string
		want       bool
	}{
		"of the client":                 {"functions/internal/ddoe/x_test.go", filled(0, 9), true},
		"of the kinds":                  {"functions/internal/resource/platform/x_test.go", filled(0, 9), true},
		"by its name":                   {"functions/ddoe_x_test.go", filled(0, 9), true},
		"by what it holds":              {"functions/internal/health/x_test.go", filled(2, 9), true},
		"one line more of other things": {"functions/internal/health/x_test.go", filled(2, 10), false},
		"the module's path":             {"functions/x_test.go", module9, false},
		"a message's type":              {"functions/x_test.go", message9, false},
		"a story":                       {"infra/sandbox/story/x_test.go", filled(9, 0), true},
		"of its stand-in":               {"infra/sandbox/platform/x_test.go", filled(9, 0), false},
		"no test":                       {"functions/internal/ddoe/x.go", filled(9, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, isPlatformTest(oneListing(t, c.path, c.text)[0]), fmt.Sprintf("%q", c.path))
		})
	}
}
