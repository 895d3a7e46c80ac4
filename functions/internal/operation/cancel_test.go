package operation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// requireCanceled: the operation is canceled, its integration says so and it was told once; whatever message comes.
func (f *fixture) requireCanceled(operationID string, runs int) {
	f.t.Helper()
	for _, m := range f.Messages(message.QueueCommands) {
		f.handle(f.Command(m.ID))
	}
	op := f.RequireStatus(operationID, integration.OperationCanceled)
	assert.Equal(f.t, diagnosis.CodeOperationCanceled, op.Error.Code)
	assert.Nil(f.t, op.Waiting)
	d := f.Document()
	assert.Equal(f.t, integration.PhaseFailed, d.Status.Phase)
	assert.True(f.t, d.HasCondition(integration.ConditionProvisioned, "False", op.Error))
	assert.Equal(f.t, []string{"failed failed"}, f.events())
	assert.Empty(f.t, d.Outbox)
	assert.Zero(f.t, runs, "a canceled operation's message does nothing")
}

// counting counts attempts.
func (f *fixture) counting(run operation.Run) *int {
	runs := 0
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		runs++
		return run(ctx, a)
	}
	return &runs
}

// TestCancelBeforeAnythingRuns, or while the operation only waits. Canceling again changes nothing.
func TestCancelBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(f *fixture) string{
		"not started": func(f *fixture) string { return f.submitted().OperationID },
		"parked": func(f *fixture) string {
			c := f.submitted()
			f.provision = throttling(0)
			f.handle(c)
			require.True(f.t, f.Operation(c.OperationID).Waiting.IsParked)
			return c.OperationID
		},
		"not on the queue": func(f *fixture) string {
			f.refused(provisionCommand(operationID))
			f.Refuse(message.QueueCommands, nil)
			return operationID
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			canceled := prepare(f)
			runs := f.counting(made)
			op, err := f.Engine.Cancel(t.Context(), canceled)
			require.NoError(t, err)
			assert.Equal(t, f.Operation(canceled), op)
			again, err := f.Engine.Cancel(t.Context(), canceled)
			require.NoError(t, err)
			assert.Equal(t, op, again)
			f.requireCanceled(canceled, *runs)
			f.Advance(time.Hour)
			f.sweep()
			f.requireCanceled(canceled, *runs)
			assert.Empty(t, f.Keys("unsent/"))
			f.handle(f.submitted())
			assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase, "the next request goes on")
		})
	}
}

// TestWhatCannotBeCanceled stays as it is: what runs, and what has ended.
func TestWhatCannotBeCanceled(t *testing.T) {
	t.Parallel()
	refused := func(f *fixture, id string) {
		before := f.Operation(id)
		_, err := f.Engine.Cancel(f.t.Context(), id)
		requireCode(f.t, diagnosis.CodeOperationNotCancelable, err)
		assert.Equal(f.t, before, f.Operation(id))
	}
	f := newFixture(t)
	c := f.submitted()
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		refused(f, c.OperationID)
		return nil, throttled{}
	}
	f.handle(c)
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		refused(f, c.OperationID) // the second attempt: what the first one waited for still shows
		return made(ctx, a)
	}
	f.handle(f.Command(c.OperationID + "-retry-1"))
	refused(f, c.OperationID)
	assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
	f.provision = failing(diagnosis.CodeRoleMissing)
	failed := f.submitted()
	f.handle(failed)
	refused(f, failed.OperationID)
	_, err := f.Engine.Cancel(t.Context(), "none")
	require.ErrorIs(t, err, integration.ErrNotFound)
}

// TestCancelAgainstAWorker: of both the first write counts, and the other one finds it.
func TestCancelAgainstAWorker(t *testing.T) {
	t.Parallel()
	t.Run("the worker has read before the cancellation is written", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		c := f.submitted()
		runs := f.counting(made)
		f.Store.OnceBeforePut(func() { // the worker's claim
			_, err := f.Engine.Cancel(t.Context(), c.OperationID)
			require.NoError(t, err)
		})
		f.handle(c)
		f.requireCanceled(c.OperationID, *runs)
	})
	t.Run("the cancellation has read before the claim is written", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		c := f.submitted()
		f.Store.OnceBeforePut(func() { f.handle(c) })
		_, err := f.Engine.Cancel(t.Context(), c.OperationID)
		requireCode(t, diagnosis.CodeOperationNotCancelable, err)
		f.RequireStatus(c.OperationID, integration.OperationSucceeded)
	})
}

// TestCancelAgainstItsRequest: the cancellation comes between the request's two records.
func TestCancelAgainstItsRequest(t *testing.T) {
	t.Parallel()
	for name, isKilled := range map[string]bool{"goes on": false, "is killed before it sends": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			runs, ctx := f.counting(made), t.Context()
			if isKilled {
				ctx = f.Doom(ctx, 6, true) // its mark and two entries, the operation, canceled, the document
			}
			f.Store.Before = func(c operationCall) error {
				if c.IsWrite() && c.Key == documentKey {
					f.Store.Before = nil
					_, err := f.Engine.Cancel(t.Context(), operationID)
					require.NoError(t, err)
					f.sweep() // the mark must not go before the document is there
				}
				return nil
			}
			_, err := f.submit(ctx, provisionCommand(operationID))
			if isKilled {
				require.Error(t, err)
				require.True(t, f.IsDead())
				f.Revive()
				require.Empty(t, f.Messages(message.QueueCommands))
			} else {
				require.NoError(t, err)
			}
			f.Advance(time.Hour)
			f.sweep()
			f.requireCanceled(operationID, *runs)
		})
	}
}

// TestAKilledCancellation is completed by the operation's message, or by another cancellation.
func TestAKilledCancellation(t *testing.T) {
	t.Parallel()
	for name, goOn := range map[string]func(f *fixture){
		"message": func(f *fixture) { f.handle(f.Command(operationID)) },
		"cancellation": func(f *fixture) {
			_, err := f.Engine.Cancel(f.t.Context(), operationID)
			require.NoError(f.t, err)
		},
		"dead letter": func(f *fixture) { f.dead(operationID, "MaxDeliveryCountExceeded") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killedAnywhere(t, func(f *fixture) { f.mustSubmit(provisionCommand(operationID)) },
				func(f *fixture, ctx context.Context) { _, _ = f.Engine.Cancel(ctx, operationID) },
				func(f *fixture) {
					if f.Operation(operationID).Status == integration.OperationCanceled {
						goOn(f)
						assert.Equal(f.t, integration.PhaseFailed, f.Document().Status.Phase)
						f.requireCanceled(operationID, 0)
					}
				})
		})
	}
}

// TestACanceledTeardownOrTest: a teardown is to be repeated, and a test leaves the integration alone.
func TestACanceledTeardownOrTest(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	a, err := f.submit(t.Context(), message.Command{Type: message.TypeAccessTest, IntegrationID: id})
	require.NoError(t, err)
	before := f.Document()
	_, err = f.Engine.Cancel(t.Context(), a.Operation.ID)
	require.NoError(t, err)
	f.handle(f.Command(a.Operation.ID))
	assert.Equal(t, before, f.Document())
	f.mustSubmit(teardownCommand(false))
	_, err = f.Engine.Cancel(t.Context(), operationID)
	require.NoError(t, err)
	d := f.Document()
	assert.False(t, d.IsEnding(), "it can be looked after again")
	assert.Equal(t, integration.PhaseDeprovisioning, d.Status.Phase)
}
