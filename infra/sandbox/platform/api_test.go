package platform_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// TestWireNamesAreMadeUp: no two sandboxes share the names, and a reset keeps them.
func TestWireNamesAreMadeUp(t *testing.T) {
	one, other := newBench(t), newBench(t)
	kind, names := one.federation()
	otherKind, otherNames := other.federation()
	assert.NotEqual(t, kind, otherKind)
	for visible, name := range names {
		assert.NotEqual(t, name, otherNames[visible], visible)
	}
	one.control("POST", "/reset", "")
	kindAfter, namesAfter := one.federation()
	assert.Equal(t, kind, kindAfter)
	assert.Equal(t, names, namesAfter)

	got := one.do("GET", ofOrg+"/availableIntegrations", nil)
	assert.NotContains(t, got.raw, "means")
	assert.Equal(t, []any{"azureblob", kind, "gcp-workload-identity-federation"},
		[]any{got.at(0, "type"), got.at(1, "type"), got.at(2, "type")})
	assert.Equal(t, true, got.at(1, "options", 0, "required"))
	assert.Equal(t, false, got.at(1, "options", 4, "required"))
}

func TestAPIKey(t *testing.T) {
	b := newBench(t)
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(b.key, claims)
	require.NoError(t, err)
	expires, err := claims.GetExpirationTime()
	require.NoError(t, err)
	assert.WithinDuration(t, b.at.AddDate(1, 0, 0), expires.Time, 24*time.Hour)
	assert.Equal(t, dataloop.UserEmail, claims["email"])
	assert.Equal(t, dataloop.UserEmail, b.do("GET", "/users/me", nil).text("email"))

	keys := b.cloud.PlatformKeys()
	mint := func(k *platform.Keys, lifetime time.Duration) string {
		key, err := k.Mint(dataloop.UserEmail, lifetime)
		require.NoError(t, err)
		return key
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	for name, key := range map[string]string{
		"none": "", "nonsense": "x", "of another platform": mint(platform.NewKeys(time.Now), 0),
		"expired": mint(keys, -time.Minute), "unsigned": unsigned,
	} {
		t.Run(name, func(t *testing.T) {
			b.key = key
			got := b.do("GET", "/users/me", nil)
			assert.Equal(t, 401, got.status)
			assert.Equal(t, map[string]any{"status": 401.0, "message": "Unauthorized"}, got.value)
		})
	}
	b.key = mint(keys, time.Hour)
	require.Equal(t, 200, b.do("GET", "/users/me", nil).status)
	*b.at = b.at.Add(time.Hour)
	assert.Equal(t, 401, b.do("GET", "/users/me", nil).status, "expires on the sandbox's clock")

	short, err := cloud.New(cloud.Options{APIKeyLifetime: 7 * 24 * time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, short.Close()) })
	for _, setting := range short.Environment() {
		if key, ok := strings.CutPrefix(setting, "DDOE_API_KEY="); ok {
			_, _, err := jwt.NewParser().ParseUnverified(key, claims)
			require.NoError(t, err)
			expires, err := claims.GetExpirationTime()
			require.NoError(t, err)
			assert.WithinDuration(t, time.Now().Add(7*24*time.Hour), expires.Time, time.Minute)
			return
		}
	}
	t.Error("the app has no key")
}

func TestWhoAndWhere(t *testing.T) {
	b := newBench(t)
	assert.Equal(t, "Acme images", b.do("GET", "/projects/"+dataloop.ProjectID, nil).text("name"))
	for _, path := range []string{"/orgs/x/integrations", "/orgs/x/availableIntegrations", "/projects/x",
		"/integrations/x",
		ofOrg + "/integrations/x", "/drivers/x", "/drivers/x/test", "/commands/x"} {
		got := b.do("GET", path, nil)
		assert.Equal(t, 404, got.status, path)
		assert.Equal(t, 404.0, got.at("status"), path)
	}
	for _, path := range []string{"/docs", "/orgs/x/y/z"} {
		got := b.do("GET", path, nil)
		assert.Equal(t, 200, got.status, path)
		assert.Contains(t, got.header.Get("Content-Type"), "text/html", path)
	}
	wrongMethod := b.do("PUT", ofOrg+"/integrations", map[string]any{})
	assert.Contains(t, wrongMethod.header.Get("Content-Type"), "text/html")
}

