package story

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wired asks for the platform's side too: the seeded organisation and its project.
func (a *app) wired() map[string]any {
	a.t.Helper()
	world := a.control(http.MethodGet, "/world", nil)
	spec := a.spec("images")
	spec["ddoe"] = map[string]any{"organizationId": world.at("ddoe.organizations.0.id"), "integration": true,
		"driver": map[string]any{"projectId": world.at("ddoe.projects.0.id"), "name": "images"}}
	return spec
}

// onPlatform counts the platform's integrations and drivers.
func (s *sandbox) onPlatform() [2]int {
	s.t.Helper()
	world := s.control(http.MethodGet, "/world", nil)
	integrations, _ := world.at("ddoe.integrations").([]any)
	drivers, _ := world.at("ddoe.drivers").([]any)
	return [2]int{len(integrations), len(drivers)}
}

// put carries a spec out over HTTP and returns the document.
func (a *app) put(spec map[string]any) answer {
	a.t.Helper()
	put := a.call(http.MethodPut, "/integrations/my-images", spec)
	require.Less(a.t, put.Status, 300, put.Raw)
	operation := a.wait(put.Header.Get("Operation-Location"))
	require.Equal(a.t, "Succeeded", operation.at("status"), operation.Raw)
	return a.call(http.MethodGet, "/integrations/my-images", nil)
}

// requireUsable waits for the verification that the app schedules by itself.
func (a *app) requireUsable() answer {
	a.t.Helper()
	var document answer
	require.Eventually(a.t, func() bool {
		document = a.call(http.MethodGet, "/integrations/my-images", nil)
		return document.at("status.phase") == "usable"
	}, 60*time.Second, 500*time.Millisecond)
	return document
}

// TestPlatformStoryOverHTTP: part 3 of the procedure happens by itself, is kept in step, and is removed.
func TestPlatformStoryOverHTTP(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	document := a.put(a.wired())
	assert.Equal(t, "api", document.at("status.ddoe.mode"), document.Raw)
	assert.Equal(t, [2]int{1, 1}, a.onPlatform())
	document = a.requireUsable()
	assert.Equal(t, true, document.at("status.ddoe.validated"), document.Raw)
	assert.NotEmpty(t, document.at("status.ddoe.checkedAt"))
	world := a.control(http.MethodGet, "/world", nil)
	assert.Equal(t, world.at("ddoe.integrations.0.id"), document.at("status.ddoe.integrationId"))
	assert.Equal(t, world.at("ddoe.drivers.0.id"), document.at("status.ddoe.driverId"))
	assert.Equal(t, "trusted", metadata(world.at("ddoe.integrations.0.metadata"), "status"))
	tested := a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{})
	assert.Equal(t, "pass", tested.at("verdict"), tested.Raw)
	assert.Subset(t, passed(tested), []any{"ddoe.integration", "ddoe.driver"}, tested.Raw)
	looked := a.look(a.call(http.MethodGet, "/integrations/my-images/health", nil))
	assert.Equal(t, "healthy", looked.at("state"), looked.Raw)
	assert.Contains(t, looked.Raw, `"ddoe.driver"`)
	a.optionsAreUntold()

	// Somebody renames the integration and deletes the driver: both are seen, and the same PUT mends them.
	integration := world.at("ddoe.integrations.0").(map[string]any)
	integration["name"] = "theirs now"
	a.control(http.MethodPut, "/objects/ddoe.integrations/"+integration["id"].(string), integration)
	a.control(http.MethodDelete, "/objects/ddoe.drivers/"+document.at("status.ddoe.driverId").(string), nil)
	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	require.Equal(t, http.StatusOK, drift.Status, drift.Raw)
	assert.Equal(t, "fail", drift.at("verdict"), drift.Raw)
	assert.ElementsMatch(t, []any{"ddoe-integration-renamed", "ddoe-driver-missing"}, codes(drift))
	a.put(a.wired())
	assert.Equal(t, [2]int{1, 1}, a.onPlatform())
	drift = a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Equal(t, "pass", drift.at("verdict"), drift.Raw)

	deleted := a.call(http.MethodDelete, "/integrations/my-images?purge=true", nil)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, [2]int{0, 0}, a.onPlatform())
	assert.Equal(t, counts{}, a.made(before))
}

// metadata is the value of an entry.
func metadata(entries any, name string) any {
	list, _ := entries.([]any)
	for _, e := range list {
		if at(e, "name") == name {
			return at(e, "value")
		}
	}
	return nil
}

// passed are the ids of the checks that passed.
func passed(report answer) []any {
	var all []any
	checks, _ := report.at("checks").([]any)
	for _, c := range checks {
		if at(c, "status") == "pass" {
			all = append(all, at(c, "id"))
		}
	}
	return all
}

// codes are the codes of what did not pass.
func codes(report answer) []any {
	var all []any
	checks, _ := report.at("checks").([]any)
	for _, c := range checks {
		if at(c, "status") != "pass" {
			all = append(all, at(c, "code"))
		}
	}
	return all
}

// TestPlatformStoryOverTheQueue is the same by messages alone.
func TestPlatformStoryOverTheQueue(t *testing.T) {
	t.Parallel()
	a := start(t)
	id := uuid.NewString()
	a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.provision.v1", map[string]any{"integrationId": "my-images",
		"operationId": id, "spec": a.wired()}))
	operation := a.operation(id)
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	document := a.requireUsable()
	assert.Equal(t, true, document.at("status.ddoe.validated"), document.Raw)
	assert.Equal(t, [2]int{1, 1}, a.onPlatform())

	id = uuid.NewString()
	a.produce("my-images", cloudEvent(t, "ai.ddoe.wif.deprovision.v1", map[string]any{"integrationId": "my-images",
		"operationId": id}))
	operation = a.operation(id)
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, [2]int{0, 0}, a.onPlatform())
}

// TestPlatformSpecIsRefusedEarly: what the platform cannot do is said before anything is written.
func TestPlatformSpecIsRefusedEarly(t *testing.T) {
	t.Parallel()
	a := start(t)
	readOnly := a.wired()
	readOnly["storage"].([]any)[0].(map[string]any)["access"] = "read"
	several := a.wired()
	several["storage"] = append(several["storage"].([]any), a.spec("archive")["storage"].([]any)...)
	for code, spec := range map[string]map[string]any{"ddoe-write-required": readOnly, "ddoe-one-storage": several} {
		refused := a.call(http.MethodPut, "/integrations/my-images", spec)
		assert.Equal(t, http.StatusUnprocessableEntity, refused.Status, refused.Raw)
		assert.Equal(t, code, refused.at("errors.0.code"), refused.Raw)
	}
}
