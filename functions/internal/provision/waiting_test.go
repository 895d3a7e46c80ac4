package provision_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// TestWaitingForReplicationShows: what an attempt waits for by itself can be read after a moment, with what was made
// so far, and no more when the attempt has gone on.
func TestWaitingForReplicationShows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault fault
		code  diagnosis.Code
		made  string // a step that shows meanwhile
		next  string // a request of what comes then
	}{
		"a role that needs the principal": {fault{match: at(putRole), times: 4, status: 400,
			code: "PrincipalNotFound"},
			"principal-not-replicated", "servicePrincipal created", "POST /api/v1/drivers"},
		"the second of two credentials": {fault{match: at(patchCredential), skip: 1, times: 4, status: 404,
			code: "Request_ResourceNotFound"},
			"directory-not-replicated", "servicePrincipal created", "POST /api/v1/drivers"},
	} {
		t.Run(name, func(t *testing.T) {
			f := withPlatform(t)
			f.fails(c.fault)
			two := wired()
			two.Subjects = []string{other}
			_, cmd := f.submit(two)
			var visible []integration.Waiting
			f.pause = func(ctx context.Context, d time.Duration) error {
				op := f.Operation(cmd.OperationID)
				if w := op.Waiting; w != nil && w.NextAttemptAt.Equal(f.Now().Add(d)) {
					visible = append(visible, *w)
					assert.Contains(t, f.steps(op.ID), c.made)
				}
				return f.Sleep(ctx, d)
			}
			went := false
			f.atGate(c.next, func() {
				went = went || len(visible) > 0
				assert.Nil(t, f.Operation(cmd.OperationID).Waiting)
			})
			f.handle(cmd)
			require.Len(t, visible, 2, "the pauses of two seconds and more")
			for _, w := range visible {
				assert.Equal(t, c.code, w.Code)
				assert.Equal(t, 0, w.Attempt, "none has failed")
			}
			assert.True(t, went)
			assert.Nil(t, f.RequireStatus(cmd.OperationID, integration.OperationSucceeded).Waiting)
		})
	}
}
