package functions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Parts of words that tell the kinds of identity apart.
var (
	ofManaged       = []string{"identitymanaged", "inresourcegroup", `managedidentity`}
	ofDirectory     = []string{"identityapplication", "indirectory"}
	ofIdentityKinds = append([]string{"identitymanaged", "inresourcegroup", "isplaced"}, ofDirectory...)
)

// knowsIdentityKinds are the files and rooms that may use them: the list, the names and places that a kind has, the
// words of each way to look after an
// identity, what the directory knows of either, and the composition, which names each once. A kind names itself.
var knowsIdentityKinds = []string{"functions/internal/integration/identity_kinds.go",
	"functions/internal/integration/identity_names.go", "functions/internal/resolve/identity.go",
	"functions/internal/diagnosis/words/identity.go",
	"functions/internal/diagnosis/words.go", "functions/internal/resource/directorylook",
	"functions/internal/resource/application", "functions/internal/resource/managedidentity",
	"functions/resources.go"}

// TestAKindOfIdentityNamesNoOther, so that another one changes none of them.
func TestAKindOfIdentityNamesNoOther(t *testing.T) {
	t.Parallel()
	read := 0
	for _, s := range sources(t) {
		others := map[string][]string{"functions/internal/resource/application": ofManaged,
			"functions/internal/resource/managedidentity": ofDirectory}[s.folder]
		for name, file := range s.files {
			if others != nil {
				read++
				assert.Empty(t, wordsNamed(file, others), path.Join(s.folder, name))
			}
		}
	}
	assert.Greater(t, read, 5, "the search reads nothing any more")
}

// TestNobodyAsksWhichIdentityKind it is: each states of itself what others need.
func TestNobodyAsksWhichIdentityKind(t *testing.T) {
	t.Parallel()
	asks := map[string]bool{}
	for _, s := range sources(t) {
		for name, file := range s.files {
			at := path.Join(s.folder, name)
			found := slices.Concat(wordsNamed(file, ofIdentityKinds), kindsCompared(file))
			if len(found) == 0 || !strings.HasPrefix(at, "functions/") {
				continue
			}
			i := slices.IndexFunc(knowsIdentityKinds, func(room string) bool {
				return at == room || strings.HasPrefix(at, room+"/")
			})
			if assert.GreaterOrEqual(t, i, 0, "%s: %v", at, found) {
				asks[knowsIdentityKinds[i]] = true
			}
		}
	}
	assert.ElementsMatch(t, knowsIdentityKinds, slices.Collect(maps.Keys(asks)))
}

// kindsCompared are the kinds of identity that a file compares something with, as texts.
func kindsCompared(file *ast.File) []string {
	var found []string
	note := func(operands ...ast.Expr) {
		for _, operand := range operands {
			text, ok := operand.(*ast.BasicLit)
			if ok && slices.Contains([]string{`"managedIdentity"`, `"application"`}, text.Value) {
				found = append(found, text.Value)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			note(n.X, n.Y)
		case *ast.CaseClause:
			note(n.List...)
		}
		return true
	})
	return found
}

func TestComparisonsWithAKindAreSeen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`var is = kind == "managedIdentity"`:                                       1,
		`func f() { switch kind { case "application", "managedIdentity": } }`:      2,
		`var known = map[string]bool{"managedIdentity": true}`:                     0,
		`var is = kind == "deleted application" || words["managedIdentity"] != ""`: 0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "a.go", "package a\n"+text, 0)
		require.NoError(t, err)
		assert.Len(t, kindsCompared(file), want, text)
	}
}
