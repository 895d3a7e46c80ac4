package functions

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/bus"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	sandbox "github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const (
	subject = "system:serviceaccount:dataloop:my-service"
	good    = `{"serviceName":"my-service","storage":[{"resourceId":"` + world.DataAccountID +
		`","container":"images","access":"readWrite"}]}`
)

func TestTheStoryOverHTTP(t *testing.T) {
	a := newApp(t, nil)

	plan := a.call("PUT", "/integrations/my-images?dryRun=true", good)
	require.Equal(t, 200, plan.StatusCode, plan.raw)
	assert.Len(t, plan.at("steps"), 5)
	assert.Empty(t, plan.Header.Get("Operation-Location"))
	assert.Equal(t, 404, a.call("GET", "/integrations/my-images", "").StatusCode, "a dry run writes nothing")

	created := a.call("PUT", "/integrations/my-images", good)
	require.Equal(t, 201, created.StatusCode, created.raw)
	location := created.Header.Get("Operation-Location")
	require.Regexp(t, `^/api/operations/[0-9a-f-]{36}$`, location)
	operation := strings.TrimPrefix(location, "/api")
	assert.Equal(t, a.call("GET", "/integrations/my-images", "").Header.Get("ETag"), created.Header.Get("ETag"))
	assert.Regexp(t, `^".+"$`, created.Header.Get("ETag"))

	waiting := a.call("GET", operation, "")
	assert.Equal(t, "NotStarted", waiting.at("status"))
	assert.Equal(t, "2", waiting.Header.Get("Retry-After"))
	assert.NotContains(t, waiting.raw, "requestHash")
	early := a.call("GET", "/integrations/my-images/credentials", "")
	assert.Equal(t, 409, early.StatusCode)
	assert.Equal(t, "not-provisioned", early.at("code"))

	a.deliver()
	done := a.call("GET", operation, "")
	require.Equal(t, "Succeeded", done.at("status"), done.raw)
	assert.Empty(t, done.Header.Get("Retry-After"))
	assert.Len(t, a.world.Applications(), 1)

	file := a.call("GET", "/integrations/my-images/credentials", "")
	require.Equal(t, 200, file.StatusCode, file.raw)
	assert.Equal(t, `attachment; filename="azure_credentials.json"`, file.Header.Get("Content-Disposition"))
	assert.Equal(t, subject, file.at("subject"))
	assert.Len(t, file.body, 5)
	assert.Equal(t, 200, a.call("GET", "/integrations/my-images/credentials?subject="+subject, "").StatusCode)

	health := a.call("GET", "/integrations/my-images/health", "")
	assert.Equal(t, "unknown", health.at("state"))
	assert.NotEmpty(t, health.at("since"))

	deleted := a.call("DELETE", "/integrations/my-images", "")
	require.Equal(t, 202, deleted.StatusCode, deleted.raw)
	assert.NotEmpty(t, deleted.Header.Get("Operation-Location"))
	assert.NotContains(t, deleted.raw, "requestHash")
	a.deliver()
	gone := a.call("GET", "/integrations/my-images", "")
	assert.Equal(t, 404, gone.StatusCode)
	assert.Equal(t, "integration-deleted", gone.at("code"))
	assert.Empty(t, a.world.Applications())
}

