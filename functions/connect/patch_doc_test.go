package connect_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/connect"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

// TestTheMediaTypeOfAPatch: a refusal of another one names the right one, and an encoding is refused as what it is.
func TestTheMediaTypeOfAPatch(t *testing.T) {
	edge := problemtest.Serve(connect.Function{}.Register)
	got := edge.Call(t, "PATCH", "/integrations/my-images", "{}", "Content-Type", "text/plain")
	assert.Equal(t, 415, got.Status)
	assert.Contains(t, got.Body["detail"], "application/merge-patch+json")
	got = edge.Call(t, "PATCH", "/integrations/my-images", "{}", "Content-Encoding", "gzip")
	assert.Equal(t, "unsupported-content-encoding", got.Body["code"])
	got = edge.Call(t, "PUT", "/integrations/my-images", "{}", "Content-Type", "text/plain")
	assert.NotContains(t, got.Body["detail"], "merge-patch")
}
