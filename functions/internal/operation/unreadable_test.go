package operation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

func nothingEncodable(err error) operation.Run {
	return func(context.Context, *operation.Attempt) (any, error) { return func() {}, err }
}

const documentKey = "integrations/" + id + ".json"

// spoil replaces the record by hand, and returns its version.
func (f *fixture) spoil(key, body string) string {
	f.t.Helper()
	there, err := f.Store.Get(f.t.Context(), key)
	require.NoError(f.t, err)
	etag, err := f.Store.Put(f.t.Context(), key, []byte(body), there.ETag)
	require.NoError(f.t, err)
	return etag
}

// unreadableCases are wishes about an integration whose record cannot be read.
var unreadableCases = map[string]struct {
	command        message.Command
	body           string
	match, nomatch string
	code           diagnosis.Code // of the refusal; empty where it is set aside
}{
	"a teardown":      {teardownCommand(false), "{", "", "", ""},
	"of any version":  {teardownCommand(false), "{", "*", "", ""},
	"of this version": {teardownCommand(false), "{", "this", "", ""},
	"of another version": {teardownCommand(false), "{", `"other"`, "",
		diagnosis.CodePreconditionFailed},
	"unless it exists": {teardownCommand(false), "{", "", "*", diagnosis.CodePreconditionFailed},
	"a provisioning": {provisionCommand(operationID), "{", "", "",
		diagnosis.CodeRecordUnreadable},
	"a teardown of a newer build's": {teardownCommand(false), `{"schemaVersion":99}`, "", "",
		diagnosis.CodeRecordTooNew},
	"a provisioning of a newer build's": {provisionCommand(operationID), `{"schemaVersion":99}`, "", "",
		diagnosis.CodeRecordTooNew},
}

// TestWhatCannotBeReadIsSetAsideByATeardownAlone, of the version that was meant, and by nothing else.
func TestWhatCannotBeReadIsSetAsideByATeardownAlone(t *testing.T) {
	t.Parallel()
	for name, c := range unreadableCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.handle(f.submitted())
			etag := f.spoil(documentKey, c.body)
			in := f.intent(c.command)
			in.OperationID, in.IfMatch, in.IfNoneMatch = operationID, c.match, c.nomatch
			if c.match == "this" {
				in.IfMatch = etag
			}
			ctx, record := invocation.With(t.Context())
			before := len(f.Sent())
			a, err := f.Engine.Submit(ctx, in)
			assert.Len(t, f.Sent(), before, "there is nothing to be done")
			if c.code != "" {
				requireCode(t, c.code, err)
				there, err := f.Store.Get(t.Context(), documentKey)
				require.NoError(t, err)
				assert.Equal(t, etag, there.ETag)
				assert.Empty(t, f.Keys("unreadable/"))
				assert.Len(t, f.Keys("operations/"), 1, "nothing is written down")
				return
			}
			require.NoError(t, err)
			op := f.RequireStatus(operationID, integration.OperationFailed)
			assert.Equal(t, op, a.Operation)
			assert.Equal(t, diagnosis.CodeRecordSetAside, op.Error.Code)
			kept := f.Keys("unreadable/")
			require.Len(t, kept, 1)
			assert.Contains(t, op.Error.Detail, kept[0])
			assert.Contains(t, op.Error.Detail, documentKey)
			assert.Empty(t, f.Keys("integrations/"), "the id is free")
			_, _, code := record.Values()
			assert.Equal(t, "record-set-aside", code)
			assert.Contains(t, f.Log.String(), "record set aside")

			again, err := f.Engine.Submit(t.Context(), in)
			if c.match == "" {
				require.NoError(t, err)
				assert.Equal(t, op, again.Operation, "repeated, it answers the same")
			}
			f.handle(teardownCommand(false))
			assert.Equal(t, op, f.Operation(operationID))
		})
	}
}

// TestASetAsideKilledAnywhere: repeated, it ends, and the record is kept once.
func TestASetAsideKilledAnywhere(t *testing.T) {
	t.Parallel()
	killedAnywhere(t, func(f *fixture) {
		f.handle(f.submitted())
		f.Advance(1)
		f.spoil(documentKey, "{")
	}, func(f *fixture, ctx context.Context) { _, _ = f.submit(ctx, teardownCommand(false)) }, func(f *fixture) {
		_, err := f.submit(f.t.Context(), teardownCommand(false))
		if err != nil { // the record was gone, and nothing states it but its copy
			requireCode(f.t, diagnosis.CodeIntegrationNotFound, err)
		}
		assert.Len(f.t, f.Keys("unreadable/"), 1)
		assert.Empty(f.t, f.Keys("integrations/"))
		assert.True(f.t, f.Operation(operationID).Status.IsFinal())
	})
}