func TestAccessTest(t *testing.T) {
	a := newApp(t, map[string]string{"DDOE_SUBJECT_TOKEN_URL": "https://" + sandbox.GateHost +
		"/api/v1/subject-tokens", "DDOE_API_KEY": planted})
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	early := a.call("POST", "/integrations/my-images/access-tests", "")
	assert.Equal(t, 409, early.StatusCode, early.raw)
	a.deliver()

	token, err := a.issuer.Mint(sandbox.TokenRequest{Subject: subject})
	require.NoError(t, err)
	body, err := json.Marshal(map[string]string{"subjectToken": token})
	require.NoError(t, err)
	given := a.call("POST", "/integrations/my-images/access-tests", string(body))
	require.Equal(t, 200, given.StatusCode, given.raw)
	assert.Equal(t, "pass", given.at("verdict"), given.raw)
	assert.Equal(t, "access", given.at("claimLevel"))

	later := a.call("POST", "/integrations/my-images/access-tests", `{"mode":"oracle"}`, "Prefer",
		"wait=10, respond-async")
	require.Equal(t, 202, later.StatusCode, later.raw)
	assert.Equal(t, "respond-async", later.Header.Get("Preference-Applied"))
	assert.NotContains(t, later.raw, "requestHash")
	a.deliver()
	done := a.call("GET", strings.TrimPrefix(later.Header.Get("Operation-Location"), "/api"), "")
	assert.Equal(t, "Succeeded", done.at("status"), done.raw)
	assert.Equal(t, "access", done.at("result", "kind"))

	refused := a.call("POST", "/integrations/my-images/access-tests", string(body), "Prefer", "respond-async")
	assert.Equal(t, 422, refused.StatusCode)
	assert.Equal(t, "/subjectToken", refused.at("errors").([]any)[0].(map[string]any)["pointer"])

	for _, text := range []string{given.raw, later.raw, done.raw, refused.raw, a.log.String()} {
		assert.NotContains(t, text, token)
		assert.NotContains(t, text, planted)
	}
}

func TestAccessTestWithoutAnyTokenProvesNothing(t *testing.T) {
	a := newApp(t, nil)
	require.Equal(t, 201, a.call("PUT", "/integrations/my-images", good).StatusCode)
	a.deliver()
	for _, prefer := range []string{"", "respond-async"} {
		got := a.call("POST", "/integrations/my-images/access-tests", ``, "Prefer", prefer)
		assert.Equal(t, 409, got.StatusCode, got.raw)
		assert.Equal(t, "subject-token-unavailable", got.at("code"))
	}
}

func TestPreconditionsAndRepetition(t *testing.T) {
	const operation = "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"
	a := newApp(t, nil)
	first := a.call("PUT", "/integrations/my-images", good, "Operation-Id", strings.ToUpper(operation),
		"If-None-Match", "*")
	require.Equal(t, 201, first.StatusCode, first.raw)
	assert.Equal(t, "/api/operations/"+operation, first.Header.Get("Operation-Location"))

	again := a.call("PUT", "/integrations/my-images", good, "Operation-Id", operation, "If-None-Match", "*")
	assert.Equal(t, 201, again.StatusCode, again.raw)
	other := a.call("PUT", "/integrations/my-images", strings.Replace(good, "readWrite", "read", 1),
		"Operation-Id", operation)
	assert.Equal(t, 409, other.StatusCode)
	assert.Equal(t, "operation-id-reused", other.at("code"))

	assert.Equal(t, 412, a.call("PUT", "/integrations/my-images", good, "If-None-Match", "*").StatusCode)
	assert.Equal(t, 412, a.call("PUT", "/integrations/my-images", good, "If-Match", `"another"`).StatusCode)
	assert.Equal(t, 412, a.call("PUT", "/integrations/my-images?dryRun=true", good, "If-Match",
		`"another"`).StatusCode, "a dry run refuses what the PUT would refuse")
	assert.Equal(t, 412, a.call("DELETE", "/integrations/my-images", "", "If-Match", `"another"`).StatusCode)
	for _, tag := range []string{"*", first.Header.Get("ETag"), `"another", ` + first.Header.Get("ETag")} {
		refused := a.call("DELETE", "/integrations/my-images", "", "If-None-Match", tag)
		assert.Equal(t, 412, refused.StatusCode, tag)
		assert.Equal(t, "precondition-failed", refused.at("code"))
	}
	a.deliver() // which writes the status, again and again
	updated := a.call("PUT", "/integrations/my-images", good, "If-Match", first.Header.Get("ETag"))
	assert.Equal(t, 200, updated.StatusCode, updated.raw)
	assert.Equal(t, a.call("GET", "/integrations/my-images", "").Header.Get("ETag"), updated.Header.Get("ETag"),
		"the ETag is that of the version just written")
	changed := a.call("PUT", "/integrations/my-images", strings.Replace(good, "readWrite", "read", 1), "If-Match",
		updated.Header.Get("ETag"))
	assert.Equal(t, 200, changed.StatusCode, changed.raw)
	assert.Equal(t, 412, a.call("DELETE", "/integrations/my-images", "", "If-Match",
		updated.Header.Get("ETag")).StatusCode, "another spec than the one that was read")
	updated = changed
	assert.Equal(t, 202, a.call("DELETE", "/integrations/my-images", "", "If-Match",
		updated.Header.Get("ETag")).StatusCode)
}

