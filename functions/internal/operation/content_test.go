package operation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

// TestAnotherContentUnderTheSameID is refused and recorded, and neither swallowed nor carried out: whoever has sent it
// would else believe that it was done.
func TestAnotherContentUnderTheSameID(t *testing.T) {
	t.Parallel()
	spec := func(name string) *integration.Spec { return &integration.Spec{DisplayName: name} }
	for name, c := range map[string]struct{ first, second message.Command }{
		"spec": {message.Command{Type: message.TypeProvision, Spec: spec("one")},
			message.Command{Type: message.TypeProvision, Spec: spec("two")}},
		"purge": {teardownCommand(false), teardownCommand(true)},
		"mode": {message.Command{Type: message.TypeAccessTest}, message.Command{Type: message.TypeAccessTest,
			Mode: "oracle"}},
		"kind": {message.Command{Type: message.TypeAccessTest}, teardownCommand(false)},
		"integration": {message.Command{Type: message.TypeProvision, Spec: spec("one")},
			message.Command{Type: message.TypeProvision, IntegrationID: "another", Spec: spec("one")}},
	} {
		for state, handled := range map[string]bool{"ended": true, "begun": false} {
			t.Run(name+", "+state, func(t *testing.T) {
				t.Parallel()
				c := c // both states fill it in
				f := newFixture(t)
				f.handle(f.submitted())
				f.Advance(1)
				for i, command := range []*message.Command{&c.first, &c.second} {
					command.OperationID, command.ID = operationID, []string{"event-1", "event-2"}[i]
					if command.IntegrationID == "" {
						command.IntegrationID = id
					}
				}
				if handled {
					f.handle(c.first)
				} else {
					require.Error(t, f.worker.Handle(f.Doom(t.Context(), 4, true), c.first))
					f.Revive()
				}
				op, before := f.Operation(operationID), f.Document()
				ctx, record := invocation.With(t.Context())
				require.NoError(t, f.worker.Handle(ctx, c.second))
				assert.Equal(t, op, f.Operation(operationID), "the first one's record says what the first came to")
				assert.Equal(t, before, f.Document())
				_, _, code := record.Values()
				assert.Equal(t, "operation-id-reused", code)
				refusals := 0
				for _, key := range f.Keys("operations/") {
					other, err := f.Repository.GetOperation(t.Context(), key[len("operations/"):len(key)-len(".json")])
					require.NoError(t, err)
					if other.Error != nil && other.Error.Code == diagnosis.CodeOperationIDReused {
						refusals++
						assert.Equal(t, integration.OperationFailed, other.Status)
						assert.Equal(t, c.second.IntegrationID, other.IntegrationID)
						assert.Equal(t, f.Now(), other.CreatedAt)
					}
				}
				assert.Equal(t, 1, refusals)
			})
		}
	}
}

// TestASentCommandNamesItsOperation: its own id, its integration's session, and nothing that could be another's.
func TestASentCommandNamesItsOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, record := invocation.With(t.Context())
	a, err := f.submit(ctx, provisionCommand(operationID))
	require.NoError(t, err)
	m := f.Message(operationID)
	assert.Equal(t, id, m.SessionID)
	assert.Equal(t, message.TypeProvision, m.Subject)
	assert.True(t, m.EnqueueAt.IsZero(), "at once")
	assert.Contains(t, string(m.Body), `"operationId":"`+operationID+`"`)
	assert.Contains(t, string(m.Body), `"source":"`+operationtest.Source+`"`)
	assert.Contains(t, string(m.Body), `"time":"2026-01-02T03:04:05Z"`)
	assert.Equal(t, integration.Operation{ID: operationID, Kind: integration.KindProvision,
		Status: integration.OperationNotStarted, IntegrationID: id, Steps: []integration.Step{}, CreatedAt: f.Now(),
		LastUpdatedAt: f.Now(), RequestHash: a.Operation.RequestHash, ETag: a.Operation.ETag,
		FirstOperationID: operationID}, a.Operation)
	assert.Equal(t, f.Now(), a.Document.CreatedAt)
	assert.Equal(t, operationID, a.Document.FirstOperationID)
	integrationID, noted, _ := record.Values()
	assert.Equal(t, []string{id, operationID}, []string{integrationID, noted})
	assert.Len(t, a.Operation.RequestHash, 64)
}

// TestAnIntentThatCannotBeHashed is refused before anything is written.
func TestAnIntentThatCannotBeHashed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := f.intent(provisionCommand(""))
	in.Content = func() {}
	_, err := f.Engine.Submit(t.Context(), in)
	require.ErrorContains(t, err, "hash request")
	assert.Empty(t, f.Keys(""))
}

// TestAnOperationOfAnEarlierLife does not begin the integration that has its name now.
func TestAnOperationOfAnEarlierLife(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	second := provisionCommand("second")
	f.mustSubmit(second)
	f.Advance(1)
	changed, err := f.submit(t.Context(), provisionCommand(""))
	require.NoError(t, err)
	assert.False(t, changed.Created, "it changes what there is")
	f.handle(f.Command(changed.Operation.ID))
	f.Advance(1)
	f.mustSubmit(teardownCommand(false))
	f.handle(teardownCommand(false))
	f.Advance(1)
	anew, err := f.submit(t.Context(), provisionCommand("anew"))
	require.NoError(t, err)
	assert.True(t, anew.Created, "made again after a teardown")
	assert.Equal(t, f.Now(), anew.Document.CreatedAt)
	assert.Equal(t, "anew", anew.Document.FirstOperationID)
}

// TestAResultThatCannotBeEncoded is an error, and the operation does not succeed without it.
func TestAResultThatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = nil
	for name, run := range map[string]operation.Run{"succeeded": nothingEncodable(nil),
		"failed": nothingEncodable(&diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeRoleMissing)})} {
		f.provision = run
		require.ErrorContains(t, f.worker.Handle(t.Context(), c), "encode result", name)
		assert.False(t, f.Operation(c.OperationID).Status.IsFinal(), name)
	}
}
