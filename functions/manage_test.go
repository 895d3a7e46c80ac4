package functions

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const managePath = "/integrations/by-hand/manage"

// toManage is an app that has imported what a person has made, and owns the application.
func toManage(t *testing.T) *app {
	t.Helper()
	a := byHand(t, nil)
	a.world.AddOwner(handApplication, world.AppPrincipalID)
	a.world.AddOwner(handPrincipal, world.AppPrincipalID)
	require.Equal(t, 201, a.call("POST", "/integrations/by-hand/import", handImport).StatusCode)
	return a
}

// ended is the operation of an answer, when its command was delivered.
func ended(a *app, got answer) answer {
	a.t.Helper()
	require.Equal(a.t, 202, got.StatusCode, got.raw)
	a.deliver()
	return a.call("GET", strings.TrimPrefix(got.Header.Get("Operation-Location"), "/api"), "")
}

// steps are the steps of a plan, by name and action.
func steps(planned any) []string {
	var all []string
	list, _ := planned.([]any)
	for _, one := range list {
		step, _ := one.(map[string]any)
		all = append(all, step["name"].(string)+" "+step["action"].(string))
	}
	return all
}

// TestATakeover: what would change is shown first, and nothing is touched; then the integration is one of ours, is
// mended where it has drifted, and is torn down whole.
func TestATakeover(t *testing.T) {
	t.Parallel()
	a := toManage(t)
	before := a.world.Snapshot()
	plan := a.call("POST", managePath+"?dryRun=true", "")
	require.Equal(t, 200, plan.StatusCode, plan.raw)
	assert.Equal(t, []string{"application update", "servicePrincipal unchanged", "federatedCredential unchanged",
		"roleAssignment unchanged", "ddoeIntegration manual"}, steps(plan.at("steps")), plan.raw)
	assert.NotContains(t, plan.raw, `"member":"displayName"`, "it keeps the name that a person has given")
	assert.Equal(t, []string{"application delete", "servicePrincipal delete", "federatedCredential delete",
		"roleAssignment delete"}, steps(plan.at("removes")), plan.raw)
	assert.Equal(t, before, a.world.Snapshot())
	assert.Equal(t, true, a.call("GET", "/integrations/by-hand", "").at("unmanaged"))

	op := ended(a, a.call("POST", managePath, ""))
	assert.Equal(t, "Succeeded", op.at("status"), op.raw)
	read := a.call("GET", "/integrations/by-hand", "")
	assert.Nil(t, read.at("unmanaged"))
	assert.Equal(t, "provisioned", read.at("status", "phase"), read.raw)
	assert.Equal(t, handClient, read.at("status", "clientId"))
	assert.Nil(t, read.at("status", "uniqueName"))
	assert.Equal(t, true, read.at("status", "identity", "takenOver"))
	assert.InDelta(t, 2, read.at("generation"), 0)
	after := a.world.Snapshot()
	assert.Equal(t, before.FederatedIdentityCredentials, after.FederatedIdentityCredentials)
	assert.Equal(t, before.RoleAssignments, after.RoleAssignments)
	require.Len(t, after.Applications, 1)
	assert.Equal(t, "DDOE WIF App", after.Applications[0].DisplayName)
	assert.Equal(t, "DDOE WIF App", read.at("spec", "displayName"))
	assert.Equal(t, "pass", a.call("GET", "/integrations/by-hand/drift", "").at("verdict"))

	require.NoError(t, a.world.DeleteObject("federatedIdentityCredentials", handCredential))
	a.call("PUT", "/integrations/by-hand", specAsSent(read))
	a.deliver()
	assert.Equal(t, "pass", a.call("GET", "/integrations/by-hand/drift", "").at("verdict"), "it was made anew")

	gone := ended(a, a.call("DELETE", "/integrations/by-hand?purge=true", ""))
	assert.Equal(t, "Succeeded", gone.at("status"), gone.raw)
	left := a.world.Snapshot()
	assert.Empty(t, left.Applications)
	assert.Empty(t, left.DeletedItems)
	assert.Empty(t, left.FederatedIdentityCredentials)
	for _, one := range left.RoleAssignments {
		assert.NotEqual(t, handPrincipal, one.PrincipalID)
	}
}

