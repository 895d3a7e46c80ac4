package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// throttling is a run whose one request is answered with 429, and an intent to wait.
func throttling(retryAfter time.Duration) operation.Run {
	return func(context.Context, *operation.Attempt) (any, error) {
		return nil, policy.Fail(policy.ApplicationCreate, diagnosis.Context{}, throttled{retryAfter})
	}
}

// TestAParkedOperationTellsWhatItWaitsFor, when it goes on, and no more when it has gone on.
func TestAParkedOperationTellsWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ command message.Command }{
		"provisioning": {provisionCommand(operationID)},
		"provisioning by message": {message.Command{Type: message.TypeProvision, IntegrationID: id,
			OperationID: operationID, Spec: &integration.Spec{}}},
		"access test": {message.Command{Type: message.TypeAccessTest, IntegrationID: id,
			OperationID: operationID}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if c.command.Type == message.TypeAccessTest {
				f.handle(f.submitted())
			}
			if c.command.Spec == nil {
				_, err := f.submit(t.Context(), c.command)
				require.NoError(t, err)
			}
			good := [2]operation.Run{f.provision, f.test}
			f.provision, f.test = throttling(0), throttling(0)
			f.handle(c.command)
			op := f.RequireStatus(operationID, integration.OperationRunning)
			require.NotNil(t, op.Waiting)
			assert.Equal(t, "request-1", op.Waiting.Evidence.RequestID)
			assert.Contains(t, op.Waiting.Remedy.Steps, "Or end the operation while it waits: POST /api/operations/"+
				operationID+"/cancel.", "it can be canceled now")
			assert.Equal(t, 1, op.Waiting.Attempt)
			assert.Equal(t, f.Now().Add(10*time.Second), op.Waiting.NextAttemptAt)
			assert.Equal(t, op.Waiting.NextAttemptAt, f.Message(operationID+"-retry-1").EnqueueAt)

			f.Advance(time.Minute)
			f.handle(f.Command(operationID + "-retry-1"))
			second := f.Operation(operationID)
			assert.Equal(t, 2, second.Waiting.Attempt)
			assert.Equal(t, f.Now().Add(20*time.Second), second.Waiting.NextAttemptAt)
			f.handle(c.command)             // delivered late once more: the second copy is the one to wait for
			second.Waiting.IsParked = false // it may be at work
			assert.Equal(t, second.Waiting, f.Operation(operationID).Waiting)

			f.provision, f.test = good[0], good[1]
			f.handle(f.Command(operationID + "-retry-2"))
			assert.Nil(t, f.RequireStatus(operationID, integration.OperationSucceeded).Waiting)
		})
	}
}

// TestWhatAnAttemptFailedWithStays until the next one has ended.
func TestWhatAnAttemptFailedWithStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = throttling(0)
	f.handle(c)
	waiting := f.Operation(c.OperationID).Waiting
	require.NotNil(t, waiting)
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		waiting.IsParked = false
		assert.Equal(t, waiting, f.Operation(c.OperationID).Waiting)
		return made(ctx, a)
	}
	f.handle(f.Command(c.OperationID + "-retry-1"))
	assert.Nil(t, f.RequireStatus(c.OperationID, integration.OperationSucceeded).Waiting)
}

// TestAnOperationThatHasEndedDoesNotWait, however it ends.
func TestAnOperationThatHasEndedDoesNotWait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(f *fixture, c message.Command)
		want integration.OperationStatus
	}{
		"the command, delivered late once more, succeeds": {want: integration.OperationSucceeded,
			end: func(f *fixture, c message.Command) {
				f.provision = made
				f.handle(c)
			}},
		"superseded": {want: integration.OperationCanceled, end: func(f *fixture, c message.Command) {
			f.submitted()
			f.handle(f.Command(c.OperationID + "-retry-1"))
		}},
		"dead-lettered": {want: integration.OperationFailed, end: func(f *fixture, c message.Command) {
			f.Advance(longAfter)
			require.NoError(f.t, f.worker.DeadLettered(f.t.Context(), f.Delivery(c.OperationID+"-retry-1")))
		}},
		"ended while an attempt was under way": {want: integration.OperationFailed,
			end: func(f *fixture, c message.Command) {
				f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
					_, err := updateOperation(ctx, f.Repository, c.OperationID, func(o *integration.Operation) error {
						o.Status, o.Waiting = integration.OperationFailed, nil
						return nil
					})
					require.NoError(f.t, err)
					return throttling(0)(ctx, a)
				}
				f.handle(f.Command(c.OperationID + "-retry-1"))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			command := f.submitted()
			f.provision = throttling(0)
			f.handle(command)
			require.NotNil(t, f.Operation(command.OperationID).Waiting)
			c.end(f, command)
			assert.Nil(t, f.RequireStatus(command.OperationID, c.want).Waiting)
		})
	}
}

