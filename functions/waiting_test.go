package functions

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// directory has Graph answer everything so.
func (a *app) directory(status int, code string) {
	a.net["graph.microsoft.com"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("request-id", "graph-request")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"error":{"code":"` + code + `","message":"no"}}`))
	})
}

// due makes every scheduled message due and delivers it.
func (a *app) due() {
	a.t.Helper()
	a.queue.mu.Lock()
	for i := range a.queue.sent {
		a.queue.sent[i].EnqueueAt = time.Time{}
	}
	a.queue.mu.Unlock()
	a.deliver()
}

// refusals are what is refused of an integration of which nothing has been made yet.
func (a *app) refusals() map[string]answer {
	a.t.Helper()
	return map[string]answer{
		"credentials":       a.call("GET", "/integrations/my-images/credentials", ""),
		"drift":             a.call("GET", "/integrations/my-images/drift", ""),
		"access test":       a.call("POST", "/integrations/my-images/access-tests", `{}`),
		"access test later": a.call("POST", "/integrations/my-images/access-tests", `{}`, "Prefer", "respond-async"),
	}
}

// TestAPollerIsToldWhyItWaits: what cannot be made now shows in the operation, in the integration and in every
// refusal.
func TestAPollerIsToldWhyItWaits(t *testing.T) {
	a := newApp(t, nil)
	healthy := a.net["graph.microsoft.com"]
	a.directory(http.StatusNotImplemented, "notImplemented")
	created := a.call("PUT", "/integrations/my-images", good)
	require.Equal(t, 201, created.StatusCode, created.raw)
	path := strings.TrimPrefix(created.Header.Get("Operation-Location"), "/api")
	a.deliver()
	op := a.call("GET", path, "")
	assert.Equal(t, "Running", op.at("status"))
	assert.Equal(t, "graph-unavailable", op.at("waiting", "code"), op.raw)
	assert.NotEmpty(t, op.at("waiting", "title"))
	assert.NotEmpty(t, op.at("waiting", "detail"))
	assert.NotEmpty(t, op.at("waiting", "remedy", "steps"))
	assert.Equal(t, "graph-request", op.at("waiting", "evidence", "requestId"))
	assert.InDelta(t, 1, op.at("waiting", "attempt"), 0)
	assert.NotEmpty(t, op.at("waiting", "nextAttemptAt"))
	step := op.at("steps").([]any)[0].(map[string]any)
	assert.Equal(t, "application failed graph-unavailable",
		strings.Join([]string{step["name"].(string), step["status"].(string), step["code"].(string)}, " "))
	pause, err := strconv.Atoi(op.Header.Get("Retry-After"))
	require.NoError(t, err)
	assert.InDelta(t, 8, pause, 2, "the first pause is 10 seconds, and it runs")

	var conditions []string
	for _, one := range a.call("GET", "/integrations/my-images", "").at("status", "conditions").([]any) {
		c := one.(map[string]any)
		conditions = append(conditions, strings.Join([]string{c["type"].(string), c["status"].(string),
			c["reason"].(string)}, " "))
	}
	assert.Equal(t, []string{"Ready Unknown graph-unavailable", "Provisioned Unknown graph-unavailable"}, conditions)
	for name, got := range a.refusals() {
		assert.Equal(t, 409, got.StatusCode, name)
		assert.Equal(t, "not-provisioned", got.at("code"), name)
		assert.Contains(t, got.at("detail"), "graph-unavailable", name)
		assert.Equal(t, []any{"Wait until the operation has succeeded, then ask again."},
			got.at("remedy", "steps"), name)
	}

	a.net["graph.microsoft.com"] = healthy
	a.due()
	op = a.call("GET", path, "")
	assert.Equal(t, "Succeeded", op.at("status"), op.raw)
	assert.Nil(t, op.at("waiting"))
}

// TestWhatIsNotProvisionedTellsWhatItFailedWith: waiting for an operation that has failed would be in vain.
func TestWhatIsNotProvisionedTellsWhatItFailedWith(t *testing.T) {
	a := newApp(t, nil)
	a.directory(http.StatusForbidden, "Authorization_RequestDenied")
	created := a.call("PUT", "/integrations/my-images", good)
	a.deliver()
	op := a.call("GET", strings.TrimPrefix(created.Header.Get("Operation-Location"), "/api"), "")
	require.Equal(t, "Failed", op.at("status"), op.raw)
	assert.Empty(t, op.Header.Get("Retry-After"))
	for name, got := range a.refusals() {
		assert.Equal(t, 409, got.StatusCode, name)
		assert.Equal(t, "not-provisioned", got.at("code"), name)
		assert.Contains(t, got.at("detail"), op.at("id"), name)
		assert.Contains(t, got.at("detail"), op.at("error", "code"), name)
		assert.Equal(t, op.at("error", "remedy", "who"), got.at("remedy", "who"), name)
		assert.Equal(t, op.at("error", "remedy", "steps"), got.at("remedy", "steps"), name)
	}
}
