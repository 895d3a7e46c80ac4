// Package nametest tries the rules of names that become part of a URL or a store key.
package nametest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// foreign are characters that would mean something else in a URL or a store key, or that stand there in two forms:
// what is an id has none of them.
var foreign = []string{"é", "ß", "٣", "\\", "~", "/", "%", "?", "#", "&", "+", "*", "'", "\"", "@", ":", "`", "{",
	"[", "^", "|", " ", "\n", "\x00", "\u200b"}

// Rule is that of one kind of names.
type Rule struct {
	// IsValid reports whether a text may be such a name.
	IsValid func(string) bool
	// Least and Most are how many characters it may have; Most is 0 where the rule itself has no limit.
	Least, Most int
	// Fine and Faulty are names that the rule lets pass and refuses, whatever their length.
	Fine, Faulty []string
}

// Try holds a rule to its examples, to what no name may hold, and to its length.
func Try(t *testing.T, r Rule) {
	t.Helper()
	for _, name := range r.Fine {
		assert.True(t, r.IsValid(name), "%q", name)
	}
	for _, name := range append([]string{""}, r.Faulty...) {
		assert.False(t, r.IsValid(name), "%q", name)
	}
	for _, c := range foreign {
		for _, name := range []string{c + "abc", "ab" + c + "cd", "abc" + c} {
			assert.False(t, r.IsValid(name), "%q", name)
		}
	}
	assert.True(t, r.IsValid(strings.Repeat("a", r.Least)), "the shortest")
	assert.False(t, r.IsValid(strings.Repeat("a", r.Least-1)), "shorter")
	if r.Most > 0 {
		assert.True(t, r.IsValid(strings.Repeat("a", r.Most)), "the longest")
		assert.False(t, r.IsValid(strings.Repeat("a", r.Most+1)), "longer")
	}
}
