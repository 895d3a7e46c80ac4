package operation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
)

func TestAnOperationSucceeds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.handle(c)
	op := f.RequireStatus(c.OperationID, integration.OperationSucceeded)
	assert.JSONEq(t, `{"objectId":"object-1"}`, string(op.Result))
	require.Len(t, op.Steps, 1)
	assert.Equal(t, "created", op.Steps[0].Outcome)
	assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
	assert.Equal(t, []string{"provisioned provisioned"}, f.events())
	assert.Empty(t, f.Document().Outbox, "what was told is not kept")
	verify := f.Message(c.OperationID + "-verify-0")
	assert.Equal(t, f.Now().Add(time.Minute), verify.EnqueueAt)
	assert.Equal(t, id, verify.SessionID)

	f.provision = failing(diagnosis.CodeRoleMissing)
	f.handle(c)
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
	assert.Len(t, f.events(), 1, "delivered again after the end, nothing is done")
}

// TestKilledAnywhere kills the worker before and after each write and message, delivers the command again, and
// expects one end and one event.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	submitted := func(f *fixture, c message.Command) {
		_, err := f.submit(f.t.Context(), c)
		require.NoError(f.t, err)
	}
	teardown := message.Command{Type: message.TypeDeprovision, IntegrationID: id, OperationID: "teardown-1"}
	for name, c := range map[string]struct {
		prepare func(f *fixture)
		command message.Command
		status  integration.OperationStatus
		phase   integration.Phase
		events  []string
	}{
		"by request": {func(f *fixture) { submitted(f, provisionCommand(operationID)) }, provisionCommand(operationID),
			integration.OperationSucceeded, integration.PhaseProvisioned, []string{"provisioned provisioned"}},
		"by message": {func(*fixture) {}, message.Command{Type: message.TypeProvision, IntegrationID: id,
			OperationID: operationID, Spec: &integration.Spec{}},
			integration.OperationSucceeded, integration.PhaseProvisioned, []string{"provisioned provisioned"}},
		"fails": {func(f *fixture) {
			submitted(f, provisionCommand(operationID))
			f.provision = failing(diagnosis.CodeRoleMissing)
		}, provisionCommand(operationID),
			integration.OperationFailed, integration.PhaseFailed, []string{"failed failed"}},
		"teardown": {func(f *fixture) { f.handle(f.submitted()); submitted(f, teardown) }, teardown,
			integration.OperationSucceeded, integration.PhaseDeleted,
			[]string{"provisioned provisioned", "deleted deleted"}},
	} {
		t.Run(name, func(t *testing.T) {
			killedAnywhere(t, c.prepare,
				func(f *fixture, ctx context.Context) { _ = f.worker.Handle(ctx, c.command) },
				func(f *fixture) {
					f.handle(c.command)
					f.RequireStatus(c.command.OperationID, c.status)
					assert.Equal(f.t, c.phase, f.Document().Status.Phase)
					assert.Equal(f.t, c.events, f.events())
					assert.Empty(f.t, f.Document().Outbox)
					listed, _ := f.listed(operation.Listing{IntegrationID: id, Limit: 10})
					assert.Contains(f.t, listed, c.command.OperationID)
				})
		})
	}
}

func TestHandledAtTheSameTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { assert.NoError(t, f.worker.Handle(t.Context(), c)) })
	}
	group.Wait()
	op := f.RequireStatus(c.OperationID, integration.OperationSucceeded)
	assert.Len(t, op.Steps, 1)
	assert.Equal(t, []string{"provisioned provisioned"}, f.events())
	assert.Empty(t, f.Document().Outbox)
}

