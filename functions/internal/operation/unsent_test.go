package operation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

// refused submits a command while the queue takes nothing, and returns what its sender is told.
func (f *fixture) refused(c message.Command) diagnosis.Diagnosis {
	f.t.Helper()
	f.Refuse(message.QueueCommands, errNoLink)
	_, err := f.submit(f.t.Context(), c)
	found := requireCode(f.t, diagnosis.CodeQueueUnavailable, err)
	assert.Contains(f.t, found.Detail, "Operation-Id: "+c.OperationID)
	return found
}

// TestTheTimerSendsWhatTheQueueDidNotTake: nobody has to send the request again, and meanwhile operation and document
// say what they wait for.
func TestTheTimerSendsWhatTheQueueDidNotTake(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	found := f.refused(provisionCommand(operationID))
	assert.Contains(t, found.Detail, "every 5 minutes")

	op := f.RequireStatus(operationID, integration.OperationNotStarted)
	require.NotNil(t, op.Waiting)
	assert.Equal(t, diagnosis.CodeQueueUnavailable, op.Waiting.Code)
	assert.Zero(t, op.Waiting.Attempt)
	next := f.Now().Truncate(operation.SweepInterval).Add(operation.SweepInterval)
	assert.Equal(t, next, op.Waiting.NextAttemptAt)
	assert.True(t, f.Document().HasCondition(integration.ConditionProvisioned, "Unknown", &found))

	f.SetTime(next)
	require.Error(t, f.Engine.Sweep(t.Context()))
	assert.Len(t, f.Keys("unsent/"), 1, "until the queue takes it")
	f.Refuse(message.QueueCommands, nil)
	for range 2 {
		f.sweep()
		assert.Len(t, f.Messages(message.QueueCommands), 1)
		assert.Empty(t, f.Keys("unsent/"))
	}
	sent := f.Message(operationID)
	assert.Equal(t, id, sent.SessionID)
	assert.Zero(t, sent.EnqueueAt)
	f.handle(f.Command(operationID))
	assert.Nil(t, f.RequireStatus(operationID, integration.OperationSucceeded).Waiting)
}

// TestAKeptCommandIsTheOneThatWasAskedFor, with all that it states, and nothing shows in a document that it leaves as
// it is.
func TestAKeptCommandIsTheOneThatWasAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]message.Command{
		"teardown":    {Type: message.TypeDeprovision, Purge: true},
		"access test": {Type: message.TypeAccessTest, Mode: "oracle", Access: "read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.handle(f.submitted())
			before := f.Document().Status.Conditions
			c.ID, c.IntegrationID, c.OperationID = operationID, id, operationID
			f.refused(c)
			assert.Equal(t, before, f.Document().Status.Conditions)
			f.Refuse(message.QueueCommands, nil)
			f.sweep()
			assert.Equal(t, c, f.Command(operationID))
		})
	}
}

// TestAKeptCommandThatGoesOnWithoutTheTimer is forgotten: its sender was faster, or its operation has gone.
func TestAKeptCommandThatGoesOnWithoutTheTimer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refused(provisionCommand(operationID))
	f.Refuse(message.QueueCommands, nil)
	_, err := f.submit(t.Context(), provisionCommand(operationID))
	require.NoError(t, err)
	f.handle(f.Command(operationID))
	_, err = f.Store.Records.Put(t.Context(), "unsent/gone", []byte("{}"), "")
	require.NoError(t, err)
	sent := f.Sent()
	f.sweep()
	assert.Empty(t, f.Keys("unsent/"))
	assert.Equal(t, sent, f.Sent())
	assert.Zero(t, f.Duplicates())
	f.RequireStatus(operationID, integration.OperationSucceeded)
}

