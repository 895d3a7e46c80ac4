package operation_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

func TestSubmitIsRepeatable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	intent := provisionCommand(operationID)
	first, err := f.submit(t.Context(), intent)
	require.NoError(t, err)
	assert.True(t, first.Created)
	again, err := f.submit(t.Context(), intent)
	require.NoError(t, err)
	assert.Equal(t, first, again)

	changed := intent
	changed.Spec = &integration.Spec{DisplayName: "another"}
	_, err = f.submit(t.Context(), changed)
	assert.Equal(t,
		"Operation "+operationID+" exists already: it is of kind provision and about the integration my-service, "+
			"and was started with other content.",
		requireCode(t, diagnosis.CodeOperationIDReused, err).Detail)
	_, err = f.submit(t.Context(), message.Command{Type: message.TypeDeprovision, IntegrationID: id,
		OperationID: operationID})
	assert.Equal(t,
		"Operation "+operationID+" exists already: it is of kind provision and about the integration my-service.",
		requireCode(t, diagnosis.CodeOperationIDReused, err).Detail)

	f.handle(f.Command(operationID))
	done, err := f.submit(t.Context(), intent)
	require.NoError(t, err)
	assert.True(t, done.Created)
	assert.Equal(t, integration.OperationSucceeded, done.Operation.Status)
}

func TestSubmitSurvivesADeadQueue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.QueueCommands, errNoLink)
	a, err := f.submit(t.Context(), provisionCommand(operationID))
	assert.Contains(t, requireCode(t, diagnosis.CodeQueueUnavailable, err).Detail, operationID)
	assert.Equal(t, operationID, a.Operation.ID)
	f.Refuse(message.QueueCommands, nil)
	_, err = f.submit(t.Context(), provisionCommand(operationID))
	require.NoError(t, err)
	f.handle(f.Command(operationID))
	f.RequireStatus(operationID, integration.OperationSucceeded)
}

// TestSubmitKilledAnywhere repeats a submission whose first try died: nothing is lost and nothing is done twice.
func TestSubmitKilledAnywhere(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func(*fixture) {},
		func(f *fixture, ctx context.Context) { _, _ = f.submit(ctx, provisionCommand(operationID)) },
		func(f *fixture) {
			a, err := f.submit(f.t.Context(), provisionCommand(operationID))
			require.NoError(f.t, err)
			require.True(f.t, a.Created)
			assert.Len(f.t, f.Keys("operations/"), 1)
			f.handle(f.Command(operationID))
			f.RequireStatus(operationID, integration.OperationSucceeded)
		})
}

func TestSubmittedAtTheSameTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ id, last string }{"one operation id": {id: operationID},
		"each its own": {}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			var group sync.WaitGroup
			created := make(chan bool, 8)
			for range cap(created) {
				group.Go(func() {
					a, err := f.submit(t.Context(), provisionCommand(c.id))
					assert.NoError(t, err)
					created <- a.Created
				})
			}
			group.Wait()
			close(created)
			n := 0
			for made := range created {
				if made {
					n++
				}
			}
			last := f.Document().Status.LastOperationID
			if c.id != "" {
				assert.Equal(t, 8, n, "each is told what the one operation does")
				assert.Len(t, f.Keys("operations/"), 1)
				assert.Equal(t, operationID, last)
			} else {
				assert.Equal(t, 1, n, "one makes it, the others change it")
			}
			f.handle(f.Command(last))
			f.RequireStatus(last, integration.OperationSucceeded)
		})
	}
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	submit := func(match, noneMatch string) error {
		in := f.intent(provisionCommand(""))
		in.IfMatch, in.IfNoneMatch = match, noneMatch
		_, err := f.Engine.Submit(t.Context(), in)
		return err
	}
	detail := func(err error) string { return requireCode(t, diagnosis.CodePreconditionFailed, err).Detail }
	assert.Equal(t, "If-Match does not hold: the integration does not exist.", detail(submit("*", "")))
	requireCode(t, diagnosis.CodePreconditionFailed, submit(`"stale"`, ""))
	require.NoError(t, submit("", "*"))
	tag := f.tag()
	quoted := tag + "."
	assert.Equal(t, "If-None-Match does not hold: the integration exists already, its ETag is "+quoted,
		detail(submit("", "*")))
	assert.Equal(t, "If-None-Match does not hold: the integration is still that version, its ETag is "+quoted,
		detail(submit("", `"x", `+tag)))
	assert.Equal(t, "If-Match does not hold: the integration is another version, its ETag is now "+quoted,
		detail(submit(`"stale"`, "")))
	require.NoError(t, submit(`"x", W/`+tag, ""))
	before := f.Document().ETag
	f.statusWritten()
	require.NotEqual(t, before, f.Document().ETag)
	require.NoError(t, submit(tag, ""), "the status is not what was read to be changed")
	f.specWritten()
	requireCode(t, diagnosis.CodePreconditionFailed, submit(tag, ""))
	require.NoError(t, submit(f.tag(), `"another"`))

	a, err := f.submit(t.Context(), message.Command{Type: message.TypeDeprovision, IntegrationID: id})
	require.NoError(t, err)
	f.handle(f.Command(a.Operation.ID))
	tag = f.tag()
	requireCode(t, diagnosis.CodePreconditionFailed, submit(tag, ""))
	require.NoError(t, submit("", "*"), "a tombstone counts as absent")
	assert.NotEqual(t, tag, f.tag(), "a new life has versions of its own")
}