func TestIntegrationLife(t *testing.T) {
	b := newBench(t)
	kind, names := b.federation()
	request := b.request("my-wif", values("client-1"))
	made := b.do("POST", ofOrg+"/integrations", request)
	require.Equal(t, 200, made.status, made.raw)
	id := made.text("id")
	assert.Equal(t, []string{"createdAt", "creator", "id", "metadata", "name", "org", "type", "updatedAt", "url"},
		slices.Sorted(maps.Keys(made.value.(map[string]any))), "no options")
	assert.Equal(t, float64(b.at.UnixMilli()), made.at("createdAt"))
	assert.Equal(t, dataloop.OrganizationID, made.at("org"), "an id where it is made")
	assert.Equal(t, "status", made.text("metadata", 0, "name"))
	assert.Equal(t, map[string]any{"name": "managed-by", "value": "me/1", "integration": id,
		"id":        made.text("metadata", 1, "id"),
		"createdAt": float64(b.at.UnixMilli()), "updatedAt": float64(b.at.UnixMilli())}, made.at("metadata", 1))

	alone := b.do("GET", ofOrg+"/integrations/"+id, nil)
	assert.Equal(t, dataloop.OrganizationID, alone.text("org", "id"), "an object where it is read alone")
	assert.Equal(t, alone.value, b.do("GET", "/integrations/"+id, nil).value)
	list := b.do("GET", ofOrg+"/integrations", nil)
	assert.Equal(t, made.value, list.at(0))

	*b.at = b.at.Add(time.Second)
	patched := b.do("PATCH", ofOrg+"/integrations", map[string]any{"integrationId": id, "name": "new-name",
		"credentials": map[string]any{"type": kind, "options": map[string]any{names["Client ID"]: "client-2"}}})
	require.Equal(t, 200, patched.status, patched.raw)
	assert.Equal(t, "new-name", patched.text("name"))
	assert.Greater(t, patched.at("updatedAt"), patched.at("createdAt"))
	kept, ok := b.world.DDOEObject(dataloop.Integrations, id)
	require.True(t, ok)
	assert.Equal(t, "client-2", walk(kept, "options", names["Client ID"]))
	assert.Equal(t, world.TenantID, walk(kept, "options", names["Tenant ID"]), "merged")
	assert.Contains(t, b.control("GET", "/world", "").Body.String(), "client-2", "options are shown in the world")
	for _, path := range []string{ofOrg + "/integrations", "/integrations/" + id} {
		assert.NotContains(t, b.do("GET", path, nil).raw, "client-2", "and nowhere else")
	}

	other := b.integration("new-name", values("c"))
	left := b.do("DELETE", ofOrg+"/integrations/"+id, nil)
	require.Equal(t, 200, left.status)
	require.Len(t, left.value, 1, "the answer is what is left")
	assert.Equal(t, other, left.at(0, "id"))
	assert.Equal(t, 404, b.do("DELETE", ofOrg+"/integrations/"+id, nil).status)
	assert.Equal(t, 404, b.do("PATCH", ofOrg+"/integrations", map[string]any{"integrationId": id}).status)
	assert.Equal(t, "[]\n", b.do("DELETE", ofOrg+"/integrations/"+other, nil).raw)
}

func TestIntegrationRefused(t *testing.T) {
	b := newBench(t)
	_, names := b.federation()
	for name, tc := range map[string]struct {
		change func(request, options map[string]any)
		text   string
	}{
		"no name":     {func(r, _ map[string]any) { delete(r, "name") }, "required"},
		"no type":     {func(r, _ map[string]any) { delete(r, "type") }, "required"},
		"no options":  {func(r, _ map[string]any) { delete(r, "options") }, "required"},
		"absent type": {func(r, _ map[string]any) { r["type"] = "azure-workload-identity-federation" }, "type"},
		"option missing": {func(_, o map[string]any) { delete(o, names["Client ID"]) }, names["Client ID"] +
			" is required"},
		"option empty": {func(_, o map[string]any) { o[names["Tenant ID"]] = "" }, names["Tenant ID"] +
			" is required"},
		"unlisted option": {func(_, o map[string]any) { o["clientId"] = "x" }, "clientId is not allowed"},
		"file no JSON":    {func(_, o map[string]any) { o[names["Credential file (JSON)"]] = "{" }, "not valid JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			request := b.request("n", values("c"))
			options, _ := request["options"].(map[string]any)
			tc.change(request, options)
			got := b.do("POST", ofOrg+"/integrations", request)
			assert.Equal(t, 400, got.status)
			assert.Contains(t, got.text("message"), tc.text)
			assert.Empty(t, b.world.DDOEObjects(dataloop.Integrations))
		})
	}
	kind, _ := b.federation()
	b.control("DELETE", "/objects/ddoe.availableIntegrations/"+kind, "")
	got := b.do("POST", ofOrg+"/integrations", map[string]any{"name": "n", "type": kind, "options": map[string]any{}})
	assert.Equal(t, 400, got.status, "the type was taken away")
	assert.Equal(t, 400, b.do("PATCH", ofOrg+"/integrations", []any{}).status)
	assert.Equal(t, 404, b.do("PATCH", ofOrg+"/integrations", map[string]any{"name": "x"}).status)
}

