package problem_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// TestIDsInPaths: taken up to the limit, and refused beyond it with the rule.
func TestIDsInPaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check    func(string) error
		code     diagnosis.Code
		good     []string
		bad      []string
		expected string
	}{
		"integration": {func(id string) error { return problem.IntegrationID(t.Context(), id) }, "invalid-id",
			[]string{"abc", "a-b", strings.Repeat("a", 50), "0a0"},
			[]string{"", "ab", strings.Repeat("a", 51), "a--b", "-ab", "ab-", "Abc", "a_b", "é23"},
			"3 to 50 characters: lower-case letters, digits, and single hyphens between them"},
		"operation": {problem.OperationPath, "invalid-operation-id",
			[]string{"a", "A.b_c-1", strings.Repeat("x", 128), "0"},
			[]string{"", strings.Repeat("x", 129), "-a", ".a", "a/b", "a b", "é"},
			"1 to 128 characters: letters, digits, dot, underscore and hyphen, beginning with a letter or digit"},
	} {
		for _, id := range c.good {
			assert.NoError(t, c.check(id), "%s %q", name, id)
		}
		for _, id := range c.bad {
			var p *problem.Problem
			require.ErrorAs(t, c.check(id), &p, "%s %q", name, id)
			assert.Equal(t, 400, p.Status)
			assert.Equal(t, c.code, p.Code)
			require.Len(t, p.Errors, 1)
			assert.Equal(t, diagnosis.Finding{Pointer: "/path/id", Code: c.code, Detail: p.Detail,
				Expected: c.expected},
				p.Errors[0])
		}
	}
}

// TestOperationHeader: one form of a GUID, in either case; each other form would be another operation for the same
// request.
func TestOperationHeader(t *testing.T) {
	t.Parallel()
	const id = "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"
	for sent, want := range map[string]string{"": "", id: id, strings.ToUpper(id): id} {
		got, err := problem.OperationHeader{OperationID: sent}.Operation()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, sent := range []string{"x", "urn:uuid:" + id, "{" + id + "}", strings.ReplaceAll(id, "-", ""), id + "0",
		id[1:], " " + id} {
		got, err := problem.OperationHeader{OperationID: sent}.Operation()
		var p *problem.Problem
		require.ErrorAs(t, err, &p, sent)
		assert.Empty(t, got)
		assert.Equal(t, 400, p.Status)
		require.Len(t, p.Errors, 1)
		assert.Equal(t, "/header/Operation-Id", p.Errors[0].Pointer)
		assert.Contains(t, p.Errors[0].Expected, "a GUID such as")
		assert.NotContains(t, p.Detail, sent, "a problem repeats no value")
	}
}

func TestEntityTag(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"": "", "0x1": `"0x1"`, `"0x1"`: `"0x1"`} {
		assert.Equal(t, want, problem.EntityTag(version))
	}
}

// TestContentEncodings: what is not compressed is said in two ways.
func TestContentEncodings(t *testing.T) {
	t.Parallel()
	for encoding, isTaken := range map[string]bool{"": true, "identity": true, "Identity": true, "gzip": false,
		"identity, gzip": false} {
		assert.Equal(t, isTaken, problem.Uncompressed(encoding) == nil, encoding)
	}
}
