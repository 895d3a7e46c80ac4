package functions

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// limited are the folders below the module's root whose code keeps the limits.
var limited = []string{"handler", "functions", "infra"}

const (
	maxMethods  = 30   // of a type
	maxPackage  = 3000 // lines of a package, tests aside
	maxFunction = 60   // lines of a function, literals within it included
	maxColumn   = 119  // of a line's last character
	tab         = 4    // columns of a tab
	maxWord     = 60   // characters of a word that excuses its line
)

// listing is a Go file, tests included.
type listing struct {
	path string // from the module's root, with slashes
	text []byte
	file *ast.File
	at   *token.FileSet
}

func newListing(path string, text []byte) (listing, error) {
	l := listing{path: path, text: text, at: token.NewFileSet()}
	var err error
	l.file, err = parser.ParseFile(l.at, path, text, parser.SkipObjectResolution)
	return l, err
}

// listings reads every Go file below the limited folders.
func listings(t *testing.T) []listing {
	t.Helper()
	var all []listing
	for _, root := range limited {
		err := filepath.WalkDir(filepath.Join("..", root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path) //nolint:gosec // a file of this module
			if err != nil {
				return err
			}
			l, err := newListing(strings.TrimPrefix(filepath.ToSlash(path), "../"), text)
			all = append(all, l)
			return err
		})
		require.NoError(t, err)
	}
	return all
}

func (l listing) folder() string { return l.path[:strings.LastIndexByte(l.path, '/')] }
func (l listing) isTest() bool   { return strings.HasSuffix(l.path, "_test.go") }

// lines is how many lines a part of the file has.
func (l listing) lines(n ast.Node) int {
	return l.at.Position(n.End()).Line - l.at.Position(n.Pos()).Line + 1
}

// receiver is the name of the type that a method belongs to, be it a pointer's or that of a generic type.
func receiver(of ast.Expr) string {
	switch x := of.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.ParenExpr:
		return receiver(x.X)
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	default:
		return ""
	}
}

// largeTypes names the types with too many methods. A package and its external tests are two packages.
func largeTypes(all []listing) []string {
	methods := map[string]int{}
	for _, l := range all {
		for _, d := range l.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && len(f.Recv.List) == 1 {
				methods[l.folder()+": "+l.file.Name.Name+"."+receiver(f.Recv.List[0].Type)]++
			}
		}
	}
	return above(maxMethods, methods)
}

// largePackages names the packages with too many lines.
func largePackages(all []listing) []string {
	lines := map[string]int{}
	for _, l := range all {
		if !l.isTest() {
			lines[l.folder()] += bytes.Count(l.text, []byte("\n"))
		}
	}
	return above(maxPackage, lines)
}

// longFunctions names the functions with too many lines; a literal outside of every function is one as well.
func longFunctions(all []listing) []string {
	lines := map[string]int{}
	for _, l := range all {
		ast.Inspect(l.file, func(n ast.Node) bool {
			switch f := n.(type) {
			case *ast.FuncDecl:
				lines[l.at.Position(f.Pos()).String()+": "+f.Name.Name] = l.lines(f)
				return false
			case *ast.FuncLit:
				lines[l.at.Position(f.Pos()).String()+": a literal"] = l.lines(f)
				return false
			default:
				return true
			}
		})
	}
	return above(maxFunction, lines)
}

// wideLines names the lines that do not end before column 120. A line that cannot be broken may be wider: one with a
// word of maxWord characters and more, such as a URL. The tag of a struct's field can be: its end goes to LongTags.
func wideLines(all []listing) []string {
	columns := map[string]int{}
	for _, l := range all {
		for i, line := range strings.Split(string(l.text), "\n") {
			isWord := func(word string) bool { return utf8.RuneCountInString(word) >= maxWord }
			if !slices.ContainsFunc(strings.Fields(line), isWord) {
				width := utf8.RuneCountInString(line) + (tab-1)*strings.Count(line, "\t")
				columns[fmt.Sprintf("%s:%d", l.path, i+1)] = width
			}
		}
	}
	return above(maxColumn, columns)
}

// above lists what has more than the limit.
func above(limit int, counts map[string]int) []string {
	var found []string
	for name, n := range counts {
		if n > limit {
			found = append(found, fmt.Sprintf("%s: %d", name, n))
		}
	}
	return found
}

func TestLimits(t *testing.T) {
	all := listings(t)
	require.Greater(t, len(all), 300, "the search reads nothing any more")
	assert.Empty(t, largeTypes(all), "methods of a type: at most %d", maxMethods)
	assert.Empty(t, largePackages(all), "lines of a package without tests: at most %d", maxPackage)
	assert.Empty(t, longFunctions(all), "lines of a function: at most %d", maxFunction)
	t.Run("columns", func(t *testing.T) {
		assert.Empty(t, wideLines(all), "columns of a line: at most %d", maxColumn)
	})
}

// linesOf counts the lines of the folders' files, tests aside.
func linesOf(all []listing, folders ...string) int {
	n := 0
	for _, l := range all {
		if !l.isTest() && slices.Contains(folders, l.folder()) {
			n += bytes.Count(l.text, []byte("\n"))
		}
	}
	return n
}

