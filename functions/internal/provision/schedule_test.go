package provision_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestNothingSucceedsUnplanned: the health checks are planned from the stored, provisioned document, and before the
// operation succeeds, so that a crash or an outage in between repeats it.
func TestNothingSucceedsUnplanned(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	down := errors.New("store down")
	planned := 0
	f.schedule = func(_ context.Context, d integration.Document) error {
		assert.Equal(t, integration.OperationRunning, f.Operation(d.Status.LastOperationID).Status)
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
	require.Equal(t, counts{applications: 1, principals: 1, credentials: 1, assignments: 2}, f.counts())
}
