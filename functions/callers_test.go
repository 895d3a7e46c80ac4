package functions

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const apiAudience = "api://ddoe-wif"

// withCallers is an app that asks callers for a token.
func withCallers(t *testing.T) *app {
	t.Helper()
	return newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience})
}

// token is a caller's Authorization header.
func (a *app) bearer(r entra.CallerRequest) string {
	a.t.Helper()
	authority, err := entra.NewAuthority(a.world)
	require.NoError(a.t, err)
	if r.Audience == "" {
		r.Audience = apiAudience
	}
	token, err := authority.IssueCaller(r)
	require.NoError(a.t, err)
	return "Bearer " + token
}

// eachOperation calls do with each operation of the API document, its ids filled in.
func (a *app) eachOperation(do func(method, path string, security []any)) {
	a.t.Helper()
	count := 0
	for template, item := range a.document["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			path := strings.NewReplacer("{id}", "my-images", "{operationId}", "4fd2ee3c-5cf3-4a6b-9a3f-2a3ee7a3f0aa",
				"{code}", "forbidden").Replace(template)
			require.NotContains(a.t, path, "{")
			security, _ := op.(map[string]any)["security"].([]any)
			do(strings.ToUpper(method), path, security)
			count++
		}
	}
	require.Greater(a.t, count, 15)
}

// neededRole is the role that an operation takes by the API document; empty where it is open.
func neededRole(security []any) string {
	for _, way := range security {
		if roles, ok := way.(map[string]any)["callerToken"].([]any); ok {
			return roles[0].(string)
		}
	}
	return ""
}

// TestWhoIsNotLetIn by any operation, before anything of the request is looked at. See TestAttacksByToken.
func TestWhoIsNotLetIn(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	late := -3600
	for name, row := range map[string]struct {
		headers []string
		code    string
	}{
		"nothing":                {nil, "unauthorized"},
		"the function key alone": {[]string{"x-functions-key", "key"}, "unauthorized"},
		"expired": {[]string{"Authorization", a.bearer(entra.CallerRequest{Roles: []string{"Wif.Admin"},
			ExpiresInSeconds: &late})}, "caller-token-expired"},
	} {
		t.Run(name, func(t *testing.T) {
			a.eachOperation(func(method, path string, security []any) {
				if neededRole(security) == "" {
					return
				}
				got := a.call(method, path+"?unknown=1", "{", row.headers...)
				assert.Equal(t, http.StatusUnauthorized, got.StatusCode, "%s %s", method, path)
				assert.Equal(t, row.code, got.at("code"), "%s %s", method, path)
				challenge := `Bearer error="invalid_token"`
				if row.code == "unauthorized" {
					challenge = "Bearer"
				}
				assert.Equal(t, challenge, got.Header.Get("WWW-Authenticate"))
				assert.NotEmpty(t, got.at("remedy", "steps"))
			})
		})
	}
}

// TestTheLogTellsWhoCalled, whether the caller was let in or not, and where the function key is the only door.
func TestTheLogTellsWhoCalled(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	for _, version := range []string{"1.0", "2.0"} {
		header := a.bearer(entra.CallerRequest{ObjectID: "reader-" + version, Roles: []string{"Wif.Read"},
			Version: version})
		require.Equal(t, 200, a.call("GET", "/integrations", "", "Authorization", header).StatusCode)
		assert.Contains(t, a.log.String(), `"caller":"reader-`+version+`"`)
		assert.NotContains(t, a.log.String(), header[20:60])
	}
	a.log.Reset()
	require.Equal(t, 403, a.call("PUT", "/integrations/my-images", good, "Authorization",
		a.bearer(entra.CallerRequest{ObjectID: "reader"})).StatusCode)
	assert.Contains(t, a.log.String(), `"caller":"reader"`)
	assert.Contains(t, a.log.String(), `"code":"forbidden"`)

	keyed := newApp(t, nil)
	require.Equal(t, 200, keyed.call("GET", "/integrations", "").StatusCode)
	assert.Contains(t, keyed.log.String(), `"caller":"function-key"`)
}

// TestCallersOfAnotherTenant are let in where the settings name it, and those of the app's own no more.
func TestCallersOfAnotherTenant(t *testing.T) {
	t.Parallel()
	const other = "99999999-9999-4999-8999-999999999999"
	a := newApp(t, map[string]string{"AUTH_AUDIENCE": apiAudience, "AUTH_TENANT_ID": other})
	a.world.PutTenant(world.Tenant{ID: other, Domain: "callers.example"})
	read := []string{"Wif.Read"}
	theirs := a.bearer(entra.CallerRequest{Roles: read, TenantID: other})
	assert.Equal(t, 200, a.call("GET", "/integrations", "", "Authorization", theirs).StatusCode)
	ours := a.call("GET", "/integrations", "", "Authorization", a.bearer(entra.CallerRequest{Roles: read}))
	assert.Equal(t, "caller-token-tenant", ours.at("code"))
	assert.Contains(t, ours.raw, "az login --tenant "+other)
}

func TestTheTenantOfCallersNeedsAnAudience(t *testing.T) {
	t.Parallel()
	_, err := ConfigFromEnvironment(settings(map[string]string{"AUTH_TENANT_ID": "no GUID"}))
	assert.ErrorContains(t, err, "setting AUTH_TENANT_ID must be a GUID")
	_, err = ConfigFromEnvironment(settings(map[string]string{
		"AUTH_TENANT_ID": "99999999-9999-4999-8999-999999999999"}))
	assert.ErrorContains(t, err, "setting AUTH_AUDIENCE is required where AUTH_TENANT_ID is set")
}
