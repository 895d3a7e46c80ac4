package managedidentity

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// TestEveryIDMakesANameThatAzureTakes, the shortest and the longest one too.
// Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
func TestEveryIDMakesANameThatAzureTakes(t *testing.T) {
	t.Parallel()
	legal := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$`)
	const group = "/subscriptions/s/resourceGroups/g"
	names := map[string]bool{}
	for _, id := range []string{"abc", "0-9", "my-images", strings.Repeat("a", 49) + "b", strings.Repeat("a", 50)} {
		require.True(t, integration.IsValidID(id), id)
		wanted := New(nil, policy.Requests{}, "0123abcd").wanted(integration.Document{ID: id,
			Spec: integration.Spec{Identity: &integration.Identity{ResourceGroup: group}}})
		name, ok := strings.CutPrefix(wanted.Key,
			group+"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/")
		require.True(t, ok, wanted.Key)
		assert.Regexp(t, legal, name)
		assert.False(t, names[name], "%s is an identity's of its own", name)
		names[name] = true
	}
}
