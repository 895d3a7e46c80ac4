package operation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
)

// reject hands a message over as the trigger does.
func (f *fixture) reject(d message.Delivery) *message.Rejection {
	f.t.Helper()
	_, err := message.ParseCommand(d)
	var rejection *message.Rejection
	require.ErrorAs(f.t, err, &rejection)
	require.NoError(f.t, f.worker.Reject(f.t.Context(), d, rejection))
	return rejection
}

func TestRejectKeepsBodyAndReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := message.Delivery{Body: []byte("{not json"), MessageID: "m-1", SessionID: id}
	first := f.reject(d)
	assert.Equal(t, first, f.reject(d), "delivered again")
	op := f.RequireStatus(first.OperationID, integration.OperationFailed)
	assert.Equal(t, first.Code, op.Error.Code)
	assert.Equal(t, integration.KindUnknown, op.Kind)
	assert.Equal(t, id, op.IntegrationID, "the session says whose it is")
	record, err := f.Store.Records.Get(t.Context(), "rejected/"+first.OperationID+".json")
	require.NoError(t, err)
	assert.Equal(t, "{not json", string(record.Body))
	assert.Len(t, f.Keys("operations/"), 1)
}

// TestRejectTellsWhatTheMessageWas: the record has the kind that the event's type names.
func TestRejectTellsWhatTheMessageWas(t *testing.T) {
	t.Parallel()
	for eventType, kind := range map[string]integration.OperationKind{
		message.TypeProvision: integration.KindProvision, message.TypeDeprovision: integration.KindDeprovision,
		message.TypeAccessTest: integration.KindAccessTest, message.TypeVerify: integration.KindProvision,
		"com.example.other": integration.KindUnknown,
	} {
		t.Run(eventType, func(t *testing.T) {
			for door, deliver := range map[string]func(f *fixture, d message.Delivery){
				"queue": func(f *fixture, d message.Delivery) { f.reject(d) },
				"dead letter": func(f *fixture, d message.Delivery) {
					require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), d))
				},
			} {
				f := newFixture(t)
				deliver(f, message.Delivery{MessageID: "m-1", SessionID: "not_an_id",
					Body: []byte(`{"specversion":"1.0","id":"m-1","source":"/x","type":"` + eventType +
						`","data":{"colour":"red"}}`)})
				op := f.RequireStatus("m-1", integration.OperationFailed)
				assert.Equal(t, kind, op.Kind, door)
				assert.Empty(t, op.IntegrationID, door)
			}
		})
	}
}

func TestRejectHarmsNoOtherOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	for name, d := range map[string]message.Delivery{
		"another session": {Body: f.Sent()[0].Body, MessageID: "m-1", SessionID: "another-one"},
		"unknown member": {MessageID: "m-2", SessionID: id,
			Body: []byte(`{"specversion":"1.0","id":"m-2","source":"/x","type":"ai.ddoe.wif.provision.v1",
			"data":{"integrationId":"my-service","operationId":"` + c.OperationID + `","colour":"red"}}`)},
	} {
		rejection := f.reject(d)
		f.reject(d)
		assert.Equal(t, c.OperationID, rejection.OperationID, name)
		f.RequireStatus(c.OperationID, integration.OperationNotStarted)
	}
	assert.Len(t, f.Keys("operations/"), 3, "each rejection has a record of its own")
	f.handle(c)
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
}

// TestRejectionsThatShareAnOperationID each have a record, unless one tells all of the other: nothing that is wrong
// with a message is lost, and none is told twice.
func TestRejectionsThatShareAnOperationID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	message := func(messageID, session, members string) message.Delivery {
		return message.Delivery{MessageID: messageID, SessionID: session, Body: []byte(`{"specversion":"1.0","id":"` +
			messageID + `","source":"/x","type":"ai.ddoe.wif.provision.v1","data":{"operationId":"` + operationID +
			`",` + members + `}}`)}
	}
	told := func() (pointers []string) {
		for _, key := range f.Keys("operations/") {
			op := f.Operation(strings.TrimSuffix(strings.TrimPrefix(key, "operations/"), ".json"))
			for _, finding := range op.Error.Findings {
				pointers = append(pointers, op.IntegrationID+finding.Pointer)
			}
		}
		slices.Sort(pointers)
		return pointers
	}
	first := message("m-1", "my-service", `"integrationId":"my-service","colour":"red"`)
	f.reject(first)
	one := told()
	require.Len(t, one, 1)
	f.reject(first)
	f.reject(message("m-2", "my-service", `"integrationId":"my-service","colour":"red"`))
	assert.Equal(t, one, told(), "the same is told once")
	f.reject(message("m-3", "my-service", `"integrationId":"my-service","size":"xl"`))
	f.reject(message("m-4", "another", `"integrationId":"another","colour":"red"`))
	all := told()
	require.Len(t, all, 3, "another member, and another integration")
	assert.Len(t, slices.Compact(all), 3)
	assert.Len(t, f.Keys("rejected/"), 4, "each body is kept")
}

