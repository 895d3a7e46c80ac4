// Package problemtest serves single edges in tests, on an API that answers as the app's does.
package problemtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/problem"
)

// Edge is an API with some operations on it.
type Edge struct{ handler http.Handler }

// Serve registers operations without a route prefix.
func Serve(register func(huma.API)) *Edge {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0", Info: &huma.Info{Title: "test", Version: "1"},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/",
				huma.DefaultSchemaNamer)},
		},
		Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat,
			"json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json", Transformers: []huma.Transformer{problem.Transform},
	})
	register(api)
	problem.CompleteTags(api.OpenAPI())
	return &Edge{problem.Handler(mux, "")}
}

// Answer is an HTTP answer with its body decoded where it is JSON.
type Answer struct {
	Status int
	Header http.Header
	Raw    string
	Body   map[string]any
}

// Call sends a request; headers are names and values in turn.
func (e *Edge) Call(t *testing.T, method, target, body string, headers ...string) Answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	a := Answer{Status: w.Code, Header: w.Header(), Raw: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.Body), a.Raw)
	}
	return a
}
