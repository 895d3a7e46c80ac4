package healthz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/healthz"
	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
)

func TestTellsNothingButVersion(t *testing.T) {
	got := problemtest.Serve(healthz.Function{Version: "v1"}.Register).Call(t, "GET", "/healthz", "")
	assert.Equal(t, 200, got.Status)
	assert.Equal(t, map[string]any{"status": "ok", "version": "v1"}, got.Body)
	assert.Equal(t, "no-store", got.Header.Get("Cache-Control"))
}
