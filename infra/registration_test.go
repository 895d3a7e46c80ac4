package infra_test

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheRegistrationKnowsCallersAndGroups: its roles are those that the app reads, and tokens name groups, as owners
// and grants of the policy may be groups.
func TestTheRegistrationKnowsCallersAndGroups(t *testing.T) {
	t.Parallel()
	graph := readFile(t, "graph.bicep")
	var roles []string
	for _, found := range regexp.MustCompile(`value: '(Wif\.[A-Za-z]+)'`).FindAllStringSubmatch(graph, -1) {
		roles = append(roles, found[1])
	}
	read := readFile(t, filepath.Join("..", "functions", "internal", "caller", "caller.go"))
	var want []string
	for _, found := range regexp.MustCompile(`Role = "(Wif\.[A-Za-z]+)"`).FindAllStringSubmatch(read, -1) {
		want = append(want, found[1])
	}
	require.Len(t, want, 3)
	assert.Equal(t, want, roles)
	assert.Contains(t, graph, "groupMembershipClaims: 'SecurityGroup'")
	assert.Contains(t, graph, "appRoleAssignmentRequired: true", "nobody gets a token without a role")
	assert.Contains(t, graph, "signInAudience: 'AzureADMyOrg'", "nor does another tenant")
}
