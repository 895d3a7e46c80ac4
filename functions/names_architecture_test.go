package functions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vague are words that name no one thing: a function is named after what it does, a predicate isX. Comments use the
// standard term as well. Texts for people are free: there "the platform says" is plain English.
var vague = regexp.MustCompile(`(?i)settle|shown|says|believe|world`)

// keptWords are what holds such a word on purpose: the constants of codes spell the code, which callers know, and a
// settled message is AMQP's own term.
var keptWords = []string{"CodeDDOECreateUnsettled", "the host settles them together"}

// vagueWords are what holds such a word: a file's name, its names of all sorts, and the lines of its comments.
func vagueWords(name string, file *ast.File) []string {
	found := map[string]bool{}
	note := func(text string) {
		isKept := slices.ContainsFunc(keptWords, func(kept string) bool { return strings.Contains(text, kept) })
		if vague.MatchString(text) && !isKept {
			found[strings.TrimSpace(text)] = true
		}
	}
	note(name)
	ast.Inspect(file, func(n ast.Node) bool {
		if name, isName := n.(*ast.Ident); isName {
			note(name.Name)
		}
		return true
	})
	for _, group := range file.Comments {
		for line := range strings.Lines(group.Text()) {
			note(line)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestNamesArePlain in the app. The sandbox has its own words: what /world shows is its world, by contract.
func TestNamesArePlain(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if strings.HasPrefix(s.folder, "infra") {
			continue
		}
		for name, file := range s.files {
			assert.Empty(t, vagueWords(name, file), path.Join(s.folder, name))
		}
	}
	offender, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
type World struct{ settled bool }
// isFine says so.
func (w *World) unsettled() { type saysIt int }
func fine(shown int) { believed := "the platform says no" }`, parser.ParseComments)
	require.NoError(t, err)
	assert.Equal(t, []string{"World", "believed", "isFine says so.", "isShown.go", "saysIt", "settled", "shown",
		"unsettled"}, vagueWords("isShown.go", offender))
}