func TestList(t *testing.T) {
	a := newApp(t, map[string]string{"PUBLIC_BASE_URL": "https://wif.example.com/"})
	for _, id := range []string{"aaa", "bbb", "ccc", "ddd", "eee"} {
		require.Equal(t, 201, a.call("PUT", "/integrations/"+id, good).StatusCode)
	}
	a.call("DELETE", "/integrations/bbb", "")
	a.deliver()

	ids := func(query string) ([]string, int) {
		var ids []string
		pages := 0
		for next := "/integrations" + query; next != ""; pages++ {
			got := a.call("GET", next, "")
			require.Equal(t, 200, got.StatusCode, got.raw)
			if strings.Contains(next, "pageSize=2") {
				assert.LessOrEqual(t, len(got.at("value").([]any)), 2)
			}
			for _, v := range got.at("value").([]any) {
				ids = append(ids, v.(map[string]any)["id"].(string))
			}
			next, _ = got.at("nextLink").(string)
			if next != "" {
				require.True(t, strings.HasPrefix(next, "https://wif.example.com/api/integrations?"), next)
				next = strings.TrimPrefix(next, "https://wif.example.com/api")
			}
		}
		return ids, pages
	}
	all, pages := ids("")
	assert.Equal(t, []string{"aaa", "ccc", "ddd", "eee"}, all)
	assert.Equal(t, 1, pages)
	paged, pages := ids("?pageSize=2")
	assert.Equal(t, all, paged)
	assert.LessOrEqual(t, pages, 3)
	deleted, _ := ids("?state=deleted&pageSize=1")
	assert.Equal(t, []string{"bbb"}, deleted)
	unknown, _ := ids("?health=unknown")
	assert.Equal(t, all, unknown)
	healthy, _ := ids("?health=healthy")
	assert.Empty(t, healthy)
	none := a.call("GET", "/integrations?state=usable", "")
	assert.Contains(t, none.raw, `"value":[]`)

	link := a.call("PUT", "/integrations/fff", good).Header.Get("Operation-Location")
	assert.True(t, strings.HasPrefix(link, "https://wif.example.com/api/operations/"), link)
}

func TestServicePaths(t *testing.T) {
	a := newApp(t, nil)
	alive := a.call("GET", "/healthz", "")
	assert.Equal(t, 200, alive.StatusCode)
	assert.Equal(t, map[string]any{"status": "ok", "version": Version}, alive.body)
	assert.Equal(t, "no-store", alive.Header.Get("Cache-Control"))
	document := a.call("GET", "/openapi.json?code=function-key", "")
	assert.Equal(t, "3.1.0", document.at("openapi"))
	page := a.call("GET", "/docs", "")
	assert.Equal(t, "text/html; charset=utf-8", page.Header.Get("Content-Type"))
	for _, text := range []string{"/integrations/{id}/access-tests", `<a href="#Problem">Problem</a>`,
		"One service, one container", "Needs no key."} {
		assert.Contains(t, page.raw, text)
	}
	assert.NotContains(t, page.raw, "<script")
	assert.NotContains(t, page.raw, "https://unpkg.com")
	assert.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'")
}

const badInputPath = "/integrations/my-images"

func goodWith(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }

func goodWithSubjects(list string) string {
	return goodWith(`"serviceName":"my-service"`, `"subjects":`+list)
}

