package resourcetest_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/managedidentity"
	"github.com/ddoe-ai/azure-wif/functions/internal/resource/resourcetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestAnIdentityThatWasMadeAnew by somebody, with our mark and in another region, serves: what differs is told, the
// ids and what hangs on them are learnt anew, and what others have set stays.
func TestAnIdentityThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	w := resourcetest.NewWire()
	a, d := newAzure(t, w), managed(subject)
	const was = "aaaaaaaa-0000-4000-8000-000000000009"
	d.Status.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityManaged, Key: managedID,
		Location: world.Location})
	d.Status.ClientID, d.Status.ServicePrincipalID = was, principalID
	d.Status.FederatedCredentials = []integration.FederatedCredential{{Name: "old"}}
	tags := map[string]string{"ddoe-wif": instance + "/" + id, "costCenter": "4711", "team": "images"}
	made, _ := a.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID, Location: "northeurope",
		Tags: maps.Clone(tags)})
	kind := managedidentity.New(a.arm, a.requests, instance)
	items := kind.Observe(t.Context(), resource.View{Document: d.Clone()})
	require.Len(t, items, 1)
	assert.Equal(t, []any{resource.Different, diagnosis.CodeManagedIdentityReplaced,
		"Its client id is " + made.ClientID + ", and was " + was + ".", []diagnosis.MemberDifference{
			{Member: "clientId", Want: was, Have: made.ClientID, Owner: diagnosis.OwnerOurs},
			{Member: "location", Want: world.Location, Have: "northeurope", Owner: diagnosis.OwnerOther}}},
		[]any{items[0].State, items[0].Code, items[0].Detail, items[0].Differences})
	results := kind.Apply(t.Context(), resource.View{Document: d.Clone()}, items)
	require.Len(t, results, 1)
	require.NoError(t, results[0].Err)
	assert.Equal(t, resource.OutcomeUpdated, results[0].Outcome)
	results[0].Learn(&d.Status)
	assert.Equal(t, []any{made.ClientID, made.PrincipalID, was},
		[]any{d.Status.ClientID, d.Status.ServicePrincipalID, d.Status.Identity.FormerClientID})
	assert.Empty(t, d.Status.FederatedCredentials)
	kept, ok := a.UserAssignedIdentity(managedID)
	require.True(t, ok)
	assert.Equal(t, []any{tags, "northeurope"}, []any{kept.Tags, kept.Location})

	delete(tags, "ddoe-wif")
	kept.Tags = tags
	a.PutUserAssignedIdentity(kept)
	items = kind.Observe(t.Context(), resource.View{Document: d})
	assert.Equal(t, []any{resource.Different, diagnosis.CodeManagedIdentityChanged,
		diagnosis.MemberDifference{Member: "tags.ddoe-wif", Want: instance + "/" + id, Owner: diagnosis.OwnerOurs}},
		[]any{items[0].State, items[0].Code, items[0].Differences[0]})
}

// TestAnIdentityOfSomebodyElse in the place of ours keeps its credentials, those of our names too, and stays: ours has
// gone with what was on it.
func TestAnIdentityOfSomebodyElse(t *testing.T) {
	t.Parallel()
	w := resourcetest.NewWire()
	a, d := newAzure(t, w), managed(subject, another)
	d.Status.LearnIdentity(integration.IdentityMade{Kind: integration.IdentityManaged, Key: managedID,
		Location: world.Location})
	d.Status.ClientID, d.Status.ServicePrincipalID = clientID, principalID
	a.PutUserAssignedIdentity(world.UserAssignedIdentity{ID: managedID, Location: world.Location})
	names := []string{integration.CredentialName(subject), integration.CredentialName(another)}
	for i, name := range names {
		_, _, err := a.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{IdentityID: managedID,
			Name: name, Issuer: world.Issuer, Subject: []string{subject, another}[i], Audiences: []string{"a"}})
		require.NoError(t, err)
	}
	kind := managedidentity.New(a.arm, a.requests, instance)
	for _, receipt := range kind.Delete(t.Context(), d, names) {
		assert.Equal(t, resource.Receipt{Outcome: resource.OutcomeAbsent, IsGone: true}, receipt)
	}
	assert.Len(t, a.UserAssignedIdentityCredentials(managedID), 2)
	v := resource.View{Document: d, Ending: true}
	results := kind.Remove(t.Context(), v, []resource.Item{{Name: "managedIdentity", Key: managedID}})
	require.NoError(t, results[0].Err)
	assert.Equal(t, resource.OutcomeAbsent, results[0].Outcome)
	_, ok := a.UserAssignedIdentity(managedID)
	assert.True(t, ok, "it is theirs")
}
