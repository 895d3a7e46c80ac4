package functions

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// membersOf are the names in a JSON object.
func membersOf(t *testing.T, raw string) []string {
	t.Helper()
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(raw), &object))
	return slices.Sorted(maps.Keys(object))
}

// TestManagedIdentitiesOverHTTP: with the setting, the same API without one request to Graph: document, file, access
// test. Another kind is refused and planned, and made where replace is true.
func TestManagedIdentitiesOverHTTP(t *testing.T) {
	t.Parallel()
	byHand := newApp(t, nil)
	require.Equal(t, 201, byHand.call("PUT", "/integrations/my-images", good).StatusCode)
	byHand.deliver()
	file := byHand.call("GET", "/integrations/my-images/credentials", "")

	a := newApp(t, map[string]string{"DEFAULT_IDENTITY": "managedIdentity", "REGION_NAME": "West Europe",
		"IDENTITY_RESOURCE_GROUP": world.IdentitiesResourceGroupID})
	directory := a.net["graph.microsoft.com"]
	a.net["graph.microsoft.com"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request to Graph: %s %s", r.Method, r.URL.Path)
	})
	made := a.call("PUT", "/integrations/my-images", good)
	require.Equal(t, 201, made.StatusCode, made.raw)
	assert.Equal(t, map[string]any{"kind": "managedIdentity", "resourceGroup": world.IdentitiesResourceGroupID,
		"location": "westeurope"}, made.at("spec", "identity"))
	a.deliver()
	read := a.call("GET", "/integrations/my-images", "")
	id, _ := read.at("status", "identity", "resourceId").(string)
	u, ok := a.world.UserAssignedIdentity(id)
	require.True(t, ok, read.raw)
	assert.Equal(t, u.ClientID, read.at("status", "clientId"))
	served := a.call("GET", "/integrations/my-images/credentials", "")
	require.Equal(t, 200, served.StatusCode, served.raw)
	assert.Equal(t, membersOf(t, file.raw), membersOf(t, served.raw))
	assert.Len(t, membersOf(t, served.raw), 5)
	token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
	require.NoError(t, err)
	tested := a.call("POST", "/integrations/my-images/access-tests", `{"subjectToken": "`+token+`"}`)
	assert.Equal(t, "pass", tested.at("verdict"), tested.raw)

	application := strings.Replace(good, "{", `{"identity": {"kind": "application"}, `, 1)
	refused := a.call("PUT", "/integrations/my-images", application)
	assert.Equal(t, 409, refused.StatusCode)
	assert.Equal(t, "identity-replace-required", refused.at("code"))
	a.net["graph.microsoft.com"] = directory
	planned := a.call("PUT", "/integrations/my-images?replace=true&dryRun=true", application)
	assert.Contains(t, planned.raw, "identity-replaced")
	replaced := a.call("PUT", "/integrations/my-images?replace=true", application)
	require.Equal(t, 200, replaced.StatusCode, replaced.raw)
	a.deliver()
	read = a.call("GET", "/integrations/my-images", "")
	assert.Equal(t, map[string]any{"kind": "application", "formerClientId": u.ClientID}, read.at("status", "identity"))
	_, ok = a.world.UserAssignedIdentity(id)
	assert.False(t, ok)
}