// TestWhatHasTakenOverShowsNoWait: another operation that comes in between owns the document, and one that runs by now
// or has ended waits for no queue.
func TestWhatHasTakenOverShowsNoWait(t *testing.T) {
	t.Parallel()
	for _, status := range []integration.OperationStatus{integration.OperationRunning, integration.OperationCanceled} {
		f := newFixture(t)
		isBetween, marks := false, 0
		f.Store.Before = func(c operationtest.Call) error {
			if !c.IsWrite() || !strings.HasPrefix(c.Key, "unsent/") {
				return nil
			}
			if marks++; marks != 2 { // the first one comes before the records
				return nil
			}
			isBetween = true
			_, err := f.Repository.Update(t.Context(), id, func(d *integration.Document) error {
				require.Equal(t, integration.PhasePending, d.Status.Phase)
				d.Status.LastOperationID = "another"
				return nil
			})
			require.NoError(t, err)
			_, err = f.Repository.UpdateOperationFrom(t.Context(), f.Operation(operationID),
				func(o *integration.Operation) error {
					o.Status = status
					return nil
				})
			return err
		}
		f.refused(provisionCommand(operationID))
		require.True(t, isBetween)
		assert.Empty(t, f.Document().Status.Conditions, "it is another operation's document")
		assert.Nil(t, f.RequireStatus(operationID, status).Waiting)
	}
}

// TestACommandThatCannotBeKept is for its sender alone to send again, who is told no more than that.
func TestACommandThatCannotBeKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.submit(t.Context(), provisionCommand(operationID))
	require.NoError(t, err)
	f.Store.Before = func(c operationtest.Call) error {
		if c.IsWrite() && strings.HasPrefix(c.Key, "unsent/") {
			return errors.New("disk full")
		}
		return nil
	}
	found := f.refused(provisionCommand(operationID))
	assert.NotContains(t, found.Detail, "minutes")
	assert.Nil(t, f.Operation(operationID).Waiting)
	assert.Contains(t, f.Log.String(), "disk full")
}

// TestWhoIsKilledBetweenRecordAndSend leaves an operation that the timer sends, wherever it was killed: none waits
// until its request is sent again.
func TestWhoIsKilledBetweenRecordAndSend(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		deaths, sent := 0, 0
		for at := 1; ; at++ {
			f := newFixture(t)
			_, _ = f.submit(f.Doom(t.Context(), at, after), provisionCommand(operationID))
			isDead := f.IsDead()
			f.Revive()
			f.sweep()
			f.drain()
			assert.Empty(t, f.Keys("unsent/"), "killed at %d, after %v", at, after)
			if len(f.Keys("operations/")) > 0 {
				sent++
				assert.True(t, f.Operation(operationID).Status.IsFinal(), "killed at %d, after %v", at, after)
			}
			if !isDead {
				break
			}
			deaths++
		}
		assert.GreaterOrEqual(t, deaths, 4, "the mark, the operation, the document, the message")
		assert.GreaterOrEqual(t, sent, 4)
	}
}

// TestKeptCommandsHinderNoOther: one that cannot be read, and one whose operation cannot.
func TestKeptCommandsHinderNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refused(provisionCommand(operationID))
	f.Refuse(message.QueueCommands, nil)
	for key, body := range map[string]string{"operations/a-broken-one.json": "{", "unsent/a-broken-one": "{}"} {
		_, err := f.Store.Records.Put(t.Context(), key, []byte(body), "")
		require.NoError(t, err)
	}
	f.sweep()
	assert.Equal(t, []string{"unsent/a-broken-one"}, f.Keys("unsent/"))
	f.Overwrite("operations/a-broken-one.json", strings.ReplaceAll(`{"schemaVersion":1,"id":"a-broken-one",
		"kind":"provision","status":"NotStarted","integrationId":"`+id+`"}`, "\n", ""))
	require.ErrorContains(t, f.Engine.Sweep(t.Context()), "kept command")
	assert.Len(t, f.Messages(message.QueueCommands), 1)
}

// TestATimerKilledAnywhereLosesNoCommand, and sends none twice.
func TestATimerKilledAnywhereLosesNoCommand(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before": false, "after": true} {
		for n := 1; n <= 2; n++ { // the message, and the record that goes
			f := newFixture(t)
			f.refused(provisionCommand(operationID))
			f.Refuse(message.QueueCommands, nil)
			_ = f.Engine.Sweep(f.Doom(t.Context(), n, after))
			require.True(t, f.IsDead(), "%s %d", name, n)
			f.Revive()
			f.Advance(time.Minute)
			f.sweep()
			assert.Len(t, f.Messages(message.QueueCommands), 1, "%s %d", name, n)
			assert.Empty(t, f.Keys("unsent/"))
		}
	}
}
