package platform_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func TestQuirkDuplicates(t *testing.T) {
	for name, tc := range map[string]struct {
		quirk  string
		status int
		says   string
	}{
		"allowed": {"", 200, ""},
		"400":     {platform.QuirkDuplicate400, 400, "already exist"},
		"409":     {platform.QuirkDuplicate409, 409, "Conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if tc.quirk != "" {
				b.quirk(tc.quirk, `{}`)
			}
			b.integration("wif", values("c"))
			again := b.do("POST", ofOrg+"/integrations", b.request("wif", values("c")))
			assert.Equal(t, tc.status, again.status)
			assert.Contains(t, again.text("message"), tc.says)
			second := b.integration("other", values("c"))
			renamed := b.do("PATCH", ofOrg+"/integrations", map[string]any{"integrationId": second, "name": "wif"})
			assert.Equal(t, tc.status, renamed.status, "a new name counts, too")
			kept := b.do("PATCH", ofOrg+"/integrations", map[string]any{"integrationId": second, "name": b.do("GET", "/integrations/"+second, nil).text("name")})
			assert.Equal(t, 200, kept.status, "its own name is no duplicate")
		})
	}
}

func TestQuirkReferencesAndDates(t *testing.T) {
	for name, tc := range map[string]struct {
		references, dates                  string
		listed, alone, integration, driver any // examples of the types that are expected
	}{
		"none":             {"", "", "", map[string]any{}, 0.0, ""},
		"strings":          {"string", "string", "", "", "", ""},
		"objects, numbers": {"object", "number", map[string]any{}, map[string]any{}, 0.0, 0.0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if tc.references != "" {
				b.quirk(platform.QuirkReferences, `{"value":"`+tc.references+`"}`)
				b.quirk(platform.QuirkDates, `{"value":"`+tc.dates+`"}`)
			}
			id := b.integration("wif", values("c"))
			list, alone := b.do("GET", ofOrg+"/integrations", nil), b.do("GET", "/integrations/"+id, nil)
			for _, member := range []string{"org", "creator"} {
				assert.IsType(t, tc.listed, list.at(0, member), member)
				assert.IsType(t, tc.alone, alone.at(member), member)
			}
			assert.IsType(t, tc.integration, alone.at("createdAt"))
			assert.IsType(t, tc.integration, alone.at("metadata", 0, "updatedAt"))
			assert.IsType(t, tc.driver, b.do("GET", "/drivers/"+b.driver(id), nil).at("createdAt"))
			command, _ := b.validate(id)
			assert.IsType(t, tc.integration, command.at("createdAt"))
			membership := b.do("GET", "/users/orgs", nil)
			assert.IsType(t, tc.listed, membership.at(0, "org"))
			assert.IsType(t, tc.listed, membership.at(0, "member"))
		})
	}
}

func TestQuirkErrors(t *testing.T) {
	for value, tc := range map[string]struct{ contentType, body string }{
		"":        {"application/json", `{"message":"Integration not found","status":404}`},
		"message": {"application/json", `{"message":"Integration not found"}`},
		"text":    {"text/plain", "Integration not found"},
		"html":    {"text/html", "<!doctype html>"},
	} {
		t.Run("as "+value, func(t *testing.T) {
			b := newBench(t)
			if value != "" {
				b.quirk(platform.QuirkErrors, `{"value":"`+value+`"}`)
			}
			got := b.do("GET", "/integrations/x", nil)
			assert.Equal(t, 404, got.status)
			assert.Contains(t, got.header.Get("Content-Type"), tc.contentType)
			assert.True(t, strings.HasPrefix(got.raw, tc.body), got.raw)
		})
	}
}

