package main

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// changes lists the mutants of a function's body as "kind: before → after".
func changes(t *testing.T, signature, body string) []string {
	t.Helper()
	source := "package x\n\nimport \"fmt\"\n\n" + signature + " {\n" + body + "\n}\n"
	found, err := find("x.go", source)
	require.NoError(t, err)
	var list []string
	for _, m := range found {
		list = append(list, m.kind+": "+m.before+" → "+m.after)
		mutated := string(m.apply([]byte(source)))
		assert.Equal(t, strings.Count(source[:m.offset], "\n")+1, m.line)
		assert.NotEqual(t, source, mutated)
		_, err := parser.ParseFile(token.NewFileSet(), "x.go", mutated, 0)
		require.NoError(t, err, mutated)
	}
	return list
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signature, body string
		want            []string
	}{
		"conditions": {"func f(a, b bool)", "if a {}\nfor b {}\nfor {}",
			[]string{"negate: a → !(a)", "negate: b → !(b)"}},
		"operators": {"func f(a, b int)", "_, _ = a < b && a >= b, a == b || a > b; _, _ = a <= b, a != b", []string{
			"statement: _, _ = a < b && a >= b, a == b || a > b → if false { _, _ = a < b && a >= b, a == " +
				"b || a > b }",
			"swap: && → ||", "swap: < → <=", "swap: >= → >",
			"swap: || → &&", "swap: == → !=", "swap: > → >=",
			"statement: _, _ = a <= b, a != b → if false { _, _ = a <= b, a != b }",
			"swap: <= → <", "swap: != → ==",
		}},
		"numbers": {"func f()", "a := 7", []string{"number: 7 → (7 + 1)", "number: 7 → (7 - 1)"}},
		"texts": {"func f()", "a, b := `x`, \"\"", []string{
			"string: `x` → (`x` + \"~\")", "string: `x` → (\"\" + \"\")", "string: \"\" → (\"\" + \"~\")",
		}},
		"words of an error": {"func f()", "x := fmt.Errorf(\"words %q\", g(\"a\"))", []string{
			"string: \"a\" → (\"a\" + \"~\")", "string: \"a\" → (\"\" + \"\")",
		}},
		"statements": {"func f(c chan t)", "g()\nc <- d\ndefer g()\ngo g()\na.b = d\na.b++\nd := a", []string{
			"statement: g() → if false { g() }", "statement: c <- d → if false { c <- d }",
			"statement: defer g() → if false { defer g() }", "statement: go g() → if false { go g() }",
			"statement: a.b = d → if false { a.b = d }", "statement: a.b++ → if false { a.b++ }",
		}},
		"results": {"func f() (a, b t, _ error)", "return x, nil, y", []string{
			"return: x → func() (t) { if false { return x }; return *new(t) }()",
			"return: y → func() (error) { if false { return y }; return *new(error) }()",
		}},
		"results of one call": {"func f() (t, error)", "return g()", []string{
			"return: g() → func() (t, error) { if false { return g() }; return *new(t), *new(error) }()",
		}},
		"results of a function within": {"func f() string", "_ = func() bool { return true }\nreturn \"\"", []string{
			"statement: _ = func() bool { return true } → if false { _ = func() bool { return true } }",
			"return: true → !true", "string: \"\" → (\"\" + \"~\")",
		}},
		"no results": {"func f()", "return", nil},
		"cases": {"func f()", "switch a {\ncase b: d := c\ndefault:\n}\nselect {\ncase x := <-c:\ndefault:\n}",
			[]string{
				"case: case b: d := c → ", "case: case x := <-c: → ",
			}},
		"rows": {"func f()", "a := []t{x, y,\nz,\n}\nb := t{c: x}\nd := t{}", []string{
			"row: x,  → ", "row: , y → ", "row: ,\nz → ", "row: c: x → ",
		}},
		"branches": {"func f()", "for {\nbreak\ncontinue\nbreak a\n}", []string{
			"swap: break → continue", "swap: continue → break", "swap: break → continue",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, changes(t, c.signature, c.body))
		})
	}
}

func TestFindLeavesOutWhatIsNoCode(t *testing.T) {
	t.Parallel()
	found, err := find("x.go", "package x\nimport \"a\"\ntype t struct { b [2]int `json:\"b\"` }\nfunc f(a [2]int)\n")
	require.NoError(t, err)
	assert.Empty(t, found)
	_, err = find("x.go", "package x\nfunc {")
	assert.Error(t, err)
}
