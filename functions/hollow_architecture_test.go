package functions

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// passesOnNothing are the assertions that hold where nothing happens at all.
var passesOnNothing = []string{"NoError", "Nil", "Empty", "Zero", "False", "NotContains", "NotRegexp"}

// failing are the methods of testing.T that end a test as failed.
var failing = []string{"Error", "Errorf", "Fail", "FailNow", "Fatal", "Fatalf"}

// writers write to what does not fail, or to where the peer may have gone: their errors state nothing of the product.
var writers = []string{"Close", "Copy", "Encode", "Fprint", "Fprintf", "Fprintln", "Serve", "Write", "WriteString",
	"WriteTo"}

// tests are the functions of one folder, as far as names state what they do. What the product has may be missing: only
// what is written down in a test, or asserted, is there for certain.
type tests struct {
	asserting map[string]bool // functions that assert, or call one that does
	filled    map[string]bool // variables of the folder, and "calls()", that hold at least one element
}

func newTests(files []listing) *tests {
	ts := &tests{asserting: map[string]bool{}, filled: map[string]bool{}}
	functions := map[string][]*ast.FuncDecl{}
	for _, l := range files {
		if !l.isTest() && !strings.HasSuffix(l.folder(), "test") {
			continue
		}
		ts.note(l.file.Decls, ts.filled)
		for _, d := range l.file.Decls {
			if f, isFunc := d.(*ast.FuncDecl); isFunc && f.Body != nil {
				functions[f.Name.Name] = append(functions[f.Name.Name], f)
			}
		}
	}
	for known := -1; known < len(ts.asserting)+len(ts.filled); {
		known = len(ts.asserting) + len(ts.filled)
		for name, all := range functions {
			for _, f := range all {
				if calls := ts.assertions(f.Body, nil); len(calls) > 0 {
					ts.asserting[name] = true
				}
				if ts.returnsSome(f) {
					ts.filled[name+"()"] = true
				}
			}
		}
	}
	return ts
}

// note adds the variables that declarations give at least one element.
func (ts *tests) note(declarations []ast.Decl, filled map[string]bool) {
	for _, d := range declarations {
		general, isGeneral := d.(*ast.GenDecl)
		if !isGeneral {
			continue
		}
		for _, spec := range general.Specs {
			if v, isValue := spec.(*ast.ValueSpec); isValue {
				for i := range min(len(v.Names), len(v.Values)) {
					filled[v.Names[i].Name] = filled[v.Names[i].Name] || ts.isFilled(v.Values[i], filled)
				}
			}
		}
	}
}

// returnsSome reports whether what a function returns has an element: it is written down, or asserted.
func (ts *tests) returnsSome(f *ast.FuncDecl) bool {
	for _, call := range ts.assertions(f.Body, nil) {
		if slices.Contains([]string{"NotEmpty", "Len", "Greater"}, called(call)) {
			return true
		}
	}
	if len(f.Body.List) == 0 {
		return false
	}
	filled := ts.filledIn(f)
	last, isReturn := f.Body.List[len(f.Body.List)-1].(*ast.ReturnStmt)
	return isReturn && len(last.Results) == 1 && ts.isFilled(last.Results[0], filled)
}

// filledIn are the variables that have an element in a function.
func (ts *tests) filledIn(f *ast.FuncDecl) map[string]bool {
	filled := maps.Clone(ts.filled)
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.DeclStmt:
			ts.note([]ast.Decl{n.Decl}, filled)
		case *ast.AssignStmt:
			for i := range min(len(n.Lhs), len(n.Rhs)) {
				_, isElement := n.Lhs[i].(*ast.IndexExpr)
				filled[root(n.Lhs[i])] = filled[root(n.Lhs[i])] || isElement || ts.isFilled(n.Rhs[i], filled)
			}
		case *ast.RangeStmt: // what a row holds is written down with it
			if ts.isFilled(n.X, filled) && n.Value != nil {
				filled[root(n.Value)] = true
			}
		case *ast.CallExpr:
			if name := called(n); (name == "NotEmpty" || name == "Len") && len(n.Args) > 1 {
				filled[root(n.Args[1])] = true
				if call, isCall := n.Args[1].(*ast.CallExpr); isCall {
					filled[called(call)+"()"] = true
				}
			}
		}
		return true
	})
	return filled
}

// root is the name that an expression begins with: f of f.t and of f[0].
func root(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return root(x.X)
	case *ast.IndexExpr:
		return root(x.X)
	case *ast.SliceExpr:
		return root(x.X)
	}
	return ""
}

// called is the last name of what is called.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.IndexExpr:
		return root(f)
	}
	return ""
}

