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

// A knot is what is set after construction: a value needs another one that needs it, and one of them is whole too
// late.

// eachFunction calls visit with the body of each function that is declared in a file.
func eachFunction(file *ast.File, visit func(name string, body *ast.BlockStmt)) {
	for _, declaration := range file.Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok && f.Body != nil {
			visit(f.Name.Name, f.Body)
		}
	}
}

// isConstructor reports whether an expression calls New, or NewX, of this package or of another.
func isConstructor(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = strings.Replace(f.Name, "new", "New", 1)
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	return regexp.MustCompile(`^New($|[A-Z])`).MatchString(name)
}

// rootOf is the variable to which x, x.y, x.y[i] or *x belongs, and whether it is more than the variable itself.
func rootOf(e ast.Expr) (root *ast.Ident, isPart bool) {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x, isPart
		case *ast.SelectorExpr:
			e, isPart = x.X, true
		case *ast.IndexExpr:
			e, isPart = x.X, true
		case *ast.StarExpr:
			e, isPart = x.X, true
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil, false
		}
	}
}

// knots are the names of the variables of a file that are changed after a constructor has returned them, and of those
// that a function literal uses which are assigned after it.
func knots(file *ast.File) []string {
	var found []string
	eachFunction(file, func(name string, body *ast.BlockStmt) {
		made, used := map[any]bool{}, map[any]token.Pos{} // by variable
		ast.Inspect(body, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.FuncLit:
				noteOuter(x, used)
			case *ast.AssignStmt:
				for _, left := range x.Lhs {
					root, isPart := rootOf(left)
					if root == nil || root.Obj == nil {
						continue
					}
					if literal, ok := used[root.Obj]; isPart && made[root.Obj] || ok && x.Pos() > literal {
						found = append(found, name+": "+root.Name)
					}
				}
				if root, isPart := rootOf(x.Lhs[0]); root != nil && !isPart && isConstructor(x.Rhs[0]) {
					made[root.Obj] = true
				}
			}
			return true
		})
	})
	return found
}

// noteOuter notes the variables that a function literal uses and that are declared before it, with its end.
func noteOuter(literal *ast.FuncLit, used map[any]token.Pos) {
	ast.Inspect(literal.Body, func(n ast.Node) bool {
		x, ok := n.(*ast.Ident)
		if ok && x.Obj != nil && x.Obj.Kind == ast.Var && x.Obj.Pos() < literal.Pos() {
			if _, isKnown := used[x.Obj]; !isKnown {
				used[x.Obj] = literal.End()
			}
		}
		return true
	})
}

// TestTheCompositionTiesNoKnot: constructors check what they get, and nothing is set after construction.
func TestTheCompositionTiesNoKnot(t *testing.T) {
	t.Parallel()
	files := 0
	for _, s := range sources(t) {
		if s.folder == "functions" {
			for name, file := range s.files {
				files++
				assert.Empty(t, knots(file), name)
			}
		}
	}
	assert.Greater(t, files, 5)
}

func TestKnotsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body  string
		found []string
	}{
		"a field of what was made":  {`s, err := health.New(1); s.Sink = err`, []string{"f: s"}},
		"a field of a field":        {`s := newService(); s.a.b = 1`, []string{"f: s"}},
		"an element":                {`s := NewList(); s[0] = 1`, []string{"f: s"}},
		"what a pointer points to":  {`s := health.NewSink(); *s = 1`, []string{"f: s"}},
		"made by an assignment":     {`var s T; s, err = health.New(1); s.Sink = err`, []string{"f: s"}},
		"a closure over what comes": {`var s T; g := func() { s.Do() }; s = other(g)`, []string{"f: s"}},
		"a field that comes":        {`var s T; g := func() { s.Do() }; s.g = g`, []string{"f: s"}},
		"a closure within a call": {`var s T; w := health.New(func() { s.Do() }); s, err := x.New(w)`,
			[]string{"f: s"}},
		"a closure in a closure":        {`var s T; _ = func() { _ = func() { s.Do() } }; s = one`, []string{"f: s"}},
		"a closure over what is there":  {`s, err := health.New(1); use(func() { s.Do() }, err)`, nil},
		"assigned before":               {`var s T; s = one; use(func() { s.Do() })`, nil},
		"its own variable":              {`use(func() { s := 1; s = 2; use(s) }); s := 3; use(s)`, nil},
		"a literal's field":             {`s := T{}; s.a = 1`, nil},
		"another variable of that name": {`{ s := health.New(1); use(s) }; { s := T{}; s.a = 1 }`, nil},
		"what no constructor made":      {`s := renew(); s.a = 1`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() { "+c.body+" }", 0)
			require.NoError(t, err)
			assert.Equal(t, c.found, knots(file))
		})
	}
}
