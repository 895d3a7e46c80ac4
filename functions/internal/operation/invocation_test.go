package operation

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAMarkerOutlivesTheInvocationThatHasWrittenIt, as long as the host lets that one take.
func TestAMarkerOutlivesTheInvocationThatHasWrittenIt(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../host.json")
	require.NoError(t, err)
	var host struct{ FunctionTimeout string }
	require.NoError(t, json.Unmarshal(text, &host))
	timeout, err := time.Parse(time.TimeOnly, host.FunctionTimeout)
	require.NoError(t, err)
	assert.Greater(t, longestInvocation, timeout.Sub(timeout.Truncate(24*time.Hour)))
}
