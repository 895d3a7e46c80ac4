package integration

import (
	"testing"

	"github.com/ddoe-ai/azure-wif/functions/internal/nametest"
)

// names are the kinds of names that become part of a URL or a store key: what may be one, and how long it may be.
var names = map[string]nametest.Rule{
	"integration": {IsValid: IsValidID, Least: 3, Most: 50, Fine: []string{"a-b", "0-9", "az0"},
		Faulty: []string{"-ab", "ab-", "a--b", "aBc", "a_b", "a.b"}},
	"operation": {IsValid: IsValidOperationID, Least: 1, Most: 128, Fine: []string{"A", "z", "0", "9", "Z._-", "a..b"},
		Faulty: []string{".a", "_a", "-a"}},
	"platform": {IsValid: func(id string) bool { return CheckPlatformID("/x", "invalid-value", "", id) == nil },
		Least: 1, Fine: []string{"A", "z", "0", "9", "-", "_", "aZ"}, Faulty: []string{"a.b", "."}},
}

func TestNames(t *testing.T) {
	t.Parallel()
	for kind, rule := range names {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			nametest.Try(t, rule)
		})
	}
}
