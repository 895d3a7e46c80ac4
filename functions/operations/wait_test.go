package operations_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/operations"
)

// TestALongPoll answers when the operation ends, or when the time is over.
func TestALongPoll(t *testing.T) {
	for name, row := range map[string]struct {
		query  string
		ends   time.Duration // after the first look
		status string
		took   time.Duration
	}{
		"without":                {"", time.Hour, "Running", 0},
		"ended already":          {"?wait=20s", 0, "Succeeded", 0},
		"ends in between":        {"?wait=20s", 3 * time.Second, "Succeeded", 3 * time.Second},
		"ends with the time":     {"?wait=1s", time.Second, "Succeeded", time.Second},
		"does not end":           {"?wait=30s", time.Hour, "Running", 30 * time.Second},
		"does not end, at least": {"?wait=1s", time.Hour, "Running", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				edge := problemtest.Serve(operations.Function{Operation: func(_ context.Context,
					id string) (integration.Operation, error) {
					status := integration.OperationRunning
					if time.Since(began) >= row.ends {
						status = integration.OperationSucceeded
					}
					return integration.Operation{ID: id, Status: status}, nil
				}}.Register)
				got := edge.Call(t, "GET", "/operations/x"+row.query, "")
				assert.Equal(t, row.status, got.Body["status"])
				assert.Equal(t, row.took, time.Since(began))
				assert.Equal(t, row.status == "Running", got.Header.Get("Retry-After") != "")
			})
		})
	}
}

// TestALongPollThatNobodyWaitsFor ends with the request.
func TestALongPollThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		edge := problemtest.Serve(operations.Function{Operation: func(_ context.Context,
			id string) (integration.Operation,
			error) {
			return integration.Operation{ID: id, Status: integration.OperationRunning}, nil
		}}.Register)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		edge.CallIn(ctx, t, "GET", "/operations/x?wait=30s", "")
		assert.Equal(t, 2*time.Second, time.Since(began))
	})
}

func TestHowLongAPollMayBe(t *testing.T) {
	edge := problemtest.Serve(operations.Function{}.Register)
	for _, wait := range []string{"0s", "31s", "20", "1m", "-1s", "1.5s", "s", "100s", "020s"} {
		got := edge.Call(t, "GET", "/operations/x?wait="+wait, "")
		assert.Equal(t, 400, got.Status, wait)
		assert.Equal(t, "/query/wait", got.Body["errors"].([]any)[0].(map[string]any)["pointer"], wait)
	}
}
