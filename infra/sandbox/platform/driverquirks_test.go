package platform_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestQuirkDriverAnswer(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values("c"))
	id := b.driver(integration)
	b.quirk(platform.QuirkDriverAnswer, `{"value":"bare"}`)
	filtered := b.do("GET", "/drivers?projectId="+world.ProjectID+"&integrationId="+integration, nil)
	require.Len(t, filtered.value, 1, "the filters see what is not shown")
	for name, shown := range map[string]any{
		"made":    b.do("POST", "/drivers", b.driverBody(integration)).value,
		"read":    b.do("GET", "/drivers/"+id, nil).value,
		"changed": b.do("PATCH", "/drivers/"+id, map[string]any{"payload": map[string]any{"path": "b"}}).value,
		"listed":  filtered.at(0),
	} {
		driver, _ := shown.(map[string]any)
		assert.Equal(t, []string{"createdAt", "creator", "id", "isSyncable", "name", "type"}, slices.Sorted(maps.Keys(driver)), name)
	}
}

// TestQuirkIntegrationAnswer: the metadata that were sent are kept and not shown; the platform's own entry is.
func TestQuirkIntegrationAnswer(t *testing.T) {
	b := newBench(t)
	path := "/orgs/" + world.OrganizationID + "/integrations"
	b.quirk(platform.QuirkIntegrationAnswer, `{"value":"unmarked"}`)
	id := b.integration("wif", values("c"))
	answers := map[string]func() any{
		"changed": func() any {
			return b.do("PATCH", path, map[string]any{"integrationId": id, "metadata": []any{map[string]any{"name": "managed-by", "value": "us"}}}).at("metadata")
		},
		"read":   func() any { return b.do("GET", "/integrations/"+id, nil).at("metadata") },
		"listed": func() any { return b.do("GET", path, nil).at(0).(map[string]any)["metadata"] },
	}
	for _, name := range []string{"changed", "read", "listed"} {
		entries, _ := answers[name]().([]any)
		require.Len(t, entries, 1, name)
		assert.Equal(t, "status", entries[0].(map[string]any)["name"], name)
	}
	o, _ := b.world.DDOEObject(world.DDOEIntegrations, id)
	assert.Len(t, o["metadata"], 2)
}

func TestQuirkDriverPatchAndCreate(t *testing.T) {
	for value, tc := range map[string]struct {
		status  int
		changed []any // integrationId is the other one, allowExternalDelete, path
	}{
		"":                    {200, []any{true, true, "b"}},
		"keepsIntegration":    {200, []any{false, true, "b"}},
		"keepsExternalDelete": {200, []any{true, false, "b"}},
		"refusesIntegration":  {403, []any{false, false, "a folder"}},
	} {
		t.Run("as "+value, func(t *testing.T) {
			b := newBench(t)
			id, other := b.driver(b.integration("wif", values("c"))), b.integration("other", values("c"))
			if value != "" {
				b.quirk(platform.QuirkDriverPatch, `{"value":"`+value+`"}`)
			}
			for _, body := range []map[string]any{
				{"payload": map[string]any{"integrationId": other, "allowExternalDelete": true, "path": "b"}},
				{"payload": map[string]any{"integrationId": other, "path": "b"}, "allowExternalDelete": true},
			} {
				assert.Equal(t, tc.status, b.do("PATCH", "/drivers/"+id, body).status)
				is := b.do("GET", "/drivers/"+id, nil)
				assert.Equal(t, tc.changed, []any{is.text("integrationId") == other, is.at("allowExternalDelete"), is.at("path")})
			}
		})
	}
	b := newBench(t)
	integration := b.integration("wif", values("c"))
	b.quirk(platform.QuirkDriverCreate, `{"value":"ignoresExternalDelete"}`)
	body := b.driverBody(integration)
	require.Equal(t, false, body["allowExternalDelete"])
	assert.Equal(t, true, b.do("POST", "/drivers", body).at("allowExternalDelete"))
}

// TestQuirkDriverTest: the status is that of a storage that cannot be reached, not of a fault in the request.
func TestQuirkDriverTest(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 422, 424, 500, 503} {
		b := newBench(t)
		if status != 400 {
			b.quirk(platform.QuirkDriverTest, fmt.Sprintf(`{"value":"%d"}`, status))
		}
		broken := b.integration("broken", values("no such application"))
		good := b.integration("good", values(b.identity().app.AppID))
		assert.Equal(t, status, b.do("POST", "/drivers/test", b.driverBody(broken)).status)
		assert.Equal(t, status, b.do("GET", "/drivers/"+b.driver(broken)+"/test", nil).status)
		assert.Equal(t, 204, b.do("POST", "/drivers/test", b.driverBody(good)).status)
		body := b.driverBody(good)
		body["type"] = "s3"
		assert.Equal(t, 400, b.do("POST", "/drivers/test", body).status)
	}
}

// TestQuirkDriverLags: a new driver is there before lists show it; the count is older than both, and remembers what is gone.
func TestQuirkDriverLags(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values("c"))
	b.quirk(platform.QuirkDriverListLag, `{"ms":2000}`)
	b.quirk(platform.QuirkDriverCountLag, `{"ms":5000}`)
	id := b.driver(integration)
	seen := func() []any {
		providers := b.do("GET", "/drivers/"+world.ProjectID+"/drivers-by-provider", nil)
		listed, _ := b.do("GET", "/drivers?integrationId="+integration, nil).value.([]any)
		return []any{b.do("GET", "/drivers/"+id, nil).status, len(listed), providers.text("azure", "drivers", 0, "id") == id, b.do("GET", "/drivers/byIntegration/"+integration, nil).value}
	}
	for _, step := range []struct {
		advance time.Duration
		want    []any // read alone, listed, by provider, counted
	}{
		{0, []any{200, 0, false, 0.0}},
		{1999 * time.Millisecond, []any{200, 0, false, 0.0}},
		{time.Millisecond, []any{200, 1, true, 0.0}},
		{3 * time.Second, []any{200, 1, true, 1.0}},
	} {
		*b.at = b.at.Add(step.advance)
		assert.Equal(t, step.want, seen())
	}
	require.Equal(t, 204, b.do("DELETE", "/drivers/"+id, nil).status)
	assert.Equal(t, []any{404, 0, false, 1.0}, seen())
	assert.Equal(t, 0.0, b.do("GET", "/drivers/byIntegration/"+b.integration("other", values("c")), nil).value, "it was not theirs")
	*b.at = b.at.Add(5 * time.Second)
	assert.Equal(t, []any{404, 0, false, 0.0}, seen())
	assert.Equal(t, 404, b.do("DELETE", "/drivers/"+id, nil).status)
}

func TestDriverQuirksAreChecked(t *testing.T) {
	b := newBench(t)
	for quirk, body := range map[string]string{
		platform.QuirkDriverAnswer: `{}`,
		platform.QuirkDriverCreate: `{"value":"bare"}`,
		platform.QuirkDriverPatch:  `{"value":"keepsPath"}`,
		platform.QuirkDriverTest:   `{"value":"200"}`,
	} {
		recorder := httptest.NewRecorder()
		b.cloud.ControlHandler().ServeHTTP(recorder, httptest.NewRequest("PUT", "/objects/ddoe.quirks/"+quirk, strings.NewReader(body)))
		assert.Equal(t, 400, recorder.Code, quirk)
		assert.Contains(t, platform.QuirkHelp(), quirk)
	}
	assert.NotRegexp(t, `(?m)^ +$`, platform.QuirkHelp(), "each quirk has a meaning")
}
