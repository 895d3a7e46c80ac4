package story

import (
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/cloud"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/deployment"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// startWithoutGraph starts a deployment for teams without an Entra administrator: graph.bicep was not deployed, so the
// app has no right in the directory, and identities are managed ones. The network does not lead to Graph, and the test
// fails where the app tries to get there, or asks for a token for it.
func startWithoutGraph(t *testing.T, arrange ...func(*world.World)) *app {
	t.Helper()
	var tried atomic.Int64
	a := launch(t, stack.Options{Env: []string{managedByDefault},
		Arrange: func(w *world.World) {
			w.SetAppRoles(world.AppPrincipalID)
			for _, change := range arrange {
				change(w)
			}
		},
		IsRefused: func(host string) bool {
			if host != cloud.GraphHost {
				return false
			}
			tried.Add(1)
			return true
		}})
	t.Cleanup(func() {
		assert.Zero(t, tried.Load(), "connections to Graph")
		asked := send(t, http.MethodGet, a.ControlURL()+"/requests", nil).Raw
		assert.Contains(t, asked, "resource=", "tokens are asked for")
		assert.NotRegexp(t, `resource=[^"]*graph`, asked, "tokens for Graph")
	})
	return a
}

// managed counts what the app made of managed identities: its own identity is there from the start.
type managed struct{ identities, principals, credentials, assignments int }

func (s *sandbox) managed(before answer) managed {
	s.t.Helper()
	now := s.control(http.MethodGet, "/world", nil)
	grown := func(kind string) int {
		was, _ := before.at(kind).([]any)
		is, _ := now.at(kind).([]any)
		return len(is) - len(was)
	}
	return managed{identities: grown("userAssignedIdentities"), principals: grown("servicePrincipals"),
		credentials: grown("userAssignedIdentityCredentials"), assignments: grown("roleAssignments")}
}

var oneManaged = managed{identities: 1, principals: 1, credentials: 1, assignments: 1}

// TestManagedStoryOverHTTP is the whole story without a right in the directory.
func TestManagedStoryOverHTTP(t *testing.T) {
	t.Parallel()
	a := startWithoutGraph(t)
	before := a.control(http.MethodGet, "/world", nil)
	document := a.put(a.spec("images"))
	assert.Equal(t, oneManaged, a.managed(before))
	assert.Equal(t, "managedIdentity", document.at("status.identity.kind"), document.Raw)
	made := a.control(http.MethodGet, "/world", nil).at("userAssignedIdentities.1")
	assert.Equal(t, at(made, "id"), document.at("status.identity.resourceId"))
	assert.Equal(t, at(made, "clientId"), document.at("status.clientId"))
	assert.Equal(t, at(made, "principalId"), document.at("status.servicePrincipalId"))
	a.assertCredentialFile("my-images")

	a.requireUsable()
	passed := a.call(http.MethodPost, "/integrations/my-images/access-tests",
		map[string]any{"subjectToken": a.token(subject)})
	assert.Equal(t, "pass", passed.at("verdict"), passed.Raw)
	assert.Equal(t, "access", passed.at("claimLevel"))
	healthy := a.look(a.call(http.MethodGet, "/integrations/my-images/health", nil))
	assert.Equal(t, "healthy", healthy.at("state"), healthy.Raw)

	// Somebody deletes the identity: it is told, and made anew under another client id.
	a.control(http.MethodDelete, "/objects/userAssignedIdentities/"+at(made, "name").(string), nil)
	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Equal(t, "identity-missing", at(a.firstFailure(drift), "code"), drift.Raw)
	doubted := a.call(http.MethodPost, "/integrations/my-images/health-checks", nil)
	assert.Equal(t, "unknown", doubted.at("state"), "so soon after the PUT it may pass: %s", doubted.Raw)
	again := a.put(a.spec("images"))
	assert.NotEqual(t, document.at("status.clientId"), again.at("status.clientId"), again.Raw)
	a.assertCredentialFile("my-images")
	drift = a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Equal(t, "pass", drift.at("verdict"), drift.Raw)
	a.requireUsable()
	assert.Equal(t, "healthy", a.look(doubted).at("state"))
	require.Eventually(t, func() bool { return len(a.changes()) >= 3 }, 10*time.Second, 50*time.Millisecond)
	assert.Equal(t, []string{"unknown→healthy", "healthy→unknown", "unknown→healthy"}, a.changes())

	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, propagated(before), propagated(a.control(http.MethodGet, "/world", nil)), "the world is as before")
	assert.Equal(t, http.StatusNotFound, a.call(http.MethodGet, "/integrations/my-images", nil).Status)
	require.Eventually(t, func() bool { return slices.Contains(a.eventTypes(), "integration.deleted") },
		10*time.Second, 50*time.Millisecond)
}