// TestATakeoverTellsWhatItForgets, and what it renames: the import has asked for another name.
func TestATakeoverTellsWhatItForgets(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	a.world.AddOwner(handApplication, world.AppPrincipalID)
	a.world.AddOwner(handPrincipal, world.AppPrincipalID)
	body := strings.Replace(handImport, `"storage"`, `"displayName": "Images", "ddoe": {"integrationId": "theirs",
		"driverId": "driver-1"}, "storage"`, 1)
	got := a.call("POST", "/integrations/by-hand/import", body)
	require.Equal(t, 201, got.StatusCode, got.raw)
	assert.Equal(t, "Images", got.at("spec", "displayName"))
	plan := a.call("POST", managePath+"?dryRun=true", "")
	require.Equal(t, 200, plan.StatusCode, plan.raw)
	assert.Equal(t, map[string]any{"integrationId": "theirs", "driverId": "driver-1"}, plan.at("forgets"))
	assert.Contains(t, plan.raw, `"want":"Images","have":"DDOE WIF App"`)
	ended(a, a.call("POST", managePath, ""))
	assert.Nil(t, a.call("POST", managePath+"?dryRun=true", "").at("forgets"), "nothing is left to forget")
}

// TestATakeoverIsTornDown as it was made by hand: under the names that a person has given; and it is restored by
// another PUT.
func TestATakeoverIsTornDown(t *testing.T) {
	t.Parallel()
	a := toManage(t)
	ended(a, a.call("POST", managePath, ""))
	read := a.call("GET", "/integrations/by-hand", "")
	gone := ended(a, a.call("DELETE", "/integrations/by-hand", ""))
	assert.Equal(t, "Succeeded", gone.at("status"), gone.raw)
	assert.Contains(t, gone.raw, "federatedCredential-delete")
	left := a.world.Snapshot()
	assert.Empty(t, left.Applications)
	assert.Empty(t, left.FederatedIdentityCredentials)
	require.NotEmpty(t, left.DeletedItems, "the recycle bin has it")

	back := a.call("PUT", "/integrations/by-hand", specAsSent(read))
	require.Equal(t, 201, back.StatusCode, back.raw)
	a.deliver()
	restored := a.call("GET", "/integrations/by-hand", "")
	assert.Equal(t, handClient, restored.at("status", "clientId"), restored.raw)
	assert.Equal(t, "provisioned", restored.at("status", "phase"), restored.raw)
	a.call("DELETE", "/integrations/by-hand?purge=true", "")
	a.deliver()
	a.call("PUT", "/integrations/by-hand", specAsSent(read))
	a.deliver()
	anew := a.call("GET", "/integrations/by-hand", "")
	assert.Equal(t, "provisioned", anew.at("status", "phase"), anew.raw)
	assert.NotEqual(t, handClient, anew.at("status", "clientId"), "it is one of ours")
	assert.NotNil(t, anew.at("status", "uniqueName"))
}

// specAsSent is the spec of a document, as a body.
func specAsSent(read answer) string {
	_, rest, _ := strings.Cut(read.raw, `"spec":`)
	depth := 0
	for i, c := range rest {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return rest[:i+1]
			}
		}
	}
	return rest
}

