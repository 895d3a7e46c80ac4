package integration

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// foreign are characters that would mean something else in a URL or a store key, or that stand there in two forms:
// what is an id has none of them.
var foreign = []string{"é", "ß", "٣", "\\", "~", "/", "%", "?", "#", "&", "+", "*", "'", "\"", "@", ":", "`", "{", "[",
	"^", "|", " ", "\n", "\x00", "\u200b"}

// names are the kinds of names that become part of a URL or a store key: what may be one, and how long it may be.
var names = map[string]struct {
	is           func(string) bool
	least, most  int
	fine, faulty []string
}{
	"integration": {IsValidID, 3, 50, []string{"a-b", "0-9", "az0"}, []string{"-ab", "ab-", "a--b", "aBc",
		"a_b", "a.b"}},
	"operation": {IsValidOperationID, 1, 128, []string{"A", "z", "0", "9", "Z._-", "a..b"},
		[]string{".a", "_a", "-a"}},
	"platform": {func(id string) bool { return platformID("/x", "invalid-value", "", id) == nil }, 1, 0,
		[]string{"A", "z", "0", "9", "-", "_", "aZ"}, []string{"a.b", "."}},
}

func TestNamesHoldNothingForeign(t *testing.T) {
	t.Parallel()
	for kind, rule := range names {
		for _, name := range rule.fine {
			assert.True(t, rule.is(name), "%s %q", kind, name)
		}
		for _, name := range append([]string{""}, rule.faulty...) {
			assert.False(t, rule.is(name), "%s %q", kind, name)
		}
		for _, c := range foreign {
			for _, name := range []string{c + "abc", "ab" + c + "cd", "abc" + c} {
				assert.False(t, rule.is(name), "%s %q", kind, name)
			}
		}
	}
}

func TestNamesHaveTheirLength(t *testing.T) {
	t.Parallel()
	for kind, rule := range names {
		assert.True(t, rule.is(strings.Repeat("a", rule.least)), kind)
		assert.False(t, rule.is(strings.Repeat("a", rule.least-1)), kind)
		if rule.most > 0 {
			assert.True(t, rule.is(strings.Repeat("a", rule.most)), kind)
			assert.False(t, rule.is(strings.Repeat("a", rule.most+1)), kind)
		}
	}
}
