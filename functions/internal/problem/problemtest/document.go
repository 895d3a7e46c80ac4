package problemtest

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	body, err = json.Marshal(serve(http.NewServeMux(), register).OpenAPI())
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &registered))
	require.NotEmpty(t, registered.Paths)
	for path, operations := range registered.Paths {
		for method, operation := range operations {
			assert.Equal(t, documented.Paths[path][method], operation, "%s %s", method, path)
		}
	}
}
