package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/entitlement"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/policy"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, policy.Function{}.Register)
}

// TestThePolicyIsAnsweredWhole, each grant of it.
func TestThePolicyIsAnsweredWhole(t *testing.T) {
	shown, err := entitlement.New(`[{"callers":["queue"],"issuers":["https://a.example.com"],"subjects":["a","b-*"]},
		{"callers":["role:Wif.Operate"],"issuers":["https://b.example.com"],"subjects":["c"],"access":"read"}]`,
		entitlement.Defaults{})
	require.NoError(t, err)
	got := problemtest.Serve(policy.Function{Policy: shown}.Register).Call(t, "GET", "/policy", "")
	require.Equal(t, 200, got.Status, got.Raw)
	want, err := json.Marshal(shown)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), got.Raw)
	assert.Len(t, got.Body["grants"], 2)
}
