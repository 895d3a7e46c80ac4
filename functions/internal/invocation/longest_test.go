package invocation_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/invocation"
)

// TestNoInvocationTakesLonger: the host ends it before, so a marker or a claim outlives the one that has written it.
func TestNoInvocationTakesLonger(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../host.json")
	require.NoError(t, err)
	var host struct{ FunctionTimeout string }
	require.NoError(t, json.Unmarshal(text, &host))
	timeout, err := time.Parse(time.TimeOnly, host.FunctionTimeout)
	require.NoError(t, err)
	assert.Greater(t, invocation.Longest, timeout.Sub(timeout.Truncate(24*time.Hour)))
}
