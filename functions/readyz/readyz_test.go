package readyz_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem/problemtest"
	"github.com/ddoe-ai/azure-wif/functions/internal/readiness"
	"github.com/ddoe-ai/azure-wif/functions/readyz"
)

func TestTheOperationIsTheDocumented(t *testing.T) {
	problemtest.RequireDocumented(t, readyz.Function{}.Register)
}

func TestReady(t *testing.T) {
	for ready, status := range map[bool]int{true: 200, false: 503} {
		edge := problemtest.Serve(readyz.Function{Check: func(context.Context) readiness.Readiness {
			return readiness.Readiness{Ready: ready, Checks: []readiness.Probed{{Name: "stateStore", Status: "pass"}}}
		}}.Register)
		got := edge.Call(t, "GET", "/readyz", "")
		assert.Equal(t, status, got.Status)
		assert.Equal(t, ready, got.Body["ready"])
		assert.Equal(t, "no-store", got.Header.Get("Cache-Control"))
	}
}
