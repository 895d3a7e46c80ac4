package provision

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

// attempting makes one attempt at an operation of a new integration.
func attempting(t *testing.T, run func(ctx context.Context, a *operation.Attempt)) {
	t.Helper()
	f := operationtest.New(t, time.Now())
	intent := func(c message.Command) operation.Intent {
		return operation.Intent{Kind: integration.KindProvision, IntegrationID: c.IntegrationID, Creates: true,
			Content: c.IntegrationID, Command: c,
			Admit: func(*integration.Document) error { return nil }, Apply: func(*integration.Document) {}}
	}
	worker, err := operation.NewWorker(f.Engine, map[string]operation.Task{message.TypeProvision: {
		Kind: integration.KindProvision, Intent: intent,
		Run: func(ctx context.Context, a *operation.Attempt) (any, error) {
			run(ctx, a)
			return "done", nil
		}}})
	require.NoError(t, err)
	require.NoError(t, worker.Handle(t.Context(), message.Command{Type: message.TypeProvision,
		IntegrationID: operationtest.IntegrationID, OperationID: "op-1"}))
}

// TestWhatWasLearntIsKnown: what a task has taught is known from then on, also while it is being written. A role was
// assigned to nobody once, as the identity's id was missing in that moment.
func TestWhatWasLearntIsKnown(t *testing.T) {
	t.Parallel()
	attempting(t, func(ctx context.Context, a *operation.Attempt) {
		r := &recorder{attempt: a}
		var isWritten atomic.Bool
		var readers sync.WaitGroup
		for range 16 { // more than there are cores, so that some are held up half way
			readers.Go(func() {
				for last := 0; !isWritten.Load() && !t.Failed(); {
					n, _ := strconv.Atoi(r.current().Status.ServicePrincipalID)
					assert.GreaterOrEqual(t, n, last, "it was known")
					last = n
				}
			})
		}
		for n := 1; n <= 3000 && !t.Failed(); n++ {
			r.learn(func(d *integration.Document) { d.Status.ServicePrincipalID = strconv.Itoa(n) })
			assert.NoError(t, r.save(ctx, nil))
		}
		isWritten.Store(true)
		readers.Wait()
	})
}
