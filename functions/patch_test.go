package functions

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

const archive = `{"resourceId":"` + world.DataAccountID + `","container":"archive","access":"read"}`

// TestAPatchChangesWhatItNames and is otherwise the PUT of the whole: a null takes away, a list is replaced.
func TestAPatchChangesWhatItNames(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	put := a.call("PUT", "/integrations/my-images", good)
	require.Equal(t, 201, put.StatusCode, put.raw)
	a.deliver()
	before := a.call("GET", "/integrations/my-images", "")

	plan := a.call("PATCH", "/integrations/my-images?dryRun=true", `{"storage":[`+archive+`]}`)
	require.Equal(t, 200, plan.StatusCode, plan.raw)
	assert.NotEmpty(t, plan.at("steps"))
	assert.Equal(t, before.raw, a.call("GET", "/integrations/my-images", "").raw, "a dry run changes nothing")

	got := a.call("PATCH", "/integrations/my-images", `{"storage":[`+archive+`],"healthCheck":{"interval":"12h"}}`,
		"Content-Type", "application/merge-patch+json", "If-Match", before.Header.Get("ETag"))
	require.Equal(t, 200, got.StatusCode, got.raw)
	assert.NotEmpty(t, got.Header.Get("Operation-Location"))
	assert.NotEqual(t, before.Header.Get("ETag"), got.Header.Get("ETag"))
	for _, member := range []string{"displayName", "tenantId", "issuer", "subjects", "audience", "identity"} {
		assert.Equal(t, before.at("spec", member), got.at("spec", member), member)
	}
	assert.Equal(t, map[string]any{"enabled": true, "interval": "12h"}, got.at("spec", "healthCheck"))
	assert.Len(t, got.at("spec", "storage"), 1)
	a.deliver()
	assert.Contains(t, a.call("GET", "/integrations/my-images", "").raw, "containers/archive/")

	named := a.call("PATCH", "/integrations/my-images", `{"displayName":"Archive"}`)
	assert.Equal(t, "Archive", named.at("spec", "displayName"))
	unnamed := a.call("PATCH", "/integrations/my-images", `{"displayName":null}`)
	assert.Equal(t, before.at("spec", "displayName"), unnamed.at("spec", "displayName"), "null is the default again")
	same := a.call("PATCH", "/integrations/my-images", `{}`)
	assert.Equal(t, unnamed.Header.Get("ETag"), same.Header.Get("ETag"))
}

// TestAPatchThatIsRefused changes nothing and names what is wrong.
func TestAPatchThatIsRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	first := a.call("PUT", "/integrations/my-images", good).Header.Get("ETag")
	a.deliver()
	second := a.call("PATCH", "/integrations/my-images", `{"displayName":"Second"}`).Header.Get("ETag")
	for name, row := range map[string]struct {
		path, body string
		headers    []string
		status     int
		code       string
	}{
		"nobody":             {"nobody", `{"displayName":"x"}`, nil, 404, "integration-not-found"},
		"an id that is none": {"Nobody", `{}`, nil, 400, "invalid-id"},
		"no JSON":            {"my-images", `{`, nil, 400, "malformed-body"},
		"no body":            {"my-images", ``, nil, 400, "malformed-body"},
		"no object":          {"my-images", `["displayName"]`, nil, 422, "wrong-type"},
		"null":               {"my-images", `null`, nil, 422, "wrong-type"},
		"a member twice":     {"my-images", `{"displayName":"x","displayName":"y"}`, nil, 422, "duplicate-member"},
		"a nested one twice": {"my-images", `{"healthCheck":{"interval":"6h","interval":"8h"}}`, nil, 422,
			"duplicate-member"},
		"an unknown member": {"my-images", `{"displayname":"x"}`, nil, 422, "unknown-member"},
		"a faulty spec":     {"my-images", `{"storage":[{"resourceId":"x"}]}`, nil, 422, "invalid-spec"},
		"another media type": {"my-images", `{}`, []string{"Content-Type", "text/plain"}, 415,
			"unsupported-media-type"},
		"an old version":    {"my-images", `{}`, []string{"If-Match", first}, 412, "precondition-failed"},
		"an operation id":   {"my-images", `{}`, []string{"Operation-Id", "x"}, 400, "invalid-parameter"},
		"an unknown switch": {"my-images?dry=true", `{}`, nil, 400, "invalid-parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.call("PATCH", "/integrations/"+row.path, row.body, row.headers...)
			assert.Equal(t, row.status, got.StatusCode, got.raw)
			assert.Equal(t, row.code, got.at("code"))
		})
	}
	still := a.call("GET", "/integrations/my-images", "")
	assert.Equal(t, second, still.Header.Get("ETag"))
	assert.Equal(t, "Second", still.at("spec", "displayName"))

	require.Equal(t, 202, a.call("DELETE", "/integrations/my-images", "").StatusCode)
	a.deliver()
	assert.Equal(t, "integration-deleted", a.call("PATCH", "/integrations/my-images", `{}`).at("code"))
}

// TestAPatchThatIsSentAgain with its Operation-Id answers the same operation, though the version is another by then.
func TestAPatchThatIsSentAgain(t *testing.T) {
	t.Parallel()
	a := newApp(t, nil)
	tag := a.call("PUT", "/integrations/my-images", good).Header.Get("ETag")
	a.deliver()
	const id = "4fd2ee3c-5cf3-4a6b-9a3f-2a3ee7a3f0aa"
	for range 2 {
		got := a.call("PATCH", "/integrations/my-images", `{"displayName":"Again"}`, "If-Match", tag,
			"Operation-Id", id)
		require.Equal(t, 200, got.StatusCode, got.raw)
		assert.Contains(t, got.Header.Get("Operation-Location"), id)
		a.deliver()
	}
}

// TestAServiceNameInAPatchAddsItsSubject, before those that there are; with subjects named, too, it replaces them.
func TestAServiceNameInAPatchAddsItsSubject(t *testing.T) {
	t.Parallel()
	const of = "system:serviceaccount:dataloop:"
	a := newApp(t, nil)
	put := a.call("PUT", "/integrations/my-images", good)
	require.Equal(t, 201, put.StatusCode, put.raw)
	assert.Equal(t, "2", put.Header.Get("Retry-After"))
	a.deliver()
	for _, c := range []struct {
		body string
		want []any
	}{
		{`{"serviceName":"second"}`, []any{of + "second", subject}},
		{`{"serviceName":"second"}`, []any{of + "second", subject}},
		{`{"serviceName":"third","subjects":null}`, []any{of + "third"}},
		{`{"serviceName":"fourth","subjects":["` + of + `fifth"]}`, []any{of + "fourth", of + "fifth"}},
		{`{"serviceName":null}`, []any{of + "fourth", of + "fifth"}},
	} {
		got := a.call("PATCH", "/integrations/my-images", c.body)
		require.Equal(t, 200, got.StatusCode, got.raw)
		assert.Equal(t, c.want, got.at("spec", "subjects"), c.body)
		assert.Equal(t, "2", got.Header.Get("Retry-After"))
		a.deliver()
	}
	const again = "4fd2ee3c-5cf3-4a6b-9a3f-2a3ee7a3f0aa"
	require.Equal(t, 200, a.call("PUT", "/integrations/my-images", good, "Operation-Id", again).StatusCode)
	a.deliver()
	repeated := a.call("PUT", "/integrations/my-images", good, "Operation-Id", again)
	require.Equal(t, 200, repeated.StatusCode, repeated.raw)
	assert.Empty(t, repeated.Header.Get("Retry-After"), "it has ended")
}
