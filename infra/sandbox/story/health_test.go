package story

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fire starts a timer or queue function by the host's own door. It runs in the background.
func (a *app) fire(function string, input []byte) {
	a.t.Helper()
	fire(a.t, strings.TrimSuffix(a.APIURL(), "/api"), function, input)
}

func fire(t *testing.T, host, function string, input []byte) {
	t.Helper()
	got := send(t, http.MethodPost, host+"/admin/functions/"+function, map[string]any{"input": string(input)})
	require.Equal(t, http.StatusAccepted, got.Status, got.Raw)
}

// health waits until the last check's report is another one than before.
func (a *app) health(before answer) answer {
	a.t.Helper()
	var got answer
	require.Eventually(a.t, func() bool {
		got = a.call(http.MethodGet, "/integrations/my-images/health", nil)
		return got.at("lastReport.id") != nil && got.at("lastReport.id") != before.at("lastReport.id")
	}, 30*time.Second, 50*time.Millisecond)
	return got
}

// look lets the integration be checked once, now, and returns its health.
func (a *app) look(before answer) answer {
	a.t.Helper()
	a.fire("checkhealth", healthcheck(a.t, map[string]any{"integrationId": "my-images"}))
	return a.health(before)
}

func healthcheck(t *testing.T, data map[string]any) []byte {
	t.Helper()
	return cloudEvent(t, "ai.ddoe.wif.healthcheck.v1", data)
}

// changes are the published changes of health, as "from→to".
func (s *sandbox) changes() []string {
	s.t.Helper()
	changes := []string{}
	events, _ := s.control(http.MethodGet, "/world", nil).at("events").([]any)
	for _, e := range events {
		body := event(s.t, e)
		if at(body, "type") == "ai.ddoe.wif.health.changed.v1" {
			assert.Equal(s.t, "my-images", at(body, "data.integrationId"))
			changes = append(changes, at(body, "data.from").(string)+"→"+at(body, "data.to").(string))
		}
	}
	return changes
}

// eventTypes are the types of the published events, without what all have in common.
func (s *sandbox) eventTypes() []string {
	s.t.Helper()
	var types []string
	events, _ := s.control(http.MethodGet, "/world", nil).at("events").([]any)
	for _, e := range events {
		kind, _ := at(event(s.t, e), "type").(string)
		types = append(types, strings.TrimSuffix(strings.TrimPrefix(kind, "ai.ddoe.wif."), ".v1"))
	}
	return types
}

// TestHealthFollowsTheWorld: a role assignment that goes away takes back, at the second look, that an integration is
// healthy: so soon after the PUT that may pass. Its return makes it healthy; each change is told once.
func TestHealthFollowsTheWorld(t *testing.T) {
	t.Parallel()
	a := start(t)
	created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
	require.Equal(t, "Succeeded", a.wait(created.Header.Get("Operation-Location")).at("status"))
	early := a.call(http.MethodGet, "/integrations/my-images/health", nil)
	assert.Equal(t, "unknown", early.at("state"), early.Raw)
	assert.NotEmpty(t, early.at("nextDue"), "what is provisioned is planned")

	healthy := a.look(early)
	assert.Equal(t, "healthy", healthy.at("state"), healthy.Raw)
	assert.Equal(t, "access", healthy.at("claimLevel"))
	assert.Equal(t, healthy.at("lastRun"), healthy.at("lastPass"))
	assert.Equal(t, []string{}, a.blobs("acmedata", "images"), "a check writes nothing")

	assignments, _ := a.control(http.MethodGet, "/world", nil).at("roleAssignments").([]any)
	a.removeAssignments("images")
	slot := time.Now().UTC().Format(time.RFC3339Nano)
	a.fire("checkhealth", healthcheck(t, map[string]any{"integrationId": "my-images", "slot": slot}))
	suspected := a.health(healthy)
	assert.Equal(t, "fail", suspected.at("lastReport.verdict"), suspected.Raw)
	assert.Equal(t, "healthy", suspected.at("state"), "one look decides nothing")
	require.Eventually(t, func() bool { return a.scheduled("wif-health") == float64(1) }, 10*time.Second,
		50*time.Millisecond, "the second look is planned")

	confirm := healthcheck(t, map[string]any{"integrationId": "my-images", "slot": slot, "confirm": true})
	a.fire("checkhealth", confirm)
	doubted := a.health(suspected)
	assert.Equal(t, "unknown", doubted.at("state"), doubted.Raw)
	assert.Equal(t, "role-missing", doubted.at("history.0.code"))
	require.Eventually(t, func() bool {
		return a.call(http.MethodGet, "/integrations/my-images", nil).at("status.health.state") == "unknown"
	}, 10*time.Second, 50*time.Millisecond)
	listed := a.call(http.MethodGet, "/integrations?health=unknown", nil)
	assert.Equal(t, "my-images", listed.at("value.0.id"), listed.Raw)

	a.fire("checkhealth", confirm)
	a.fire("checkhealth", healthcheck(t, map[string]any{"integrationId": "my-images", "slot": slot}))
	for _, r := range assignments {
		if strings.HasSuffix(at(r, "scope").(string), "/containers/images") {
			a.control(http.MethodPut, "/objects/roleAssignments/"+at(r, "name").(string), r)
		}
	}
	recovered := a.look(doubted)
	assert.Equal(t, "healthy", recovered.at("state"), recovered.Raw)
	require.Eventually(t, func() bool { return len(a.changes()) >= 3 }, 10*time.Second, 50*time.Millisecond)
	assert.Equal(t, []string{"unknown→healthy", "healthy→unknown", "unknown→healthy"}, a.changes())
}

