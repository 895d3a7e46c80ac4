package operations_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

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
			edge := problemtest.Serve(operations.Function{Operation: func(_ context.Context, id string) (integration.Operation, error) {
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
			edge := problemtest.Serve(operations.Function{Operation: func(context.Context, string) (integration.Operation, error) {
				return integration.Operation{}, c.err
			}}.Register)
			assert.Equal(t, c.code, edge.Call(t, "GET", c.path, "").Body["code"])
		})
	}
}
