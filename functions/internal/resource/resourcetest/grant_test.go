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
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

func TestGrant(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "role assignments", New: newGrant, Lacks: map[resourcetest.Ability]string{
		resourcetest.CanBin:   "a removed role assignment is gone for good",
		resourcetest.CanDrift: "Azure lets nobody change role, scope and principal of an assignment",
	}}.Run(t)
}

func newGrant(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := assignments{newAzure(t, w)}
	d := a.identified(t, document(subject))
	locked := integration.StorageAccess{ResourceID: world.LockedAccountID, Container: "images",
		Access: integration.AccessRead}
	d.Spec.Storage = append(d.Spec.Storage, locked)
	s := &resourcetest.Subject{Document: d, Kind: grant.New(a.arm, a.requests), Objects: a.objects}
	s.Change = func(spec *integration.Spec) {
		archive := integration.StorageAccess{ResourceID: world.DataAccountID, Container: "archive",
			Access: integration.AccessRead}
		spec.Storage = []integration.StorageAccess{spec.Storage[0], archive}
	}
	s.Move = func(spec *integration.Spec) {
		archive := integration.StorageAccess{ResourceID: world.DataAccountID, Container: "archive",
			Access: integration.AccessReadWrite}
		spec.Storage = []integration.StorageAccess{archive}
	}
	s.Delete = func(t testing.TB) {
		for _, o := range a.ours() {
			if _, err := a.DeleteRoleAssignment(o.ID); !errors.Is(err, world.ErrNotFound) { // removes come at once
				require.NoError(t, err)
			}
		}
	}
	s.Beside = func(t testing.TB) {
		a.put(t, "bbbbbbbb-0000-4000-8000-000000000001", integration.AccessRead, principalID)
	}
	name := arm.RoleAssignmentName(world.TenantID, grantScope(), integration.AccessReadWrite.Role().ID,
		principalID, "")
	s.Foreign = []resourcetest.Foreign{
		{Name: "an equal assignment under another name", Put: func(t testing.TB) {
			a.put(t, "bbbbbbbb-0000-4000-8000-000000000002", integration.AccessReadWrite, principalID)
		}},
		{Name: "another principal's assignment under our name", Put: func(t testing.TB) {
			a.put(t, name, integration.AccessReadWrite, "cccccccc-0000-4000-8000-000000000001")
		}},
	}
	s.Members = []resourcetest.Member{
		{Name: "condition", Set: a.set(func(o *rbac.RoleAssignment) {
			o.Condition = "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] " +
				"StringEquals 'images')"
			o.ConditionVersion = "2.0"
		})},
		{Name: "description", Set: a.set(func(o *rbac.RoleAssignment) { o.Description = "ask Ada first" })},
	}
	return s
}

// grantScope is the scope of the document's first grant.
func grantScope() string { return arm.Scope(world.DataAccountID, "images") }

// assignments are the role assignments of a world.
type assignments struct{ *azure }

// objects are those that the suite counts.
func (a assignments) objects() []resourcetest.Object {
	var all []resourcetest.Object
	for _, o := range a.RoleAssignments() {
		if o.PrincipalID == principalID || a.theirs[o.ID] {
			all = append(all, object(o.ID, !a.theirs[o.ID], o, func(o *rbac.RoleAssignment) {
				o.ID, o.Name, o.CreatedOn = "", "", time.Time{}
			}))
		}
	}
	return all
}

// ours are those that the kind has made.
func (a assignments) ours() []rbac.RoleAssignment {
	var all []rbac.RoleAssignment
	for _, o := range a.RoleAssignments() {
		if o.PrincipalID == principalID && !a.theirs[o.ID] {
			all = append(all, o)
		}
	}
	return all
}

// put has somebody else assign a role at the scope of the document's first grant, where Azure lets them: there is one
// assignment of a role at a scope to a principal, and one of a name.
func (a assignments) put(t testing.TB, name string, access integration.Access, principal string) {
	o := rbac.RoleAssignment{Name: name, Scope: grantScope(), PrincipalID: principal,
		PrincipalType:    "ServicePrincipal",
		RoleDefinitionID: arm.RoleDefinitionID(world.SubscriptionID, access.Role().ID)}
	for _, other := range a.RoleAssignments() {
		same := other.PrincipalID == o.PrincipalID && strings.EqualFold(other.Scope, o.Scope) &&
			strings.EqualFold(other.RoleDefinitionID, o.RoleDefinitionID)
		if same || strings.EqualFold(other.Name, o.Name) {
			return
		}
	}
	stored, _, err := a.PutRoleAssignment(o)
	require.NoError(t, err)
	a.theirs[stored.ID] = true
}

// set has somebody else change ours at the scope of the document's first grant.
func (a assignments) set(change func(o *rbac.RoleAssignment)) func(t testing.TB) {
	return func(t testing.TB) {
		for _, o := range a.ours() {
			if o.Scope == grantScope() {
				change(&o)
				_, _, err := a.PutRoleAssignment(o)
				require.NoError(t, err)
			}
		}
	}
}
