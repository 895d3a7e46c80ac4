package provision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
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
	f := newFixture(t)
	d := message.Delivery{Body: []byte("{not json"), MessageID: "m-1", SessionID: id}
	first := f.reject(d)
	assert.Equal(t, first, f.reject(d), "delivered again")
	op := f.requireStatus(first.OperationID, integration.OperationFailed)
	assert.Equal(t, first.Code, op.Error.Code)
	assert.Equal(t, integration.KindUnknown, op.Kind)
	assert.Equal(t, id, op.IntegrationID, "the session says whose it is")
	record, err := f.store.Get(t.Context(), "rejected/"+first.OperationID+".json")
	require.NoError(t, err)
	assert.Equal(t, "{not json", string(record.Body))
	operations, _, err := f.store.List(t.Context(), "operations/", "", 10)
	require.NoError(t, err)
	assert.Len(t, operations, 1)
}

// TestRejectSaysWhatTheMessageWas: the record has the kind that the event's type names.
func TestRejectSaysWhatTheMessageWas(t *testing.T) {
	for eventType, kind := range map[string]integration.OperationKind{
		message.TypeProvision: integration.KindProvision, message.TypeDeprovision: integration.KindDeprovision,
		message.TypeAccessTest: integration.KindAccessTest, message.TypeVerify: integration.KindProvision, "com.example.other": integration.KindUnknown,
	} {
		t.Run(eventType, func(t *testing.T) {
			for door, deliver := range map[string]func(f *fixture, d message.Delivery){
				"queue":       func(f *fixture, d message.Delivery) { f.reject(d) },
				"dead letter": func(f *fixture, d message.Delivery) { require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), d)) },
			} {
				f := newFixture(t)
				deliver(f, message.Delivery{MessageID: "m-1", SessionID: "not_an_id",
					Body: []byte(`{"specversion":"1.0","id":"m-1","source":"/x","type":"` + eventType + `","data":{"colour":"red"}}`)})
				op := f.requireStatus("m-1", integration.OperationFailed)
				assert.Equal(t, kind, op.Kind, door)
				assert.Empty(t, op.IntegrationID, door)
			}
		})
	}
}

func TestRejectHarmsNoOtherOperation(t *testing.T) {
	f := newFixture(t)
	a, cmd := f.submit(spec("images"))
	for name, d := range map[string]message.Delivery{
		"another session": {Body: f.sent[0].Body, MessageID: "m-1", SessionID: "another-one"},
		"unknown member": {MessageID: "m-2", SessionID: id, Body: []byte(`{"specversion":"1.0","id":"m-2","source":"/x","type":"ai.ddoe.wif.provision.v1",
			"data":{"integrationId":"my-service","operationId":"` + a.Operation.ID + `","colour":"red"}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			rejection := f.reject(d)
			f.reject(d)
			assert.Equal(t, a.Operation.ID, rejection.OperationID)
			f.requireStatus(a.Operation.ID, integration.OperationNotStarted)
		})
	}
	records, _, err := f.store.List(t.Context(), "operations/", "", 10)
	require.NoError(t, err)
	assert.Len(t, records, 3, "each rejection has a record of its own")
	f.handle(cmd)
	f.requireStatus(a.Operation.ID, integration.OperationSucceeded)
}

func TestDeadLetters(t *testing.T) {
	dead := func(f *fixture, messageID, reason string) {
		f.mu.Lock()
		var d message.Delivery
		for _, s := range f.sent {
			if s.ID == messageID {
				d = message.Delivery{Body: s.Body, MessageID: s.ID, SessionID: s.SessionID, ApplicationProperties: map[string]any{
					"DeadLetterReason": reason, "DeadLetterErrorDescription": "Message could not be consumed after 10 delivery attempts."}}
			}
		}
		f.mu.Unlock()
		require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), d))
		require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), d))
	}
	t.Run("a command", func(t *testing.T) {
		f := newFixture(t)
		a, _ := f.submit(spec("images"))
		dead(f, a.Operation.ID, "MaxDeliveryCountExceeded")
		found := f.requireStatus(a.Operation.ID, integration.OperationFailed).Error
		assert.Equal(t, "delivery-exhausted", found.Code)
		assert.Contains(t, found.Detail, "after 10 delivery attempts")
		assert.Equal(t, integration.PhaseFailed, f.document().Status.Phase)
		assert.Equal(t, []string{"failed"}, f.events())
	})
	t.Run("a command whose operation has ended", func(t *testing.T) {
		f := newFixture(t)
		d := f.provisioned(spec("images"))
		dead(f, d.Status.LastOperationID, "TTLExpiredException")
		f.requireStatus(d.Status.LastOperationID, integration.OperationSucceeded)
		assert.Equal(t, integration.PhaseProvisioned, f.document().Status.Phase)
	})
	t.Run("a verification", func(t *testing.T) {
		f := newFixture(t)
		d := f.provisioned(spec("images"))
		dead(f, d.Status.LastOperationID+"-verify-0", "TTLExpiredException")
		assert.Equal(t, "message-expired", f.condition("Verified").Reason)
		assert.Equal(t, integration.PhaseProvisioned, f.document().Status.Phase)
	})
	t.Run("rubbish", func(t *testing.T) {
		f := newFixture(t)
		d := message.Delivery{Body: []byte("rubbish"), MessageID: "m-9", ApplicationProperties: map[string]any{"DeadLetterReason": "own", "DeadLetterErrorDescription": "why not"}}
		require.NoError(t, f.worker.DeadLettered(t.Context(), d))
		records, _, err := f.store.List(t.Context(), "operations/", "", 10)
		require.NoError(t, err)
		require.Len(t, records, 1)
		assert.Contains(t, string(records[0].Body), "why not")
	})
}