// badInputs are requests that are refused before anything is written or sent.
var badInputs = map[string]struct {
	method, path, body string
	header             []string
	status             int
	code, pointer      string
}{
	"no body": {path: badInputPath, status: 400, code: "malformed-body"},
	"malformed": {path: badInputPath, body: `{"serviceName":`, status: 400,
		code: "malformed-body"},
	"an array": {path: badInputPath, body: `[` + good + `]`, status: 422, code: "wrong-type"},
	"unknown member": {path: badInputPath, body: goodWith(`{`, `{"storge":[],`), status: 422,
		code: "unknown-member", pointer: "/storge"},
	"member in another case": {path: badInputPath, body: goodWith(`"storage"`, `"Storage"`), status: 422,
		code: "unknown-member", pointer: "/Storage"},
	"unknown member below": {path: badInputPath, body: goodWith(`"container"`, `"folder"`), status: 422,
		code: "unknown-member", pointer: "/storage/0/folder"},
	"wrong type": {path: badInputPath, body: goodWith(`"my-service"`, `1`), status: 422,
		code: "wrong-type", pointer: "/serviceName"},
	"wrong type below": {path: badInputPath, body: goodWith(`"readWrite"`, `true`), status: 422,
		code: "wrong-type", pointer: "/storage/0/access"},
	"subject as text": {path: badInputPath, body: goodWithSubjects(`"x"`), status: 422,
		code: "wrong-type", pointer: "/subjects"},
	"repeated member": {path: badInputPath, body: goodWith(`{`, `{"serviceName":"x",`), status: 422,
		code: "duplicate-member", pointer: "/serviceName"},
	"oversize": {path: badInputPath, body: `{"displayName":"` + strings.Repeat("x", 64<<10) +
		`"}`, status: 413, code: "body-too-large"},
	"a form": {path: badInputPath, body: good,
		header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415,
		code: "unsupported-media-type"},
	"mistyped dryRun": {path: badInputPath + "?dryrun=true", body: good, status: 400,
		code: "invalid-parameter", pointer: "/query/dryrun"},
	"dryRun without a value": {path: badInputPath + "?dryRun", body: good, status: 400,
		code: "invalid-parameter", pointer: "/query/dryRun"},
	"dryRun empty": {path: badInputPath + "?dryRun=", body: good, status: 400,
		code: "invalid-parameter", pointer: "/query/dryRun"},
	"id in upper case": {path: "/integrations/My-Images", body: good, status: 400, code: "invalid-id",
		pointer: "/path/id"},
	"id too short": {path: "/integrations/ab", body: good, status: 400, code: "invalid-id",
		pointer: "/path/id"},
	"id too long": {path: "/integrations/" + strings.Repeat("a", 51), body: good, status: 400,
		code: "invalid-id", pointer: "/path/id"},
	"id with two hyphens": {path: "/integrations/a--b", body: good, status: 400, code: "invalid-id",
		pointer: "/path/id"},
	"id that climbs": {path: "/integrations/..%2Fx", body: good, status: 400, code: "invalid-id",
		pointer: "/path/id"},
	"operation id is a word": {path: badInputPath, body: good, header: []string{"Operation-Id", "first"},
		status: 400, code: "invalid-parameter", pointer: "/header/Operation-Id"},
	"operation id in braces": {path: badInputPath, body: good,
		header: []string{"Operation-Id", "{0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10}"}, status: 400,
		code: "invalid-parameter", pointer: "/header/Operation-Id"},
	"no subject": {path: badInputPath, body: goodWith(`"serviceName":"my-service",`, ``),
		status: 422, code: "invalid-spec", pointer: "/subjects"},
	"subject with a wildcard": {path: badInputPath, body: goodWithSubjects(`["system:serviceaccount:*"]`),
		status: 422, code: "invalid-spec", pointer: "/subjects/0"},
	"subject with a blank": {path: badInputPath, body: goodWithSubjects(`["ok","x "]`), status: 422,
		code: "invalid-spec", pointer: "/subjects/1"},
	"the same subject twice": {path: badInputPath, body: goodWithSubjects(`["a","a"]`), status: 422,
		code: "invalid-spec", pointer: "/subjects/1"},
	"21 subjects": {path: badInputPath,
		body:   goodWithSubjects(`["0` + strings.Join(strings.Split("123456789abcdefghijk", ""), `","`) + `","l"]`),
		status: 422, code: "invalid-spec", pointer: "/subjects"},
	"issuer over http": {path: badInputPath,
		body: goodWith(`{`, `{"issuer":"http://dataloop.ai/oauth2",`), status: 422, code: "invalid-spec",
		pointer: "/issuer"},
	"another tenant": {path: badInputPath,
		body: goodWith(`{`, `{"tenantId":"99999999-9999-4999-8999-999999999999",`), status: 422, code: "invalid-spec",
		pointer: "/tenantId"},
	"two audiences": {path: badInputPath, body: goodWith(`{`, `{"audience":"api://a api://b",`),
		status: 422, code: "invalid-spec", pointer: "/audience"},
	"account by name": {path: badInputPath, body: goodWith(world.DataAccountID, "acmedata"), status: 422,
		code: "invalid-spec", pointer: "/storage/0/resourceId"},
	"a container's id": {path: badInputPath, body: goodWith(world.DataAccountID, world.DataAccountID+
		"/blobServices/default"), status: 422, code: "invalid-spec", pointer: "/storage/0/resourceId"},
	"container with two hyphens": {path: badInputPath, body: goodWith(`"images"`, `"im--ages"`), status: 422,
		code: "invalid-spec", pointer: "/storage/0/container"},
	"unknown access": {path: badInputPath, body: goodWith(`"readWrite"`, `"owner"`), status: 422,
		code: "invalid-spec", pointer: "/storage/0/access"},
	"null in storage": {path: badInputPath, body: `{"serviceName":"x","storage":[null]}`, status: 422,
		code: "wrong-type", pointer: "/storage/0"},
	"dry run of a faulty spec": {path: badInputPath + "?dryRun=true", body: goodWith(`"readWrite"`, `"owner"`),
		status: 422, code: "invalid-spec", pointer: "/storage/0/access"},
	"unknown integration": {method: "GET", path: badInputPath, status: 404, code: "integration-not-found"},
	"credentials of unknown": {method: "GET", path: badInputPath + "/credentials", status: 404,
		code: "integration-not-found"},
	"health of unknown": {method: "GET", path: badInputPath + "/health", status: 404,
		code: "integration-not-found"},
	"unknown view": {method: "GET", path: "/integrations/existing/spec", status: 404,
		code: "not-found"},
	"bad id, item": {method: "GET", path: "/integrations/A", status: 400, code: "invalid-id",
		pointer: "/path/id"},
	"bad id, view": {method: "GET", path: "/integrations/A/credentials", status: 400,
		code: "invalid-id", pointer: "/path/id"},
	"another's subject": {method: "GET", path: "/integrations/existing/credentials?subject=x", status: 400,
		code: "invalid-parameter"},
	"unknown state": {method: "GET", path: "/integrations?state=ready", status: 400,
		code: "invalid-parameter", pointer: "/query/state"},
	"page of none": {method: "GET", path: "/integrations?pageSize=0", status: 400,
		code: "invalid-parameter", pointer: "/query/pageSize"},
	"page of words": {method: "GET", path: "/integrations?pageSize=all", status: 400,
		code: "invalid-parameter", pointer: "/query/pageSize"},
	"made-up token": {method: "GET", path: "/integrations?continuationToken=!", status: 400,
		code: "invalid-continuation-token"},
	"token of another store": {method: "GET", path: "/integrations?continuationToken=Z2FyYmFnZQ", status: 400,
		code: "invalid-continuation-token"},
	"delete unknown": {method: "DELETE", path: badInputPath, status: 404,
		code: "integration-not-found"},
	"delete bad id": {method: "DELETE", path: "/integrations/A", status: 400, code: "invalid-id",
		pointer: "/path/id"},
	"delete with a mistyped switch": {method: "DELETE", path: "/integrations/existing?purge=yes", status: 400,
		code: "invalid-parameter", pointer: "/query/purge"},
	"delete with a bad operation": {method: "DELETE", path: "/integrations/existing",
		header: []string{"Operation-Id", "x"}, status: 400, code: "invalid-parameter",
		pointer: "/header/Operation-Id"},
	"unknown operation": {method: "GET", path: "/operations/0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10", status: 404,
		code: "operation-not-found"},
	"bad operation id": {method: "GET", path: "/operations/..%2Fx", status: 400, code: "invalid-operation-id",
		pointer: "/path/id"},
	"test unknown": {method: "POST", path: badInputPath + "/access-tests", status: 404,
		code: "integration-not-found"},
	"test bad id": {method: "POST", path: "/integrations/A/access-tests", status: 400,
		code: "invalid-id", pointer: "/path/id"},
	"test later unknown": {method: "POST", path: badInputPath + "/access-tests",
		header: []string{"Prefer", "respond-async"}, status: 404, code: "integration-not-found"},
	"test malformed": {method: "POST", path: "/integrations/existing/access-tests", body: `{`, status: 400,
		code: "malformed-body"},
	"test unknown member": {method: "POST", path: "/integrations/existing/access-tests",
		body: `{"token":"planted-token"}`, status: 422, code: "unknown-member", pointer: "/token"},
	"test wrong type": {method: "POST", path: "/integrations/existing/access-tests",
		body: `{"subjectToken":["planted-token"]}`, status: 422, code: "wrong-type", pointer: "/subjectToken"},
	"test repeated token": {method: "POST", path: "/integrations/existing/access-tests",
		body: `{"subjectToken":"planted-token","subjectToken":"x"}`, status: 422, code: "duplicate-member",
		pointer: "/subjectToken"},
	"test mode": {method: "POST", path: "/integrations/existing/access-tests", body: `{"mode":"full"}`,
		status: 422, code: "invalid-mode", pointer: "/mode"},
	"test access": {method: "POST", path: "/integrations/existing/access-tests",
		body: `{"access":"owner"}`, status: 422, code: "invalid-access", pointer: "/access"},
	"test prefix": {method: "POST", path: "/integrations/existing/access-tests",
		body: `{"prefix":"../x"}`, status: 422, code: "invalid-prefix", pointer: "/prefix"},
	"wrong method": {method: "POST", path: badInputPath, body: good, status: 405,
		code: "method-not-allowed"},
	"unknown path": {method: "GET", path: "/integration", status: 404, code: "not-found"},
	"health check with a query": {method: "GET", path: "/healthz?x=1", status: 400, code: "invalid-parameter",
		pointer: "/query/x"},
}