// TestKilledWhileParking: delivered again, the command parks the same copy, and the operation tells when that is due,
// although time has passed.
func TestKilledWhileParking(t *testing.T) {
	t.Parallel()
	command := provisionCommand(operationID)
	killedAnywhere(t, func(f *fixture) {
		_, err := f.submit(f.t.Context(), command)
		require.NoError(f.t, err)
		f.provision = throttling(0)
	}, func(f *fixture, ctx context.Context) { _ = f.worker.Handle(ctx, command) }, func(f *fixture) {
		f.Advance(3 * time.Second)
		f.handle(command)
		op := f.RequireStatus(operationID, integration.OperationRunning)
		require.NotNil(f.t, op.Waiting)
		assert.Equal(f.t, 1, op.Waiting.Attempt)
		assert.Equal(f.t, f.Message(operationID+"-retry-1").EnqueueAt, op.Waiting.NextAttemptAt)
		require.Len(f.t, f.Document().Status.Conditions, 1)
		assert.Equal(f.t, op.Waiting.Code, f.Document().Status.Conditions[0].Reason)
	})
}

// TestALastingFaultEndsInHalfAnHour: the pauses are what the documentation states, and the end tells what the last one
// waited for.
func TestALastingFaultEndsInHalfAnHour(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = throttling(0)
	began := f.Now()
	var pauses []float64
	var last diagnosis.Code
	f.handle(c)
	for n := 1; !f.Operation(c.OperationID).Status.IsFinal(); n++ {
		op := f.Operation(c.OperationID)
		assert.Equal(t, n, op.Waiting.Attempt)
		last = op.Waiting.Code
		pause := op.Waiting.NextAttemptAt.Sub(f.Now())
		pauses = append(pauses, pause.Seconds())
		f.Advance(pause)
		f.handle(f.Command(fmt.Sprintf("%s-retry-%d", c.OperationID, n)))
	}
	assert.Equal(t, []float64{10, 20, 40, 80, 160, 300, 300, 300, 300, 300}, pauses)
	assert.InDelta(t, 30*time.Minute, f.Now().Sub(began), float64(time.Minute))
	op := f.RequireStatus(c.OperationID, integration.OperationFailed)
	assert.Equal(t, diagnosis.CodeAttemptsExhausted, op.Error.Code)
	assert.Nil(t, op.Waiting)
	assert.Contains(t, op.Error.Detail, "11 attempts have failed")
	assert.Contains(t, op.Error.Detail, string(last))
	assert.Equal(t, "False", f.Document().Status.Conditions[0].Status)
	assert.Equal(t, []string{"failed failed"}, f.events())
}

// TestAParkedCommandWaitsAsLongAsItIsAsked: a service that asks for a longer pause gets it, up to the longest there
// is.
func TestAParkedCommandWaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{
		0: 10 * time.Second, 3 * time.Second: 10 * time.Second, 95 * time.Second: 95 * time.Second,
		5 * time.Minute: 5 * time.Minute, time.Hour: 5 * time.Minute,
	} {
		f := newFixture(t)
		c := f.submitted()
		f.provision = throttling(asked)
		f.handle(c)
		assert.Equal(t, want, f.Message(c.OperationID+"-retry-1").EnqueueAt.Sub(f.Now()), asked)
	}
}

// TestADocumentTellsWhyItIsNotProvisionedYet, and one that is goes on saying what it said.
func TestADocumentTellsWhyItIsNotProvisionedYet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		phase    integration.Phase
		isProved bool
	}{
		"pending": {integration.PhasePending, false}, "provisioning": {integration.PhaseProvisioning, false},
		"usable": {integration.PhaseUsable, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			command := f.submitted()
			f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
				require.NoError(t, a.Save(ctx, func(d *integration.Document) {
					d.Status.Phase = c.phase
					if c.isProved {
						d.SetCondition(f.Now(), integration.ConditionVerified, "True", nil, "")
					}
				}))
				return throttling(0)(ctx, a)
			}
			f.handle(command)
			assert.Equal(t, c.phase, f.Document().Status.Phase)
			conditions := f.Document().Status.Conditions
			require.Len(t, conditions, 1)
			if c.isProved {
				assert.Equal(t, integration.ConditionVerified, conditions[0].Type)
				assert.Equal(t, "True", conditions[0].Status)
				return
			}
			assert.Equal(t, integration.ConditionProvisioned, conditions[0].Type)
			assert.Equal(t, "Unknown", conditions[0].Status)
			assert.Equal(t, diagnosis.CodeThrottled, conditions[0].Reason)
			assert.NotEmpty(t, conditions[0].Message)
			require.NotNil(t, conditions[0].Diagnosis)
			f.Advance(time.Minute)
			f.handle(f.Command(command.OperationID + "-retry-1"))
			assert.Equal(t, conditions, f.Document().Status.Conditions, "nothing is new")
		})
	}
	t.Run("superseded meanwhile", func(t *testing.T) {
		f := newFixture(t)
		c := f.submitted()
		f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
			f.submitted()
			return throttling(0)(ctx, a)
		}
		f.handle(c)
		assert.Empty(t, f.Document().Status.Conditions, "the new operation has nothing to wait for")
	})
}

