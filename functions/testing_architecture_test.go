package functions

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// namedTest is a test or a benchmark that a page names.
var namedTest = regexp.MustCompile("`((?:Test|Benchmark)[A-Z0-9][A-Za-z0-9_]*)`")

// TestThePageAboutTestsNamesWhatThereIs: a rule whose test has gone, or has another name, is held by nobody.
func TestThePageAboutTestsNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	for _, l := range listings(t) {
		for _, d := range l.file.Decls {
			if f, isFunc := d.(*ast.FuncDecl); isFunc && l.isTest() {
				declared[f.Name.Name] = true
			}
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "testing.md"))
	require.NoError(t, err)
	names := namedTest.FindAllStringSubmatch(string(page), -1)
	assert.Greater(t, len(names), 20, "the search reads nothing any more")
	for _, name := range names {
		assert.True(t, declared[name[1]], "docs/testing.md names %s, which is nowhere", name[1])
	}
}