// TestBadInputAtEveryDoor: each mistake is one problem with code and pointer, and nothing is written or sent.
func TestBadInputAtEveryDoor(t *testing.T) {
	a := newApp(t, nil)
	require.Equal(t, 201, a.call("PUT", "/integrations/existing", good).StatusCode)
	a.deliver()
	before := a.state()

	for name, c := range badInputs {
		t.Run(name, func(t *testing.T) {
			a.t = t
			if c.method == "" {
				c.method = http.MethodPut
			}
			if c.header == nil {
				c.header = []string{"Content-Type", "application/json"}
			}
			got := a.call(c.method, c.path, c.body, c.header...)
			assert.Equal(t, c.status, got.StatusCode, got.raw)
			assert.Equal(t, "application/problem+json", got.Header.Get("Content-Type"))
			assert.Equal(t, c.code, got.at("code"), got.raw)
			assert.Equal(t, c.code, got.Header.Get("x-ms-error-code"))
			assert.NotEmpty(t, got.at("detail"))
			assert.NotEmpty(t, got.at("remedy"), "code %s has no remedy", c.code)
			assert.NotContains(t, got.raw, "planted")
			if c.pointer != "" {
				findings, _ := got.at("errors").([]any)
				require.NotEmpty(t, findings, got.raw)
				assert.Equal(t, c.pointer, findings[0].(map[string]any)["pointer"])
			}
		})
	}
	a.t = t
	assert.Equal(t, before, a.state(), "nothing was written or sent")
	assert.NotContains(t, a.log.String(), "ERROR")
	assert.NotContains(t, a.log.String(), "planted")
}

