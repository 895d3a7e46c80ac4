package story

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKilledInTheMiddle kills the handler as the host does, while a provisioning runs. The host starts it again, the
// broker delivers the message again, and the operation ends with exactly one of each object.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		match map[string]any
		done  func(counts) bool
	}{
		"after the application": {
			match: map[string]any{"host": "graph", "method": "POST", "path": "/applications$"},
			done:  func(made counts) bool { return made.applications == 1 },
		},
		"after the service principal": {
			match: map[string]any{"host": "graph", "method": "PATCH", "path": "/servicePrincipals"},
			done:  func(made counts) bool { return made.servicePrincipals == 1 },
		},
		"after the role assignment": {
			match: map[string]any{"host": "management", "method": "PUT", "path": "/roleAssignments"},
			done:  func(made counts) bool { return made.assignments == 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			before := a.control(http.MethodGet, "/world", nil)
			// The write is done, but its answer never comes: time to kill the handler that waits for it.
			a.control(http.MethodPut, "/faults",
				[]any{map[string]any{"match": c.match, "times": 1, "delayMs": 15000, "effect": "drop"}})
			created := a.call(http.MethodPut, "/integrations/my-images", a.spec("images"))
			require.Equal(t, http.StatusCreated, created.Status, created.Raw)
			require.Eventually(t, func() bool { return c.done(a.made(before)) }, 10*time.Second, 20*time.Millisecond,
				"the write never came")
			a.kill()
			operation := a.wait(created.Header.Get("Operation-Location"))
			require.Equal(t, "Succeeded", operation.at("status"), operation.Raw)
			assert.Equal(t, counts{applications: 1, servicePrincipals: 1, credentials: 1, assignments: 1},
				a.made(before))
		})
	}
}

// kill kills the handler as the host does, and returns when the host has started another.
func (a *app) kill() {
	a.t.Helper()
	pid := a.HandlerPID()
	require.NoError(a.t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(a.t, func() bool {
		now := a.HandlerPID()
		return now != 0 && now != pid
	}, 20*time.Second, 10*time.Millisecond, "the host never started it again")
}
