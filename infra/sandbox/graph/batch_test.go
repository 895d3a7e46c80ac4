package graph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/graph"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// step is one request of a batch.
type step map[string]any

func get(id, url string) step { return step{"id": id, "method": "GET", "url": url} }

// put is the upsert of a federated credential.
func put(id, application, name string) step {
	return step{"id": id, "method": "PATCH", "url": "/applications/" + application +
		"/federatedIdentityCredentials(name='" + name + "')",
		"headers": map[string]string{"content-type": "application/json", "prefer": upsert},
		"body":    map[string]any{"issuer": world.Issuer, "subject": name, "audiences": []string{"a"}}}
}

// with sets a member of a request, or removes it.
func (s step) with(name string, value any) step {
	if s[name] = value; value == nil {
		delete(s, name)
	}
	return s
}

// inOrder makes each request depend on the one before it.
func inOrder(steps []step) []step {
	for i := range steps[1:] {
		steps[i+1]["dependsOn"] = []any{steps[i]["id"]}
	}
	return steps
}

func (b *bench) batch(steps []step, header ...string) reply {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"requests": steps})
	require.NoError(b.t, err)
	return b.do("POST", "/$batch", string(body), header...)
}

// responses are the answers of a batch by the ids of their requests, and the ids in their order.
func (r reply) responses(t *testing.T) (map[string]map[string]any, []string) {
	t.Helper()
	require.Equal(t, 200, r.status, r.raw)
	byID, ids := map[string]map[string]any{}, []string{}
	for _, one := range r.at("responses").([]any) {
		response := one.(map[string]any)
		id := response["id"].(string)
		byID[id], ids = response, append(ids, id)
	}
	return byID, ids
}

// statuses are those of the answers, by the ids of their requests.
func (r reply) statuses(t *testing.T) map[string]int {
	t.Helper()
	byID, _ := r.responses(t)
	all := map[string]int{}
	for id, response := range byID {
		all[id] = int(response["status"].(float64))
	}
	return all
}

func TestBatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, appID := b.app("u")
	steps := []step{put("0", id, "abc"), get("1", "applications(uniqueName='u')?$select=appId"),
		get("2", "/applications/"+stranger),
		{"id": "3", "method": "DELETE", "url": "/applications/" + id + "/federatedIdentityCredentials/none"}}
	got := b.batch(steps)
	byID, ids := got.responses(t)
	assert.Equal(t, map[string]int{"0": 201, "1": 200, "2": 404, "3": 404}, got.statuses(t), "none stands for another")
	assert.NotEqual(t, []string{"0", "1", "2", "3"}, ids, "a client has to go by the ids")
	assert.Equal(t, appID, byID["1"]["body"].(map[string]any)["appId"])
	assert.Equal(t, "abc", byID["0"]["body"].(map[string]any)["name"])
	refusal := reply{json: byID["2"]["body"].(map[string]any)}
	assert.Equal(t, "Request_ResourceNotFound", refusal.text("error", "code"))
	assert.Equal(t, got.header.Get("request-id"), refusal.text("error", "innerError", "request-id"))
	headers := byID["0"]["headers"].(map[string]any)
	assert.Contains(t, headers["Content-Type"], "application/json")
	assert.Contains(t, headers, "Location")
	assert.NotContains(t, headers, "Request-Id")

	updated, _ := b.batch([]step{put("0", id, "abc")}).responses(t)
	assert.EqualValues(t, 204, updated["0"]["status"])
	assert.NotContains(t, updated["0"], "body")
	assert.Equal(t, 405, b.do("GET", "/$batch", "").status)
}

// TestBatchInOrder: the first failure fails all that depend on it, and what was done stays.
func TestBatchInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, _ := b.app("u")
	var steps []step
	for i := range 20 {
		steps = append(steps, put(fmt.Sprint("r", i), id, fmt.Sprintf("name-%02d", i)))
	}
	steps[7]["body"] = map[string]any{"issuer": "i"}
	got := b.batch(inOrder(steps))
	byID, ids := got.responses(t)
	assert.Len(t, byID, 20)
	assert.Equal(t, "r19", ids[0], "the answers are not in the order of the requests")
	for i := range 20 {
		want := 201
		switch {
		case i == 7:
			want = 400
		case i > 7:
			want = 424
		}
		assert.EqualValues(t, want, byID[fmt.Sprint("r", i)]["status"], i)
	}
	assert.Len(t, b.world.FederatedCredentials(id), 7)
}

func TestBatchHasTheRightsOfItsCaller(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	theirs, _ := b.app("theirs")
	own, _ := b.app("own")
	b.world.AddOwner(own, stranger)
	b.world.SetAppRoles(stranger, world.AppRoleReadWriteOwnedBy)
	steps := []step{put("theirs", theirs, "abc"), put("own", own, "abc")}
	steps[0]["headers"].(map[string]string)["Authorization"] = "Bearer " + world.AppPrincipalID
	got := b.batch(steps, "Authorization", "Bearer "+stranger)
	assert.Equal(t, map[string]int{"theirs": 403, "own": 201}, got.statuses(t), "each request is asked for its right")
	assert.Equal(t, 401, b.batch(steps, "Authorization", "").status)
}

