package story

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// TestManagedFilesWithoutGraph: a file is judged, and what a person has made in the resource group is imported,
// without a right in the directory. Of an identity that is elsewhere nothing is known, and that is what is told.
func TestManagedFilesWithoutGraph(t *testing.T) {
	t.Parallel()
	a := startWithoutGraph(t)
	a.put(a.spec("images"))
	file := a.call(http.MethodGet, "/integrations/my-images/credentials", nil)
	judge := func(file string) answer {
		return a.call(http.MethodPost, "/credentials/validate?depth=structure&container=images&storage="+
			url.QueryEscape(world.DataAccountID), json.RawMessage(file))
	}
	good := judge(file.Raw)
	assert.Equal(t, "pass", good.at("verdict"), good.Raw)
	assert.Equal(t, "structure", good.at("claimLevel"), good.Raw)

	const clientID = "aaaaaaaa-0000-4000-8000-000000000002"
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(file.Raw), &members))
	members["clientId"] = clientID
	other, err := json.Marshal(members)
	require.NoError(t, err)
	unseen := judge(string(other))
	assert.Equal(t, "unknown", unseen.at("verdict"), unseen.Raw)
	assert.Contains(t, unseen.Raw, `"identity-not-seen"`)
	request := map[string]any{"credentials": members, "storage": []any{map[string]any{
		"resourceId": world.DataAccountID, "container": "images", "access": "readWrite"}}}
	refused := a.call(http.MethodPost, "/integrations/by-hand/import", request)
	assert.Equal(t, "identity-not-seen", refused.at("code"), refused.Raw)

	identity := world.IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/by-hand"
	a.control(http.MethodPut, "/objects/userAssignedIdentities/"+url.PathEscape(identity), map[string]any{
		"location": world.Location, "clientId": clientID, "principalId": "aaaaaaaa-0000-4000-8000-000000000003"})
	imported := a.call(http.MethodPost, "/integrations/by-hand/import", request)
	require.Equal(t, http.StatusCreated, imported.Status, imported.Raw)
	assert.Equal(t, identity, imported.at("status.identity.resourceId"))
}
