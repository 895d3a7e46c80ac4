package disconnect_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/disconnect"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, disconnect.Function{}.Register)
}

// TestWhatIsRefusedTearsNothingDown, and states it; the invocation's line has the ids.
func TestWhatIsRefusedTearsNothingDown(t *testing.T) {
	for name, c := range map[string]struct {
		path, operation string
		err             error
		status          int
		code            string
		asked           int
	}{
		"id":           {"/integrations/My-Images", "", nil, 400, "invalid-id", 0},
		"operation id": {"/integrations/my-images", "first", nil, 400, "invalid-parameter", 0},
		"use case": {"/integrations/my-images", "", &diagnosis.Error{Diagnosis: diagnosis.New("not-owned")}, 409,
			"not-owned", 1},
		"nothing": {"/integrations/my-images", "", nil, 202, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			edge := problemtest.Serve(disconnect.Function{Submit: func(_ context.Context, id string,
				_ provision.TeardownOptions) (operation.Accepted, error) {
				asked++
				assert.Equal(t, "my-images", id)
				return operation.Accepted{Operation: integration.Operation{ID: "op", IntegrationID: id}}, c.err
			}, OperationURL: func(id string) string { return "/here/" + id }}.Register)
			headers := []string{}
			if c.operation != "" {
				headers = []string{"Operation-Id", c.operation}
			}
			ctx, record := invocation.With(t.Context())
			got := edge.CallIn(ctx, t, "DELETE", c.path, "", headers...)
			assert.Equal(t, c.status, got.Status, got.Raw)
			assert.Equal(t, c.asked, asked)
			id, operation, _ := record.Values()
			if c.code != "" {
				assert.Equal(t, c.code, got.Body["code"])
				assert.Empty(t, operation)
				return
			}
			assert.Equal(t, "op", got.Body["id"])
			assert.Equal(t, "my-images", got.Body["integrationId"])
			assert.Equal(t, []string{"my-images", "op"}, []string{id, operation})
		})
	}
}
