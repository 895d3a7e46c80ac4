package operation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// ownedBy gives the integration to an owner.
func (f *fixture) ownedBy(owner string) {
	f.t.Helper()
	_, err := f.Repository.Update(f.t.Context(), id, func(d *integration.Document) error {
		d.Owner = owner
		return nil
	})
	require.NoError(f.t, err)
}

// cutOff submits a command whose request ends between its operation and the document.
func (f *fixture) cutOff(who caller.Caller, c message.Command) operation.Accepted {
	f.t.Helper()
	f.Store.Before = func(call operationCall) error {
		if call.IsWrite() && strings.HasPrefix(call.Key, "integrations/") {
			return errors.New("the process ends")
		}
		return nil
	}
	a, err := f.submit(caller.With(f.t.Context(), who), c)
	requireCode(f.t, diagnosis.CodeStoreUnavailable, err)
	f.Store.Before = nil
	return a
}

// TestWhatWasCutOffIsAdmittedAgain: a teardown whose request ended between its operation and the document is carried
// out only where whoever asked for it still may. Its standing is that of the request.
func TestWhatWasCutOffIsAdmittedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who     caller.Caller
		to      string
		carries bool
	}{
		"it stays with its owner": {caller.Caller{ID: "one", Roles: []caller.Role{caller.RoleOperate}}, "one",
			true},
		"it is another owner's": {caller.Caller{ID: "one", Roles: []caller.Role{caller.RoleOperate}}, "two",
			false},
		"an administrator asked":     {caller.Caller{ID: "boss", Roles: []caller.Role{caller.RoleAdmin}}, "two", true},
		"it is the group's by now":   {caller.Caller{ID: "one", Groups: []string{"team"}}, "team", true},
		"it is another group's now":  {caller.Caller{ID: "one", Groups: []string{"team"}}, "others", false},
		"a holder of the key, alone": {caller.FunctionKey(), "function-key", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.handle(f.submitted())
			f.ownedBy(c.who.ID)
			f.Advance(time.Minute)
			teardown := teardownCommand(false)
			teardown.OperationID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
			f.cutOff(c.who, teardown)
			op := f.RequireStatus(teardown.OperationID, integration.OperationNotStarted)
			require.NotNil(t, op.Standing)
			f.ownedBy(c.to)
			before := f.Document().Status
			f.handle(teardown) // as the timer sends it for a process that was killed
			if c.carries {
				op = f.RequireStatus(teardown.OperationID, integration.OperationSucceeded)
				assert.Equal(t, integration.PhaseDeleted, f.Document().Status.Phase)
			} else {
				op = f.RequireStatus(teardown.OperationID, integration.OperationCanceled)
				assert.Equal(t, diagnosis.CodeIntegrationNotFound, op.Error.Code)
				assert.Equal(t, before, f.Document().Status)
			}
			assert.Nil(t, op.Standing, "nobody needs it any more")
		})
	}
}

// TestWhatWasCutOffAsksForItsSubjectsAgain, as the repeated request: they may have been given away meanwhile.
func TestWhatWasCutOffAsksForItsSubjectsAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	who := caller.Caller{ID: "one", Roles: []caller.Role{caller.RoleOperate}}
	c := provisionCommand(operationID)
	f.cutOff(who, c)
	in := f.intent(c)
	in.OperationID = operationID
	taken := &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeSubjectBound)}
	in.Reserve = func(ctx context.Context) error {
		asked, _ := caller.From(ctx)
		assert.Equal(t, who, asked)
		return taken
	}
	_, err := f.Engine.Submit(caller.With(t.Context(), who), in)
	requireCode(t, diagnosis.CodeSubjectBound, err)
	_, err = f.Repository.Get(t.Context(), id)
	require.ErrorIs(t, err, integration.ErrNotFound)
}

// TestWhatWasCutOffIsPreparedAsItsCaller, not as the app, which may all: a message that brings the same content goes
// on with the request, and the policy is the caller's.
func TestWhatWasCutOffIsPreparedAsItsCaller(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	who := caller.Caller{ID: "one", AppID: "app", Roles: []caller.Role{caller.RoleOperate}, Groups: []string{"team"}}
	f.cutOff(who, provisionCommand(operationID))
	var asked []caller.Caller
	worker, err := operation.NewWorker(f.Engine, map[string]operation.Task{message.TypeProvision: {
		Kind: integration.KindProvision, Run: made, Intent: func(c message.Command) operation.Intent {
			in := f.intent(c)
			in.Prepare = func(ctx context.Context) error {
				one, _ := caller.From(ctx)
				asked = append(asked, one)
				return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeNotAllowed)}
			}
			return in
		}}})
	require.NoError(t, err)
	require.NoError(t, worker.Handle(t.Context(), provisionCommand(operationID)))
	assert.Equal(t, []caller.Caller{who}, asked)
	assert.Equal(t, diagnosis.CodeNotAllowed, f.RequireStatus(operationID, integration.OperationFailed).Error.Code)
	assert.Empty(t, f.Keys("integrations/"))
}

// TestTheRecordCountsTheAttempts, and those that are due, not the message, which anybody may send who knows the
// operation's id: one that claims to be the last ends nothing.
func TestTheRecordCountsTheAttempts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	var numbers []int
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		numbers = append(numbers, a.Number())
		return throttling(0)(ctx, a)
	}
	for n, claimed := range []int{1000, 10, 1000, 0} {
		if n == 2 {
			f.Advance(time.Minute)
		}
		forged := c
		forged.Attempt = claimed
		f.handle(forged)
		assert.NotNil(t, f.RequireStatus(c.OperationID, integration.OperationRunning).Waiting)
	}
	assert.Equal(t, []int{0, 0, 1, 0}, numbers)
	assert.Equal(t, 2, f.Operation(c.OperationID).Attempts)
	assert.Equal(t, integration.PhasePending, f.Document().Status.Phase)
}

// TestAttemptsThatCouldNotBeCounted, as the store took no writes, do not end the operation early, and no copy has the
// id of an earlier one: the queue would take it for a duplicate.
func TestAttemptsThatCouldNotBeCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = throttling(0)
	f.Store.Before = func(call operationCall) error {
		if call.IsWrite() && strings.HasPrefix(call.Key, "operations/") {
			return errors.New("the store is away")
		}
		return nil
	}
	for range 3 {
		f.handle(c)
		c = f.Command(fmt.Sprintf("%s-retry-%d", c.OperationID, c.Attempt+1))
	}
	f.Store.Before = nil
	attempts := 0
	for f.Operation(c.OperationID).Status != integration.OperationFailed {
		require.Less(t, attempts, 20)
		f.handle(f.Await(c.ID))
		attempts++
		if f.Operation(c.OperationID).Status != integration.OperationFailed {
			c = f.Command(fmt.Sprintf("%s-retry-%d", c.OperationID, c.Attempt+1))
		}
	}
	assert.Equal(t, 11, attempts, "the first one, and ten more")
	assert.Equal(t, diagnosis.CodeAttemptsExhausted, f.Operation(c.OperationID).Error.Code)
}
