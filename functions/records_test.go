package functions

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// overwrite replaces a record by hand.
func (a *app) overwrite(key, body string) {
	a.t.Helper()
	was, err := a.store.Get(a.t.Context(), key)
	require.NoError(a.t, err)
	_, err = a.store.Put(a.t.Context(), key, []byte(body), was.ETag)
	require.NoError(a.t, err)
}

// TestOneBadRecordHarmsItselfAlone goes through the doors: list, one integration with what is under it, PUT and
// DELETE.
func TestOneBadRecordHarmsItselfAlone(t *testing.T) {
	a := newApp(t, nil)
	for _, id := range []string{"aaa", "bad", "new", "zzz"} {
		require.Equal(t, 201, a.call("PUT", "/integrations/"+id, good).StatusCode)
	}
	a.deliver()
	client := a.call("GET", "/integrations/bad", "").at("status", "clientId")
	assert.NotContains(t, a.call("GET", "/integrations", "").raw, "unreadable", "as ever where all can be read")
	a.overwrite("integrations/bad.json", `{"id":"bad","spec":{"planted-`)
	a.overwrite("integrations/new.json", `{"id":"new","schemaVersion":6}`)

	for _, query := range []string{"", "?state=provisioned", "?pageSize=2", "?health=unknown"} {
		list := a.call("GET", "/integrations"+query, "")
		require.Equal(t, 200, list.StatusCode, list.raw)
		ids := []any{}
		for _, d := range list.at("value").([]any) {
			ids = append(ids, d.(map[string]any)["id"])
		}
		assert.Equal(t, []any{"aaa", "zzz"}, ids, query)
		named := list.at("unreadable").([]any)
		require.Len(t, named, 2, list.raw)
		assert.Equal(t, "bad", named[0].(map[string]any)["id"])
		assert.Equal(t, "record-unreadable", named[0].(map[string]any)["code"])
		assert.Contains(t, named[0].(map[string]any)["detail"], "integrations/bad.json")
		assert.Equal(t, "record-too-new", named[1].(map[string]any)["code"])
		assert.NotContains(t, list.raw, "planted", "nothing of the record is repeated")
	}
	for _, view := range []string{"", "/health", "/credentials", "/drift"} {
		for id, want := range map[string]struct {
			status      int
			code, retry string
		}{"bad": {500, "record-unreadable", ""}, "new": {503, "record-too-new", "5"}} {
			got := a.call("GET", "/integrations/"+id+view, "")
			assert.Equal(t, want.status, got.StatusCode, "%s%s", id, view)
			assert.Equal(t, want.code, got.at("code"))
			assert.Equal(t, "operator", got.at("remedy", "who"))
			assert.Contains(t, got.at("detail"), "integrations/"+id+".json")
			assert.Equal(t, want.retry, got.Header.Get("Retry-After"))
		}
	}
	assert.Equal(t, "record-unreadable", a.call("PUT", "/integrations/bad", good).at("code"))
	assert.Equal(t, "record-unreadable", a.call("PUT", "/integrations/bad?dryRun=true", good).at("code"))
	assert.Equal(t, "record-unreadable", a.call("POST", "/integrations/bad/access-tests", "").at("code"))
	assert.Equal(t, "record-too-new", a.call("DELETE", "/integrations/new", "").at("code"))

	deleted := a.call("DELETE", "/integrations/bad", "")
	require.Equal(t, 202, deleted.StatusCode, deleted.raw)
	operation := a.call("GET", strings.TrimPrefix(deleted.Header.Get("Operation-Location"), "/api"), "")
	assert.Equal(t, "Failed", operation.at("status"))
	assert.Equal(t, "record-set-aside", operation.at("error", "code"))
	assert.Contains(t, operation.at("error", "detail"), "unreadable/integrations/bad-")
	assert.Equal(t, 404, a.call("GET", "/integrations/bad", "").StatusCode)
	assert.Len(t, a.call("GET", "/integrations", "").at("unreadable"), 1)

	require.Equal(t, 201, a.call("PUT", "/integrations/bad", good).StatusCode)
	a.deliver()
	assert.Equal(t, client, a.call("GET", "/integrations/bad", "").at("status", "clientId"),
		"its own application, found again")
}

// TestABadOperationOrHealthRecord is no outage either.
func TestABadOperationOrHealthRecord(t *testing.T) {
	a := newApp(t, nil)
	put := a.call("PUT", "/integrations/my-images", good)
	a.deliver()
	check := func(id string) {
		body := `{"specversion":"1.0","id":"` + id + `","source":"/t","type":"` + message.TypeHealthCheck +
			`","data":{"integrationId":"my-images"}}`
		require.NoError(t, a.function("checkhealth").Message(t.Context(), Delivery{Body: []byte(body), MessageID: id}))
	}
	check("h1")
	location := strings.TrimPrefix(put.Header.Get("Operation-Location"), "/api")
	for body, want := range map[string]string{"{": "500 operation-unreadable",
		`{"schemaVersion":6}`: "503 record-too-new"} {
		a.overwrite(strings.TrimPrefix(location, "/")+".json", body)
		got := a.call("GET", location, "")
		assert.Equal(t, want, got.Status[:4]+got.at("code").(string))
	}
	a.overwrite("health/my-images.json", "[]")
	assert.Equal(t, "unknown", a.call("GET", "/integrations/my-images/health", "").at("state"))
	check("h2")
	assert.Equal(t, "healthy", a.call("GET", "/integrations/my-images/health", "").at("state"))
}
