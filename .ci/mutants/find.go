package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// mutant is one small change of a source file.
type mutant struct {
	file          string
	line, offset  int // of the first byte that is replaced
	kind          string
	before, after string
}

// apply returns the file with the change in it.
func (m mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.offset], []byte(m.after), source[m.offset+len(m.before):])
}

// finder collects the mutants of one file.
type finder struct {
	source  string
	at      *token.FileSet
	file    string
	results []*ast.FieldList // of the functions around the node, innermost last
	found   []mutant
}

// find lists the mutants of a file in the order of its text. Some of them may not compile.
func find(name, source string) ([]mutant, error) {
	f := &finder{source: source, at: token.NewFileSet(), file: name}
	parsed, err := parser.ParseFile(f.at, name, source, parser.SkipObjectResolution)
	if err == nil {
		f.walk(parsed)
	}
	return f.found, err
}

func (f *finder) walk(root ast.Node) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.ImportSpec, *ast.Field: // a field: types and tags
			return false
		case *ast.FuncDecl:
			return x.Body != nil && f.function(x.Type, x.Body)
		case *ast.FuncLit:
			return f.function(x.Type, x.Body)
		case *ast.CallExpr:
			return f.call(x)
		case ast.Stmt:
			f.statement(x)
		case *ast.BinaryExpr:
			f.swap(x.OpPos, x.Op)
		case *ast.BasicLit:
			f.literal(x)
		case *ast.CompositeLit:
			f.rows(x)
		}
		return true
	})
}

// swapped are operators and keywords that are easily taken for each other.
var swapped = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
	token.BREAK: token.CONTINUE, token.CONTINUE: token.BREAK,
}

func (f *finder) swap(at token.Pos, tok token.Token) {
	if other, ok := swapped[tok]; ok {
		f.add("swap", at, at+token.Pos(len(tok.String())), other.String())
	}
}

func (f *finder) statement(n ast.Stmt) {
	switch x := n.(type) {
	case *ast.IfStmt:
		f.negate(x.Cond)
	case *ast.ForStmt:
		f.negate(x.Cond)
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt:
		f.disable(n)
	case *ast.AssignStmt:
		if x.Tok != token.DEFINE {
			f.disable(x)
		}
	case *ast.ReturnStmt:
		f.returned(x)
	case *ast.CaseClause, *ast.CommClause:
		if !strings.HasPrefix(f.text(n), "default") {
			f.replace("case", n, "")
		}
	case *ast.BranchStmt:
		f.swap(x.TokPos, x.Tok)
	}
}

func (f *finder) negate(cond ast.Expr) {
	if cond != nil {
		f.replace("negate", cond, "!("+f.text(cond)+")")
	}
}

// disable has a statement never run. Its variables and imports are still used, so it compiles.
func (f *finder) disable(n ast.Node) { f.replace("statement", n, "if false { "+f.text(n)+" }") }

// function goes on in a body, where the results of the function are known.
func (f *finder) function(t *ast.FuncType, body *ast.BlockStmt) bool {
	f.results = append(f.results, t.Results)
	f.walk(body)
	f.results = f.results[:len(f.results)-1]
	return false
}

func (f *finder) literal(x *ast.BasicLit) {
	switch {
	case x.Kind == token.INT:
		f.replace("number", x, "("+x.Value+" + 1)")
		f.replace("number", x, "("+x.Value+" - 1)")
	case x.Kind == token.STRING:
		f.replace("string", x, "("+x.Value+` + "~")`)
		if len(x.Value) > len(`""`) {
			f.replace("string", x, `("" + "")`)
		}
	}
}

// wordings are calls whose literals are words for a person, on which no code may depend.
var wordings = map[string]bool{"errors.New": true, "fmt.Errorf": true, "panic": true}

// call leaves out the words of an error.
func (f *finder) call(x *ast.CallExpr) bool {
	if !wordings[f.text(x.Fun)] {
		return true
	}
	for _, a := range x.Args {
		if _, ok := a.(*ast.BasicLit); !ok {
			f.walk(a)
		}
	}
	return false
}

// rows removes elements of lists and maps, and fields of structs, one at a time.
func (f *finder) rows(x *ast.CompositeLit) {
	for i, e := range x.Elts {
		switch {
		case len(x.Elts) == 1:
			f.add("row", x.Lbrace+1, x.Rbrace, "")
		case i == 0:
			f.add("row", e.Pos(), x.Elts[1].Pos(), "")
		default:
			f.add("row", x.Elts[i-1].End(), e.End(), "")
		}
	}
}

// returned gives the zero value in place of each result.
func (f *finder) returned(x *ast.ReturnStmt) {
	var types []string
	if last := f.results[len(f.results)-1]; last != nil {
		for _, field := range last.List {
			types = append(types, slices.Repeat([]string{f.text(field.Type)}, max(1, len(field.Names)))...)
		}
	}
	switch {
	case len(types) > 1 && len(x.Results) == 1:
		f.zero(x.Results[0], types)
	case len(types) == len(x.Results):
		for i, r := range x.Results {
			f.zero(r, types[i:i+1])
		}
	}
}

// zero keeps the value in code that is never run: so its variables and imports are still used, and it compiles.
func (f *finder) zero(value ast.Expr, types []string) {
	text := f.text(value)
	switch {
	case text == "true" || text == "false":
		f.replace("return", value, "!"+text)
	case text == "nil" || text == "0" || text == `""` || strings.HasSuffix(text, "{}"):
	default:
		zeros := "*new(" + strings.Join(types, "), *new(") + ")"
		f.replace("return", value, fmt.Sprintf("func() (%s) { if false { return %s }; return %s }()",
			strings.Join(types, ", "), text, zeros))
	}
}

func (f *finder) replace(kind string, n ast.Node, text string) { f.add(kind, n.Pos(), n.End(), text) }

func (f *finder) add(kind string, start, end token.Pos, text string) {
	from := f.at.Position(start)
	before := f.source[from.Offset:f.at.Position(end).Offset]
	f.found = append(f.found, mutant{f.file, from.Line, from.Offset, kind, before, text})
}

func (f *finder) text(n ast.Node) string {
	return f.source[f.at.Position(n.Pos()).Offset:f.at.Position(n.End()).Offset]
}
