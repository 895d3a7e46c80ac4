package arm_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	identities = world.IdentitiesResourceGroupID + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
	mine       = identities + "/of-mine"
	here       = `{"location":"westeurope","tags":{"made-by":"us"}}`
)

// identity makes one that is there for long.
func (b *bench) identity(id string) world.UserAssignedIdentity {
	b.t.Helper()
	got := b.do("PUT", id, here)
	require.Equal(b.t, 201, got.status, got.raw)
	stored, ok := b.world.UserAssignedIdentity(id)
	require.True(b.t, ok)
	return stored
}

func TestIdentityLife(t *testing.T) {
	b := newConditionedBench(t)
	assert.Equal(t, "ResourceNotFound", b.do("GET", mine, "").text("error", "code"))
	assert.Equal(t, 204, b.do("DELETE", mine, "").status, "nothing there")

	created := b.do("PUT", mine, `{"location":"West Europe","tags":{"made-by":"us","other":"x"}}`)
	require.Equal(t, 201, created.status, created.raw)
	assert.Equal(t, mine, created.text("id"))
	assert.Equal(t, "of-mine", created.text("name"))
	assert.Equal(t, "Microsoft.ManagedIdentity/userAssignedIdentities", created.text("type"))
	assert.Equal(t, "westeurope", created.text("location"))
	assert.Equal(t, world.TenantID, created.text("properties", "tenantId"))
	principal, ok := b.world.ServicePrincipal(created.text("properties", "principalId"))
	require.True(t, ok, "it has a service principal")
	assert.Equal(t, created.text("properties", "clientId"), principal.AppID)
	assert.Equal(t, world.PrincipalManagedIdentity, principal.ServicePrincipalType)
	assert.True(t, principal.AccountEnabled)
	_, ok = b.world.ApplicationByAppID(principal.AppID)
	assert.False(t, ok, "and no application")

	same := b.do("PUT", mine, here)
	require.Equal(t, 200, same.status, same.raw)
	assert.Equal(t, created.at("properties"), same.at("properties"))
	assert.Equal(t, map[string]any{"made-by": "us"}, same.at("tags"), "tags are replaced, not merged")
	back := b.do("PUT", mine, same.raw)
	assert.Equal(t, 200, back.status, "what was read can be sent back: %s", back.raw)
	assert.Equal(t, same.json, b.do("GET", strings.ToUpper(mine), "").json, "ids have no case")
	assert.Equal(t, []any{same.json}, b.do("GET", identities, "").at("value"), "the app's own is in another group")

	role := assignment(world.DataAccountID, one)
	require.Equal(t, 201, b.do("PUT", role, grant(rbac.RoleBlobDataReader, principal.ID, typed)).status)
	require.Equal(t, 201, b.do("PUT", mine+"/federatedIdentityCredentials/one", trust("s")).status)
	assert.Equal(t, 200, b.do("DELETE", mine, "").status)
	assert.Equal(t, 204, b.do("DELETE", mine, "").status)
	assert.Equal(t, 404, b.do("GET", mine, "").status)
	_, ok = b.world.ServicePrincipal(principal.ID)
	assert.False(t, ok, "the service principal went with it")
	assert.Empty(t, b.world.DeletedItems(), "there is no recycle bin")
	assert.Equal(t, 200, b.do("GET", role, "").status, "role assignments stay behind")

	again := b.do("PUT", mine, here)
	require.Equal(t, 201, again.status)
	for _, id := range []string{"clientId", "principalId"} {
		assert.NotEqual(t, created.text("properties", id), again.text("properties", id))
	}
	assert.Empty(t, b.do("GET", mine+"/federatedIdentityCredentials", "").at("value"), "nor are credentials restored")
}

