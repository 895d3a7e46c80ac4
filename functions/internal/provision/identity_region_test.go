package provision_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// inRegion asks for a managed identity in a region.
func inRegion(location string) integration.Spec {
	return withIdentity(integration.Identity{Kind: integration.IdentityManaged, Location: location})
}

// TestAnotherRegion: the name is the same, and Azure may hold it for the former region while that identity is being
// deleted.
func TestAnotherRegion(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]int{"at once": 0, "after a while": 50, "longer than one attempt": 600} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.world.SetLimits(world.Limits{DeletedIdentitySeconds: held})
			_, first := f.submit(of(integration.IdentityManaged, spec("images")))
			f.completed(first)
			former := f.Document().Status.ClientID
			began := f.Now()
			_, c := replaced(f, inRegion("northeurope"))
			f.completed(c)
			made := managed(f)
			require.Len(t, made, 1)
			assert.Equal(t, "northeurope", made[0].Location)
			assert.Equal(t, former, f.Document().Status.Identity.FormerClientID)
			assert.GreaterOrEqual(t, f.Now().Sub(began), time.Duration(held)*time.Second)
			f.verified(c.OperationID)
			assert.Equal(t, integration.PhaseUsable, f.Document().Status.Phase)
		})
	}
}

// TestSomebodyElsesIdentityInAnotherRegion is named at once: there is nothing to wait for.
func TestSomebodyElsesIdentityInAnotherRegion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.world.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID, Location: "northeurope"})
	began := f.Now()
	a, c := f.submit(of(integration.IdentityManaged, spec("images")))
	f.handle(c)
	o := f.RequireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeManagedIdentityForeign, o.Error.Code)
	assert.Equal(t, began, f.Now(), "it has waited for nothing")
}

// TestOutOfARegionWithoutFederation: what Azure answers to a list or a delete of credentials there is not documented.
// However it is, the identity can be deleted, and what is on it goes with it.
func TestOutOfARegionWithoutFederation(t *testing.T) {
	t.Parallel()
	for name, atAll := range map[string]bool{"writes are refused": false, "all is refused": true} {
		for leave, act := range map[string]func(f *fixture) string{
			"teardown": func(f *fixture) string {
				a, c := f.remove(provision.TeardownOptions{})
				f.completed(c)
				return a.Operation.ID
			},
			"replace": func(f *fixture) string {
				a, c := replaced(f, inRegion("westeurope"))
				f.completed(c)
				f.verified(a.Operation.ID)
				assert.Equal(f.t.(*testing.T), integration.PhaseUsable, f.Document().Status.Phase)
				return a.Operation.ID
			},
		} {
			t.Run(name+", "+leave, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.world.SetLimits(world.Limits{WithoutFederationAtAll: atAll})
				for range 2 { // made first, then looked at
					a, c := f.submit(inRegion("malaysiasouth"))
					f.handle(c)
					o := f.RequireStatus(a.Operation.ID, integration.OperationFailed)
					require.Equal(t, diagnosis.CodeManagedIdentityRegionUnsupported, o.Error.Code)
				}
				require.Len(t, managed(f), 1)
				o := f.Operation(act(f))
				assert.Contains(t, outcomes(o), "managedIdentity-delete deleted")
				assert.Equal(t, map[bool]int{true: 1, false: 0}[leave == "replace"], len(managed(f)))
				assert.Equal(t, map[bool]int{true: 1, false: 0}[leave == "replace"], f.counts().assignments)
			})
		}
	}
}

// TestRevokingIsNotTakenForDone where Azure refuses to delete a credential and the identity stays.
func TestRevokingIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := of(integration.IdentityManaged, spec("images"))
	s.Subjects = []string{other}
	_, first := f.submit(s)
	f.completed(first)
	f.world.SetLimits(world.Limits{WithoutFederationAtAll: true, RegionsWithoutFederation: []string{world.Location}})
	a, c := f.submit(of(integration.IdentityManaged, spec("images")))
	f.handle(c)
	o := f.RequireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeManagedIdentityRegionUnsupported, o.Error.Code)
	assert.Len(t, f.Document().Status.FederatedCredentials, 2, "nothing is known to be gone")
}

// TestTheProviderIsNotRegistered for managed identities: nobody waits for what a person has to do.
func TestTheProviderIsNotRegistered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.world.SetLimits(world.Limits{UnregisteredProviders: []string{"Microsoft.ManagedIdentity"}})
	began := f.Now()
	a, c := f.submit(of(integration.IdentityManaged, spec("images")))
	f.handle(c)
	o := f.RequireStatus(a.Operation.ID, integration.OperationFailed)
	assert.Equal(t, diagnosis.Code("identity-provider-not-registered"), o.Error.Code)
	assert.Equal(t, "az provider register --namespace Microsoft.ManagedIdentity --subscription "+world.SubscriptionID,
		o.Error.Remedy.Command)
	assert.Equal(t, began, f.Now(), "it has waited for nothing")
	f.world.SetLimits(world.Limits{})
	_, c = f.submit(of(integration.IdentityManaged, spec("images")))
	f.completed(c)
	assert.Len(t, managed(f), 1)
}
