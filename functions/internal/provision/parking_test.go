package provision_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/access"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/message"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
	"github.com/ddoe-ai/azure-wif/functions/internal/secret"
)

// retryAt is when the n-th parked copy of the operation's command is delivered.
func (f *fixture) retryAt(operationID string, n int) time.Time {
	f.t.Helper()
	return f.Message(fmt.Sprintf("%s-retry-%d", operationID, n)).EnqueueAt
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

// TestAnOutageIsNamedUntilTheWorkGoesOn: each kind of work tells which service it waits for, and why.
func TestAnOutageIsNamedUntilTheWorkGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			cmd := c.begin(f)
			c.outage(f)
			f.handle(cmd)
			op := f.RequireStatus(cmd.OperationID, integration.OperationRunning)
			require.NotNil(t, op.Waiting)
			assert.Equal(t, c.code, string(op.Waiting.Code))
			assert.NotEmpty(t, op.Waiting.Title)
			assert.NotEmpty(t, op.Waiting.Detail)
			if c.request != "" {
				assert.Equal(t, c.request, op.Waiting.Evidence.RequestID)
			}
			f.faults = nil
			f.handle(f.Command(op.ID + "-retry-1"))
			assert.Nil(t, f.RequireStatus(op.ID, integration.OperationSucceeded).Waiting)
			if f.Document().Status.Phase == integration.PhaseProvisioned {
				assert.Equal(t, "True", f.condition("Provisioned").Status)
				assert.Nil(t, f.condition("Provisioned").Diagnosis, "it waits for nothing any more")
			}
		})
	}
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
