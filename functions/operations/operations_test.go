package operations_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/operations"
)

func TestRetryAfterWhileItRuns(t *testing.T) {
	for status, retryAfter := range map[integration.OperationStatus]string{
		integration.OperationNotStarted: "2", integration.OperationRunning: "2",
		integration.OperationSucceeded: "", integration.OperationFailed: "", integration.OperationCanceled: "",
	} {
		t.Run(string(status), func(t *testing.T) {
			edge := problemtest.Serve(
				operations.Function{Operation: func(_ context.Context, id string) (integration.Operation, error) {
					return integration.Operation{ID: id, Status: status, RequestHash: "hash"}, nil
				}}.Register)
			got := edge.Call(t, "GET", "/operations/e1.of_a-Producer", "")
			assert.Equal(t, 200, got.Status)
			assert.Equal(t, string(status), got.Body["status"])
			assert.Equal(t, retryAfter, got.Header.Get("Retry-After"))
			assert.NotContains(t, got.Raw, "hash")
		})
	}
}

// TestRetryAfterWhileItWaits: a poller comes again with the next attempt, but sees within half a minute that it is
// still to come.
func TestRetryAfterWhileItWaits(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		left       time.Duration
		retryAfter string
	}{
		"overdue":        {-time.Minute, "2"},
		"now":            {0, "2"},
		"rounded up":     {9*time.Second + time.Millisecond, "10"},
		"whole seconds":  {10 * time.Second, "10"},
		"bounded":        {31 * time.Second, "30"},
		"minutes to go":  {5 * time.Minute, "30"},
		"a moment to go": {time.Millisecond, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			edge := problemtest.Serve(operations.Function{Now: func() time.Time { return now },
				Operation: func(_ context.Context, id string) (integration.Operation, error) {
					return integration.Operation{ID: id, Status: integration.OperationRunning,
						Waiting: &integration.Waiting{Diagnosis: diagnosis.New("graph-unavailable"), Attempt: 2,
							NextAttemptAt: now.Add(c.left)}}, nil
				}}.Register)
			got := edge.Call(t, "GET", "/operations/x", "")
			assert.Equal(t, c.retryAfter, got.Header.Get("Retry-After"))
			waiting, _ := got.Body["waiting"].(map[string]any)
			assert.Equal(t, "graph-unavailable", waiting["code"])
			assert.InDelta(t, 2, waiting["attempt"], 0)
			assert.NotEmpty(t, waiting["nextAttemptAt"])
		})
	}
}

func TestUnreadable(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		err  error
		code string
	}{
		"absent":     {"/operations/x", integration.ErrNotFound, "operation-not-found"},
		"no store":   {"/operations/x", errors.New("down"), "store-unavailable"},
		"no such id": {"/operations/-x", errors.New("not asked"), "invalid-operation-id"},
	} {
		t.Run(name, func(t *testing.T) {
			edge := problemtest.Serve(
				operations.Function{Operation: func(context.Context, string) (integration.Operation, error) {
					return integration.Operation{}, c.err
				}}.Register)
			assert.Equal(t, c.code, edge.Call(t, "GET", c.path, "").Body["code"])
		})
	}
}
