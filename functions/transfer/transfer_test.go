package transfer_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/transfer"
)

const somebody = "55555555-5555-4555-8555-555555555555"

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, transfer.Function{}.Register)
}

// TestATransferReachesTheUseCase, with its precondition, and the document is answered.
func TestATransferReachesTheUseCase(t *testing.T) {
	edge := problemtest.Serve(transfer.Function{Transfer: func(_ context.Context, id, owner,
		ifMatch string) (integration.Document, error) {
		assert.Equal(t, []string{"my-images", somebody, `"1-x"`}, []string{id, owner, ifMatch})
		return integration.Document{ID: id, Owner: owner, Generation: 2, ETag: "7"}, nil
	}}.Register)
	got := edge.Call(t, "PATCH", "/integrations/my-images/owner", `{"owner":"`+somebody+`"}`, "If-Match", `"1-x"`)
	require.Equal(t, 200, got.Status, got.Raw)
	assert.Equal(t, `"2-e3b0c442"`, got.Header.Get("ETag"))
	assert.Equal(t, somebody, got.Body["owner"])
}

// TestWhatIsRefusedTransfersNothing, and tells why.
func TestWhatIsRefusedTransfersNothing(t *testing.T) {
	for name, c := range map[string]struct {
		id, body, code string
		err            error
		status         int
		pointer        string
	}{
		"id":       {"My-Images", `{"owner":"queue"}`, "invalid-id", nil, 400, "/path/id"},
		"no body":  {"my-images", "", "malformed-body", nil, 400, ""},
		"cut off":  {"my-images", `{"owner":`, "malformed-body", nil, 400, ""},
		"a name":   {"my-images", `{"owner":"somebody"}`, "invalid-value", nil, 422, "/owner"},
		"no owner": {"my-images", `{}`, "invalid-value", nil, 422, "/owner"},
		"use case": {"my-images", `{"owner":"queue"}`, "integration-not-found",
			&diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeIntegrationNotFound)}, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			edge := problemtest.Serve(transfer.Function{Transfer: func(context.Context, string, string,
				string) (integration.Document, error) {
				assert.Error(t, c.err, "it was not to be asked")
				return integration.Document{}, c.err
			}}.Register)
			got := edge.Call(t, "PATCH", "/integrations/"+c.id+"/owner", c.body)
			assert.Equal(t, c.status, got.Status, got.Raw)
			assert.Equal(t, c.code, got.Body["code"])
			if c.pointer == "/owner" {
				assert.Equal(t, []any{map[string]any{"pointer": c.pointer, "code": c.code,
					"detail":   "It is not the id of anybody in Entra.",
					"expected": "a GUID in lower case, function-key or queue",
					"remedy":   "Copy the id of the user, the group or the service principal from Entra."}},
					got.Body["errors"])
			}
		})
	}
}
