package arm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/arm"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

const (
	one     = "00000000-0000-4000-8000-000000000001"
	two     = "00000000-0000-4000-8000-000000000002"
	nobody  = "99999999-9999-4999-8999-999999999999"
	version = "api-version=2022-04-01"

	// appGroupID is a group in which the caller has no rights.
	appGroupID = "/subscriptions/" + world.SubscriptionID + "/resourceGroups/rg-wif"
)

type bench struct {
	t         *testing.T
	world     *world.World
	handler   http.Handler
	at        time.Time
	principal string // a service principal to give roles to
	appID     string // its application's client id
}

// newBench has a caller that may assign any role in the group of the data and read everything there.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := newConditionedBench(t)
	now := b.at
	b.at = now.AddDate(0, -1, 0) // the right has been effective for long
	defer func() { b.at = now }()
	for _, ra := range b.world.RoleAssignments() {
		if ra.Condition != "" {
			_, err := b.world.DeleteRoleAssignment(ra.ID)
			require.NoError(t, err)
			ra.Condition, ra.ConditionVersion = "", ""
			ra.RoleDefinitionID = rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleRBACAdministrator)
			_, _, err = b.world.PutRoleAssignment(ra)
			require.NoError(t, err)
		}
	}
	return b
}

// newConditionedBench has the app's own rights, as they are deployed.
func newConditionedBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.world = world.New(func() time.Time { return b.at })
	world.Seed(b.world)
	b.handler = arm.New(b.world, func(r *http.Request) (string, error) {
		id, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return "", errors.New("The access token is invalid.")
		}
		return id, nil
	})
	app, err := b.world.CreateApplication(world.Application{DisplayName: "A"}, "")
	require.NoError(t, err)
	sp, err := b.world.CreateServicePrincipal(world.ServicePrincipal{AppID: app.AppID}, "")
	require.NoError(t, err)
	b.principal, b.appID = sp.ID, app.AppID
	return b
}

type reply struct {
	status int
	header http.Header
	raw    string
	json   map[string]any
}

func (r reply) at(path ...string) any {
	var v any = r.json
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (r reply) text(path ...string) string { s, _ := r.at(path...).(string); return s }

// do sends a request with the usual api-version, unless the path names one.
func (b *bench) do(method, path, body string, header ...string) reply {
	b.t.Helper()
	if !strings.Contains(path, "?") {
		path += "?" + version
	}
	r := httptest.NewRequestWithContext(b.t.Context(), method, "https://management.azure.com"+path,
		strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+world.AppPrincipalID)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	require.NoError(b.t, err)
	got := reply{status: w.Code, header: w.Result().Header, raw: string(raw)}
	if len(raw) > 0 {
		require.NoError(b.t, json.Unmarshal(raw, &got.json), got.raw)
	}
	return got
}

func assignment(scope, name string) string {
	return scope + "/providers/Microsoft.Authorization/roleAssignments/" + name
}

func grant(role, principal, extra string) string {
	return `{"properties":{"roleDefinitionId":"` + rbac.RoleDefinitionID(world.SubscriptionID, role) +
		`","principalId":"` + principal + `"` + extra + `}}`
}

const typed = `,"principalType":"ServicePrincipal"`

func TestRoleAssignmentLife(t *testing.T) {
	for name, scope := range map[string]string{
		"account": world.DataAccountID, "group": world.DataResourceGroupID,
		"container":  world.DataAccountID + "/blobServices/default/containers/images",
		"other case": strings.ToUpper(world.DataAccountID),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			path := assignment(scope, one)
			assert.Equal(t, "RoleAssignmentNotFound", b.do("GET", path, "").text("error", "code"))
			assert.Equal(t, 204, b.do("DELETE", path, "").status, "nothing there")

			created := b.do("PUT", path, grant(rbac.RoleBlobDataReader, b.principal, typed+`,"description":"d"`))
			require.Equal(t, 201, created.status, created.raw)
			assert.Equal(t, path, created.text("id"))
			assert.Equal(t, one, created.text("name"))
			assert.Equal(t, "Microsoft.Authorization/roleAssignments", created.text("type"))
			assert.Equal(t, scope, created.text("properties", "scope"))
			assert.Equal(t, b.principal, created.text("properties", "principalId"))

			same := b.do("PUT", path, grant(rbac.RoleBlobDataReader, b.principal,
				typed+`,"condition":"c","conditionVersion":"2.0"`))
			require.Equal(t, 200, same.status, same.raw)
			assert.Equal(t, "c", same.text("properties", "condition"), "condition and description can be changed")
			assert.Nil(t, same.at("properties", "description"))
			assert.Equal(t, 200, b.do("GET", strings.ToLower(path), "").status, "ids have no case")

			gone := b.do("DELETE", path, "")
			assert.Equal(t, 200, gone.status)
			assert.Equal(t, one, gone.text("name"), "the answer tells what was deleted")
			assert.Equal(t, 204, b.do("DELETE", path, "").status)
		})
	}
}