// TestATakeoverThatIsRefused writes nothing, as dry run and in earnest.
func TestATakeoverThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(a *app)
		path    string
		headers []string
		status  int
		code    string
		says    string
	}{
		"not an owner": {prepare: func(a *app) {
			a.make("owners", handApplication,
				map[string]any{"owners": []string{}})
		},
			status: 409, code: "application-not-owned",
			says: "az ad app owner add --id " + handClient + " --owner-object-id " + world.AppPrincipalID},
		"an owner of the application alone": {prepare: func(a *app) {
			a.make("owners", handPrincipal, map[string]any{"owners": []string{}})
		}, status: 409, code: "application-not-owned", says: "/servicePrincipals/" + handPrincipal + "/owners/"},
		"no such integration": {path: "/integrations/no-such/manage", status: 404, code: "integration-not-found"},
		"no id":               {path: "/integrations/NO/manage", status: 400, code: "invalid-id"},
		"forgotten": {prepare: func(a *app) { ended(a, a.call("DELETE", "/integrations/by-hand", "")) }, status: 404,
			code: "integration-deleted"},
		"another version": {headers: []string{"If-Match", `"x"`}, status: 412, code: "precondition-failed"},
		"the application is gone": {prepare: func(a *app) {
			require.NoError(a.t, a.world.DeleteObject("applications", handApplication))
		}, status: 502, code: "identity-missing"},
		"a credential in the way": {prepare: func(a *app) {
			a.make("federatedIdentityCredentials", handCredential, map[string]any{"applicationId": handApplication,
				"name": "DDOE-federation", "issuer": world.Issuer, "subject": subject, "audiences": []string{"other"}})
		}, status: 502, code: "federated-credential-refused", says: "DDOE-federation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := toManage(t)
			if c.prepare != nil {
				c.prepare(a)
			}
			path := managePath
			if c.path != "" {
				path = c.path
			}
			before := a.world.Snapshot()
			for _, query := range []string{"?dryRun=true", ""} {
				got := a.call("POST", path+query, "", c.headers...)
				assert.Equal(t, c.status, got.StatusCode, got.raw)
				assert.Equal(t, c.code, got.at("code"), got.raw)
				assert.Contains(t, got.raw, c.says)
			}
			a.deliver()
			assert.Equal(t, before, a.world.Snapshot())
		})
	}
}

// TestATakeoverMayBeRepeated, while it runs, afterwards, and by many at the same time.
func TestATakeoverMayBeRepeated(t *testing.T) {
	t.Parallel()
	a := toManage(t)
	first := a.call("POST", managePath, "")
	again := a.call("POST", managePath, "")
	assert.Equal(t, first.Header.Get("Operation-Location"), again.Header.Get("Operation-Location"), "it is joined")
	assert.Equal(t, "Succeeded", ended(a, again).at("status"))
	third := ended(a, a.call("POST", managePath, ""))
	assert.Equal(t, "Succeeded", third.at("status"), third.raw)
	assert.NotContains(t, third.raw, `"outcome":"updated"`, "nothing is left to do")
	assert.InDelta(t, 2, a.call("GET", "/integrations/by-hand", "").at("generation"), 0)

	many := toManage(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			got := many.call("POST", managePath, "")
			assert.Contains(t, []int{202, 412, 409}, got.StatusCode, got.raw)
		})
	}
	all.Wait()
	many.deliver()
	read := many.call("GET", "/integrations/by-hand", "")
	assert.Equal(t, "provisioned", read.at("status", "phase"), read.raw)
	assert.Len(t, many.world.Snapshot().Applications, 1)
}

// TestATakeoverOfAManagedIdentity in the resource group of ours; elsewhere it is refused.
func TestATakeoverOfAManagedIdentity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, takeOverAManagedIdentity) // writes are seconds apart
}

