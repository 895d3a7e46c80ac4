package provision_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation/operationtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// retryAt is when the n-th parked copy of the operation's command is delivered.
func (f *fixture) retryAt(operationID string, n int) time.Time {
	f.t.Helper()
	messageID := fmt.Sprintf("%s-retry-%d", operationID, n)
	i := slices.IndexFunc(f.Sent(), func(s operationtest.Sent) bool { return s.ID == messageID })
	require.GreaterOrEqual(f.t, i, 0, "no message %s", messageID)
	return f.Sent()[i].EnqueueAt
}

func failGraph(f *fixture) {
	f.fails(fault{match: at(`graph\.microsoft\.com`), status: 503, code: "ServiceUnavailable"})
}

// outages are operations that cannot go on for a while.
var outages = map[string]struct {
	begin   func(f *fixture) message.Command
	outage  func(f *fixture)
	code    string
	request string
}{
	"provisioning": {outage: failGraph, code: "graph-unavailable", request: "fault-request",
		begin: func(f *fixture) message.Command { _, c := f.submit(spec("images")); return c }},
	"provisioning by message": {outage: failGraph, code: "graph-unavailable", request: "fault-request",
		begin: func(*fixture) message.Command {
			s := spec("images")
			return message.Command{Type: message.TypeProvision, ID: "event-1", IntegrationID: id,
				OperationID: "event-1", Spec: &s}
		}},
	"teardown": {outage: failGraph, code: "graph-unavailable", request: "fault-request",
		begin: func(f *fixture) message.Command {
			f.provisioned(spec("images"))
			_, c := f.remove(provision.TeardownOptions{})
			return c
		}},
	"access test": {code: "ddoe-unavailable",
		outage: func(f *fixture) {
			source := f.service.TokenSource
			f.takeTokensFrom(func(ctx context.Context, subject, audience string) (secret.Value, error) {
				if len(f.faults) > 0 {
					return secret.Value{}, &diagnosis.Error{Diagnosis: diagnosis.New("ddoe-unavailable")}
				}
				return source(ctx, subject, audience)
			})
			f.fails(fault{match: at(`nothing`)})
		},
		begin: func(f *fixture) message.Command {
			f.provisioned(spec("images"))
			a, err := f.service.SubmitAccessTest(f.t.Context(), id, "", access.Request{})
			require.NoError(f.t, err)
			return f.Command(a.Operation.ID)
		}},
}

// TestAParkedOperationTellsWhatItWaitsFor: each kind of work tells why it is not done and when it goes on, and no more
// when it has gone on.
func TestAParkedOperationTellsWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	for name, c := range outages {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			cmd := c.begin(f)
			c.outage(f)
			f.Advance(time.Minute)
			f.handle(cmd)
			f.Advance(time.Second)
			op := f.RequireStatus(cmd.OperationID, integration.OperationRunning)
			require.NotNil(t, op.Waiting)
			assert.Equal(t, c.code, string(op.Waiting.Code))
			assert.NotEmpty(t, op.Waiting.Title)
			assert.NotEmpty(t, op.Waiting.Detail)
			require.NotNil(t, op.Waiting.Remedy)
			assert.NotEmpty(t, op.Waiting.Remedy.Steps)
			if c.request != "" {
				assert.Equal(t, c.request, op.Waiting.Evidence.RequestID)
			}
			assert.Equal(t, 1, op.Waiting.Attempt)
			assert.Equal(t, f.retryAt(op.ID, 1), op.Waiting.NextAttemptAt)
			assert.Equal(t, op.LastUpdatedAt.Add(10*time.Second), op.Waiting.NextAttemptAt)

			f.Advance(time.Minute)
			f.handle(f.Command(op.ID + "-retry-1"))
			second := f.Operation(op.ID)
			assert.True(t, second.LastUpdatedAt.After(op.LastUpdatedAt))
			assert.Equal(t, 2, second.Waiting.Attempt)
			assert.Equal(t, second.LastUpdatedAt.Add(20*time.Second), second.Waiting.NextAttemptAt)
			f.handle(cmd) // delivered late once more: the second copy is the one to wait for
			assert.Equal(t, second.Waiting, f.Operation(op.ID).Waiting)

			f.faults = nil
			f.handle(f.Command(op.ID + "-retry-2"))
			assert.Nil(t, f.RequireStatus(op.ID, integration.OperationSucceeded).Waiting)
		})
	}
}

// TestADocumentTellsWhyItIsNotProvisionedYet, and one that was kept as it is goes on saying what was proved.
func TestADocumentTellsWhyItIsNotProvisionedYet(t *testing.T) {
	t.Parallel()
	t.Run("first provisioning", func(t *testing.T) {
		f := newFixture(t)
		f.fails(fault{match: at(`graph\.microsoft\.com`), status: 503})
		_, cmd := f.submit(spec("images"))
		f.handle(cmd)
		found := f.condition("Provisioned")
		assert.Equal(t, "Unknown", found.Status)
		assert.Equal(t, diagnosis.CodeGraphUnavailable, found.Reason)
		assert.NotEmpty(t, found.Message)
		require.NotNil(t, found.Diagnosis)
		f.faults = nil
		f.fails(fault{match: at(`graph\.microsoft\.com`), times: 1, status: 503})
		f.handle(f.Command(cmd.OperationID + "-retry-1"))
		assert.Equal(t, found, f.condition("Provisioned"))
		f.handle(f.Command(cmd.OperationID + "-retry-2"))
		assert.Equal(t, "True", f.condition("Provisioned").Status)
		assert.Nil(t, f.condition("Provisioned").Diagnosis)
	})
	t.Run("kept", func(t *testing.T) {
		f := usable(t)
		before := f.Document().Status
		f.fails(fault{match: at(`graph\.microsoft\.com`), status: 503})
		_, cmd := f.submit(spec("images"))
		f.handle(cmd)
		require.NotNil(t, f.Operation(cmd.OperationID).Waiting)
		after := f.Document().Status
		assert.Equal(t, before.Conditions, after.Conditions)
		assert.Equal(t, integration.PhaseUsable, after.Phase)
	})
}

// TestAPointlessVerificationIsNoNews: that of an operation that another has followed leaves no code, so no warning in
// the log; the operation that was superseded does.
func TestAPointlessVerificationIsNoNews(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.provisioned(spec("images")).Status.LastOperationID
	superseded, cmd := f.submit(spec("archive"))
	f.provisioned(spec("images"))
	for c, code := range map[string]string{first + "-verify-0": "", superseded.Operation.ID: "superseded"} {
		ctx, record := invocation.With(t.Context())
		require.NoError(t, f.worker.Handle(ctx, f.Command(c)))
		_, _, got := record.Values()
		assert.Equal(t, code, got)
	}
	f.RequireStatus(cmd.OperationID, integration.OperationCanceled)
}
