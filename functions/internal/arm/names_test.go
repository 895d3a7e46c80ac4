package arm_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

func TestRoleAssignmentName(t *testing.T) {
	base := []string{"tenant", container, rbac.RoleBlobDataReader, principal, ""}
	of := func(p []string) string { return arm.RoleAssignmentName(p[0], p[1], p[2], p[3], p[4]) }

	// The value is fixed for ever: a new one for the same grant would leave the old assignment behind.
	assert.Equal(t, "64c1c24b-5487-5c16-8418-2aa893988841", of(base))
	parsed, err := uuid.Parse(of(base))
	require.NoError(t, err)
	assert.EqualValues(t, 5, parsed.Version())

	for i := range base {
		upper := append([]string{}, base...)
		upper[i] = strings.ToUpper(upper[i])
		assert.Equal(t, of(base), of(upper), "case of part %d", i)
		other := append([]string{}, base...)
		other[i] += "x"
		assert.NotEqual(t, of(base), of(other), "part %d", i)
	}
	slash := append([]string{}, base...)
	slash[1] += "/"
	assert.Equal(t, of(base), of(slash))
}

func TestScope(t *testing.T) {
	assert.Equal(t, container, arm.Scope(account, "images"))
	assert.Equal(t, container, arm.Scope(account+"/", "images"))
	assert.Equal(t, account, arm.Scope(account+"/", ""))
}

func TestIDsOfRolesAndAssignments(t *testing.T) {
	assert.Equal(t, roleID, arm.RoleDefinitionID("22222222-2222-4222-8222-222222222222", rbac.RoleBlobDataReader))
	assert.Equal(t, assignmentID, arm.RoleAssignmentID(container, name))
	assert.Equal(t, "ba92f5b4-2d11-453d-a403-e96b0029c9fe", rbac.RoleBlobDataContributor)
}
