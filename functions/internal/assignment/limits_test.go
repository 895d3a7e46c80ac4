package assignment_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/assignment"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestSaltsAreWhatNamesAreMadeOf since there are names: another order, or another salt, makes the assignments that are
// there unknown.
func TestSaltsAreWhatNamesAreMadeOf(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"", "1"}, assignment.Salts())
}

// TestDerivedIsWhole: scope, role and name of each of two entries, in the subscription of its own account.
func TestDerivedIsWhole(t *testing.T) {
	t.Parallel()
	const principal = "99999999-9999-4999-8999-999999999999"
	const other = "/subscriptions/77777777-7777-4777-8777-777777777777/resourceGroups/o/providers/Microsoft.Storage/storageAccounts/other"
	d := document(principal)
	for _, c := range []struct {
		entry               integration.StorageAccess
		scope, subscription string
		role                string
	}{
		{integration.StorageAccess{ResourceID: account, Container: "images", Access: integration.AccessReadWrite},
			account + "/blobServices/default/containers/images", "22222222-2222-4222-8222-222222222222",
			"ba92f5b4-2d11-453d-a403-e96b0029c9fe"},
		{integration.StorageAccess{ResourceID: other, Access: integration.AccessRead}, other,
			"77777777-7777-4777-8777-777777777777", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"},
	} {
		got := assignment.Derived(d, c.entry, "")
		name := arm.RoleAssignmentName(d.Spec.TenantID, c.scope, c.role, principal, "")
		assert.Equal(t, integration.RoleAssignment{Scope: c.scope, PrincipalID: principal,
			ID: c.scope + "/providers/Microsoft.Authorization/roleAssignments/" + name,
			RoleDefinitionID: "/subscriptions/" + c.subscription +
				"/providers/Microsoft.Authorization/roleDefinitions/" +
				c.role}, got)
		assert.Equal(t, name, assignment.Name(got))
	}
}

// TestIsSame: what ARM does not care for makes no other assignment; each member that it does care for does.
func TestIsSame(t *testing.T) {
	t.Parallel()
	a := integration.RoleAssignment{Scope: account, RoleDefinitionID: "/x/roleDefinitions/role-1", PrincipalID: "p"}
	for name, c := range map[string]struct {
		change func(b *integration.RoleAssignment)
		want   bool
	}{
		"equal":            {func(*integration.RoleAssignment) {}, true},
		"another id":       {func(b *integration.RoleAssignment) { b.ID, b.Adopted = "other", true }, true},
		"scope in capital": {func(b *integration.RoleAssignment) { b.Scope = strings.ToUpper(b.Scope) }, true},
		"a slash at the end": {func(b *integration.RoleAssignment) {
			b.Scope += "/"
		}, true},
		"the role alone":  {func(b *integration.RoleAssignment) { b.RoleDefinitionID = "ROLE-1" }, true},
		"principal":       {func(b *integration.RoleAssignment) { b.PrincipalID = "P" }, true},
		"another scope":   {func(b *integration.RoleAssignment) { b.Scope += "2" }, false},
		"another role":    {func(b *integration.RoleAssignment) { b.RoleDefinitionID += "2" }, false},
		"another subject": {func(b *integration.RoleAssignment) { b.PrincipalID += "2" }, false},
	} {
		b := a
		c.change(&b)
		assert.Equal(t, c.want, assignment.IsSame(a, b), name)
		assert.Equal(t, c.want, assignment.IsSame(b, a), name)
	}
}