func TestQuirkValidation(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values(b.identity().app.AppID))
	b.driver(integration)
	got, polls := b.validate(integration)
	assert.Equal(t, []any{"success", 1}, []any{got.text("status"), polls})

	b.quirk(platform.QuirkValidation, `{"polls":3}`)
	got, polls = b.validate(integration)
	assert.Equal(t, []any{"success", 4}, []any{got.text("status"), polls})

	b.quirk(platform.QuirkValidation, `{"ms":5000}`)
	command := b.do("POST", "/drivers/validateDrivers", map[string]any{"integrationId": integration}).text("id")
	for _, step := range []struct {
		status  string
		advance time.Duration
	}{{"in-progress", 4999 * time.Millisecond}, {"in-progress", time.Millisecond}, {"success", 0}, {"success", 0}} {
		got := b.do("GET", "/commands/"+command, nil)
		assert.Equal(t, step.status, got.text("status"))
		progress, _ := got.at("progress").(float64)
		assert.Equal(t, step.status == "success", progress == 100)
		*b.at = b.at.Add(step.advance)
	}

	for _, status := range []string{"failed", "timeout", "canceled"} {
		b.quirk(platform.QuirkValidation, `{"status":"`+status+`","error":"because"}`)
		got, _ = b.validate(integration)
		assert.Equal(t, []any{status, "because"}, []any{got.text("status"), got.text("error")})
	}

	b.quirk(platform.QuirkValidation, `{"polls":1000000}`)
	command = b.do("POST", "/drivers/validateDrivers", map[string]any{"integrationId": integration}).text("id")
	assert.Equal(t, "in-progress", b.do("GET", "/commands/"+command, nil).text("status"))
	assert.Equal(t, "aborted", b.do("POST", "/commands/"+command+"/abort", nil).text("status"))
	assert.Equal(t, "aborted", b.do("GET", "/commands/"+command, nil).text("status"))
	assert.Equal(t, 404, b.do("POST", "/commands/x/abort", nil).status)
	assert.Equal(t, 404, b.do("POST", "/drivers/validateDrivers", map[string]any{"integrationId": "x"}).status)

	b.quirk(platform.QuirkValidation, `{}`)
	command = b.do("POST", "/drivers/validateDrivers", map[string]any{"integrationId": integration}).text("id")
	require.Equal(t, 200, b.do("DELETE", ofOrg+"/integrations/"+integration, nil).status)
	assert.Equal(t, "failed", b.do("GET", "/commands/"+command, nil).text("status"), "the integration went meanwhile")
}

func TestQuirkRefuseDeleteInUse(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values("c"))
	driver := b.driver(integration)
	b.quirk(platform.QuirkRefuseDeleteInUse, `{}`)
	assert.Equal(t, 400, b.do("DELETE", ofOrg+"/integrations/"+integration, nil).status)
	require.Equal(t, 204, b.do("DELETE", "/drivers/"+driver, nil).status)
	assert.Equal(t, 200, b.do("DELETE", ofOrg+"/integrations/"+integration, nil).status)
}

// TestQuirkListLag: a new integration is there before the list shows it.
func TestQuirkListLag(t *testing.T) {
	b := newBench(t)
	b.quirk(platform.QuirkListLag, `{"ms":5000}`)
	b.quirk(platform.QuirkDuplicate409, `{}`)
	id := b.integration("wif", values("c"))
	assert.Equal(t, []any{}, b.do("GET", ofOrg+"/integrations", nil).value)
	assert.Equal(t, 200, b.do("GET", ofOrg+"/integrations/"+id, nil).status)
	assert.Equal(t, 409, b.do("POST", ofOrg+"/integrations", b.request("wif", values("c"))).status)
	*b.at = b.at.Add(4999 * time.Millisecond)
	assert.Equal(t, []any{}, b.do("GET", ofOrg+"/integrations", nil).value)
	*b.at = b.at.Add(time.Millisecond)
	assert.Equal(t, id, b.do("GET", ofOrg+"/integrations", nil).text(0, "id"))
}

// TestQuirkCommandLag: a command is there before it is found, and its work waits for that.
func TestQuirkCommandLag(t *testing.T) {
	b := newBench(t)
	integration := b.integration("wif", values(b.identity().app.AppID))
	b.quirk(platform.QuirkCommandLag, `{"ms":2000}`)
	command := b.do("POST", "/drivers/validateDrivers", map[string]any{"integrationId": integration}).text("id")
	assert.Equal(t, 404, b.do("GET", "/commands/"+command, nil).status)
	*b.at = b.at.Add(2 * time.Second)
	assert.Equal(t, "success", b.do("GET", "/commands/"+command, nil).text("status"))
	assert.Equal(t, 404, b.do("GET", "/commands/x", nil).status)
}

