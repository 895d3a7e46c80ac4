package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

// TestEachOutcomeOfAStep: what tells what became of an object is kept, and anything else gives way to the newest.
func TestEachOutcomeOfAStep(t *testing.T) {
	t.Parallel()
	for outcome, kept := range map[string]bool{"created": true, "updated": true, "deleted": true, "restored": true,
		"adopted": true, "unchanged": false, "absent": false} {
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
			assert.True(t, a.IsFirst())
			assert.Zero(t, a.Number())
			return nil, nil
		}
		f.handle(f.submitted())
		f.provision = func(_ context.Context, a *operation.Attempt) (any, error) {
			assert.False(t, a.IsFirst(), "it changes what another operation has begun")
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

// TestARejectionUnderAnIDThatIsTaken is a record of its own, once.
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
		"of another message, with the same code": {integration.Operation{Status: integration.OperationFailed,
			Error: &diagnosis.Diagnosis{Code: diagnosis.CodeNotJSON}}, 2},
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
			f.Advance(longAfter)
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

// TestADeadLetterUnderAnIDThatIsTaken harms no operation of another integration, and has a record of its own, named by
// the message and not by the event: a broker may deliver one event in two messages.
func TestADeadLetterUnderAnIDThatIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	taken, err := f.Repository.CreateOperation(t.Context(), integration.Operation{ID: operationID,
		Kind: integration.KindProvision, IntegrationID: "another", Status: integration.OperationRunning})
	require.NoError(t, err)
	require.NoError(t, f.Engine.Send(t.Context(), teardownCommand(false), "event-1", f.Now()))
	for _, messageID := range []string{"m-1", "m-2", "m-1"} {
		d := f.Delivery("event-1")
		d.MessageID = messageID
		d.ApplicationProperties = map[string]any{"DeadLetterReason": "MaxDeliveryCountExceeded"}
		require.NoError(t, f.worker.DeadLettered(t.Context(), d))
		name := uuid.NewSHA1(uuid.NameSpaceURL, []byte("ddoe-wif:"+operationID+"|"+messageID)).String()
		op := f.RequireStatus(name, integration.OperationFailed)
		assert.Equal(t, integration.KindDeprovision, op.Kind)
		assert.Equal(t, id, op.IntegrationID)
		assert.Equal(t, diagnosis.CodeDeliveryExhausted, op.Error.Code)
	}
	assert.Equal(t, taken, f.Operation(operationID))
	assert.Len(t, f.Keys("operations/"), 3)
	assert.Empty(t, f.events())
}

// TestNewsThatCannotBeKeptHaveTheMessageDeliveredAgain: where the topic takes nothing and the store no mark, only the
// broker is left to remember.
func TestNewsThatCannotBeKeptHaveTheMessageDeliveredAgain(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]operation.Run{"a command that is done": nil,
		"a command that fails": failing(diagnosis.CodeOperationIDReused)} {
		f := newFixture(t)
		f.Refuse(message.TopicEvents, errNoLink)
		first := f.submitted()
		f.handle(first)
		c := first
		if run != nil {
			f.provision = run
			c = f.submitted()
		}
		f.failPuts("outbox/")
		err := f.worker.Handle(t.Context(), c)
		requireCode(t, diagnosis.CodeStoreUnavailable, err)
		require.ErrorIs(t, err, errClosed, name)
	}
}

var errClosed = errors.New("403 AuthorizationFailure")

// failPuts has the store take nothing below a prefix.
func (f *fixture) failPuts(prefix string) { f.Store.Records = closedBelow{f.Store.Records, prefix} }

type closedBelow struct {
	integration.Store
	prefix string
}

// Put implements integration.Store.
func (c closedBelow) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	if strings.HasPrefix(key, c.prefix) {
		return "", errClosed
	}
	return c.Store.Put(ctx, key, body, ifMatch)
}

// TestAnOperationShowsThatItHasBegun with the first thing that is saved, and is not written again without news.
func TestAnOperationShowsThatItHasBegun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	learn := func(d *integration.Document) { d.Status.Identity.ID += "x" }
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		require.NoError(t, a.Save(ctx, learn))
		f.RequireStatus(c.OperationID, integration.OperationRunning)
		before := len(f.Store.Calls())
		require.NoError(t, a.Save(ctx, learn))
		assert.Equal(t, []operationtest.Call{{Name: operationtest.CallPut, Key: documentKey}},
			f.Store.Calls()[before:])
		a.Step(integration.Step{Name: "one", Outcome: "unchanged"})
		require.NoError(t, a.Save(ctx, nil))
		assert.Equal(t, []operationtest.Call{{Name: operationtest.CallPut, Key: documentKey},
			{Name: operationtest.CallPut, Key: "operations/" + c.OperationID + ".json"}}, f.Store.Calls()[before:])
		assert.Len(t, f.Operation(c.OperationID).Steps, 1)
		assert.Equal(t, c, a.Command())
		return nil, nil
	}
	f.handle(c)
	assert.Equal(t, "xx", f.Document().Status.Identity.ID)
}

