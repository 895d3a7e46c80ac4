package operation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// TestAnOvertakenCommandOverAStoreThatFails ends as superseded, and is delivered again until it has.
func TestAnOvertakenCommandOverAStoreThatFails(t *testing.T) {
	t.Parallel()
	failingAnywhere(t, func(f *fixture) {
		f.mustSubmit(provisionCommand(operationID))
		f.Advance(1)
		f.submitted()
	}, func(f *fixture) error { return f.worker.Handle(t.Context(), provisionCommand(operationID)) },
		func(f *fixture, err error, _ bool) {
			if err != nil {
				f.handle(provisionCommand(operationID))
			}
			f.drain()
			f.RequireStatus(operationID, integration.OperationCanceled)
			assert.Equal(f.t, integration.PhaseProvisioned, f.Document().Status.Phase, "the later one goes on")
		})
}

// TestASetAsideOverAStoreThatFails tells so, and can be repeated.
func TestASetAsideOverAStoreThatFails(t *testing.T) {
	t.Parallel()
	for n, failed := 1, true; failed; n++ {
		f := newFixture(t)
		f.handle(f.submitted())
		f.spoil(documentKey, "{")
		whole, calls := f.Store.Records, &failsAt{n: n}
		f.Store.Records = failsOnce{f.Store.Records, calls}
		_, err := f.submit(t.Context(), teardownCommand(false))
		f.Store.Records, failed = whole, calls.seen >= n
		if failed {
			requireCode(t, diagnosis.CodeStoreUnavailable, err)
			_, err = f.submit(t.Context(), teardownCommand(false))
		}
		require.NoError(t, err, "write %d", n)
		f.RequireStatus(operationID, integration.OperationFailed)
		assert.Len(t, f.Keys("unreadable/"), 1)
	}
}

// failsOnce fails at the n-th write of what is no operation, which is not done.
type failsOnce struct {
	integration.Store
	calls *failsAt
}

type failsAt struct{ n, seen int }

// Put implements integration.Store.
func (s failsOnce) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	if !strings.HasPrefix(key, "operations/") {
		if s.calls.seen++; s.calls.seen == s.calls.n {
			return "", errClosed
		}
	}
	return s.Store.Put(ctx, key, body, ifMatch)
}

// TestARejectionThatCannotBeRecordedBesideAnother is delivered again.
func TestARejectionThatCannotBeRecordedBesideAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Repository.CreateOperation(t.Context(), integration.Operation{ID: "m-1",
		Status: integration.OperationSucceeded})
	require.NoError(t, err)
	d := message.Delivery{Body: []byte("{not json"), MessageID: "m-1", SessionID: id}
	_, err = message.ParseCommand(d)
	var rejection *message.Rejection
	require.ErrorAs(t, err, &rejection)
	f.failPuts("operations/")
	requireCode(t, diagnosis.CodeStoreUnavailable, f.worker.Reject(t.Context(), d, rejection))
}

// TestADeadFollowUpOfWhatIsGone is done with: there is nobody left to be told.
func TestADeadFollowUpOfWhatIsGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.handle(c)
	there, err := f.Store.Get(t.Context(), documentKey)
	require.NoError(t, err)
	require.NoError(t, f.Store.Delete(t.Context(), documentKey, there.ETag))
	f.dead(c.OperationID+"-verify-0", "TTLExpiredException")
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
	f.handle(f.Command(c.OperationID + "-verify-0"))
	assert.Empty(t, f.Keys("integrations/"))
}

// TestAMarkerThatIsGone, or was written anew, is somebody else's: whoever meets that has nothing more to do.
func TestAMarkerThatIsGone(t *testing.T) {
	t.Parallel()
	for _, answer := range []error{integration.ErrNotFound, integration.ErrConflict} {
		f := newFixture(t)
		f.handle(f.submitted())
		var deleted []string
		f.Store.Records = deletesWith{f.Store.Records, answer, &deleted}
		d, err := f.Engine.Change(t.Context(), id, usable)
		require.NoError(t, err)
		assert.Empty(t, d.Outbox)
		assert.Equal(t, []string{"outbox/" + id}, deleted)
	}
}

type deletesWith struct {
	integration.Store
	err  error
	keys *[]string
}

// Delete implements integration.Store.
func (s deletesWith) Delete(_ context.Context, key, _ string) error {
	*s.keys = append(*s.keys, key)
	return s.err
}

// TestAParkedCommandGivesItsReason in the invocation's line, and in the log where the store shows nothing.
func TestAParkedCommandGivesItsReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		f.failPuts("operations/")
		return throttling(0)(ctx, a)
	}
	ctx, record := invocation.With(t.Context())
	require.NoError(t, f.worker.Handle(ctx, c))
	_, _, code := record.Values()
	assert.Equal(t, "throttled", code)
	assert.Contains(t, f.Log.String(), "what a command waits for does not show")
}

// TestATaskDescribesItsFailures in words of its own, while a request is repeated.
func TestATaskDescribesItsFailures(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	requests := policy.Requests{Now: f.Now, Sleep: func(_ context.Context, d time.Duration) error {
		f.Advance(d)
		return nil
	}}
	var seen diagnosis.Code
	worker, err := operation.NewWorker(f.Engine, map[string]operation.Task{message.TypeProvision: {
		Kind: integration.KindProvision, Intent: f.intent,
		Describe: func(context.Context, *operation.Attempt, *policy.Failure) diagnosis.Diagnosis {
			return diagnosis.New(diagnosis.CodeRoleMissing)
		},
		Run: func(ctx context.Context, a *operation.Attempt) (any, error) {
			tries := 0
			return nil, requests.Do(ctx, policy.PrincipalUpsert, diagnosis.Context{}, func(context.Context) error {
				if w := f.Operation(operationID).Waiting; w != nil {
					seen = w.Code
				}
				if tries++; tries <= 4 {
					return absent{}
				}
				return nil
			})
		},
	}})
	require.NoError(t, err)
	f.mustSubmit(provisionCommand(operationID))
	require.NoError(t, worker.Handle(t.Context(), provisionCommand(operationID)))
	assert.Equal(t, diagnosis.CodeRoleMissing, seen)
}
