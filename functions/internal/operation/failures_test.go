package operation_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration/storetest"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
)

// failingAnywhere has the store fail at each of its calls, each time in a fixture of its own, and the last time at
// none: before the call is done, and after. do is told whether it has to fail.
func failingAnywhere(t *testing.T, prepare func(f *fixture), do func(f *fixture) error,
	then func(f *fixture, err error,
		failed bool)) {
	t.Helper()
	for name, lost := range map[string]bool{"not done": false, "answer lost": true} {
		t.Run(name, func(t *testing.T) {
			for n, failed := 1, true; failed; n++ {
				f := newFixture(t)
				prepare(f)
				failing := &storetest.Failing{Store: f.Store.Records, At: n, Lost: lost}
				f.Store.Records = failing
				err := do(f)
				f.Store.Records, failed = failing.Store, failing.HasFailed()
				then(f, err, failed)
				if t.Failed() {
					t.Fatalf("call %d, %s: %v", n, name, err)
				}
				require.True(t, failed || n > 2, "there is something that can fail")
			}
		})
	}
}

// drain delivers every command that is on the queue, once and in order, those too that come of it.
func (f *fixture) drain() {
	f.t.Helper()
	for n := 0; n < len(f.Sent()); n++ {
		if f.Sent()[n].Entity == message.QueueCommands && f.Sent()[n].Subject != message.TypeVerify {
			f.handle(f.Command(f.Sent()[n].ID))
		}
	}
}

// commandCases are what a producer or a request asks for, each with what becomes of it.
var commandCases = map[string]struct {
	prepare func(f *fixture)
	command message.Command
	status  integration.OperationStatus
	phase   integration.Phase
	events  []string
}{
	"provision by request": {func(f *fixture) { f.mustSubmit(provisionCommand(operationID)) },
		provisionCommand(operationID), integration.OperationSucceeded, integration.PhaseProvisioned,
		[]string{"provisioned provisioned"}},
	"provision by message": {func(*fixture) {}, message.Command{Type: message.TypeProvision, IntegrationID: id,
		OperationID: operationID, Spec: &integration.Spec{}}, integration.OperationSucceeded,
		integration.PhaseProvisioned, []string{"provisioned provisioned"}},
	"provision that fails": {func(f *fixture) {
		f.mustSubmit(provisionCommand(operationID))
		f.provision = failing(diagnosis.CodeRoleMissing)
	}, provisionCommand(operationID), integration.OperationFailed, integration.PhaseFailed, []string{"failed failed"}},
	"repair by message": {func(f *fixture) { f.handle(f.submitted()); f.Advance(1) }, provisionCommand(operationID),
		integration.OperationSucceeded, integration.PhaseProvisioned,
		[]string{"provisioned provisioned", "provisioned provisioned"}},
	"teardown by request": {func(f *fixture) { f.handle(f.submitted()); f.mustSubmit(teardownCommand(false)) },
		teardownCommand(false), integration.OperationSucceeded, integration.PhaseDeleted,
		[]string{"provisioned provisioned", "deleted deleted"}},
	"teardown by message": {func(f *fixture) { f.handle(f.submitted()); f.Advance(1) }, teardownCommand(false),
		integration.OperationSucceeded, integration.PhaseDeleted,
		[]string{"provisioned provisioned", "deleted deleted"}},
	"access test by message": {func(f *fixture) { f.handle(f.submitted()) }, message.Command{
		Type: message.TypeAccessTest, IntegrationID: id, OperationID: operationID}, integration.OperationSucceeded,
		integration.PhaseProvisioned, []string{"provisioned provisioned"}},
}

func (f *fixture) mustSubmit(c message.Command) {
	f.t.Helper()
	_, err := f.submit(f.t.Context(), c)
	require.NoError(f.t, err)
}

func teardownCommand(purge bool) message.Command {
	return message.Command{Type: message.TypeDeprovision, IntegrationID: id, OperationID: operationID, Purge: purge}
}

