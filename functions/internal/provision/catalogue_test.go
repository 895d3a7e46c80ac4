package provision_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// TestCodesAreInTheCatalogue reads the source: a code that the catalogue does not know would lose its words.
func TestCodesAreInTheCatalogue(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			literal, ok := call.Args[0].(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING || !makesDiagnosis(call.Fun) {
				return true
			}
			code, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			_, known := diagnosis.Lookup(code)
			assert.True(t, known, "%s: %s", name, code)
			found++
			return true
		})
	}
	assert.Greater(t, found, 20)
}

func makesDiagnosis(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name == "refuse"
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && x.Name == "diagnosis" && f.Sel.Name == "New"
	default:
		return false
	}
}
