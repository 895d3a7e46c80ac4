package story

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// quirk switches one of the platform's ways on.
func (a *app) quirk(name string, members map[string]any) {
	a.t.Helper()
	a.control(http.MethodPut, "/objects/ddoe.quirks/"+name, members)
}

// harmless are ways of the platform's that a client must get along with: how answers look, how long they lag behind, and
// what is taken for a duplicate.
func harmless(value func(a, b string) map[string]any) map[string]map[string]any {
	lag := func(ms int) map[string]any { return map[string]any{"ms": ms} }
	return map[string]map[string]any{
		platform.QuirkReferences: value("string", "object"), platform.QuirkDates: value("string", "number"), platform.QuirkErrors: value("text", "message"),
		platform.QuirkDriverAnswer: value("bare", "bare"), platform.QuirkIntegrationDelete: value("object", "nothing"), platform.QuirkUnknownPath: value("notFound", "notFound"),
		platform.QuirkIntegrationPatch: value("mindsOwnName", "mindsOwnName"), platform.QuirkDuplicate409: {}, platform.QuirkPatchReplaces: {}, platform.QuirkRefuseDeleteInUse: {},
		platform.QuirkListLag: lag(2000), platform.QuirkDriverListLag: lag(2000), platform.QuirkDriverCountLag: lag(2000), platform.QuirkCommandLag: lag(1500),
		platform.QuirkValidation: {"polls": 3, "ms": 4000}, platform.QuirkDriverTest: {"value": "424"}, platform.QuirkRole401: {},
	}
}

// TestPlatformWithAllItsQuirks: with every way of answering at once the story is the same, by HTTP and by messages.
func TestPlatformWithAllItsQuirks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value     func(a, b string) map[string]any // which of two values a quirk gets
		provision func(a *app, spec map[string]any) answer
		remove    func(a *app) answer
	}{
		"over HTTP":      {func(first, _ string) map[string]any { return map[string]any{"value": first} }, (*app).provisionedByPUT, (*app).removedByDELETE},
		"over the queue": {func(_, second string) map[string]any { return map[string]any{"value": second} }, (*app).provisionedByMessage, (*app).removedByMessage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			for quirk, members := range harmless(c.value) {
				a.quirk(quirk, members)
			}
			before := a.control(http.MethodGet, "/world", nil)
			operation := c.provision(a, a.wired())
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			a.requireOne()
			document := a.requireUsable()
			assert.Equal(t, true, document.at("status.ddoe.validated"), document.Raw)
			tested := a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{})
			assert.Equal(t, "pass", tested.at("verdict"), tested.Raw)
			drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
			assert.Equal(t, "pass", drift.at("verdict"), drift.Raw)

			changed := a.wired()
			changed["displayName"] = "Renamed"
			changed["ddoe"].(map[string]any)["driver"].(map[string]any)["path"] = "sub/folder"
			operation = c.provision(a, changed)
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			a.requireOne()
			world := a.control(http.MethodGet, "/world", nil)
			assert.Equal(t, []any{"Renamed", "sub/folder"}, []any{world.at("ddoe.integrations.0.name"), world.at("ddoe.drivers.0.path")})

			operation = c.remove(a)
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			assert.Equal(t, [2]int{0, 0}, a.onPlatform())
			assert.Equal(t, counts{}, a.made(before))
		})
	}
}

func (a *app) provisionedByPUT(spec map[string]any) answer {
	a.t.Helper()
	put := a.call(http.MethodPut, "/integrations/my-images", spec)
	require.Less(a.t, put.Status, 300, put.Raw)
	return a.wait(put.Header.Get("Operation-Location"))
}

func (a *app) removedByDELETE() answer {
	a.t.Helper()
	deleted := a.call(http.MethodDelete, "/integrations/my-images?purge=true", nil)
	return a.wait(deleted.Header.Get("Operation-Location"))
}

func (a *app) provisionedByMessage(spec map[string]any) answer {
	a.t.Helper()
	return a.commanded("provision", map[string]any{"integrationId": "my-images", "spec": spec})
}

func (a *app) removedByMessage() answer {
	a.t.Helper()
	return a.commanded("deprovision", map[string]any{"integrationId": "my-images", "purge": true})
}

// commanded sends one command and returns its operation when it has ended.
func (a *app) commanded(kind string, data map[string]any) answer {
	a.t.Helper()
	id := uuid.NewString()
	data["operationId"] = id
	a.produce("my-images", cloudEvent(a.t, "ai.ddoe.wif."+kind+".v1", data))
	return a.operation(id)
}
