package cancel_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/cancel"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, cancel.Function{}.Register)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path   string
		err    error
		status int
		code   any
	}{
		"canceled": {"/operations/op/cancel", nil, 200, nil},
		"runs": {"/operations/op/cancel", &diagnosis.Error{
			Diagnosis: diagnosis.New(diagnosis.CodeOperationNotCancelable)}, 409, "operation-not-cancelable"},
		"absent":     {"/operations/op/cancel", integration.ErrNotFound, 404, "operation-not-found"},
		"no store":   {"/operations/op/cancel", errors.New("down"), 503, "store-unavailable"},
		"no such id": {"/operations/-x/cancel", errors.New("not asked"), 400, "invalid-operation-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edge := problemtest.Serve(cancel.Function{Cancel: func(_ context.Context,
				id string) (integration.Operation, error) {
				return integration.Operation{ID: id, IntegrationID: "my-images",
					Status: integration.OperationCanceled}, c.err
			}}.Register)
			ctx, record := invocation.With(t.Context())
			got := edge.CallIn(ctx, t, "POST", c.path, "")
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.code, got.Body["code"])
			if c.err == nil {
				assert.Equal(t, "Canceled", got.Body["status"])
				id, operation, _ := record.Values()
				assert.Equal(t, []string{"my-images", "op"}, []string{id, operation})
			}
		})
	}
}
