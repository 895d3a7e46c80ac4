package disconnect_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/disconnect"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/operation"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/provision"
)

func TestTeardown(t *testing.T) {
	var asked provision.TeardownOptions
	edge := problemtest.Serve(disconnect.Function{
		Submit: func(_ context.Context, id string, opts provision.TeardownOptions) (operation.Accepted, error) {
			asked = opts
			return operation.Accepted{Operation: integration.Operation{ID: "op", IntegrationID: id,
				RequestHash: "hash", Steps: []integration.Step{}}}, nil
		},
		OperationURL: func(id string) string { return "/here/" + id },
	}.Register)

	got := edge.Call(t, "DELETE", "/integrations/my-images?purge=true", "", "If-Match", `"1"`, "Operation-Id",
		"0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10")
	require.Equal(t, 202, got.Status, got.Raw)
	assert.Equal(t, provision.TeardownOptions{OperationID: "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10", IfMatch: `"1"`,
		Purge: true}, asked)
	assert.Equal(t, "/here/op", got.Header.Get("Operation-Location"))
	assert.NotContains(t, got.Raw, "hash", "the request hash is stored, never served")

	edge.Call(t, "DELETE", "/integrations/my-images", "", "If-None-Match", `"2"`)
	assert.Equal(t, provision.TeardownOptions{IfNoneMatch: `"2"`}, asked, "a precondition is never ignored")

	edge.Call(t, "DELETE", "/integrations/my-images", "")
	assert.Equal(t, provision.TeardownOptions{}, asked)
}
