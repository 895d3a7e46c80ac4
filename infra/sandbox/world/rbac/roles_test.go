package rbac

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMatchesAction(t *testing.T) {
	for name, tc := range map[string]struct {
		pattern, action string
		want            bool
	}{
		"all":                   {"*", "anything/at/all", true},
		"exact":                 {"a/b/read", "a/b/read", true},
		"exact, longer":         {"a/b/read", "a/b/read/x", false},
		"suffix":                {"*/read", "a/b/c/read", true},
		"suffix, other":         {"*/read", "a/b/c/write", false},
		"prefix":                {"a/b/*", "a/b/c/read", true},
		"prefix, other":         {"a/b/*", "a/c/read", false},
		"in the middle":         {"a/*/write", "a/b/c/write", true},
		"two":                   {"a/*/c/*", "a/b/c/d", true},
		"two, wrong order":      {"a/*/d/*/c", "a/b/c/d", false},
		"parts must not share":  {"ab*ba", "aba", false},
		"star is possibly none": {"a/*b", "a/b", true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, isActionMatch(tc.pattern, tc.action)) })
	}
}