func TestDriverLife(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values("c"))
	kind, _ := b.federation()
	made := b.do("POST", "/drivers", b.driverBody(integration))
	require.Equal(t, 200, made.status, made.raw)
	id := made.text("id")
	for member, want := range map[string]any{"name": "images", "type": "azureblob", "integrationId": integration,
		"integrationType": kind,
		"containerName":   container, "path": "a folder", "projectId": dataloop.ProjectID,
		"allowExternalDelete": false,
		"isSyncable":          true,
		"creator":             dataloop.UserEmail, "createdAt": b.at.UTC().Format("2006-01-02T15:04:05.000Z")} {
		assert.Equal(t, want, made.at(member), member)
	}
	assert.Equal(t, made.value, b.do("GET", "/drivers/"+id, nil).value)
	second := b.driver(integration)
	assert.NotEqual(t, id, second, "names need not be unique")
	assert.Equal(t, "2\n", b.do("GET", "/drivers/byIntegration/"+integration, nil).raw)
	assert.Equal(t, "0\n", b.do("GET", "/drivers/byIntegration/x", nil).raw)
	for query, n := range map[string]int{"": 2, "?projectId=" + dataloop.ProjectID: 2, "?projectId=x": 0,
		"?integrationId=" + integration: 2,
		"?integrationId=x":              0, "?projectId=" + dataloop.ProjectID + "&integrationId=" + integration: 2} {
		assert.Len(t, b.do("GET", "/drivers"+query, nil).value, n, query)
	}

	patched := b.do("PATCH", "/drivers/"+id, map[string]any{"name": "renamed", "payload": map[string]any{"path": "b"}})
	require.Equal(t, 200, patched.status, patched.raw)
	assert.Equal(t, []any{"renamed", "b", container}, []any{patched.at("name"), patched.at("path"),
		patched.at("containerName")})
	assert.Equal(t, 400, b.do("PATCH", "/drivers/"+id, map[string]any{"name": "x"}).status, "payload is required")
	assert.Equal(t, 404, b.do("PATCH", "/drivers/x", map[string]any{"payload": map[string]any{}}).status)

	gone := b.do("DELETE", "/drivers/"+id, nil)
	assert.Equal(t, 204, gone.status)
	assert.Empty(t, gone.raw)
	assert.Equal(t, 404, b.do("DELETE", "/drivers/"+id, nil).status)
	require.Equal(t, 200, b.do("DELETE", ofOrg+"/integrations/"+integration, nil).status, "although a driver uses it")
	assert.Equal(t, 404, b.do("GET", "/drivers/"+second+"/test", nil).status)

	b.control("PUT", "/objects/ddoe.drivers/by-hand", `{"name":"x"}`)
	assert.NotEmpty(t, b.do("GET", "/drivers/by-hand", nil).text("createdAt"))
	b.control("PUT", "/objects/ddoe.integrations/by-hand", `{"name":"x","type":"y"}`)
	assert.Len(t, b.do("GET", ofOrg+"/integrations", nil).value, 1)
	assert.Equal(t, "by-hand", b.do("GET", ofOrg+"/integrations/by-hand", nil).text("id"))
}