func TestIdentityErrors(t *testing.T) {
	subscription := "/subscriptions/" + world.SubscriptionID
	const provider = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/of-mine"
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code, message      string
	}{
		"name too short":    {path: identities + "/ab", status: 400, code: "InvalidResourceName"},
		"name begins badly": {path: identities + "/-abc", status: 400, code: "InvalidResourceName"},
		"no location":       {body: `{}`, status: 400, code: "LocationRequired"},
		"no JSON":           {body: `{`, status: 400, code: "InvalidRequestContent"},
		"tag's name": {body: `{"location":"westeurope","tags":{"a/b":""}}`, status: 400,
			code:    "InvalidTagNameCharacters",
			message: "'a/b'"},
		"tag's value": {body: tagged(257), status: 400, code: "InvalidTags"},
		"longest tag": {body: tagged(256), status: 201},
		"no such parent": {path: subscription + "/resourceGroups/nowhere" + provider,
			status: 403, code: "AuthorizationFailed"},
		"app's own group": {path: appGroupID + provider, status: 403, code: "AuthorizationFailed"},
		"other subscription": {path: "/subscriptions/" + nobody + "/resourceGroups/identities" + provider,
			status: 404, code: "SubscriptionNotFound"},
		"other method":      {method: "PATCH", status: 405, code: "MethodNotAllowed"},
		"other type below":  {path: mine + "/secrets/x", method: "GET", status: 404, code: "InvalidResourceType"},
		"not a list to put": {path: identities, status: 405, code: "MethodNotAllowed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newConditionedBench(t)
			got := b.do(or(tc.method, "PUT"), or(tc.path, mine), or(tc.body, here))
			assert.Equal(t, tc.status, got.status, got.raw)
			assert.Equal(t, tc.code, got.text("error", "code"))
			assert.Contains(t, got.text("error", "message"), tc.message)
		})
	}
	t.Run("other location", func(t *testing.T) {
		b := newConditionedBench(t)
		before := b.identity(mine)
		got := b.do("PUT", mine, `{"location":"northeurope"}`)
		assert.Equal(t, 409, got.status)
		assert.Equal(t, "InvalidResourceLocation", got.text("error", "code"))
		after, _ := b.world.UserAssignedIdentity(mine)
		assert.Equal(t, before, after)
	})
	t.Run("group is gone", func(t *testing.T) {
		b := newConditionedBench(t)
		require.NoError(t, b.world.DeleteObject("resourceGroups", world.IdentitiesResourceGroupID))
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			assert.Equal(t, "ResourceGroupNotFound", b.do(method, mine, here).text("error", "code"), method)
		}
	})
}

func tagged(length int) string {
	return `{"location":"westeurope","tags":{"a":"` + strings.Repeat("x", length) + `"}}`
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// TestIdentityRights: each action of the deployment's role is needed, and none of them reaches the app's own identity.
func TestIdentityRights(t *testing.T) {
	const credential = mine + "/federatedIdentityCredentials/one"
	own := deployment.Example().Identity.ID
	for name, tc := range map[string]struct{ method, path, action string }{
		"read identity":     {"GET", mine, "/read"},
		"list identities":   {"GET", identities, "/read"},
		"write identity":    {"PUT", mine, "/write"},
		"delete identity":   {"DELETE", mine, "/delete"},
		"read credential":   {"GET", credential, "/federatedIdentityCredentials/read"},
		"list credentials":  {"GET", mine + "/federatedIdentityCredentials", "/federatedIdentityCredentials/read"},
		"write credential":  {"PUT", credential, "/federatedIdentityCredentials/write"},
		"delete credential": {"DELETE", credential, "/federatedIdentityCredentials/delete"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newConditionedBench(t)
			b.identity(mine)
			require.Equal(t, 201, b.do("PUT", credential, trust("s")).status)
			body := here
			if strings.Contains(tc.path, "federated") {
				body = trust("s")
			}
			assert.Less(t, b.do(tc.method, tc.path, body).status, 300)
			denied := func(path string) {
				got := b.do(tc.method, path, body)
				require.Equal(t, 403, got.status, got.raw)
				assert.Equal(t, "AuthorizationFailed", got.text("error", "code"))
				assert.Contains(t, got.text("error", "message"),
					"perform action 'Microsoft.ManagedIdentity/userAssignedIdentities"+tc.action+"'")
			}
			if ofOwn := strings.Replace(tc.path, mine, own, 1); ofOwn != tc.path {
				denied(ofOwn)
			}
			b.takeIdentityRole()
			denied(tc.path)
		})
	}
}