// swept reports whether the handler's log tells of a sweep that succeeded.
func swept(log string) bool {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"function":"sweep"`) && strings.Contains(line, `"outcome":"succeeded"`) {
			return true
		}
	}
	return false
}

// TestTheStorageAccountIsGone: who asks is told at once, whichever way, though nothing answers in the account's place.
// The teardown ends and leaves nothing: Azure deletes role assignments with the account that they are at.
func TestTheStorageAccountIsGone(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]struct{ method, path, told string }{
		"a health check": {http.MethodPost, "/health-checks", "diagnosis.code"},
		"an access test": {http.MethodPost, "/access-tests", "diagnosis.code"},
		"drift":          {http.MethodGet, "/drift", "diagnosis.code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.put(a.spec("images"))
			a.requireUsable()
			a.control(http.MethodDelete, "/objects/storageAccounts/acmedata", nil)
			got := a.call(look.method, "/integrations/my-images"+look.path, nil)
			assert.Equal(t, "storage-account-not-found", got.at(look.told), got.Raw)
			assert.Nil(t, got.at("also"), got.Raw)
			assert.Equal(t, "storage-admin", got.at("diagnosis.remedy.who"), "it was there: the spec is right")
			require.Eventually(t, func() bool {
				return a.call(http.MethodGet, "/integrations/my-images/health", nil).at("state") == "unhealthy"
			}, 10*time.Second, 50*time.Millisecond)

			deleted := a.call(http.MethodDelete, "/integrations/my-images", nil)
			ended := a.wait(deleted.Header.Get("Operation-Location"))
			assert.Equal(t, "Succeeded", ended.at("status"), ended.Raw)
			assert.NotContains(t, fmt.Sprint(ended.at("result.left")), "role", ended.Raw)
		})
	}
}

// TestAStorageAccountThatNeverWas is the caller's to correct, while it is being made and afterwards.
func TestAStorageAccountThatNeverWas(t *testing.T) {
	t.Parallel()
	a := start(t)
	spec := a.spec("images")
	spec["storage"].([]any)[0].(map[string]any)["resourceId"] = a.account("acmedata") + "x"
	put := a.call(http.MethodPut, "/integrations/my-images", spec)
	operation := a.wait(put.Header.Get("Operation-Location"))
	for where, told := range map[string]answer{"error": operation,
		"diagnosis": a.call(http.MethodGet, "/integrations/my-images/drift", nil)} {
		assert.Equal(t, "storage-account-not-found", told.at(where+".code"), told.Raw)
		assert.Equal(t, "caller", told.at(where+".remedy.who"), told.Raw)
	}
}

// TestTheSweepAsksForWhatIsDue by the timer's own door. The check that it asks for is made by the queue's trigger, at
// its time, which may be a quarter of an hour away.
func TestTheSweepAsksForWhatIsDue(t *testing.T) {
	t.Parallel()
	a := start(t)
	spec := a.spec("images")
	spec["healthCheck"] = map[string]any{"interval": "15m"}
	created := a.call(http.MethodPut, "/integrations/my-images", spec)
	require.Equal(t, "Succeeded", a.wait(created.Header.Get("Operation-Location")).at("status"))
	due, err := time.Parse(time.RFC3339, a.call(http.MethodGet, "/integrations/my-images/health", nil).at(
		"nextDue").(string))
	require.NoError(t, err)
	assert.Less(t, time.Until(due), 15*time.Minute)

	lines := strings.Count(a.log.String(), `"function":"sweep"`)
	a.fire("sweep", nil)
	require.Eventually(t, func() bool { return strings.Count(a.log.String(), `"function":"sweep"`) > lines },
		20*time.Second, 50*time.Millisecond)
	assert.True(t, swept(a.log.String()), "it did not succeed")
	if time.Until(due) > 6*time.Minute {
		assert.Equal(t, float64(0), a.scheduled("wif-health"), "what is due later is left to a later sweep")
	}
}

// TestAHealthCheckThatCanNeverSucceed becomes a failed operation with its reason.
func TestAHealthCheckThatCanNeverSucceed(t *testing.T) {
	t.Parallel()
	a := start(t)
	body := healthcheck(t, map[string]any{"integrationId": "Not_An_Id", "slot": "2026-01-02T03:04:05Z"})
	var sent struct{ ID string }
	require.NoError(t, json.Unmarshal(body, &sent))
	a.control(http.MethodPost, "/queues/wif-health/messages", map[string]any{"body": string(body),
		"messageId": sent.ID})
	operation := a.operation(sent.ID)
	assert.Equal(t, "Failed", operation.at("status"), operation.Raw)
	assert.Equal(t, "invalid-id", operation.at("error.code"))
}

// TestRealHostFiresTheTimer: the schedule is one that the real host takes, and its invocation is one that the handler
// understands. Nothing is due there: this host provisions nothing, for want of Service Bus triggers.
func TestRealHostFiresTheTimer(t *testing.T) {
	t.Parallel()
	api, log := runRealHost(t)
	host := strings.TrimSuffix(api, "/api")
	require.Eventually(t, func() bool {
		response, err := http.Get(api + "/healthz")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	}, 90*time.Second, 250*time.Millisecond, "the real host never answered")
	fire(t, host, "sweep", nil)
	require.Eventually(t, func() bool { return swept(log.String()) }, 30*time.Second, 100*time.Millisecond,
		"the handler never told of a sweep")
	require.Eventually(t, func() bool {
		return strings.Contains(log.String(), "Executed 'Functions.sweep' (Succeeded")
	}, 10*time.Second, 50*time.Millisecond,
		"the host did not understand the handler's answer")
}
