package provision_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/platform"
)

// TestRetryAfterOfEachServiceReachesTheParkedCommand: how long is too long, or too short, the engine knows.
func TestRetryAfterOfEachServiceReachesTheParkedCommand(t *testing.T) {
	t.Parallel()
	const graphHost, armHost, gateHost = "graph.microsoft.com", "management.azure.com", platform.GateHost
	for name, c := range map[string]struct {
		host, match, retryAfter string
		status                  int
		pause                   time.Duration
	}{
		"directory":             {graphHost, ".", "95", 429, 95 * time.Second},
		"directory: with 503":   {graphHost, ".", "95", 503, 95 * time.Second},
		"resource manager":      {armHost, "^PUT", "95", 429, 95 * time.Second},
		"platform: integration": {gateHost, "^POST .*/integrations$", "95", 429, 95 * time.Second},
		"platform: driver":      {gateHost, "^POST .*/drivers$", "95", 429, 95 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.putsOff(c.host, c.match, 1, c.status, c.retryAfter)
			_, cmd := f.submit(wired())
			f.handle(cmd)
			op := f.RequireStatus(cmd.OperationID, integration.OperationRunning)
			require.NotNil(t, op.Waiting)
			assert.Equal(t, f.retryAt(op.ID, 1), op.Waiting.NextAttemptAt)
			assert.Equal(t, c.pause, op.Waiting.NextAttemptAt.Sub(f.Now()))
			f.finish(cmd)
			f.RequireStatus(cmd.OperationID, integration.OperationSucceeded)
			assert.Equal(t, gateCounts{1, 1}, f.onGate())
		})
	}
}

// TestARequestWaitsAsLongAsItIsAsked where that fits into the invocation: it is not parked.
func TestARequestWaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		host, match string
		status      int
		retryAfter  string
		waits       time.Duration
	}{
		"the directory's lag": {"graph.microsoft.com", "federatedIdentityCredentials", 404, "45", 45 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.putsOff(c.host, c.match, 1, c.status, c.retryAfter)
			_, cmd := f.submit(wired())
			began := f.Now()
			f.handle(cmd)
			f.RequireStatus(cmd.OperationID, integration.OperationSucceeded)
			assert.Equal(t, c.waits, f.Now().Sub(began))
		})
	}
}
