package problem_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// TestUnchanged: a strong tag of the body, compared as If-None-Match is.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	_, tag, _ := problem.Unchanged("", []byte("body"))
	_, other, _ := problem.Unchanged("", []byte("another"))
	assert.NotEqual(t, tag, other)
	assert.Regexp(t, `^"[0-9a-f]{32}"$`, tag)
	for sent, isSame := range map[string]bool{"": false, tag: true, "W/" + tag: true, other + ", " + tag: true,
		"*": true, other: false, tag[1 : len(tag)-1]: false} {
		status, got, left := problem.Unchanged(sent, []byte("body"))
		assert.Equal(t, tag, got)
		assert.Equal(t, isSame, status == 304, sent)
		assert.Equal(t, isSame, left == nil, sent)
	}
}