func TestLinesAreCountedWithoutTests(t *testing.T) {
	t.Parallel()
	all := oneListing(t, "functions/x/x.go", "\n\n")
	all = append(all, oneListing(t, "functions/x/x_test.go", "\n")...)
	all = append(all, oneListing(t, "functions/y/y.go", "\n")...)
	all = append(all, oneListing(t, "functions/x/z/z.go", "\n")...)
	assert.Equal(t, 3, linesOf(all, "functions/x"))
	assert.Equal(t, 5, linesOf(all, "functions/x", "functions/y"))
}

// oneListing is one file of a package x.
func oneListing(t *testing.T, path, text string) []listing {
	t.Helper()
	l, err := newListing(path, []byte("package x\n"+text))
	require.NoError(t, err)
	return []listing{l}
}

func TestLimitsCatchLargeTypes(t *testing.T) {
	methods := func(n int, receivers ...string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "func (%s) m%d() {}\n", receivers[i%len(receivers)], i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"of values and pointers": methods(31, "a", "v a", "*a", "v *a", "v *(a)"),
		"generic":                methods(31, "a[T]", "v *a[T]"),
		"generic in two":         methods(31, "a[K, V]", "v *a[K, V]"),
	} {
		for _, path := range []string{"functions/x/x.go", "functions/x/x_test.go"} {
			found := largeTypes(oneListing(t, path, text))
			assert.Equal(t, []string{"functions/x: x.a: 31"}, found, "%s in %s", name, path)
		}
	}
	full := methods(30, "a", "*a") + methods(30, "b") + "func f() {}"
	assert.Empty(t, largeTypes(oneListing(t, "functions/x/x.go", full)))
	two := oneListing(t, "functions/x/x.go", methods(16, "a"))
	two = append(two, oneListing(t, "functions/x/y.go", methods(15, "*a"))...)
	assert.Equal(t, []string{"functions/x: x.a: 31"}, largeTypes(two), "in two files")
	two[1].path = "functions/y/y.go"
	assert.Empty(t, largeTypes(two), "two types of one name")
}

func TestLimitsCatchLargePackages(t *testing.T) {
	text := strings.Repeat("\n", maxPackage-1)
	full := oneListing(t, "functions/x/x.go", text)
	assert.Empty(t, largePackages(full), "with the package clause it is full")
	assert.Empty(t, largePackages(append(full, oneListing(t, "functions/x/x_test.go", text)...)), "tests do not count")
	assert.Empty(t, largePackages(append(full, oneListing(t, "functions/x/y/y.go", "")...)), "another package")
	over := append(full, oneListing(t, "functions/x/y.go", "")...)
	assert.Equal(t, []string{"functions/x: 3001"}, largePackages(over))
	inSandbox := oneListing(t, "infra/sandbox/x/x.go", text+"\n")
	assert.Equal(t, []string{"infra/sandbox/x: 3001"}, largePackages(inSandbox), "the sandbox is no exception")
}

func TestLimitsCatchLongFunctions(t *testing.T) {
	body := func(lines int) string { return "{" + strings.Repeat("\n", lines-1) + "}\n" }
	for text, want := range map[string][]string{
		"func f() " + body(60):                                      nil,
		"// A comment.\n// Two.\nfunc f() " + body(60):              nil,
		"func f() " + body(61):                                      {"functions/x/x_test.go:2:1: f: 61"},
		"func (v *a[T]) f() " + body(61):                            {"functions/x/x_test.go:2:1: f: 61"},
		"func f() {\nfunc() " + strings.TrimSpace(body(59)) + "()}": nil,
		"func f() {\nfunc() " + strings.TrimSpace(body(60)) + "()}": {"functions/x/x_test.go:2:1: f: 61"},
		"var f = func() " + body(61):                                {"functions/x/x_test.go:2:9: a literal: 61"},
		"var f = map[int]int" + body(200):                           nil,
	} {
		assert.Equal(t, want, longFunctions(oneListing(t, "functions/x/x_test.go", text)), text)
	}
}

func TestLimitsCatchWideLines(t *testing.T) {
	words := func(width int) string {
		return strings.Repeat("ä ", width)[:3*(width/2)] + strings.Repeat("x", width%2)
	}
	word := func(width int) string { return strings.Repeat("x", width) }
	for text, isWide := range map[string]bool{
		"//" + words(117):              false,
		"//" + words(118):              true,
		"\t\t//" + words(109):          false,
		"\t\t//" + words(110):          true,
		"var _ = `" + words(110) + "`": true, // a text of several lines is no exception
		"//go:embed " + words(109):     true,

		"// " + words(56) + " " + word(60): false, // a word of this length excuses its line
		"// " + words(57) + " " + word(59): true,

		"type a struct{ b int `json:\"" + words(88) + "\"` }": true, // a tag does not
	} {
		found := wideLines(oneListing(t, "functions/x/x.go", text))
		if isWide {
			assert.Equal(t, []string{"functions/x/x.go:2: 120"}, found, text)
			continue
		}
		assert.Empty(t, found, text)
	}
}

func TestInterfacesAreSmall(t *testing.T) {
	for _, s := range sources(t) {
		for name, file := range s.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					if i, ok := spec.Type.(*ast.InterfaceType); ok {
						methods := 0
						for _, m := range i.Methods.List {
							methods += len(m.Names) // an embedded interface has none, and counts where it is declared
						}
						assert.LessOrEqual(t, methods, 4, "%s/%s: %s", s.folder, name, spec.Name.Name)
					}
				}
				return true
			})
		}
	}
}
