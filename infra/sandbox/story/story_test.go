package story

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const subject = "system:serviceaccount:dataloop:my-service"

// TestStoryOverHTTP is the main job as a portal drives it.
func TestStoryOverHTTP(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.control(http.MethodPut, "/objects/storageAccounts/acmedata", map[string]any{
		"name": "acmedata", "resourceId": a.account("acmedata"), "location": "westeurope",
		"containers": []any{map[string]any{"name": "images"}, map[string]any{"name": "models"}},
	})
	before := a.control(http.MethodGet, "/world", nil)

	created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images", "models"))
	require.Equal(t, http.StatusCreated, created.Status, created.Raw)
	assert.NotEmpty(t, created.Header.Get("ETag"))
	operation := a.wait(created.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, counts{applications: 1, servicePrincipals: 1, credentials: 1, assignments: 2}, a.made(before))

	a.assertCredentialFile("my-images")

	passed := a.call(http.MethodPost, "/integrations/my-images/access-tests",
		map[string]any{"subjectToken": a.token(subject)})
	require.Equal(t, http.StatusOK, passed.Status, passed.Raw)
	assert.Equal(t, "pass", passed.at("verdict"), passed.Raw)
	assert.Equal(t, "access", passed.at("claimLevel"))
	assert.Empty(t, passed.at("leftovers"))
	assert.Equal(t, []string{}, a.blobs("acmedata", "images"), "the probe leaves nothing")

	a.removeAssignments("images")
	failed := a.call(http.MethodPost, "/integrations/my-images/access-tests",
		map[string]any{"subjectToken": a.token(subject)})
	require.Equal(t, http.StatusOK, failed.Status, failed.Raw)
	assert.Equal(t, "fail", failed.at("verdict"), failed.Raw)
	assert.Equal(t, "AuthorizationPermissionMismatch", at(a.firstFailure(failed), "evidence.storageCode"), failed.Raw)
	assert.Equal(t, "role-missing", failed.at("diagnosis.code"), failed.Raw)
	assert.Equal(t, "caller", failed.at("diagnosis.remedy.who"))
	assert.Contains(t, failed.at("diagnosis.remedy.command"), "az role assignment create")

	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	require.Equal(t, http.StatusAccepted, deleted.Status, deleted.Raw)
	operation = a.wait(deleted.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, counts{deleted: 2}, a.made(before), "application and service principal are in the recycle bin")
	assert.Equal(t, propagated(before), propagated(a.control(http.MethodGet, "/world", nil)), "the world is as before")
	assert.Equal(t, http.StatusNotFound, a.call(http.MethodGet, "/integrations/my-images", nil).Status)
}

// propagated returns the arrays of the world that a teardown must leave as they were: all but the recycle bin and who
// owns what is in it, the app's own records, and what was said on the topic.
func propagated(world answer) map[string]any {
	kept := map[string]any{}
	for kind, objects := range world.JSON {
		switch kind {
		case "deletedItems", "owners", "events", "queues", "topics", "serviceBus", "certificateAuthority":
		case "storageAccounts":
			for _, account := range objects.([]any) {
				if at(account, "name") == "acmedata" || at(account, "name") == "acmelocked" {
					kept[at(account, "name").(string)] = account
				}
			}
		default:
			kept[kind] = objects
		}
	}
	return kept
}

// TestStoryBecomesUsable waits for the verification that the app schedules by itself, with a token that it asks for.
func TestStoryBecomesUsable(t *testing.T) {
	t.Parallel()
	a := start(t)
	created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, http.StatusCreated, created.Status, created.Raw)
	require.Eventually(t, func() bool {
		return a.call(http.MethodGet, "/integrations/my-images", nil).at("status.phase") == "usable"
	}, 40*time.Second, 500*time.Millisecond)
	require.EventuallyWithT(t, func(c *assert.CollectT) { // events follow what they tell of
		var types []string
		events, _ := a.control(http.MethodGet, "/world", nil).at("events").([]any)
		for _, e := range events {
			types = append(types, at(event(t, e), "type").(string))
		}
		assert.Equal(c, []string{"ai.ddoe.wif.integration.provisioned.v1", "ai.ddoe.wif.integration.usable.v1",
			"ai.ddoe.wif.health.changed.v1"}, types)
	}, 10*time.Second, 100*time.Millisecond)
}