// tag is the entity tag that callers see.
func (f *fixture) tag() string { return `"` + integration.SpecVersion(f.Document()) + `"` }

// statusWritten is a write of the status, as a health check makes one.
func (f *fixture) statusWritten() {
	f.change(func(d *integration.Document) { d.Status.Health = &integration.Health{Since: f.Now()} })
}

// specWritten is a change of the spec by somebody else.
func (f *fixture) specWritten() {
	f.change(func(d *integration.Document) {
		spec := d.Spec
		spec.DisplayName += "x"
		d.ReplaceSpec(spec)
	})
}

func (f *fixture) change(change func(*integration.Document)) {
	f.t.Helper()
	_, err := f.Repository.Update(f.t.Context(), id, func(d *integration.Document) error {
		change(d)
		return nil
	})
	require.NoError(f.t, err)
}

// TestAPreconditionHoldsUntilItIsWritten: another writer between the look and the write is met.
func TestAPreconditionHoldsUntilItIsWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.submitted()
	in := f.intent(provisionCommand(operationID))
	in.OperationID, in.IfMatch = operationID, f.tag()
	f.Store.OnceBeforePut(f.specWritten)
	_, err := f.Engine.Submit(t.Context(), in)
	requireCode(t, diagnosis.CodePreconditionFailed, err)
	assert.Equal(t, diagnosis.CodePreconditionFailed, f.RequireStatus(operationID,
		integration.OperationCanceled).Error.Code)
	_, err = f.Engine.Submit(t.Context(), in)
	requireCode(t, diagnosis.CodePreconditionFailed, err)
}

func TestAWishJoinsTheOperationThatRuns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	teardown := message.Command{Type: message.TypeDeprovision, IntegrationID: id}
	a, err := f.submit(t.Context(), teardown)
	require.NoError(t, err)
	same, err := f.submit(t.Context(), teardown)
	require.NoError(t, err)
	assert.Equal(t, a.Operation.ID, same.Operation.ID)
	teardown.Purge = true
	other, err := f.submit(t.Context(), teardown)
	require.NoError(t, err)
	assert.NotEqual(t, a.Operation.ID, other.Operation.ID, "other content is another wish")
	f.handle(f.Command(other.Operation.ID))
	_, err = f.submit(t.Context(), teardown)
	requireCode(t, diagnosis.CodeIntegrationDeleted, err)
	teardown.OperationID = other.Operation.ID
	repeated, err := f.submit(t.Context(), teardown)
	require.NoError(t, err)
	assert.Equal(t, integration.OperationSucceeded, repeated.Operation.Status)
}

func TestWhatIsRefusedWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.submit(t.Context(), provisionCommand("../x"))
	requireCode(t, diagnosis.CodeInvalidOperationID, err)
	_, err = f.submit(t.Context(), message.Command{Type: message.TypeAccessTest, IntegrationID: id})
	requireCode(t, diagnosis.CodeIntegrationNotFound, err)
	require.ErrorIs(t, err, integration.ErrNotFound)
	in := f.intent(provisionCommand(""))
	in.Prepare = func(context.Context) error {
		return &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeInvalidSpec)}
	}
	_, err = f.Engine.Submit(t.Context(), in)
	requireCode(t, diagnosis.CodeInvalidSpec, err)
	assert.Empty(t, f.Keys(""))
	assert.Empty(t, f.Sent())
}

func TestNothingIsMissing(t *testing.T) {
	t.Parallel()
	_, err := operation.New(operation.Options{})
	require.Error(t, err)
	f := newFixture(t)
	run := func(context.Context, *operation.Attempt) (any, error) { return nil, nil }
	for name, task := range map[string]operation.Task{
		"no kind": {Run: run, Intent: f.intent}, "no run": {Kind: integration.KindProvision, Intent: f.intent},
		"neither": {Kind: integration.KindProvision, Run: run}, "both": {Kind: integration.KindProvision, Run: run,
			Intent: f.intent, GiveUp: giveUp},
	} {
		_, err := operation.NewWorker(f.Engine, map[string]operation.Task{message.TypeProvision: task})
		require.Error(t, err, name)
	}
}
