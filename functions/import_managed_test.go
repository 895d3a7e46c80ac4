package functions

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/arm"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// managedByHand is an app that may ask Graph nothing, and a managed identity that a person has made in a resource
// group, with its trust and its right.
func managedByHand(t *testing.T, group string) (*app, world.UserAssignedIdentity) {
	t.Helper()
	a := byHand(t, map[string]string{"DEFAULT_IDENTITY": "managedIdentity", "REGION_NAME": "West Europe",
		"IDENTITY_RESOURCE_GROUP": world.IdentitiesResourceGroupID})
	a.net["graph.microsoft.com"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request to Graph: %s %s", r.Method, r.URL.Path)
	})
	made, _ := a.world.PutUserAssignedIdentity(world.UserAssignedIdentity{Name: "by-hand", Location: world.Location,
		ID: arm.IdentityID(group, "by-hand")})
	trustManaged(a, made)
	a.make("roleAssignments", world.DataAccountID+"/blobServices/default/containers/images/providers/"+
		"Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-000000000016", map[string]any{
		"principalId":      made.PrincipalID,
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"})
	return a, made
}

func trustManaged(a *app, made world.UserAssignedIdentity) {
	a.t.Helper()
	_, _, err := a.world.PutUserAssignedIdentityCredential(world.UserAssignedIdentityCredential{IdentityID: made.ID,
		Name: "DDOE-federation", Issuer: world.Issuer, Subject: subject,
		Audiences: []string{"api://AzureADTokenExchange"}})
	require.NoError(a.t, err)
}

// TestAnImportedManagedIdentity is found in the resource group, judged, watched through a break and a repair, and
// tested, and Graph is never asked.
func TestAnImportedManagedIdentity(t *testing.T) {
	t.Parallel()
	a, made := managedByHand(t, world.IdentitiesResourceGroupID)
	imported := a.call("POST", "/integrations/by-hand/import",
		strings.ReplaceAll(handImport, handClient, made.ClientID))
	require.Equal(t, 201, imported.StatusCode, imported.raw)
	assert.Equal(t, map[string]any{"kind": "managedIdentity", "location": "westeurope", "resourceId": made.ID},
		imported.at("status", "identity"))
	assert.Equal(t, made.PrincipalID, imported.at("status", "servicePrincipalId"))
	a.checked()
	drift := func() any { return a.call("GET", "/integrations/by-hand/drift", "").at("verdict") }
	assert.Equal(t, "pass", drift())
	assert.Equal(t, "healthy", a.call("GET", "/integrations/by-hand/health", "").at("state"))
	token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
	require.NoError(t, err)
	tested := a.call("POST", "/integrations/by-hand/access-tests", `{"subjectToken": "`+token+`"}`)
	assert.Equal(t, "pass", tested.at("verdict"), tested.raw)

	require.NoError(t, a.world.DeleteObject("userAssignedIdentityCredentials",
		made.ID+"/federatedIdentityCredentials/DDOE-federation"))
	assert.Equal(t, "fail", drift(), "the credential is gone")
	trustManaged(a, made)
	assert.Equal(t, "pass", drift())
	require.NoError(t, a.world.DeleteObject("userAssignedIdentities", made.ID))
	assert.Contains(t, a.call("GET", "/integrations/by-hand/drift", "").raw, "identity-missing")
	anew, _ := a.world.PutUserAssignedIdentity(world.UserAssignedIdentity{Name: "by-hand", Location: world.Location,
		ID: made.ID})
	assert.Contains(t, a.call("GET", "/integrations/by-hand/drift", "").raw, anew.ClientID, "it is another one now")
}

// TestAFileOfAManagedIdentityIsJudgedWithoutGraph; of what is elsewhere nothing is known, and that is what is told.
func TestAFileOfAManagedIdentityIsJudgedWithoutGraph(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		group, clientID string
		verdict, code   string
	}{
		"in the group":      {group: world.IdentitiesResourceGroupID, verdict: "pass"},
		"in another group":  {group: elsewhere, verdict: "unknown", code: "identity-not-seen"},
		"of an application": {group: elsewhere, clientID: handClient, verdict: "unknown", code: "identity-not-seen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, made := managedByHand(t, c.group)
			clientID := made.ClientID
			if c.clientID != "" {
				clientID = c.clientID
			}
			file := strings.ReplaceAll(handFile, handClient, clientID)
			report := a.call("POST", "/credentials/validate?depth=structure&container=images&storage="+
				world.DataAccountID, file)
			require.Equal(t, 200, report.StatusCode, report.raw)
			assert.Equal(t, c.verdict, report.at("verdict"), report.raw)
			assert.Equal(t, c.code != "", strings.Contains(report.raw, `"identity-not-seen"`), report.raw)
			imported := a.call("POST", "/integrations/by-hand/import",
				strings.ReplaceAll(handImport, handClient, clientID))
			assert.Equal(t, c.code == "", imported.StatusCode == 201, imported.raw)
			if c.code != "" {
				assert.Equal(t, c.code, imported.at("code"), imported.raw)
			}
		})
	}
}

// elsewhere is a resource group in which the app makes no identities.
const elsewhere = "/subscriptions/" + world.SubscriptionID + "/resourceGroups/data"
