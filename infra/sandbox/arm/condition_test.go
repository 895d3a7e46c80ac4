package arm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// What the deployed condition lets the app's identity write, and what not.
func TestWriteUnderTheDeployedCondition(t *testing.T) {
	for name, tc := range map[string]struct {
		scope, role, extra string
		status             int
	}{
		"reader":             {role: world.RoleBlobDataReader, extra: typed, status: 201},
		"contributor":        {role: world.RoleBlobDataContributor, extra: typed, status: 201},
		"for the container":  {scope: world.DataAccountID + "/blobServices/default/containers/images", role: world.RoleBlobDataReader, extra: typed, status: 201},
		"data owner":         {role: world.RoleBlobDataOwner, extra: typed, status: 403},
		"RBAC administrator": {role: world.RoleRBACAdministrator, extra: typed, status: 403},
		"to a user":          {role: world.RoleBlobDataReader, extra: `,"principalType":"User"`, status: 403},
		"type not given":     {role: world.RoleBlobDataReader, status: 403},
		"another group":      {scope: appGroupID, role: world.RoleBlobDataReader, extra: typed, status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			b := newConditionedBench(t)
			scope := world.DataAccountID
			if tc.scope != "" {
				scope = tc.scope
			}
			before := len(b.world.RoleAssignments())
			got := b.do("PUT", assignment(scope, one), grant(tc.role, b.principal, tc.extra))
			require.Equal(t, tc.status, got.status, got.raw)
			if tc.status == 201 {
				return
			}
			assert.Len(t, b.world.RoleAssignments(), before)
			assert.Equal(t, "AuthorizationFailed", got.text("error", "code"))
			assert.Equal(t, "The client '"+world.AppClientID+"' with object id '"+world.AppPrincipalID+"' does not have authorization or an ABAC condition not fulfilled"+
				" to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '"+assignment(scope, one)+"' or the scope is invalid."+
				" If access was recently granted, please refresh your credentials.", got.text("error", "message"))
		})
	}
}

// The condition on a deletion looks at what is there, not at the request.
func TestDeleteUnderTheDeployedCondition(t *testing.T) {
	for name, tc := range map[string]struct {
		role, principalType string
		status              int
	}{
		"reader":             {world.RoleBlobDataReader, "ServicePrincipal", 200},
		"contributor":        {world.RoleBlobDataContributor, "ServicePrincipal", 200},
		"data owner":         {world.RoleBlobDataOwner, "ServicePrincipal", 403},
		"somebody's reader":  {world.RoleBlobDataReader, "User", 403},
		"of unknown type":    {world.RoleBlobDataReader, "", 403},
		"nothing to protect": {"", "", 204},
	} {
		t.Run(name, func(t *testing.T) {
			b := newConditionedBench(t)
			if tc.role != "" {
				_, _, err := b.world.PutRoleAssignment(world.RoleAssignment{Name: one, Scope: world.DataAccountID, PrincipalID: nobody,
					PrincipalType: tc.principalType, RoleDefinitionID: world.RoleDefinitionID(world.SubscriptionID, tc.role)})
				require.NoError(t, err)
			}
			got := b.do("DELETE", assignment(world.DataAccountID, one), "")
			require.Equal(t, tc.status, got.status, got.raw)
			_, there := b.world.RoleAssignment(assignment(world.DataAccountID, one))
			assert.Equal(t, tc.status == 403, there)
			if tc.status == 403 {
				assert.Contains(t, got.text("error", "message"), "an ABAC condition not fulfilled to perform action 'Microsoft.Authorization/roleAssignments/delete'")
			}
		})
	}
}

// The app may not free itself: its own right is outside of what the condition allows.
func TestTheCallerCannotTouchItsOwnRight(t *testing.T) {
	b := newConditionedBench(t)
	for _, ra := range b.world.RoleAssignments() {
		if ra.Condition != "" {
			assert.Equal(t, 403, b.do("DELETE", ra.ID, "").status)
			assert.Equal(t, 403, b.do("PUT", ra.ID, grant(world.RoleRBACAdministrator, world.AppPrincipalID, typed)).status)
		}
	}
}
