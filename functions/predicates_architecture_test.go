package functions

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// predicate is a name that reads as a question: isReady, HasRole, canRead.
var predicate = regexp.MustCompile(`^([iI]s|[hH]as|[cC]an)[A-Z0-9]`)

// namedByOthers are the methods of interfaces that are not ours, each with the interface.
var namedByOthers = map[string]string{
	"Timeout":   "net.Error",
	"Temporary": "net.Error",
}

// misnamedPredicates are what a file declares that returns nothing but a bool, without the name of a question:
// functions, methods, those of an interface, and members and variables that hold a function.
func misnamedPredicates(file *ast.File) []string {
	var found []string
	note := func(name *ast.Ident, of ast.Expr) {
		t, isFunc := of.(*ast.FuncType)
		if !isFunc || t.Results == nil || t.Results.NumFields() != 1 || predicate.MatchString(name.Name) {
			return
		}
		if result, isPlain := t.Results.List[0].Type.(*ast.Ident); isPlain && result.Name == "bool" {
			found = append(found, name.Name)
		}
	}
	literal := func(name, value ast.Expr) {
		left, isName := name.(*ast.Ident)
		if right, isFunc := value.(*ast.FuncLit); isName && isFunc {
			note(left, right.Type)
		}
	}
	members := func(list *ast.FieldList) {
		for _, member := range list.List {
			for _, name := range member.Names {
				note(name, member.Type)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			note(n.Name, n.Type)
		case *ast.InterfaceType:
			members(n.Methods)
		case *ast.StructType:
			members(n.Fields)
		case *ast.ValueSpec:
			for i := range min(len(n.Names), len(n.Values)) {
				literal(n.Names[i], n.Values[i])
			}
		case *ast.AssignStmt:
			for i := range min(len(n.Lhs), len(n.Rhs)) {
				literal(n.Lhs[i], n.Rhs[i])
			}
		}
		return true
	})
	return found
}

// TestNamesOfPredicatesAreQuestions: what answers yes or no is called isX, hasX or canX, so that nobody takes it for
// something that acts.
func TestNamesOfPredicatesAreQuestions(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasPrefix(s.folder, "infra") {
			continue
		}
		for name, file := range s.files {
			for _, found := range misnamedPredicates(file) {
				_, isForeign := namedByOthers[found]
				assert.True(t, isForeign, "%s: %s", path.Join(s.folder, name), found)
				used[found] = true
			}
		}
	}
	for name, of := range namedByOthers {
		assert.True(t, used[name], "%s of %s is in the list, and nowhere else", name, of)
	}
}

func TestMisnamedPredicatesAreSeen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"func lets(in string) bool { return true }":                          {"lets"},
		"func (s *S) Reads() bool { return true }":                           {"Reads"},
		"func generic[T any](t T) bool { return true }":                      {"generic"},
		"type i interface { Concerns() bool; IsFine() bool }":                {"Concerns"},
		"type s struct { Applies func() bool; Fine bool }":                   {"Applies"},
		"var odd = func() bool { return true }":                              {"odd"},
		"func IsGood() bool { may := func() bool { return true }; _ = may }": {"may"},
		"func island() bool { return true }":                                 {"island"},
		"func find() (int, bool) { return 0, true }":                         nil,
		"func isA() bool; func HasB() bool; func can2() bool":                nil,
		"func tell(isIt func() bool) error { return nil }":                   nil,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "a.go", "package a\n"+text, 0)
		require.NoError(t, err)
		assert.Equal(t, want, misnamedPredicates(file), text)
	}
}
