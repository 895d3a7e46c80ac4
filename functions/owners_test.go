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

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
)

// Owners, and a group that the first one is in.
const (
	first    = "aaaaaaaa-1111-4111-8111-111111111111"
	second   = "bbbbbbbb-2222-4222-8222-222222222222"
	team     = "cccccccc-3333-4333-8333-333333333333"
	manager  = "dddddddd-4444-4444-8444-444444444444"
	theirApp = "eeeeeeee-5555-4555-8555-555555555555"
)

// as calls with the token of an operator, or of an administrator.
func as(a *app, who, method, path, body string, headers ...string) answer {
	a.t.Helper()
	request := entra.CallerRequest{ObjectID: who, AppID: theirApp, Roles: []string{"Wif.Operate"}}
	switch who {
	case first:
		request.Groups = []string{"99999999-9999-4999-8999-999999999999", team}
	case manager:
		request.Roles = []string{"Wif.Admin"}
	}
	return a.call(method, path, body, append(headers, "Authorization", a.bearer(request))...)
}

// TestOthersFindNothing: what another owner's integration is answered with is what one that is not there is
// answered with, member by member, by each operation; and nothing of it changes.
func TestOthersFindNothing(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	put := as(a, first, "PUT", "/integrations/my-images", good)
	require.Equal(t, 201, put.StatusCode, put.raw)
	assert.Equal(t, first, put.at("owner"))
	made := map[string]any{"objectId": first, "appId": theirApp}
	assert.Equal(t, made, put.at("createdBy"))
	assert.Equal(t, made, put.at("lastModifiedBy"))
	operation := strings.TrimPrefix(put.Header.Get("Operation-Location"), "/api")
	assert.Equal(t, made, as(a, first, "GET", operation, "").at("caller"))
	a.deliver()
	before := as(a, first, "GET", "/integrations/my-images", "").raw

	bodies := map[string]string{"PATCH /integrations/{id}": `{"displayName":"mine"}`,
		"PATCH /integrations/{id}/owner": `{"owner":"` + second + `"}`}
	count := 0
	for template, item := range a.document["paths"].(map[string]any) {
		if !strings.Contains(template, "/integrations/{id}") {
			continue
		}
		for _, method := range slices.Sorted(maps.Keys(item.(map[string]any))) {
			method = strings.ToUpper(method)
			body := bodies[method+" "+template]
			if method == http.MethodPut || strings.HasSuffix(template, "/import") {
				continue // they make something: see TestAnIDThatIsTaken
			}
			there := as(a, second, method, strings.Replace(template, "{id}", "my-images", 1), body)
			absent := as(a, second, method, strings.Replace(template, "{id}", "not-there", 1), body)
			assert.Equal(t, http.StatusNotFound, there.StatusCode, "%s %s: %s", method, template, there.raw)
			for _, got := range []answer{there, absent} {
				delete(got.body, "requestId")
			}
			absent.body["instance"] = there.at("instance")
			assert.Equal(t, absent.body, there.body, "%s %s", method, template)
			count++
		}
	}
	assert.Greater(t, count, 8)
	there, absent := as(a, second, "GET", operation, ""), as(a, second, "GET", "/operations/none", "")
	assert.Equal(t, 404, there.StatusCode)
	assert.Equal(t, absent.at("code"), there.at("code"))
	assert.Equal(t, absent.at("detail"), there.at("detail"))
	assert.Empty(t, as(a, second, "GET", "/integrations", "").at("value"))
	assert.Equal(t, before, as(a, first, "GET", "/integrations/my-images", "").raw, "nothing has changed")
	assert.Len(t, as(a, manager, "GET", "/integrations", "").at("value"), 1)
	assert.Equal(t, 200, as(a, manager, "GET", operation, "").StatusCode)
}

// TestAnIDThatIsTaken by another owner cannot be made again, not even after a teardown, and that is all that is told.
func TestAnIDThatIsTaken(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	for _, end := range []int{http.StatusAccepted, http.StatusNotFound} {
		a.deliver()
		for _, path := range []string{"/integrations/my-images", "/integrations/my-images?dryRun=true"} {
			got := as(a, second, "PUT", path, good)
			assert.Equal(t, 409, got.StatusCode, got.raw)
			assert.Equal(t, "integration-exists", got.at("code"))
			assert.NotContains(t, got.raw, first)
		}
		require.Equal(t, end, as(a, first, "DELETE", "/integrations/my-images", "").StatusCode)
	}
}

// TestAnOperationIDIsNotToldToOthers, nor what it is about.
func TestAnOperationIDIsNotToldToOthers(t *testing.T) {
	t.Parallel()
	const shared = "4fd2ee3c-5cf3-4a6b-9a3f-2a3ee7a3f0aa"
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good, "Operation-Id", shared).StatusCode)
	got := as(a, second, "PUT", "/integrations/my-others", strings.Replace(good, "my-service", "others", 1),
		"Operation-Id", shared)
	assert.Equal(t, 409, got.StatusCode, got.raw)
	assert.Equal(t, "operation-id-reused", got.at("code"))
	assert.NotContains(t, got.raw, "my-images")
}