// takeIdentityRole takes the app's rights on the group for identities away.
func (b *bench) takeIdentityRole() {
	for _, ra := range b.world.RoleAssignments() {
		if ra.Scope == world.IdentitiesResourceGroupID {
			_, err := b.world.DeleteRoleAssignment(ra.ID)
			require.NoError(b.t, err)
		}
	}
}

func TestIdentityReplicates(t *testing.T) {
	b := newConditionedBench(t)
	b.world.SetTiming(world.Timing{ReplicationMS: 10_000})
	u := b.identity(mine)
	assert.Equal(t, 200, b.do("GET", mine, "").status, "reads are not late")
	assert.Empty(t, b.do("GET", mine+"/federatedIdentityCredentials", "").at("value"))

	credential := mine + "/federatedIdentityCredentials/one"
	early := b.do("PUT", credential, trust("s"))
	assert.Equal(t, 404, early.status)
	assert.Equal(t, "ParentResourceNotFound", early.text("error", "code"))
	assert.Contains(t, early.text("error", "message"), mine)
	role := assignment(world.DataAccountID, one)
	grant := grant(rbac.RoleBlobDataReader, u.PrincipalID, typed)
	assert.Equal(t, "PrincipalNotFound", b.do("PUT", role, grant).text("error", "code"))

	b.at = b.at.Add(10 * time.Second)
	assert.Equal(t, 201, b.do("PUT", credential, trust("s")).status)
	assert.Equal(t, 201, b.do("PUT", role, grant).status)
}

func TestIdentityRates(t *testing.T) {
	b := newConditionedBench(t)
	b.identity(mine)
	for range 5 {
		require.Equal(t, http.StatusOK, b.do("PUT", mine, here).status, "off in a fresh world")
	}
	b.world.SetLimits(world.Limits{ManagedIdentityRates: true})
	credential := mine + "/federatedIdentityCredentials/"
	throttled := func(retryAfter, method, path, body string) {
		t.Helper()
		got := b.do(method, path, body)
		assert.Equal(t, 429, got.status, got.raw)
		assert.Equal(t, "TooManyRequests", got.text("error", "code"))
		assert.Equal(t, retryAfter, got.header.Get("Retry-After"))
	}

	require.Equal(t, 201, b.do("PUT", credential+"one", trust("s")).status)
	throttled("4", "PUT", credential+"two", trust("t"))
	b.at = b.at.Add(1500 * time.Millisecond)
	throttled("3", "PUT", credential+"two", trust("t"))
	_, ok := b.world.UserAssignedIdentityCredential(credential + "two")
	assert.False(t, ok, "what is throttled is not done")
	b.at = b.at.Add(2500 * time.Millisecond)
	require.Equal(t, 201, b.do("PUT", credential+"two", trust("t")).status, "what was refused does not count")

	assert.Equal(t, 200, b.do("GET", credential+"one", "").status, "reads have rates of their own")
	throttled("2", "GET", credential+"two", "")
	assert.Equal(t, 200, b.do("GET", strings.TrimSuffix(credential, "/"), "").status)
	throttled("4", "GET", strings.TrimSuffix(credential, "/"), "")
	assert.Equal(t, 200, b.do("DELETE", credential+"one", "").status)
	throttled("4", "DELETE", credential+"two", "")

	b.at = b.at.Add(time.Minute)
	assert.Equal(t, 201, b.do("PUT", mine+"-2", here).status)
	assert.Equal(t, 201, b.do("PUT", mine+"-3", here).status)
	throttled("1", "PUT", mine+"-4", here) // two a second in a subscription
	b.world.SetLimits(world.Limits{})
	assert.Equal(t, 201, b.do("PUT", mine+"-4", here).status)
}