// TestAStoreThatFailsAnywhere, at any call of any command: the command comes to the end that it would have had, and
// tells of it once, with a copy of it or with the delivery that the broker repeats.
func TestAStoreThatFailsAnywhere(t *testing.T) {
	t.Parallel()
	for name, c := range commandCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failingAnywhere(t, c.prepare, func(f *fixture) error { return f.worker.Handle(t.Context(), c.command) },
				func(f *fixture, err error, _ bool) {
					if err != nil {
						f.handle(c.command)
					}
					f.drain()
					f.RequireStatus(operationID, c.status)
					assert.Equal(f.t, c.phase, f.Document().Status.Phase)
					f.sweep()
					assert.Equal(f.t, c.events, f.events())
					assert.Empty(f.t, f.Document().Outbox)
				})
		})
	}
}

// TestACommandKilledAnywhere is not lost, wherever it comes from: a producer's teardown that died between its two
// records would else be taken for one that another operation has overtaken.
func TestACommandKilledAnywhere(t *testing.T) {
	t.Parallel()
	for name, c := range commandCases {
		if c.command.Type == message.TypeAccessTest {
			continue // it has two effects, and killedAnywhere wants more
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killedAnywhere(t, c.prepare, func(f *fixture, ctx context.Context) { _ = f.worker.Handle(ctx, c.command) },
				func(f *fixture) {
					f.handle(c.command)
					f.RequireStatus(operationID, c.status)
					assert.Equal(f.t, c.phase, f.Document().Status.Phase)
					assert.Equal(f.t, c.events, f.events())
				})
		})
	}
}

// TestAKilledCommandOvertakesNothing: what a later operation has asked for meanwhile stays.
func TestAKilledCommandOvertakesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]message.Command{
		"with a spec": {Type: message.TypeProvision, IntegrationID: id, OperationID: operationID,
			Spec: &integration.Spec{DisplayName: "early"}},
		"without": provisionCommand(operationID),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.handle(f.submitted())
			require.Error(t, f.worker.Handle(f.Doom(t.Context(), 3, true), c),
				"after its operation, before the document")
			require.True(t, f.IsDead())
			f.Revive()
			f.Advance(1)
			late := provisionCommand("late")
			late.Spec = &integration.Spec{DisplayName: "late"}
			f.mustSubmit(late)
			f.handle(c)
			assert.Equal(t, diagnosis.CodeSuperseded, f.RequireStatus(operationID,
				integration.OperationCanceled).Error.Code)
			assert.Equal(t, "late", f.Document().Status.LastOperationID)
			assert.Equal(t, "late", f.Document().Spec.DisplayName)
		})
	}
}

// TestASubmissionToAStoreThatFails tells so, and can be repeated: it is never answered as if it were written down.
func TestASubmissionToAStoreThatFails(t *testing.T) {
	t.Parallel()
	joins := message.Command{Type: message.TypeDeprovision, IntegrationID: id}
	for name, c := range map[string]struct {
		prepare func(f *fixture)
		command message.Command
	}{
		"a new one": {func(*fixture) {}, provisionCommand(operationID)},
		"a repeated": {func(f *fixture) { f.mustSubmit(provisionCommand(operationID)) },
			provisionCommand(operationID)},
		"one that joins": {func(f *fixture) { f.handle(f.submitted()); f.mustSubmit(joins) },
			joins},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got operation.Accepted
			failingAnywhere(t, c.prepare, func(f *fixture) (err error) {
				got, err = f.submit(t.Context(), c.command)
				return err
			}, func(f *fixture, err error, failed bool) {
				if failed && err != nil {
					requireCode(f.t, diagnosis.CodeStoreUnavailable, err)
					require.ErrorIs(f.t, err, storetest.ErrDown)
					got, err = f.submit(t.Context(), c.command)
				}
				require.NoError(f.t, err)
				assert.NotEmpty(f.t, f.Message(got.Operation.ID).Body, "a mark that stays is for the timer to remove")
				assert.Equal(f.t, got.Operation.ID, f.Document().Status.LastOperationID)
				f.drain()
				f.RequireStatus(got.Operation.ID, integration.OperationSucceeded)
			})
		})
	}
}