func TestQuirkIntegrationPatch(t *testing.T) {
	for value, changed := range map[string][]any{ // name, metadata, type
		"":              {true, true, true},
		"keepsName":     {false, true, true},
		"keepsMetadata": {true, false, true},
		"keepsType":     {true, true, false},
		"mindsOwnName":  {true, true, true},
	} {
		t.Run("as "+value, func(t *testing.T) {
			b := newBench(t)
			id := b.integration("wif", values("c"))
			require.NoError(t, b.world.PutDDOEObject(world.DDOEAvailableIntegrations, world.Object{"type": "second", "options": []any{}}))
			if value != "" {
				b.quirk(platform.QuirkIntegrationPatch, `{"value":"`+value+`"}`)
			}
			assert.Equal(t, 200, b.do("PATCH", ofOrg+"/integrations", map[string]any{"integrationId": id, "name": "other",
				"credentials": map[string]any{"type": "second", "options": map[string]any{}},
				"metadata":    []any{map[string]any{"name": "managed-by", "value": "you/2"}}}).status)
			is := b.do("GET", "/integrations/"+id, nil)
			assert.Equal(t, changed, []any{is.text("name") == "other", b.metadata(id, "managed-by") == "you/2", is.text("type") == "second"})
			own := map[string]any{"integrationId": id, "name": is.text("name")}
			assert.Equal(t, 200, b.do("PATCH", ofOrg+"/integrations", own).status)
			b.quirk(platform.QuirkDuplicate409, `{}`)
			assert.Equal(t, value == "mindsOwnName", b.do("PATCH", ofOrg+"/integrations", own).status == 409)
		})
	}
	// Where the type stays, so do the options that are sent with another; those of its own are taken.
	b := newBench(t)
	id := b.integration("wif", values("c"))
	b.quirk(platform.QuirkIntegrationPatch, `{"value":"keepsType"}`)
	request := b.request("wif", values("d"))
	update := map[string]any{"integrationId": id, "credentials": map[string]any{"type": request["type"], "options": request["options"]}}
	require.Equal(t, 200, b.do("PATCH", ofOrg+"/integrations", update).status)
	o, _ := b.world.DDOEObject(world.DDOEIntegrations, id)
	assert.Equal(t, request["options"], o["options"])
}

func TestQuirkUnknownPath(t *testing.T) {
	b := newBench(t)
	page := b.do("GET", "/integrations", nil)
	assert.Equal(t, []any{200, "text/html; charset=utf-8"}, []any{page.status, page.header.Get("Content-Type")})
	b.quirk(platform.QuirkUnknownPath, `{"value":"notFound"}`)
	for _, path := range []string{"/integrations", "/nowhere"} {
		got := b.do("GET", path, nil)
		assert.Equal(t, []any{404, "Not found", 404.0}, []any{got.status, got.text("message"), got.at("status")})
	}
	assert.Equal(t, 200, b.do("GET", "/users/me", nil).status)
}

func TestQuirkIntegrationDelete(t *testing.T) {
	for value, tc := range map[string]struct {
		status int
		answer func(id string, got reply) bool
	}{
		"":        {200, func(_ string, got reply) bool { left, ok := got.value.([]any); return ok && len(left) == 1 }},
		"object":  {200, func(id string, got reply) bool { return got.text("id") == id }},
		"nothing": {204, func(_ string, got reply) bool { return got.raw == "" }},
	} {
		t.Run("as "+value, func(t *testing.T) {
			b := newBench(t)
			id := b.integration("wif", values("c"))
			b.integration("other", values("c"))
			if value != "" {
				b.quirk(platform.QuirkIntegrationDelete, `{"value":"`+value+`"}`)
			}
			got := b.do("DELETE", ofOrg+"/integrations/"+id, nil)
			assert.Equal(t, tc.status, got.status)
			assert.True(t, tc.answer(id, got), got.raw)
			assert.Equal(t, 404, b.do("GET", "/integrations/"+id, nil).status)
		})
	}
}

func TestQuirkPatchReplaces(t *testing.T) {
	b := newBench(t)
	kind, names := b.federation()
	integration := b.integration("wif", values("c"))
	b.quirk(platform.QuirkPatchReplaces, `{}`)
	partial := map[string]any{"integrationId": integration, "credentials": map[string]any{"type": kind, "options": map[string]any{names["Client ID"]: "d"}}}
	assert.Equal(t, 400, b.do("PATCH", ofOrg+"/integrations", partial).status, "what is not sent is missing")
	whole, _ := b.request("wif", values("d"))["options"].(map[string]any)
	partial["credentials"] = map[string]any{"type": kind, "options": whole}
	assert.Equal(t, 200, b.do("PATCH", ofOrg+"/integrations", partial).status)
}