func TestQueueUnavailable(t *testing.T) {
	a := newApp(t, nil)
	a.queue.fail = errors.New("amqp: link detached")
	got := a.call("PUT", "/integrations/my-images", good, "Operation-Id", "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10")
	assert.Equal(t, 503, got.StatusCode, got.raw)
	assert.Equal(t, "queue-unavailable", got.at("code"))
	assert.Equal(t, "5", got.Header.Get("Retry-After"))
	assert.NotContains(t, got.raw, "link detached")
	assert.Contains(t, a.log.String(), "link detached")

	a.queue.fail = nil
	again := a.call("PUT", "/integrations/my-images", good, "Operation-Id", "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10")
	assert.Equal(t, 201, again.StatusCode, again.raw)
	a.deliver()
	assert.Len(t, a.world.Applications(), 1)
}

// TestAMissingRightToSendIsToldAsReadyzTellsIt: with the entity, and the command for the app's own identity.
func TestAMissingRightToSendIsToldAsReadyzTellsIt(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	a.queue.fail = &bus.Error{Op: "open link", Entity: message.QueueCommands, Code: "unauthorized"}
	got := a.call("PUT", "/integrations/my-images", good, "Operation-Id", "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10")
	assert.Equal(t, 503, got.StatusCode, got.raw)
	assert.Equal(t, "service-bus-permission-missing", got.at("code"))
	assert.Equal(t, "operator", got.at("remedy", "who"))
	assert.Contains(t, got.at("detail"), "queues/wif-commands")
	assert.Contains(t, got.at("detail"), "Operation-Id: 0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10")
	assert.Regexp(t, "--assignee-object-id "+world.AppPrincipalID+" .*Data Sender.*/queues/wif-commands$",
		got.at("remedy", "command"))
	waiting := a.call("GET", "/operations/0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10", "")
	assert.Equal(t, "service-bus-permission-missing", waiting.at("waiting", "code"), waiting.raw)
}

