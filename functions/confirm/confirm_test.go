package confirm_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/confirm"
	"github.com/ddoe-ai/azure-wif/functions/internal/caller"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, confirm.Function{}.Register)
}

// TestAConfirmationReachesTheUseCase, with who has sent it, and the document is answered; a body is optional.
func TestAConfirmationReachesTheUseCase(t *testing.T) {
	for body, want := range map[string]integration.DDOEConfirmation{
		"":   {By: "someone"},
		"{}": {By: "someone"},
		`{"integrationId":"0123-a_B","driverId":"4567"}`: {By: "someone", IntegrationID: "0123-a_B",
			DriverID: "4567"},
	} {
		edge := problemtest.Serve(confirm.Function{Confirm: func(_ context.Context, id string,
			c integration.DDOEConfirmation) (integration.Document, error) {
			assert.Equal(t, want, c, body)
			return integration.Document{ID: id, Generation: 2, CreatedAt: time.Now(), ETag: "7"}, nil
		}}.Register)
		ctx := caller.With(t.Context(), caller.Caller{ID: "someone"})
		got := edge.CallIn(ctx, t, "POST", "/integrations/my-images/confirm", body)
		require.Equal(t, 200, got.Status, got.Raw)
		assert.Equal(t, `"2-e3b0c442"`, got.Header.Get("ETag"))
		assert.Equal(t, "my-images", got.Body["id"])
		assert.InDelta(t, 2, got.Body["generation"], 0)
	}
}

// TestWhatIsRefusedConfirmsNothing, and tells so.
func TestWhatIsRefusedConfirmsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		id, body, code string
		err            error
		status         int
		pointer        string
	}{
		"id":      {"My-Images", "", "invalid-id", nil, 400, "/path/id"},
		"no JSON": {"my-images", "{", "malformed-body", nil, 400, ""},
		"integration's id": {"my-images", `{"integrationId":"a/b","driverId":"x"}`, "invalid-value", nil, 422,
			"/integrationId"},
		"driver's id": {"my-images", `{"driverId":"a b"}`, "invalid-value", nil, 422, "/driverId"},
		"use case": {"my-images", "", "nothing-to-confirm",
			&diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeNothingToConfirm)}, 409, ""},
	} {
		t.Run(name, func(t *testing.T) {
			edge := problemtest.Serve(confirm.Function{Confirm: func(context.Context, string,
				integration.DDOEConfirmation) (integration.Document, error) {
				assert.Error(t, c.err, "it was not to be asked")
				return integration.Document{}, c.err
			}}.Register)
			got := edge.Call(t, "POST", "/integrations/"+c.id+"/confirm", c.body)
			assert.Equal(t, c.status, got.Status, got.Raw)
			assert.Equal(t, c.code, got.Body["code"])
			if c.pointer != "" {
				assert.Equal(t, c.pointer, got.Body["errors"].([]any)[0].(map[string]any)["pointer"])
			}
		})
	}
}