// assertions are the calls in a node that can fail a test, but for those in loops that may have no round.
func (ts *tests) assertions(in ast.Node, filled map[string]bool) []*ast.CallExpr {
	var found []*ast.CallExpr
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			return filled == nil || ts.isFilled(n.X, filled) || filled[root(n.X)]
		case *ast.CallExpr:
			if ts.isAssertion(n) {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

func (ts *tests) isAssertion(call *ast.CallExpr) bool {
	name := called(call)
	if method, isMethod := call.Fun.(*ast.SelectorExpr); isMethod {
		on, isName := method.X.(*ast.Ident)
		switch {
		case isName && (slices.Contains([]string{"assert", "require", "goleak", "rapid"}, on.Name) ||
			strings.HasSuffix(on.Name, "test")):
			return true
		case isName && slices.Contains([]string{"t", "tb", "b", "f"}, on.Name) && slices.Contains(failing, name):
			return true
		case isName && on.Name == "t":
			return false
		}
		if field, isField := method.X.(*ast.SelectorExpr); isField && field.Sel.Name == "t" {
			return slices.Contains(failing, name)
		}
	}
	return ts.asserting[name]
}

// isFilled reports whether an expression has an element for certain, or is a number above zero.
func (ts *tests) isFilled(e ast.Expr, filled map[string]bool) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return len(e.Elts) > 0
	case *ast.BasicLit:
		return e.Value != "0" && e.Value != `""`
	case *ast.BinaryExpr:
		return e.Op == token.ADD && (ts.isFilled(e.X, filled) || ts.isFilled(e.Y, filled))
	case *ast.Ident:
		return filled[e.Name]
	case *ast.SliceExpr:
		return ts.isFilled(e.X, filled)
	case *ast.CallExpr:
		if len(e.Args) == 0 {
			return filled[called(e)+"()"]
		}
		if on, isMethod := e.Fun.(*ast.SelectorExpr); isMethod &&
			slices.Contains([]string{"maps", "slices", "strings"}, root(on.X)) {
			return ts.isFilled(e.Args[0], filled) || on.Sel.Name == "Split" || on.Sel.Name == "SplitSeq"
		}
		_, isConversion := e.Fun.(*ast.ArrayType)
		return called(e) == "append" || filled[called(e)+"()"] || isConversion && ts.isFilled(e.Args[0], filled)
	}
	return false
}

// faultOf is why a test can pass where nothing happens; empty where it cannot.
func (ts *tests) faultOf(f *ast.FuncDecl) string {
	all := ts.assertions(f.Body, nil)
	if len(all) == 0 {
		return "asserts nothing"
	}
	if len(ts.assertions(f.Body, ts.filledIn(f))) == 0 {
		return "asserts in loops alone that may have no round"
	}
	if slices.ContainsFunc(all, needsSomething) {
		return ""
	}
	return "asserts only what holds where nothing happens"
}

// needsSomething reports whether an assertion fails where nothing happens. That a function of the test's own has no
// error is of that sort.
func needsSomething(assertion *ast.CallExpr) bool {
	on, isMethod := assertion.Fun.(*ast.SelectorExpr)
	if !isMethod || !slices.Contains([]string{"assert", "require"}, root(on.X)) ||
		!slices.Contains(passesOnNothing, called(assertion)) {
		return true
	}
	call, isCall := assertion.Args[len(assertion.Args)-1].(*ast.CallExpr)
	if !isCall {
		return false
	}
	_, isOwn := call.Fun.(*ast.Ident)
	return isOwn && called(assertion) == "NoError"
}

// thrownAway are the lines of a test file that drop all that a call returns, without a comment that tells why. What a
// process does while it is killed is nobody's to look at.
func (l listing) thrownAway() (lines []int) {
	text := strings.Split(string(l.text), "\n")
	ast.Inspect(l.file, func(n ast.Node) bool {
		if call, isCall := n.(*ast.CallExpr); isCall && strings.HasPrefix(called(call), "killed") {
			return false
		}
		a, isAssignment := n.(*ast.AssignStmt)
		if !isAssignment || len(a.Rhs) != 1 ||
			slices.ContainsFunc(a.Lhs, func(e ast.Expr) bool { return root(e) != "_" }) {
			return true
		}
		call, isCall := a.Rhs[0].(*ast.CallExpr)
		if !isCall || slices.Contains(writers, called(call)) || slices.ContainsFunc(call.Args, isDoomed) {
			return true
		}
		if line := l.at.Position(a.Pos()).Line; !strings.Contains(text[line-1], "//") {
			lines = append(lines, line)
		}
		return true
	})
	return lines
}

// isDoomed reports whether an argument is the context of a process that is killed on the way.
func isDoomed(e ast.Expr) bool {
	call, isCall := e.(*ast.CallExpr)
	return isCall && called(call) == "Doom"
}

// TestNoTestPassesOnNothing: each test asserts something that needs the product to do something, and does so at least
// once.
func TestNoTestPassesOnNothing(t *testing.T) {
	t.Parallel()
	folders := map[string][]listing{}
	all := listings(t)
	for _, l := range all {
		folders[l.folder()] = append(folders[l.folder()], l)
	}
	known, seen := map[string]*tests{}, 0
	for folder, files := range folders {
		known[folder] = newTests(files)
	}
	for _, l := range all {
		if !l.isTest() {
			continue
		}
		isOfSandbox := strings.HasPrefix(l.path, "infra/") // whose tests play peers that go away
		assert.True(t, isOfSandbox || len(l.thrownAway()) == 0,
			"%s:%v: what a call returned is dropped, and no comment tells why", l.path, l.thrownAway())
		for _, d := range l.file.Decls {
			if f, isFunc := d.(*ast.FuncDecl); isFunc && isTestFunction(f) {
				seen++
				assert.Empty(t, known[l.folder()].faultOf(f), "%s: %s", l.path, f.Name.Name)
			}
		}
	}
	assert.Greater(t, seen, 1500, "the search reads nothing any more")
}

func isTestFunction(f *ast.FuncDecl) bool {
	return f.Recv == nil && f.Body != nil && f.Name.Name != "TestMain" &&
		(strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz"))
}