// TestQuirksAreSwitches: on by PUT, off by DELETE and by a reset; what is no quirk is refused and not forgotten.
func TestQuirksAreSwitches(t *testing.T) {
	b := newBench(t)
	status := func() int { return b.do("POST", ofOrg+"/integrations", b.request("wif", values("c"))).status }
	require.Equal(t, 200, status())
	b.quirk(platform.QuirkDuplicate409, `{}`)
	require.Equal(t, 409, status())
	b.control("DELETE", "/objects/ddoe.quirks/"+platform.QuirkDuplicate409, "")
	require.Equal(t, 200, status())
	b.quirk(platform.QuirkDuplicate409, `{}`)
	b.control("POST", "/reset", "")
	assert.Empty(t, b.world.DDOEObjects(world.DDOEQuirks))
	require.Equal(t, 200, status(), "the key is good after a reset")

	for name, tc := range map[string]struct{ quirk, body string }{
		"unknown":            {"nonsense", `{}`},
		"value where none":   {platform.QuirkDuplicate400, `{"value":"x"}`},
		"value missing":      {platform.QuirkErrors, `{}`},
		"value unknown":      {platform.QuirkErrors, `{"value":"xml"}`},
		"any value, but one": {platform.QuirkSubject, `{}`},
		"polls elsewhere":    {platform.QuirkRole401, `{"polls":1}`},
		"ms elsewhere":       {platform.QuirkRole401, `{"ms":1}`},
		"status elsewhere":   {platform.QuirkListLag, `{"ms":1,"status":"failed"}`},
		"error elsewhere":    {platform.QuirkSubject, `{"value":"x","error":"y"}`},
		"value of a lag":     {platform.QuirkCommandLag, `{"ms":1,"value":"x"}`},
		"a lag without time": {platform.QuirkListLag, `{}`},
		"a lag back in time": {platform.QuirkDriverCountLag, `{"ms":-1}`},
		"answer unknown":     {platform.QuirkIntegrationDelete, `{"value":"array"}`},
		"path unknown":       {platform.QuirkUnknownPath, `{"value":"405"}`},
		"update unknown":     {platform.QuirkIntegrationPatch, `{"value":"keepsOptions"}`},
		"negative":           {platform.QuirkValidation, `{"polls":-1}`},
		"unknown member":     {platform.QuirkValidation, `{"poll":1}`},
		"no object":          {platform.QuirkValidation, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			b.cloud.ControlHandler().ServeHTTP(recorder, httptest.NewRequest("PUT", "/objects/ddoe.quirks/"+tc.quirk, strings.NewReader(tc.body)))
			assert.Equal(t, 400, recorder.Code, recorder.Body.String())
		})
	}
	help := b.control("GET", "/", "").Body.String()
	for _, line := range []string{platform.QuirkDuplicate400 + "       {}", platform.QuirkSubject + `            {"value"}`, platform.QuirkDriverListLag + `      {"ms"}`,
		platform.QuirkDriverCountLag + `     {"ms"}`, platform.QuirkCommandLag + `         {"ms"}`,
		platform.QuirkIntegrationPatch + `   {"value": "keepsName" or "keepsMetadata" or "keepsType" or "mindsOwnName"}`,
		platform.QuirkUnknownPath + `        {"value": "notFound"}`, platform.QuirkIntegrationDelete + `  {"value": "object" or "nothing"}`,
		platform.QuirkValidation + `         {"polls", "ms", "status", "error"}`, world.UserEmail} {
		assert.Contains(t, help, line)
	}
}

// TestFaultsInThePlatformsWords: what faults can do needs no quirk.
func TestFaultsInThePlatformsWords(t *testing.T) {
	b := newBench(t)
	b.control("PUT", "/faults", `[
		{"match":{"host":"^gate","method":"GET","path":"/integrations$"},"status":429,"headers":{"Retry-After":"7"}},
		{"match":{"host":"^gate","path":"/users/me"},"status":200,"body":"<html></html>","headers":{"Content-Type":"text/html"}},
		{"match":{"host":"^gate","path":"/drivers/test"},"status":502,"body":"Bad gateway"}]`)
	limited := b.do("GET", ofOrg+"/integrations", nil)
	assert.Equal(t, []any{429, "7", 429.0, "Too Many Requests."}, []any{limited.status, limited.header.Get("Retry-After"), limited.at("status"), limited.at("message")})
	assert.Equal(t, 200, b.do("GET", ofOrg+"/integrations", nil).status)
	page := b.do("GET", "/users/me", nil)
	assert.Equal(t, []any{200, "text/html", nil}, []any{page.status, page.header.Get("Content-Type"), page.value})
	assert.Equal(t, "Bad gateway", b.do("POST", "/drivers/test", nil).raw)
}
