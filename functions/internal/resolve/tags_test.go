package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTags: on both sides of each limit.
func TestTags(t *testing.T) {
	t.Parallel()
	many := func(n int) map[string]string {
		tags := map[string]string{}
		for i := range n {
			tags[fmt.Sprint("t", i)] = ""
		}
		return tags
	}
	for name, row := range map[string]struct {
		tags    map[string]string
		pointer string
	}{
		"none":           {nil, ""},
		"twenty":         {many(20), ""},
		"more":           {many(21), "/tags"},
		"name":           {map[string]string{strings.Repeat("a", 60) + "Z9._-"[1:]: "x: y/z ü"}, ""},
		"long name":      {map[string]string{strings.Repeat("a", 65): ""}, "/tags"},
		"no name":        {map[string]string{"": "x"}, "/tags"},
		"colon":          {map[string]string{"a:b": "x"}, "/tags"},
		"slash":          {map[string]string{"a/b": "x"}, "/tags"},
		"other letter":   {map[string]string{"tëam": "x"}, "/tags"},
		"value":          {map[string]string{"a": strings.Repeat("ü", 256)}, ""},
		"long value":     {map[string]string{"a": strings.Repeat("ü", 257)}, "/tags/a"},
		"control":        {map[string]string{"a": "x\ny"}, "/tags/a"},
		"blank at edges": {map[string]string{"a": " x"}, "/tags/a"},
		"secret": {map[string]string{"a": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJl"},
			"/tags/a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := valid()
			s.Tags = row.tags
			got, findings, err := defaults().Resolve(t.Context(), "my-service", s)
			require.NoError(t, err)
			assert.Equal(t, row.tags, got.Tags)
			if row.pointer == "" {
				assert.Empty(t, findings)
				return
			}
			require.Len(t, findings, 1)
			assert.Equal(t, row.pointer, findings[0].Pointer)
			assert.Equal(t, "invalid-value", string(findings[0].Code))
			assert.NotContains(t, findings[0].Actual, "eyJ")
		})
	}
}