// longAfter is longer than anything that the engine still expects of an operation.
const longAfter = 3 * time.Hour

// dead delivers a message as the queue's dead letter long after it was sent, twice, as after a crash.
func (f *fixture) dead(messageID, reason string) {
	f.t.Helper()
	f.Advance(longAfter)
	d := f.Delivery(messageID)
	d.ApplicationProperties = map[string]any{"DeadLetterReason": reason,
		"DeadLetterErrorDescription": "Message could not be consumed after 10 delivery attempts."}
	require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), d))
	require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), d))
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	t.Run("a command", func(t *testing.T) {
		f := newFixture(t)
		c := f.submitted()
		f.dead(c.OperationID, "MaxDeliveryCountExceeded")
		found := f.RequireStatus(c.OperationID, integration.OperationFailed).Error
		assert.Equal(t, diagnosis.CodeDeliveryExhausted, found.Code)
		assert.Contains(t, found.Detail, "after 10 delivery attempts")
		assert.Equal(t, integration.PhaseFailed, f.Document().Status.Phase)
		assert.Equal(t, []string{"failed failed"}, f.events())
	})
	t.Run("a command whose operation has ended", func(t *testing.T) {
		f := newFixture(t)
		c := f.submitted()
		f.handle(c)
		f.dead(c.OperationID, "TTLExpiredException")
		f.RequireStatus(c.OperationID, integration.OperationSucceeded)
		assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
		assert.Len(t, f.Keys("rejected/"), 1, "its body is kept")
	})
	t.Run("what was never begun", func(t *testing.T) {
		f := newFixture(t)
		require.NoError(t, f.Engine.Send(t.Context(), provisionCommand(operationID), "event-1", f.Now()))
		f.dead("event-1", "MaxDeliveryCountExceeded")
		assert.Equal(t, diagnosis.CodeDeliveryExhausted, f.RequireStatus(operationID,
			integration.OperationFailed).Error.Code)
		assert.Empty(t, f.Keys("integrations/"))
	})
	t.Run("rubbish", func(t *testing.T) {
		f := newFixture(t)
		ctx, record := invocation.With(t.Context())
		require.NoError(t, f.worker.DeadLettered(ctx, message.Delivery{Body: []byte("rubbish"), MessageID: "m-9",
			ApplicationProperties: map[string]any{"DeadLetterReason": "own",
				"DeadLetterErrorDescription": "why not"}}))
		assert.Contains(t, f.RequireStatus("m-9", integration.OperationFailed).Error.Detail, "why not")
		_, operation, code := record.Values()
		assert.Equal(t, "m-9", operation)
		assert.Equal(t, "dead-lettered", code)
	})
	t.Run("with news that nobody was told", func(t *testing.T) {
		f := newFixture(t)
		c := f.submitted()
		_ = f.worker.Handle(f.Doom(t.Context(), 7, false), c) // the event is the seventh effect
		require.True(t, f.IsDead())
		f.Revive()
		require.Empty(t, f.events())
		f.dead(c.OperationID, "MaxDeliveryCountExceeded")
		assert.Equal(t, []string{"provisioned provisioned", "failed failed"}, f.events())
	})
}

func TestDeadLettersOfFollowUps(t *testing.T) {
	t.Parallel()
	t.Run("of the last operation", func(t *testing.T) {
		f := newFixture(t)
		c := f.submitted()
		f.handle(c)
		for _, message := range []string{"-verify-0", "-verify-retry-1", "-verify-retry-2"} {
			assert.Empty(t, f.Document().Status.Conditions, "it is sent again, as often as it is tried")
			f.dead(c.OperationID+message, "TTLExpiredException")
		}
		assert.Equal(t, diagnosis.CodeMessageExpired, f.Document().Status.Conditions[0].Reason)
		assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
		f.RequireStatus(c.OperationID, integration.OperationSucceeded)
	})
	t.Run("of a superseded operation", func(t *testing.T) {
		f := newFixture(t)
		c := f.submitted()
		f.handle(c)
		f.submitted()
		f.dead(c.OperationID+"-verify-0", "TTLExpiredException")
		assert.Empty(t, f.Document().Status.Conditions)
	})
}