// TestAClosedStoreKeepsNoCommandFromBeingParked: the copy is sent although nothing can say so.
func TestAClosedStoreKeepsNoCommandFromBeingParked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.Store.Before = func(c operationtest.Call) error {
		if c.Name == operationtest.CallPut {
			return errors.New("403 AuthorizationFailure")
		}
		return nil
	}
	f.handle(c)
	f.Store.Before = nil
	assert.Nil(t, f.Operation(c.OperationID).Waiting)
	f.handle(f.Command(c.OperationID + "-retry-1"))
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
}

// TestWhatIsFoundByCodeIsParkedOrFails: a code is final or not by the policy table alone.
func TestWhatIsFoundByCodeIsParkedOrFails(t *testing.T) {
	t.Parallel()
	for code, want := range map[diagnosis.Code]integration.OperationStatus{
		diagnosis.CodeDDOECreateUnsettled: integration.OperationRunning,
		diagnosis.CodeStoreUnavailable:    integration.OperationRunning,
		diagnosis.CodeRoleMissing:         integration.OperationFailed,
		diagnosis.CodeDeprovisioning:      integration.OperationFailed,
	} {
		f := newFixture(t)
		c := f.submitted()
		f.provision = failing(code)
		f.handle(c)
		f.RequireStatus(c.OperationID, want)
	}
	f := newFixture(t)
	c := f.submitted()
	f.provision = func(context.Context, *operation.Attempt) (any, error) { return nil, errors.New("a slip") }
	f.handle(c)
	f.RequireStatus(c.OperationID, integration.OperationRunning)
}

// TestOneLineForAParkedCommand is found by the same keys as the invocation's line, and its pause can be read.
func TestOneLineForAParkedCommand(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	f.provision = failing(diagnosis.CodeGraphUnavailable)
	f.handle(c)
	require.Equal(t, 1, strings.Count(f.Log.String(), "\n"), f.Log.String())
	var line map[string]any
	require.NoError(t, json.Unmarshal(f.Log.Bytes(), &line))
	delete(line, "time")
	assert.Equal(t, map[string]any{"level": "WARN", "msg": "parked", "operationId": c.OperationID, "integrationId": id,
		"attempt": 1.0,
		"pauseMs": 10000.0, "code": "graph-unavailable"}, line)
}

// TestARepeatedRequestShows: what an attempt waits for by itself can be read, with what was made so far, and no more
// when it has gone on.
func TestARepeatedRequestShows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.submitted()
	requests := policy.Requests{Now: f.Now, Sleep: func(_ context.Context, d time.Duration) error {
		op := f.Operation(c.OperationID)
		if d >= 2*time.Second {
			require.NotNil(t, op.Waiting)
			assert.Equal(t, integration.OperationRunning, op.Status)
			assert.Equal(t, 0, op.Waiting.Attempt, "none has failed")
			assert.Equal(t, f.Now().Add(d), op.Waiting.NextAttemptAt)
			assert.Len(t, op.Steps, 1)
		}
		f.Advance(d)
		return nil
	}}
	pauses := 0
	f.provision = func(ctx context.Context, a *operation.Attempt) (any, error) {
		a.Step(integration.Step{Name: "object", Status: "done", Outcome: "created"})
		err := requests.Do(ctx, policy.PrincipalUpsert, diagnosis.Context{}, func(context.Context) error {
			if pauses++; pauses <= 4 {
				return absent{}
			}
			return nil
		})
		require.NoError(t, err)
		require.NotNil(t, f.Operation(c.OperationID).Waiting)
		require.NoError(t, a.Save(ctx, nil))
		assert.Nil(t, f.Operation(c.OperationID).Waiting, "it has gone on")
		return nil, nil
	}
	f.handle(c)
	assert.Equal(t, 5, pauses)
	f.RequireStatus(c.OperationID, integration.OperationSucceeded)
}

// absent is the answer of a directory in which an object is not everywhere yet.
type absent struct{ throttled }

func (absent) HTTPStatus() int   { return 404 }
func (absent) ErrorCode() string { return "Request_ResourceNotFound" }
