package problemtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// RequireDocumented holds the operations that are registered against the API document in docs, word for word: what a
// client is made from is what there is. It runs in a folder of package functions.
func RequireDocumented(t *testing.T, register func(huma.API)) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", "openapi.json"))
	require.NoError(t, err)
	var documented, registered struct {
		Paths map[string]map[string]any
	}
	require.NoError(t, json.Unmarshal(body, &documented))
	body, err = json.Marshal(serve(http.NewServeMux(), func(api huma.API) {
		group := huma.NewGroup(api)
		group.UseSimpleModifier(func(op *huma.Operation) {
			operation, _ := documented.Paths[op.Path][strings.ToLower(op.Method)].(map[string]any)
			if role := roleOf(operation); role != "" {
				problem.DeclareCallers(api, op, role)
			}
		})
		register(group)
	}).OpenAPI())
	require.NoError(t, err)
	// As package openapi does.
	body = bytes.ReplaceAll(body, []byte(`"patternDescription":`), []byte(`"x-patternDescription":`))
	require.NoError(t, json.Unmarshal(body, &registered))
	require.NotEmpty(t, registered.Paths)
	for path, operations := range registered.Paths {
		for method, operation := range operations {
			assert.Equal(t, documented.Paths[path][method], operation, "%s %s", method, path)
		}
	}
}

// roleOf is the role that a documented operation takes, which the composition of the app gives to an edge; empty for
// none.
func roleOf(operation map[string]any) string {
	ways, _ := operation["security"].([]any)
	for _, way := range ways {
		if roles, ok := way.(map[string]any)[problem.CallerScheme].([]any); ok {
			return roles[0].(string)
		}
	}
	return ""
}