// TestWhatIsToldOverAStoreThatFails is told in the end, once; what could not be written is said.
func TestWhatIsToldOverAStoreThatFails(t *testing.T) {
	t.Parallel()
	usables := []string{"provisioned provisioned", "usable usable"}
	for name, c := range map[string]struct {
		prepare func(f *fixture)
		do      func(f *fixture) error
		again   bool // the change is made anew where it was not made
	}{
		"a change": {func(f *fixture) { f.handle(f.submitted()) }, func(f *fixture) error {
			_, err := f.Engine.Change(f.t.Context(), id, usable)
			return err
		}, true},
		"a sweep": {func(f *fixture) {
			f.handle(f.submitted())
			f.Refuse(message.TopicEvents, errNoLink)
			_, err := f.Engine.Change(f.t.Context(), id, usable)
			require.NoError(f.t, err)
			f.Refuse(message.TopicEvents, nil)
		}, func(f *fixture) error { return f.Engine.Sweep(f.t.Context()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failingAnywhere(t, c.prepare, c.do, func(f *fixture, err error, failed bool) {
				if failed {
					requireCode(f.t, diagnosis.CodeStoreUnavailable, err)
				} else {
					require.NoError(f.t, err)
				}
				if c.again && f.Document().Status.Phase != integration.PhaseUsable {
					require.NoError(f.t, c.do(f))
				}
				f.sweep()
				assert.Equal(f.t, usables, f.events())
				assert.Empty(f.t, f.Document().Outbox)
			})
		})
	}
}

// TestAMessageThatIsRefusedOverAStoreThatFails is delivered again and recorded, once.
func TestAMessageThatIsRefusedOverAStoreThatFails(t *testing.T) {
	t.Parallel()
	rubbish := message.Delivery{Body: []byte("{not json"), MessageID: "m-1", SessionID: id}
	exhausted := map[string]any{"DeadLetterReason": "MaxDeliveryCountExceeded"}
	for name, c := range map[string]struct {
		prepare func(f *fixture)
		do      func(f *fixture) error
		id      string
	}{
		"rejected": {func(*fixture) {}, func(f *fixture) error {
			_, err := message.ParseCommand(rubbish)
			var rejection *message.Rejection
			require.ErrorAs(f.t, err, &rejection)
			return f.worker.Reject(f.t.Context(), rubbish, rejection)
		}, "m-1"},
		"a dead letter that cannot be read": {func(*fixture) {}, func(f *fixture) error {
			return f.worker.DeadLettered(f.t.Context(), rubbish)
		}, "m-1"},
		"a dead letter": {func(f *fixture) { f.mustSubmit(provisionCommand(operationID)) }, func(f *fixture) error {
			d := f.Delivery(operationID)
			d.ApplicationProperties = exhausted
			f.Advance(longAfter)
			return f.worker.DeadLettered(f.t.Context(), d)
		}, operationID},
		"of an unknown type": {func(*fixture) {}, func(f *fixture) error {
			return f.worker.Handle(f.t.Context(), message.Command{Type: "ai.ddoe.wif.other.v1", ID: "event-1",
				IntegrationID: id, OperationID: operationID})
		}, operationID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, failed := 1, true; failed; n++ {
				f := newFixture(t)
				c.prepare(f)
				failing := &storetest.Failing{Store: f.Store.Records, At: n}
				f.Store.Records = failing
				err := c.do(f)
				f.Store.Records, failed = failing.Store, failing.HasFailed()
				if failed {
					requireCode(t, diagnosis.CodeStoreUnavailable, err)
					require.NoError(t, c.do(f))
				} else {
					require.NoError(t, err)
				}
				f.RequireStatus(c.id, integration.OperationFailed)
				assert.Len(t, f.Keys("operations/"), 1, "call %d", n)
			}
		})
	}
}