// TestManagedStoryOverTheQueue is the same by messages. The spec names the kind.
func TestManagedStoryOverTheQueue(t *testing.T) {
	t.Parallel()
	a := startWithoutGraph(t)
	before := a.control(http.MethodGet, "/world", nil)
	tell := func(kind string, data map[string]any) answer {
		id := uuid.NewString()
		data["integrationId"], data["operationId"] = "my-images", id
		a.produce("my-images", cloudEvent(t, "ai.ddoe.wif."+kind+".v1", data))
		operation := a.operation(id)
		require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
		return operation
	}
	spec := a.spec("images")
	spec["identity"] = map[string]any{"kind": "managedIdentity"}
	tell("provision", map[string]any{"spec": spec})
	assert.Equal(t, oneManaged, a.managed(before))
	a.assertCredentialFile("my-images")
	tested := tell("accesstest", map[string]any{})
	assert.Equal(t, "pass", tested.at("result.verdict"), tested.Raw)
	tell("deprovision", map[string]any{})
	assert.Equal(t, managed{}, a.managed(before))
}

// byHTTP and byQueue put and delete the integration, and return the operation's id.
func (a *app) byHTTP(method string) string {
	a.t.Helper()
	var spec any
	if method == http.MethodPut {
		spec = a.spec("images")
	}
	accepted := a.call(method, "/integrations/my-images", spec)
	require.Less(a.t, accepted.Status, 300, accepted.Raw)
	return path.Base(accepted.Header.Get("Operation-Location"))
}

func (a *app) byQueue(method string) string {
	a.t.Helper()
	id, kind := uuid.NewString(), "deprovision"
	data := map[string]any{"integrationId": "my-images", "operationId": id}
	if method == http.MethodPut {
		data["spec"], kind = a.spec("images"), "provision"
	}
	a.produce("my-images", cloudEvent(a.t, "ai.ddoe.wif."+kind+".v1", data))
	return id
}

// TestManagedKilledInTheMiddle: a handler that is killed between two writes leaves one of each all the same, or none
// after a teardown; by HTTP and by the queue.
func TestManagedKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	const identity, credential = `/userAssignedIdentities/[^/]+\?`, "/federatedIdentityCredentials/"
	for name, c := range map[string]struct {
		method, path string
		done         func(managed) bool
		ends         managed
	}{
		"after the identity": {http.MethodPut, identity, func(m managed) bool { return m.identities == 1 },
			oneManaged},
		"after the credential": {http.MethodPut, credential, func(m managed) bool { return m.credentials == 1 },
			oneManaged},
		"after the credential's deletion": {http.MethodDelete, credential,
			func(m managed) bool { return m.credentials == 0 }, managed{}},
		"after the identity's deletion": {http.MethodDelete, identity,
			func(m managed) bool { return m.identities == 0 }, managed{}},
	} {
		for way, submit := range map[string]func(*app, string) string{"HTTP": (*app).byHTTP,
			"queue": (*app).byQueue} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				a := startWithoutGraph(t)
				before := a.control(http.MethodGet, "/world", nil)
				if c.method == http.MethodDelete {
					a.put(a.spec("images"))
				}
				a.control(http.MethodPut, "/faults", []any{map[string]any{"match": map[string]any{
					"host": "management", "method": c.method, "path": c.path}, "times": 1, "delayMs": 15000,
					"effect": "drop"}})
				id := submit(a, c.method)
				require.Eventually(t, func() bool { return c.done(a.managed(before)) }, 20*time.Second,
					20*time.Millisecond, "the write never came")
				a.kill()
				operation := a.operation(id)
				require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
				assert.Equal(t, c.ends, a.managed(before))
			})
		}
	}
}