// TestRoundTripsToTheStore counts those that follow one another, by a store each of whose answers takes a second of
// virtual time: at most four before the first write to a cloud, and two after each hop.
func TestRoundTripsToTheStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		byMessage bool
		first     int
	}{"by request": {false, 3}, "by message": {true, 4}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				command := provisionCommand(operationID)
				if c.byMessage {
					command.Spec = &integration.Spec{}
				} else {
					_, err := f.submit(t.Context(), command)
					require.NoError(t, err)
				}
				f.Store.Records = slow{f.Store.Records}
				last := time.Now()
				since := func() int {
					trips := int(time.Since(last) / time.Second)
					last = time.Now()
					return trips
				}
				f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
					assert.NoError(t, a.Save(ctx, func(d *integration.Document) {
						d.Status.Phase = integration.PhaseProvisioning
					}))
					assert.Equal(t, c.first, since(), "before the first write to a cloud")
					for hop := range 3 {
						a.Step(integration.Step{Name: fmt.Sprint("hop ", hop), Status: "done"})
						assert.NoError(t, a.Save(ctx, func(d *integration.Document) {
							d.Status.Identity.ID = fmt.Sprint(hop)
						}))
						assert.LessOrEqual(t, since(), 1, "after a hop")
					}
					a.Step(integration.Step{Name: "last", Status: "done"})
					return nil, a.Conclude(ctx, nil, func(d *integration.Document) error {
						d.Status.Phase = integration.PhaseProvisioned
						return nil
					}, operation.News{Type: message.TypeIntegrationProvisioned})
				}
				before := len(f.Store.Calls())
				f.handle(command)
				assert.Equal(t, 2, since(), "after the last hop, to the end")
				assert.Len(t, f.RequireStatus(operationID, integration.OperationSucceeded).Steps, 4)
				reads := 0
				for _, call := range f.Store.Calls()[before:] {
					if call == (operationtest.Call{Name: operationtest.CallGet, Key: "integrations/" + id + ".json"}) {
						reads++
					}
				}
				assert.Equal(t, 1, reads, "the document is read once")
			})
		})
	}
}

// slow is a store whose answers take a second.
type slow struct{ integration.Store }

func (s slow) Get(ctx context.Context, key string) (integration.Record, error) {
	time.Sleep(time.Second)
	return s.Store.Get(ctx, key)
}

func (s slow) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	time.Sleep(time.Second)
	return s.Store.Put(ctx, key, body, ifMatch)
}

func TestSupersededBeforeItBegins(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.submitted(), f.submitted()
	ran := false
	run := f.provision
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		ran = true
		return run(ctx, a)
	}
	ctx, record := invocation.With(t.Context())
	require.NoError(t, f.worker.Handle(ctx, first))
	assert.False(t, ran)
	assert.Equal(t, diagnosis.CodeSuperseded, f.RequireStatus(first.OperationID,
		integration.OperationCanceled).Error.Code)
	_, _, code := record.Values()
	assert.Equal(t, "superseded", code)
	f.handle(second)
	f.RequireStatus(second.OperationID, integration.OperationSucceeded)
}

// TestSupersededOnTheWay: what was learnt is kept, as the next operation needs it; the phase is the next one's.
func TestSupersededOnTheWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at     int // the save before which another operation takes over
		object string
	}{"at the first save": {0, ""}, "at the second": {1, "object-1"}, "at the end": {2, "object-1"}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			first := f.submitted()
			var second message.Command
			saves := 0
			f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
				takeOver := func() {
					if saves == c.at {
						second = f.submitted()
					}
					saves++
				}
				takeOver()
				if err := a.Save(ctx,
					func(d *integration.Document) { d.Status.Phase = integration.PhaseProvisioning }); err != nil {
					return nil, err
				}
				takeOver()
				err := a.Save(ctx, func(d *integration.Document) {
					d.Status.Phase, d.Status.Identity.ID = integration.PhaseProvisioning, "object-1"
				})
				if err != nil {
					return nil, err
				}
				takeOver()
				return nil, a.Conclude(ctx, nil, func(d *integration.Document) error {
					d.Status.Phase = integration.PhaseProvisioned
					return nil
				}, operation.News{Type: message.TypeIntegrationProvisioned})
			}
			f.handle(first)
			f.RequireStatus(first.OperationID, integration.OperationCanceled)
			assert.Equal(t, c.at+1, saves, "it ends there")
			d := f.Document()
			assert.Equal(t, integration.PhasePending, d.Status.Phase)
			assert.Equal(t, c.object, d.Status.Identity.ID)
			assert.Empty(t, f.events())
			f.provision = made
			f.handle(second)
			f.RequireStatus(second.OperationID, integration.OperationSucceeded)
		})
	}
}

