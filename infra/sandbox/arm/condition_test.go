package arm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// What the deployed condition lets the app's identity write, and what not.
func TestWriteUnderTheDeployedCondition(t *testing.T) {
	for name, tc := range map[string]struct {
		scope, role, extra, to string
		status                 int
	}{
		"reader":      {role: rbac.RoleBlobDataReader, extra: typed, status: 201},
		"contributor": {role: rbac.RoleBlobDataContributor, extra: typed, status: 201},
		"for the container": {scope: world.DataAccountID + "/blobServices/default/containers/images",
			role: rbac.RoleBlobDataReader, extra: typed, status: 201},
		"data owner":         {role: rbac.RoleBlobDataOwner, extra: typed, status: 403},
		"RBAC administrator": {role: rbac.RoleRBACAdministrator, extra: typed, status: 403},
		"to a user":          {role: rbac.RoleBlobDataReader, extra: `,"principalType":"User"`, status: 403},
		"type not given":     {role: rbac.RoleBlobDataReader, status: 403},
		"to itself":          {role: rbac.RoleBlobDataReader, extra: typed, to: world.AppPrincipalID, status: 403},
		"to itself, loudly": {role: rbac.RoleBlobDataContributor, extra: typed,
			to: strings.ToUpper(world.AppPrincipalID), status: 403},
		"another group": {scope: appGroupID, role: rbac.RoleBlobDataReader, extra: typed, status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			b := newConditionedBench(t)
			scope := world.DataAccountID
			if tc.scope != "" {
				scope = tc.scope
			}
			to := b.principal
			if tc.to != "" {
				to = tc.to
			}
			before := len(b.world.RoleAssignments())
			got := b.do("PUT", assignment(scope, one), grant(tc.role, to, tc.extra))
			require.Equal(t, tc.status, got.status, got.raw)
			if tc.status == 201 {
				return
			}
			assert.Len(t, b.world.RoleAssignments(), before)
			assert.Equal(t, "AuthorizationFailed", got.text("error", "code"))
			assert.Equal(t, "The client '"+world.AppClientID+"' with object id '"+world.AppPrincipalID+
				"' does not have authorization or an ABAC condition not fulfilled"+
				" to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '"+
				assignment(scope, one)+"' or the scope is invalid."+
				" If access was recently granted, please refresh your credentials.", got.text("error", "message"))
		})
	}
}

// The condition on a deletion looks at what is there, not at the request.
func TestDeleteUnderTheDeployedCondition(t *testing.T) {
	for name, tc := range map[string]struct {
		scope, role, principalType, of string
		status                         int
	}{
		"reader":            {role: rbac.RoleBlobDataReader, principalType: "ServicePrincipal", status: 200},
		"contributor":       {role: rbac.RoleBlobDataContributor, principalType: "ServicePrincipal", status: 200},
		"data owner":        {role: rbac.RoleBlobDataOwner, principalType: "ServicePrincipal", status: 403},
		"somebody's reader": {role: rbac.RoleBlobDataReader, principalType: "User", status: 403},
		"of unknown type":   {role: rbac.RoleBlobDataReader, status: 403},
		"its own": {role: rbac.RoleBlobDataReader, principalType: "ServicePrincipal",
			of: world.AppPrincipalID, status: 403},
		"another group": {scope: appGroupID, role: rbac.RoleBlobDataReader, principalType: "ServicePrincipal",
			status: 403},
		"nothing to protect": {status: 204},
	} {
		t.Run(name, func(t *testing.T) {
			b := newConditionedBench(t)
			scope, of := world.DataAccountID, nobody
			if tc.scope != "" {
				scope = tc.scope
			}
			if tc.of != "" {
				of = tc.of
			}
			if tc.role != "" {
				_, _, err := b.world.PutRoleAssignment(rbac.RoleAssignment{Name: one, Scope: scope, PrincipalID: of,
					PrincipalType: tc.principalType, RoleDefinitionID: rbac.RoleDefinitionID(
						world.SubscriptionID, tc.role)})
				require.NoError(t, err)
			}
			got := b.do("DELETE", assignment(scope, one), "")
			require.Equal(t, tc.status, got.status, got.raw)
			_, there := b.world.RoleAssignment(assignment(scope, one))
			assert.Equal(t, tc.status == 403, there)
			if tc.status == 403 {
				assert.Contains(t, got.text("error", "message"),
					"an ABAC condition not fulfilled to perform action "+
						"'Microsoft.Authorization/roleAssignments/delete'")
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
			assert.Equal(t, 403, b.do("PUT", ra.ID, grant(ra.RoleDefinitionID, world.AppPrincipalID, typed)).status)
		}
	}
}

// Beside assignments the app reads storage accounts and their containers in the group of the data, and nothing else.
func TestTheDeployedRoleReadsLittle(t *testing.T) {
	b := newConditionedBench(t)
	for path, status := range map[string]int{
		world.DataAccountID: 200,
		world.DataAccountID + "/providers/Microsoft.Authorization/roleAssignments": 200,
		world.DataAccountID + "/providers/Microsoft.Authorization/permissions":     403,
		world.DataAccountID + "/providers/Microsoft.Authorization/roleDefinitions": 403,
		world.DataAccountID + "/blobServices/default/containers/images":            200,
		world.DataResourceGroupID: 403,
	} {
		assert.Equal(t, status, b.do("GET", path, "").status, path)
	}
}

// A custom role is there where it can be assigned, and nowhere else.
func TestCustomRoles(t *testing.T) {
	b := newBench(t)
	role := deployment.Example().Roles[1]
	require.Equal(t, []string{world.DataResourceGroupID}, role.AssignableScopes)
	const roles = "/providers/Microsoft.Authorization/roleDefinitions"
	name := role.ID[strings.LastIndex(role.ID, "/")+1:]
	got := b.do("GET", world.DataAccountID+roles+"/"+name, "")
	require.Equal(t, 200, got.status, got.raw)
	assert.Equal(t, "CustomRole", got.text("properties", "type"))
	assert.Equal(t, []any{world.DataResourceGroupID}, got.at("properties", "assignableScopes"))
	assert.Equal(t, "RoleDefinitionDoesNotExist", b.do("GET", roles+"/"+name, "").text("error", "code"))
	assert.Contains(t, b.do("GET", world.DataAccountID+roles, "").raw, name)
	assert.NotContains(t, b.do("GET", roles, "").raw, name)

	assert.Equal(t, 201, b.do("PUT", assignment(world.DataAccountID, one), grant(name, b.principal, typed)).status)
	scaling := deployment.Example().Roles[0].ID
	refused := b.do("PUT", assignment(world.LockedAccountID, two), grant(scaling, b.principal, typed))
	assert.Equal(t, "RoleDefinitionDoesNotExist", refused.text("error", "code"), refused.raw)
}
