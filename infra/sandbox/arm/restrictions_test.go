package arm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// TestRestrictions: a deny assignment and a lock refuse what roles allow, each by its code, and are listed.
func TestRestrictions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, object, code string
		status             int
		says               string
		deletes            bool // it binds deletions alone
	}{
		"deny assignment": {"denyAssignments", `{"scope":"` + world.DataResourceGroupID +
			`","actions":["Microsoft.Authorization/roleAssignments/*"],"notActions":["*/read"]}`,
			"DenyAssignmentAuthorizationFailed", 403, "deny assignment with name 'r'", false},
		"read only": {"locks", `{"scope":"` + world.DataAccountID + `","level":"ReadOnly"}`, "ScopeLocked", 409,
			"locked: '" + world.DataAccountID + "'", false},
		"no deletion": {"locks", `{"scope":"` + world.DataAccountID + `","level":"CanNotDelete"}`, "ScopeLocked", 409,
			"cannot perform delete operation", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			path := world.DataAccountID + "/providers/Microsoft.Authorization/roleAssignments/" +
				"99999999-9999-4999-8999-999999999999"
			body := `{"properties":{"roleDefinitionId":"` + rbac.RoleDefinitionID(world.SubscriptionID,
				rbac.RoleBlobDataReader) + `","principalId":"` + b.principal +
				`","principalType":"ServicePrincipal"}}`
			require.Equal(t, 201, b.do("PUT", path, body).status)
			require.NoError(t, b.world.PutObject(c.kind, "r", []byte(c.object)))
			refused := b.do("DELETE", path, "")
			assert.Equal(t, c.status, refused.status, refused.raw)
			assert.Equal(t, c.code, refused.text("error", "code"))
			assert.Contains(t, refused.text("error", "message"), c.says)
			assert.Equal(t, c.deletes, b.do("PUT", path, body).status == 200)
			assert.Equal(t, 200, b.do("GET", path, "").status, "a read is bound by neither")
			listed := b.do("GET", world.DataAccountID+"/providers/Microsoft.Authorization/"+c.kind, "")
			assert.Len(t, listed.at("value"), 1, listed.raw)
			assert.Len(t, b.do("GET", world.LockedAccountID+"/providers/Microsoft.Authorization/locks", "").at(
				"value"), 0)
			require.NoError(t, b.world.DeleteObject(c.kind, "r"))
			assert.Equal(t, 200, b.do("DELETE", path, "").status)
		})
	}
}