// TestAConclusionThatIsRefusedKeepsWhatWasLearnt: the next operation needs to know what exists.
func TestAConclusionThatIsRefusedKeepsWhatWasLearnt(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(f *fixture) error{
		"superseded":    func(f *fixture) error { f.submitted(); return nil },
		"of its own":    func(*fixture) error { return operation.ErrDone },
		"it is no more": func(*fixture) error { return integration.ErrNotFound },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c := f.submitted()
			phase := f.Document().Status.Phase
			f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
				own := refuse(f)
				learn := func(d *integration.Document) {
					d.Status.Identity.ID = "object-1"
					if name == "superseded" { // the phase is the later operation's to state
						d.Status.Phase = integration.PhaseFailed
					}
				}
				err := a.Conclude(ctx, learn,
					func(d *integration.Document) error {
						d.Status.Phase, d.Status.ClientID = integration.PhaseProvisioned, "client-1"
						return own
					}, operation.News{Type: message.TypeIntegrationProvisioned})
				require.Error(t, err)
				assert.Equal(t, "object-1", a.Document().Status.Identity.ID)
				return nil, operation.ErrDone
			}
			f.handle(c)
			d := f.Document()
			assert.Equal(t, "object-1", d.Status.Identity.ID)
			assert.Equal(t, phase, d.Status.Phase)
			assert.Empty(t, d.Status.ClientID)
			assert.Empty(t, f.events())
		})
	}
}

// TestASaveKeepsWhatOthersHaveWritten: it changes the version that is there, not the one that was read.
func TestASaveKeepsWhatOthersHaveWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	health := &integration.Health{State: integration.HealthHealthy}
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		require.NoError(t, a.Save(ctx, func(d *integration.Document) {
			d.SetCondition(f.Now(), integration.ConditionVerified, "Unknown", nil, "before")
		}))
		before := a.Document()
		_, err := f.Repository.Update(ctx, id, func(d *integration.Document) error {
			d.Status.Health = health
			return nil
		})
		require.NoError(t, err)
		require.NoError(t, a.Save(ctx, func(d *integration.Document) {
			d.Status.Identity.ID = "object-1"
			d.SetCondition(f.Now(), integration.ConditionVerified, "Unknown", nil, "after")
		}))
		assert.Equal(t, health, a.Document().Status.Health)
		assert.Empty(t, before.Status.Identity.ID)
		assert.Equal(t, "before", before.Status.Conditions[0].Message, "a copy that was handed out stays as it is")
		return nil, nil
	}
	f.handle(c)
	assert.Equal(t, health, f.Document().Status.Health)
	assert.Equal(t, "object-1", f.Document().Status.Identity.ID)
}

// TestEndedByOthersOnTheWay: the attempt goes no further, and what it did is noted.
func TestEndedByOthersOnTheWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	reached := false
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		a.Step(integration.Step{Name: "object", Status: "done", Outcome: "created"})
		_, err := updateOperation(ctx, f.Repository, c.OperationID, func(o *integration.Operation) error {
			o.Status = integration.OperationFailed
			return nil
		})
		require.NoError(t, err)
		if err := a.Save(ctx, func(d *integration.Document) { d.Status.Identity.ID = "object-1" }); err != nil {
			return nil, err
		}
		reached = true
		return nil, nil
	}
	f.handle(c)
	assert.False(t, reached)
	assert.Len(t, f.RequireStatus(c.OperationID, integration.OperationFailed).Steps, 1)
	assert.Equal(t, "object-1", f.Document().Status.Identity.ID)
}

func TestWhatIsFinalEndsTheOperation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		a.Step(integration.Step{Name: "object", Status: "failed", Code: "role-missing"})
		return failing(diagnosis.CodeRoleMissing)(ctx, a)
	}
	f.handle(c)
	op := f.RequireStatus(c.OperationID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeRoleMissing, op.Error.Code)
	assert.Len(t, op.Steps, 1)
	d := f.Document()
	assert.Equal(t, integration.PhaseFailed, d.Status.Phase)
	require.Len(t, d.Status.Conditions, 1)
	assert.Equal(t, diagnosis.CodeRoleMissing, d.Status.Conditions[0].Reason)
	assert.Equal(t, []string{"failed failed"}, f.events())
}