var roleAssignmentErrorCases = map[string]struct {
	scope, name, role, principal, extra, body string
	status                                    int
	code, message                             string
}{
	"same grant, other name": {name: two, status: 409, code: "RoleAssignmentExists",
		message: strings.ReplaceAll(one, "-", "")},
	"same name, other role": {role: rbac.RoleBlobDataOwner, status: 400,
		code: "RoleAssignmentUpdateNotPermitted"},
	"same name, other principal": {principal: world.AppPrincipalID, status: 400,
		code:    "RoleAssignmentUpdateNotPermitted",
		message: "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."},
	"same name, other scope": {scope: world.LockedAccountID, status: 400,
		code: "HashConflictOnDifferentRoleAssignmentIds"},
	"unknown principal": {name: two, principal: nobody, extra: " ", status: 400, code: "PrincipalNotFound",
		message: strings.ReplaceAll(nobody, "-", "")},
	"unknown principal, typed": {name: two, principal: nobody, status: 201},
	"principal is no GUID":     {name: two, principal: "me", status: 400, code: "InvalidPrincipalId"},
	"wrong type": {name: two, extra: `,"principalType":"User"`, status: 400,
		code: "UnmatchedPrincipalType", message: "'ServicePrincipal'"},
	"no such type": {name: two, extra: `,"principalType":"MSI"`, status: 400,
		code: "InvalidPrincipalType"},
	"unknown role":    {name: two, role: nobody, status: 400, code: "RoleDefinitionDoesNotExist"},
	"name is no GUID": {name: "mine", status: 400, code: "InvalidRoleAssignmentId"},
	"unknown member": {name: two, extra: typed + `,"colour":"red"`, status: 400,
		code: "InvalidRequestContent", message: "colour"},
	"empty body (a lost retry)": {name: two, body: " ", status: 400, code: "InvalidRequestContent"},
	"no such account": {scope: world.DataResourceGroupID +
		"/providers/Microsoft.Storage/storageAccounts/nope", name: two, status: 404, code: "ResourceNotFound",
		message: "Microsoft.Storage/storageAccounts/nope"},
	"no rights there": {scope: appGroupID, name: two, status: 403, code: "AuthorizationFailed",
		message: "Microsoft.Authorization/roleAssignments/write"},
	"no such group": {scope: "/subscriptions/" + world.SubscriptionID + "/resourceGroups/nowhere", name: two,
		status: 403, code: "AuthorizationFailed",
		message: "or the scope is invalid"},
	"no such subscription": {scope: "/subscriptions/" + nobody, name: two, status: 404,
		code: "SubscriptionNotFound"},
}

