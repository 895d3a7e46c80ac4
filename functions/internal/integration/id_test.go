package integration_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/redact"
)

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"abc": true, "a-b": true, "0-1-2": true, "my-service": true, strings.Repeat("a", 50): true,
		"": false, "ab": false, strings.Repeat("a", 51): false, "-ab": false, "ab-": false, "a--b": false,
		"Abc": false, "a_b": false, "a.b": false, "a/b": false, "a b": false, "äbc": false, "a\nb": false,
		"../x": false,
	} {
		assert.Equal(t, want, integration.IsValidID(id), "%q", id)
	}
}

func FuzzValidID(f *testing.F) {
	for _, seed := range []string{"my-service", "a--b", "-", "ab\n", "abc\x00", strings.Repeat("a-", 30)} {
		f.Add(seed)
	}
	rule := regexp.MustCompile(`\A[a-z0-9](-?[a-z0-9])*\z`)
	f.Fuzz(func(t *testing.T, id string) {
		assert.Equal(t, rule.MatchString(id) && len(id) >= 3 && len(id) <= 50, integration.IsValidID(id), "%q", id)
	})
}

func FuzzValidOperationID(f *testing.F) {
	for _, seed := range []string{"0f8fad5b-d9cb-469f-a165-70867728950e", "..", ".", "a/b", "a..b",
		strings.Repeat("a", 129), "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"} {
		f.Add(seed)
	}
	rule := regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\z`)
	f.Fuzz(func(t *testing.T, id string) {
		assert.Equal(t, rule.MatchString(id) && redact.Text(id) == id,
			integration.IsValidOperationID(id), "%q", id)
	})
}

// TestIDsAtTheirLimits, each character at each place.
func TestIDsAtTheirLimits(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "a": true,
		"": false, "A9z": true, "a.b_c-d": true, ".a": false, "_a": false, "-a": false, "a/b": false, "a~": false,
		"é": false, `a\b`: false, "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln": false} {
		assert.Equal(t, want, integration.IsValidOperationID(id), "%q", id)
	}
	for id, want := range map[string]bool{"a~b": false, `a\b`: false, "aéb": false, "0a9z": true, "a-9": true} {
		assert.Equal(t, want, integration.IsValidID(id), "%q", id)
	}
}