func TestDriverRefused(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values("c"))
	for name, tc := range map[string]struct {
		change func(d map[string]any)
		status int
	}{
		"no name":    {func(d map[string]any) { delete(d, "name") }, 400},
		"no creator": {func(d map[string]any) { delete(d, "creator") }, 400},
		"no payload": {func(d map[string]any) { delete(d, "payload") }, 400},
		"no project": {func(d map[string]any) { delete(d, "metadata") }, 400},
		"project not found": {func(d map[string]any) {
			d["metadata"] = map[string]any{"system": map[string]any{"projectId": "x"}}
		}, 404},
		"other kind of storage": {func(d map[string]any) { d["type"] = "s3" }, 400},
		"no container":          {func(d map[string]any) { d["payload"] = map[string]any{} }, 400},
		"path is a URL": {func(d map[string]any) {
			d["payload"] = map[string]any{"containerName": "c", "path": "https://a/b"}
		}, 400},
		"path from the root": {func(d map[string]any) {
			d["payload"] = map[string]any{"containerName": "c", "path": "/b"}
		}, 400},
		"no such integration":     {func(d map[string]any) { d["integrationId"] = "x" }, 404},
		"driver type for a type":  {func(d map[string]any) { d["integrationType"] = "azureDatalakeGen2" }, 400},
		"no integration type":     {func(d map[string]any) { delete(d, "integrationType") }, 400},
		"not what it should hold": {func(d map[string]any) { d["payload"] = "x" }, 400},
	} {
		t.Run(name, func(t *testing.T) {
			body := b.driverBody(integration)
			tc.change(body)
			got := b.do("POST", "/drivers", body)
			assert.Equal(t, tc.status, got.status, got.raw)
			assert.Empty(t, b.world.DDOEObjects(dataloop.Drivers))
		})
	}
	body := b.driverBody(integration)
	delete(body, "allowExternalDelete")
	assert.Equal(t, true, b.do("POST", "/drivers", body).at("allowExternalDelete"), "the dangerous default")
}

// TestRoles: integrations are for the organisation's owner and admin, drivers for a project's owner and developer, and
// everybody may look.
func TestRoles(t *testing.T) {
	for name, tc := range map[string]struct {
		role, projectRole     string
		integrations, drivers bool
	}{
		"owner":            {"owner", "owner", true, true},
		"admin, no driver": {"admin", "viewer", true, false},
		"an org bot":       {"member", "developer", false, true},
		"worker":           {"worker", "annotator", false, false},
		"nobody":           {"", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			integration := b.integration("wif", values(b.identity().app.AppID))
			driver := b.driver(integration)
			spare := b.driver(integration)
			user, err := json.Marshal(map[string]string{"role": tc.role, "projectRole": tc.projectRole})
			require.NoError(t, err)
			b.control("PUT", "/objects/ddoe.users/"+dataloop.UserEmail, string(user))
			assert.Equal(t, dataloop.UserEmail, b.do("GET", "/users/me", nil).text("email"))

			check := func(allowed bool, method, path string, body any) {
				t.Helper()
				got := b.do(method, path, body)
				if allowed {
					assert.Less(t, got.status, 300, got.raw)
					return
				}
				assert.Equal(t, 403, got.status, "%s %s", method, path)
				assert.Equal(t, 403.0, got.at("status"))
			}
			for _, path := range []string{ofOrg + "/availableIntegrations", ofOrg + "/integrations", "/integrations/" +
				integration, "/drivers", "/drivers/" + driver + "/test"} {
				check(true, "GET", path, nil)
			}
			check(tc.drivers, "POST", "/drivers", b.driverBody(integration))
			check(tc.drivers, "POST", "/drivers/validateDrivers", map[string]any{"integrationId": integration})
			check(tc.drivers, "PATCH", "/drivers/"+driver, map[string]any{"payload": map[string]any{}})
			check(tc.drivers, "DELETE", "/drivers/"+spare, nil)
			check(tc.integrations, "POST", ofOrg+"/integrations", b.request("x", values("c")))
			check(tc.integrations, "PATCH", ofOrg+"/integrations", map[string]any{"integrationId": integration,
				"name": "y"})
			check(tc.integrations, "DELETE", ofOrg+"/integrations/"+integration, nil)
		})
	}
	b := newBench(t)
	b.control("DELETE", "/objects/ddoe.users/"+dataloop.UserEmail, "")
	assert.Equal(t, dataloop.UserEmail, b.do("GET", "/users/me", nil).text("id"))
}