func TestRoleAssignmentErrors(t *testing.T) {
	for name, tc := range roleAssignmentErrorCases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			require.Equal(t, 201, b.do("PUT", assignment(world.DataAccountID, one),
				grant(rbac.RoleBlobDataReader, b.principal, typed)).status)
			orElse := func(s, other string) string {
				if s == "" {
					return other
				}
				return s
			}
			body := tc.body
			if body == "" {
				body = grant(orElse(tc.role, rbac.RoleBlobDataReader), orElse(tc.principal, b.principal),
					orElse(tc.extra, typed))
			}
			before := len(b.world.RoleAssignments())
			got := b.do("PUT", assignment(orElse(tc.scope, world.DataAccountID), orElse(tc.name, one)), body)
			require.Equal(t, tc.status, got.status, got.raw)
			assert.Equal(t, tc.code, got.text("error", "code"))
			assert.Contains(t, got.text("error", "message"), tc.message)
			if tc.status >= 400 {
				assert.Len(t, b.world.RoleAssignments(), before)
			}
		})
	}
}

func TestGroupThatIsGone(t *testing.T) {
	b := newBench(t)
	owner := rbac.RoleAssignment{Name: two, Scope: "/subscriptions/" + world.SubscriptionID,
		PrincipalID:      world.AppPrincipalID,
		RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleOwner)}
	_, _, err := b.world.PutRoleAssignment(owner)
	require.NoError(t, err)
	got := b.do("PUT", assignment("/subscriptions/"+world.SubscriptionID+"/resourceGroups/nowhere", one),
		grant(rbac.RoleReader, b.principal, typed))
	assert.Equal(t, 404, got.status)
	assert.Equal(t, "ResourceGroupNotFound", got.text("error", "code"))
}

func TestPrincipalNotReplicatedYet(t *testing.T) {
	b := newBench(t)
	b.world.SetTiming(world.Timing{ReplicationMS: 5000})
	for _, extra := range []string{"", typed} {
		early := b.do("PUT", assignment(world.DataAccountID, one), grant(rbac.RoleReader, b.principal, extra))
		assert.Equal(t, 400, early.status)
		assert.Equal(t, "PrincipalNotFound", early.text("error", "code"))
	}
	b.at = b.at.Add(5 * time.Second)
	assert.Equal(t, 201, b.do("PUT", assignment(world.DataAccountID, one), grant(rbac.RoleReader, b.principal,
		typed)).status)
}

func TestAssignmentTakesEffectLater(t *testing.T) {
	b := newBench(t)
	b.world.SetTiming(world.Timing{RBACMS: 60_000})
	require.Equal(t, 201, b.do("PUT", assignment(world.DataAccountID, one), grant(rbac.RoleReader, b.principal,
		typed)).status)
	as := []string{"Authorization", "Bearer " + b.principal}
	early := b.do("GET", world.DataAccountID, "", as...)
	assert.Equal(t, 403, early.status)
	assert.Contains(t, early.text("error", "message"), "The client '"+b.appID+"' with object id '"+b.principal+"'")
	b.at = b.at.Add(time.Minute)
	assert.Equal(t, 200, b.do("GET", world.DataAccountID, "", as...).status)
}

func TestListAssignments(t *testing.T) {
	b := newBench(t)
	container := world.DataAccountID + "/blobServices/default/containers/images"
	for name, scope := range map[string]string{one: world.DataAccountID, two: container} {
		require.Equal(t, 201, b.do("PUT", assignment(scope, name), grant(rbac.RoleBlobDataReader, b.principal,
			typed)).status)
	}
	const inherited = 1 // the app's own, at the group
	for name, tc := range map[string]struct {
		scope, filter string
		status, found int
	}{
		"everything": {scope: world.DataAccountID, status: 200, found: 2 + inherited},
		"of a principal": {scope: world.DataAccountID, filter: "principalId eq '" + b.principal + "'",
			status: 200, found: 2},
		"assigned to": {scope: world.DataAccountID, filter: "assignedTo('" + b.principal + "')",
			status: 200, found: 2},
		"not below": {scope: world.DataAccountID, filter: "atScope()", status: 200, found: 1 + inherited},
		"not below, and of": {scope: world.DataAccountID, filter: "atScope() and assignedTo('" + b.principal + "')",
			status: 200, found: 1},
		"container inherits": {scope: container, filter: "principalId eq '" + b.principal + "'",
			status: 200, found: 2},
		"from above": {scope: world.DataResourceGroupID, filter: "principalId eq '" + b.principal + "'",
			status: 200, found: 2},
		"beside":       {scope: world.LockedAccountID, filter: "principalId eq '" + b.principal + "'", status: 200},
		"bad filter":   {scope: world.DataAccountID, filter: "principalId eq me", status: 400},
		"other filter": {scope: world.DataAccountID, filter: "roleName eq 'x'", status: 400},
		"no rights":    {scope: appGroupID, status: 403},
		"no such account": {scope: world.DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/nope",
			status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			path := tc.scope + "/providers/Microsoft.Authorization/roleAssignments?" + version
			if tc.filter != "" {
				path += "&$filter=" + url.QueryEscape(tc.filter)
			}
			got := b.do("GET", path, "")
			require.Equal(t, tc.status, got.status, got.raw)
			list, _ := got.at("value").([]any)
			assert.Len(t, list, tc.found)
		})
	}
}