// TestAnUnknownCommandIsRecordedOnce, with its code in the invocation's line.
func TestAnUnknownCommandIsRecordedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := message.Command{Type: "ai.ddoe.wif.other.v1", ID: "event-1", IntegrationID: id, OperationID: "event-1"}
	ctx, record := invocation.With(t.Context())
	require.NoError(t, f.worker.Handle(ctx, c))
	integrationID, operation, code := record.Values()
	assert.Equal(t, []string{id, "event-1", "unknown-command"}, []string{integrationID, operation, code})
	first := f.Operation("event-1")
	assert.Equal(t, id, first.IntegrationID)
	assert.Equal(t, f.Now(), first.CreatedAt)
	f.Advance(1)
	f.handle(c)
	assert.Equal(t, first, f.Operation("event-1"))
	running, err := f.Repository.CreateOperation(t.Context(), integration.Operation{ID: "event-2",
		Kind: integration.KindUnknown, IntegrationID: id, Status: integration.OperationRunning,
		Waiting: &integration.Waiting{}})
	require.NoError(t, err)
	c.ID, c.OperationID = "event-2", running.ID
	f.handle(c)
	ended := f.RequireStatus("event-2", integration.OperationFailed)
	assert.Nil(t, ended.Waiting)
	assert.Equal(t, diagnosis.CodeUnknownCommand, ended.Error.Code)
	c.IntegrationID = "another"
	f.handle(c)
	assert.Equal(t, ended, f.Operation("event-2"), "it is another integration's")
	assert.Len(t, f.Keys("operations/"), 3)
}

// TestAnEventIsWhole: the operation, the phase and the words of what has failed, in the order in which it happened.
func TestAnEventIsWhole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = failing(diagnosis.CodeRoleMissing)
	f.handle(c)
	condition := f.Document().Status.Conditions[0]
	found := diagnosis.New(diagnosis.CodeRoleMissing)
	assert.Equal(t, integration.Condition{Type: integration.ConditionProvisioned, Status: "False",
		Reason: found.Code, Message: found.Detail, LastTransitionTime: f.Now(), Diagnosis: condition.Diagnosis},
		condition)
	asked := f.Sent()[len(f.Sent())-1]
	assert.Equal(t, message.QueueHealth, asked.Entity, "health is to look at what has become of it")
	check, err := message.ParseHealthCheck(message.Delivery{Body: asked.Body, MessageID: asked.ID})
	require.NoError(t, err)
	assert.Equal(t, message.HealthCheck{ID: c.OperationID + "-healthcheck-20260102T030405Z", IntegrationID: id}, check)
	sent := f.Sent()[len(f.Sent())-2]
	assert.Equal(t, c.OperationID+"-failed", sent.ID)
	assert.Equal(t, message.TypeIntegrationFailed, sent.Subject)
	var event struct {
		Type, Source, Time string
		Data               message.Summary
	}
	require.NoError(t, json.Unmarshal(sent.Body, &event))
	assert.Equal(t, []string{message.TypeIntegrationFailed, operationtest.Source, "2026-01-02T03:04:05Z"},
		[]string{event.Type, event.Source, event.Time})
	assert.Equal(t, c.OperationID, event.Data.OperationID)
	assert.Equal(t, id, event.Data.IntegrationID)
	assert.Equal(t, integration.PhaseFailed, event.Data.Phase)
	require.NotNil(t, event.Data.Diagnosis)
	assert.Equal(t, found.Code, event.Data.Diagnosis.Code)
	assert.Equal(t, found.Detail, event.Data.Diagnosis.Detail)
}

// TestOptionsAreAllRequired: an engine that would fail at its first use is not made.
func TestOptionsAreAllRequired(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	whole := operation.Options{Repository: f.Repository, Send: f.Send, Now: f.Now, Source: "/test", Retention: 1,
		Producers: caller.Queue("")}
	for name, take := range map[string]func(o *operation.Options){
		"repository": func(o *operation.Options) { o.Repository = nil },
		"send":       func(o *operation.Options) { o.Send = nil },
		"clock":      func(o *operation.Options) { o.Now = nil },
		"source":     func(o *operation.Options) { o.Source = "" },
		"retention":  func(o *operation.Options) { o.Retention = 0 },
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
	for _, kept := range []error{nil, integration.ErrNotFound, context.Canceled,
		context.DeadlineExceeded, operation.ErrSuperseded, operation.ErrDone, worded} {
		assert.Equal(t, kept, operation.StoreError(kept))
	}
	for _, other := range []error{errors.New("a slip"), integration.ErrConflict} {
		err := operation.StoreError(other)
		requireCode(t, diagnosis.CodeStoreUnavailable, err)
		require.ErrorIs(t, err, other)
	}
}
