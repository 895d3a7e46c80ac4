package story

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
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
		platform.QuirkIntegrationAnswer: value("unmarked", "unmarked"), platform.QuirkDriverAnswer: value("bare", "bare"), platform.QuirkIntegrationDelete: value("object", "nothing"), platform.QuirkUnknownPath: value("notFound", "notFound"),
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

// TestPlatformThatRefuses: what a platform does that nobody can get along with ends in a diagnosis that names it, and the
// same request goes through when the platform is as it should be.
func TestPlatformThatRefuses(t *testing.T) {
	t.Parallel()
	user := "/objects/ddoe.users/" + world.UserEmail
	value := func(v string) map[string]any { return map[string]any{"value": v} }
	quirks := func(all map[string]map[string]any) func(a *app) {
		return func(a *app) {
			for name, members := range all {
				a.quirk(name, members)
			}
		}
	}
	role := func(organization, project string) func(a *app) {
		return func(a *app) {
			a.control(http.MethodPut, user, map[string]any{"email": world.UserEmail, "role": organization, "projectRole": project})
		}
	}
	renamed := func(spec map[string]any) { spec["displayName"] = "Renamed" }
	deleting := func(spec map[string]any) {
		spec["ddoe"].(map[string]any)["driver"].(map[string]any)["allowExternalDelete"] = true
	}
	for name, c := range map[string]struct {
		made   bool // there is one before
		refuse func(a *app)
		change func(spec map[string]any) // nil: the spec stays
		code   string
	}{
		"the organisation's role, as 403": {false, role("member", "owner"), nil, "ddoe-organization-role-missing"},
		"the organisation's role, as 401": {false, func(a *app) { role("worker", "owner")(a); a.quirk(platform.QuirkRole401, map[string]any{}) }, nil, "ddoe-organization-role-missing"},
		"the project's role":              {true, role("owner", "annotator"), deleting, "ddoe-project-role-missing"},
		"a name that stays":               {true, quirks(map[string]map[string]any{platform.QuirkIntegrationPatch: value("keepsName")}), renamed, "ddoe-integration-unchanged"},
		"a driver that may not delete":    {true, quirks(map[string]map[string]any{platform.QuirkDriverPatch: value("keepsExternalDelete")}), deleting, "ddoe-driver-unchanged"},
		"a driver that may delete": {false, quirks(map[string]map[string]any{platform.QuirkDriverPatch: value("keepsExternalDelete"), platform.QuirkDriverCreate: value("ignoresExternalDelete")}),
			nil, "ddoe-driver-unchanged"},
		"pages in place of refusals": {true, func(a *app) {
			a.quirk(platform.QuirkErrors, value("html"))
			integration := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.id").(string)
			a.control(http.MethodDelete, "/objects/ddoe.integrations/"+integration, nil)
		}, nil, "ddoe-not-found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			spec := a.wired()
			if c.made {
				a.put(a.wired())
			}
			if c.change != nil {
				c.change(spec)
			}
			c.refuse(a)
			operation := a.provisionedByPUT(spec)
			assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
			assert.Equal(t, c.code, operation.at("error.code"), operation.Raw)
			for _, quirk := range a.Cloud().World().DDOEObjects(world.DDOEQuirks) {
				a.control(http.MethodDelete, "/objects/ddoe.quirks/"+quirk["name"].(string), nil)
			}
			role("owner", "owner")(a)
			operation = a.provisionedByPUT(spec)
			assert.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			a.requireOne()
		})
	}
}