func TestBatchesThatAreRefused(t *testing.T) {
	t.Parallel()
	id := "11111111-1111-4111-8111-111111111111"
	many := make([]step, 21)
	for i := range many {
		many[i] = get(fmt.Sprint(i), "/applications")
	}
	const invalid, exclusive = "Invalid batch payload format.",
		"Batch should be either fully sequential or fully parallel."
	for name, tc := range map[string]struct {
		steps   []step
		message string
	}{
		"none":         {nil, invalid},
		"21":           {many, "Number of requests inside batch exceed the limit."},
		"no id":        {[]step{get("", "/applications")}, invalid},
		"no method":    {[]step{get("1", "/applications").with("method", nil)}, invalid},
		"no URL":       {[]step{get("1", "")}, invalid},
		"absolute URL": {[]step{get("1", "https://graph.microsoft.com/v1.0/applications")}, invalid},
		"another host": {[]step{get("1", "//attacker.example/applications")}, invalid},
		"a batch":      {[]step{get("1", "/$batch")}, invalid},
		"id twice": {[]step{get("a", "/applications"), get("A", "/applications")},
			"Request Id A has to be unique in a batch."},
		"headers no object": {[]step{get("1", "/applications").with("headers", []string{"x"})}, invalid},
		"write without body": {[]step{put("1", id, "abc").with("body", nil)},
			"Write request id : 1 does not contain Content-Type header or body."},
		"body without its type": {[]step{put("1", id, "abc").with("headers", nil)},
			"Write request id : 1 does not contain Content-Type header or body."},
		"body a number": {[]step{put("1", id, "abc").with("body", 1)}, invalid},
		"body an array": {[]step{put("1", id, "abc").with("body", []int{1})}, invalid},
		"unknown dependency": {[]step{get("1", "/applications"), get("2", "/applications").with("dependsOn",
			[]string{"9"})}, "Invalid dependency for request Id 2."},
		"later dependency": {[]step{get("1", "/applications").with("dependsOn", []string{"2"}),
			get("2", "/applications")}, "Invalid dependency for request Id 1."},
		"half in order": {append(inOrder([]step{get("1", "/applications"), get("2", "/applications")}),
			get("3", "/applications")), exclusive},
		"two after one": {[]step{get("1", "/applications"), get("2", "/applications").with("dependsOn", []string{"1"}),
			get("3", "/applications").with("dependsOn", []string{"1"})}, exclusive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			got := b.batch(tc.steps)
			assert.Equal(t, 400, got.status, got.raw)
			assert.Equal(t, "BadRequest", got.text("error", "code"))
			assert.Equal(t, tc.message, got.text("error", "message"))
			assert.Equal(t, got.header.Get("request-id"), got.text("error", "innerError", "request-id"))
		})
	}
	b := newBench(t)
	assert.Equal(t, 400, b.do("POST", "/$batch", `{"requests":`).status)
	assert.Equal(t, 200, b.batch(many[:20]).status, "20 are not too many")
}

// TestBatchBodies: a body may be base64 URL-encoded, and an answer that is no JSON is encoded.
func TestBatchBodies(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, _ := b.app("u")
	encoded := "eyJpc3N1ZXIiOiJpIiwic3ViamVjdCI6InMiLCJhdWRpZW5jZXMiOlsiYSJdfQ=="
	assert.Equal(t, map[string]int{"1": 201}, b.batch([]step{put("1", id, "abc").with("body", encoded)}).statuses(t))

	b.handler = graph.New(b.world, func(*http.Request) (string, error) { return world.AppPrincipalID, nil },
		func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(503)
				_, _ = w.Write([]byte("busy"))
			})
		})
	byID, _ := b.batch([]step{get("1", "/applications")}).responses(t)
	assert.Equal(t, "YnVzeQ==", byID["1"]["body"])
	assert.EqualValues(t, 503, byID["1"]["status"])
	assert.Equal(t, "7", byID["1"]["headers"].(map[string]any)["Retry-After"])
}

// TestBatchRequestsPassWhatIsAround, outermost first, with path, method and headers of their own.
func TestBatchRequestsPassWhatIsAround(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var seen []string
	note := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, name+" "+r.Method+" "+r.Host+r.URL.RequestURI()+" "+r.Header.Get("Prefer"))
				next.ServeHTTP(w, r)
			})
		}
	}
	b.handler = graph.New(b.world, func(*http.Request) (string, error) { return world.AppPrincipalID, nil },
		note("outer"), note("inner"))
	id, _ := b.app("u")
	seen = nil
	b.batch(inOrder([]step{put("0", id, "abc"), get("1", "applications?$top=1")}))
	path := "PATCH graph.microsoft.com/v1.0/applications/" + id + "/federatedIdentityCredentials(name='abc') " +
		"create-if-missing"
	assert.Equal(t, []string{"outer " + path, "inner " + path,
		"outer GET graph.microsoft.com/v1.0/applications?$top=1 ",
		"inner GET graph.microsoft.com/v1.0/applications?$top=1 "}, seen)
}
