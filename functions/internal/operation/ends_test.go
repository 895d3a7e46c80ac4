package operation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// TestEachOutcomeOfAStep: what tells what became of an object is kept, and anything else gives way to the newest.
func TestEachOutcomeOfAStep(t *testing.T) {
	t.Parallel()
	for outcome, kept := range map[string]bool{"created": true, "updated": true, "deleted": true, "restored": true,
		"adopted": true, "ensured": false, "unchanged": false, "absent": false, "left": false} {
		for _, status := range []string{"done", "failed"} {
			f := newFixture(t)
			c := f.submitted()
			f.provision = func(_ context.Context, a *operation.Attempt) (any, error) {
				a.Step(integration.Step{Name: "object", Target: "a", Status: status, Outcome: outcome, RequestID: "1"})
				a.Step(integration.Step{Name: "object", Target: "b", Status: status, Outcome: outcome, RequestID: "2"})
				a.Step(integration.Step{Name: "other", Target: "a", Status: status, Outcome: outcome, RequestID: "3"})
				a.Step(integration.Step{Name: "object", Target: "a", Status: "done", Outcome: "unchanged",
					RequestID: "4"})
				assert.Len(t, a.Operation().Steps, 3, "before they are written, too")
				return nil, nil
			}
			f.handle(c)
			want := []string{"2", "3", "4"}
			if kept && status == "done" {
				want = []string{"1", "2", "3"}
			}
			var got []string
			for _, s := range f.Operation(c.OperationID).Steps {
				got = append(got, s.RequestID)
			}
			assert.Equal(t, want, got, "%s, %s", outcome, status)
		}
	}
}

// TestOneStepThatTellsIsNews, and one that found all as it was is none.
func TestOneStepThatTellsIsNews(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcomes []string
		want     bool
	}{{nil, false}, {[]string{"unchanged"}, false}, {[]string{"unchanged", "created"}, true},
		{[]string{"", "unchanged"}, true}} {
		f := newFixture(t)
		f.provision = func(_ context.Context, a *operation.Attempt) (any, error) {
			for i, outcome := range c.outcomes {
				a.Step(integration.Step{Name: fmt.Sprint(i), Outcome: outcome})
			}
			assert.Equal(t, c.want, a.HasNews(), "%v", c.outcomes)
			assert.True(t, a.Begins())
			assert.Zero(t, a.Number())
			return nil, nil
		}
		f.handle(f.submitted())
		f.provision = func(_ context.Context, a *operation.Attempt) (any, error) {
			assert.False(t, a.Begins(), "it changes what another operation has begun")
			return nil, nil
		}
		f.handle(f.submitted())
	}
}

// TestAFailureOfAnOvertakenOperation harms the document of the one that took over in no way, and is told by nobody.
func TestAFailureOfAnOvertakenOperation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(f *fixture)
		phase     integration.Phase
	}{
		"overtaken": {func(f *fixture) { f.submitted() }, integration.PhasePending},
		"torn down": {func(f *fixture) {
			_, err := f.Repository.Update(f.t.Context(), id, func(d *integration.Document) error {
				d.Status.Phase = integration.PhaseDeleted
				return nil
			})
			require.NoError(f.t, err)
		}, integration.PhaseDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			command := f.submitted()
			f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
				c.meanwhile(f)
				return failing(diagnosis.CodeRoleMissing)(ctx, a)
			}
			f.handle(command)
			assert.Equal(t, diagnosis.CodeRoleMissing, f.RequireStatus(command.OperationID,
				integration.OperationFailed).Error.Code)
			assert.Equal(t, c.phase, f.Document().Status.Phase)
			assert.Empty(t, f.Document().Status.Conditions)
			assert.Empty(t, f.events())
		})
	}
}

// TestAllNewsThatWaitAreTold, each in its own words: the topic was closed while one operation after the other ended.
func TestAllNewsThatWaitAreTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Refuse(message.TopicEvents, errNoLink)
	f.handle(f.submitted())
	f.provision = failing(diagnosis.CodeRoleMissing)
	f.handle(f.submitted())
	f.provision = made
	f.handle(f.submitted())
	f.mustSubmit(teardownCommand(false))
	f.handle(teardownCommand(false))
	assert.Empty(t, f.events())
	assert.Contains(t, f.Log.String(), "queue-unavailable", "an operator sees why")
	f.Refuse(message.TopicEvents, nil)
	f.sweep()
	assert.Equal(t, []string{"provisioned provisioned", "failed failed", "provisioned provisioned", "deleted deleted"},
		f.events())
	for _, s := range f.Sent() {
		if s.Subject == message.TypeIntegrationFailed {
			assert.Contains(t, string(s.Body), `"role-missing"`)
		}
	}
}