// TestAFailedOperationTellsHowFarItCame: a result beside an error that ends the operation is kept, and one beside an
// error that is tried again is not.
func TestAFailedOperationTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   diagnosis.Code
		result any
		status integration.OperationStatus
		want   string
	}{
		"final, with a result": {diagnosis.CodeRoleMissing, map[string]int{"left": 2}, integration.OperationFailed,
			`{"left":2}`},
		"final, without": {diagnosis.CodeRoleMissing, nil, integration.OperationFailed, ""},
		"tried again": {diagnosis.CodeGraphUnavailable, map[string]int{"left": 2},
			integration.OperationRunning, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			cmd := f.submitted()
			f.provision = func(context.Context, *operation.Attempt) (any, error) {
				return c.result, &diagnosis.Error{Diagnosis: diagnosis.New(c.code)}
			}
			f.handle(cmd)
			assert.Equal(t, c.want, string(f.RequireStatus(cmd.OperationID, c.status).Result))
		})
	}
}

// TestATestOfAccessHoldsNothing: it fails without a word in the document, and is not superseded.
func TestATestOfAccessHoldsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(f.submitted())
	before := f.Document()
	test := message.Command{Type: message.TypeAccessTest, IntegrationID: id, OperationID: "test-1"}
	f.handle(test)
	assert.JSONEq(t, `"tested"`, string(f.RequireStatus("test-1", integration.OperationSucceeded).Result))
	f.test = failing(diagnosis.CodeRoleMissing)
	test.OperationID = "test-2"
	f.handle(test)
	f.RequireStatus("test-2", integration.OperationFailed)
	assert.Equal(t, before, f.Document())
}

func TestACommandFromTheQueueAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	command := func(eventID, operationID string, spec *integration.Spec) message.Command {
		return message.Command{Type: message.TypeProvision, ID: eventID, IntegrationID: id, OperationID: operationID,
			Spec: spec}
	}
	f.handle(command("event-1", "event-1", &integration.Spec{DisplayName: "one"}))
	f.handle(command("event-1", "event-1", &integration.Spec{DisplayName: "one"}))
	f.RequireStatus("event-1", integration.OperationSucceeded)
	assert.Equal(t, "one", f.Document().Spec.DisplayName)

	// The same operation id with another spec is refused and does no harm, however faulty that spec is.
	for n, another := range []integration.Spec{{DisplayName: "two"}, {Issuer: "faulty"}} {
		f.handle(command(fmt.Sprint("event-2-", n), "event-1", &another))
	}
	f.RequireStatus("event-1", integration.OperationSucceeded)
	assert.Equal(t, integration.PhaseProvisioned, f.Document().Status.Phase)
	assert.Len(t, f.Keys("operations/"), 3, "each refusal is an operation of its own")

	f.handle(command("event-3", "event-3", nil))
	f.RequireStatus("event-3", integration.OperationSucceeded)
	assert.Equal(t, "one", f.Document().Spec.DisplayName)
}

// TestFindingsPointIntoWhatWasSent: those of an operation that a message has started lead into the message.
func TestFindingsPointIntoWhatWasSent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(message.Command{Type: message.TypeProvision, ID: "event-1", IntegrationID: id, OperationID: "event-1",
		Spec: &integration.Spec{Issuer: "faulty"}})
	op := f.RequireStatus("event-1", integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeInvalidSpec, op.Error.Code)
	require.Len(t, op.Error.Findings, 1)
	assert.Equal(t, "/data/spec/issuer", op.Error.Findings[0].Pointer)
	assert.Empty(t, f.Keys("integrations/"))
}

func TestAnUnknownCommandIsRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handle(message.Command{Type: "ai.ddoe.wif.other.v1", ID: "event-1", IntegrationID: id, OperationID: "event-1"})
	op := f.RequireStatus("event-1", integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeUnknownCommand, op.Error.Code)
	assert.Equal(t, integration.KindUnknown, op.Kind)
}

func followedUp(t *testing.T) (*fixture, message.Command, integration.Operation) {
	f := newFixture(t)
	c := f.submitted()
	f.handle(c)
	return f, f.Command(c.OperationID + "-verify-0"), f.Operation(c.OperationID)
}

func concludeUsable(ctx context.Context, a *operation.Attempt) (any, error) {
	return nil, a.Conclude(ctx, nil, func(d *integration.Document) error {
		d.Status.Phase = integration.PhaseUsable
		return nil
	}, operation.News{Type: message.TypeIntegrationUsable})
}

