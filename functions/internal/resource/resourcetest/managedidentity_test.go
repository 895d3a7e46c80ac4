package resourcetest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/trust"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const managedID = world.IdentitiesResourceGroupID +
	"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ddoe-wif-" + instance + "-" + id

func TestManagedIdentity(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "managed identity", New: newManagedIdentity, Lacks: map[resourcetest.Ability]string{
		resourcetest.CanBin: "a removed managed identity is gone for good",
		resourcetest.CanMove: "another resource group is another identity: a run that replaces takes the old " +
			"one down first",
		resourcetest.CanChange: "nothing of a managed identity can be changed; another one is made in its place",
		resourcetest.CanBeside: "its name is the only place of a managed identity",
	}}.Run(t)
}

// managed is a document that wants a managed identity.
func managed(subjects ...string) integration.Document {
	d := document(subjects...)
	d.Spec.Identity = &integration.Identity{Kind: integration.IdentityManaged,
		ResourceGroup: world.IdentitiesResourceGroupID, Location: world.Location}
	return d
}

func newManagedIdentity(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := newAzure(t, w)
	s := &resourcetest.Subject{Kind: managedidentity.New(a.arm, a.requests, instance), Document: managed(subject)}
	s.Objects = func() []resourcetest.Object {
		var all []resourcetest.Object
		for _, o := range a.UserAssignedIdentities() {
			if !rbac.IsScopeAbove(world.IdentitiesResourceGroupID, o.ID) { // the app's own
				continue
			}
			all = append(all, object(o.ID, !a.theirs[o.ClientID], o, func(o *world.UserAssignedIdentity) {
				o.ClientID, o.PrincipalID, o.CreatedAt = "", "", time.Time{}
			}))
		}
		return all
	}
	tag := func(t testing.TB, name, value string) {
		u, ok := a.UserAssignedIdentity(managedID)
		require.True(t, ok)
		if u.Tags[name] = value; value == "" {
			delete(u.Tags, name)
		}
		a.PutUserAssignedIdentity(u)
	}
	s.Drift = func(t testing.TB) { tag(t, "ddoe-wif", "") }
	s.Delete = func(t testing.TB) {
		if u, ok := a.UserAssignedIdentity(managedID); ok && !a.theirs[u.ClientID] {
			require.NoError(t, a.DeleteUserAssignedIdentity(managedID))
		}
	}
	s.Foreign = []resourcetest.Foreign{{Name: "an identity of our name", Refusal: diagnosis.CodeManagedIdentityForeign,
		Races: "Azure has no condition by which a write only creates",
		Put: func(t testing.TB) {
			made, _ := a.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID})
			a.theirs[made.ClientID] = true
		}}}
	s.Members = []resourcetest.Member{{Name: "tags", IsSilent: "they say nothing about access",
		Set: func(t testing.TB) { tag(t, "costCenter", "4711") }}}
	return s
}

func TestTrustOnManagedIdentity(t *testing.T) {
	t.Parallel()
	resourcetest.Suite{Name: "federated credentials of a managed identity", New: newManagedTrust,
		Lacks: map[resourcetest.Ability]string{
			resourcetest.CanBin:     "a removed credential is gone for good",
			resourcetest.CanMove:    "a credential is on its identity",
			resourcetest.CanMembers: "a credential of a managed identity has no member but what is trusted",
		}}.Run(t)
}

func newManagedTrust(t testing.TB, w *resourcetest.Wire) *resourcetest.Subject {
	a := newAzure(t, w)
	made, _ := a.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID})
	s := &resourcetest.Subject{Document: managed(subject, another),
		Kind: trust.New(managedidentity.New(a.arm, a.requests, instance), a.requests)}
	s.Document.Status.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityManaged,
		Key: managedID})
	s.Document.Status.ClientID, s.Document.Status.ServicePrincipalID = made.ClientID, made.PrincipalID
	s.Objects = func() []resourcetest.Object {
		var all []resourcetest.Object
		for _, o := range a.UserAssignedIdentityCredentials(managedID) {
			all = append(all, object(o.Name, !a.theirs[o.ID], o, func(o *world.UserAssignedIdentityCredential) {
				o.ChangedAt = time.Time{}
			}))
		}
		return all
	}
	s.Change = func(spec *integration.Spec) { spec.Subjects = []string{subject, third} }
	put := func(t testing.TB, name, subject, audience string) {
		stored, _, err := a.PutUserAssignedIdentityCredential(
			world.UserAssignedIdentityCredential{IdentityID: managedID,
				Name: name, Issuer: world.Issuer, Subject: subject, Audiences: []string{audience}})
		require.NoError(t, err)
		a.theirs[stored.ID] = strings.HasPrefix(name, "by-hand")
	}
	s.Drift = func(t testing.TB) { put(t, integration.CredentialName(subject), subject, "api://somewhere-else") }
	s.Delete = func(t testing.TB) {
		for _, o := range a.UserAssignedIdentityCredentials(managedID) {
			if !a.theirs[o.ID] {
				require.NoError(t, a.DeleteUserAssignedIdentityCredential(o.ID))
			}
		}
	}
	const audience = "api://AzureADTokenExchange"
	s.Beside = func(t testing.TB) { put(t, "by-hand", "repo:acme/images:ref:refs/heads/main", audience) }
	s.Foreign = credentialsInTheWay(func(t testing.TB, name, subject, audience string) {
		// issuer and subject are unique on an identity
		for _, o := range a.UserAssignedIdentityCredentials(managedID) {
			if o.Subject == subject {
				return
			}
		}
		put(t, name, subject, audience)
	}, put)
	return s
}