func TestListPages(t *testing.T) {
	b := newBench(t)
	const many = 230
	for i := range many {
		scope := fmt.Sprintf("%s/blobServices/default/containers/c%d", world.DataAccountID, i)
		ra := rbac.RoleAssignment{Name: fmt.Sprintf("00000000-0000-4000-9000-%012d", i), Scope: scope,
			PrincipalID:      b.principal,
			RoleDefinitionID: rbac.RoleDefinitionID(world.SubscriptionID, rbac.RoleReader)}
		_, _, err := b.world.PutRoleAssignment(ra)
		require.NoError(t, err)
	}
	seen, pages := map[string]bool{}, 0
	path := world.DataAccountID + "/providers/Microsoft.Authorization/roleAssignments?" + version + "&$filter=" +
		url.QueryEscape("principalId eq '"+b.principal+"'")
	for path != "" {
		got := b.do("GET", path, "")
		require.Equal(t, 200, got.status, got.raw)
		for _, e := range got.at("value").([]any) {
			seen[e.(map[string]any)["id"].(string)] = true
		}
		path = strings.TrimPrefix(got.text("nextLink"), "https://management.azure.com")
		pages++
	}
	assert.Len(t, seen, many)
	assert.Equal(t, 3, pages)
}

func TestResources(t *testing.T) {
	containers := "/blobServices/default/containers"
	for name, tc := range map[string]struct {
		path, code string
		status     int
	}{
		"subscription":       {path: "/subscriptions/" + world.SubscriptionID, status: 200},
		"other subscription": {path: "/subscriptions/" + nobody, status: 404, code: "SubscriptionNotFound"},
		"group":              {path: world.DataResourceGroupID, status: 200},
		"account":            {path: world.DataAccountID, status: 200},
		"account's group misspelt": {path: strings.Replace(world.DataAccountID, "/data/", "/date/", 1), status: 403,
			code: "AuthorizationFailed"},
		"no such account":      {path: world.DataAccountID + "x", status: 404, code: "ResourceNotFound"},
		"account out of reach": {path: deployment.Example().State.ID, status: 403, code: "AuthorizationFailed"},
		"containers":           {path: world.DataAccountID + containers, status: 200},
		"container":            {path: world.DataAccountID + containers + "/archive", status: 200},
		"no such container": {path: world.DataAccountID + containers + "/nope", status: 404,
			code: "ContainerNotFound"},
		"permissions": {path: world.DataAccountID + "/providers/Microsoft.Authorization/permissions",
			status: 200},
		"permissions out of reach": {path: deployment.Example().State.ID +
			"/providers/Microsoft.Authorization/permissions", status: 403, code: "AuthorizationFailed"},
		"role": {path: "/providers/Microsoft.Authorization/roleDefinitions/" + rbac.RoleReader,
			status: 200},
		"role at a scope": {path: world.DataAccountID + "/providers/Microsoft.Authorization/roleDefinitions/" +
			rbac.RoleReader, status: 200},
		"no such role": {path: "/providers/Microsoft.Authorization/roleDefinitions/" + nobody, status: 404,
			code: "RoleDefinitionDoesNotExist"},
		"unknown type": {path: world.DataResourceGroupID + "/providers/Microsoft.Web/sites/x", status: 404,
			code: "InvalidResourceType"},
		"unknown authorization": {path: "/providers/Microsoft.Authorization/policies", status: 404,
			code: "InvalidResourceType"},
		"nothing":    {path: "/", status: 404, code: "NotFound"},
		"no version": {path: world.DataAccountID + "?x=1", status: 400, code: "MissingApiVersionParameter"},
		"version is no date": {path: world.DataAccountID + "?api-version=latest", status: 400,
			code: "InvalidApiVersionParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			got := b.do("GET", tc.path, "")
			require.Equal(t, tc.status, got.status, got.raw)
			assert.Equal(t, tc.code, got.text("error", "code"))
			assert.NotEmpty(t, got.header.Get("x-ms-request-id"))
			assert.NotEmpty(t, got.header.Get("x-ms-correlation-request-id"))
		})
	}
}