// TestAnOwnerMayBeAGroup, to which an integration is given; who was the owner sees it no more, unless by the group.
func TestAnOwnerMayBeAGroup(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, second, "PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	require.Equal(t, 404, as(a, first, "GET", "/integrations/my-images", "").StatusCode)
	given := as(a, second, "PATCH", "/integrations/my-images/owner", `{"owner":"`+team+`"}`)
	require.Equal(t, 200, given.StatusCode, given.raw)
	assert.Equal(t, team, given.at("owner"))
	assert.Equal(t, second, given.at("lastModifiedBy", "objectId"))
	assert.Equal(t, 404, as(a, second, "GET", "/integrations/my-images", "").StatusCode)
	assert.Equal(t, 200, as(a, first, "GET", "/integrations/my-images", "").StatusCode, "by the group")
	patched := as(a, first, "PATCH", "/integrations/my-images", `{"displayName":"ours"}`)
	assert.Equal(t, 200, patched.StatusCode, patched.raw)
	assert.Equal(t, first, patched.at("lastModifiedBy", "objectId"))
	assert.Equal(t, second, patched.at("createdBy", "objectId"))
	taken := as(a, manager, "PATCH", "/integrations/my-images/owner", `{"owner":"`+second+`"}`, "If-Match",
		patched.Header.Get("ETag"))
	assert.Equal(t, 200, taken.StatusCode, taken.raw)
	assert.Equal(t, 200, as(a, second, "GET", "/integrations/my-images", "").StatusCode)
	assert.Equal(t, 412, as(a, second, "PATCH", "/integrations/my-images/owner", `{"owner":"`+team+`"}`, "If-Match",
		`"1-00000000"`).StatusCode)
	for _, body := range []string{`{"owner":"me"}`, `{"owner":""}`, `{}`} {
		refused := as(a, second, "PATCH", "/integrations/my-images/owner", body)
		assert.Equal(t, 422, refused.StatusCode, refused.raw)
		assert.Contains(t, refused.raw, `"/owner"`)
	}
}

// TestTheQueueTouchesItsOwnerAlone, where callers are told apart.
func TestTheQueueTouchesItsOwnerAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]string
		owner    string
		touches  bool
	}{
		"the queue's own":    {map[string]string{"AUTH_AUDIENCE": apiAudience}, caller.IDQueue, false},
		"on behalf of one":   {map[string]string{"AUTH_AUDIENCE": apiAudience, "QUEUE_OWNER": second}, second, false},
		"callers not told":   {nil, caller.IDQueue, true},
		"on behalf of first": {map[string]string{"AUTH_AUDIENCE": apiAudience, "QUEUE_OWNER": first}, first, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, c.settings)
			byToken := func(method, path, body string) answer {
				if c.settings == nil {
					return a.call(method, path, body)
				}
				return as(a, first, method, path, body)
			}
			require.Equal(t, 201, byToken("PUT", "/integrations/my-images", good).StatusCode)
			a.deliver()
			before := byToken("GET", "/integrations/my-images", "").raw
			for _, kind := range []string{"provision", "accesstest", "deprovision"} {
				data := map[string]any{"integrationId": "my-images", "operationId": kind}
				if kind == "provision" {
					data["spec"] = json.RawMessage(strings.Replace(good, "{", `{"displayName":"taken",`, 1))
				}
				produce(a, kind, "my-images", data)
			}
			if c.touches {
				assert.Equal(t, "integration-deleted", byToken("GET", "/integrations/my-images", "").at("code"))
			} else {
				assert.Equal(t, before, byToken("GET", "/integrations/my-images", "").raw)
			}
			produce(a, "provision", "my-own", map[string]any{"integrationId": "my-own",
				"operationId": "own", "spec": json.RawMessage(strings.Replace(good, "my-service", "my-own", 1))})
			var own answer
			if c.settings == nil {
				own = a.call("GET", "/integrations/my-own", "")
			} else {
				own = as(a, manager, "GET", "/integrations/my-own", "")
			}
			assert.Equal(t, c.owner, own.at("owner"), own.raw)
			assert.Equal(t, c.owner, own.at("createdBy", "objectId"))
			assert.Equal(t, "provisioned", own.at("status", "phase"), "its own commands are carried out")
		})
	}
}

// produce hands a command of a producer to reconcile, as the trigger would.
func produce(a *app, kind, id string, data map[string]any) {
	a.t.Helper()
	body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": "event-" + kind + "-" + id,
		"source": "/producer",
		"type":   "ai.ddoe.wif." + kind + ".v1", "data": data})
	require.NoError(a.t, err)
	require.NoError(a.t, a.function("reconcile").Message(a.t.Context(), Delivery{Body: body,
		MessageID: "event-" + kind + "-" + id, SessionID: id}))
	a.deliver()
}

// TestWhoseARecordIsNobodyKnows: one that cannot be read is for administrators alone.
func TestWhoseARecordIsNobodyKnows(t *testing.T) {
	t.Parallel()
	a := withCallers(t)
	require.Equal(t, 201, as(a, first, "PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	a.overwrite("integrations/my-images.json", "{")
	assert.Equal(t, 404, as(a, first, "GET", "/integrations/my-images", "").StatusCode)
	assert.Equal(t, 404, as(a, first, "DELETE", "/integrations/my-images", "").StatusCode)
	assert.Equal(t, "integration-exists", as(a, first, "PUT", "/integrations/my-images", good).at("code"))
	assert.Nil(t, as(a, first, "GET", "/integrations", "").at("unreadable"))
	assert.Len(t, as(a, manager, "GET", "/integrations", "").at("unreadable"), 1)
	assert.Equal(t, "record-unreadable", as(a, manager, "GET", "/integrations/my-images", "").at("code"))
}