// TestAMendedRecordIsNotSetAside: somebody was faster.
func TestAMendedRecordIsNotSetAside(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	good, err := f.Store.Get(t.Context(), documentKey)
	require.NoError(t, err)
	f.spoil(documentKey, "{")
	f.Store.OnceBeforePut(func() { f.spoil(documentKey, string(good.Body)) })
	a, err := f.submit(t.Context(), teardownCommand(false))
	require.NoError(t, err)
	f.handle(f.Command(a.Operation.ID))
	f.RequireStatus(a.Operation.ID, integration.OperationSucceeded)
	assert.Equal(t, integration.PhaseDeleted, f.Document().Status.Phase)
	assert.Empty(t, f.Keys("unreadable/"))
}

// TestACommandWhoseRecordsCannotBeRead ends, and states it; nothing of the records is lost.
func TestACommandWhoseRecordsCannotBeRead(t *testing.T) {
	t.Parallel()
	t.Run("the document of an operation that runs", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		c := f.submitted()
		f.provision = throttling(0)
		f.handle(c)
		f.spoil(documentKey, "{")
		f.handle(f.Command(c.OperationID + "-retry-1"))
		assert.Equal(t, diagnosis.CodeRecordUnreadable, f.RequireStatus(c.OperationID,
			integration.OperationFailed).Error.Code)
		there, err := f.Store.Get(t.Context(), documentKey)
		require.NoError(t, err)
		assert.Equal(t, "{", string(there.Body))
	})
	t.Run("the operation", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		c := f.submitted()
		f.spoil("operations/"+c.OperationID+".json", "{")
		f.handle(c)
		there, err := f.Store.Get(t.Context(), "operations/"+c.OperationID+".json")
		require.NoError(t, err)
		assert.Equal(t, "{", string(there.Body))
		assert.Len(t, f.Keys("operations/"), 2, "the refusal has a record of its own")
		f.handle(c)
		assert.Len(t, f.Keys("operations/"), 2)
	})
	t.Run("the document is gone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		c := f.submitted()
		f.provision = throttling(0)
		f.handle(c)
		there, err := f.Store.Get(t.Context(), documentKey)
		require.NoError(t, err)
		require.NoError(t, f.Store.Delete(t.Context(), documentKey, there.ETag))
		f.handle(f.Command(c.OperationID + "-retry-1"))
		assert.Equal(t, diagnosis.CodeIntegrationNotFound, f.RequireStatus(c.OperationID,
			integration.OperationFailed).Error.Code)
		_, err = f.submit(t.Context(), provisionCommand(c.OperationID))
		requireCode(t, diagnosis.CodeIntegrationNotFound, err)
	})
}

// TestAWishJoinsNothingThatCannotBeRead, but is one of its own.
func TestAWishJoinsNothingThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	teardown := message.Command{Type: message.TypeDeprovision, IntegrationID: id}
	first, err := f.submit(t.Context(), teardown)
	require.NoError(t, err)
	f.spoil("operations/"+first.Operation.ID+".json", "{")
	second, err := f.submit(t.Context(), teardown)
	require.NoError(t, err)
	assert.NotEqual(t, first.Operation.ID, second.Operation.ID)
	in := f.intent(teardown)
	in.IfMatch = `"another"`
	_, err = f.Engine.Submit(t.Context(), in)
	requireCode(t, diagnosis.CodePreconditionFailed, err)
}

// TestAMarkerRests as long as the request that has written it may still be about to write its record, and no longer.
func TestAMarkerRests(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{0: 1, 10*time.Minute - 1: 1, 10 * time.Minute: 0} {
		f := newFixture(t)
		f.handle(f.submitted())
		_, err := f.Engine.Change(f.Doom(t.Context(), 1, true), id, usable)
		require.Error(t, err)
		require.True(t, f.IsDead())
		f.Revive()
		require.Len(t, f.Keys("outbox/"), 1)
		f.Advance(after)
		f.sweep()
		assert.Len(t, f.Keys("outbox/"), want, "after %v", after)
	}
}
