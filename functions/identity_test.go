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

// TestGraphIsAskedForApplicationsAlone: with managed identities no request goes to Graph, and no token for it is asked
// for, from the start to the end of an integration; with applications none before the first is touched.
func TestGraphIsAskedForApplicationsAlone(t *testing.T) {
	t.Parallel()
	for kind, isAsked := range map[string]bool{"managedIdentity": false, "application": true} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, map[string]string{"DEFAULT_IDENTITY": kind, "REGION_NAME": "West Europe",
				"IDENTITY_RESOURCE_GROUP": world.IdentitiesResourceGroupID})
			directory, asked := a.net["graph.microsoft.com"], &scopes{}
			a.net["graph.microsoft.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.add(r.Method + " " + r.URL.Path)
				directory.ServeHTTP(w, r)
			})
			a.Warm(t.Context())
			assert.Equal(t, []string{"https://management.core.windows.net//.default"}, a.scopes.all)
			spec := strings.Replace(good, `{"serviceName"`, `{"healthCheck":{"interval":"15m"},"serviceName"`, 1)
			require.Equal(t, 201, a.call("PUT", "/integrations/my-images", spec).StatusCode)
			a.deliver()
			assert.Equal(t, "pass", a.call("GET", "/integrations/my-images/drift", "").at("verdict"))
			token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
			require.NoError(t, err)
			tested := a.call("POST", "/integrations/my-images/access-tests", `{"subjectToken": "`+token+`"}`)
			assert.Equal(t, "pass", tested.at("verdict"), tested.raw)
			body := []byte(`{"specversion":"1.0","id":"e1","source":"/t","type":"ai.ddoe.wif.healthcheck.v1",` +
				`"data":{"integrationId":"my-images"}}`)
			require.NoError(t, a.function("checkhealth").Message(t.Context(), Delivery{Body: body, MessageID: "e1"}))
			assert.Equal(t, "healthy", a.call("GET", "/integrations/my-images/health", "").at("state"))
			require.Equal(t, 202, a.call("DELETE", "/integrations/my-images", "").StatusCode)
			a.deliver()
			assert.Equal(t, 404, a.call("GET", "/integrations/my-images", "").StatusCode)
			assert.Equal(t, isAsked, len(asked.all) > 0, asked.all)
			assert.Equal(t, isAsked, slices.ContainsFunc(a.scopes.all, func(scope string) bool {
				return strings.Contains(scope, "graph")
			}), a.scopes.all)
		})
	}
}

// TestAFaultIsToldInTheWordsOfItsKind: what somebody has taken away from an application is mended by the
// caller's PUT, or by hand: with az ad, and for a managed identity with az identity. None of its diagnoses speaks of
// an application. Both are told by the drift report and by an access test.
func TestAFaultIsToldInTheWordsOfItsKind(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]struct {
		identity, credentials string
		who, command          string
		foreign               string
	}{
		"application": {"application", "federatedIdentityCredentials", "caller",
			"az ad app federated-credential create ", `(?i)managed identit|az identity|operator`},
		"managed identity": {"managedIdentity", "userAssignedIdentityCredentials", "caller",
			"az identity federated-credential create ", `(?i)application[^/]|app registration|az ad app|entra-admin`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, map[string]string{"DEFAULT_IDENTITY": kind.identity, "REGION_NAME": "West Europe",
				"IDENTITY_RESOURCE_GROUP": world.IdentitiesResourceGroupID})
			require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
			a.deliver()
			snapshot := a.world.Snapshot()
			ids := map[string]string{}
			for _, c := range snapshot.FederatedIdentityCredentials {
				ids["federatedIdentityCredentials"] = c.ID
			}
			for _, c := range snapshot.UserAssignedIdentityCredentials {
				ids["userAssignedIdentityCredentials"] = c.ID
			}
			require.Len(t, ids, 1)
			require.NoError(t, a.world.DeleteObject(kind.credentials, ids[kind.credentials]))

			token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
			require.NoError(t, err)
			for _, report := range []answer{
				a.call("GET", "/integrations/my-images/drift", ""),
				a.call("POST", "/integrations/my-images/access-tests", `{"subjectToken": "`+token+`"}`),
			} {
				require.Equal(t, "federated-credential-missing", report.at("diagnosis", "code"))
				assert.EqualValues(t, kind.who, report.at("diagnosis", "remedy", "who"), report.raw)
				command, _ := report.at("diagnosis", "remedy", "command").(string)
				assert.True(t, strings.HasPrefix(command, kind.command), command)
				assert.NotRegexp(t, kind.foreign, report.raw)
			}
		})
	}
}