func TestQueueDoors(t *testing.T) {
	a := newApp(t, nil)
	ctx, record := invocation.With(t.Context())
	require.NoError(t, a.function("reconcile").Message(ctx, Delivery{Body: []byte("not JSON"), MessageID: "m1",
		SessionID: "my-images"}))
	_, operation, code := record.Values()
	assert.Equal(t, "not-json", code)
	failed := a.call("GET", "/operations/"+operation, "")
	assert.Equal(t, "Failed", failed.at("status"), failed.raw)

	event := `{"specversion":"1.0","id":"e1","source":"/test","type":"` + message.TypeProvision +
		`","data":{"integrationId":"my-images","operationId":"op-1"}}`
	ctx, record = invocation.With(t.Context())
	require.NoError(t, a.function("deadletter").Message(ctx, Delivery{Body: []byte(event), MessageID: "op-1",
		SessionID:             "my-images",
		ApplicationProperties: map[string]any{"DeadLetterReason": "MaxDeliveryCountExceeded"}}))
	id, operation, _ := record.Values()
	assert.Equal(t, "my-images", id)
	assert.Equal(t, "op-1", operation)
	dead := a.call("GET", "/operations/op-1", "")
	assert.Equal(t, "Failed", dead.at("status"), dead.raw)
}

// state is all that a request could have changed.
func (a *app) state() string {
	a.t.Helper()
	raw, err := json.Marshal(a.world.Snapshot())
	require.NoError(a.t, err)
	documents := a.call("GET", "/integrations?pageSize=1000", "").raw
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	sentSoFar, err := json.Marshal(len(a.queue.sent))
	require.NoError(a.t, err)
	return string(raw) + documents + string(sentSoFar)
}

// TestEveryFaultOfABodyIsTold at once: an unknown member hides no other fault.
func TestEveryFaultOfABodyIsTold(t *testing.T) {
	a := newApp(t, nil)
	for path, c := range map[string]struct {
		method, body string
		want         []string
	}{
		"/integrations/my-images": {"PUT", `{"x":1,"subjects":["a*"],"storage":[{"resourceId":"y","acces":"read"}],
			"audience":7}`, []string{"/x unknown-member", "/storage/0/acces unknown-member", "/audience wrong-type",
			"/subjects/0 subject-wildcard", "/storage/0/resourceId invalid-resource-id"}},
		"/integrations/my-images/access-tests": {"POST", `{"x":1,"mode":"both","subjectToken":""}`,
			[]string{"/x unknown-member", "/mode invalid-mode", "/subjectToken invalid-value"}},
		"/integrations/my-images/confirm": {"POST", `{"x":1,"driverId":"a/b"}`,
			[]string{"/x unknown-member", "/driverId invalid-value"}},
	} {
		got := a.call(c.method, path, c.body)
		assert.Equal(t, 422, got.StatusCode, got.raw)
		var told []string
		for _, f := range got.at("errors").([]any) {
			told = append(told, f.(map[string]any)["pointer"].(string)+" "+f.(map[string]any)["code"].(string))
		}
		assert.Equal(t, c.want, told, path)
	}
}
