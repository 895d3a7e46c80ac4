package story

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/dataloop"
)

// offered is the seeded type for federation with Azure, as the organisation offers it: the one with a credential file.
func (s *sandbox) offered() map[string]any {
	s.t.Helper()
	all, _ := s.control(http.MethodGet, "/world", nil).at("ddoe.availableIntegrations").([]any)
	for _, o := range all {
		options, _ := at(o, "options").([]any)
		if slices.ContainsFunc(options, func(option any) bool {
			return at(option, "means") == dataloop.MeansCredentialFile
		}) {
			return o.(map[string]any)
		}
	}
	s.t.Fatal("the type is not offered")
	return nil
}

// offer puts a type into what the organisation offers.
func (s *sandbox) offer(kind map[string]any) {
	s.t.Helper()
	s.control(http.MethodPut, "/objects/ddoe.availableIntegrations/"+kind["type"].(string), kind)
}

// withOption is the type with one more required option, of a name that states nothing.
func withOption(kind map[string]any, name, displayName string) map[string]any {
	options, _ := kind["options"].([]any)
	kind["options"] = append(options, map[string]any{"name": name, "displayName": displayName, "type": "string",
		"required": true})
	return kind
}

// madeUp is a name that no code can know.
func madeUp() string { return "f" + strings.ToLower(rand.Text()[:10]) }

// optionMap is the setting DDOE_OPTION_MAP.
func optionMap(t *testing.T, sources map[string]string) string {
	t.Helper()
	raw, err := json.Marshal(sources)
	require.NoError(t, err)
	return "DDOE_OPTION_MAP=" + string(raw)
}

// TestPlatformWithoutTheType: the person gets the form; when the organisation offers the type, the next PUT takes
// over.
func TestPlatformWithoutTheType(t *testing.T) {
	t.Parallel()
	a := start(t)
	offered := a.offered()
	a.control(http.MethodDelete, "/objects/ddoe.availableIntegrations/"+offered["type"].(string), nil)
	document := a.put(a.wired())
	assert.Equal(t, "manual", document.at("status.ddoe.mode"), document.Raw)
	assert.Equal(t, map[string]any{"organizationId": document.at("spec.ddoe.organizationId"),
		"integrationName": document.at("spec.displayName"), "provider": "Azure",
		"integrationType": "Workload Identity Federation",
		"clientId":        document.at("status.clientId"), "tenantId": document.at("spec.tenantId"),
		"importFile": "azure_credentials.json"}, document.at("status.ddoe.form"))
	why, _ := document.at("status.ddoe.why").(string)
	for _, part := range []string{"azureblob (Azure Blob)",
		"gcp-workload-identity-federation (GCP Workload Identity Federation)", "DDOE_INTEGRATION_TYPE"} {
		assert.Contains(t, why, part)
	}
	assert.NotContains(t, why, offered["type"])
	next, _ := document.at("status.ddoe.next").(string)
	for _, part := range []string{"GET /api/integrations/my-images/credentials", "Create Storage Integration",
		"driver"} {
		assert.Contains(t, next, part)
	}
	assert.Equal(t, "ddoe-type-unknown", document.at("status.ddoe.diagnosis.code"))
	assert.Equal(t, [2]int{0, 0}, a.onPlatform())
	a.assertCredentialFile("my-images")

	a.offer(offered)
	document = a.put(a.wired())
	a.requireMade(document)
	assert.Equal(t, offered["type"], document.at("status.ddoe.integrationType"))
}

// TestPlatformByHandThenByTheAPI: a person makes the integration by the form. When the type is offered, the app
// neither takes it over nor makes a second one: it names it. A spec with its id has it used; the app adds the driver,
// and leaves the integration to the person in the end.
func TestPlatformByHandThenByTheAPI(t *testing.T) {
	t.Parallel()
	a := start(t)
	offered := a.offered()
	a.control(http.MethodDelete, "/objects/ddoe.availableIntegrations/"+offered["type"].(string), nil)
	form := a.put(a.wired()).at("status.ddoe.form")
	made := madeUp()
	a.control(http.MethodPut, "/objects/ddoe.integrations/"+made,
		map[string]any{"id": made, "name": at(form, "integrationName"),
			"type": offered["type"], "org": at(form, "organizationId"), "createdAt": time.Now().UnixMilli(),
			"options": a.filledIn(offered, form), "metadata": []any{}})
	a.offer(offered)
	document := a.put(a.wired())
	assert.Equal(t, "manual", document.at("status.ddoe.mode"), document.Raw)
	assert.Equal(t, "ddoe-api-usable", document.at("status.ddoe.diagnosis.code"), document.Raw)
	assert.Contains(t, document.at("status.ddoe.why"), made, "the person is told which one it is")
	assert.Equal(t, [2]int{1, 0}, a.onPlatform())

	theirs := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0")
	spec := a.wired()
	spec["ddoe"].(map[string]any)["integrationId"] = made
	delete(spec["ddoe"].(map[string]any), "integration")
	document = a.put(spec)
	a.requireMade(document)
	assert.Equal(t, made, document.at("status.ddoe.integrationId"), "the same one")
	a.requireOne()
	assert.Equal(t, true, a.requireUsable().at("status.ddoe.validated"))
	a.delete()
	assert.Equal(t, [2]int{1, 0}, a.onPlatform(), "what a person has made stays theirs")
	is := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0")
	for _, member := range []string{"id", "name", "type", "options"} {
		assert.Equal(t, at(theirs, member), at(is, member), "it was not changed")
	}
}