// TestBothKindsAndBack has an integration of each kind in one deployment, and turns one of them into the other kind
// and back: nothing of the former identity is left, and each has a client id of its own.
func TestBothKindsAndBack(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	carryOut := func(id, kind, query string) string {
		spec := a.spec("images")
		spec["identity"] = map[string]any{"kind": kind}
		put := a.call(http.MethodPut, "/integrations/"+id+query, spec)
		require.Less(t, put.Status, 300, put.Raw)
		operation := a.wait(put.Header.Get("Operation-Location"))
		require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
		document := a.call(http.MethodGet, "/integrations/"+id, nil)
		assert.Equal(t, kind, document.at("status.identity.kind"), document.Raw)
		tested := a.call(http.MethodPost, "/integrations/"+id+"/access-tests", map[string]any{})
		assert.Equal(t, "pass", tested.at("verdict"), tested.Raw)
		a.assertCredentialFile(id)
		return document.at("status.clientId").(string)
	}
	clients := []string{carryOut("an-application", "application", ""),
		carryOut("my-images", "managedIdentity", "")}
	both := managed{identities: 1, principals: 2, credentials: 1, assignments: 2}
	assert.Equal(t, both, a.managed(before))

	spec := a.spec("images")
	spec["identity"] = map[string]any{"kind": "application"}
	refused := a.call(http.MethodPut, "/integrations/my-images", spec)
	assert.Equal(t, "identity-replace-required", refused.at("code"), refused.Raw)
	plan := a.call(http.MethodPut, "/integrations/my-images?replace=true&dryRun=true", spec)
	assert.Contains(t, plan.Raw, `"code":"identity-replaced"`)
	assert.Equal(t, both, a.managed(before), "neither changes anything")

	clients = append(clients, carryOut("my-images", "application", "?replace=true"))
	assert.Equal(t, managed{principals: 2, assignments: 2}, a.managed(before))
	assert.Equal(t, counts{applications: 2, servicePrincipals: 2, credentials: 2, assignments: 2}, a.made(before))
	clients = append(clients, carryOut("my-images", "managedIdentity", "?replace=true"))
	assert.Equal(t, both, a.managed(before))
	made := a.made(before)
	assert.Equal(t, [2]int{1, 1}, [2]int{made.applications, made.credentials})
	seen := map[string]bool{}
	for _, client := range clients {
		assert.False(t, seen[client], "client id %s again: %s", client, strings.Join(clients, " "))
		seen[client] = true
	}
}

// TestEveryActionOnIdentitiesIsNeeded takes the actions out of the app's role for identities, one after the other.
// None is too many, and each loss is told by its name where it is first felt. A new action fails the test until it is
// here.
func TestEveryActionOnIdentitiesIsNeeded(t *testing.T) {
	t.Parallel()
	const identities = "Microsoft.ManagedIdentity/userAssignedIdentities/"
	felt := map[string]string{
		identities + "read":                                "provision",
		identities + "write":                               "provision",
		identities + "delete":                              "teardown",
		identities + "federatedIdentityCredentials/read":   "drift",
		identities + "federatedIdentityCredentials/write":  "provision",
		identities + "federatedIdentityCredentials/delete": "teardown",
	}
	var role deployment.Role
	for _, r := range deployment.Example().Roles {
		if strings.HasPrefix(r.Name, "Integration Identity Contributor") {
			role = r
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(felt)), role.Permissions.Actions)
	for action, step := range felt {
		t.Run(strings.TrimPrefix(action, identities), func(t *testing.T) {
			t.Parallel()
			a := startWithoutGraph(t, func(w *world.World) { w.DisallowAction(role.ID, action) })
			where, told := a.firstRefusal()
			assert.Equal(t, step, where, told)
			assert.Contains(t, told, "managed-identity-permission-missing")
			assert.Contains(t, told, action, "the action that is missed")
		})
	}
}

// firstRefusal provisions, compares and takes down, and returns the step that fails first with what is told of it.
func (a *app) firstRefusal() (step, told string) {
	a.t.Helper()
	put := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Less(a.t, put.Status, 300, put.Raw)
	if operation := a.wait(put.Header.Get("Operation-Location")); operation.at("status") != "Succeeded" {
		return "provision", operation.Raw
	}
	if drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil); drift.at("verdict") != "pass" {
		return "drift", drift.Raw
	}
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	if operation := a.wait(deleted.Header.Get("Operation-Location")); operation.at("status") != "Succeeded" {
		return "teardown", operation.Raw
	}
	return "", "all went well"
}
