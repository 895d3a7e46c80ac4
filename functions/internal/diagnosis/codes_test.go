package diagnosis

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// constants reads the constants of codes.go, by name.
func constants(t *testing.T) map[string]Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	found := map[string]Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			require.Len(t, spec.Values, 1)
			found[spec.Names[0].Name] = Code(literals(spec.Values...)[0])
		}
		return true
	})
	return found
}

// TestEachCodeHasOneConstantAndOneEntry, and is named as it is spelt.
func TestEachCodeHasOneConstantAndOneEntry(t *testing.T) {
	t.Parallel()
	names := map[Code]string{}
	for name, code := range constants(t) {
		assert.Empty(t, names[code], "%s has two constants", code)
		names[code] = name
		assert.Equal(t, "code"+strings.ReplaceAll(string(code), "-", ""), strings.ToLower(name))
		_, known := Lookup(code)
		assert.True(t, known, "%s is not in the catalogue", code)
	}
	for _, e := range Entries() {
		assert.NotEmpty(t, names[e.Code], "%s has no constant", e.Code)
	}
	assert.Len(t, Entries(), len(names))
}

// otherWords are texts that are spelt like a code and mean something else.
func otherWords() map[string][]string {
	return map[string][]string{
		"internal/integration/document.go":    {"deprovisioning"}, // a phase
		"internal/credential/field/tables.go": {"internal"},       // a suffix of host names
		"internal/ddoe/driver.go":             {"canceled"},       // a status of the platform's commands
	}
}

// composing are the files that make a code of a member's name and a rule's; their own tests hold each against the
// catalogue.
func composing() []string {
	return []string{"internal/diagnosis/catalogue_credential.go", "internal/credential/field/field.go",
		"internal/credential/field/ids.go", "internal/credential/rules_members.go"}
}

// TestNoCodeIsWrittenAsText reads the source: where a code belongs there is a constant, which a typing error keeps
// from being compiled.
func TestNoCodeIsWrittenAsText(t *testing.T) {
	t.Parallel()
	// What a client calls Code is a service's; the classification tables translate it.
	clients := []string{"arm", "blobstore", "bus", "ddoe", "entra", "graph", "policy"}
	read := 0
	inSource(t, func(path string, files *token.FileSet, n ast.Node) {
		read++
		if literal, ok := n.(*ast.BasicLit); ok && path != "internal/diagnosis/codes.go" {
			for _, text := range literals(literal) {
				_, isCode := Lookup(Code(text))
				assert.False(t, isCode && !slices.Contains(otherWords()[path], text), "%s: write the constant of %q",
					files.Position(n.Pos()), text)
			}
		}
		if call, ok := n.(*ast.CallExpr); ok && !slices.Contains(composing(), path) && converts(call) {
			_, isSum := call.Args[0].(*ast.BinaryExpr)
			assert.False(t, isSum, "%s: a code is composed", files.Position(n.Pos()))
		}
		if !slices.Contains(clients, filepath.Base(filepath.Dir(path))) && path != "internal/diagnosis/codes.go" {
			assert.Empty(t, textsFor(n), "%s: where a code belongs stands a text", files.Position(n.Pos()))
		}
	})
	assert.Greater(t, read, 10_000, "the search reads nothing any more")
}

// inSource visits each node of the handler's source, tests aside. Paths are relative to the folder functions.
func inSource(t *testing.T, visit func(path string, files *token.FileSet, n ast.Node)) {
	t.Helper()
	files := token.NewFileSet()
	root := filepath.Join("..", "..")
	for _, folder := range []string{root, filepath.Join(root, "..", "handler")} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			ast.Inspect(file, func(n ast.Node) bool {
				if n != nil {
					visit(filepath.ToSlash(relative), files, n)
				}
				return true
			})
			return err
		})
		require.NoError(t, err)
	}
}

// converts reports whether a call is a conversion to Code.
func converts(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name == "Code"
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && x.Name == "diagnosis" && f.Sel.Name == "Code"
	default:
		return false
	}
}

// TestTheSearchForTextsFinds keeps the search itself honest.
func TestTheSearchForTextsFinds(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		`diagnosis.New("role-mising")`: true, `refuse("role-mising")`: true, `Finding{Code: "role-mising"}`: true,
		`note(true, "role-mising")`:                true,
		`diagnosis.New(diagnosis.CodeRoleMissing)`: false, `errors.New("role-mising")`: false,
		`Error{Code: "AuthorizationFailed"}`: false,
	} {
		expression, err := parser.ParseExpr(source)
		require.NoError(t, err)
		found := false
		ast.Inspect(expression, func(n ast.Node) bool {
			found = found || len(textsFor(n)) > 0
			return true
		})
		assert.Equal(t, want, found, source)
	}
}

// textsFor are the texts that a node hands over where a code belongs: the first argument of a call of diagnosis.New,
// or of a helper named refuse or reject; a member Code or code of a literal; a constant named Code…; and what a
// helper named note or fault is given that has the form of a code.
func textsFor(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.CallExpr:
		return textsForCall(n)
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Code" || key.Name == "code") {
			return likeCodes(literals(n.Value))
		}
	case *ast.ValueSpec:
		if strings.HasPrefix(n.Names[0].Name, "Code") {
			return likeCodes(literals(n.Values...))
		}
	}
	return nil
}

func textsForCall(call *ast.CallExpr) []string {
	if call == nil {
		return nil
	}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); name == "New" && (!ok || x.Name != "diagnosis") {
			return nil
		}
	case *ast.Ident:
		name = f.Name
	}
	switch {
	case slices.Contains([]string{"New", "refuse", "reject"}, name) && len(call.Args) > 0:
		return literals(call.Args[0])
	case slices.Contains([]string{"note", "fault"}, name):
		return slices.DeleteFunc(likeCodes(literals(call.Args...)), func(text string) bool {
			return !strings.Contains(text,
				"-")
		})
	default:
		return nil
	}
}

// likeCodes keeps what has the form of a code; services' own codes have capitals.
func likeCodes(texts []string) []string {
	return slices.DeleteFunc(texts,
		func(text string) bool { return !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(text) })
}

// literals are the string literals among the expressions.
func literals(expressions ...ast.Expr) []string {
	var all []string
	for _, e := range expressions {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		if text, err := strconv.Unquote(literal.Value); err == nil && text != "" {
			all = append(all, text)
		}
	}
	return all
}