// TestAFollowUpLeavesItsOperation as it has ended, whatever becomes of the follow-up.
func TestAFollowUpLeavesItsOperation(t *testing.T) {
	t.Parallel()
	t.Run("it succeeds", func(t *testing.T) {
		f, c, ended := followedUp(t)
		f.verify = concludeUsable
		f.handle(c)
		assert.Equal(t, ended, f.Operation(c.OperationID))
		assert.Equal(t, []string{"provisioned provisioned", "usable usable"}, f.events())
		assert.Empty(t, f.Document().Outbox)
	})
	t.Run("killed", func(t *testing.T) {
		var c message.Command
		killedAnywhere(t, func(f *fixture) {
			first := f.submitted()
			f.handle(first)
			f.verify, c = concludeUsable, f.Command(first.OperationID+"-verify-0")
		}, func(f *fixture, ctx context.Context) { _ = f.worker.Handle(ctx, c) }, func(f *fixture) {
			f.handle(c)
			assert.Equal(f.t, []string{"provisioned provisioned", "usable usable"}, f.events())
			assert.Empty(f.t, f.Document().Outbox)
		})
	})
	t.Run("it is superseded", func(t *testing.T) {
		f, c, ended := followedUp(t)
		f.submitted()
		f.verify = concludeUsable
		ctx, record := invocation.With(t.Context())
		require.NoError(t, f.worker.Handle(ctx, c))
		_, _, code := record.Values()
		assert.Empty(t, code, "that is nothing to look into")
		assert.Equal(t, ended, f.Operation(c.OperationID))
		assert.Equal(t, integration.PhasePending, f.Document().Status.Phase)
	})
	t.Run("it fails for good", func(t *testing.T) {
		f, c, ended := followedUp(t)
		f.verify = failing(diagnosis.CodeRoleMissing)
		f.handle(c)
		assert.Equal(t, ended, f.Operation(c.OperationID))
		assert.Equal(t, diagnosis.CodeRoleMissing, f.Document().Status.Conditions[0].Reason)
	})
	t.Run("it is tried as often as it may", func(t *testing.T) {
		f, c, ended := followedUp(t)
		f.verify = failing(diagnosis.CodeDDOEUnavailable)
		f.handle(c)
		f.handle(f.Await(c.OperationID + "-verify-retry-1"))
		f.Advance(2 * time.Minute)
		f.handle(f.Await(c.OperationID + "-verify-retry-2"))
		assert.Equal(t, diagnosis.CodeAttemptsExhausted, f.Document().Status.Conditions[0].Reason)
		assert.Equal(t, ended, f.Operation(c.OperationID))
	})
}

// TestStepsAreOneForEachObject: the one that made, changed or removed it, else the newest.
func TestStepsAreOneForEachObject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = func(_ context.Context, a *operation.Attempt) (any, error) {
		for _, s := range []integration.Step{
			{Name: "application", Status: "done", Outcome: "created", RequestID: "1"},
			{Name: "role", Target: "a", Status: "failed", Code: "arm-unavailable"},
			{Name: "role", Target: "b", Status: "done", Outcome: "unchanged", RequestID: "2"},
			{Name: "application", Status: "done", Outcome: "unchanged", RequestID: "3"},
			{Name: "role", Target: "a", Status: "done", Outcome: "created", RequestID: "4"},
			{Name: "role", Target: "b", Status: "done", Outcome: "unchanged", RequestID: "5"},
		} {
			a.Step(s)
		}
		return json.RawMessage(`{}`), nil
	}
	f.handle(c)
	var requests []string
	for _, s := range f.Operation(c.OperationID).Steps {
		requests = append(requests, s.RequestID)
	}
	assert.Equal(t, []string{"1", "4", "5"}, requests)
}

// updateOperation reads and changes an operation, as whoever ends it does.
func updateOperation(ctx context.Context, r *integration.Repository, id string,
	change func(*integration.Operation) error) (integration.Operation, error) {
	o, err := r.GetOperation(ctx, id)
	if err != nil {
		return integration.Operation{}, err
	}
	return r.UpdateOperationFrom(ctx, o, change)
}
