package story

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// busFaults are what a link to Service Bus meets: detached by the broker, its connection cut, a lock lost; before and
// after the deed.
func busFaults() map[string]map[string]any {
	return map[string]map[string]any{
		"command: link detached":        {"match": ofLink("SEND", "^wif-commands$")},
		"command: sent, link detached":  {"match": ofLink("SEND", "^wif-commands$"), "effect": "after"},
		"command: sent, connection cut": {"match": ofLink("SEND", "^wif-commands$"), "effect": "drop"},
		"event: link detached":          {"match": ofLink("SEND", "^wif-events$"), "times": 2},
		"event: sent, link detached":    {"match": ofLink("SEND", "^wif-events$"), "effect": "after", "times": 2},
		"event: sent, connection cut":   {"match": ofLink("SEND", "^wif-events$"), "effect": "drop", "times": 2},
		"lock lost":                     {"match": ofLink("SETTLE", "^wif-commands$"), "times": 2},
		"settled, lock lost":            {"match": ofLink("SETTLE", "^wif-commands$"), "effect": "after", "times": 2},
	}
}

func ofLink(operation, path string) map[string]any {
	return map[string]any{"method": operation, "path": path}
}

// TestFaultsOfServiceBus: whatever the link meets, each thing is made once and each change is told; what is told twice
// has the same event id.
func TestFaultsOfServiceBus(t *testing.T) {
	t.Parallel()
	a := start(t)
	for name, fault := range busFaults() {
		a.control(http.MethodPost, "/reset", nil)
		before := a.control(http.MethodGet, "/world", nil)
		a.control(http.MethodPut, "/faults", []any{fault})
		created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
		require.Equal(t, http.StatusCreated, created.Status, created.Raw)
		operation := a.wait(created.Header.Get("Operation-Location"))
		require.Equal(t, "Succeeded", operation.at("status"), "%s: %s", name, operation.Raw)
		changes := []string{"ai.ddoe.wif.integration.provisioned.v1", "ai.ddoe.wif.integration.usable.v1",
			"ai.ddoe.wif.health.changed.v1"}
		var told []string
		require.Eventually(t, func() bool {
			a.advance(time.Minute)
			told = a.told()
			return len(told) >= len(changes)
		}, 30*time.Second, 100*time.Millisecond, name)
		assert.ElementsMatch(t, changes, told, name)
		assert.Less(t, slices.Index(told, changes[0]), slices.Index(told, changes[1]), name)
		assert.Equal(t, counts{applications: 1, servicePrincipals: 1, credentials: 1, assignments: 1}, a.made(before),
			name)
		assert.Contains(t, a.control(http.MethodGet, "/faults", nil).Raw, `"times": 0`, "%s: it was met", name)
	}
}

// told are the types of the published events in order, those of one id once.
func (s *sandbox) told() []string {
	s.t.Helper()
	var types []string
	seen := map[any]bool{}
	events, _ := s.control(http.MethodGet, "/world", nil).at("events").([]any)
	for _, e := range events {
		body := event(s.t, e)
		if id := at(body, "id"); !seen[id] {
			seen[id] = true
			types = append(types, at(body, "type").(string))
		}
	}
	return types
}