func TestShapes(t *testing.T) {
	b := newBench(t)
	account := b.do("GET", world.DataAccountID, "")
	assert.Equal(t, world.DataAccountID, account.text("id"))
	assert.Equal(t, "https://acmedata.blob.core.windows.net/", account.text("properties", "primaryEndpoints", "blob"))
	assert.Equal(t, false, account.at("properties", "isHnsEnabled"))
	gen2, _ := b.world.StorageAccount(world.DataAccount)
	gen2.HierarchicalNamespace = true
	b.world.PutStorageAccount(gen2)
	assert.Equal(t, true, b.do("GET", world.DataAccountID, "").at("properties", "isHnsEnabled"))
	assert.Equal(t, "Standard_LRS", account.text("sku", "name"))
	assert.Equal(t, "Allow", account.text("properties", "networkAcls", "defaultAction"))
	assert.Equal(t, "Deny", b.do("GET", world.LockedAccountID, "").text("properties", "networkAcls", "defaultAction"))
	assert.Equal(t, true, b.do("GET", world.DataAccountID+"/blobServices/default/containers/archive", "").at(
		"properties", "hasImmutabilityPolicy"))

	permissions, _ := b.do("GET", world.DataAccountID+"/providers/Microsoft.Authorization/permissions", "").at(
		"value").([]any)
	require.Len(t, permissions, 1)
	assert.Contains(t, permissions[0].(map[string]any)["actions"], "Microsoft.Authorization/roleAssignments/write")

	roles, _ := b.do("GET", "/providers/Microsoft.Authorization/roleDefinitions?"+version+"&$filter="+
		url.QueryEscape("roleName eq 'Storage Blob Data Reader'"), "").at("value").([]any)
	require.Len(t, roles, 1)
	assert.Equal(t, rbac.RoleBlobDataReader, roles[0].(map[string]any)["name"])
}

func TestTokenIsRequired(t *testing.T) {
	b := newBench(t)
	for header, code := range map[string]string{"": "AuthenticationFailed", "Basic x": "InvalidAuthenticationToken"} {
		got := b.do("GET", world.DataAccountID, "", "Authorization", header)
		assert.Equal(t, 401, got.status)
		assert.Equal(t, code, got.text("error", "code"))
		assert.Contains(t, got.header.Get("WWW-Authenticate"), world.TenantID)
	}
}

func TestMethodsThatAreNot(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{world.DataAccountID, assignment(world.DataAccountID, one), world.DataAccountID +
		"/providers/Microsoft.Authorization/permissions"} {
		assert.Equal(t, 405, b.do("POST", path, "{}").status, path)
	}
}

func TestParallelPutsMakeOneAssignment(t *testing.T) {
	b := newBench(t)
	statuses := make(chan int, 32)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			statuses <- b.do("PUT", assignment(world.DataAccountID, one), grant(rbac.RoleReader, b.principal,
				typed)).status
		})
	}
	all.Wait()
	close(statuses)
	count := map[int]int{}
	for s := range statuses {
		count[s]++
	}
	assert.Equal(t, map[int]int{201: 1, 200: 31}, count)
}
