package functions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vague are words that name no one thing: a function is named after what it does, a predicate isX.
var vague = regexp.MustCompile(`(?i)settle|shown|says|believed|world`)

// vagueNames are a file's own name, and those of its functions and types, that hold such a word.
func vagueNames(name string, file *ast.File) []string {
	var found []string
	note := func(name string) {
		if vague.MatchString(name) {
			found = append(found, name)
		}
	}
	note(name)
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncDecl:
			note(x.Name.Name)
		case *ast.TypeSpec:
			note(x.Name.Name)
		}
		return true
	})
	return found
}

// TestNamesArePlain in the app; a settled message is AMQP's own term, and the sandbox speaks AMQP.
func TestNamesArePlain(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if strings.HasPrefix(s.folder, "infra") || s.forTests() {
			continue
		}
		for name, file := range s.files {
			assert.Empty(t, vagueNames(name, file), s.folder)
		}
	}
	offender, err := parser.ParseFile(token.NewFileSet(), "x.go",
		"package x\ntype World struct{}\nfunc (w *World) unsettled() { type saysIt int }\nfunc fine(shown int) {}", 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"isShown.go", "World", "unsettled", "saysIt"}, vagueNames("isShown.go", offender))
}
