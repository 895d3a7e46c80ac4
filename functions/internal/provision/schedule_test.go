package provision_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestNothingSucceedsUnplanned: the health checks are planned before the operation succeeds, so that a crash or an
// outage in between repeats it, and also for one that fails: what it has made is looked at.
func TestNothingSucceedsUnplanned(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	down := errors.New("store down")
	planned := 0
	f.schedule = func(_ context.Context, d integration.Document) error {
		assert.False(t, f.Operation(d.Status.LastOperationID).Status.IsFinal())
		if planned++; planned == 1 {
			return down
		}
		return nil
	}
	a, cmd := f.submit(spec("images"))
	f.handle(cmd)
	f.RequireStatus(a.Operation.ID, integration.OperationRunning)
	f.handle(f.Command(a.Operation.ID + "-retry-1"))
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	assert.Equal(t, 2, planned)

	_, cmd = f.submit(spec("images", "archive"))
	f.handle(cmd)
	assert.Equal(t, 3, planned, "an update may have changed the plan")

	f.hosts["management.azure.com"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":{"code":"AuthorizationFailed","message":"x"}}`))
	})
	_, cmd = f.submit(spec("images", "archive", "logs"))
	f.handle(cmd)
	assert.Equal(t, 4, planned)
	require.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 2}, f.counts())
}