// TestARejectionUnderAnIDThatIsTaken is a record of its own, unless the one that is there is its own.
func TestARejectionUnderAnIDThatIsTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		taken integration.Operation
		want  int
	}{
		"failed for another reason": {integration.Operation{Status: integration.OperationFailed,
			Error: &diagnosis.Diagnosis{Code: diagnosis.CodeRoleMissing}}, 2},
		"failed, and nobody knows why": {integration.Operation{Status: integration.OperationFailed}, 2},
		"succeeded":                    {integration.Operation{Status: integration.OperationSucceeded}, 2},
		"running, with the same code": {integration.Operation{Status: integration.OperationRunning,
			Error: &diagnosis.Diagnosis{Code: diagnosis.CodeNotJSON}}, 2},
		"its own": {integration.Operation{Status: integration.OperationFailed,
			Error: &diagnosis.Diagnosis{Code: diagnosis.CodeNotJSON}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c.taken.ID = "m-1"
			before, err := f.Repository.CreateOperation(t.Context(), c.taken)
			require.NoError(t, err)
			d := message.Delivery{Body: []byte("{not json"), MessageID: "m-1", SessionID: id}
			ctx, record := invocation.With(t.Context())
			_, err = message.ParseCommand(d)
			var rejection *message.Rejection
			require.ErrorAs(t, err, &rejection)
			require.NoError(t, f.worker.Reject(ctx, d, rejection))
			f.reject(d)
			assert.Len(t, f.Keys("operations/"), c.want)
			assert.Equal(t, before.ETag, f.Operation("m-1").ETag)
			integrationID, operationID, code := record.Values()
			assert.Equal(t, []string{id, "m-1", string(diagnosis.CodeNotJSON)},
				[]string{integrationID, operationID, code})
		})
	}
}

// TestADeadLetterTellsWhatTheQueueSaid, in each of its words, in the operation and in the invocation's line.
func TestADeadLetterTellsWhatTheQueueSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reason, description any
		code                diagnosis.Code
		detail              string
	}{
		"delivered too often": {"MaxDeliveryCountExceeded", "10 times", diagnosis.CodeDeliveryExhausted,
			"The message was dead-lettered: MaxDeliveryCountExceeded (10 times)."},
		"too old": {"TTLExpiredException", nil, diagnosis.CodeMessageExpired,
			"The message was dead-lettered: TTLExpiredException."},
		"another reason": {"HeaderSizeExceeded", nil, diagnosis.CodeDeadLettered,
			"The message was dead-lettered: HeaderSizeExceeded."},
		"no reason": {nil, "because", diagnosis.CodeDeadLettered, "The message was dead-lettered (because)."},
		"not text":  {7, 8, diagnosis.CodeDeadLettered, "The message was dead-lettered."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.mustSubmit(provisionCommand(operationID))
			d := f.Delivery(operationID)
			d.ApplicationProperties = map[string]any{}
			for property, value := range map[string]any{"DeadLetterReason": c.reason,
				"DeadLetterErrorDescription": c.description} {
				if value != nil {
					d.ApplicationProperties[property] = value
				}
			}
			ctx, record := invocation.With(t.Context())
			require.NoError(t, f.worker.DeadLettered(ctx, d))
			op := f.RequireStatus(operationID, integration.OperationFailed)
			assert.Equal(t, c.code, op.Error.Code)
			assert.Equal(t, c.detail, op.Error.Detail)
			assert.Equal(t, []string{"rejected/" + operationID + ".json"}, f.Keys("rejected/"))
			integrationID, operation, code := record.Values()
			assert.Equal(t, []string{id, operationID, string(c.code)}, []string{integrationID, operation, code})
			assert.Equal(t, c.code, f.Document().Status.Conditions[0].Reason)
		})
	}
}

// TestADeadLetterUnderAnIDThatIsTaken harms no operation of another integration.
func TestADeadLetterUnderAnIDThatIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Repository.CreateOperation(t.Context(), integration.Operation{ID: operationID,
		Kind: integration.KindProvision, IntegrationID: "another", Status: integration.OperationRunning})
	require.NoError(t, err)
	require.NoError(t, f.Engine.Send(t.Context(), provisionCommand(operationID), "event-1", f.Now()))
	f.dead("event-1", "MaxDeliveryCountExceeded")
	f.RequireStatus(operationID, integration.OperationRunning)
	assert.Len(t, f.Keys("operations/"), 2)
	f.requireNews()
}

// TestOptionsAreAllRequired: an engine that would fail at its first use is not made.
func TestOptionsAreAllRequired(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	whole := operation.Options{Repository: f.Repository, Send: f.Send, Now: f.Now, Source: "/test"}
	for name, take := range map[string]func(o *operation.Options){
		"repository": func(o *operation.Options) { o.Repository = nil },
		"send":       func(o *operation.Options) { o.Send = nil },
		"clock":      func(o *operation.Options) { o.Now = nil },
		"source":     func(o *operation.Options) { o.Source = "" },
	} {
		o := whole
		take(&o)
		_, err := operation.New(o)
		require.Error(t, err, name)
	}
	e, err := operation.New(whole)
	require.NoError(t, err, "a log is optional")
	_, err = operation.NewWorker(nil, map[string]operation.Task{message.TypeProvision: {
		Kind: integration.KindProvision, Run: made, Intent: f.intent}})
	require.Error(t, err)
	_, err = operation.NewWorker(e, nil)
	require.Error(t, err)
}

// TestStoreErrorKeepsWhatHasItsWords, and what others decide by; anything else is a fault of the store.
func TestStoreErrorKeepsWhatHasItsWords(t *testing.T) {
	t.Parallel()
	worded := &diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeRoleMissing)}
	for _, kept := range []error{nil, integration.ErrNotFound, context.Canceled, operation.ErrSuperseded,
		operation.ErrDone, worded} {
		assert.Equal(t, kept, operation.StoreError(kept))
	}
	for _, other := range []error{errors.New("a slip"), integration.ErrConflict, context.DeadlineExceeded} {
		err := operation.StoreError(other)
		requireCode(t, diagnosis.CodeStoreUnavailable, err)
		require.ErrorIs(t, err, other)
	}
}

func (f *fixture) requireNews(want ...string) {
	f.t.Helper()
	if len(want) == 0 {
		want = []string{}
	}
	assert.Equal(f.t, want, f.events())
}
