package functions

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// namedTest is a test or a benchmark that a page names.
var namedTest = regexp.MustCompile("`((?:Test|Benchmark)[A-Z0-9][A-Za-z0-9_]*)`")

// TestThePageAboutTestsNamesWhatThereIs: a rule whose test has gone, or has another name, is held by nobody.
func TestThePageAboutTestsNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	for _, l := range listings(t) {
		for _, d := range l.file.Decls {
			if f, isFunc := d.(*ast.FuncDecl); isFunc && l.isTest() {
				declared[f.Name.Name] = true
			}
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "testing.md"))
	require.NoError(t, err)
	names := namedTest.FindAllStringSubmatch(string(page), -1)
	assert.Greater(t, len(names), 20, "the search reads nothing any more")
	for _, name := range names {
		assert.True(t, declared[name[1]], "docs/testing.md names %s, which is nowhere", name[1])
	}
}

// TestHollowTestsAreSeen: of each sort one that is refused, and its neighbour that is not.
func TestHollowTestsAreSeen(t *testing.T) {
	t.Parallel()
	const loop = "asserts in loops alone that may have no round"
	const positive = "asserts only what holds where nothing happens"
	for text, want := range map[string]string{
		`run()`:                            "asserts nothing",
		`t.Log(err.Error())`:               "asserts nothing",
		`helper(t)`:                        "",
		`if run() { t.Fatal("x") }`:        "",
		`require.NoError(t, client.Run())`: positive,
		`assert.Empty(t, got); assert.False(t, x.IsA())`:        positive,
		`assert.Empty(t, got); assert.Equal(t, 1, n)`:           "",
		`require.NoError(t, use(s))`:                            "",
		`for _, x := range rows() { assert.True(t, x) }`:        loop,
		`for _, x := range empty { assert.True(t, x) }`:         loop,
		`for _, x := range table { assert.True(t, x) }`:         "",
		`for _, x := range table[:1] { assert.True(t, x) }`:     "",
		`for _, x := range held(t) { assert.True(t, x) }`:       "",
		`for _, x := range cases() { assert.True(t, x) }`:       "",
		`for _, x := range []int{1} { assert.True(t, x) }`:      "",
		`for range n { assert.True(t, x) }`:                     loop,
		`for range len(a) + 1 { assert.True(t, x) }`:            "",
		`require.Len(t, a, 2); for range a { helper(t) }`:       "",
		`found := run(); for range found { helper(t) }`:         loop,
		`for range table { for range run() { helper(t) } }`:     loop,
		`for range run() { helper(t) }; assert.Equal(t, 1, n)`:  "",
		`found := append(a, 1); for range found { helper(t) }`:  "",
		`for range maps.Keys(table) { assert.Equal(t, 1, 1) }`:  "",
		`for range slices.Sorted(run()) { assert.True(t, ok) }`: loop,
	} {
		l, err := newListing("x/x_test.go", []byte(`package x
var table, empty = []int{1}, []int{}
func helper(t *testing.T) { t.Error() }
func held(t *testing.T) []int { require.NotEmpty(t, rows()); return rows() }
func cases() []int { all := []int{1}; return all }
func TestX(t *testing.T) { `+text+` }`))
		require.NoError(t, err, text)
		f, isFunc := l.file.Decls[len(l.file.Decls)-1].(*ast.FuncDecl)
		require.True(t, isFunc)
		assert.Equal(t, want, newTests([]listing{l}).faultOf(f), text)
	}
	l, err := newListing("x/x_test.go", []byte(`package x
func TestX(t *testing.T) {
	_ = client.Run()
	_, _ = client.Ask()
	_ = client.Run() // the peer has gone
	_ = connection.Close()
	_ = client.Run(f.Doom(ctx, 1))
	killedAnywhere(func() { _ = client.Run() })
	_, err := client.Ask()
}`))
	require.NoError(t, err)
	assert.Equal(t, []int{3, 4}, l.thrownAway())
}
