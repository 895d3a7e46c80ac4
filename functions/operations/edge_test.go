package operations_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/operations"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, operations.Function{}.Register)
}

// TestTheInvocationIsAboutBoth: the operation that is asked for, and the integration that it is about. A clock is
// optional.
func TestTheInvocationIsAboutBoth(t *testing.T) {
	edge := problemtest.Serve(operations.Function{Operation: func(_ context.Context, id string) (integration.Operation,
		error) {
		return integration.Operation{ID: id, IntegrationID: "my-images", Status: integration.OperationRunning,
			Waiting: &integration.Waiting{Diagnosis: diagnosis.New("graph-unavailable"),
				NextAttemptAt: time.Now().Add(time.Hour)}}, nil
	}}.Register)
	ctx, record := invocation.With(t.Context())
	got := edge.CallIn(ctx, t, "GET", "/operations/op", "")
	assert.Equal(t, "30", got.Header.Get("Retry-After"))
	id, operation, _ := record.Values()
	assert.Equal(t, []string{"my-images", "op"}, []string{id, operation})
}

// TestTheLimitsOfAPause: what is left is rounded up, from one second to thirty.
func TestTheLimitsOfAPause(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for left, want := range map[time.Duration]string{-1: "2", 0: "2", 1: "1", time.Second: "1", time.Second + 1: "2",
		29*time.Second + 1: "30", 30 * time.Second: "30", 30*time.Second + 1: "30"} {
		edge := problemtest.Serve(operations.Function{Now: func() time.Time { return now },
			Operation: func(_ context.Context, id string) (integration.Operation, error) {
				return integration.Operation{ID: id, Status: integration.OperationRunning,
					Waiting: &integration.Waiting{NextAttemptAt: now.Add(left)}}, nil
			}}.Register)
		assert.Equal(t, want, edge.Call(t, "GET", "/operations/x", "").Header.Get("Retry-After"), left)
	}
}
