package functions

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestAGuestApplication is registered in another tenant, and has its role by a group: the judgement says both, and an
// import and a takeover of it say why they are refused.
func TestAGuestApplication(t *testing.T) {
	t.Parallel()
	const home, group = "99999999-9999-4999-8999-999999999999", "aaaaaaaa-0000-4000-8000-000000000009"
	a := newApp(t, nil)
	a.make("servicePrincipals", handPrincipal, map[string]any{"appId": handClient, "accountEnabled": true,
		"servicePrincipalType": "Application", "appOwnerOrganizationId": home})
	a.make("groups", group, map[string]any{"members": []string{handPrincipal}})
	a.make("roleAssignments", world.DataAccountID+"/blobServices/default/containers/images/providers/"+
		"Microsoft.Authorization/roleAssignments/aaaaaaaa-0000-4000-8000-000000000016", map[string]any{
		"principalId":      group,
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"})
	report := a.call("POST", "/credentials/validate?depth=structure&container=images&storage="+world.DataAccountID,
		handFile)
	require.Equal(t, 200, report.StatusCode, report.raw)
	assert.Equal(t, "unknown", report.at("verdict"), report.raw)
	assert.Contains(t, report.raw, "The application is registered in the tenant "+home)
	assert.Contains(t, report.raw, "by the group "+group)
	imported := a.call("POST", "/integrations/by-hand/import", handImport)
	require.Equal(t, 201, imported.StatusCode, imported.raw)
	managed := a.call("POST", managePath+"?dryRun=true", "")
	assert.Equal(t, "application-not-owned", managed.at("code"), managed.raw)
	assert.Contains(t, managed.at("detail"), "another tenant")
}