// filledIn are the options of a type as a person fills them in by the form.
func (a *app) filledIn(kind map[string]any, form any) map[string]any {
	a.t.Helper()
	file := a.call(http.MethodGet, "/integrations/my-images/credentials", nil)
	require.Equal(a.t, http.StatusOK, file.Status, file.Raw)
	values := map[string]any{dataloop.MeansClientID: at(form, "clientId"),
		dataloop.MeansTenantID:    at(form, "tenantId"),
		dataloop.MeansAccountName: "acmedata", dataloop.MeansCredentialFile: file.Raw}
	options := map[string]any{}
	all, _ := kind["options"].([]any)
	for _, option := range all {
		if means, _ := at(option, "means").(string); means != "" {
			options[at(option, "name").(string)] = values[means]
		}
	}
	return options
}

// delete takes the integration down.
func (a *app) delete() {
	a.t.Helper()
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	require.Less(a.t, deleted.Status, 300, deleted.Raw)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	require.Equal(a.t, "Succeeded", operation.at("status"), operation.Raw)
}

// requireMade checks that the platform's side was made by the API, and that nothing is left of the manual way.
func (a *app) requireMade(document answer) {
	a.t.Helper()
	assert.Equal(a.t, "api", document.at("status.ddoe.mode"), document.Raw)
	for _, member := range []string{"form", "why", "next", "diagnosis"} {
		assert.Nil(a.t, document.at("status.ddoe."+member), "%s: %s", member, document.Raw)
	}
	assert.Equal(a.t, [2]int{1, 1}, a.onPlatform())
}

// TestPlatformOptionWithoutMeaning: a required option that nobody knows is named; once the setting tells what it
// stands for, the app starts again, and the next PUT takes over.
func TestPlatformOptionWithoutMeaning(t *testing.T) {
	t.Parallel()
	a := start(t)
	name, container := madeUp(), madeUp()
	a.offer(withOption(withOption(a.offered(), name, "Trust phrase"), container, "Blob place"))
	document := a.put(a.wired())
	assert.Equal(t, "manual", document.at("status.ddoe.mode"), document.Raw)
	assert.Equal(t, "ddoe-option-unmapped", document.at("status.ddoe.diagnosis.code"), document.Raw)
	why, _ := document.at("status.ddoe.why").(string)
	for _, part := range []string{name + " (Trust phrase)", container + " (Blob place)"} {
		assert.Contains(t, why, part)
	}
	assert.Contains(t, document.at("status.ddoe.diagnosis.remedy.steps.0"), "DDOE_OPTION_MAP")
	assert.NotEmpty(t, document.at("status.ddoe.form.clientId"))
	assert.Equal(t, [2]int{0, 0}, a.onPlatform())

	phrase := "phrase-" + madeUp()
	a.planted = append(a.planted, phrase)
	require.NoError(t, a.Restart(t.Context(),
		optionMap(t, map[string]string{name: "=" + phrase, container: "container"})))
	document = a.put(a.wired())
	a.requireMade(document)
	options := a.control(http.MethodGet, "/world", nil).at("ddoe.integrations.0.options")
	assert.Equal(t, phrase, at(options, name))
	assert.Equal(t, "images", at(options, container))
	a.optionsAreUntold()
}

// TestPlatformOnPremises: an installation of one's own has another host and path; nothing is asked of the public one.
func TestPlatformOnPremises(t *testing.T) {
	t.Parallel()
	const base = "https://ddoe.acme.example/platform/v1"
	a := launch(t, stack.Options{Premises: base, Env: []string{"DDOE_API_URL=" + base + "/",
		"DDOE_SUBJECT_TOKEN_URL=" + base + "/subject-tokens"}})
	a.requireMade(a.put(a.wired()))
	document := a.requireUsable()
	assert.Equal(t, true, document.at("status.ddoe.validated"), document.Raw)
	tested := a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{})
	assert.Equal(t, "pass", tested.at("verdict"), tested.Raw)
	drift := a.call(http.MethodGet, "/integrations/my-images/drift", nil)
	assert.Equal(t, "pass", drift.at("verdict"), drift.Raw)
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	operation := a.wait(deleted.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, [2]int{0, 0}, a.onPlatform())

	asked := 0
	for _, r := range a.Cloud().Requests(0) {
		assert.NotContains(t, r.Host, "dataloop.ai", r.Path)
		if strings.HasPrefix(r.Host, "ddoe.acme.example") {
			assert.Regexp(t, "^/platform/v1/", r.Path)
			asked++
		}
	}
	assert.Greater(t, asked, 15, "the installation was asked instead")
}