// TestAQuarterOfAnHour: roles take 13 minutes, as Azure's may. The integration is provisioned meanwhile, and usable
// soon after.
func TestAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.control(http.MethodPut, "/timing", map[string]any{"rbacMs": (13 * time.Minute).Milliseconds()})
	created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, http.StatusCreated, created.Status, created.Raw)
	require.Equal(t, "Succeeded", a.wait(created.Header.Get("Operation-Location")).at("status"))
	test := a.call(http.MethodPost, "/integrations/my-images/access-tests", map[string]any{})
	assert.NotEqual(t, "pass", test.at("verdict"), test.Raw)
	require.Equal(t, "provisioned", a.call(http.MethodGet, "/integrations/my-images", nil).at("status.phase"))
	a.advance(13 * time.Minute)
	assert.Equal(t, "usable", a.poll("/integrations/my-images", "status.phase", 20*time.Second, "usable").at(
		"status.phase"))
}

// event returns the CloudEvent of a published message, whether the control API shows it as JSON or as text.
func event(t *testing.T, message any) any {
	t.Helper()
	body := at(message, "body")
	text, isText := body.(string)
	if !isText {
		return body
	}
	var e any
	require.NoError(t, json.Unmarshal([]byte(text), &e))
	return e
}

// TestUpdateConverges changes subjects and storage by the same PUT.
func TestUpdateConverges(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	first := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, "Succeeded", a.wait(first.Header.Get("Operation-Location")).at("status"))

	spec := a.spec("archive")
	spec["subjects"] = []string{"system:serviceaccount:dataloop:other", "system:serviceaccount:dataloop:third"}
	delete(spec, "serviceName")
	second := a.call(http.MethodPut, "/integrations/my-images", spec)
	require.Equal(t, http.StatusOK, second.Status, second.Raw)
	operation := a.wait(second.Header.Get("Operation-Location"))
	require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
	assert.Equal(t, counts{applications: 1, servicePrincipals: 1, credentials: 2, assignments: 1}, a.made(before))
}

// TestDeleteAndCreateAgain brings back the same client id: the soft-deleted application is restored, since its
// uniqueName stays reserved.
func TestDeleteAndCreateAgain(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	put := func() string {
		created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
		require.Equal(t, http.StatusCreated, created.Status, created.Raw)
		operation := a.wait(created.Header.Get("Operation-Location"))
		require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
		return a.call(http.MethodGet, "/integrations/my-images", nil).at("status.clientId").(string)
	}
	first := put()
	deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
	require.Equal(t, "Succeeded", a.wait(deleted.Header.Get("Operation-Location")).at("status"))
	assert.Equal(t, first, put())
	assert.Equal(t, counts{applications: 1, servicePrincipals: 1, credentials: 1, assignments: 1}, a.made(before))

	purged := a.call(http.MethodDelete, "/integrations/my-images?purge=true", nil)
	require.Equal(t, "Succeeded", a.wait(purged.Header.Get("Operation-Location")).at("status"))
	assert.Equal(t, counts{}, a.made(before), "purge leaves nothing in the recycle bin")
	assert.NotEqual(t, first, put())
}

// TestDryRunTouchesNothing plans and does nothing.
func TestDryRunTouchesNothing(t *testing.T) {
	t.Parallel()
	a := start(t)
	before := a.control(http.MethodGet, "/world", nil)
	plan := a.call(http.MethodPut, "/integrations/my-images?dryRun=true", a.spec("images"))
	require.Equal(t, http.StatusOK, plan.Status, plan.Raw)
	assert.NotEmpty(t, plan.at("steps"))
	assert.Equal(t, counts{}, a.made(before))
	assert.Equal(t, http.StatusNotFound, a.call(http.MethodGet, "/integrations/my-images", nil).Status)
}

// assertCredentialFile checks that the file has exactly the seed's five members, with the right values.
func (a *app) assertCredentialFile(id string) {
	a.t.Helper()
	document := a.call(http.MethodGet, "/integrations/"+id, nil)
	file := a.call(http.MethodGet, "/integrations/"+id+"/credentials", nil)
	require.Equal(a.t, http.StatusOK, file.Status, file.Raw)
	assert.Contains(a.t, file.Header.Get("Content-Disposition"), `filename="azure_credentials.json"`)
	assert.Equal(a.t, map[string]any{
		"clientId": document.at("status.clientId"), "tenantId": document.at("spec.tenantId"),
		"federatedTokenIssuer": "https://dataloop.ai/oauth2", "subject": subject,
		"audience": "api://AzureADTokenExchange",
	}, file.JSON)
}

func (a *app) firstFailure(report answer) any {
	a.t.Helper()
	checks, _ := report.at("checks").([]any)
	for _, c := range checks {
		if at(c, "status") == "fail" {
			return c
		}
	}
	a.t.Fatalf("no check failed: %s", report.Raw)
	return nil
}