func takeOverAManagedIdentity(t *testing.T) {
	a, made := managedByHand(t, world.IdentitiesResourceGroupID)
	body := strings.ReplaceAll(handImport, handClient, made.ClientID)
	require.Equal(t, 201, a.call("POST", "/integrations/by-hand/import", body).StatusCode)
	plan := a.call("POST", managePath+"?dryRun=true", "")
	assert.Equal(t, []string{"managedIdentity update", "federatedCredential unchanged", "roleAssignment unchanged",
		"ddoeIntegration manual"}, steps(plan.at("steps")), plan.raw)
	op := ended(a, a.call("POST", managePath, ""))
	assert.Equal(t, "Succeeded", op.at("status"), op.raw)
	read := a.call("GET", "/integrations/by-hand", "")
	assert.Equal(t, made.ClientID, read.at("status", "clientId"), read.raw)
	assert.Equal(t, "managedIdentity", read.at("spec", "identity", "kind"))
	assert.Equal(t, "pass", a.call("GET", "/integrations/by-hand/drift", "").at("verdict"))
	gone := ended(a, a.call("DELETE", "/integrations/by-hand", ""))
	assert.Equal(t, "Succeeded", gone.at("status"), gone.raw)
	left := a.world.Snapshot()
	assert.False(t, slices.ContainsFunc(left.UserAssignedIdentities,
		func(one world.UserAssignedIdentity) bool { return one.ID == made.ID }))
	for _, one := range left.RoleAssignments {
		assert.NotEqual(t, made.PrincipalID, one.PrincipalID)
	}
}

// TestATakeoverNeedsNoOwnership where the service may change every application.
func TestATakeoverNeedsNoOwnership(t *testing.T) {
	t.Parallel()
	a := byHand(t, nil)
	a.make("appRoles", world.AppPrincipalID, map[string]any{"roles": []string{world.AppRoleReadWriteAll}})
	require.Equal(t, 201, a.call("POST", "/integrations/by-hand/import", handImport).StatusCode)
	op := ended(a, a.call("POST", managePath, ""))
	assert.Equal(t, "Succeeded", op.at("status"), op.raw)
}

// TestATakeoverWhenTheDirectoryIsDown is refused as that, and can be sent again.
func TestATakeoverWhenTheDirectoryIsDown(t *testing.T) {
	t.Parallel()
	a := toManage(t)
	next := a.net["graph.microsoft.com"]
	a.net["graph.microsoft.com"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/owners") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
	got := a.call("POST", managePath, "")
	assert.NotEqual(t, 202, got.StatusCode, got.raw)
	assert.Equal(t, true, a.call("GET", "/integrations/by-hand", "").at("unmanaged"))
	a.net["graph.microsoft.com"] = next
	assert.Equal(t, "Succeeded", ended(a, a.call("POST", managePath, "")).at("status"))
}

// TestATakeoverWhoseStoreFails at any of its calls, done or not, is completed by the same request.
func TestATakeoverWhoseStoreFails(t *testing.T) {
	t.Parallel()
	failed := 0
	for _, lost := range []bool{false, true} {
		for at := 1; ; at++ {
			failing := &storetest.Failing{Store: storetest.NewMemory(), Lost: lost}
			a := newAppOn(t, nil, func(network, identity) integration.Store { return failing })
			a.setUpByHand()
			a.world.AddOwner(handApplication, world.AppPrincipalID)
			a.world.AddOwner(handPrincipal, world.AppPrincipalID)
			require.Equal(t, 201, a.call("POST", "/integrations/by-hand/import", handImport).StatusCode)
			failing.Arm(at)
			headers := []string{"Operation-Id", "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"}
			got := a.call("POST", managePath, "", headers...)
			if !failing.HasFailed() {
				require.Equal(t, 202, got.StatusCode, got.raw)
				break
			}
			failed++
			op := ended(a, a.call("POST", managePath, "", headers...))
			assert.Equal(t, "Succeeded", op.at("status"), "call %d: %s", at, op.raw)
			read := a.call("GET", "/integrations/by-hand", "")
			assert.Equal(t, "provisioned", read.at("status", "phase"), "call %d: %s", at, read.raw)
			assert.InDelta(t, 2, read.at("generation"), 0)
			require.Len(t, a.world.Snapshot().Applications, 1)
		}
	}
	assert.Greater(t, failed, 8)
}
