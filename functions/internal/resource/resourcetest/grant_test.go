package resourcetest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/grant"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "role assignments", New: newGrant, Lacks: map[resourcetest.Ability]string{
		resourcetest.CanBin:   "a removed role assignment is gone for good",
		resourcetest.CanDrift: "Azure lets nobody change role, scope and principal of an assignment",
	}}.Run(t)
}

func newGrant(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := newAzure(t, w)
	d := a.identified(t, document(subject))
	d.Spec.Storage = append(d.Spec.Storage, integration.StorageAccess{ResourceID: world.LockedAccountID, Container: "images", Access: integration.AccessRead})
	s := &resourcetest.Subject{Document: d, Kind: grant.New(a.arm, a.requests)}
	s.Objects = func() []resourcetest.Object {
		var all []resourcetest.Object
		for _, o := range a.RoleAssignments() {
			if o.PrincipalID == principalID || a.theirs[o.ID] {
				all = append(all, object(o.ID, !a.theirs[o.ID], o, func(o *world.RoleAssignment) { o.ID, o.Name, o.CreatedOn = "", "", time.Time{} }))
			}
		}
		return all
	}
	s.Change = func(spec *integration.Spec) {
		spec.Storage = []integration.StorageAccess{spec.Storage[0], {ResourceID: world.DataAccountID, Container: "archive", Access: integration.AccessRead}}
	}
	s.Move = func(spec *integration.Spec) {
		spec.Storage = []integration.StorageAccess{{ResourceID: world.DataAccountID, Container: "archive", Access: integration.AccessReadWrite}}
	}
	ours := func(t testing.TB) []world.RoleAssignment {
		var all []world.RoleAssignment
		for _, o := range a.RoleAssignments() {
			if o.PrincipalID == principalID && !a.theirs[o.ID] {
				all = append(all, o)
			}
		}
		return all
	}
	s.Delete = func(t testing.TB) {
		for _, o := range ours(t) {
			if _, err := a.DeleteRoleAssignment(o.ID); !errors.Is(err, world.ErrNotFound) { // removes come at once
				require.NoError(t, err)
			}
		}
	}
	scope := arm.Scope(world.DataAccountID, "images")
	put := func(t testing.TB, o world.RoleAssignment) {
		for _, other := range a.RoleAssignments() { // one assignment of a role at a scope to a principal
			if other.PrincipalID == o.PrincipalID && strings.EqualFold(other.Scope, o.Scope) && strings.EqualFold(other.RoleDefinitionID, o.RoleDefinitionID) ||
				strings.EqualFold(other.Name, o.Name) {
				return
			}
		}
		stored, _, err := a.PutRoleAssignment(o)
		require.NoError(t, err)
		a.theirs[stored.ID] = true
	}
	role := func(access integration.Access) string {
		return arm.RoleDefinitionID(world.SubscriptionID, access.Role().ID)
	}
	name := arm.RoleAssignmentName(world.TenantID, scope, integration.AccessReadWrite.Role().ID, principalID, "")
	s.Beside = func(t testing.TB) {
		put(t, world.RoleAssignment{Name: "bbbbbbbb-0000-4000-8000-000000000001", Scope: scope, RoleDefinitionID: role(integration.AccessRead), PrincipalID: principalID,
			PrincipalType: "ServicePrincipal"})
	}
	s.Foreign = []resourcetest.Foreign{
		{Name: "an equal assignment under another name", Put: func(t testing.TB) {
			put(t, world.RoleAssignment{Name: "bbbbbbbb-0000-4000-8000-000000000002", Scope: scope, RoleDefinitionID: role(integration.AccessReadWrite),
				PrincipalID: principalID, PrincipalType: "ServicePrincipal"})
		}},
		{Name: "another principal's assignment under our name", Put: func(t testing.TB) {
			put(t, world.RoleAssignment{Name: name, Scope: scope, RoleDefinitionID: role(integration.AccessReadWrite),
				PrincipalID: "cccccccc-0000-4000-8000-000000000001", PrincipalType: "ServicePrincipal"})
		}},
	}
	set := func(change func(o *world.RoleAssignment)) func(t testing.TB) {
		return func(t testing.TB) {
			for _, o := range ours(t) {
				if o.Scope == scope {
					change(&o)
					_, _, err := a.PutRoleAssignment(o)
					require.NoError(t, err)
				}
			}
		}
	}
	s.Members = []resourcetest.Member{
		{Name: "condition", Set: set(func(o *world.RoleAssignment) {
			o.Condition, o.ConditionVersion = "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'images')", "2.0"
		})},
		{Name: "description", Set: set(func(o *world.RoleAssignment) { o.Description = "ask Ada first" })},
	}
	return s
}
