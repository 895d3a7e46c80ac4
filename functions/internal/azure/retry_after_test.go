package azure_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
)

// TestRetryAfter holds both forms of the header, each around its bounds.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "1.5": 0, "-1": 0, "0": 0, "1": time.Second, "150": 150 * time.Second,
		"86399": day - time.Second, "86400": day, "86401": day,
		"9223372037":          day, // nanoseconds would overflow
		"9223372036854775807": day,
	} {
		assert.Equal(t, want, azure.RetryAfter(http.Header{"Retry-After": {value}}, now), value)
	}
	for at, want := range map[time.Duration]time.Duration{-time.Hour: 0, 0: 0, time.Second: time.Second,
		2 * time.Minute: 2 * time.Minute, day: day, day + time.Second: day} {
		value := now.Add(at).Format(http.TimeFormat)
		assert.Equal(t, want, azure.RetryAfter(http.Header{"Retry-After": {value}}, now), value)
	}
}
